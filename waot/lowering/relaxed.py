"""Relaxed vector instructions (section 4.4.4, "Relaxed Operations" of section 4.3).

The specification leaves each of them a choice, which has to be the same throughout a program. In the deterministic
profile it is always the first, which is what the instruction's strict relative does (and an unfused multiply-add).
Otherwise it is what the target's own instruction does:

    parameter      x86-64                                    elsewhere
    R_fmadd        fused where the CPU has FMA               fused where the CPU has it
    R_fmin, R_fmax minps, maxps: the second operand          IEEE 754 minimum and maximum: strict
    R_idot         pmaddubsw: the second operand unsigned    strict
    R_iq15mulr     pmulhrsw: -32768                          strict (sqrdmulh)
    R_trunc_s      cvttps2dq: -2^31                          strict
    R_trunc_u      strict                                    strict
    R_swizzle      pshufb: index modulo 16                   strict (tbl)
    R_laneselect   pblendvb, blendvps: the highest bit       strict (bsl)

What LLVM folds of them gives the same, so results do not depend on the level of optimisation.
"""

from __future__ import annotations

from waot.frontend.opcodes import BY_NAME
from waot.lowering.function import HANDLERS, FunctionLowering, Handler, lowers, lowers_where
from waot.lowering.numeric import quieted
from waot.lowering.simd import INTRINSIC, IR, SHAPES, pairs, pop, push, splat
from waot.lowering.simd_native import intrinsic, ssse3  # whose strict forms these are too
from waot.lowering.types import V128_IR


def _strict(name: str) -> Handler:
    handler = HANDLERS[BY_NAME[name].index]
    assert handler is not None
    return handler


def _x86(f: FunctionLowering) -> bool:
    """Whether x86's own choices are wanted; all their instructions are in SSSE3 or before."""
    return f.unit.plan.options.relaxed_simd == "fast" and ssse3(f)


def _either(name: str, strict: str, x86: Handler) -> None:
    """Lowers `name` by `x86` where x86's choice is wanted, as the operator `strict` otherwise."""
    lowers(name)(_strict(strict))
    lowers_where(_x86, name)(x86)


_either("i8x16.relaxed_swizzle", "i8x16.swizzle", intrinsic("llvm.x86.ssse3.pshuf.b.128", "i8x16", "i8x16", "i8x16"))
_either(
    "i32x4.relaxed_trunc_f32x4_s", "i32x4.trunc_sat_f32x4_s", intrinsic("llvm.x86.sse2.cvttps2dq", "i32x4", "f32x4")
)
_either(
    "i32x4.relaxed_trunc_f64x2_s_zero",
    "i32x4.trunc_sat_f64x2_s_zero",
    intrinsic("llvm.x86.sse2.cvttpd2dq", "i32x4", "f64x2"),
)
lowers("i32x4.relaxed_trunc_f32x4_u")(_strict("i32x4.trunc_sat_f32x4_u"))
lowers("i32x4.relaxed_trunc_f64x2_u_zero")(_strict("i32x4.trunc_sat_f64x2_u_zero"))


_either(
    "i16x8.relaxed_q15mulr_s",
    "i16x8.q15mulr_sat_s",
    intrinsic("llvm.x86.ssse3.pmul.hr.sw.128", "i16x8", "i16x8", "i16x8"),
)


def _select(shape: str) -> Handler:
    """By the highest bit of each lane, which is what LLVM makes of this comparison with zero."""
    lanes = SHAPES[shape][0]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        mask, b, a = pop(f, shape), pop(f, shape), pop(f, shape)
        ir = IR[shape]
        high = f.emit(f"icmp slt {ir} {mask}, zeroinitializer", mask)
        push(f, f.emit(f"select <{lanes} x i1> {high}, {ir} {a}, {ir} {b}", high, a, b), ir)

    return lower


for _shape in ("i8x16", "i16x8", "i32x4", "i64x2"):
    _either(f"{_shape}.relaxed_laneselect", "v128.bitselect", _select(_shape))


# ---------------------------------------------------------------- floating point


