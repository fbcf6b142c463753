"""Vector instructions for which a chip has fewer than LLVM finds for the generic form (simd.py).

Each is used where the CPU has what it needs, the generic form everywhere else. tests/lowering/test_vectors.py counts
instructions; docs/rationale.md, "Vector instructions", says which operators are not here although others have fewer.
"""

from __future__ import annotations

from collections.abc import Callable

from waot.lowering.function import FunctionLowering, Handler, lowers_where
from waot.lowering.simd import INTRINSIC, IR, SHAPES, binary, pop, push, splat, with_zeros
from waot.lowering.types import V128_IR


def ssse3(f: FunctionLowering) -> bool:
    """Whether the CPU is an x86 with SSSE3."""
    return f.unit.plan.options.vectors in ("ssse3", "sse4.1")


def _sse41(f: FunctionLowering) -> bool:
    return f.unit.plan.options.vectors == "sse4.1"


def _neon(f: FunctionLowering) -> bool:
    return f.unit.plan.options.vectors == "neon"


def intrinsic(name: str, result: str, *shapes: str) -> Handler:
    """Calls an intrinsic with operands of `shapes`, in the order in which they were pushed."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        values = [(IR[shape], pop(f, shape)) for shape in reversed(shapes)]
        push(f, f.call_intrinsic(IR[result], name, *reversed(values)), IR[result])

    return lower


def _mask(f: FunctionLowering, predicate: str, shape: str, a: str, b: str) -> str:
    """Ones in the lanes in which a comparison holds, otherwise zeros."""
    bits = f.emit(f"{predicate} {IR[shape]} {a}, {b}", a, b)
    lanes = SHAPES[shape][0]
    return f.emit(f"sext <{lanes} x i1> {bits} to <{lanes} x i{128 // lanes}>", bits)


def _halves(f: FunctionLowering, ir: str, a: str, b: str) -> list[str]:
    """The lanes of the low halves of two vectors by turns, then those of the high halves."""
    lanes = int(ir[1:].split()[0])
    found = []
    for start in (0, lanes // 2):
        mask = "<" + ", ".join(f"i32 {i}, i32 {lanes + i}" for i in range(start, start + lanes // 2)) + ">"
        found.append(f.emit(f"shufflevector {ir} {a}, {ir} {b}, <{lanes} x i32> {mask}", a, b))
    return found


# ---------------------------------------------------------------- lanes


@lowers_where(ssse3, "i8x16.swizzle")
def _pshufb(f: FunctionLowering, immediate: None, offset: int) -> None:
    indices, value = f.stack.pop(), f.stack.pop()
    # pshufb gives 0 where bit 7 is set and ignores bits 4 to 6: saturating addition sets bit 7 from 16 on.
    high = f.call_intrinsic(V128_IR, "llvm.uadd.sat.v16i8", (V128_IR, indices), (V128_IR, splat(112, 16, "i8")))
    f.stack.append(f.call_intrinsic(V128_IR, "llvm.x86.ssse3.pshuf.b.128", (V128_IR, value), (V128_IR, high)))


lowers_where(_neon, "i8x16.swizzle")(intrinsic("llvm.aarch64.neon.tbl1.v16i8", "i8x16", "i8x16", "i8x16"))


# ---------------------------------------------------------------- tests of all lanes, NEON


@lowers_where(_neon, "v128.any_true")
def _any_true(f: FunctionLowering, immediate: None, offset: int) -> None:
    value, ir = pop(f, "i32x4"), IR["i32x4"]
    # Neighbours' maxima: all that matters is in 64 bits. LLVM moves both halves to ordinary registers.
    pairs = f.call_intrinsic(ir, "llvm.aarch64.neon.umaxp.v4i32", (ir, value), (ir, value))
    halves = f.emit(f"bitcast {ir} {pairs} to <2 x i64>", pairs)
    low = f.emit(f"extractelement <2 x i64> {halves}, i32 0", halves)
    f.push_bool(f.emit(f"icmp ne i64 {low}, 0", low))


def _all_true(shape: str) -> Handler:
    """The smallest lane is not 0; LLVM compares each with 0 first."""
    lanes, lane, _ = SHAPES[shape]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        least = f.call_intrinsic(lane, f"llvm.vector.reduce.umin.v{lanes}{lane}", (IR[shape], pop(f, shape)))
        f.push_bool(f.emit(f"icmp ne {lane} {least}, 0", least))

    return lower


@lowers_where(_neon, "i64x2.all_true")
def _both_true(f: FunctionLowering, immediate: None, offset: int) -> None:
    # There is no smallest of 64 bits, but of the halves of masks.
    mask = _mask(f, "icmp ne", "i64x2", pop(f, "i64x2"), "zeroinitializer")
    halves = f.emit(f"bitcast {IR['i64x2']} {mask} to {IR['i32x4']}", mask)
    least = f.call_intrinsic("i32", "llvm.vector.reduce.umin.v4i32", (IR["i32x4"], halves))
    f.push_bool(f.emit(f"icmp slt i32 {least}, 0", least))


def _bitmask(shape: str) -> Handler:
    """A bit of its own in each negative lane, and their sum."""
    lanes, lane, _ = SHAPES[shape]
    ir = IR[shape]
    own = "<" + ", ".join(f"{lane} {1 << i}" for i in range(lanes)) + ">"

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        mask = _mask(f, "icmp slt", shape, pop(f, shape), "zeroinitializer")
        bits = f.emit(f"and {ir} {mask}, {own}", mask)
        total = f.call_intrinsic(lane, f"llvm.vector.reduce.add.v{lanes}{lane}", (ir, bits))
        f.stack.append(f.emit(f"zext {lane} {total} to i32", total) if lane != "i32" else total)

    return lower


@lowers_where(_neon, "i64x2.bitmask")
def _bitmask_of_two(f: FunctionLowering, immediate: None, offset: int) -> None:
    value, ir = pop(f, "i64x2"), IR["i64x2"]
    signs = f.emit(f"lshr {ir} {value}, {splat(63, 2, 'i64')}", value)
    both = [f.emit(f"extractelement {ir} {signs}, i32 {i}", signs) for i in (0, 1)]
    low, high = (f.emit(f"trunc i64 {each} to i32", each) for each in both)
    high = f.emit(f"shl i32 {high}, 1", high)
    f.stack.append(f.emit(f"or i32 {low}, {high}", low, high))


for _shape in ("i8x16", "i16x8", "i32x4"):
    lowers_where(_neon, f"{_shape}.all_true")(_all_true(_shape))
for _shape in ("i16x8", "i32x4"):
    lowers_where(_neon, f"{_shape}.bitmask")(_bitmask(_shape))


# ---------------------------------------------------------------- integers


lowers_where(_neon, "i16x8.q15mulr_sat_s")(intrinsic("llvm.aarch64.neon.sqrdmulh.v8i16", "i16x8", "i16x8", "i16x8"))


@lowers_where(ssse3, "i16x8.q15mulr_sat_s")
@binary("i16x8")
def _q15mulr(f: FunctionLowering, a: str, b: str, ir: str) -> str:
    # -32768 is the result of -32768 * -32768 only, and should be 32767: every bit is the other one.
    product = f.call_intrinsic(ir, "llvm.x86.ssse3.pmul.hr.sw.128", (ir, a), (ir, b))
    wrong = _mask(f, "icmp eq", "i16x8", product, splat(-32768, 8, "i16"))
    return f.emit(f"xor {ir} {product}, {wrong}", product, wrong)


for _wide, _shape in (("i16x8", "i8x16"), ("i32x4", "i16x8")):
    for _sign in "su":
        lowers_where(_neon, f"{_wide}.extadd_pairwise_{_shape}_{_sign}")(
            intrinsic(
                f"llvm.aarch64.neon.{_sign}addlp.v{SHAPES[_wide][0]}{SHAPES[_wide][1]}"
                f".v{SHAPES[_shape][0]}{SHAPES[_shape][1]}",
                _wide,
                _shape,
            )
        )

_ONE_BYTES, _ONE_WORDS = splat(1, 16, "i8"), splat(1, 8, "i16")


def _add_pairs_of_bytes(signed: bool) -> Handler:
    """pmaddubsw: sums of products of unsigned bytes, the first operand, and signed ones; no sum of two saturates."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = pop(f, "i8x16")
        operands = [(V128_IR, value), (V128_IR, _ONE_BYTES)]
        ir = IR["i16x8"]
        push(f, f.call_intrinsic(ir, "llvm.x86.ssse3.pmadd.ub.sw.128", *operands[:: -1 if signed else 1]), ir)

    return lower


