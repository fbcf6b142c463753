"""Mach-O executables of ours, read back, as `waot.linker.inspect` does it with ELF."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, replace

from waot.errors import ToolError
from waot.linker import fat
from waot.linker.inspect import ExecutableInfo, Segment
from waot.linker.manifest import Manifest, decode_manifest
from waot.targets import load_targets

_MACHINES = {0x0100000C: "aarch64", 0x01000007: "x86_64"}
_HEADER, _COMMAND = struct.Struct("<8I"), struct.Struct("<2I")
_SEGMENT, _SECTION = struct.Struct("<2I16s4Q4I"), struct.Struct("<16s16s2Q8I")
_LC_SEGMENT_64, _LC_CODE_SIGNATURE = 0x19, 0x1D
_EXECUTABLE = 2


@dataclass(frozen=True, slots=True)
class _Image:
    machine: str
    manifest: Manifest
    signed: bool
    sections: tuple[tuple[str, int], ...]
    segments: tuple[Segment, ...]


def inspect_macho(data: bytes | mmap.mmap) -> ExecutableInfo:
    """As `inspect_executable`, for a Mach-O image or several in a universal file."""
    try:
        if data[:4] != fat.MAGIC:
            image = _read(data, 0, len(data))
            signed = ", signed ad hoc" if image.signed else ""
            return _info(image, f"Mach-O executable{signed}", image.machine, len(data))
        images = [_read(data, offset, size) for offset, size in fat.spans(data)]
    except struct.error:
        raise ToolError("a damaged Mach-O file: it ends too early") from None
    first = images[0]
    if any(replace(each.manifest, target="") != replace(first.manifest, target="") for each in images):
        raise ToolError("its parts for different machines say different things of themselves")
    targets = [each.manifest.target for each in images]
    joined = (t.name for t in load_targets().values() if sorted(part.name for part in t.parts) == sorted(targets))
    named = replace(first.manifest, target=next(joined, ", ".join(targets)))
    signed = ", signed ad hoc" if all(each.signed for each in images) else ""
    whole = replace(
        first,
        manifest=named,
        sections=tuple((f"{each.machine} {name}", size) for each in images for name, size in each.sections),
        segments=tuple(segment for each in images for segment in each.segments),
    )
    return _info(whole, f"universal Mach-O executable{signed}", ", ".join(each.machine for each in images), len(data))


def _info(image: _Image, form: str, machine: str, size: int) -> ExecutableInfo:
    return ExecutableInfo(
        manifest=image.manifest,
        format=form,
        machine=machine,
        size=size,
        sections=image.sections,
        segments=image.segments,
        system_calls=(),
    )


def _read(data: bytes | mmap.mmap, start: int, size: int) -> _Image:
    """The image of `size` bytes at `start`."""
    magic, cpu, _, kind, count, commands_size, _, _ = _HEADER.unpack_from(data, start)
    if magic != 0xFEEDFACF or kind != _EXECUTABLE or _HEADER.size + commands_size > size:
        raise ToolError("not a Mach-O executable of 64 bits")
    sections: list[tuple[str, int]] = []
    segments: list[Segment] = []
    manifest, signed = None, False
    at, end = start + _HEADER.size, start + _HEADER.size + commands_size
    for _ in range(count):
        command, length = _COMMAND.unpack_from(data, at)
        if length < _COMMAND.size or at + length > end:
            raise ToolError("a damaged Mach-O file: a load command has a wrong size")
        signed |= command == _LC_CODE_SIGNATURE
        if command == _LC_SEGMENT_64:
            _, _, _, address, memory_size, _, file_size, _, access, own, _ = _SEGMENT.unpack_from(data, at)
            if access:
                segments.append(Segment(address, file_size, memory_size, _access(access)))
            if _SEGMENT.size + own * _SECTION.size > length:
                raise ToolError("a damaged Mach-O file: a segment has more sections than there are")
            for index in range(own):
                section = _SECTION.unpack_from(data, at + _SEGMENT.size + index * _SECTION.size)
                name = ",".join(part.rstrip(b"\0").decode("ascii", "replace") for part in (section[1], section[0]))
                offset, bytes_there = section[4], section[3]
                sections.append((name, bytes_there))
                if name == "__TEXT,__manifest":
                    if offset + bytes_there > size:
                        raise ToolError("the manifest is damaged", section=name)
                    manifest = decode_manifest(data[start + offset : start + offset + bytes_there], "little")
        at += length
    if manifest is None:
        raise ToolError("not a program that waot built: it has no manifest")
    return _Image(_MACHINES.get(cpu, hex(cpu)), manifest, signed, tuple(sections), tuple(segments))


def _access(protection: int) -> str:
    return "".join(letter if protection & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))
