"""Atomic memory instructions (the proposal threads).

All are sequentially consistent. An access must be aligned, which is checked before its bounds. LLVM neither deletes nor
narrows what is ordered so, so nothing is done to keep a trap.

Where the processor has no atomic access to 64 bits, one in a program with threads takes a lock; and then so do all
others in it, of whatever width, because they may be to the same bytes (`Plan.locked_atomics`, core/threads/atomics.c).
"""

from __future__ import annotations

from waot.lowering import byteorder
from waot.lowering.abi import ATOMIC_OPERATIONS
from waot.lowering.function import FunctionLowering, Handler, lowers
from waot.lowering.memory import Memarg, address, is_constant, widen

_ORDER = "seq_cst"


def _aligned_address(f: FunctionLowering, index: str, memarg: Memarg, width: int, offset: int) -> str:
    """A pointer to the `width` bytes there, which is aligned or it traps."""
    _, static_offset, memory = memarg
    if width > 1:
        t = "i64" if f.unit.plan.memories[memory].index64 else "i32"
        if is_constant(index):
            if (int(index) + static_offset) % width:
                f.trap_if("true", "unaligned_atomic", offset)
        else:
            at = index
            if static_offset % width:
                at = f.emit(f"add {t} {index}, {static_offset % width}", index)
            low = f.emit(f"and {t} {at}, {width - 1}", at)
            f.trap_if(f.emit(f"icmp ne {t} {low}, 0", low), "unaligned_atomic", offset)
    return address(f, index, static_offset, memory, width, offset)


def _narrowed(f: FunctionLowering, value: str, t: str, narrow: str) -> str:
    return value if t == narrow else f.emit(f"trunc {t} {value} to {narrow}", value)


def _push_extended(f: FunctionLowering, value: str, narrow: str, t: str, offset: int) -> None:
    """Pushes what an access gave; the extension has its location, because the two become one instruction."""
    f.stack.append(value if t == narrow else f.emit(f"zext {narrow} {value} to {t}{f.location(offset)}", value))


def _tail(f: FunctionLowering, offset: int) -> str:
    return f", !tbaa {f.unit.layout.memory_tbaa}{f.location(offset)}"


def _extended(f: FunctionLowering, value: str, t: str) -> str:
    """An integer of type `t` as the i64 that the shim takes."""
    if is_constant(value):
        return str(int(value) & (1 << int(t[1:])) - 1)
    return value if t == "i64" else f.emit(f"zext {t} {value} to i64", value)


def _locked(f: FunctionLowering, symbol: str, *arguments: str, t: str, offset: int) -> str:
    """What a function of the shim found in memory, as a `t`."""
    found = f.call_runtime(symbol, *arguments, offset=offset)
    assert found is not None
    return found if t == "i64" else f.emit(f"trunc i64 {found} to {t}", found)


def _locked_modify(
    f: FunctionLowering, operation: str, t: str, width: int, pointer: str, value: str, offset: int
) -> str:
    arguments = (pointer, str(width), str(ATOMIC_OPERATIONS.index(operation)), _extended(f, value, t))
    return _locked(f, "waot_atomic_modify", *arguments, t=t, offset=offset)


def _load(t: str, narrow: str, width: int) -> Handler:
    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        pointer = _aligned_address(f, f.stack.pop(), immediate, width, offset)
        if f.unit.plan.locked_atomics:
            f.stack.append(_locked_modify(f, "load", t, width, pointer, "0", offset))
            return
        text = f"load atomic {narrow}, ptr {pointer} {_ORDER}, align {width}{_tail(f, offset)}"
        f.roots.append(pointer)
        _push_extended(f, byteorder.from_little(f, narrow, f.effect_value(text)), narrow, t, offset)

    return lower


def _store(t: str, narrow: str, width: int) -> Handler:
    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        value, index = f.stack.pop(), f.stack.pop()
        f.partly_used(value)
        pointer = _aligned_address(f, index, immediate, width, offset)
        if f.unit.plan.locked_atomics:
            _locked_modify(f, "xchg", t, width, pointer, value, offset)
            return
        value = byteorder.to_little(f, narrow, _narrowed(f, value, t, narrow))
        text = f"store atomic {narrow} {value}, ptr {pointer} {_ORDER}, align {width}{_tail(f, offset)}"
        f.effect(text, value, pointer)

    return lower


def _modify(operation: str, t: str, narrow: str, width: int) -> Handler:
    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        value, index = f.stack.pop(), f.stack.pop()
        f.partly_used(value)
        pointer = _aligned_address(f, index, immediate, width, offset)
        if f.unit.plan.locked_atomics:
            f.stack.append(_locked_modify(f, operation, t, width, pointer, value, offset))
            return
        value = _narrowed(f, value, t, narrow)
        if operation in ("add", "sub") and width > 1 and f.unit.plan.options.big_endian:
            before = _compute_swapped(f, operation, narrow, width, pointer, value, offset)
        else:
            value = byteorder.to_little(f, narrow, value)
            text = f"atomicrmw {operation} ptr {pointer}, {narrow} {value} {_ORDER}, align {width}{_tail(f, offset)}"
            before = f.effect_value(text, value, pointer)
        _push_extended(f, byteorder.from_little(f, narrow, before), narrow, t, offset)

    return lower