def _add_pairs_of_words(signed: bool) -> Handler:
    """pmaddwd: sums of products of signed words. Unsigned ones are made signed by taking 32768 from each, and from each
    sum twice that is missing."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value, ir, wide = pop(f, "i16x8"), IR["i16x8"], IR["i32x4"]
        if not signed:
            value = f.emit(f"xor {ir} {value}, {splat(-32768, 8, 'i16')}", value)
        total = f.call_intrinsic(wide, "llvm.x86.sse2.pmadd.wd", (ir, value), (ir, _ONE_WORDS))
        if not signed:
            total = f.emit(f"add {wide} {total}, {splat(65536, 4, 'i32')}", total)
        push(f, total, wide)

    return lower


for _sign in "su":
    lowers_where(ssse3, f"i16x8.extadd_pairwise_i8x16_{_sign}")(_add_pairs_of_bytes(_sign == "s"))
    lowers_where(ssse3, f"i32x4.extadd_pairwise_i16x8_{_sign}")(_add_pairs_of_words(_sign == "s"))


def _extended_multiply(half: int, high: str) -> Handler:
    """Low and high words of the products, by turns. LLVM widens first, and then needs the slow pmulld; this way low and
    high half of the same operands have their products in common."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = pop(f, "i16x8"), pop(f, "i16x8")
        ir = IR["i16x8"]
        lows = f.emit(f"mul {ir} {a}, {b}", a, b)
        highs = f.call_intrinsic(ir, high, (ir, a), (ir, b))
        push(f, _halves(f, ir, lows, highs)[half], ir)

    return lower


