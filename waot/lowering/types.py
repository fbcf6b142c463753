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


@dataclass(frozen=True, slots=True)
class ResultRegisters:
    """What of a function's results comes back in registers, as an LLVM struct; the rest goes through a pointer that the
    caller passes. LLVM's own demotion to memory would break guaranteed tail calls.
    """

    words: int  # as wide as a pointer
    floats: int
    v128: bool  # one alone
    word_bits: int = 64
    soft: bool = False  # floats are words
    pieces: int = 4  # registers of both kinds together


@dataclass(frozen=True, slots=True)
class ArgumentRegisters:
    """How many words and how many floats a convention passes in registers."""

    words: int
    floats: int
    word_bits: int = 64
    pairs: bool = False  # what takes two words begins at an even one
    soft: bool = False  # floats are words
    # Registers for floats that a vector takes, where the CPU has vectors; it takes words too.
    vector_floats: int = 0
    vectors: bool = False  # a vector is passed as a float is
    positional: bool = False  # a float or a vector uses up the words that it would be, too; vectors begin at even ones


@dataclass(frozen=True, slots=True)
class Registers:
    """What wasm functions pass in registers; `arguments` where all that is passed must be in one."""

    results: ResultRegisters
    arguments: ArgumentRegisters | None = None


_RESULTS = {
    # In fastcc and tailcc: eax, edx, ecx; xmm0 and xmm1.
    "x86": ResultRegisters(3, 2, True, 32),
    # r0 to r3; d0 and d1. Without NEON a vector is words.
    "arm": ResultRegisters(4, 2, True, 32),
    # Two of a0, a1, fa0 and fa1.
    "riscv32": ResultRegisters(2, 2, False, 32, pieces=2),
    "riscv32 ilp32": ResultRegisters(2, 0, False, 32, soft=True),
    "thumb": ResultRegisters(4, 2, True, 32),
}
# Every 64-bit target returns as much.
_RESULTS_64 = ResultRegisters(2, 2, True)

# With arguments on the stack LLVM's back ends make no tail calls, or wrong ones (docs/rationale.md). The registers are
# those of tailcc where it is (codegen/llvm.py), on 64-bit Windows those of the System V ABI, on Arm those of AAPCS-VFP,
# otherwise those of fastcc. s390x has five for words, of which the last is the caller's.
_TAIL_CALLS = {
    "x86_64": ArgumentRegisters(6, 8, vectors=True),
    "x86": ArgumentRegisters(2, 3, 32, vectors=True),
    "aarch64": ArgumentRegisters(8, 8, vectors=True),
    "riscv64": ArgumentRegisters(12, 20),
    "riscv32": ArgumentRegisters(12, 20, 32),
    "riscv32 ilp32": ArgumentRegisters(12, 0, 32, soft=True),
    "thumb": ArgumentRegisters(4, 8, 32, pairs=True),
    "arm": ArgumentRegisters(4, 8, 32, pairs=True),
    "s390x": ArgumentRegisters(4, 4),
    "powerpc64le": ArgumentRegisters(8, 8, positional=True),
    "loongarch64": ArgumentRegisters(8, 8, vector_floats=1),
}


def registers_of(arch: str, *, soft: bool, tail_calls: bool) -> Registers:
    """Of the architecture `arch`, with `soft` in a convention without registers for floats; for a program with tail
    calls or one without."""
    arch = f"{arch} ilp32" if soft else arch
    return Registers(_RESULTS.get(arch, _RESULTS_64), _TAIL_CALLS[arch] if tail_calls else None)


def _words(t: ValType, word_bits: int) -> int:
    """How many words a value takes that is in no register for floats."""
    if isinstance(t, RefType):
        return 1
    return {I32: 32, I64: 64, V128: 128, F32: 32, F64: 64}[t] // word_bits or 1


def _is_float(t: ValType, registers: ResultRegisters | ArgumentRegisters) -> bool:
    return not registers.soft and (t is F32 or t is F64)


def results_in_memory(t: FuncType, registers: Registers) -> bool:
    """True where the caller passes a pointer as first parameter through which the results come back."""
    limits = registers.results
    if V128 in t.results:
        return len(t.results) > 1 or not limits.v128
    floats = sum(_is_float(r, limits) for r in t.results)
    words = sum(_words(r, limits.word_bits) for r in t.results if not _is_float(r, limits))
    return len(t.results) > 2 or floats > limits.floats or words > limits.words or floats + words > limits.pieces


def results_struct(t: FuncType) -> str:
    """The LLVM struct of results that come back in registers."""
    return "{ " + ", ".join(map(native_type, t.results)) + " }"


def return_type(t: FuncType, registers: Registers) -> str:
    """The LLVM return type of a wasm function of type `t`."""
    if not t.results or results_in_memory(t, registers):
        return "void"
    return native_type(t.results[0]) if len(t.results) == 1 else results_struct(t)


def parameters_in_memory(t: FuncType, registers: Registers) -> tuple[int, ...]:
    """The parameters for which there is no register, where `registers` says that all must be in one.

    The caller leaves them in ``waot_arguments``, 16 bytes each, and the callee takes them from there first of all.
    """
    limits = registers.arguments
    if limits is None:
        return ()
    used, floats = int(results_in_memory(t, registers)), limits.floats
    left = []
    for i, p in enumerate(t.params):
        if limits.positional:
            used += used % 2 + 2 if p is V128 else 1
            fits = used <= limits.words
        elif _is_float(p, limits) or (p is V128 and limits.vectors):
            floats -= 1
            fits = floats >= 0
        else:
            size = _words(p, limits.word_bits)
            first = used + used % 2 if limits.pairs and size > 1 else used
            vector = limits.vector_floats if p is V128 else 0
            fits = first + size <= limits.words and floats >= vector
            used = first + size if fits else used
            floats -= vector if fits else 0
        if not fits:
            left.append(i)
    return tuple(left)


def parameter_types(t: FuncType, registers: Registers) -> list[str]:
    """The LLVM parameter types of a wasm function of type `t`."""
    memory = frozenset(parameters_in_memory(t, registers))
    own = [native_type(p) for i, p in enumerate(t.params) if i not in memory]
    return ["ptr", *own] if results_in_memory(t, registers) else own
