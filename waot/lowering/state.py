"""What of a module is not a function: globals, tables, memory descriptors, names, instantiation (section 4.5.4).

Whatever is known at build time is an initialised LLVM global; `waot_instantiate` does only what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from waot.frontend.module import V128
from waot.lowering.abi import DATA_IMAGE, MEMORY_FIXED, trap_symbol
from waot.lowering.plan import TablePlan, entry_export
from waot.lowering.types import ir_type, parameter_types, return_type

if TYPE_CHECKING:
    from waot.lowering.unit import UnitLowering


def emit_state(unit: UnitLowering) -> Iterator[str]:
    """The IR of unit 0's state, a definition an element."""
    module, plan = unit.module, unit.plan
    # Functions refer to state by name, so what nobody refers to is deleted as unused where there is one unit.
    for index in plan.reachable:
        if index < module.imported_func_count:
            yield unit.import_thunk(index)
    yield from _globals(unit)
    if plan.argument_slots:
        yield f"@waot_arguments = {_variable(unit)} [{plan.argument_slots} x i128] zeroinitializer"
    yield from _memories(unit)
    for index in sorted(plan.referenced):
        type_id = plan.type_ids[module.funcs[index]]
        yield (
            f"@waot_funcref.{index} = {_constant(unit)} %waot.funcref "
            f"{{ ptr {unit.function_symbol(index)}, i64 {type_id} }}"
        )
    for table in plan.tables:
        yield from _table(unit, table)
    yield from _segments(unit)
    yield from _instantiate(unit)
    yield from _module(unit)


def _variable(unit: UnitLowering) -> str:
    return f"{unit.linkage} global"


def _constant(unit: UnitLowering) -> str:
    # Not unnamed_addr for funcrefs: their addresses are compared by nobody, but merging two gains nothing either.
    return f"{unit.linkage} constant"


def _globals(unit: UnitLowering) -> Iterator[str]:
    for index, value in unit.plan.global_initials.items():
        t = unit.module.globals[index].value
        align = ", align 16" if t is V128 else ""
        yield f"@waot_global.{index} = {_variable(unit)} {ir_type(t)} {value}{align}"


def _memories(unit: UnitLowering) -> Iterator[str]:
    for memory in unit.plan.memories:
        base = "null" if memory.base is None else f"inttoptr (i64 {memory.base} to ptr)"
        flags = MEMORY_FIXED if memory.base is not None else 0
        yield (
            f"@waot_memory.{memory.index} = {_variable(unit)} %waot.memory {{ ptr {base}, i64 {memory.bytes}, "
            f"i64 {memory.maximum}, i64 {memory.reserve}, i32 {memory.page_log2}, i32 {flags} }}"
        )
    count = len(unit.plan.memories)
    pointers = ", ".join(f"ptr @waot_memory.{i}" for i in range(count))
    yield f"@waot_memories = internal constant [{count} x ptr] [{pointers}]"


def _table(unit: UnitLowering, table: TablePlan) -> Iterator[str]:
    k, size = table.index, table.size
    elements = "zeroinitializer"
    if table.entries and not table.sparse:
        slots = (table.entries.get(slot) for slot in range(size))
        elements = "[" + ", ".join("ptr null" if i is None else f"ptr @waot_funcref.{i}" for i in slots) + "]"
    yield f"@waot_table.{k}.elements = internal global [{size} x ptr] {elements}"
    yield (
        f"@waot_table.{k} = {_variable(unit)} %waot.table "
        f"{{ ptr @waot_table.{k}.elements, i64 {size}, i64 {table.maximum} }}"
    )
    if table.immutable and table.called:
        yield from _immutable_table(unit, table)


def _sparse_table(unit: UnitLowering, table: TablePlan) -> tuple[list[str], list[str]]:
    """Definitions and calls that fill a sparse table at instantiation, a run of slots each."""
    runs: list[list[int]] = []
    for slot in sorted(table.entries):
        if runs and runs[-1][-1] == slot - 1:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    definitions, calls = [], []
    for number, run in enumerate(runs):
        name = f"@waot_table.{table.index}.run.{number}"
        values = ", ".join(f"ptr @waot_funcref.{table.entries[slot]}" for slot in run)
        definitions.append(f"{name}.elements = internal constant [{len(run)} x ptr] [{values}]")
        definitions.append(f"{name} = internal constant %waot.elem {{ ptr {name}.elements, i64 {len(run)} }}")
        arguments = f"ptr @waot_table.{table.index}, ptr {name}, i64 {run[0]}, i64 0, i64 {len(run)}"
        calls.append(f"  call void @waot_table_init({arguments})")
    return definitions, calls


def _immutable_table(unit: UnitLowering, table: TablePlan) -> Iterator[str]:
    plan, module = unit.plan, unit.module
    k, size = table.index, table.size
    slots = [table.entries.get(slot) for slot in range(size)]
    symbols = [None if i is None else unit.function_symbol(i) for i in slots]
    types = [None if i is None else plan.type_ids[module.funcs[i]] for i in slots]
    code = ", ".join("ptr null" if s is None else f"ptr {s}" for s in symbols)
    yield f"@waot_table.{k}.code = {_constant(unit)} [{size} x ptr] [{code}]"
    numbers = ", ".join(f"i16 {0 if t is None else plan.type_numbers.get(t, 65535)}" for t in types)
    yield f"@waot_table.{k}.types = {_constant(unit)} [{size} x i16] [{numbers}]"
    for wanted in table.dense_types:
        null, other = f"@waot_table.{k}.type.{wanted}.null", f"@waot_table.{k}.type.{wanted}.other"
        yield from _stub(unit, null, wanted, "uninitialized_element")
        yield from _stub(unit, other, wanted, "indirect_call_type_mismatch")
        entries = (null if t is None else s if t == wanted else other for t, s in zip(types, symbols, strict=True))
        yield (
            f"@waot_table.{k}.type.{wanted} = {_constant(unit)} [{size} x ptr] "
            f"[{', '.join(f'ptr {e}' for e in entries)}]"
        )


