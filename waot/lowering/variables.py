"""Variable and reference instructions, sections 4.4.3 and 4.4.5, and constants."""

from __future__ import annotations

from waot.frontend.module import F32, F64, RefType
from waot.lowering.function import FunctionLowering, lowers
from waot.lowering.types import float_constant, ir_type


@lowers("local.get")
def _local_get(f: FunctionLowering, index: int, offset: int) -> None:
    if f.slots:
        f.stack.append(f.emit(f"load {ir_type(f.local_types[index])}, ptr %local{index}", f"%local{index}"))
    else:
        f.stack.append(f.locals[index])


def _set(f: FunctionLowering, index: int, value: str) -> None:
    f.fresh_bool = ""
    if f.slots:
        slot = f"%local{index}"
        f.out.append(f"  store {ir_type(f.local_types[index])} {value}, ptr {slot}")
        # Flow-insensitive: whoever reads the slot may read any value stored to it.
        f.deps[slot].append(value)  # type: ignore[union-attr]
    else:
        f.own_locals()
        f.locals[index] = value


@lowers("local.set")
def _local_set(f: FunctionLowering, index: int, offset: int) -> None:
    _set(f, index, f.stack.pop())


@lowers("local.tee")
def _local_tee(f: FunctionLowering, index: int, offset: int) -> None:
    _set(f, index, f.stack[-1])


@lowers("global.get")
def _global_get(f: FunctionLowering, index: int, offset: int) -> None:
    known = f.unit.plan.global_constants.get(index)
    if known is None:
        known = f.unit.layout.global_load(f, index)
    elif known.startswith("@waot_funcref."):
        known = f.unit.funcref_symbol(int(known.removeprefix("@waot_funcref.")))
    f.stack.append(known)


@lowers("global.set")
def _global_set(f: FunctionLowering, index: int, offset: int) -> None:
    value = f.stack.pop()
    f.partly_used(value)  # the global may be set again, or never read
    f.unit.layout.global_store(f, index, value)


@lowers("i32.const", "i64.const")
def _integer_const(f: FunctionLowering, value: int, offset: int) -> None:
    f.stack.append(str(value))


@lowers("f32.const")
def _f32_const(f: FunctionLowering, bits: int, offset: int) -> None:
    f.stack.append(float_constant(bits, F32))


@lowers("f64.const")
def _f64_const(f: FunctionLowering, bits: int, offset: int) -> None:
    f.stack.append(float_constant(bits, F64))


@lowers("v128.const")
def _v128_const(f: FunctionLowering, value: bytes, offset: int) -> None:
    f.stack.append("<" + ", ".join(f"i8 {b}" for b in value) + ">")


@lowers("ref.null")
def _ref_null(f: FunctionLowering, t: RefType, offset: int) -> None:
    f.stack.append("null")


@lowers("ref.is_null")
def _ref_is_null(f: FunctionLowering, immediate: None, offset: int) -> None:
    value = f.stack.pop()
    f.push_bool(f.emit(f"icmp eq ptr {value}, null", value))


@lowers("ref.func")
def _ref_func(f: FunctionLowering, index: int, offset: int) -> None:
    f.stack.append(f.unit.funcref_symbol(index))
