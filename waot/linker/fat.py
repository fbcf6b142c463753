"""Universal files: Mach-O images for several kinds of machine in one, each whole and signed by itself.

A table of big-endian numbers stands first (Apple's <mach-o/fat.h>); the system takes the image for its machine. An
image begins at a multiple of its machine's pages, because it is mapped from the file.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from waot.errors import ToolError

MAGIC = b"\xca\xfe\xba\xbe"
_HEAD, _ENTRY = struct.Struct(">4sI"), struct.Struct(">5I")
_MOST = 1 << 32  # bytes that offsets in the table reach


@dataclass(frozen=True, slots=True)
class Slice:
    """An image and the size of its machine's pages in bytes."""

    data: bytes
    page_size: int


def join(slices: Sequence[Slice]) -> bytes:
    """The universal file of `slices`, in that order. Raises ToolError where it would be larger than those can be."""
    out = bytearray(_HEAD.pack(MAGIC, len(slices)) + bytes(_ENTRY.size * len(slices)))
    for index, each in enumerate(slices):
        out += bytes(-len(out) % each.page_size)
        if len(out) + len(each.data) >= _MOST:
            raise ToolError("a universal file holds less than 4 GiB", hint="build each part as a file of its own")
        cpu, subtype = struct.unpack_from("<2I", each.data, 4)
        entry = (cpu, subtype, len(out), len(each.data), each.page_size.bit_length() - 1)
        _ENTRY.pack_into(out, _HEAD.size + _ENTRY.size * index, *entry)
        out += each.data
    return bytes(out)


def spans(data: bytes | mmap.mmap) -> list[tuple[int, int]]:
    """Where the images of a universal file stand in it: (offset, size). Raises ToolError for a damaged one."""
    magic, count = _HEAD.unpack_from(data)
    if magic != MAGIC or not 0 < count <= 16 or _HEAD.size + _ENTRY.size * count > len(data):
        raise ToolError("a damaged universal file")
    found = []
    for index in range(count):
        _, _, offset, size, _ = _ENTRY.unpack_from(data, _HEAD.size + _ENTRY.size * index)
        if offset + size > len(data):
            raise ToolError("a damaged universal file: it ends before its images do")
        found.append((offset, size))
    return found