for _sign, _high in (("s", "llvm.x86.sse2.pmulh.w"), ("u", "llvm.x86.sse2.pmulhu.w")):
    for _half, _part in enumerate(("low", "high")):
        lowers_where(ssse3, f"i32x4.extmul_{_part}_i16x8_{_sign}")(_extended_multiply(_half, _high))


# By a constant, LLVM's way is the shorter one.
@lowers_where(lambda f: ssse3(f) and f.stack[-1][0] == "%", "i8x16.shr_s")
def _shift_bytes(f: FunctionLowering, immediate: None, offset: int) -> None:
    # No chip shifts bytes: each becomes the high one of a word, which is shifted by 8 more and narrowed.
    count, ir = f.stack.pop(), IR["i16x8"]
    value = pop(f, "i8x16")
    masked = f.emit(f"and i32 {count}, 7", count)
    more = f.emit(f"or i32 {masked}, 8", masked)
    word = f.emit(f"trunc i32 {more} to i16", more)
    one = f.emit(f"insertelement {ir} poison, i16 {word}, i32 0", word)
    counts = f.emit(f"shufflevector {ir} {one}, {ir} poison, <8 x i32> zeroinitializer", one)
    shifted = []
    for half in _halves(f, V128_IR, value, value):
        words = f.emit(f"bitcast {V128_IR} {half} to {ir}", half)
        shifted.append(f.emit(f"ashr {ir} {words}, {counts}", words, counts))
    push(f, f.call_intrinsic(V128_IR, "llvm.x86.sse2.packsswb.128", *((ir, half) for half in shifted)), V128_IR)


