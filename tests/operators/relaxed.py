"""Relaxed vector instructions over edge operands, beside what their choices say in strict instructions.

Two modules are made, alike but that one has the relaxed instruction where the other has the same in strict ones: waot
builds the first, wasmtime runs the second. wasmtime's own relaxed instructions are not asked, because what they choose
depends on the machine, but for the fused multiply-add, which is what it chooses when told to be deterministic.
"""

from __future__ import annotations

import functools
import itertools

import wasmtime

from tests.operators.generated import Module, constant
from tests.operators.values import CONSTANTS, VALUES
from waot.frontend.opcodes import OPERATORS, Operator

# What stands for an operator, with {0}, {1} and {2} for its operands, where it does what its strict relative does.
STRICT = {
    "i8x16.relaxed_swizzle": "(i8x16.swizzle {0} {1})",
    "i32x4.relaxed_trunc_f32x4_s": "(i32x4.trunc_sat_f32x4_s {0})",
    "i32x4.relaxed_trunc_f32x4_u": "(i32x4.trunc_sat_f32x4_u {0})",
    "i32x4.relaxed_trunc_f64x2_s_zero": "(i32x4.trunc_sat_f64x2_s_zero {0})",
    "i32x4.relaxed_trunc_f64x2_u_zero": "(i32x4.trunc_sat_f64x2_u_zero {0})",
    "i16x8.relaxed_q15mulr_s": "(i16x8.q15mulr_sat_s {0} {1})",
    "i16x8.relaxed_dot_i8x16_i7x16_s": "(call $dot_s {0} {1})",
    "i32x4.relaxed_dot_i8x16_i7x16_add_s": "(i32x4.add (i32x4.extadd_pairwise_i16x8_s (call $dot_s {0} {1})) {2})",
}
# And where it does what x86's instruction does.
X86 = {
    "i8x16.relaxed_swizzle": "(i8x16.swizzle {0} (v128.and {1} (i8x16.splat (i32.const 0x8f))))",
    "i32x4.relaxed_trunc_f32x4_s": "(call $trunc_f32 {0})",
    "i32x4.relaxed_trunc_f64x2_s_zero": "(call $trunc_f64 {0})",
    "i16x8.relaxed_q15mulr_s": "(call $q15mulr {0} {1})",
    "i16x8.relaxed_dot_i8x16_i7x16_s": "(call $dot_u {0} {1})",
    "i32x4.relaxed_dot_i8x16_i7x16_add_s": "(i32x4.add (i32x4.extadd_pairwise_i16x8_s (call $dot_u {0} {1})) {2})",
}
FUSED: dict[str, str] = {}
for _shape, _bits in (("i8x16", 8), ("i16x8", 16), ("i32x4", 32), ("i64x2", 64)):
    STRICT[f"{_shape}.relaxed_laneselect"] = "(v128.bitselect {0} {1} {2})"
    X86[f"{_shape}.relaxed_laneselect"] = f"(v128.bitselect {{0}} {{1}} ({_shape}.shr_s {{2}} (i32.const {_bits - 1})))"
for _shape in ("f32x4", "f64x2"):
    STRICT[f"{_shape}.relaxed_min"] = f"({_shape}.min {{0}} {{1}})"
    STRICT[f"{_shape}.relaxed_max"] = f"({_shape}.max {{0}} {{1}})"
    X86[f"{_shape}.relaxed_min"] = f"(v128.bitselect {{0}} {{1}} ({_shape}.lt {{0}} {{1}}))"
    X86[f"{_shape}.relaxed_max"] = f"(v128.bitselect {{0}} {{1}} ({_shape}.gt {{0}} {{1}}))"
    STRICT[f"{_shape}.relaxed_madd"] = f"({_shape}.add ({_shape}.mul {{0}} {{1}}) {{2}})"
    STRICT[f"{_shape}.relaxed_nmadd"] = f"({_shape}.add ({_shape}.mul ({_shape}.neg {{0}}) {{1}}) {{2}})"
    FUSED[f"{_shape}.relaxed_madd"] = f"({_shape}.relaxed_madd {{0}} {{1}} {{2}})"
    FUSED[f"{_shape}.relaxed_nmadd"] = f"({_shape}.relaxed_nmadd {{0}} {{1}} {{2}})"

