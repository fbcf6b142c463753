"""What of a module is not a function: globals, tables, memory descriptors, names, instantiation (section 4.5.4).

Whatever is known at build time is an initialised LLVM global; `waot_instantiate` does only what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from waot.frontend.linking import locate
from waot.frontend.module import V128, ArrayType, FuncType, RefType
from waot.lowering.abi import (
    DATA_IMAGE,
    FUNCTION_INDEX_BITS,
    MEMORY_CHECKED,
    MEMORY_FIXED,
    MEMORY_INDEX64,
    MEMORY_SHARED,
    TYPE_ARRAY,
    TYPE_FUNCTION,
    TYPE_STRUCT,
    trap_symbol,
)
from waot.lowering.authority import authority
from waot.lowering.c_interface import emit_c_interface
from waot.lowering.exports import emit_exports
from waot.lowering.heap_types import (
    first_element,
    holds_objects,
    storage_bytes,
)
from waot.lowering.initial import TablePlan
from waot.lowering.instantiate import definition, entered, instantiate
from waot.lowering.plan import entry_export
from waot.lowering.profiled import NO_FUNCTION_PREFIX
from waot.lowering.types import THREAD_LOCAL, ir_type, parameter_types, return_type

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
        yield f"@waot_arguments = {_variable(unit, 'waot_arguments')} [{plan.argument_slots} x i128] zeroinitializer"
    yield from _memories(unit)
    for index in sorted(plan.referenced):
        type_id = plan.type_numbers.number(module.canonical[module.funcs[index]])
        yield (
            f"@waot_funcref.{index} = {_constant(unit)} %waot.funcref "
            f"{{ ptr {unit.function_symbol(index)}, {plan.word} {type_id} }}"
        )
    for table in plan.tables:
        yield from _table(unit, table)
    instantiation = list(instantiate(unit))  # first, because it too refers to segments
    yield from _segments(unit)
    if plan.heap:
        yield from _heap(unit)
    yield from instantiation
    yield from _module(unit)
    options = plan.options
    may = authority(
        options.grants,
        plan.imports,
        embedded=options.embedded,
        compressed=options.compressed,
        instrumented=options.instrument is not None,
    )
    yield f"@waot_authority = hidden constant i32 {may}"
    if plan.threads is not None:
        yield from _threads(unit, plan.threads)
        yield definition("@waot_bind", [*unit.bindings, "  ret void"])
    if plan.interface is not None:
        yield from emit_c_interface(unit)
    elif plan.options.exports:
        yield from emit_exports(unit)


def _variable(unit: UnitLowering, name: str, linkage: str | None = None) -> str:
    thread_local = THREAD_LOCAL if unit.plan.is_thread_local(name) else ""
    return f"{linkage or unit.linkage} {thread_local}global"


def _constant(unit: UnitLowering) -> str:
    # Not unnamed_addr for funcrefs: their addresses are compared by nobody, but merging two gains nothing either.
    return f"{unit.linkage} constant"


def _globals(unit: UnitLowering) -> Iterator[str]:
    for index, value in unit.plan.global_initials.items():
        t = unit.module.globals[index].value
        align = ", align 16" if t is V128 else ""
        name = f"waot_global.{index}"
        yield f"@{name} = {_variable(unit, name)} {ir_type(t)} {value}{align}"


def _memories(unit: UnitLowering) -> Iterator[str]:
    for memory in unit.plan.memories:
        base = "null" if memory.base is None else f"inttoptr (i64 {memory.base} to ptr)"
        flags = MEMORY_FIXED if memory.base is not None else 0
        flags |= MEMORY_CHECKED if memory.strategy == "checked" else 0
        flags |= MEMORY_SHARED if memory.shared else 0
        flags |= MEMORY_INDEX64 if memory.index64 else 0
        yield (
            f"@waot_memory.{memory.index} = {unit.linkage} global %waot.memory {{ ptr {base}, "
            f"{unit.plan.word} {memory.bytes}, i64 {memory.maximum}, i64 {memory.reserve}, "
            f"i32 {memory.page_log2}, i32 {flags} }}"
        )
    count = len(unit.plan.memories)
    pointers = ", ".join(f"ptr @waot_memory.{i}" for i in range(count))
    yield f"@waot_memories = internal constant [{count} x ptr] [{pointers}]"


def _table(unit: UnitLowering, table: TablePlan) -> Iterator[str]:
    k, size, word = table.index, table.size, unit.plan.word
    elements = "zeroinitializer"
    if table.entries and not table.sparse:
        slots = (table.entries.get(slot) for slot in range(size))
        elements = "[" + ", ".join("ptr null" if i is None else f"ptr @waot_funcref.{i}" for i in slots) + "]"
    name = f"waot_table.{k}"
    yield f"@{name}.elements = {_variable(unit, name, 'internal')} [{size} x ptr] {elements}"
    at = unit.pointer(f"@{name}", "%waot.table", (0, 0), f"@{name}.elements", unit.plan.is_thread_local(name))
    yield f"@{name} = {_variable(unit, name)} %waot.table {{ ptr {at}, {word} {size}, {word} {table.maximum} }}"
    if table.immutable and table.called:
        yield from _immutable_table(unit, table)


def _immutable_table(unit: UnitLowering, table: TablePlan) -> Iterator[str]:
    plan, module = unit.plan, unit.module
    k, size = table.index, table.size
    slots = [table.entries.get(slot) for slot in range(size)]
    symbols = [None if i is None else unit.function_symbol(i) for i in slots]
    types = [None if i is None else plan.type_numbers.number(module.canonical[module.funcs[i]]) for i in slots]
    code = ", ".join("ptr null" if s is None else f"ptr {s}" for s in symbols)
    yield f"@waot_table.{k}.code = {_constant(unit)} [{size} x ptr] [{code}]"
    numbers = ", ".join(f"i16 {0 if t is None else plan.called_types.number(t)}" for t in types)
    yield f"@waot_table.{k}.types = {_constant(unit)} [{size} x i16] [{numbers}]"
    for wanted in table.dense_types:
        null, other = f"@waot_table.{k}.type.{wanted}.null", f"@waot_table.{k}.type.{wanted}.other"
        yield from _stub(unit, null, wanted, "uninitialized_element")
        yield from _stub(unit, other, wanted, "indirect_call_type_mismatch")
        first, last = plan.type_numbers.intervals[wanted]
        entries = (
            null if t is None else s if first <= t <= last else other for t, s in zip(types, symbols, strict=True)
        )
        yield (
            f"@waot_table.{k}.type.{wanted} = {_constant(unit)} [{size} x ptr] "
            f"[{', '.join(f'ptr {e}' for e in entries)}]"
        )


def _stub(unit: UnitLowering, symbol: str, type_id: int, trap: str) -> Iterator[str]:
    """A function of the wanted type that traps; the trap is the caller's, whose return address tells where."""
    t = unit.module.signature(type_id)
    unit.declare_trap(trap_symbol(trap))
    before = NO_FUNCTION_PREFIX if unit.plan.options.instrument is not None else ""
    parameters = ", ".join(parameter_types(t, unit.plan.registers))
    yield (
        f"define internal {unit.call_conv} {return_type(t, unit.plan.registers)} {symbol}({parameters}) #3{before} {{\n"
        f"  call void @{trap_symbol(trap)}() #1\n  unreachable\n}}"
    )


