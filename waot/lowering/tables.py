"""Table instructions, section 4.4.6."""

from __future__ import annotations

from waot.lowering.function import FunctionLowering, lowers
from waot.lowering.memory import from_word, narrow, widen, word_as, word_index


def _is_64(f: FunctionLowering, table: int) -> bool:
    return f.unit.plan.tables[table].index64


def _element(f: FunctionLowering, index: str, table: int, offset: int) -> str:
    """A pointer to the element at `index`, checked."""
    layout = f.unit.layout
    t, wide = word_index(f, index, _is_64(f, table))
    size = word_as(f, layout.table_size(f, table), t)
    f.trap_if(f.emit(f"icmp uge {t} {wide}, {size}", wide, size), "table_out_of_bounds", offset)
    elements = layout.table_elements(f, table)
    return f.emit(f"getelementptr ptr, ptr {elements}, {t} {wide}", elements, wide)


@lowers("table.get")
def _table_get(f: FunctionLowering, table: int, offset: int) -> None:
    pointer = _element(f, f.stack.pop(), table, offset)
    f.stack.append(f.emit(f"load ptr, ptr {pointer}, !tbaa {f.unit.layout.table_tbaa}", pointer))


@lowers("table.set")
def _table_set(f: FunctionLowering, table: int, offset: int) -> None:
    value = f.stack.pop()
    pointer = _element(f, f.stack.pop(), table, offset)
    f.effect(f"store ptr {value}, ptr {pointer}, !tbaa {f.unit.layout.table_tbaa}", value, pointer)


@lowers("table.size")
def _table_size(f: FunctionLowering, table: int, offset: int) -> None:
    size = f.unit.layout.table_size(f, table)
    f.stack.append(from_word(f, size, _is_64(f, table)))


@lowers("table.grow")
def _table_grow(f: FunctionLowering, table: int, offset: int) -> None:
    delta, value = f.stack.pop(), f.stack.pop()
    before = f.call_runtime("waot_table_grow", f.unit.layout.table(table), value, widen(f, delta, _is_64(f, table)))
    assert before is not None
    f.stack.append(narrow(f, before, _is_64(f, table)))
