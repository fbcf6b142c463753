"""The manifest: what an executable records about itself, and reads at its start (`waot_abi.h`, `struct waot_record`).

A sequence of records, each at a multiple of 8 bytes: kind and flags (16 bits each), size of the payload (32 bits),
payload, padding; a record of kind 0 ends it. Numbers are in the target's byte order.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import groupby

from waot.errors import ToolError, UsageError
from waot.linker.confine import Filter, decode_filters, encode_filters
from waot.linker.describe import describe
from waot.linker.embed import Embedded
from waot.options import DirGrant, EnvGrant, FileGrant, Grants, ListenGrant, OverlayGrant

# enum waot_record_kind
_END, _DIR, _ENV, _INHERIT_ENV, _STACK_SIZE, _VERSION, _TARGET, _MEMORY, _IMPORT, _MODULE = range(10)
_FILE, _ARGUMENT, _LISTEN, _SEED, _SEALED, _SECCOMP, _EMBED, _OVERLAY, _PROFILE = range(10, 19)
_INFO = 19
_READ_ONLY = 1
_COMPRESSED = 1
_EMBEDDED = "IIIIQQ"  # struct waot_embedded
_LINKED = 1
_LEFT_OUT, _REQUIRED = 1, 2


@dataclass(frozen=True, slots=True)
class LinkedModule:
    """A module linked with the main one: what it is imported as, its file's name, the digest of that file."""

    name: str
    file: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the program gives up at its start; without `filters` nothing. `required`: it does not run without.

    `capability_mode` is FreeBSD's, which has no filters.
    """

    filters: tuple[Filter, ...] = ()
    required: bool = False
    capability_mode: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says. `stack_size` in bytes; `module_sha256` is the digest of the .wasm file."""

    grants: Grants
    stack_size: int
    version: str  # waot's
    target: str
    memory: str  # the strategy
    imports: tuple[tuple[str, str], ...]  # (module, name) of each import that the program uses
    module_sha256: bytes
    module_name: str  # the .wasm file's, without directories
    linked: tuple[LinkedModule, ...] = ()  # in the order of their instantiation, before the module itself
    embedded: tuple[Embedded, ...] = ()
    confinement: Confinement = field(default_factory=Confinement)
    profile: str | None = None  # the file that its profile goes to, if it writes one


def encode_manifest(manifest: Manifest, endian: str = "little") -> bytes:
    """The bytes of section ``.waot.manifest``. Raises UsageError for a string that C could not hold."""
    order = "<" if endian == "little" else ">"
    parts: list[bytes] = []

    def record(kind: int, payload: bytes = b"", flags: int = 0) -> None:
        parts.append(struct.pack(order + "HHI", kind, flags, len(payload)) + payload + bytes(-len(payload) % 8))

    grants = manifest.grants
    # What every start reads stands first.
    record(_STACK_SIZE, struct.pack(order + "Q", manifest.stack_size))
    for grant in grants.dirs:
        record(_DIR, _strings(grant.host, grant.guest), _READ_ONLY if grant.read_only else 0)
    for embedded in manifest.embedded:
        head = struct.pack(
            order + _EMBEDDED,
            embedded.root,
            embedded.directories,
            embedded.files,
            embedded.links,
            embedded.bytes,
            embedded.stored,
        )
        record(_EMBED, head + _strings(embedded.guest), _COMPRESSED if embedded.compressed else 0)
    for overlay in grants.overlays:  # behind what they are on top of
        record(_OVERLAY, _strings(overlay.host, overlay.guest))
    for variable in grants.env:
        record(_ENV, _strings(variable.name if variable.value is None else f"{variable.name}={variable.value}"))
    if grants.inherit_env:
        record(_INHERIT_ENV)
    for file in grants.files:
        record(_FILE, _strings(file.host, file.guest), _READ_ONLY if file.read_only else 0)
    for argument in grants.args:
        record(_ARGUMENT, _strings(argument))
    for address in grants.listen:
        record(_LISTEN, _strings(str(address)))
    if grants.seed is not None:
        record(_SEED, struct.pack(order + "Q", grants.seed))
    if grants.sealed:
        record(_SEALED)
    if manifest.profile is not None:
        record(_PROFILE, _strings(manifest.profile))
    confinement = manifest.confinement
    flags = 0 if confinement.filters or confinement.capability_mode else _LEFT_OUT
    flags |= _REQUIRED if confinement.required else 0
    record(_SECCOMP, encode_filters(confinement.filters, endian), flags)
    record(_VERSION, _strings(manifest.version))
    record(_TARGET, _strings(manifest.target))
    record(_MEMORY, _strings(manifest.memory))
    for module, imports in groupby(manifest.imports, lambda item: item[0]):
        record(_IMPORT, _strings(module, *(name for _, name in imports)))
    record(_MODULE, manifest.module_sha256 + _strings(manifest.module_name))
    for linked in manifest.linked:
        record(_MODULE, linked.sha256 + _strings(linked.file, linked.name), _LINKED)
    # The words of `waot inspect`, for a program that is asked itself (WAOT_INFO); follows from the rest.
    heading = f"program for {manifest.target}, made by waot {manifest.version}"
    record(_INFO, "".join(f"{line}\n" for line in (heading, *describe(manifest))).encode())
    record(_END)
    return b"".join(parts)


