"""Vector instructions, section 4.4.4 (fixed-width SIMD).

A v128 is <16 x i8> on the operand stack and in memory; an operator casts it to its shape and back, which LLVM folds
away (on big-endian machines with an exchange of bytes, see byteorder.py). Everything is generic LLVM IR, which nearly
always becomes the chip's best instructions; where it does not, and the chip matters, simd_native.py has another form.
"""

from __future__ import annotations

from collections.abc import Callable

from waot.frontend.module import F32, F64
from waot.lowering import byteorder
from waot.lowering.function import FunctionLowering, Handler, lowers
from waot.lowering.memory import Memarg, address
from waot.lowering.numeric import FOLDED_LEFT, FOLDED_RIGHT, min_max, quieted, rounded, truncated_saturating
from waot.lowering.types import V128_IR, float_constant

LaneMemarg = tuple[int, int, int, int]  # align as log2, offset, memory index, lane

# shape -> (lanes, LLVM lane type, lane type on the operand stack)
SHAPES = {
    "i8x16": (16, "i8", "i32"),
    "i16x8": (8, "i16", "i32"),
    "i32x4": (4, "i32", "i32"),
    "i64x2": (2, "i64", "i64"),
    "f32x4": (4, "float", "float"),
    "f64x2": (2, "double", "double"),
}
INTEGER_SHAPES = ("i8x16", "i16x8", "i32x4", "i64x2")
FLOAT_SHAPES = ("f32x4", "f64x2")
IR = {shape: f"<{lanes} x {lane}>" for shape, (lanes, lane, _) in SHAPES.items()}
BITS = {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64, "f32x4": 32, "f64x2": 64}
INTRINSIC = {"i8x16": "v16i8", "i16x8": "v8i16", "i32x4": "v4i32", "i64x2": "v2i64", "f32x4": "v4f32", "f64x2": "v2f64"}
WIDER = {"i8x16": "i16x8", "i16x8": "i32x4", "i32x4": "i64x2"}


def splat(value: int | str, lanes: int, lane: str) -> str:
    """A vector constant with `value` in every lane."""
    return "<" + ", ".join([f"{lane} {value}"] * lanes) + ">"


def pop(f: FunctionLowering, shape: str) -> str:
    """Pops a v128 as `shape`."""
    # LLVM may find that some lanes are not needed, and shrink a load to the others.
    f.partly_used(f.stack[-1])
    return cast(f, f.stack.pop(), V128_IR, IR[shape])


def push(f: FunctionLowering, value: str, ir: str) -> None:
    """Pushes a 128-bit vector of LLVM type `ir`."""
    f.stack.append(cast(f, value, ir, V128_IR))


def cast(f: FunctionLowering, value: str, source: str, result: str) -> str:
    """`value` with another shape, either of them bytes."""
    if source == result:
        return value
    if not f.unit.plan.options.big_endian:
        return f.emit(f"bitcast {source} {value} to {result}", value)
    shape = result if source == V128_IR else source
    lanes = next(s[0] for s in SHAPES.values() if f"<{s[0]} x {s[1]}>" == shape)
    integers = f"<{lanes} x i{128 // lanes}>"
    if result == V128_IR:
        value = byteorder.to_little(f, source, value)
        return f.emit(f"bitcast {integers} {value} to {result}", value)
    return byteorder.from_little(f, result, f.emit(f"bitcast {source} {value} to {integers}", value))


def pop_bits(f: FunctionLowering) -> str:
    """Pops a v128 as <2 x i64> for what does the same to every bit: the order of bytes does not matter."""
    f.partly_used(f.stack[-1])
    value = f.stack.pop()
    return f.emit(f"bitcast {V128_IR} {value} to <2 x i64>", value)


def push_bits(f: FunctionLowering, value: str) -> None:
    """Pushes a result of such an operation."""
    f.stack.append(f.emit(f"bitcast <2 x i64> {value} to {V128_IR}", value))


def unary(shape: str) -> Callable[[Callable[[FunctionLowering, str, str], str]], Handler]:
    """Makes a handler of a function (f, value, LLVM type) -> result of the same shape."""

    def make(compute: Callable[[FunctionLowering, str, str], str]) -> Handler:
        def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
            push(f, compute(f, pop(f, shape), IR[shape]), IR[shape])

        return lower

    return make