def _segments(unit: UnitLowering) -> Iterator[str]:
    module, plan = unit.module, unit.plan
    size = max(len(plan.data_image), 1)
    if plan.interface is None:
        yield f"@{DATA_IMAGE} = external hidden constant [{size} x i8], align 1"
    else:  # no linker of ours puts it there
        data = "".join(f"\\{byte:02X}" for byte in plan.data_image or b"\0")
        yield f'@{DATA_IMAGE} = internal constant [{size} x i8] c"{data}", align 1'
    # A module may hold millions of empty segments; nothing but functions refers to them.
    emitted = unit.used_state if unit.alone else None
    for index in range(len(module.datas)):
        if emitted is not None and f"waot_data.{index}" not in emitted:
            continue
        start, size = plan.kept_data.get(index, (0, 0))  # a segment written at build time is dropped from the start
        pointer = f"getelementptr (i8, ptr @{DATA_IMAGE}, i64 {start})"
        yield f"@waot_data.{index} = {_variable(unit, 'waot_data')} %waot.data {{ ptr {pointer}, i64 {size} }}"
    for index, element in enumerate(module.elements):
        if emitted is not None and f"waot_elem.{index}" not in emitted:
            continue
        size = 0
        values = plan.element_values.get(index)
        if values is not None:
            size = len(element)
            entries = ", ".join(f"ptr {value or 'null'}" for value in values)
            # Objects are written there at instantiation.
            kind = _variable(unit, "waot_elem", "internal") if None in values else "internal constant"
            yield f"@waot_elem.{index}.elements = {kind} [{size} x ptr] [{entries}]"
        pointer = f"@waot_elem.{index}.elements" if size else "null"
        own = values is not None and None in values and unit.plan.threads is not None
        pointer = unit.pointer(f"@waot_elem.{index}", "%waot.elem", (0, 0), pointer, own)
        yield f"@waot_elem.{index} = {_variable(unit, 'waot_elem')} %waot.elem {{ ptr {pointer}, i64 {size} }}"