def _strings(*texts: str) -> bytes:
    # Surrogates are bytes of a path that are not UTF-8 (PEP 383): they go through as they were.
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    for text, data in zip(texts, encoded, strict=True):
        if 0 in data:
            raise UsageError(f"{text!r} holds a NUL, which a program's manifest cannot")
    return b"".join(data + b"\0" for data in encoded)


def decode_manifest(data: bytes, endian: str = "little") -> Manifest:
    """The `Manifest` in the bytes of section ``.waot.manifest``. Records of unknown kinds are passed over.

    Raises ToolError where the bytes are not a manifest, with the offset in them.
    """
    order = "<" if endian == "little" else ">"
    dirs: list[DirGrant] = []
    env: list[EnvGrant] = []
    files: list[FileGrant] = []
    arguments: list[str] = []
    listen: list[ListenGrant] = []
    seed: int | None = None
    sealed = False
    imports: list[tuple[str, str]] = []
    linked: list[LinkedModule] = []
    embedded: list[Embedded] = []
    overlays: list[OverlayGrant] = []
    texts = {_VERSION: "", _TARGET: "", _MEMORY: ""}
    inherit_env = False
    stack_size = 0
    sha256, module_name = b"", ""
    confinement = Confinement()
    profile: str | None = None
    at = 0
    while True:
        if len(data) - at < 8:
            raise _damaged(at)
        kind, flags, size = struct.unpack_from(order + "HHI", data, at)
        start, at = at, at + 8
        if kind == _END:
            break
        if len(data) - at < size:
            raise _damaged(start)
        payload = data[at : at + size]
        at += size + -size % 8
        if kind == _DIR:
            host, guest = _split(payload, 2, start)
            dirs.append(DirGrant(host, guest, read_only=bool(flags & _READ_ONLY)))
        elif kind == _EMBED:
            head_size = struct.calcsize(order + _EMBEDDED)
            if size < head_size:
                raise _damaged(start)
            (guest,) = _split(payload[head_size:], 1, start)
            numbers: tuple[int, int, int, int, int, int] = struct.unpack_from(order + _EMBEDDED, payload)
            embedded.append(Embedded(guest, *numbers, compressed=bool(flags & _COMPRESSED)))
        elif kind == _OVERLAY:
            host, guest = _split(payload, 2, start)
            overlays.append(OverlayGrant(host, guest))
        elif kind == _ENV:
            name, separator, value = _split(payload, 1, start)[0].partition("=")
            env.append(EnvGrant(name, value if separator else None))
        elif kind == _INHERIT_ENV:
            inherit_env = True
        elif kind == _FILE:
            host, guest = _split(payload, 2, start)
            files.append(FileGrant(host, guest, read_only=bool(flags & _READ_ONLY)))
        elif kind == _ARGUMENT:
            arguments.append(_split(payload, 1, start)[0])
        elif kind == _LISTEN:
            address, _, port = _split(payload, 1, start)[0].rpartition(":")
            if not port.isascii() or not port.isdigit():
                raise _damaged(start)
            listen.append(ListenGrant(address.removeprefix("[").removesuffix("]"), int(port)))
        elif kind == _SEED:
            if size != 8:
                raise _damaged(start)
            (seed,) = struct.unpack(order + "Q", payload)
        elif kind == _SEALED:
            sealed = True
        elif kind == _STACK_SIZE:
            if size != 8:
                raise _damaged(start)
            (stack_size,) = struct.unpack(order + "Q", payload)
        elif kind == _SECCOMP:
            try:
                filters = decode_filters(payload, endian)
                confined = not filters and not flags & _LEFT_OUT
                confinement = Confinement(filters, bool(flags & _REQUIRED), confined)
            except ToolError:
                raise _damaged(start) from None
        elif kind == _PROFILE:
            (profile,) = _split(payload, 1, start)
        elif kind in texts:
            (texts[kind],) = _split(payload, 1, start)
        elif kind == _IMPORT:
            module, *names = _split(payload, max(2, payload.count(0)), start)
            imports += [(module, name) for name in names]
        elif kind == _MODULE:
            if size < 33:
                raise _damaged(start)
            if flags & _LINKED:
                file, name = _split(payload[32:], 2, start)
                linked.append(LinkedModule(name, file, payload[:32]))
            else:
                sha256 = payload[:32]
                (module_name,) = _split(payload[32:], 1, start)
    return Manifest(
        grants=Grants(
            tuple(dirs),
            tuple(env),
            inherit_env,
            files=tuple(files),
            args=tuple(arguments),
            listen=tuple(listen),
            seed=seed,
            sealed=sealed,
            overlays=tuple(overlays),
        ),
        stack_size=stack_size,
        version=texts[_VERSION],
        target=texts[_TARGET],
        memory=texts[_MEMORY],
        imports=tuple(imports),
        module_sha256=sha256,
        module_name=module_name,
        linked=tuple(linked),
        embedded=tuple(embedded),
        confinement=confinement,
        profile=profile,
    )


def _split(payload: bytes, count: int, start: int) -> list[str]:
    """The `count` strings, each ended by NUL, that fill `payload`."""
    parts = payload.split(b"\0")
    if len(parts) != count + 1 or parts[-1]:
        raise _damaged(start)
    return [part.decode("utf-8", "surrogateescape") for part in parts[:-1]]


def _damaged(offset: int) -> ToolError:
    return ToolError("the manifest is damaged", section=".waot.manifest", offset=offset)