# ---------------------------------------------------------------- floating point


def _min_max(shape: str, operation: str) -> Handler:
    """fmin and fmax, which make every NaN quiet. LLVM keeps a signalling one where it folds them, with a constant or
    with equal operands (numeric.py), so it must see neither: both are behind fences, of different types."""
    other = "f64x2" if shape == "f32x4" else "f32x4"
    ir = IR[shape]

    def fenced(f: FunctionLowering, type_: str) -> str:
        value = pop(f, type_)
        return f.call_intrinsic(IR[type_], f"llvm.arithmetic.fence.{INTRINSIC[type_]}", (IR[type_], value))

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = fenced(f, other), fenced(f, shape)
        b = f.emit(f"bitcast {IR[other]} {b} to {ir}", b)
        push(f, f.call_intrinsic(ir, f"llvm.{operation}imum.{INTRINSIC[shape]}", (ir, a), (ir, b)), ir)

    return lower


for _shape in ("f32x4", "f64x2"):
    for _op in ("min", "max"):
        lowers_where(_neon, f"{_shape}.{_op}")(_min_max(_shape, _op))


def _pseudo(name: str) -> Callable[[FunctionLowering, str, str, str], str]:
    """minpd and maxpd are pmin and pmax with the operands exchanged; LLVM misses that where no double is around."""
    return lambda f, a, b, ir: f.call_intrinsic(ir, name, (ir, b), (ir, a))


for _op in ("min", "max"):
    lowers_where(ssse3, f"f64x2.p{_op}")(binary("f64x2")(_pseudo(f"llvm.x86.sse2.{_op}.pd")))


@lowers_where(ssse3, "f64x2.convert_low_i32x4_u")
def _convert_low(f: FunctionLowering, immediate: None, offset: int) -> None:
    # The word as the low half of a double whose high half is that of 2^52: 2^52 plus the word.
    value, ir, result = pop(f, "i32x4"), IR["i32x4"], IR["f64x2"]
    low = _halves(f, ir, value, splat(0x43300000, 4, "i32"))[0]
    sum_ = f.emit(f"bitcast {ir} {low} to {result}", low)
    push(f, f.emit(f"fsub {result} {sum_}, {splat('4503599627370496.0', 2, 'double')}", sum_), result)


# ---------------------------------------------------------------- truncation
#
# cvttps2dq and cvttpd2dq give -2^31 for NaN and for what does not fit. minps and its like give the second operand where
# the first is NaN.


def _ordered(f: FunctionLowering, name: str, shape: str, value: str) -> str:
    """Ones in the lanes that are not NaN. LLVM compares with 0, for which it needs a register."""
    ir = IR[shape]
    equal = f.call_intrinsic(ir, name, (ir, value), (ir, value), ("i8", "0"))
    return f.emit(f"bitcast {ir} {equal} to {IR['i' + shape[1:]]}", equal)


@lowers_where(ssse3, "i32x4.trunc_sat_f32x4_s")
def _truncate_signed(f: FunctionLowering, immediate: None, offset: int) -> None:
    value, source, ir = pop(f, "f32x4"), IR["f32x4"], IR["i32x4"]
    number = f.call_intrinsic(ir, "llvm.x86.sse2.cvttps2dq", (source, value))
    # From 2^31 on every bit has to be the other one. "Or unordered" because that comparison has its constant in memory.
    large = _mask(f, "fcmp uge", "f32x4", value, splat("2147483648.0", 4, "float"))
    ordered = _ordered(f, "llvm.x86.sse.cmp.ps", "f32x4", value)
    number = f.emit(f"xor {ir} {number}, {large}", number, large)
    push(f, f.emit(f"and {ir} {number}, {ordered}", number, ordered), ir)


