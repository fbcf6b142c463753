"""COFF relocatable objects: the things that we do to them without a linker (PE and COFF Specification, Microsoft).

`prepare` puts the wasm functions and the line table of an object where pe.py brackets them; `data_object` wraps bytes
as sections with symbols in them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from waot.errors import ToolError
from waot.targets import Target

_FILE_HEADER = struct.Struct("<HHIIIHH")
_SECTION_HEADER = struct.Struct("<8sIIIIIIHHI")
_RELOCATION = struct.Struct("<IIH")
_SYMBOL = struct.Struct("<8sIhHBB")

CODE, DATA, ZEROS = 0x20, 0x40, 0x80  # IMAGE_SCN_CNT_*
_REMOVE, _MANY_RELOCATIONS = 0x800, 0x1000000  # IMAGE_SCN_LNK_REMOVE, IMAGE_SCN_LNK_NRELOC_OVFL
EXECUTE, READ, WRITE = 0x20000000, 0x40000000, 0x80000000  # IMAGE_SCN_MEM_*
_EXTERNAL = 2  # IMAGE_SYM_CLASS_EXTERNAL

# What section names become. The linker sorts what has the same name up to `$` by the rest of it; the functions of the
# shim are in sections called .text$waot_..., so these stand behind them.
TEXT, LINES = b".text$zm", b".waotl$m"


@dataclass(frozen=True, slots=True)
class Machine:
    """IMAGE_FILE_MACHINE_*, the relocations to an address and to a distance, and what C symbols have before them."""

    number: int
    address: int  # IMAGE_REL_*_ADDR64 or DIR32
    distance: int  # IMAGE_REL_*_REL32: from the end of the 32 bits that are relocated
    word: int  # bytes
    prefix: str


MACHINES = {
    "x86_64": Machine(0x8664, 1, 4, 8, ""),
    "aarch64": Machine(0xAA64, 14, 17, 8, ""),
    "x86": Machine(0x14C, 6, 20, 4, "_"),
}


@dataclass(frozen=True, slots=True)
class _Section:
    header: int  # offset of its header in the file
    name: bytes
    offset: int
    size: int
    relocations: int
    relocation_count: int
    flags: int


class _Object:
    """The tables of an object. Raises ToolError for anything else."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        number, count, _, self.symbols, self.symbol_count, optional, _ = _FILE_HEADER.unpack_from(data)
        machine = next((known for known in MACHINES.values() if known.number == number), None)
        if machine is None or optional:
            raise ToolError("an object is not COFF for a machine that is known")
        self.machine = machine
        self.strings = self.symbols + self.symbol_count * _SYMBOL.size
        self.sections = [self._section(_FILE_HEADER.size + i * _SECTION_HEADER.size) for i in range(count)]

    def _section(self, at: int) -> _Section:
        name, _, _, size, offset, relocations, _, count, _, flags = _SECTION_HEADER.unpack_from(self.data, at)
        if name[:1] == b"/":
            name = self._string(int(name[1:].rstrip(b"\0")))
        if flags & _MANY_RELOCATIONS:  # the first one holds their number, itself included
            count = _RELOCATION.unpack_from(self.data, relocations)[0] - 1
            relocations += _RELOCATION.size
        return _Section(at, name.rstrip(b"\0"), offset, size, relocations, count, flags)

    def _string(self, offset: int) -> bytes:
        start = self.strings + offset
        return self.data[start : self.data.index(b"\0", start)]

    def symbol_names(self) -> Iterator[tuple[str, int, int]]:
        """Name, section number (0: none) and value of each symbol."""
        index = 0
        while index < self.symbol_count:
            name, value, section, _, _, more = _SYMBOL.unpack_from(self.data, self.symbols + index * _SYMBOL.size)
            text = self._string(struct.unpack("<I", name[4:])[0]) if name[:4] == bytes(4) else name.rstrip(b"\0")
            yield text.decode(), section, value
            index += 1 + more


def section_places(data: bytes) -> list[tuple[bytes, int, int]]:
    """Name, offset and size of each section of an object. Raises ToolError for one that is not COFF."""
    return [(section.name, section.offset, section.size) for section in _Object(data).sections]


