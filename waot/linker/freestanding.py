"""What is handed to a linker that is not ours: one relocatable object, alone or as a static library.

The objects of a module and of the shim become one, of which nothing is visible but what C code calls: two modules, or a
module and a C library, can then stand in one program without meeting each other's names. Of the shim it has what the
module needs.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from waot.codegen.frames import split_frames
from waot.errors import CacheError, ToolError
from waot.linker.elf_layout import SHT_REL, SHT_RELA, SHT_SYMTAB, ElfLayout, SectionHeader, Symbol, layout_in
from waot.linker.runtime import Runtime
from waot.targets import Target
from waot.zig import run_zig

MARGIN_SYMBOL = "waot_stack_margin"
# For functions that make no comparison: those of the shim, and arithmetic that the processor does not have. The deepest
# way through them takes less than half of it (tests/freestanding).
_SHIM_FRAMES = 1024

_SHT_GROUP = 17
_SHN_UNDEFINED, _SHN_ABSOLUTE = 0, 0xFFF1
_STB_LOCAL = 0


def link_freestanding(
    objects: Sequence[bytes],
    *,
    target: Target,
    runtime: Runtime,
    visible: Collection[str],
    name: str,
    library: bool,
    cache_dir: Path,
) -> bytes:
    """The object with the symbols `visible`, or with `library` an archive in which it is called `name`.

    `objects` are codegen's, with the sizes of frames (`CodegenOptions.frames`). Raises ToolError where lld refuses,
    CacheError where there is no room for its files.
    """
    parts = [split_frames(data) for data in objects]
    try:
        with tempfile.TemporaryDirectory(prefix="waot-link-") as directory:
            work = Path(directory)
            arguments = ["ld.lld", "-r", "--gc-sections", "-o", "out"]
            arguments += [f"--undefined={symbol}" for symbol in sorted(visible)]
            for index, (data, _) in enumerate(parts):
                (work / f"{index}.o").write_bytes(data)
                arguments.append(f"{index}.o")
            arguments += map(str, runtime.objects)
            arguments += ["--start-lib", *map(str, runtime.on_demand), "--end-lib"]
            run_zig(arguments, cache_dir=cache_dir, directory=work, what=f"linking for {target.name}")
            linked = (work / "out").read_bytes()
    except OSError as error:
        raise CacheError(f"the linker's temporary files: {error.strerror}") from None
    # A frame may be made before the comparison in it, and another by a function that calls none.
    margin = 2 * max(frame for _, frame in parts) + _SHIM_FRAMES
    try:
        data = _with_value(localize(linked, visible), MARGIN_SYMBOL, margin)
    except (struct.error, IndexError, ValueError, StopIteration):
        raise ToolError("the linked object is damaged") from None
    return make_archive({f"{name}.o": data}, sorted(visible)) if library else data


class _Table(NamedTuple):
    """The symbol table of an object."""

    number: int  # of its section
    header: SectionHeader
    symbols: list[Symbol]
    strings: int  # where the names start in the file


def _symbol_table(data: bytes | bytearray, layout: ElfLayout) -> _Table:
    headers = layout.read_section_headers(data)
    number, header = next((i, h) for i, h in enumerate(headers) if h.type == SHT_SYMTAB)
    size = layout.symbol.size
    symbols = [layout.read_symbol(data, at) for at in range(header.offset, header.offset + header.size, size)]
    return _Table(number, header, symbols, headers[header.link].offset)


def _name(data: bytes | bytearray, table: _Table, symbol: Symbol) -> str:
    start = table.strings + symbol.name
    return data[start : data.index(b"\0", start)].decode()


def localize(data: bytes, visible: Collection[str]) -> bytes:
    """The object with every symbol local that it defines, but for `visible`, which become ordinary ones.

    Local symbols come first in a table (gABI, "Symbol Table"), so the others move, and what refers to them follows.
    """
    layout = layout_in(data)
    out = bytearray(data)
    table = _symbol_table(data, layout)
    made = []
    for symbol in table.symbols:
        name = _name(data, table, symbol)
        if symbol.section == _SHN_UNDEFINED or symbol.info >> 4 == _STB_LOCAL:
            made.append(symbol)
        elif name in visible:
            made.append(symbol._replace(other=symbol.other & ~3))
        else:
            made.append(symbol._replace(info=symbol.info & 15, other=symbol.other & ~3))
    order = sorted(range(len(made)), key=lambda i: made[i].info >> 4 != _STB_LOCAL)
    place = {old: new for new, old in enumerate(order)}
    for new, old in enumerate(order):
        layout.write_symbol(out, table.header.offset + new * layout.symbol.size, made[old])
    first_global = sum(symbol.info >> 4 == _STB_LOCAL for symbol in made)
    file = layout.read_file_header(data)
    for number, header in enumerate(layout.read_section_headers(data)):
        at = file.section_headers + number * file.section_header_size
        if number == table.number:
            layout.section_header.pack_into(out, at, *header._replace(info=first_global))
        elif header.type == _SHT_GROUP and header.link == table.number:
            layout.section_header.pack_into(out, at, *header._replace(info=place[header.info]))
        elif header.type in (SHT_REL, SHT_RELA) and header.link == table.number:
            for entry in range(header.offset, header.offset + header.size, layout.relocation_size(header.type)):
                layout.write_relocation_symbol(out, entry, place[layout.read_relocation_symbol(data, entry)])
    return bytes(out)


def _with_value(data: bytes, name: str, value: int) -> bytes:
    """The object whose variable `name`, of 32 bits, begins as `value`."""
    layout = layout_in(data)
    table = _symbol_table(data, layout)
    symbol = next(
        s for s in table.symbols if s.section not in (_SHN_UNDEFINED, _SHN_ABSOLUTE) and _name(data, table, s) == name
    )
    section = layout.read_section_headers(data)[symbol.section]
    out = bytearray(data)
    struct.pack_into(f"{layout.order}I", out, section.offset + symbol.value, value)
    return bytes(out)


def make_archive(members: dict[str, bytes], symbols: Sequence[str]) -> bytes:
    """A static library in the format of System V and GNU, with `symbols`, all of the first member, in its index."""
    names = b"".join(symbol.encode() + b"\0" for symbol in symbols)
    long_names = b"".join(f"{name}/\n".encode() for name in members)
    index_size = 4 + 4 * len(symbols) + len(names)
    first = 8 + 60 + index_size + index_size % 2 + 60 + len(long_names) + len(long_names) % 2
    index = struct.pack(f">{1 + len(symbols)}I", len(symbols), *[first] * len(symbols)) + names
    out = bytearray(b"!<arch>\n")
    out += _member("/", index)
    out += _member("//", long_names)
    at = 0
    for name, data in members.items():
        out += _member(f"/{at}", data)
        at += len(name.encode()) + 2
    return bytes(out)


def _member(name: str, data: bytes) -> bytes:
    """An archive member; no time and no owner, so that the same input gives the same bytes."""
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{0o644:<8o}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
