"""Instantiation (core specification, section 4.5.4): what is left to do when the program starts.

Whatever is known at build time is an initialised LLVM global (state.py). The rest is the function `waot_instantiate`:
it makes memories, computes what is an object, writes the segments that are left and calls the start function.
Constant expressions go through the lowerings of their operators, in a `FunctionLowering` that has no function.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from waot.frontend.module import Body, ConstExpr, FuncType
from waot.lowering.abi import DATA_IMAGE, FUNCREF, trap_symbol
from waot.lowering.function import HANDLERS, FunctionLowering
from waot.lowering.plan import TablePlan

if TYPE_CHECKING:
    from waot.lowering.unit import UnitLowering

_NO_FUNCTION = -1


def instantiate(unit: UnitLowering) -> Iterator[str]:
    """`waot_instantiate`. Never inlined: functions treat the base of a memory as invariant, and here it is made."""
    plan = unit.plan
    f = FunctionLowering(unit, Body(_NO_FUNCTION, FuncType((), ()), (), [], 0))
    for memory in plan.memories:
        f.call_runtime("waot_memory_create", f"@waot_memory.{memory.index}")
    _globals(f)
    yield from _tables(f)
    _elements(f)
    yield from _data(f)
    if plan.instantiation_trap:
        f.trap(plan.instantiation_trap, 0)
    else:
        f.out += entered(unit, unit.module.start) if unit.module.start is not None else []
        f.out.append("  ret void")
    yield "\n".join(["define internal void @waot_instantiate() #3 {", *f.entry_out, *f.out, "}"])


def entered(unit: UnitLowering, index: int) -> list[str]:
    """Instructions of the program that call function `index` of type [] -> [], which nobody in wasm has called."""
    lines = [f"  call {unit.call_conv} void {unit.function_symbol(index)}() #4"]
    if index in unit.plan.throws:
        symbol = trap_symbol("uncaught_exception")
        unit.declare_trap(symbol)
        lines += [
            f"  %pending.{index} = load ptr, ptr {unit.layout.exception()}",
            f"  %caught.{index} = icmp eq ptr %pending.{index}, null",
            f"  br i1 %caught.{index}, label %good.{index}, label %bad.{index}",
            f"bad.{index}:",
            f"  call void @{symbol}() #1",
            "  unreachable",
            f"good.{index}:",
        ]
    return lines


def _value(f: FunctionLowering, expr: ConstExpr) -> str:
    """The value of a constant expression, computed here."""
    for op, immediate, offset in expr:
        handler = HANDLERS[op]
        assert handler is not None
        handler(f, immediate, offset)
    return f.stack.pop()


def _globals(f: FunctionLowering) -> None:
    module = f.unit.module
    imported = len(module.globals) - len(module.defined_globals)
    for index in sorted(f.unit.plan.dynamic_globals):
        f.unit.layout.global_store(f, index, _value(f, module.defined_globals[index - imported].init))


def _tables(f: FunctionLowering) -> Iterator[str]:
    for table in f.unit.plan.tables:
        expr = f.unit.plan.table_values.get(table.index)
        if expr is not None:
            f.call_runtime("waot_table_fill", f"@waot_table.{table.index}", "0", _value(f, expr), str(table.size))
        elif table.sparse and table.entries:
            yield from _sparse_table(f, table)


def _sparse_table(f: FunctionLowering, table: TablePlan) -> Iterator[str]:
    """Fills a sparse table, a run of slots each."""
    runs: list[list[int]] = []
    for slot in sorted(table.entries):
        if runs and runs[-1][-1] == slot - 1:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    for number, run in enumerate(runs):
        name = f"@waot_table.{table.index}.run.{number}"
        values = ", ".join(f"ptr @{FUNCREF}{table.entries[slot]}" for slot in run)
        yield f"{name}.elements = internal constant [{len(run)} x ptr] [{values}]"
        yield f"{name} = internal constant %waot.elem {{ ptr {name}.elements, i64 {len(run)} }}"
        f.call_runtime("waot_table_init", f"@waot_table.{table.index}", name, str(run[0]), "0", str(len(run)))


def _elements(f: FunctionLowering) -> None:
    """Makes the objects in element segments, and writes the active segments that are to be written here."""
    module, plan = f.unit.module, f.unit.plan
    for index in sorted(plan.element_values):
        values = plan.element_values[index]
        if None not in values:
            continue
        if f.unit.alone and index not in plan.runtime_elements and f"waot_elem.{index}" not in f.unit.used_state:
            continue  # nobody reads it
        symbol = f.unit.state_symbol(f"waot_elem.{index}", "%waot.elem")
        for slot, (value, expr) in enumerate(zip(values, module.elements[index].exprs or (), strict=True)):
            if value is None:
                f.out.append(
                    f"  store ptr {_value(f, expr)}, ptr getelementptr (ptr, ptr {symbol}.elements, i64 {slot})"
                )
    for index in plan.runtime_elements:
        element = module.elements[index]
        symbol = f.unit.state_symbol(f"waot_elem.{index}", "%waot.elem")
        offset = _value(f, element.offset_expr or ())
        if not module.tables[element.table].limits.index64:
            offset = str(int(offset) & 0xFFFFFFFF)
        f.call_runtime("waot_table_init", f"@waot_table.{element.table}", symbol, offset, "0", str(len(element)))
        f.out.append(f"  store i64 0, ptr getelementptr inbounds (%waot.elem, ptr {symbol}, i32 0, i32 1)")


def _data(f: FunctionLowering) -> Iterator[str]:
    parts: dict[int, list[str]] = {}
    for copy in f.unit.plan.copies:
        row = f"%waot.part {{ i64 {copy.offset}, i64 {copy.source}, i64 {copy.size} }}"
        parts.setdefault(copy.memory, []).append(row)
    for memory_index, rows in parts.items():
        name = f"@waot_memory.{memory_index}.parts"
        yield f"{name} = internal constant [{len(rows)} x %waot.part] [{', '.join(rows)}]"
        memory = f"@waot_memory.{memory_index}"
        f.call_runtime("waot_memory_write_parts", memory, f"@{DATA_IMAGE}", name, str(len(rows)))
