"""Every numeric operator as a function of two 64-bit patterns, for boards/arithmetic.c and for wasmtime."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import wasmtime

from tests.programs.harness import TRAP_CODES
from waot.lowering.abi import TRAPS

_INTEGERS = (0, 1, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x123456789ABCDEF0, 1 << 63, (1 << 63) - 1, (1 << 64) - 1)
_FLOATS = (
    *(-0.0, 1.0, -1.5, 2.5, 1e300, -1e-300, 5e-324, 2.2250738585072014e-308, 4294967295.5, -2147483649.0),
    *(9007199254740993.0, 9223372036854775808.0, 1.7976931348623157e308, float("inf"), float("nan"), 0.1, 3.0e38),
)
# The low half of a pattern is what an f32 is made of.
_SINGLES = (0x3F800000, 0xBFC00000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x4F000000, 0x3DCCCCCD)
VALUES = (*_INTEGERS, *(struct.unpack("<Q", struct.pack("<d", value))[0] for value in _FLOATS), *_SINGLES)

_BINARY = {
    "i64": "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr",
    "i32": "div_s rem_u shl rotl",
    "f64": "add sub mul div min max copysign",
    "f32": "add sub mul div min max",
}
_COMPARISONS = {"i64": "eq lt_s lt_u ge_s", "f64": "eq ne lt gt le ge", "f32": "eq lt ge"}
_UNARY = {
    "i64": "clz ctz popcnt extend8_s",
    "f64": "abs neg sqrt ceil floor trunc nearest",
    "f32": "sqrt ceil floor nearest",
}
# (result, name, operand)
_CONVERSIONS = [
    *((to, f"trunc_{of}_{sign}", of) for to in ("i32", "i64") for of in ("f32", "f64") for sign in "su"),
    *((to, f"trunc_sat_{of}_{sign}", of) for to in ("i32", "i64") for of in ("f32", "f64") for sign in "su"),
    *((to, f"convert_{of}_{sign}", of) for to in ("f32", "f64") for of in ("i32", "i64") for sign in "su"),
    *(("f32", "demote_f64", "f64"), ("f64", "promote_f32", "f32"), ("i64", "extend_i32_s", "i32")),
]

_FROM = {
    "i64": "(local.get {})",
    "i32": "(i32.wrap_i64 (local.get {}))",
    "f64": "(f64.reinterpret_i64 (local.get {}))",
    "f32": "(f32.reinterpret_i32 (i32.wrap_i64 (local.get {})))",
}
_TO = {
    "i64": "{}",
    "i32": "(i64.extend_i32_u {})",
    "f64": "(i64.reinterpret_f64 {})",
    "f32": "(i64.extend_i32_u (i32.reinterpret_f32 {}))",
}


def _functions() -> dict[str, tuple[str, str]]:
    """Name -> type of the result, body."""
    found = {}
    for operand, names in _BINARY.items():
        for name in names.split():
            found[f"{operand}_{name}"] = (
                operand,
                f"({operand}.{name} {_FROM[operand].format(0)} {_FROM[operand].format(1)})",
            )
    for operand, names in _COMPARISONS.items():
        for name in names.split():
            found[f"{operand}_{name}"] = (
                "i32",
                f"({operand}.{name} {_FROM[operand].format(0)} {_FROM[operand].format(1)})",
            )
    for operand, names in _UNARY.items():
        for name in names.split():
            found[f"{operand}_{name}"] = (operand, f"({operand}.{name} {_FROM[operand].format(0)})")
    for result, name, operand in _CONVERSIONS:
        found[f"{result}_{name}"] = (result, f"({result}.{name} {_FROM[operand].format(0)})")
    return found


FUNCTIONS = _functions()


def _operands(name: str) -> int:
    return 1 + ("local.get 1" in FUNCTIONS[name][1])


def write(directory: Path) -> None:
    """module.wat, functions.h and values.h."""
    lines = [
        f'(func (export "{name}") (param i64 i64) (result i64) {_TO[result].format(body)})'
        for name, (result, body) in FUNCTIONS.items()
    ]
    (directory / "module.wat").write_text("(module\n" + "\n".join(lines) + ")\n")
    (directory / "functions.h").write_text("".join(f"F({name}, {_operands(name)})\n" for name in FUNCTIONS))
    (directory / "values.h").write_text("".join(f"UINT64_C({value}),\n" for value in VALUES))


def _normal(result: str, bits: int) -> str:
    """A result; NaNs are all the same, because which one comes is not said (core specification, section 4.3.3)."""
    if result == "f64" and bits & (1 << 63) - 1 > 0x7FF << 52:
        return "nan"
    if result == "f32" and bits & 0x7FFFFFFF > 0x7F800000:
        return "nan"
    return hex(bits)


def told(output: str) -> list[tuple[str, int, int, str]]:
    """What the program has printed: function, operands, and result or trap."""
    lines = iter(output.splitlines())
    found = []
    for name, (result, _) in FUNCTIONS.items():
        for a in VALUES:
            for b in VALUES[: len(VALUES) if _operands(name) == 2 else 1]:
                status, bits = (int(number, 16) for number in re.split(" ", next(lines)))
                found.append((name, a, b, TRAPS[status - 1] if status else _normal(result, bits)))
    assert next(lines, None) is None
    return found


def under_wasmtime(module: Path) -> list[tuple[str, int, int, str]]:
    """The same from wasmtime."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    instance = wasmtime.Instance(store, wasmtime.Module(engine, bytes(wasmtime.wat2wasm(module.read_text()))), [])
    found = []
    for name, (result, _) in FUNCTIONS.items():
        function = instance.exports(store)[name]
        assert isinstance(function, wasmtime.Func)
        for a in VALUES:
            for b in VALUES[: len(VALUES) if _operands(name) == 2 else 1]:
                try:
                    outcome = _normal(result, function(store, _signed(a), _signed(b)) & (1 << 64) - 1)
                except wasmtime.Trap as trap:
                    code = trap.trap_code
                    assert code is not None
                    outcome = TRAP_CODES[code.name][0]
                found.append((name, a, b, outcome))
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