_HELPERS = """
(func $dot_s (param v128 v128) (result v128)
  (call $pairs (i16x8.extmul_low_i8x16_s (local.get 0) (local.get 1))
               (i16x8.extmul_high_i8x16_s (local.get 0) (local.get 1))))
(func $dot_u (param v128 v128) (result v128)
  (call $pairs
    (i16x8.mul (i16x8.extend_low_i8x16_s (local.get 0)) (i16x8.extend_low_i8x16_u (local.get 1)))
    (i16x8.mul (i16x8.extend_high_i8x16_s (local.get 0)) (i16x8.extend_high_i8x16_u (local.get 1)))))
(func $pairs (param v128 v128) (result v128)
  (i16x8.add_sat_s
    (i8x16.shuffle 0 1 4 5 8 9 12 13 16 17 20 21 24 25 28 29 (local.get 0) (local.get 1))
    (i8x16.shuffle 2 3 6 7 10 11 14 15 18 19 22 23 26 27 30 31 (local.get 0) (local.get 1))))
(func $q15mulr (param v128 v128) (result v128)
  (v128.xor (i16x8.q15mulr_sat_s (local.get 0) (local.get 1))
    (v128.and (i16x8.eq (local.get 0) (i16x8.splat (i32.const -32768)))
              (i16x8.eq (local.get 1) (i16x8.splat (i32.const -32768))))))
(func $trunc_f32 (param v128) (result v128)
  (v128.bitselect (i32x4.trunc_sat_f32x4_s (local.get 0)) (i32x4.splat (i32.const 0x80000000))
    (f32x4.lt (local.get 0) (f32x4.splat (f32.const 0x1p31)))))
(func $trunc_f64 (param v128) (result v128) (local $inside v128)
  (local.set $inside (f64x2.lt (local.get 0) (f64x2.splat (f64.const 0x1p31))))
  (v128.bitselect (i32x4.trunc_sat_f64x2_s_zero (local.get 0)) (v128.const i32x4 0x80000000 0x80000000 0 0)
    (i8x16.shuffle 0 1 2 3 8 9 10 11 16 16 16 16 16 16 16 16 (local.get $inside) (v128.const i32x4 -1 -1 -1 -1))))
"""


def operators() -> list[Operator]:
    """Every relaxed instruction."""
    return [op for op in OPERATORS if op.proposal == "relaxed-simd"]


def _add(module: Module, operator: Operator, text: str) -> None:
    """Runs `text`, which stands for `operator`, with operands from memory, with a constant in each place, and alone."""
    assert operator.params is not None
    count = len(operator.params)
    few = [VALUES["v128"][::3], VALUES["v128"][1::3], VALUES["v128"][::2]] if count == 3 else [VALUES["v128"]] * count
    module.add([text], ("v128",) * count, "v128", tuple(itertools.product(*few)))
    for place in range(count if count > 1 else 0):
        rest = iter(f"{{{i}}}" for i in range(count - 1))
        slots = ["<constant>" if i == place else next(rest) for i in range(count)]
        form = text.format(*slots)
        texts = [form.replace("<constant>", constant("v128", value)) for value in CONSTANTS["v128"][::2]]
        others = [values[::3] for i, values in enumerate(few) if i != place]
        module.add(texts, ("v128",) * (count - 1), "v128", tuple(itertools.product(*others)))
    alone = list(itertools.product(*(values[::4] for values in few)))
    chosen = alone[:: len(alone) // 40 + 1]
    module.add_constants([(text.format(*(constant("v128", v) for v in o)), "v128") for o in chosen])


@functools.cache
def make(choice: str) -> tuple[Module, bytes, bytes]:
    """What waot is to build and what wasmtime is to run; `choice` is "strict", "x86", "x86-fma" or "fused"."""
    instead = dict(STRICT)
    if choice.startswith("x86"):
        instead |= X86
    if choice in ("x86-fma", "fused"):
        instead |= FUSED
    native, oracle = Module(), Module()
    native.functions.append(_HELPERS)
    oracle.functions.append(_HELPERS)
    for operator in operators():
        assert operator.params is not None
        slots = " ".join(f"{{{i}}}" for i in range(len(operator.params)))
        _add(native, operator, f"({operator.name} {slots})")
        _add(oracle, operator, instead[operator.name])
    return native, bytes(wasmtime.wat2wasm(native.text())), bytes(wasmtime.wat2wasm(oracle.text()))
