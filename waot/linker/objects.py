"""ELF relocatable objects: the two things that we do to them without a linker.

`load_lines` makes the line table of an object part of the loaded image; `data_object` wraps bytes as a section. Layouts
are those of the System V ABI (gABI chapter 4), 64-bit little-endian: what every target with a linker layer has so far.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from waot.errors import ToolError
from waot.targets import Target

_FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_RELA = struct.Struct("<QQq")
_SYMBOL = struct.Struct("<IBBHQQ")

_SHF_WRITE, _SHF_ALLOC = 1, 2
_SHT_PROGBITS, _SHT_SYMTAB, _SHT_STRTAB, _SHT_RELA = 1, 2, 3, 4
_ET_REL = 1

# e_machine, e_flags, and the types of relocation of a 64-bit word: absolute, and relative to its own place.
_MACHINES = {
    "x86_64": (62, 0, 1, 24),  # R_X86_64_64, R_X86_64_PC64
    "aarch64": (183, 0, 257, 260),  # R_AARCH64_ABS64, R_AARCH64_PREL64
    # EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE; R_RISCV_64, R_RISCV_32_PCREL: there is none of 64 bits. It writes the
    # low half of a word of zeros, which is enough because the text always stands behind the line table.
    "riscv64": (243, 5, 2, 57),
}


@dataclass(frozen=True, slots=True)
class _Section:
    header: int  # offset of its header in the file
    name: bytes
    type: int
    flags: int
    offset: int
    size: int
    link: int
    info: int


def _sections(data: bytes) -> list[_Section]:
    if len(data) < _FILE_HEADER.size or data[:6] != b"\x7fELF\x02\x01":
        raise ToolError("an object is not 64-bit little-endian ELF")
    fields = _FILE_HEADER.unpack_from(data)
    table, entry_size, count, strings = fields[6], fields[11], fields[12], fields[13]
    null = _SECTION_HEADER.unpack_from(data, table)
    # More sections than 16 bits count: the real numbers stand in the null section (gABI, e_shnum and e_shstrndx).
    count = count or null[5]
    strings = null[6] if strings == 0xFFFF else strings
    headers = [_SECTION_HEADER.unpack_from(data, table + i * entry_size) for i in range(count)]
    names = headers[strings][4]
    return [
        _Section(table + i * entry_size, data[names + h[0] : data.index(b"\0", names + h[0])], h[1], *h[2:3], *h[4:8])
        for i, h in enumerate(headers)
    ]


def load_lines(data: bytes, target: Target) -> bytes:
    """The object with ``.debug_line`` made a loaded section, its addresses relative to their own place.

    A debug section is not loaded, so the program could not read it. SHF_ALLOC changes that; and as an absolute address
    in read-only data would be a text relocation in a static PIE, each becomes `address - place`, a constant of the
    link, which core/lines.c undoes. Raises ToolError for an object that is not ELF.
    """
    _, _, absolute, relative = _MACHINES[target.arch]
    try:
        sections = _sections(data)
        out = bytearray(data)
        for section in sections:
            if section.name == b".debug_line":
                struct.pack_into("<Q", out, section.header + 8, section.flags | _SHF_ALLOC)
            elif section.type == _SHT_RELA and sections[section.info].name == b".debug_line":
                for at in range(section.offset, section.offset + section.size, _RELA.size):
                    place, info, addend = _RELA.unpack_from(data, at)
                    if info & 0xFFFFFFFF != absolute:
                        raise ToolError(f"an object's line table has a relocation of type {info & 0xFFFFFFFF}")
                    _RELA.pack_into(out, at, place, (info >> 32 << 32) | relative, addend)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise ToolError("an object is damaged") from None
    return bytes(out)


def undefined_symbols(data: bytes) -> list[str]:
    """The names that an object refers to and does not define. Raises ToolError for an object that is not ELF."""
    try:
        sections = _sections(data)
        table = next(section for section in sections if section.type == _SHT_SYMTAB)
        strings = sections[table.link].offset
        names = []
        for at in range(table.offset + _SYMBOL.size, table.offset + table.size, _SYMBOL.size):
            name, _, _, section_index, _, _ = _SYMBOL.unpack_from(data, at)
            if section_index == 0:
                names.append(data[strings + name : data.index(b"\0", strings + name)].decode())
        return names
    except (struct.error, IndexError, ValueError, StopIteration):
        raise ToolError("an object is damaged") from None


def data_object(sections: dict[str, bytes], target: Target, *, align: int = 8, writable: bool = False) -> bytes:
    """A relocatable object whose loaded sections hold those bytes, without symbols."""
    machine, machine_flags, _, _ = _MACHINES[target.arch]
    names = bytearray(b"\0")
    headers = [_SECTION_HEADER.pack(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    body = bytearray(_FILE_HEADER.size)
    flags = _SHF_ALLOC | (_SHF_WRITE if writable else 0)
    for name, contents in sections.items():
        body += bytes(-len(body) % align)
        headers.append(
            _SECTION_HEADER.pack(len(names), _SHT_PROGBITS, flags, 0, len(body), len(contents), 0, 0, align, 0)
        )
        names += name.encode() + b"\0"
        body += contents
    headers.append(
        _SECTION_HEADER.pack(len(names), _SHT_STRTAB, 0, 0, len(body), len(names) + len(b".shstrtab\0"), 0, 0, 1, 0)
    )
    body += names + b".shstrtab\0"
    body += bytes(-len(body) % 8)
    identification = b"\x7fELF\x02\x01\x01" + bytes(9)
    _FILE_HEADER.pack_into(
        body, 0, identification, _ET_REL, machine, 1, 0, 0, len(body), machine_flags,
        _FILE_HEADER.size, 0, 0, _SECTION_HEADER.size, len(headers), len(headers) - 1,
    )  # fmt: skip
    return bytes(body) + b"".join(headers)
