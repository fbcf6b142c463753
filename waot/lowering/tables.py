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


@lowers("table.fill")
def _table_fill(f: FunctionLowering, table: int, offset: int) -> None:
    count, value, to = f.stack.pop(), f.stack.pop(), f.stack.pop()
    wide = _is_64(f, table)
    arguments = (f.unit.layout.table(table), widen(f, to, wide), value, widen(f, count, wide))
    f.call_runtime("waot_table_fill", *arguments, offset=offset)


@lowers("table.copy")
def _table_copy(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    destination, source = immediate
    count, from_, to = f.stack.pop(), f.stack.pop(), f.stack.pop()
    descriptors = (f.unit.layout.table(destination), f.unit.layout.table(source))
    wide_to, wide_from = _is_64(f, destination), _is_64(f, source)
    indices = (widen(f, to, wide_to), widen(f, from_, wide_from), widen(f, count, wide_to and wide_from))
    f.call_runtime("waot_table_copy", *descriptors, *indices, offset=offset)


@lowers("table.init")
def _table_init(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    element, table = immediate
    count, from_, to = f.stack.pop(), f.stack.pop(), f.stack.pop()
    descriptors = (f.unit.layout.table(table), f.unit.state_symbol(f"waot_elem.{element}", "%waot.elem"))
    indices = (widen(f, to, _is_64(f, table)), widen(f, from_), widen(f, count))
    f.call_runtime("waot_table_init", *descriptors, *indices, offset=offset)


@lowers("elem.drop")
def _elem_drop(f: FunctionLowering, element: int, offset: int) -> None:
    symbol = f.unit.state_symbol(f"waot_elem.{element}", "%waot.elem")
    f.effect(f"store i64 0, ptr getelementptr inbounds (%waot.elem, ptr {symbol}, i32 0, i32 1)")
