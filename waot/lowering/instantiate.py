"""Instantiation (core specification, section 4.5.4): what is left to do when the program starts.

Whatever is known at build time is an initialised LLVM global (state.py). The rest is one function an instance, which
makes memories, computes what is an object, writes the segments that are left and calls the start function; and
`waot_instantiate`, which calls them in order. Constant expressions go through the lowerings of their operators, in a
`FunctionLowering` that has no function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from waot.frontend.module import Body, ConstExpr, FuncType
from waot.lowering.abi import DATA_IMAGE, FUNCREF, THROWN_AT, trap_symbol
from waot.lowering.function import HANDLERS, NO_FUNCTION, FunctionLowering
from waot.lowering.initial import InstancePlan, SegmentWrite, TablePlan, most_bytes

if TYPE_CHECKING:
    from waot.lowering.unit import UnitLowering

# Register allocation takes time by the product of a function's calls and values (240,000 objects: minutes), so what
# comes behind this many lines is a function of its own.
PART_LINES = 4_000


class _Steps:
    """The instructions of one instantiation: steps that share nothing, so that they can be cut into functions."""

    def __init__(self, unit: UnitLowering, symbol: str) -> None:
        self.unit = unit
        self.symbol = symbol
        self.f = self._new()
        self.parts: list[str] = []

    def _new(self) -> FunctionLowering:
        return FunctionLowering(self.unit, Body(NO_FUNCTION, FuncType((), ()), (), [], 0))

    def next(self) -> FunctionLowering:
        """Where the instructions of the next step go."""
        if len(self.f.out) > PART_LINES:
            self.f.out.append("  ret void")
            name = f"{self.symbol}.part.{len(self.parts)}"
            self.parts.append(definition(name, self.f.entry_out + self.f.out, "#3 optnone"))
            self.f = self._new()
        return self.f

    def text(self) -> Iterator[str]:
        """All functions."""
        yield from self.parts
        calls = [f"  call void {self.symbol}.part.{k}()" for k in range(len(self.parts))]
        attributes = "#3 optnone" if self.f.is_long() else "#3"
        yield definition(self.symbol, [*calls, *self.f.entry_out, *self.f.out], attributes)


def definition(symbol: str, lines: list[str], attributes: str = "#3", parameters: str = "") -> str:
    """An internal function without a result."""
    return "\n".join([f"define internal void {symbol}({parameters}) {attributes} {{", "entry:", *lines, "}"])


def instantiate(unit: UnitLowering) -> Iterator[str]:
    """`waot_instantiate`; where modules were linked it calls `waot_instantiate.<k>` in order.

    In a program with threads it makes the memories and then does what a thread does to have its instance.
    """
    instances = unit.plan.instances
    if unit.plan.threads is not None:
        thread = replace(instances[0], memories=range(0))
        yield from _instance(unit, thread, "@waot_instantiate.thread")
        create = _Steps(unit, "@waot_instantiate")
        for index in instances[0].memories:
            create.f.call_runtime("waot_memory_create", f"@waot_memory.{index}")
        create.f.out += ["  call void @waot_instantiate.thread()", "  ret void"]
        yield from create.text()
        return
    if not unit.module.instances:
        yield from _instance(unit, instances[0], "@waot_instantiate")
        return
    symbols = [f"@waot_instantiate.{k}" for k in range(len(instances))]
    for instance, symbol in zip(instances, symbols, strict=True):
        yield from _instance(unit, instance, symbol)
    calls = [f"  call void {symbol}()" for symbol in symbols]
    yield definition("@waot_instantiate", [*calls, "  ret void"])


def _instance(unit: UnitLowering, instance: InstancePlan, symbol: str) -> Iterator[str]:
    """The function that instantiates one instance.

    Never inlined: functions treat the base of a memory as invariant, and here it is made.
    """
    steps = _Steps(unit, symbol)
    if unit.plan.threads is not None:
        steps.f.out.append("  call void @waot_bind()")
    _demands(steps.f, instance)
    for index in instance.memories:
        steps.f.call_runtime("waot_memory_create", f"@waot_memory.{index}")
    _globals(steps, instance)
    yield from _tables(steps, instance)
    _elements(steps, instance)
    yield from _data(steps, instance)
    f = steps.next()
    if instance.trap:
        f.trap(instance.trap, 0)
    else:
        for start in instance.starts:
            f.out += entered(unit, start)
        f.out.append("  ret void")
    yield from steps.text()


def entered(unit: UnitLowering, index: int, arguments: str = "") -> list[str]:
    """Instructions of the program that call function `index`, which nobody in wasm has called and has no results."""
    lines = [f"  call {unit.call_conv} void {unit.function_symbol(index)}({arguments}) #4"]
    if index in unit.plan.throws:
        symbol = trap_symbol("uncaught_exception")
        unit.declare_trap(symbol)
        unit.declare_global(THROWN_AT, "i32")
        lines += [
            f"  %pending.{index} = load ptr, ptr {unit.layout.exception()}",
            f"  %caught.{index} = icmp eq ptr %pending.{index}, null",
            f"  br i1 %caught.{index}, label %good.{index}, label %bad.{index}",
            f"bad.{index}:",
            # It ends here, also for who goes on after the trap with another instance (tests/spec/driver.c).
            f"  store ptr null, ptr {unit.layout.exception()}",
            f"  %header.{index} = getelementptr i8, ptr %pending.{index}, i64 4",
            f"  %place.{index} = load i32, ptr %header.{index}",
            f"  store i32 %place.{index}, ptr @{THROWN_AT}",
            f"  call void @{symbol}() #1",
            "  unreachable",
            f"good.{index}:",
        ]
    return lines


def _demands(f: FunctionLowering, instance: InstancePlan) -> None:
    """Checks that imported memories and tables have grown to the size with which they are imported."""
    for demand in instance.demands:
        ir = f"%waot.{demand.kind}"
        least = demand.minimum
        if demand.kind == "memory":
            most = most_bytes(f.unit.plan.options.pointer_bits)
            least = min(least << f.unit.plan.memories[demand.index].page_log2, most)
        field = f"getelementptr inbounds ({ir}, ptr @waot_{demand.kind}.{demand.index}, i32 0, i32 1)"
        word = f.unit.plan.word
        size = f.emit(f"load {word}, ptr {field}")
        f.trap_if(f.emit(f"icmp ult {word} {size}, {least}", size), "incompatible_import", 0)


def _value(f: FunctionLowering, expr: ConstExpr) -> str:
    """The value of a constant expression, computed here."""
    for op, immediate, offset in expr:
        handler = HANDLERS[op]
        assert handler is not None
        handler(f, immediate, offset)
    return f.stack.pop()


def _globals(steps: _Steps, instance: InstancePlan) -> None:
    module = steps.unit.module
    imported = len(module.globals) - len(module.defined_globals)
    for index in instance.globals:
        if index in steps.unit.plan.dynamic_globals:
            f = steps.next()
            f.unit.layout.global_store(f, index, _value(f, module.defined_globals[index - imported].init))


def _tables(steps: _Steps, instance: InstancePlan) -> Iterator[str]:
    for index in instance.tables:
        f = steps.next()
        table = f.unit.plan.tables[index]
        expr = f.unit.plan.table_values.get(index)
        if expr is not None:
            f.call_runtime("waot_table_fill", f"@waot_table.{index}", "0", _value(f, expr), str(table.size))
        elif table.sparse and table.entries:
            yield from _sparse_table(steps, table)


def _sparse_table(steps: _Steps, table: TablePlan) -> Iterator[str]:
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
        steps.next().call_runtime(
            "waot_table_init", f"@waot_table.{table.index}", name, str(run[0]), "0", str(len(run))
        )


def _elements(steps: _Steps, instance: InstancePlan) -> None:
    """Makes the objects in element segments, and writes the active segments that are to be written here."""
    unit = steps.unit
    module, plan = unit.module, unit.plan
    written = {write.segment for write in instance.elements}
    for index in instance.segments:
        values = plan.element_values.get(index, [])
        if None not in values:
            continue
        if unit.alone and index not in written and f"waot_elem.{index}" not in unit.used_state:
            continue  # nobody reads it
        symbol = unit.state_symbol(f"waot_elem.{index}", "%waot.elem")
        for slot, (known, expr) in enumerate(zip(values, module.elements[index].exprs or (), strict=True)):
            if known is None:
                f = steps.next()
                value = _value(f, expr)
                f.out.append(f"  store ptr {value}, ptr getelementptr (ptr, ptr {symbol}.elements, i64 {slot})")
    for write in instance.elements:
        _write_segment(steps.next(), "table", "elem", write, len(module.elements[write.segment]))


def _data(steps: _Steps, instance: InstancePlan) -> Iterator[str]:
    parts: dict[int, list[str]] = {}
    for copy in instance.copies:
        row = f"%waot.part {{ i64 {copy.offset}, i64 {copy.source}, i64 {copy.size} }}"
        parts.setdefault(copy.memory, []).append(row)
    for memory_index, rows in parts.items():
        name = f"@waot_memory.{memory_index}.parts"
        yield f"{name} = internal constant [{len(rows)} x %waot.part] [{', '.join(rows)}]"
        memory = f"@waot_memory.{memory_index}"
        steps.next().call_runtime("waot_memory_write_parts", memory, f"@{DATA_IMAGE}", name, str(len(rows)))
    for write in instance.datas:
        _write_segment(steps.next(), "memory", "data", write, len(steps.unit.module.datas[write.segment]))


def _write_segment(f: FunctionLowering, kind: str, segment: str, write: SegmentWrite, size: int) -> None:
    """Writes an active segment into memory or table `write.index`, or traps, and drops it."""
    symbol = f.unit.state_symbol(f"waot_{segment}.{write.segment}", f"%waot.{segment}")
    target = f"@waot_{kind}.{write.index}"
    f.call_runtime(f"waot_{kind}_init", target, symbol, str(write.offset), "0", str(size))
    f.out.append(f"  store i64 0, ptr getelementptr inbounds (%waot.{segment}, ptr {symbol}, i32 0, i32 1)")