def binary(shape: str) -> Callable[[Callable[[FunctionLowering, str, str, str], str]], Handler]:
    """Makes a handler of a function (f, left, right, LLVM type) -> result of the same shape."""

    def make(compute: Callable[[FunctionLowering, str, str, str], str]) -> Handler:
        def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
            b = pop(f, shape)
            a = pop(f, shape)
            push(f, compute(f, a, b, IR[shape]), IR[shape])

        return lower

    return make


def _operation(text: str) -> Callable[[FunctionLowering, str, str, str], str]:
    return lambda f, a, b, ir: f.emit(f"{text} {ir} {a}, {b}", a, b)


def _intrinsic2(name: str) -> Callable[[FunctionLowering, str, str, str], str]:
    return lambda f, a, b, ir: f.call_intrinsic(ir, name, (ir, a), (ir, b))


def _intrinsic1(name: str) -> Callable[[FunctionLowering, str, str], str]:
    return lambda f, a, ir: f.call_intrinsic(ir, name, (ir, a))


# ---------------------------------------------------------------- loads and stores


def _plain_load(f: FunctionLowering, ir: str, width: int, memarg: Memarg, offset: int) -> str:
    _, static_offset, memory = memarg
    pointer = address(f, f.stack.pop(), static_offset, memory, width, offset)
    return byteorder.load(f, ir, pointer, offset)


def _load_extend(lanes: int, narrow: int, extend: str) -> Handler:
    source, result = f"<{lanes} x i{narrow}>", f"<{lanes} x i{2 * narrow}>"

    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        value = _plain_load(f, source, 8, immediate, offset)
        push(f, f.emit(f"{extend} {source} {value} to {result}", value), result)

    return lower


