"""The name section (core specification, appendix "Custom Sections", 7.4.1).

It serves people only, so a malformed one is ignored as a whole, as the specification asks.
"""

from __future__ import annotations

from waot.errors import WaotError
from waot.frontend.limits import MAX_FUNCTIONS
from waot.frontend.module import Module
from waot.frontend.reader import Reader

_MODULE = 0
_FUNCTIONS = 1


def read_name_section(module: Module, start: int, end: int) -> None:
    """Sets `module.name` and `module.function_names` from the name section at [start, end), if that is well-formed."""
    reader = Reader(module.source, start, end)
    name: str | None = None
    functions: dict[int, str] = {}
    try:
        while reader.pos < end:
            kind = reader.byte()
            size = reader.u32()
            if size > end - reader.pos:
                return
            part = Reader(module.source, reader.pos, reader.pos + size)
            reader.pos = part.end
            if kind == _MODULE:
                name = part.name()
            elif kind == _FUNCTIONS:
                functions = _name_map(part, len(module.funcs))
    except WaotError:
        return
    module.name = name
    module.function_names = functions


def _name_map(reader: Reader, limit: int) -> dict[int, str]:
    """The names of indices below `limit`; others mean nothing."""
    names: dict[int, str] = {}
    for _ in range(reader.count("names", MAX_FUNCTIONS, 2)):
        index = reader.u32()
        name = reader.name()
        if index < limit and name:
            names[index] = name
    return names