def _compute_swapped(
    f: FunctionLowering, operation: str, narrow: str, width: int, pointer: str, value: str, offset: int
) -> str:
    """Adds or subtracts where memory has the other byte order: carries go the other way, so it takes a loop.

    What memory had before, in its order.
    """
    loop, done = f.new_label("l"), f.new_label("d")
    first = f.effect_value(f"load atomic {narrow}, ptr {pointer} {_ORDER}, align {width}{_tail(f, offset)}", pointer)
    start, before, seen = f.label, f"%{loop}.before", f"%{loop}.seen"
    f.effect(f"br label %{loop}")
    f.place(loop)
    f.effect(f"{before} = phi {narrow} [ {first}, %{start} ], [ {seen}, %{loop} ]")
    old = byteorder.from_little(f, narrow, before)
    new = byteorder.to_little(f, narrow, f.effect_value(f"{operation} {narrow} {old}, {value}", old, value))
    both = f.effect_value(
        f"cmpxchg ptr {pointer}, {narrow} {before}, {narrow} {new} {_ORDER} {_ORDER}, align {width}{_tail(f, offset)}",
        new,
    )
    f.effect(f"{seen} = extractvalue {{ {narrow}, i1 }} {both}, 0")
    stored = f.effect_value(f"extractvalue {{ {narrow}, i1 }} {both}, 1")
    f.effect(f"br i1 {stored}, label %{done}, label %{loop}")
    f.place(done)
    return before


def _compare_exchange(t: str, narrow: str, width: int) -> Handler:
    """The expected value is wrapped to the width of the access, as the replacement is."""

    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        value, expected, index = f.stack.pop(), f.stack.pop(), f.stack.pop()
        f.partly_used(value)
        f.partly_used(expected)
        pointer = _aligned_address(f, index, immediate, width, offset)
        if f.unit.plan.locked_atomics:
            wrapped = (_extended(f, _narrowed(f, each, t, narrow), narrow) for each in (expected, value))
            symbol = "waot_atomic_compare_exchange"
            f.stack.append(_locked(f, symbol, pointer, str(width), *wrapped, t=t, offset=offset))
            return
        value = byteorder.to_little(f, narrow, _narrowed(f, value, t, narrow))
        expected = byteorder.to_little(f, narrow, _narrowed(f, expected, t, narrow))
        text = (
            f"cmpxchg ptr {pointer}, {narrow} {expected}, {narrow} {value} {_ORDER} {_ORDER}, "
            f"align {width}{_tail(f, offset)}"
        )
        both = f.effect_value(text, value, expected, pointer)
        before = f.emit(f"extractvalue {{ {narrow}, i1 }} {both}, 0", both)
        _push_extended(f, byteorder.from_little(f, narrow, before), narrow, t, offset)

    return lower


for _t, _bits in (("i32", 32), ("i64", 64)):
    for _narrow in (8, 16, 32, 64):
        if _narrow > _bits:
            continue
        _suffix, _sign = ("", "") if _narrow == _bits else (str(_narrow), "_u")
        _arguments = (_t, f"i{_narrow}", _narrow // 8)
        lowers(f"{_t}.atomic.load{_suffix}{_sign}")(_load(*_arguments))
        lowers(f"{_t}.atomic.store{_suffix}")(_store(*_arguments))
        for _op in ("add", "sub", "and", "or", "xor", "xchg"):
            lowers(f"{_t}.atomic.rmw{_suffix}.{_op}{_sign}")(_modify(_op, *_arguments))
        lowers(f"{_t}.atomic.rmw{_suffix}.cmpxchg{_sign}")(_compare_exchange(*_arguments))


@lowers("atomic.fence")
def _fence(f: FunctionLowering, immediate: None, offset: int) -> None:
    f.effect(f"fence {_ORDER}")


def _wait(symbol: str) -> Handler:
    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        _, static_offset, memory = immediate
        timeout, expected, index = f.stack.pop(), f.stack.pop(), f.stack.pop()
        _call(f, symbol, memory, index, static_offset, (expected, timeout), offset)

    return lower


def _call(
    f: FunctionLowering, symbol: str, memory: int, index: str, static_offset: int, more: tuple[str, ...], offset: int
) -> None:
    wide = widen(f, index, f.unit.plan.memories[memory].index64)
    result = f.call_runtime(symbol, f.unit.layout.memory(memory), wide, str(static_offset), *more, offset=offset)
    assert result is not None
    f.stack.append(result)


lowers("memory.atomic.wait32")(_wait("waot_memory_wait32"))
lowers("memory.atomic.wait64")(_wait("waot_memory_wait64"))


@lowers("memory.atomic.notify")
def _notify(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
    _, static_offset, memory = immediate
    count, index = f.stack.pop(), f.stack.pop()
    _call(f, "waot_memory_notify", memory, index, static_offset, (count,), offset)
