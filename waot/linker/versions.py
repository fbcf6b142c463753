"""Programs that carry their code twice, for two levels of the processor, and choose at their start.

Each version is all that codegen makes of a module, instance state included. What both define gets another name in
each, `waot_module` in the first version `waot_module.1`, in the second `waot_module.2`; the shim, which is linked once
and merged with neither, finds those that it knows of through core/apart/versions.c.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from waot.errors import ToolError
from waot.linker.elf_layout import SHT_SYMTAB, SectionHeader, Symbol, layout_in

# The same in all versions, and looked at before one is chosen.
_SHARED = frozenset({"waot_authority"})

_LOCAL = 0  # STB_LOCAL


def join_versions(versions: Sequence[Sequence[bytes]]) -> list[bytes]:
    """The objects (ELF) of all versions, whose names no longer meet. Raises ToolError for what is no such object."""
    joined: list[bytes] = []
    for number, objects in enumerate(versions, 1):
        defined = frozenset(name for data in objects for name, symbol in _globals(data) if symbol.section)
        # One definition of what is shared stands for all.
        renamed = defined if number > 1 else defined - _SHARED
        joined += [_renamed(data, renamed, f".{number}") for data in objects]
    return joined


def shim_symbols(objects: Sequence[bytes]) -> set[str]:
    """What those objects refer to of the shim."""
    names = {name for data in objects for name, symbol in _globals(data) if not symbol.section}
    return {name for name in names if name.startswith("waot_") and name[-2:] not in (".1", ".2")}


def _globals(data: bytes) -> list[tuple[str, Symbol]]:
    """Name and entry of each symbol that other objects can see, or that is theirs."""
    layout = layout_in(data)
    try:
        headers = layout.read_section_headers(data)
        table = _symbols(headers)
        found = []
        for at in range(table.offset, table.offset + table.size, layout.symbol.size):
            symbol = layout.read_symbol(data, at)
            if symbol.info >> 4 != _LOCAL:
                found.append((_name(data, headers[table.link], symbol), symbol))
        return found
    except (struct.error, IndexError, ValueError):
        raise ToolError("an object is damaged") from None


def _renamed(data: bytes, names: frozenset[str], suffix: str) -> bytes:
    """The object with `suffix` behind those names: the new ones stand in a copy of its table of strings, at its end."""
    layout = layout_in(data)
    headers = layout.read_section_headers(data)
    table = _symbols(headers)
    strings = headers[table.link]
    out = bytearray(data)
    new = bytearray(data[strings.offset : strings.offset + strings.size])
    for at in range(table.offset, table.offset + table.size, layout.symbol.size):
        symbol = layout.read_symbol(data, at)
        if symbol.info >> 4 != _LOCAL and (name := _name(data, strings, symbol)) in names:
            layout.write_symbol(out, at, symbol._replace(name=len(new)))
            new += f"{name}{suffix}\0".encode()
    file = layout.read_file_header(data)
    moved = strings._replace(offset=len(out), size=len(new))
    layout.section_header.pack_into(out, file.section_headers + table.link * file.section_header_size, *moved)
    return bytes(out + new)


def _symbols(headers: Sequence[SectionHeader]) -> SectionHeader:
    return next(header for header in headers if header.type == SHT_SYMTAB)


def _name(data: bytes, strings: SectionHeader, symbol: Symbol) -> str:
    start = strings.offset + symbol.name
    return data[start : data.index(b"\0", start)].decode()
