"""Numbers in linear memory, which is little-endian (section 4.2.3), on machines of either byte order.

On a big-endian machine every load is followed, and every store preceded, by an exchange of the bytes, which its back
end makes one instruction of both. Floats are loaded and stored as integers there.

A v128 is the sixteen bytes as they are in memory, so lane 0 comes first on either kind of machine. An exchange belongs
to the change from bytes to lanes: LLVM's `bitcast` of vectors is a store and a load of the same memory, which keeps
the lanes in their order and reads the bytes of each in the machine's.
"""

from __future__ import annotations

import re

from waot.lowering.function import FunctionLowering

_INTEGER = {"float": "i32", "double": "i64"}
_LANES = re.compile(r"<(\d+) x (\w+)>")


def _integer(ir: str) -> tuple[str, str]:
    """The LLVM type of integers as large as `ir` and its lanes, and the suffix of an intrinsic for it."""
    vector = _LANES.fullmatch(ir)
    if vector is None:
        integer = _INTEGER.get(ir, ir)
        return integer, integer
    lane = _INTEGER.get(vector[2], vector[2])
    return f"<{vector[1]} x {lane}>", f"v{vector[1]}{lane}"


def _has_order(f: FunctionLowering, ir: str) -> bool:
    return f.unit.plan.options.big_endian and not ir.endswith(("i8", "i8>"))


def from_little(f: FunctionLowering, ir: str, value: str) -> str:
    """A number of type `ir`, or a vector of such, of `value`: the integers of the same sizes as memory has them."""
    if not _has_order(f, ir):
        return value
    integer, suffix = _integer(ir)
    swapped = f.call_intrinsic(integer, f"llvm.bswap.{suffix}", (integer, value))
    return swapped if integer == ir else f.emit(f"bitcast {integer} {swapped} to {ir}", swapped)


def to_little(f: FunctionLowering, ir: str, value: str) -> str:
    """The integers, as memory is to have them, of the number or vector `value` of type `ir`."""
    if not _has_order(f, ir):
        return value
    integer, suffix = _integer(ir)
    if integer != ir:
        value = f.emit(f"bitcast {ir} {value} to {integer}", value)
    return f.call_intrinsic(integer, f"llvm.bswap.{suffix}", (integer, value))


def load(f: FunctionLowering, ir: str, pointer: str, offset: int) -> str:
    """Loads a number or a vector of type `ir` from linear memory; `offset` is the operator's."""
    if not _has_order(f, ir):
        return f.load(ir, pointer, offset)
    loaded = f.load(_integer(ir)[0], pointer, offset)
    value = from_little(f, ir, loaded)
    f.extended[value] = loaded
    return value


def store(f: FunctionLowering, ir: str, value: str, pointer: str, offset: int) -> None:
    """Stores a number of type `ir` to linear memory."""
    if _has_order(f, ir):
        ir, value = _integer(ir)[0], to_little(f, ir, value)
    f.effect(f"store {ir} {value}, ptr {pointer}, {f.unit.memory_access}{f.location(offset)}", value, pointer)


def bit_order(f: FunctionLowering, lanes: int, value: str) -> str:
    """A vector of bits in the order in which a `bitcast` to an integer makes the first lane the lowest bit."""
    if not f.unit.plan.options.big_endian:
        return value
    mask = "<" + ", ".join(f"i32 {lane}" for lane in reversed(range(lanes))) + ">"
    ir = f"<{lanes} x i1>"
    return f.emit(f"shufflevector {ir} {value}, {ir} poison, <{lanes} x i32> {mask}", value)
