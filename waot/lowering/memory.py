"""Memory instructions, section 4.4.7.

Effective addresses are computed in 64 bits, where index plus offset cannot wrap; where pointers have 32 bits, those of
32-bit indices in 32 bits, behind a check that knows of it. How an access stays inside the memory is the strategy's
business (`address`); alignment is a hint that may be wrong, so every access says align 1.
"""

from __future__ import annotations

from waot.lowering import byteorder
from waot.lowering.function import FunctionLowering, Handler, lowers
from waot.lowering.initial import most_bytes
from waot.lowering.types import V128_IR

Memarg = tuple[int, int, int]  # align as log2, offset, memory index


def is_constant(value: str) -> bool:
    """Whether an integer operand is a number."""
    return value.lstrip("-").isdigit()


def address(f: FunctionLowering, index: str, static_offset: int, memory: int, width: int, offset: int) -> str:
    """A pointer to the `width` bytes at `index` plus `static_offset`; `offset` is the operator's, for the trap.

    static and guarded: nothing is checked, everything that 32 + 32 bits reach past the memory is unmapped.
    checked: one comparison against the current size, in this one place so that LLVM can merge and hoist it.
    """
    plan = f.unit.plan.memories[memory]
    if f.known_address is not None:
        value, distance = f.known_address
        if static_offset + distance:
            value = f.emit(f"add nuw nsw i64 {value}, {static_offset + distance}", value)
        return f.emit(f"getelementptr nusw nuw i8, ptr {f.unit.layout.memory_base(f, memory)}, i64 {value}", value)
    constant = is_constant(index)
    t = "i64" if plan.index64 else f.unit.plan.word
    value = _wide_index(f, index, plan.index64) if t == "i64" else _unsigned(index)
    if constant:
        value = str(int(value) + static_offset)
    if plan.strategy == "checked":
        if constant:
            static_offset = 0
        if _check(f, value, static_offset, memory, width, offset):
            value, constant, static_offset = "0", True, 0  # nobody gets here
    if not constant:
        flags = "nuw nsw" if t == "i64" and not plan.index64 else "nuw"
        if plan.base is not None and t == "i64" and not f.unit.optimised:
            # Without a base that LLVM's alias analysis could make use of: FastISel makes all of it one operand.
            value = f.emit(f"add {flags} i64 {value}, {plan.base + static_offset}", value)
            return f.emit(f"inttoptr i64 {value} to ptr", value)
        if static_offset:
            value = f.emit(f"add {flags} {t} {value}, {static_offset}", value)
    elif plan.base is not None:
        return f"inttoptr (i64 {plan.base + int(value)} to ptr)"
    base = f.unit.layout.memory_base(f, memory)
    return f.emit(f"getelementptr i8, ptr {base}, {t} {value}", value)


def _check(f: FunctionLowering, index: str, static_offset: int, memory: int, width: int, offset: int) -> bool:
    """Traps unless `width` bytes at `index` plus `static_offset` are in the memory.

    With indices as wide as the numbers that are compared, the sum may pass the largest of these. Where the offset lies
    within the initial size, which a memory never falls below, it is taken off the size instead; elsewhere the sum
    saturates, at more than any memory has. Tells whether it traps always.
    """
    plan = f.unit.plan.memories[memory]
    t = "i64" if plan.index64 else f.unit.plan.word
    reach = static_offset + width
    if reach + (int(index) if is_constant(index) else 0) > most_bytes(f.unit.plan.options.pointer_bits):
        f.trap_if("true", "memory_out_of_bounds", offset)
        return True
    if is_constant(index) and int(index) + reach <= plan.bytes:
        # A memory never shrinks. Without this, LLVM folds the checks itself, and its SimplifyCFG ends the process where
        # a thousand such blocks follow each other (skip-stack-guard-page.wast of the official suite).
        return False
    size = word_as(f, f.unit.layout.memory_bytes(f, memory), t)
    if is_constant(index):
        end = str(int(index) + reach)
    elif not plan.index64 and t == "i64":
        end = f.emit(f"add nuw nsw i64 {index}, {reach}", index)
    elif reach <= plan.bytes:
        end = index
        size = str(int(size) - reach) if is_constant(size) else f.emit(f"sub nuw {t} {size}, {reach}", size)
    else:
        end = f.call_intrinsic(t, f"llvm.uadd.sat.{t}", (t, index), (t, str(reach)))
    f.trap_if(f.emit(f"icmp ugt {t} {end}, {size}", end, size), "memory_out_of_bounds", offset)
    return False


def _wide_index(f: FunctionLowering, index: str, index64: bool) -> str:
    """An index as i64, extended once: by its loop, see `f.wide`, or in its block."""
    known = f.wide.get(index) or f.widened.get(index)
    if known is None:
        known = widen(f, index, index64)
        if known[0] == "%":
            f.widened[index] = known
    return known