def _min_max(shape: str, comparison: str) -> Handler:
    """minps and maxps: the second operand where either is NaN or both are zero."""
    lanes = SHAPES[shape][0]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = pop(f, shape), pop(f, shape)
        ir = IR[shape]
        first = f.emit(f"fcmp {comparison} {ir} {a}, {b}", a, b)
        push(f, f.emit(f"select <{lanes} x i1> {first}, {ir} {a}, {ir} {b}", first, a, b), ir)

    return lower


def _multiply_add(shape: str, negate: bool) -> Handler:
    ir, suffix = IR[shape], INTRINSIC[shape]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        options = f.unit.plan.options
        # LLVM folds x * 1 + -0 to x, with a signalling NaN as it is.
        constants = sum(value[0] != "%" for value in f.stack[-3:])
        c, b, a = pop(f, shape), pop(f, shape), pop(f, shape)
        if negate:
            a = f.emit(f"fneg {ir} {a}", a)
        if options.relaxed_simd == "fast" and options.fma:
            result = f.call_intrinsic(ir, f"llvm.fma.{suffix}", (ir, a), (ir, b), (ir, c))
        else:
            product = f.emit(f"fmul {ir} {a}, {b}", a, b)
            result = f.emit(f"fadd {ir} {product}, {c}", product, c)
        push(f, quieted(f, ir, suffix, result) if constants > 1 else result, ir)

    return lower


for _shape in ("f32x4", "f64x2"):
    _either(f"{_shape}.relaxed_min", f"{_shape}.min", _min_max(_shape, "olt"))
    _either(f"{_shape}.relaxed_max", f"{_shape}.max", _min_max(_shape, "ogt"))
    lowers(f"{_shape}.relaxed_madd")(_multiply_add(_shape, False))
    lowers(f"{_shape}.relaxed_nmadd")(_multiply_add(_shape, True))


# ---------------------------------------------------------------- dot products


def _dot(f: FunctionLowering, a: str, b: str) -> str:
    """The sums of pairs of products as <8 x i16>, saturated."""
    if _x86(f):  # its first operand is the unsigned one
        return f.call_intrinsic(IR["i16x8"], "llvm.x86.ssse3.pmadd.ub.sw.128", (V128_IR, b), (V128_IR, a))
    wide = "<16 x i16>"
    a, b = f.emit(f"sext {V128_IR} {a} to {wide}", a), f.emit(f"sext {V128_IR} {b} to {wide}", b)
    products = f.emit(f"mul nsw {wide} {a}, {b}", a, b)
    halves = []
    for start in (0, 1):
        mask = "<" + ", ".join(f"i32 {2 * i + start}" for i in range(8)) + ">"
        halves.append(f.emit(f"shufflevector {wide} {products}, {wide} poison, <8 x i32> {mask}", products))
    ir = IR["i16x8"]
    return f.call_intrinsic(ir, "llvm.sadd.sat.v8i16", *((ir, half) for half in halves))


@lowers("i16x8.relaxed_dot_i8x16_i7x16_s")
def _relaxed_dot(f: FunctionLowering, immediate: None, offset: int) -> None:
    b, a = pop(f, "i8x16"), pop(f, "i8x16")
    push(f, _dot(f, a, b), IR["i16x8"])


@lowers("i32x4.relaxed_dot_i8x16_i7x16_add_s")
def _relaxed_dot_add(f: FunctionLowering, immediate: None, offset: int) -> None:
    c, b, a = pop(f, "i32x4"), pop(f, "i8x16"), pop(f, "i8x16")
    dot = _dot(f, a, b)
    if _x86(f):
        ones = splat(1, 8, "i16")
        ir = IR["i16x8"]
        total = f.call_intrinsic(IR["i32x4"], "llvm.x86.sse2.pmadd.wd", (ir, dot), (ir, ones))
    else:
        wide = f.emit(f"sext <8 x i16> {dot} to <8 x i32>", dot)
        total = pairs(f, wide, 8, "i32")
    push(f, f.emit(f"add {IR['i32x4']} {total}, {c}", total, c), IR["i32x4"])
