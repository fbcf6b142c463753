"""What a release consists of, as a CycloneDX 1.6 document (ECMA-424).

It names the module and those linked with it by their digests, the embedded directories, what is compiled in beside
them, every file of the release, what the programs were granted, and the versions of the tools. It says nothing of the
machine or the directory: the same release has the same document, and its serial number follows from it.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from waot.errors import WaotError
from waot.options import BuildOptions, Grants
from waot.publish.oci import timestamp

_NAMESPACE = uuid.UUID("5b0b4c7e-7a53-5a7e-9e7a-6d2d1f2f8a10")  # of serial numbers: any fixed one


@dataclass(frozen=True, slots=True)
class Part:
    """A file that goes into the programs, or into an archive: what it is called, and its SHA-256 in hexadecimal."""

    name: str
    sha256: str
    linked_as: str = ""  # of a module


@dataclass(frozen=True, slots=True)
class Archive:
    """A file of the release, and the files in it."""

    file: Part
    target: str
    triple: str
    contents: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """All that the document tells."""

    name: str
    version: str
    modules: tuple[Part, ...]  # the main one first
    embedded: tuple[Part, ...]  # directories; see `tree_digest`
    archives: tuple[Archive, ...]
    options: BuildOptions
    tools: tuple[tuple[str, str], ...]  # name and version, waot's first
    epoch: int | None  # None: the document has no time


def make_sbom(contents: Contents) -> bytes:
    """The document."""
    root = f"{contents.name}@{contents.version}"
    (_, tool_version), *_ = contents.tools
    modules = [_module(part, main=number == 0) for number, part in enumerate(contents.modules)]
    embedded = [
        _component("data", f"embedded:{part.name}", part.name, part.sha256, {"waot:sha256-of": "sha256sum"})
        for part in contents.embedded
    ]
    runtime = {
        "type": "library",
        "bom-ref": "waot-runtime-support",
        "name": "waot-runtime-support",
        "version": tool_version,
        "description": "what waot compiles into every program: WASI, traps, memory",
    }
    inputs = [*modules, *embedded, runtime]
    archives = [_archive(archive) for archive in contents.archives]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            **({} if contents.epoch is None else {"timestamp": timestamp(contents.epoch)}),
            "lifecycles": [{"phase": "build"}],
            "tools": {
                "components": [
                    {"type": "application", "name": name, "version": version} for name, version in contents.tools
                ]
            },
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": contents.name,
                "version": contents.version,
                "properties": _properties(_told(contents.options)),
            },
        },
        "components": [*inputs, *archives],
        "dependencies": [{"ref": root, "dependsOn": [each["bom-ref"] for each in inputs]}],
    }
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(document))}"
    return (json.dumps(document, indent=2) + "\n").encode()


def tree_digest(path: str) -> str:
    """A digest of the files of a directory, or of one file, that a shell can tell as well.

    Of a directory it is what this prints::

        find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum

    Symbolic links are not in it. Raises WaotError.
    """
    try:
        if not os.path.isdir(path):
            return _file_digest(path)
        state = sha256()
        for name in sorted(_files(os.fsencode(path))):
            shown = b"./" + name
            escaped = shown.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
            line = _file_digest(os.path.join(os.fsencode(path), name)).encode() + b"  " + escaped + b"\n"
            state.update(line if escaped == shown else b"\\" + line)
        return state.hexdigest()
    except OSError as error:
        raise WaotError(f"cannot be read: {error.strerror}", file=path) from None


def _file_digest(path: str | bytes) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _files(root: bytes, below: bytes = b"") -> Iterator[bytes]:
    with os.scandir(os.path.join(root, below)) as found:
        for entry in found:
            name = os.path.join(below, entry.name)
            if entry.is_dir(follow_symlinks=False):
                yield from _files(root, name)
            elif entry.is_file(follow_symlinks=False):
                yield name


def _module(part: Part, *, main: bool) -> dict[str, Any]:
    properties = {} if main else {"waot:linked-as": part.linked_as}
    reference = f"module:{part.name}" if main else f"module:{part.linked_as}={part.name}"
    return _component("application" if main else "library", reference, part.name, part.sha256, properties)


def _archive(archive: Archive) -> dict[str, Any]:
    target = {"waot:target": archive.target, "waot:triple": archive.triple}
    component = _component("file", f"file:{archive.file.name}", archive.file.name, archive.file.sha256, target)
    directory = archive.file.name
    return component | {
        "components": [
            _component("file", f"file:{directory}/{part.name}", part.name, part.sha256, {}) for part in archive.contents
        ]
    }


def _component(kind: str, reference: str, name: str, digest: str, properties: dict[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "bom-ref": _text(reference),
        "name": _text(name),
        "hashes": [{"alg": "SHA-256", "content": digest}],
        **({"properties": _properties(list(properties.items()))} if properties else {}),
    }


def _properties(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": _text(value)} for name, value in pairs]


def _text(text: str) -> str:
    """`text` without what is not Unicode (bytes of a path), which JSON does not have."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _told(options: BuildOptions) -> list[tuple[str, str]]:
    """What the programs may do, and how they were compiled, in the words of the command line."""
    return [
        *((f"waot:grant:{option}", value) for option, value in granted(options.grants)),
        ("waot:option:optimise", options.opt_level),
        ("waot:option:cpu", str(options.cpu)),
        *([("waot:option:multiversion", options.multiversion)] if options.multiversion is not None else []),
        ("waot:option:memory", options.memory),
        ("waot:option:stack-size", str(options.stack_size)),
        ("waot:option:seccomp", options.seccomp),
    ]


def granted(grants: Grants) -> Iterator[tuple[str, str]]:
    """Each grant as the option that gives it, and the value of that."""
    for directory in grants.dirs:
        yield "dir", f"{directory.host}::{directory.guest}{':ro' if directory.read_only else ''}"
    for file in grants.files:
        yield "file", f"{file.host}::{file.guest}{':ro' if file.read_only else ''}"
    for overlay in grants.overlays:
        yield "overlay", f"{overlay.host}::{overlay.guest}"
    for variable in grants.env:
        yield "env", variable.name if variable.value is None else f"{variable.name}={variable.value}"
    if grants.inherit_env:
        yield "inherit-env", "true"
    for argument in grants.args:
        yield "arg", argument
    for address in grants.listen:
        yield "listen", str(address)
    if grants.seed is not None:
        yield "deterministic", str(grants.seed)
    if grants.sealed:
        yield "sealed", "true"


def module_part(file: str, source: bytes, linked_as: str = "") -> Part:
    """The part that a module is."""
    return Part(Path(file).name, sha256(source).hexdigest(), linked_as)