def _heap(unit: UnitLowering) -> Iterator[str]:
    """`waot_heap`: what the collector knows of the module. And the pending exception, which is a root."""
    module, plan = unit.module, unit.plan
    own = plan.threads is not None
    yield f"@waot_exception = {_variable(unit, 'waot_exception')} ptr null"
    rows = []
    for index in plan.type_numbers.order:
        type_ = module.types[index]
        if isinstance(type_, FuncType):
            rows.append(f"%waot.type {{ i32 {TYPE_FUNCTION}, i32 0, i32 0, i32 0, ptr null }}")
        elif isinstance(type_, ArrayType):
            storage = type_.field.storage
            pointer = plan.pointer_bytes
            kind, size, first = TYPE_ARRAY, storage_bytes(storage, pointer), first_element(type_.field, pointer)
            count = int(isinstance(storage, RefType))
            rows.append(f"%waot.type {{ i32 {kind}, i32 {size}, i32 {first}, i32 {count}, ptr null }}")
        else:
            row, references = _object_type(unit, index)
            rows.append(row)
            yield from references
    exceptions: dict[int, str] = {}  # any number of tags may have one type
    for type_index in module.tags:
        known = exceptions.get(type_index)
        if known is None:
            known, references = _object_type(unit, type_index)
            exceptions[type_index] = known
            yield from references
        rows.append(known)
    yield f"@waot_types = internal constant [{len(rows)} x %waot.type] [{', '.join(rows)}]"
    words = [("@waot_exception", 1)]
    words += [
        (f"@waot_global.{index}", 1)
        for index in plan.global_initials
        if holds_objects(module, module.globals[index].value)
    ]
    words += [
        (f"@waot_elem.{index}.elements", len(values))
        for index, values in plan.element_values.items()
        if None in values and (not unit.alone or f"waot_elem.{index}" in unit.used_state)
    ]
    variable = f"{THREAD_LOCAL}global" if own else "constant"
    roots = ", ".join(
        f"%waot.roots {{ ptr {unit.pointer('@waot_roots', '%waot.roots', (k, 0), word, own)}, i64 {length} }}"
        for k, (word, length) in enumerate(words)
    )
    yield f"@waot_roots = internal {variable} [{len(words)} x %waot.roots] [{roots}]"
    held = [f"waot_table.{table.index}" for table in plan.tables if holds_objects(module, table.element)]
    tables = ", ".join(
        f"ptr {unit.pointer('@waot_object_tables', 'ptr', (k,), f'@{name}', plan.is_thread_local(name))}"
        for k, name in enumerate(held)
    )
    yield f"@waot_object_tables = internal {variable} [{len(held)} x ptr] [{tables}]"
    at_roots = unit.pointer("@waot_heap", "%waot.heap", (0, 2), "@waot_roots", own)
    at_tables = unit.pointer("@waot_heap", "%waot.heap", (0, 4), "@waot_object_tables", own)
    yield (
        f"@waot_heap = hidden {variable} %waot.heap {{ ptr @waot_types, i64 {len(rows)}, ptr {at_roots}, "
        f"i64 {len(words)}, ptr {at_tables}, i64 {len(held)}, i64 {plan.options.heap_limit} }}"
    )