def prepare(data: bytes, target: Target) -> bytes:
    """The object with its wasm functions in section `TEXT`, and ``.debug_line`` as the loaded section `LINES`.

    Sections called ``.debug_...`` are not loaded, so the program could not read them. And as an absolute address would
    be one more for the loader to relocate, each in the line table becomes `address - place`, a constant of the link,
    which core/lines.c undoes: 32 bits of it, because no relocation has more, and the rest is all ones, as the text
    stands before everything else in the image. Raises ToolError for an object that is not COFF.
    """
    machine = MACHINES[target.arch]
    try:
        found = _Object(data)
        out = bytearray(data)
        for section in found.sections:
            if section.name == b".text.wasm":
                out[section.header : section.header + 8] = TEXT
            elif section.name == b".debug_line":
                out[section.header : section.header + 8] = LINES
                struct.pack_into(
                    "<I", out, section.header + 36, READ | DATA | 1 << 20 | section.flags & _MANY_RELOCATIONS
                )
                for at in range(section.relocation_count):
                    entry = section.relocations + at * _RELOCATION.size
                    place, symbol, kind = _RELOCATION.unpack_from(data, entry)
                    if kind != machine.address:
                        raise ToolError(f"an object's line table has a relocation of type {kind}")
                    _RELOCATION.pack_into(out, entry, place, symbol, machine.distance)
                    _make_distance(out, section.offset + place, machine)
            elif section.name.startswith(b".debug_"):
                struct.pack_into("<I", out, section.header + 36, section.flags | _REMOVE)
    except (struct.error, IndexError, ValueError):
        raise ToolError("an object is damaged") from None
    return bytes(out)


def _make_distance(out: bytearray, at: int, machine: Machine) -> None:
    """The addend at `at`: from the place itself, not from four bytes behind it; what is above 32 bits is -1."""
    addend = int.from_bytes(out[at : at + machine.word], "little") + 4
    out[at : at + 4] = struct.pack("<I", addend & 0xFFFFFFFF)
    out[at + 4 : at + machine.word] = b"\xff" * (machine.word - 4)


def undefined_symbols(data: bytes) -> list[str]:
    """What C calls that which an object refers to and does not define. Raises ToolError for what is not COFF."""
    try:
        found = _Object(data)
        names = [name for name, section, value in found.symbol_names() if section == 0 and value == 0]
        return [name.removeprefix(found.machine.prefix) for name in names]
    except (struct.error, IndexError, ValueError):
        raise ToolError("an object is damaged") from None


@dataclass(frozen=True, slots=True)
class Part:
    """A section to make: `flags` as in its header, `symbols` with their offsets in it. `size` where it is all zeros."""

    name: str
    data: bytes
    flags: int
    symbols: dict[str, int]
    align: int = 1
    size: int = 0


def data_object(parts: Sequence[Part], target: Target) -> bytes:
    """A relocatable object with those sections."""
    machine = MACHINES[target.arch]
    contents = bytearray(_FILE_HEADER.size + len(parts) * _SECTION_HEADER.size)
    symbols = bytearray()
    strings = bytearray()
    for index, part in enumerate(parts):
        flags = part.flags | part.align.bit_length() << 20
        title = part.name.encode()
        if len(title) > 8:
            title, strings = f"/{4 + len(strings)}".encode(), strings + title + b"\0"
        _SECTION_HEADER.pack_into(
            contents, _FILE_HEADER.size + index * _SECTION_HEADER.size, title, 0, 0,
            part.size or len(part.data), 0 if part.size else len(contents), 0, 0, 0, 0, flags,
        )  # fmt: skip
        contents += part.data
        for name, value in part.symbols.items():
            symbols += _SYMBOL.pack(struct.pack("<II", 0, 4 + len(strings)), value, index + 1, 0, _EXTERNAL, 0)
            strings += machine.prefix.encode() + name.encode() + b"\0"
    count = len(symbols) // _SYMBOL.size
    _FILE_HEADER.pack_into(contents, 0, machine.number, len(parts), 0, len(contents), count, 0, 0)
    return bytes(contents) + symbols + struct.pack("<I", 4 + len(strings)) + strings
