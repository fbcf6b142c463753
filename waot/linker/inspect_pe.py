"""A Windows executable of ours, read back."""

from __future__ import annotations

import mmap
import struct

from waot.errors import ToolError
from waot.linker.coff import EXECUTE, READ, WRITE
from waot.linker.inspect import ExecutableInfo, Segment
from waot.linker.manifest import decode_manifest
from waot.linker.pe import MANIFEST, MANIFEST_AT, SECTION, section_headers

_MACHINES = {0x8664: "x86_64", 0xAA64: "aarch64", 0x14C: "x86"}  # IMAGE_FILE_MACHINE_*


def inspect_pe(data: bytes | mmap.mmap) -> ExecutableInfo:
    """As `inspect_executable`, for what begins like a program of Windows or DOS."""
    try:
        headers, count = section_headers(data)
        (pe,) = struct.unpack_from("<I", data, 0x3C)
        (machine,) = struct.unpack_from("<H", data, pe + 4)
        base_at, base_form = (pe + 24 + 24, "<Q") if data[pe + 24 : pe + 26] == b"\x0b\x02" else (pe + 24 + 28, "<I")
        (base,) = struct.unpack_from(base_form, data, base_at)
        sections, segments, manifest = [], [], None
        for at in range(headers, headers + count * SECTION.size, SECTION.size):
            raw_name, size, address, file_size, place, *_, flags = SECTION.unpack_from(data, at)
            name = raw_name.rstrip(b"\0").decode("ascii", "replace")
            access = "".join(
                letter if flags & bit else "-" for letter, bit in (("r", READ), ("w", WRITE), ("x", EXECUTE))
            )
            sections.append((name, size))
            segments.append(Segment(base + address, file_size, size, access))
            if name == MANIFEST and manifest is None:
                if size <= MANIFEST_AT or place + file_size > len(data):
                    raise ToolError("the manifest is damaged", section=MANIFEST)
                manifest = decode_manifest(data[place + MANIFEST_AT : place + file_size], "little")
    except struct.error:
        raise ToolError("a damaged PE file") from None
    if manifest is None:
        raise ToolError("not a program that waot built: it has no manifest")
    return ExecutableInfo(
        manifest=manifest,
        format="PE executable",
        machine=_MACHINES.get(machine, hex(machine)),
        size=len(data),
        sections=tuple(sections),
        segments=tuple(segments),
        system_calls=(),
    )