def _object_type(unit: UnitLowering, type_index: int) -> tuple[str, list[str]]:
    """A row of the table of types for a struct, or an exception whose tag has that type; and what the row refers to."""
    layout = unit.object_layout(type_index)
    symbol, definitions = "null", []
    if layout.references:
        symbol = f"@waot_type.{type_index}.references"
        offsets = ", ".join(f"i32 {offset}" for offset in layout.references)
        definitions = [f"{symbol} = internal constant [{len(layout.references)} x i32] [{offsets}]"]
    row = f"%waot.type {{ i32 {TYPE_STRUCT}, i32 {layout.size}, i32 0, i32 {len(layout.references)}, ptr {symbol} }}"
    return row, definitions


def _threads(unit: UnitLowering, start: int) -> Iterator[str]:
    """`waot_threads` and what it points to."""
    lines = [f"  call void @{symbol}({table})" for symbol, table in _releases(unit)]
    yield definition("@waot_release", [*lines, "  ret void"])
    parameters = "i32 %thread, i32 %argument"
    lines = [*entered(unit, start, parameters), "  ret void"]
    yield definition("@waot_thread_start", lines, parameters=parameters)
    yield (
        "@waot_threads = hidden constant %waot.threads "
        "{ ptr @waot_instantiate.thread, ptr @waot_thread_start, ptr @waot_release }"
    )


def _releases(unit: UnitLowering) -> Iterator[tuple[str, str]]:
    """What a thread's instance may have taken from the system: (function that gives it back, its argument)."""
    for table in unit.plan.tables:
        if not table.immutable:
            unit.runtime_function("waot_table_release")
            yield "waot_table_release", f"ptr @waot_table.{table.index}"
    if unit.plan.heap:
        unit.runtime_function("waot_heap_release")
        yield "waot_heap_release", ""


def _module(unit: UnitLowering) -> Iterator[str]:
    """`waot_module` and what it points to."""
    module, plan = unit.module, unit.plan
    entry = None if plan.options.exports else entry_export(module)
    entry_pointer = "null"
    if entry is not None:
        entry_pointer = "@waot_entry"
        lines = entered(unit, entry.index)
        yield "\n".join(["define internal void @waot_entry() #3 {", *lines, "  ret void", "}"])
    names = bytearray(b"\0")
    rows = []
    imported = module.imported_func_count
    for index in plan.reachable:
        if index < imported:
            continue
        code = module.codes[index - imported]
        own, name = index, module.function_names.get(index, "")
        if module.instances:
            number, own = locate(module, index)
            label = module.instances[number].label
            own |= number << FUNCTION_INDEX_BITS
            name = f"{label}: {name}" if name else label
        offset = 0
        if name:
            offset = len(names)
            names += name.encode("utf-8", "replace").replace(b"\0", b"?") + b"\0"
        rows.append(f"%waot.function {{ i32 {code.start}, i32 {code.end}, i32 {own}, i32 {offset} }}")
    starts = "null"
    if module.instances:
        starts = "@waot_starts"
        biases = ", ".join(f"i32 {instance.bias}" for instance in module.instances)
        yield f"{starts} = internal constant [{len(module.instances)} x i32] [{biases}]"
    yield f"@waot_functions = internal constant [{len(rows)} x %waot.function] [{', '.join(rows)}]"
    text = "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02X}" for b in names)
    yield f'@waot_names = internal constant [{len(names)} x i8] c"{text}"'
    yield (
        f"@waot_module = hidden constant %waot.module {{ ptr @waot_instantiate, ptr {entry_pointer}, "
        f"ptr @waot_memories, i64 {len(plan.memories)}, ptr @waot_functions, ptr @waot_names, i64 {len(rows)}, "
        f"ptr {starts} }}"
    )