@lowers_where(ssse3, "i32x4.trunc_sat_f32x4_u")
def _truncate_unsigned(f: FunctionLowering, immediate: None, offset: int) -> None:
    value, source, ir = pop(f, "f32x4"), IR["f32x4"], IR["i32x4"]
    value = f.call_intrinsic(source, "llvm.x86.sse.max.ps", (source, value), (source, "zeroinitializer"))
    # Below 2^31 this is the result, otherwise -2^31 ...
    small = f.call_intrinsic(ir, "llvm.x86.sse2.cvttps2dq", (source, value))
    # ... and this is -2^31 below 2^31. Above it, the difference is exact, and at most -256 below 2^32.
    less = f.emit(f"fsub {source} {value}, {splat('4294967296.0', 4, 'float')}", value)
    less = f.call_intrinsic(source, "llvm.x86.sse.min.ps", (source, less), (source, splat("-1.0", 4, "float")))
    large = f.call_intrinsic(ir, "llvm.x86.sse2.cvttps2dq", (source, less))
    push(f, f.call_intrinsic(ir, "llvm.smax.v4i32", (ir, small), (ir, large)), ir)


@lowers_where(ssse3, "i32x4.trunc_sat_f64x2_s_zero")
def _truncate_signed_zero(f: FunctionLowering, immediate: None, offset: int) -> None:
    value, source = pop(f, "f64x2"), IR["f64x2"]
    # The limit is 0 where the value is NaN, and then the second operand is what minpd gives.
    ordered = _ordered(f, "llvm.x86.sse2.cmp.pd", "f64x2", value)
    most = splat(0x41DF_FFFF_FFC0_0000, 2, "i64")  # 2147483647
    limit = f.emit(f"and {IR['i64x2']} {ordered}, {most}", ordered)
    limit = f.emit(f"bitcast {IR['i64x2']} {limit} to {source}", limit)
    value = f.call_intrinsic(source, "llvm.x86.sse2.min.pd", (source, value), (source, limit))
    push(f, f.call_intrinsic(IR["i32x4"], "llvm.x86.sse2.cvttpd2dq", (source, value)), IR["i32x4"])


@lowers_where(_sse41, "i32x4.trunc_sat_f64x2_u_zero")
def _truncate_unsigned_zero(f: FunctionLowering, immediate: None, offset: int) -> None:
    value, source, ir = pop(f, "f64x2"), IR["f64x2"], IR["i32x4"]
    most = splat("4294967295.0", 2, "double")
    value = f.call_intrinsic(source, "llvm.x86.sse2.max.pd", (source, value), (source, "zeroinitializer"))
    value = f.call_intrinsic(source, "llvm.x86.sse2.min.pd", (source, value), (source, most))
    value = f.call_intrinsic(source, "llvm.trunc.v2f64", (source, value))
    # Added to 2^52, an integer is the low half of the sum.
    total = f.emit(f"fadd {source} {value}, {splat('4503599627370496.0', 2, 'double')}", value)
    words = f.emit(f"bitcast {source} {total} to {ir}", total)
    mask = "<4 x i32> <i32 0, i32 2, i32 4, i32 5>"
    push(f, f.emit(f"shufflevector {ir} {words}, {ir} zeroinitializer, {mask}", words), ir)


def _truncate_zero_neon(sign: str) -> Handler:
    """To 64 bits, then to 32; LLVM converts lane by lane."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value, wide, narrow = pop(f, "f64x2"), IR["i64x2"], "<2 x i32>"
        long = f.call_intrinsic(wide, f"llvm.fpto{sign}i.sat.v2i64.v2f64", (IR["f64x2"], value))
        low = f.call_intrinsic(narrow, f"llvm.aarch64.neon.{sign}qxtn.v2i32", (wide, long))
        push(f, with_zeros(f, low, "i32"), IR["i32x4"])

    return lower


for _sign in "su":
    lowers_where(_neon, f"i32x4.trunc_sat_f64x2_{_sign}_zero")(_truncate_zero_neon(_sign))
