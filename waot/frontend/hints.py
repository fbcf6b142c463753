"""Branch hints: the custom section ``metadata.code.branch_hint`` (the proposal of that name).

A hint changes no meaning, so whatever is wrong with the section only makes it be ignored.
"""

from __future__ import annotations

from waot.errors import WaotError
from waot.frontend.module import Module
from waot.frontend.opcodes import BY_NAME
from waot.frontend.reader import Reader

SECTION = "metadata.code.branch_hint"

_HINTED = frozenset({BY_NAME["br_if"].code, BY_NAME["if"].code})


def read_branch_hints(module: Module, start: int, end: int) -> None:
    """Reads the contents, bytes `start` to `end`, into `module.branch_hints`; leaves it empty if they are malformed."""
    reader = Reader(module.source, start, end)
    hints: dict[int, bool] = {}
    try:
        for _ in range(reader.u32()):  # whatever the count, the bytes end first
            _read_function(reader, module, hints)
    except WaotError:
        return
    if reader.pos == end:
        module.branch_hints = hints


def _read_function(reader: Reader, module: Module, hints: dict[int, bool]) -> None:
    """The hints of one function: its index, and offsets from the beginning of its body with a byte 0 or 1 each."""
    defined = reader.u32() - module.imported_func_count
    count = reader.u32()
    if not 0 <= defined < len(module.codes):
        raise reader.malformed(f"there is no function body {defined}")
    code = module.codes[defined]
    for _ in range(count):
        at = code.start + reader.u32()
        size, value = reader.u32(), reader.byte()
        if size != 1 or value > 1:
            raise reader.malformed("a branch hint is one byte, 0 or 1")
        if at < code.end and module.source[at] in _HINTED:
            hints[at] = bool(value)