def _stub(unit: UnitLowering, symbol: str, type_id: int, trap: str) -> Iterator[str]:
    """A function of the wanted type that traps; the trap is the caller's, whose return address tells where."""
    t = unit.module.types[type_id]
    unit.declare_trap(trap_symbol(trap))
    parameters = ", ".join(parameter_types(t, unit.plan.argument_registers))
    yield (
        f"define internal {unit.call_conv} {return_type(t)} {symbol}({parameters}) #3 {{\n"
        f"  call void @{trap_symbol(trap)}() #1\n  unreachable\n}}"
    )


def _segments(unit: UnitLowering) -> Iterator[str]:
    module, plan = unit.module, unit.plan
    yield f"@{DATA_IMAGE} = external hidden constant [{max(len(plan.data_image), 1)} x i8], align 1"
    # A module may hold millions of empty segments; nothing but functions refers to them.
    emitted = unit.used_state if unit.alone else None
    for index, data in enumerate(module.datas):
        if emitted is not None and f"waot_data.{index}" not in emitted:
            continue
        start, size = plan.passive.get(index, (0, 0))  # an active segment is dropped once it is written
        assert data.mode == "passive" or not size
        pointer = f"getelementptr (i8, ptr @{DATA_IMAGE}, i64 {start})"
        yield f"@waot_data.{index} = {_variable(unit)} %waot.data {{ ptr {pointer}, i64 {size} }}"
    for index, element in enumerate(module.elements):
        if emitted is not None and f"waot_elem.{index}" not in emitted:
            continue
        entries = ""
        size = 0
        if element.mode == "passive":
            entries = ", ".join(f"ptr {value}" for value in plan.element_values[index])
            size = len(element)
            yield f"@waot_elem.{index}.elements = internal constant [{size} x ptr] [{entries}]"
        pointer = f"@waot_elem.{index}.elements" if size else "null"
        yield f"@waot_elem.{index} = {_variable(unit)} %waot.elem {{ ptr {pointer}, i64 {size} }}"


def _instantiate(unit: UnitLowering) -> Iterator[str]:
    """`waot_instantiate`. Never inlined: functions treat the base of a memory as invariant, and here it is made."""
    plan = unit.plan
    lines = ["define internal void @waot_instantiate() #3 {"]
    for memory in plan.memories:
        unit.runtime_function("waot_memory_create")
        lines.append(f"  call void @waot_memory_create(ptr @waot_memory.{memory.index})")
    for table in plan.tables:
        if table.sparse and table.entries:
            unit.runtime_function("waot_table_init")
            definitions, calls = _sparse_table(unit, table)
            yield from definitions
            lines += calls
    parts: dict[int, list[str]] = {}
    for copy in plan.copies:
        row = f"%waot.part {{ i64 {copy.offset}, i64 {copy.source}, i64 {copy.size} }}"
        parts.setdefault(copy.memory, []).append(row)
    for memory_index, rows in parts.items():
        unit.runtime_function("waot_memory_write_parts")
        name = f"@waot_memory.{memory_index}.parts"
        yield f"{name} = internal constant [{len(rows)} x %waot.part] [{', '.join(rows)}]"
        lines.append(
            f"  call void @waot_memory_write_parts(ptr @waot_memory.{memory_index}, ptr @{DATA_IMAGE}, "
            f"ptr {name}, i64 {len(rows)})"
        )
    if plan.instantiation_trap:
        symbol = trap_symbol(plan.instantiation_trap)
        unit.declare_trap(symbol)
        lines += [f"  call void @{symbol}() #1", "  unreachable", "}"]
    else:
        if unit.module.start is not None:
            symbol = unit.function_symbol(unit.module.start)
            lines.append(f"  call {unit.call_conv} void {symbol}() #4")
        lines += ["  ret void", "}"]
    yield "\n".join(lines)


def _module(unit: UnitLowering) -> Iterator[str]:
    """`waot_module` and what it points to."""
    module, plan = unit.module, unit.plan
    entry = entry_export(module)
    entry_pointer = "null"
    if entry is not None:
        entry_pointer = "@waot_entry"
        yield (
            f"define internal void @waot_entry() #3 {{\n"
            f"  call {unit.call_conv} void {unit.function_symbol(entry.index)}() #4\n  ret void\n}}"
        )
    names = bytearray(b"\0")
    rows = []
    imported = module.imported_func_count
    for index in plan.reachable:
        if index < imported:
            continue
        code = module.codes[index - imported]
        name = module.function_names.get(index, "")
        offset = 0
        if name:
            offset = len(names)
            names += name.encode("utf-8", "replace").replace(b"\0", b"?") + b"\0"
        rows.append(f"%waot.function {{ i32 {code.start}, i32 {code.end}, i32 {index}, i32 {offset} }}")
    yield f"@waot_functions = internal constant [{len(rows)} x %waot.function] [{', '.join(rows)}]"
    text = "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02X}" for b in names)
    yield f'@waot_names = internal constant [{len(names)} x i8] c"{text}"'
    yield (
        f"@waot_module = hidden constant %waot.module {{ ptr @waot_instantiate, ptr {entry_pointer}, "
        f"ptr @waot_memories, i64 {len(plan.memories)}, ptr @waot_functions, ptr @waot_names, i64 {len(rows)} }}"
    )
