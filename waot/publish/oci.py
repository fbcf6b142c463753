"""A container image for several platforms, as an OCI image layout: a directory, or the same as a tar archive.

https://github.com/opencontainers/image-spec/blob/v1.1.0/spec.md. The image is the program alone: one layer with one
file. ``index.json`` names an index, which has a manifest for each platform.

An archive also has ``manifest.json``, for versions of Docker that do not know the layout. That file cannot say of
which platform an image is, so each image has a tag of its own there where there are several.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from waot.errors import UsageError
from waot.pipeline import Artifact
from waot.publish.archives import Entry, tar_gz
from waot.targets import Target, load_targets

DEFAULT_USER = "65532:65532"  # nobody's, and not root's
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_REF_NAME = "org.opencontainers.image.ref.name"

# A name as registries take it: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?"
_NAME = re.compile(rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_USER = re.compile(r"[0-9]{1,9}(?::[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Reference:
    """NAME:TAG of an image."""

    name: str
    tag: str

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}"

    @property
    def full(self) -> str:
        """As containerd and podman keep it: with the registry that Docker means where none is named."""
        first, slash, _ = self.name.partition("/")
        if not slash:
            return f"docker.io/library/{self}"
        return str(self) if "." in first or ":" in first or first == "localhost" else f"docker.io/{self}"


@dataclass(frozen=True, slots=True)
class Image:
    """What was made for one platform: its manifest's digest, and the bytes of all that it consists of."""

    platform: str
    digest: str  # SHA-256 in hexadecimal
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a layout, by path; `digest` is that of the index (SHA-256 in hexadecimal)."""

    files: dict[str, Callable[[BinaryIO], None]]
    images: list[Image]
    digest: str

    def entries(self) -> list[Entry]:
        """The files, for an archive."""
        return [Entry(path, write) for path, write in self.files.items()]


def parse_reference(text: str) -> Reference:
    """``NAME`` or ``NAME:TAG``; the tag is otherwise ``latest``. Raises UsageError."""
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:  # no tag; a colon may belong to a registry's port
        name, tag = text, "latest"
    if not _NAME.fullmatch(name) or not _TAG.fullmatch(tag):
        raise UsageError(
            f"{text!r} is no name for an image", hint="use NAME or NAME:TAG, in lower case: app:1.2  example.org/me/app"
        )
    return Reference(name, tag)


def default_reference(stem: str) -> Reference:
    """What an image is called after the module `stem`. Raises UsageError where no name can be made of it."""
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    if not name:
        raise UsageError(f"no name for an image follows from {stem!r}", hint="give one: --oci-name NAME[:TAG]")
    return Reference(name, "latest")


def parse_user(text: str) -> str:
    """``UID`` or ``UID:GID``; there are no names in an image without files. Raises UsageError."""
    if not _USER.fullmatch(text):
        raise UsageError(f"{text!r} is no user of an image", hint="use UID or UID:GID, both numbers")
    return text


def check_targets(targets: Iterable[Target]) -> None:
    """Raises UsageError for a target that no container can run."""
    for target in targets:
        if not runs(target):
            able = ",".join(each.name for each in load_targets().values() if runs(each))
            raise UsageError(f"target {target.name} has no container images", hint=f"targets with them: {able}")


def runs(target: Target) -> bool:
    """Whether containers run programs for `target`, and have a name for it."""
    return target.platform is not None and target.platform.startswith("linux/")


def timestamp(epoch: int) -> str:
    """RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def make_layout(
    artifacts: Sequence[Artifact], reference: Reference, user: str, epoch: int, pool: Executor, *, archive: bool
) -> Layout:
    """The layout for `artifacts`, which `check_targets` has accepted; `archive` if it is to be one."""
    blobs = _Blobs()
    labels = {
        "org.opencontainers.image.created": timestamp(epoch),
        "org.opencontainers.image.title": reference.name.rpartition("/")[2],
    }
    if reference.tag != "latest":
        labels["org.opencontainers.image.version"] = reference.tag
    manifests, images, legacy = [], [], []
    for artifact in artifacts:
        assert artifact.target.platform is not None
        platform = _platform(artifact.target.platform)
        program = labels["org.opencontainers.image.title"]
        layer = tar_gz([Entry(program, artifact.write, executable=True)], epoch, pool)
        config = blobs.json(
            _CONFIG,
            {
                "created": timestamp(epoch),
                **platform,
                "config": {"User": user, "Entrypoint": [f"/{program}"], "WorkingDir": "/", "Labels": labels},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.content_sha256}"]},
                "history": [{"created": timestamp(epoch), "created_by": "waot build --emit oci"}],
            },
        )
        contents = blobs.add(_LAYER, layer.sha256, layer.size, layer.write)
        head = {"schemaVersion": 2, "mediaType": _MANIFEST}
        manifest = blobs.json(_MANIFEST, {**head, "config": config, "layers": [contents], "annotations": labels})
        manifests.append({**manifest, "platform": platform})
        size = manifest["size"] + config["size"] + layer.size
        images.append(Image(artifact.target.platform, _hexadecimal(manifest), size))
        tag = reference.tag
        if len(artifacts) > 1:
            tag = f"{tag[:100]}-{'-'.join(artifact.target.platform.split('/')[1:])}"
        legacy.append(
            {"Config": _path(config), "RepoTags": [str(Reference(reference.name, tag))], "Layers": [_path(contents)]}
        )
    head = {"schemaVersion": 2, "mediaType": _INDEX}
    index = blobs.json(_INDEX, {**head, "manifests": manifests, "annotations": labels})
    named = {**index, "annotations": {_REF_NAME: reference.tag, "io.containerd.image.name": reference.full}}
    files = {
        "oci-layout": _bytes(_json({"imageLayoutVersion": "1.0.0"})),
        "index.json": _bytes(_json({**head, "manifests": [named]})),
        **blobs.files,
    }
    if archive:
        files["manifest.json"] = _bytes(_json(legacy))
    return Layout(files, images, _hexadecimal(index))


def _platform(text: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


class _Blobs:
    """The contents of a layout, each under its digest."""

    def __init__(self) -> None:
        self.files: dict[str, Callable[[BinaryIO], None]] = {}

    def add(self, media_type: str, digest: str, size: int, write: Callable[[BinaryIO], None]) -> dict[str, Any]:
        """Keeps one; returns its descriptor."""
        self.files[f"blobs/sha256/{digest}"] = write
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}

    def json(self, media_type: str, value: dict[str, Any]) -> dict[str, Any]:
        """Keeps a JSON document; returns its descriptor."""
        data = _json(value)
        return self.add(media_type, sha256(data).hexdigest(), len(data), _bytes(data))


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _bytes(data: bytes) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(data)

    return write


def _hexadecimal(descriptor: dict[str, Any]) -> str:
    return str(descriptor["digest"]).removeprefix("sha256:")


def _path(descriptor: dict[str, Any]) -> str:
    return f"blobs/sha256/{_hexadecimal(descriptor)}"
