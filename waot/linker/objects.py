"""ELF relocatable objects: the two things that we do to them without a linker.

`load_lines` makes the line table of an object part of the loaded image; `data_object` wraps bytes as a section. Layouts
are those of the System V ABI (gABI chapter 4), which waot/linker/elf_layout.py has for each class and byte order.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from waot.errors import ToolError
from waot.linker.elf_layout import (
    ET_REL,
    MACHINES,
    SHF_ALLOC,
    SHF_WRITE,
    SHT_PROGBITS,
    SHT_REL,
    SHT_RELA,
    SHT_STRTAB,
    SHT_SYMTAB,
    ElfLayout,
    FileHeader,
    SectionHeader,
    layout_in,
    layout_of,
)
from waot.targets import Target


@dataclass(frozen=True, slots=True)
class _Section:
    at: int  # offset of its header in the file
    name: bytes
    header: SectionHeader


def _sections(data: bytes, layout: ElfLayout) -> list[_Section]:
    file = layout.read_file_header(data)
    headers = layout.read_section_headers(data)
    names = headers[layout.names_index(data)].offset
    return [
        _Section(
            file.section_headers + i * file.section_header_size,
            data[names + header.name : data.index(b"\0", names + header.name)],
            header,
        )
        for i, header in enumerate(headers)
    ]


def section_places(data: bytes) -> list[tuple[bytes, int, int]]:
    """Name, offset and size of each section of an object. Raises ToolError for one that is not ELF."""
    return [(section.name, section.header.offset, section.header.size) for section in _sections(data, layout_in(data))]


def load_lines(data: bytes, target: Target) -> bytes:
    """The object with ``.debug_line`` made a loaded section, its addresses relative to their own place.

    A debug section is not loaded, so the program could not read it. SHF_ALLOC changes that; and as an absolute address
    in read-only data would be a text relocation in a static PIE, each becomes `address - place`, a constant of the
    link, which core/lines.c undoes. Raises ToolError for an object that is not ELF.
    """
    machine, layout = MACHINES[target.arch], layout_of(target)
    if layout_in(data) != layout:
        raise ToolError(f"an object is not {layout.bits}-bit {target.endian}-endian ELF")
    try:
        sections = _sections(data, layout)
        out = bytearray(data)
        for section in sections:
            header = section.header
            if section.name == b".debug_line":
                layout.section_header.pack_into(out, section.at, *header._replace(flags=header.flags | SHF_ALLOC))
            elif header.type in (SHT_REL, SHT_RELA) and sections[header.info].name == b".debug_line":
                for at in range(header.offset, header.offset + header.size, layout.relocation_size(header.type)):
                    kind = layout.read_relocation_type(data, at)
                    if kind != machine.absolute:
                        raise ToolError(f"an object's line table has a relocation of type {kind}")
                    layout.write_relocation_type(out, at, machine.relative)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise ToolError("an object is damaged") from None
    return bytes(out)


def undefined_symbols(data: bytes) -> list[str]:
    """The names that an object refers to and does not define. Raises ToolError for an object that is not ELF."""
    layout = layout_in(data)
    try:
        sections = _sections(data, layout)
        table = next(section.header for section in sections if section.header.type == SHT_SYMTAB)
        strings = sections[table.link].header.offset
        names = []
        for at in range(table.offset + layout.symbol.size, table.offset + table.size, layout.symbol.size):
            symbol = layout.read_symbol(data, at)
            if symbol.section == 0:
                names.append(data[strings + symbol.name : data.index(b"\0", strings + symbol.name)].decode())
        return names
    except (struct.error, IndexError, ValueError, StopIteration):
        raise ToolError("an object is damaged") from None


def data_object(sections: dict[str, bytes], target: Target, *, align: int = 8, writable: bool = False) -> bytes:
    """A relocatable object whose loaded sections hold those bytes, without symbols."""
    machine, layout = MACHINES[target.arch], layout_of(target)
    names = bytearray(b"\0")
    headers = [SectionHeader(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    body = bytearray(layout.file_header.size)
    flags = SHF_ALLOC | (SHF_WRITE if writable else 0)
    for name, contents in sections.items():
        body += bytes(-len(body) % align)
        headers.append(SectionHeader(len(names), SHT_PROGBITS, flags, 0, len(body), len(contents), 0, 0, align, 0))
        names += name.encode() + b"\0"
        body += contents
    names_size = len(names) + len(b".shstrtab\0")
    headers.append(SectionHeader(len(names), SHT_STRTAB, 0, 0, len(body), names_size, 0, 0, 1, 0))
    body += names + b".shstrtab\0"
    body += bytes(-len(body) % 8)
    file = FileHeader(
        layout.identification, ET_REL, machine.number, 1, 0, 0, len(body), machine.flags,
        layout.file_header.size, 0, 0, layout.section_header.size, len(headers), len(headers) - 1,
    )  # fmt: skip
    layout.file_header.pack_into(body, 0, *file)
    return bytes(body) + b"".join(layout.section_header.pack(*header) for header in headers)
