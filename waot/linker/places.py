"""Objects whose lines are counted from somewhere else than the start of the file, and the start that they get.

The line table says which byte of the .wasm file an instruction comes from. In a unit of several it counts from the
unit's own first byte, and in functions of which the unit has copies from theirs (lowering/units.py), so that the object
is the same when something before them has grown. Where the way to such a line is written in an object is found once,
when it is compiled, and goes behind the object (`with_places`); each link then writes the distance there (`placed`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from waot.errors import ToolError
from waot.linker import coff, objects
from waot.targets import Target

# Lines from here on are counted from the unit's first byte; it is half of lowering's `FIRST_LINE`. And where those of
# copies begin, and how many each of them has.
_COUNTED = 1 << 27
_COPIES = 1 << 29
_COPY = 1 << 21
_BYTES = 4  # that LLVM needs at least for the way from one of these to another

_Place = tuple[int, int, int, int, int]  # as of `_PLACE`

_DISTANCES = (b".rodata.waot.distance", b".rdata$w")  # sections with one i32
_LINES = b".debug_line"

# Offset in the object, the bytes and the number that stand there, whose distance is added and whose taken off.
_PLACE = struct.Struct("<IBqhh")
_COUNT = struct.Struct("<I")
_OFFSETS = -1  # in place of a number of distances: lines that are offsets in the file
_WORD = 0  # in place of how many bytes: the unit's own distance as an i32


def with_places(data: bytes, copies: int, target: Target) -> bytes:
    """The object, and behind it the places that depend on where the unit is, and what it has copies of.

    Raises ToolError for a damaged one.
    """
    read = coff.section_places if target.object_format == "coff" else objects.section_places
    order = "little" if target.endian == "little" else "big"
    places: list[_Place] = []
    try:
        for name, offset, size in read(data):
            if name in _DISTANCES:
                places.append((offset, _WORD, 0, 0, 0))
            elif name == _LINES:
                _find(data, offset, offset + size, copies, order, places)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise ToolError("an object is damaged") from None
    return b"".join([data, *(_PLACE.pack(*place) for place in places), _COUNT.pack(len(places))])


def placed(data: bytes, distances: Sequence[int], target: Target) -> bytes:
    """What `with_places` made as an object whose lines are larger by the first of `distances`, which may be negative.

    Those of each copy by one of the others. Raises ToolError where that is further than could be foreseen.
    """
    (count,) = _COUNT.unpack_from(data, len(data) - _COUNT.size)
    end = len(data) - _COUNT.size - count * _PLACE.size
    out = bytearray(data[:end])
    known = [*distances, 0]  # and _OFFSETS
    for offset, size, value, to, from_ in _PLACE.iter_unpack(data[end : -_COUNT.size]):
        if size == _WORD:
            struct.pack_into("<I" if target.endian == "little" else ">I", out, offset, distances[0] & 0xFFFFFFFF)
        else:
            out[offset : offset + size] = _sleb(value + known[to] - known[from_], size)
    return bytes(out)


def _sleb(value: int, size: int) -> bytes:
    """`value` in signed LEB128, in `size` bytes."""
    if not -1 << 7 * size - 1 <= value < 1 << 7 * size - 1:
        raise ToolError("a module is too large for its line table")
    parts = [value >> 7 * k & 0x7F | 0x80 for k in range(size)]
    parts[-1] &= 0x7F
    return bytes(parts)


def _counted_by(line: int, copies: int) -> int:
    """Which of the distances `line` is short by."""
    if line < _COUNTED:
        return _OFFSETS
    return 0 if line < _COPIES or not copies else 1 + (line - _COPIES) // _COPY


def _find(data: bytes, at: int, end: int, copies: int, order: str, places: list[_Place]) -> None:
    """Adds each DW_LNS_advance_line that goes from a line to one that is counted from somewhere else.

    The line number program of DWARF 2 to 4 (section 6.2), 32-bit form, as runtime-support/core/lines.c reads it.
    """
    number = "<" if order == "little" else ">"
    while at < end:
        length, version, header = struct.unpack_from(f"{number}IHI", data, at)
        if not 2 <= version <= 4:
            raise ToolError(f"an object's line table is of DWARF version {version}")
        stop, at = at + 4 + length, at + 10
        fields = at + (2 if version == 4 else 1)
        line_base, line_range, opcode_base = struct.unpack_from("bBB", data, fields + 1)
        operands = data[fields + 4 : fields + 3 + opcode_base]
        at += header
        line = 1
        while at < stop:
            opcode = data[at]
            at += 1
            if opcode >= opcode_base:
                line += line_base + (opcode - opcode_base) % line_range
            elif opcode == 0:
                size, at = _uleb(data, at)
                if data[at] == 1:  # DW_LNE_end_sequence
                    line = 1
                at += size
            elif opcode == 3:  # DW_LNS_advance_line
                start = at
                raw, at = _uleb(data, at)
                step = raw - (1 << 7 * (at - start)) if data[at - 1] & 0x40 else raw
                before, line = line, line + step
                to, from_ = _counted_by(line, copies), _counted_by(before, copies)
                if to != from_:
                    if at - start < _BYTES:
                        raise ToolError("an object's line table has a line that is too small")
                    places.append((start, at - start, step, to, from_))
            elif opcode == 9:  # DW_LNS_fixed_advance_pc
                at += 2
            else:
                for _ in range(operands[opcode - 1]):
                    _, at = _uleb(data, at)


def _uleb(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, without regard to its sign, and the offset behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