def _unsigned(index: str) -> str:
    """An i32 index; a constant as the number of bytes that it stands for."""
    return str(int(index) & 0xFFFFFFFF) if is_constant(index) else index


def _load(memory_type: str, result_type: str, extend: str, width: int) -> Handler:
    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        _, static_offset, memory = immediate
        index = f.stack.pop()
        pointer = address(f, index, static_offset, memory, width, offset)
        value = loaded = byteorder.load(f, memory_type, pointer, offset)
        if extend:
            value = f.emit(f"{extend} {memory_type} {loaded} to {result_type}", loaded)
            f.extended[value] = f.extended.get(loaded, loaded)
        f.addresses[value] = (index, static_offset, memory)
        if memory_type == result_type == "i32":
            f.pointers.add(value)
        f.stack.append(value)

    return lower


def _store(memory_type: str, value_type: str, width: int) -> Handler:
    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        _, static_offset, memory = immediate
        value, index = f.stack.pop(), f.stack.pop()
        if f.addresses.get(value) == (index, static_offset, memory):
            f.partly_used(value)  # it goes back where it was: LLVM would delete load and store
        pointer = address(f, index, static_offset, memory, width, offset)
        if memory_type != value_type:
            f.partly_used(value)
            value = f.emit(f"trunc {value_type} {value} to {memory_type}", value)
        byteorder.store(f, memory_type, value, pointer, offset)

    return lower


for _name, _ir, _bits in (("i32", "i32", 32), ("i64", "i64", 64), ("f32", "float", 32), ("f64", "double", 64)):
    lowers(f"{_name}.load")(_load(_ir, _ir, "", _bits // 8))
    lowers(f"{_name}.store")(_store(_ir, _ir, _bits // 8))
    for _narrow in (8, 16, 32):
        if _name[0] == "i" and _narrow < _bits:
            lowers(f"{_name}.load{_narrow}_s")(_load(f"i{_narrow}", _ir, "sext", _narrow // 8))
            lowers(f"{_name}.load{_narrow}_u")(_load(f"i{_narrow}", _ir, "zext", _narrow // 8))
            lowers(f"{_name}.store{_narrow}")(_store(f"i{_narrow}", _ir, _narrow // 8))

lowers("v128.load")(_load(V128_IR, V128_IR, "", 16))
lowers("v128.store")(_store(V128_IR, V128_IR, 16))


def widen(f: FunctionLowering, value: str, index64: bool = False) -> str:
    """An index or count, which is an i32 unless `index64`, as the i64 that the shim takes."""
    if is_constant(value):
        return str(int(value) & ((1 << 64) - 1 if index64 else 0xFFFFFFFF))
    return value if index64 else f.emit(f"zext i32 {value} to i64", value)


def narrow(f: FunctionLowering, value: str, index64: bool) -> str:
    """An i64 of the shim's as an index or count."""
    return value if index64 else f.emit(f"trunc i64 {value} to i32", value)


def word_index(f: FunctionLowering, index: str, index64: bool) -> tuple[str, str]:
    """(type, value) of an index, to be compared with a size: a `Plan.word`, or an i64 where the index is one."""
    if f.unit.plan.word == "i64" or index64:
        return "i64", widen(f, index, index64)
    return "i32", _unsigned(index)


def word_as(f: FunctionLowering, size: str, t: str) -> str:
    """A `Plan.word` as a number of type `t`, which is no narrower."""
    word = f.unit.plan.word
    return size if t == word or is_constant(size) else f.emit(f"zext {word} {size} to {t}", size)


def from_word(f: FunctionLowering, value: str, index64: bool) -> str:
    """A `Plan.word` as an index or count."""
    if f.unit.plan.word == "i64":
        return narrow(f, value, index64)
    return word_as(f, value, "i64" if index64 else "i32")


def _is_64(f: FunctionLowering, memory: int) -> bool:
    return f.unit.plan.memories[memory].index64


@lowers("memory.size")
def _memory_size(f: FunctionLowering, memory: int, offset: int) -> None:
    size = f.unit.layout.memory_bytes(f, memory)
    pages = f.emit(f"lshr {f.unit.plan.word} {size}, {f.unit.plan.memories[memory].page_log2}", size)
    f.stack.append(from_word(f, pages, _is_64(f, memory)))


@lowers("memory.grow")
def _memory_grow(f: FunctionLowering, memory: int, offset: int) -> None:
    delta = widen(f, f.stack.pop(), _is_64(f, memory))
    before = f.call_runtime("waot_memory_grow", f.unit.layout.memory(memory), delta)
    assert before is not None
    f.stack.append(narrow(f, before, _is_64(f, memory)))
