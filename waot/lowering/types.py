"""WebAssembly types as LLVM IR text, and the native form of a function's signature."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from waot.frontend.module import F32, F64, I32, I64, V128, FuncType, RefType, ValType

# A v128 on the operand stack is <16 x i8>; each operator bitcasts to the shape it works on, which costs nothing.
V128_IR = "<16 x i8>"

_IR = {I32: "i32", I64: "i64", F32: "float", F64: "double", V128: V128_IR}

# As a parameter or result it is <2 x i64>: without vector registers that is two words instead of sixteen.
_NATIVE_V128 = "<2 x i64>"

# Up to this many results come back in registers as an LLVM struct on every 64-bit target, a v128 only alone; more go
# through a pointer that the caller passes. LLVM's own demotion to memory would break guaranteed tail calls.
MAX_REGISTER_RESULTS = 2

# Behind that pointer each result has this much room, whatever its type.
RESULT_BYTES = 16


# How LLVM is told of a variable of which each thread has its own. Only an executable has threads, and in it such a
# variable is at a constant distance from the thread pointer.
THREAD_LOCAL = "thread_local(localexec) "


def ir_type(t: ValType) -> str:
    """The LLVM type that holds a value of type `t`; references are pointers."""
    return "ptr" if isinstance(t, RefType) else _IR[t]


def zero(t: ValType) -> str:
    """The default value of a local (section 4.4.10.1) as an LLVM constant."""
    if isinstance(t, RefType):
        return "null"
    if t is F32 or t is F64:
        return "0x0000000000000000"
    return "zeroinitializer" if t is V128 else "0"


def float_constant(bits: int, t: ValType) -> str:
    """An f32 or f64 bit pattern as an LLVM constant that keeps every bit."""
    if t is F64:
        return f"0x{bits:016X}"
    if bits & 0x7F800000 == 0x7F800000 and bits & 0x7FFFFF:
        # LLVM writes floats as doubles; a NaN's payload does not survive that, so go through its bits.
        return f"bitcast (i32 {bits} to float)"
    value: float = struct.unpack("<f", struct.pack("<I", bits))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def native_type(t: ValType) -> str:
    """The LLVM type of a parameter or result of type `t`."""
    return _NATIVE_V128 if t is V128 else ir_type(t)


def results_in_memory(t: FuncType) -> bool:
    """True where the caller passes a pointer as first parameter through which the results come back."""
    return len(t.results) > MAX_REGISTER_RESULTS or (len(t.results) > 1 and V128 in t.results)


def results_struct(t: FuncType) -> str:
    """The LLVM struct of results that come back in registers."""
    return "{ " + ", ".join(map(native_type, t.results)) + " }"


def return_type(t: FuncType) -> str:
    """The LLVM return type of a wasm function of type `t`."""
    if not t.results or results_in_memory(t):
        return "void"
    return native_type(t.results[0]) if len(t.results) == 1 else results_struct(t)


@dataclass(frozen=True, slots=True)
class ArgumentRegisters:
    """How many words and how many floats a convention passes in registers."""

    words: int
    floats: int
    vector_floats: int = (
        0  # registers for floats that a vector takes, where the CPU has vectors; it takes two words too
    )
    positional: bool = False  # a float or a vector uses up the words that it would be, too; vectors begin at even ones


# Of back ends that make no tail call with arguments on the stack, by architecture: registers of LLVM's fastcc.
# s390x has five for words, of which the last is the caller's.
TAIL_CALL_REGISTERS = {
    "riscv64": ArgumentRegisters(12, 20),
    "s390x": ArgumentRegisters(4, 4),
    "powerpc64le": ArgumentRegisters(8, 8, positional=True),
    "loongarch64": ArgumentRegisters(8, 8, vector_floats=1),
}


def parameters_in_memory(t: FuncType, registers: ArgumentRegisters | None) -> tuple[int, ...]:
    """The parameters for which there is no register, where `registers` says that all must be in one.

    The caller leaves them in ``waot_arguments``, 16 bytes each, and the callee takes them from there first of all.
    """
    if registers is None:
        return ()
    words, floats = registers.words - results_in_memory(t), registers.floats
    left = []
    for i, p in enumerate(t.params):
        if registers.positional:
            words -= words % 2 if p is V128 else 0
            words -= 2 if p is V128 else 1
            fits = words >= 0
        elif p is F32 or p is F64:
            floats -= 1
            fits = floats >= 0
        else:
            size = 2 if p is V128 else 1
            vector = registers.vector_floats if p is V128 else 0
            fits = words >= size and floats >= vector
            words -= size if fits else 0
            floats -= vector if fits else 0
        if not fits:
            left.append(i)
    return tuple(left)


def parameter_types(t: FuncType, registers: ArgumentRegisters | None = None) -> list[str]:
    """The LLVM parameter types of a wasm function of type `t`."""
    memory = frozenset(parameters_in_memory(t, registers))
    own = [native_type(p) for i, p in enumerate(t.params) if i not in memory]
    return ["ptr", *own] if results_in_memory(t) else own