def _load_splat(shape: str) -> Handler:
    lanes, lane, _ = SHAPES[shape]

    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        _splat(f, _plain_load(f, lane, 16 // lanes, immediate, offset), shape)

    return lower


def _load_zero(shape: str) -> Handler:
    lanes, lane, _ = SHAPES[shape]

    def lower(f: FunctionLowering, immediate: Memarg, offset: int) -> None:
        value = _plain_load(f, lane, 16 // lanes, immediate, offset)
        push(f, f.emit(f"insertelement {IR[shape]} zeroinitializer, {lane} {value}, i32 0", value), IR[shape])

    return lower


def _load_lane(shape: str) -> Handler:
    lanes, lane, _ = SHAPES[shape]

    def lower(f: FunctionLowering, immediate: LaneMemarg, offset: int) -> None:
        vector = pop(f, shape)
        value = _plain_load(f, lane, 16 // lanes, immediate[:3], offset)
        f.partly_used(value)  # the lane may be replaced
        push(
            f,
            f.emit(f"insertelement {IR[shape]} {vector}, {lane} {value}, i32 {immediate[3]}", vector, value),
            IR[shape],
        )

    return lower


def _store_lane(shape: str) -> Handler:
    lanes, lane, _ = SHAPES[shape]

    def lower(f: FunctionLowering, immediate: LaneMemarg, offset: int) -> None:
        _, static_offset, memory, index = immediate
        vector = pop(f, shape)
        pointer = address(f, f.stack.pop(), static_offset, memory, 16 // lanes, offset)
        value = f.emit(f"extractelement {IR[shape]} {vector}, i32 {index}", vector)
        byteorder.store(f, lane, value, pointer, offset)

    return lower


for _lanes, _narrow in ((8, 8), (4, 16), (2, 32)):
    lowers(f"v128.load{_narrow}x{_lanes}_s")(_load_extend(_lanes, _narrow, "sext"))
    lowers(f"v128.load{_narrow}x{_lanes}_u")(_load_extend(_lanes, _narrow, "zext"))
for _shape in INTEGER_SHAPES:
    lowers(f"v128.load{BITS[_shape]}_splat")(_load_splat(_shape))
    lowers(f"v128.load{BITS[_shape]}_lane")(_load_lane(_shape))
    lowers(f"v128.store{BITS[_shape]}_lane")(_store_lane(_shape))
lowers("v128.load32_zero")(_load_zero("i32x4"))
lowers("v128.load64_zero")(_load_zero("i64x2"))


# ---------------------------------------------------------------- lanes


def _splat(f: FunctionLowering, value: str, shape: str) -> None:
    lanes, lane, _ = SHAPES[shape]
    if value[0] != "%":
        f.stack.append(cast(f, splat(value, lanes, lane), IR[shape], V128_IR))
        f.splats[f.stack[-1]] = value
        return
    first = f.emit(f"insertelement {IR[shape]} poison, {lane} {value}, i32 0", value)
    # Broadcasting from memory is one instruction: the location is the load's there too.
    loaded = f.extended.get(value, value)
    location = f.loads[loaded][1] if loaded in f.loads else ""
    mask = f"<{lanes} x i32> zeroinitializer"
    push(f, f.emit(f"shufflevector {IR[shape]} {first}, {IR[shape]} poison, {mask}{location}", first), IR[shape])


def _narrowed(f: FunctionLowering, value: str, shape: str) -> str:
    """A lane's value as it is on the operand stack, as LLVM's lane type."""
    _, lane, stack = SHAPES[shape]
    return value if lane == stack else f.emit(f"trunc {stack} {value} to {lane}", value)


def _splat_handler(shape: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        _splat(f, _narrowed(f, f.stack.pop(), shape), shape)

    return lower


def _extract(shape: str, extend: str) -> Handler:
    _, lane, stack = SHAPES[shape]

    def lower(f: FunctionLowering, index: int, offset: int) -> None:
        vector = pop(f, shape)
        value = f.emit(f"extractelement {IR[shape]} {vector}, i32 {index}", vector)
        f.stack.append(f.emit(f"{extend} {lane} {value} to {stack}", value) if extend else value)

    return lower


def _replace(shape: str) -> Handler:
    _, lane, _ = SHAPES[shape]

    def lower(f: FunctionLowering, index: int, offset: int) -> None:
        value = _narrowed(f, f.stack.pop(), shape)
        vector = pop(f, shape)
        push(f, f.emit(f"insertelement {IR[shape]} {vector}, {lane} {value}, i32 {index}", vector, value), IR[shape])

    return lower


for _shape in SHAPES:
    lowers(f"{_shape}.splat")(_splat_handler(_shape))
    lowers(f"{_shape}.replace_lane")(_replace(_shape))
for _shape in ("i8x16", "i16x8"):
    lowers(f"{_shape}.extract_lane_s")(_extract(_shape, "sext"))
    lowers(f"{_shape}.extract_lane_u")(_extract(_shape, "zext"))
for _shape in ("i32x4", "i64x2", "f32x4", "f64x2"):
    lowers(f"{_shape}.extract_lane")(_extract(_shape, ""))


@lowers("i8x16.shuffle")
def _shuffle(f: FunctionLowering, lanes: bytes, offset: int) -> None:
    b, a = f.stack.pop(), f.stack.pop()
    mask = "<" + ", ".join(f"i32 {lane}" for lane in lanes) + ">"
    f.stack.append(f.emit(f"shufflevector {V128_IR} {a}, {V128_IR} {b}, <16 x i32> {mask}", a, b))


@lowers("i8x16.swizzle")
def _swizzle(f: FunctionLowering, immediate: None, offset: int) -> None:
    indices, value = f.stack.pop(), f.stack.pop()
    result = "zeroinitializer"
    for lane in range(16):
        index = f.emit(f"extractelement {V128_IR} {indices}, i32 {lane}", indices)
        inside = f.emit(f"icmp ult i8 {index}, 16", index)
        low = f.emit(f"and i8 {index}, 15", index)
        element = f.emit(f"extractelement {V128_IR} {value}, i8 {low}", value, low)
        chosen = f.emit(f"select i1 {inside}, i8 {element}, i8 0", inside, element)
        result = f.emit(f"insertelement {V128_IR} {result}, i8 {chosen}, i32 {lane}", result, chosen)
    f.stack.append(result)


# ---------------------------------------------------------------- bits


@lowers("v128.not")
def _not(f: FunctionLowering, immediate: None, offset: int) -> None:
    a = pop_bits(f)
    push_bits(f, f.emit(f"xor <2 x i64> {a}, {splat(-1, 2, 'i64')}", a))


def _bitwise(operation: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = pop_bits(f), pop_bits(f)
        push_bits(f, f.emit(f"{operation} <2 x i64> {a}, {b}", a, b))

    return lower


for _op in ("and", "or", "xor"):
    lowers(f"v128.{_op}")(_bitwise(_op))


@lowers("v128.andnot")
def _andnot(f: FunctionLowering, immediate: None, offset: int) -> None:
    b, a = pop_bits(f), pop_bits(f)
    inverse = f.emit(f"xor <2 x i64> {b}, {splat(-1, 2, 'i64')}", b)
    push_bits(f, f.emit(f"and <2 x i64> {a}, {inverse}", a, inverse))


@lowers("v128.bitselect")
def _bitselect(f: FunctionLowering, immediate: None, offset: int) -> None:
    mask, b, a = pop_bits(f), pop_bits(f), pop_bits(f)
    inverse = f.emit(f"xor <2 x i64> {mask}, {splat(-1, 2, 'i64')}", mask)
    first = f.emit(f"and <2 x i64> {a}, {mask}", a, mask)
    second = f.emit(f"and <2 x i64> {b}, {inverse}", b, inverse)
    push_bits(f, f.emit(f"or <2 x i64> {first}, {second}", first, second))


@lowers("v128.any_true")
def _any_true(f: FunctionLowering, immediate: None, offset: int) -> None:
    value = f.stack.pop()
    whole = f.emit(f"bitcast {V128_IR} {value} to i128", value)
    f.push_bool(f.emit(f"icmp ne i128 {whole}, 0", whole))


def _all_true(shape: str) -> Handler:
    lanes, _, _ = SHAPES[shape]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = pop(f, shape)
        zeros = f.emit(f"icmp eq {IR[shape]} {value}, zeroinitializer", value)
        bits = f.emit(f"bitcast <{lanes} x i1> {zeros} to i{lanes}", zeros)
        f.push_bool(f.emit(f"icmp eq i{lanes} {bits}, 0", bits))

    return lower


def _bitmask(shape: str) -> Handler:
    lanes, _, _ = SHAPES[shape]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = pop(f, shape)
        negative = f.emit(f"icmp slt {IR[shape]} {value}, zeroinitializer", value)
        ordered = byteorder.bit_order(f, lanes, negative)
        bits = f.emit(f"bitcast <{lanes} x i1> {ordered} to i{lanes}", ordered)
        f.stack.append(f.emit(f"zext i{lanes} {bits} to i32", bits))

    return lower


# ---------------------------------------------------------------- integers


def _negate(f: FunctionLowering, a: str, ir: str) -> str:
    return f.emit(f"sub {ir} zeroinitializer, {a}", a)


def _absolute(shape: str) -> Callable[[FunctionLowering, str, str], str]:
    name = f"llvm.abs.{INTRINSIC[shape]}"
    # `false`: the smallest integer stays as it is instead of being poison.
    return lambda f, a, ir: f.call_intrinsic(ir, name, (ir, a), ("i1", "false"))


def _shift(operation: str, shape: str) -> Handler:
    """The count is modulo the lane width (section 4.3.2)."""
    lanes, lane, _ = SHAPES[shape]
    bits = BITS[shape]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        count = f.stack.pop()
        value = pop(f, shape)
        masked = f.emit(f"and i32 {count}, {bits - 1}", count)
        if bits < 32:
            masked = f.emit(f"trunc i32 {masked} to {lane}", masked)
        elif bits > 32:
            masked = f.emit(f"zext i32 {masked} to {lane}", masked)
        one = f.emit(f"insertelement {IR[shape]} poison, {lane} {masked}, i32 0", masked)
        counts = f.emit(f"shufflevector {IR[shape]} {one}, {IR[shape]} poison, <{lanes} x i32> zeroinitializer", one)
        push(f, f.emit(f"{operation} {IR[shape]} {value}, {counts}", value, counts), IR[shape])

    return lower


def _compare(operation: str, shape: str) -> Handler:
    lanes = SHAPES[shape][0]
    integers = f"<{lanes} x i{BITS[shape]}>"

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = pop(f, shape), pop(f, shape)
        bits = f.emit(f"{operation} {IR[shape]} {a}, {b}", a, b)
        push(f, f.emit(f"sext <{lanes} x i1> {bits} to {integers}", bits), integers)

    return lower


def _average(shape: str) -> Callable[[FunctionLowering, str, str, str], str]:
    """(a + b + 1) >> 1 without losing the carry."""
    lanes, _, _ = SHAPES[shape]
    wide_lane = f"i{2 * BITS[shape]}"
    wide = f"<{lanes} x {wide_lane}>"

    def compute(f: FunctionLowering, a: str, b: str, ir: str) -> str:
        a, b = f.emit(f"zext {ir} {a} to {wide}", a), f.emit(f"zext {ir} {b} to {wide}", b)
        total = f.emit(f"add nuw {wide} {a}, {b}", a, b)
        total = f.emit(f"add nuw {wide} {total}, {splat(1, lanes, wide_lane)}", total)
        half = f.emit(f"lshr {wide} {total}, {splat(1, lanes, wide_lane)}", total)
        return f.emit(f"trunc {wide} {half} to {ir}", half)

    return compute


for _shape in INTEGER_SHAPES:
    _suffix = INTRINSIC[_shape]
    lowers(f"{_shape}.neg")(unary(_shape)(_negate))
    lowers(f"{_shape}.abs")(unary(_shape)(_absolute(_shape)))
    lowers(f"{_shape}.all_true")(_all_true(_shape))
    lowers(f"{_shape}.bitmask")(_bitmask(_shape))
    for _op in ("add", "sub"):
        lowers(f"{_shape}.{_op}")(binary(_shape)(_operation(_op)))
    for _op, _ll in (("shl", "shl"), ("shr_s", "ashr"), ("shr_u", "lshr")):
        lowers(f"{_shape}.{_op}")(_shift(_ll, _shape))
    for _op in ("eq", "ne"):
        lowers(f"{_shape}.{_op}")(_compare(f"icmp {_op}", _shape))
    for _op in ("lt", "gt", "le", "ge"):
        for _sign in "su" if _shape != "i64x2" else "s":
            lowers(f"{_shape}.{_op}_{_sign}")(_compare(f"icmp {_sign}{_op}", _shape))
    if _shape != "i8x16":
        lowers(f"{_shape}.mul")(binary(_shape)(_operation("mul")))
    if _shape != "i64x2":
        for _op in ("min", "max"):
            for _sign in "su":
                lowers(f"{_shape}.{_op}_{_sign}")(binary(_shape)(_intrinsic2(f"llvm.{_sign}{_op}.{_suffix}")))
    if _shape in ("i8x16", "i16x8"):
        for _op in ("add", "sub"):
            for _sign in "su":
                lowers(f"{_shape}.{_op}_sat_{_sign}")(binary(_shape)(_intrinsic2(f"llvm.{_sign}{_op}.sat.{_suffix}")))
        lowers(f"{_shape}.avgr_u")(binary(_shape)(_average(_shape)))

lowers("i8x16.popcnt")(unary("i8x16")(_intrinsic1("llvm.ctpop.v16i8")))


def _half(f: FunctionLowering, value: str, shape: str, part: str, extend: str) -> tuple[str, str]:
    """The low or high half of a vector with its lanes extended to twice their width, and its LLVM type."""
    lanes, lane, _ = SHAPES[shape]
    first = 0 if part == "low" else lanes // 2
    mask = "<" + ", ".join(f"i32 {first + i}" for i in range(lanes // 2)) + ">"
    half = f.emit(f"shufflevector {IR[shape]} {value}, {IR[shape]} poison, <{lanes // 2} x i32> {mask}", value)
    wide = f"<{lanes // 2} x i{2 * BITS[shape]}>"
    return f.emit(f"{extend} <{lanes // 2} x {lane}> {half} to {wide}", half), wide


def _extend(shape: str, part: str, extend: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        push(f, *_half(f, pop(f, shape), shape, part, extend))

    return lower


def _extended_multiply(shape: str, part: str, extend: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = pop(f, shape), pop(f, shape)
        (left, wide), (right, _) = _half(f, a, shape, part, extend), _half(f, b, shape, part, extend)
        push(f, f.emit(f"mul {wide} {left}, {right}", left, right), wide)

    return lower


def pairs(f: FunctionLowering, value: str, lanes: int, lane: str) -> str:
    """The sums of neighbouring lanes."""
    ir, count = f"<{lanes} x {lane}>", lanes // 2
    parts = []
    for start in (0, 1):
        mask = "<" + ", ".join(f"i32 {2 * i + start}" for i in range(count)) + ">"
        parts.append(f.emit(f"shufflevector {ir} {value}, {ir} poison, <{count} x i32> {mask}", value))
    return f.emit(f"add <{count} x {lane}> {parts[0]}, {parts[1]}", *parts)


def _extended_pairwise_add(shape: str, extend: str) -> Handler:
    lanes, _, _ = SHAPES[shape]
    wide_lane = f"i{2 * BITS[shape]}"

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = pop(f, shape)
        wide = f.emit(f"{extend} {IR[shape]} {value} to <{lanes} x {wide_lane}>", value)
        push(f, pairs(f, wide, lanes, wide_lane), f"<{lanes // 2} x {wide_lane}>")

    return lower


for _shape, _wide in WIDER.items():
    for _sign, _extension in (("s", "sext"), ("u", "zext")):
        for _part in ("low", "high"):
            lowers(f"{_wide}.extend_{_part}_{_shape}_{_sign}")(_extend(_shape, _part, _extension))
            lowers(f"{_wide}.extmul_{_part}_{_shape}_{_sign}")(_extended_multiply(_shape, _part, _extension))
        if _shape != "i32x4":
            lowers(f"{_wide}.extadd_pairwise_{_shape}_{_sign}")(_extended_pairwise_add(_shape, _extension))


def _narrow_saturating(source: str, result: str, signed: bool) -> Handler:
    """Both operands' lanes, which are signed, saturated to half their width."""
    lanes, lane, _ = SHAPES[source]
    bits = BITS[result]
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    suffix = INTRINSIC[source]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        ir = IR[source]
        b, a = pop(f, source), pop(f, source)
        clamped = []
        for value in (a, b):
            value = f.call_intrinsic(ir, f"llvm.smax.{suffix}", (ir, value), (ir, splat(low, lanes, lane)))
            clamped.append(f.call_intrinsic(ir, f"llvm.smin.{suffix}", (ir, value), (ir, splat(high, lanes, lane))))
        mask = "<" + ", ".join(f"i32 {i}" for i in range(2 * lanes)) + ">"
        both = f.emit(f"shufflevector {ir} {clamped[0]}, {ir} {clamped[1]}, <{2 * lanes} x i32> {mask}", *clamped)
        push(f, f.emit(f"trunc <{2 * lanes} x {lane}> {both} to {IR[result]}", both), IR[result])

    return lower


for _sign in "su":
    lowers(f"i8x16.narrow_i16x8_{_sign}")(_narrow_saturating("i16x8", "i8x16", _sign == "s"))
    lowers(f"i16x8.narrow_i32x4_{_sign}")(_narrow_saturating("i32x4", "i16x8", _sign == "s"))


@lowers("i16x8.q15mulr_sat_s")
def _q15mulr(f: FunctionLowering, immediate: None, offset: int) -> None:
    b, a = pop(f, "i16x8"), pop(f, "i16x8")
    wide = "<8 x i32>"
    a, b = f.emit(f"sext <8 x i16> {a} to {wide}", a), f.emit(f"sext <8 x i16> {b} to {wide}", b)
    product = f.emit(f"mul nsw {wide} {a}, {b}", a, b)
    rounded = f.emit(f"add nsw {wide} {product}, {splat(0x4000, 8, 'i32')}", product)
    shifted = f.emit(f"ashr {wide} {rounded}, {splat(15, 8, 'i32')}", rounded)
    # Only -32768 * -32768 is out of range, and above it.
    clamped = f.call_intrinsic(wide, "llvm.smin.v8i32", (wide, shifted), (wide, splat(32767, 8, "i32")))
    push(f, f.emit(f"trunc {wide} {clamped} to <8 x i16>", clamped), "<8 x i16>")


@lowers("i32x4.dot_i16x8_s")
def _dot(f: FunctionLowering, immediate: None, offset: int) -> None:
    b, a = pop(f, "i16x8"), pop(f, "i16x8")
    a, b = f.emit(f"sext <8 x i16> {a} to <8 x i32>", a), f.emit(f"sext <8 x i16> {b} to <8 x i32>", b)
    push(f, pairs(f, f.emit(f"mul nsw <8 x i32> {a}, {b}", a, b), 8, "i32"), "<4 x i32>")


# ---------------------------------------------------------------- floating point


def _lane_constants(f: FunctionLowering, value: str, shape: str) -> list[str]:
    """The lanes of a v128, as scalars of `shape`, where they are known; otherwise nothing."""
    lanes = SHAPES[shape][0]
    if value in f.splats:
        return [f.splats[value]] * lanes
    if value == "zeroinitializer":
        data = bytes(16)
    elif value[0] == "<":
        data = bytes(int(lane.removeprefix("i8 ")) for lane in value.strip("<>").split(", "))
    else:
        return []
    size, t = 16 // lanes, F32 if lanes == 4 else F64
    return [float_constant(int.from_bytes(data[i : i + size], "little"), t) for i in range(0, 16, size)]


def _same(lanes: list[str]) -> str | None:
    """The constant that is in each lane."""
    return lanes[0] if lanes and lanes.count(lanes[0]) == len(lanes) else None


def _arithmetic(operation: str, shape: str) -> Handler:
    """As for scalars: what LLVM would fold to an operand still quiets a signalling NaN (numeric.py)."""
    ir, suffix = IR[shape], INTRINSIC[shape]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        right, left = f.stack[-1], f.stack[-2]
        b, a = pop(f, shape), pop(f, shape)
        right_lanes, left_lanes = _lane_constants(f, right, shape), _lane_constants(f, left, shape)
        known_right, known_left = _same(right_lanes), _same(left_lanes)
        if known_right in FOLDED_LEFT[operation]:
            result = quieted(f, ir, suffix, a, FOLDED_LEFT[operation][known_right])
        elif known_left in FOLDED_RIGHT[operation]:
            result = quieted(f, ir, suffix, b, FOLDED_RIGHT[operation][known_left])
        else:
            result = f.emit(f"{operation} {ir} {a}, {b}", a, b)
            # LLVM folds two constants, a NaN among them as it is; and where it works on lanes one by one, each of them.
            both = right_lanes and left_lanes
            if both or not (FOLDED_LEFT[operation].keys() | FOLDED_RIGHT[operation]).isdisjoint(
                right_lanes + left_lanes
            ):
                result = quieted(f, ir, suffix, result)
        push(f, result, ir)

    return lower


def _rounding(intrinsic: str, suffix: str) -> Callable[[FunctionLowering, str, str], str]:
    return lambda f, a, ir: rounded(f, intrinsic, ir, suffix, a)


def _min_max(intrinsic: str, shape: str) -> Handler:
    ir, suffix = IR[shape], INTRINSIC[shape]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = pop(f, shape), pop(f, shape)
        push(f, min_max(f, intrinsic, ir, suffix, a, b), ir)

    return lower


def _pseudo(shape: str, maximum: bool) -> Handler:
    """pmin is b < a ? b : a; pmax is a < b ? b : a (section 4.3.3)."""
    lanes = SHAPES[shape][0]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        constant = any(value[0] != "%" for value in f.stack[-2:])
        b, a = pop(f, shape), pop(f, shape)
        ir = IR[shape]
        if constant and f.unit.plan.options.arch == "aarch64":
            # As for `select` in control.py: LLVM would make it fminnm or fmaxnm, which treat NaNs and zeros otherwise.
            a = f.call_intrinsic(ir, f"llvm.arithmetic.fence.{INTRINSIC[shape]}", (ir, a))
        less = f.emit(f"fcmp olt {ir} {a}, {b}" if maximum else f"fcmp olt {ir} {b}, {a}", a, b)
        push(f, f.emit(f"select <{lanes} x i1> {less}, {ir} {b}, {ir} {a}", less, a, b), ir)

    return lower


for _shape in FLOAT_SHAPES:
    _suffix = INTRINSIC[_shape]
    for _op in ("add", "sub", "mul", "div"):
        lowers(f"{_shape}.{_op}")(_arithmetic(f"f{_op}", _shape))
    lowers(f"{_shape}.min")(_min_max("llvm.minimum", _shape))
    lowers(f"{_shape}.max")(_min_max("llvm.maximum", _shape))
    lowers(f"{_shape}.pmin")(_pseudo(_shape, False))
    lowers(f"{_shape}.pmax")(_pseudo(_shape, True))
    lowers(f"{_shape}.neg")(unary(_shape)(lambda f, a, ir: f.emit(f"fneg {ir} {a}", a)))
    for _op, _ll in (("abs", "fabs"), ("sqrt", "sqrt")):
        lowers(f"{_shape}.{_op}")(unary(_shape)(_intrinsic1(f"llvm.{_ll}.{_suffix}")))
    for _op, _ll in (("ceil", "ceil"), ("floor", "floor"), ("trunc", "trunc"), ("nearest", "roundeven")):
        lowers(f"{_shape}.{_op}")(unary(_shape)(_rounding(f"llvm.{_ll}", _suffix)))
    for _op, _ll in (("eq", "oeq"), ("ne", "une"), ("lt", "olt"), ("gt", "ogt"), ("le", "ole"), ("ge", "oge")):
        lowers(f"{_shape}.{_op}")(_compare(f"fcmp {_ll}", _shape))


def _convert(operation: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = pop(f, "i32x4")
        push(f, f.emit(f"{operation} <4 x i32> {value} to <4 x float>", value), "<4 x float>")

    return lower


def _low_half(f: FunctionLowering, value: str, ir: str) -> str:
    return f.emit(f"shufflevector {ir} {value}, {ir} poison, <2 x i32> <i32 0, i32 1>", value)


def with_zeros(f: FunctionLowering, value: str, lane: str) -> str:
    """A vector of two lanes with two zeros behind them."""
    return f.emit(
        f"shufflevector <2 x {lane}> {value}, <2 x {lane}> zeroinitializer, <4 x i32> <i32 0, i32 1, i32 2, i32 3>",
        value,
    )


def _convert_low(operation: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        low = _low_half(f, pop(f, "i32x4"), "<4 x i32>")
        push(f, f.emit(f"{operation} <2 x i32> {low} to <2 x double>", low), "<2 x double>")

    return lower


def _truncate_saturating(sign: str) -> Handler:
    to, source = ("<4 x i32>", "v4i32"), ("<4 x float>", "v4f32")

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        push(f, truncated_saturating(f, sign, to, source, pop(f, "f32x4")), "<4 x i32>")

    return lower


def _truncate_saturating_zero(sign: str) -> Handler:
    to, source = ("<2 x i32>", "v2i32"), ("<2 x double>", "v2f64")

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = truncated_saturating(f, sign, to, source, pop(f, "f64x2"))
        push(f, with_zeros(f, value, "i32"), "<4 x i32>")

    return lower


for _sign in "su":
    lowers(f"f32x4.convert_i32x4_{_sign}")(_convert(f"{_sign}itofp"))
    lowers(f"f64x2.convert_low_i32x4_{_sign}")(_convert_low(f"{_sign}itofp"))
    lowers(f"i32x4.trunc_sat_f32x4_{_sign}")(_truncate_saturating(_sign))
    lowers(f"i32x4.trunc_sat_f64x2_{_sign}_zero")(_truncate_saturating_zero(_sign))


@lowers("f32x4.demote_f64x2_zero")
def _demote(f: FunctionLowering, immediate: None, offset: int) -> None:
    value = pop(f, "f64x2")
    narrow = f.emit(f"fptrunc <2 x double> {value} to <2 x float>", value)
    push(f, with_zeros(f, narrow, "float"), "<4 x float>")


@lowers("f64x2.promote_low_f32x4")
def _promote(f: FunctionLowering, immediate: None, offset: int) -> None:
    low = _low_half(f, pop(f, "f32x4"), "<4 x float>")
    push(f, f.emit(f"fpext <2 x float> {low} to <2 x double>", low), "<2 x double>")
