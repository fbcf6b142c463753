"""What an instance offers to code outside of it, as data: `waot_exports` and `waot_instances` of the ABI header.

An exported function is called through a thunk of one shape, whatever its type: arguments are read from slots of 16
bytes and results written to them, so a caller in C needs to know nothing of the calling convention of wasm functions.
A global has a getter of the same shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from waot.frontend.module import Body, FuncType
from waot.lowering.abi import EXPORT_KINDS
from waot.lowering.function import NO_FUNCTION, FunctionLowering
from waot.lowering.types import RESULT_BYTES, ir_type

if TYPE_CHECKING:
    from waot.frontend.module import Module
    from waot.lowering.unit import UnitLowering


def emit_exports(unit: UnitLowering) -> Iterator[str]:
    """The IR of the tables and thunks, a definition an element."""
    module, plan = unit.module, unit.plan
    names = bytearray()
    rows = []
    thunks: dict[tuple[str, int], str] = {}
    for instance, exported, kind, index in _exports(module):
        item, type_ = "null", 0
        if kind in ("func", "global"):
            item = f"@waot_export.{kind}.{index}"
            if (kind, index) not in thunks:
                make = function_thunk if kind == "func" else _getter
                thunks[kind, index] = make(unit, index, item)
            if kind == "func":
                type_ = plan.type_numbers.number(module.canonical[module.funcs[index]])
        elif kind in ("memory", "table"):
            item = f"@waot_{kind}.{index}"
        name = exported.encode()
        at = f"getelementptr (i8, ptr @waot_export_names, i64 {len(names)})"
        names += name + b"\0"
        rows.append(
            f"%waot.export {{ ptr {at}, i32 {len(name)}, i32 {EXPORT_KINDS.index(kind)}, i32 {instance}, "
            f"i32 {type_}, ptr {item} }}"
        )
    yield from thunks.values()
    text = "".join(f"\\{byte:02X}" for byte in names)
    yield f'@waot_export_names = internal constant [{len(names)} x i8] c"{text}"'
    yield f"@waot_exports = hidden constant [{len(rows)} x %waot.export] [{', '.join(rows)}]"
    count = len(module.instances)
    functions = [f"@waot_instantiate.{k}" for k in range(count)] if count > 1 else ["@waot_instantiate"]
    pointers = ", ".join(f"ptr {function}" for function in functions)
    yield f"@waot_instances = hidden constant [{len(functions)} x ptr] [{pointers}]"


def _exports(module: Module) -> Iterator[tuple[int, str, str, int]]:
    """(instance, name, kind, index) of every export, in the order of `waot_exports`."""
    if not module.instances:
        for export in module.exports:
            yield 0, export.name, export.kind, export.index
    for number, instance in enumerate(module.instances):
        for name, (kind, index) in instance.exports.items():
            yield number, name, kind, index


def function_thunk(unit: UnitLowering, index: int, symbol: str) -> str:
    """`ptr symbol(ptr slots)`: the pending exception, or null."""
    t = unit.module.func_type(index)
    f = FunctionLowering(unit, Body(NO_FUNCTION, FuncType((), ()), (), [], 0))
    for i, param in enumerate(t.params):
        f.stack.append(f.emit(f"load {ir_type(param)}, ptr {_slot(f, i)}"))
    f.call(t, unit.function_symbol(index), 0, may_throw=False)
    for i, (result, value) in enumerate(zip(t.results, f.stack, strict=True)):
        ir = ir_type(result)
        if ir == "ptr" and unit.plan.word != "i64":
            value, ir = f.emit(f"ptrtoint ptr {value} to i64", value), "i64"
        f.effect(f"store {ir} {value}, ptr {_slot(f, i)}", value)
    exception = "null"
    if index in unit.plan.throws:
        state = unit.layout.exception()
        exception = f.emit(f"load ptr, ptr {state}")
        f.effect(f"store ptr null, ptr {state}", exception)
    if unit.plan.interface is not None:  # inlined here it would lose its places in the module
        called = f" {unit.function_symbol(index)}("
        f.out = [f"{line} #4" if called in line else line for line in f.out]
    lines = [*f.entry_out, *f.out, f"  ret ptr {exception}"]
    return "\n".join([f"define internal ptr {symbol}(ptr %slots) #3 {{", *lines, "}"])


def _slot(f: FunctionLowering, number: int) -> str:
    return f.emit(f"getelementptr i8, ptr %slots, i64 {number * RESULT_BYTES}")


def _getter(unit: UnitLowering, index: int, symbol: str) -> str:
    """`ptr symbol(ptr slots)`: null, always."""
    t = ir_type(unit.module.globals[index].value)
    lines = [f"define internal ptr {symbol}(ptr %slots) #3 {{"]
    value = unit.plan.global_constants.get(index)
    if value is None:
        value = "%v"
        lines.append(f"  %v = load {t}, ptr {unit.state_symbol(f'waot_global.{index}', t)}")
    if t == "ptr" and unit.plan.word != "i64":
        lines.append(f"  %wide = ptrtoint ptr {value} to i64")
        value, t = "%wide", "i64"
    return "\n".join([*lines, f"  store {t} {value}, ptr %slots", "  ret ptr null", "}"])
