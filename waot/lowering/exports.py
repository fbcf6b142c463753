"""What an instance offers to code outside of it, as data: `waot_exports` and `waot_instances` of the ABI header.

An exported function is called through a thunk of one shape, whatever its type: arguments are read from slots of 16
bytes and results written to them, so a caller in C needs to know nothing of the calling convention of wasm functions.
A global has a getter of the same shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from waot.lowering.abi import EXPORT_KINDS
from waot.lowering.types import RESULT_BYTES, ir_type, results_in_memory, return_type

if TYPE_CHECKING:
    from waot.frontend.module import FuncType, ValType
    from waot.lowering.unit import UnitLowering


def emit_exports(unit: UnitLowering) -> Iterator[str]:
    """The IR of the tables and thunks, a definition an element. The order is that of `Module.exports`."""
    module, plan = unit.module, unit.plan
    names = bytearray()
    rows = []
    thunks: dict[tuple[str, int], str] = {}
    for export in module.exports:
        item, type_ = "null", 0
        if export.kind in ("func", "global"):
            item = f"@waot_export.{export.kind}.{export.index}"
            if (export.kind, export.index) not in thunks:
                make = _function_thunk if export.kind == "func" else _getter
                thunks[export.kind, export.index] = make(unit, export.index, item)
            if export.kind == "func":
                type_ = plan.type_numbers.number(module.canonical[module.funcs[export.index]])
        elif export.kind in ("memory", "table"):
            item = f"@waot_{export.kind}.{export.index}"
        name = export.name.encode()
        at = f"getelementptr (i8, ptr @waot_export_names, i64 {len(names)})"
        names += name + b"\0"
        rows.append(
            f"%waot.export {{ ptr {at}, i32 {len(name)}, i32 {EXPORT_KINDS.index(export.kind)}, i32 0, "
            f"i32 {type_}, ptr {item} }}"
        )
    yield from thunks.values()
    text = "".join(f"\\{byte:02X}" for byte in names)
    yield f'@waot_export_names = internal constant [{len(names)} x i8] c"{text}"'
    yield f"@waot_exports = hidden constant [{len(rows)} x %waot.export] [{', '.join(rows)}]"
    yield "@waot_instances = hidden constant [1 x ptr] [ptr @waot_instantiate]"


def _loads(types: tuple[ValType, ...]) -> Iterator[str]:
    for i, t in enumerate(types):
        yield f"  %a{i} = getelementptr i8, ptr %slots, i64 {i * RESULT_BYTES}"
        yield f"  %p{i} = load {ir_type(t)}, ptr %a{i}"


def _function_thunk(unit: UnitLowering, index: int, symbol: str) -> str:
    """`ptr symbol(ptr slots)`: the pending exception, or null."""
    t: FuncType = unit.module.func_type(index)
    lines = [f"define internal ptr {symbol}(ptr %slots) #3 {{", *_loads(t.params)]
    arguments = [f"{ir_type(p)} %p{i}" for i, p in enumerate(t.params)]
    if results_in_memory(t):
        arguments.insert(0, "ptr %slots")  # results have the same room behind that pointer as in slots
    result = return_type(t)
    call = f"call {unit.call_conv} {result} {unit.function_symbol(index)}({', '.join(arguments)})"
    if result == "void":
        lines.append(f"  {call}")
    else:
        lines.append(f"  %r = {call}")
        if len(t.results) == 1:
            lines.append(f"  store {result} %r, ptr %slots")
        else:
            for i, value in enumerate(t.results):
                lines.append(f"  %r{i} = extractvalue {result} %r, {i}")
                lines.append(f"  %b{i} = getelementptr i8, ptr %slots, i64 {i * RESULT_BYTES}")
                lines.append(f"  store {ir_type(value)} %r{i}, ptr %b{i}")
    if index not in unit.plan.throws:
        return "\n".join([*lines, "  ret ptr null", "}"])
    state = unit.layout.exception()
    return "\n".join([*lines, f"  %x = load ptr, ptr {state}", f"  store ptr null, ptr {state}", "  ret ptr %x", "}"])


def _getter(unit: UnitLowering, index: int, symbol: str) -> str:
    """`ptr symbol(ptr slots)`: null, always."""
    t = ir_type(unit.module.globals[index].value)
    lines = [f"define internal ptr {symbol}(ptr %slots) #3 {{"]
    value = unit.plan.global_constants.get(index)
    if value is None:
        value = "%v"
        lines.append(f"  %v = load {t}, ptr {unit.state_symbol(f'waot_global.{index}', t)}")
    return "\n".join([*lines, f"  store {t} {value}, ptr %slots", "  ret ptr null", "}"])
