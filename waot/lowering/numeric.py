"""Numeric instructions, sections 4.3 and 4.4.1.

Most are one LLVM instruction. What LLVM leaves undefined and WebAssembly defines has its own lowering here: shift
counts, division, float to integer, minimum and maximum. NaNs: LLVM may fold away an operation that leaves a number
as it is (x * 1.0), and with it the quieting of a signalling NaN that WebAssembly requires; `_neutral` keeps that.
"""

from __future__ import annotations

import struct

from waot.lowering.function import FunctionLowering, Handler, lowers

_INT = {"i32": 32, "i64": 64}
_FLOAT = {"f32": "float", "f64": "double"}
_SUFFIX = {"f32": "f32", "f64": "f64"}


def _simple_binary(operation: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        stack = f.stack
        b = stack.pop()
        a = stack.pop()
        f.n = n = f.n + 1
        name = f"%{n}"
        f.out.append(f"  {name} = {operation} {a}, {b}")
        f.deps[name] = (a, b)
        stack.append(name)

    return lower


def _is_constant(value: str) -> bool:
    return value[0] != "%"


def _adding(ir: str, bits: int) -> Handler:
    """add: of two constants it is one, and of zero the other operand. Position-independent code that has been linked
    to a place adds zero to each of its addresses."""
    plain = _simple_binary(f"add {ir}")

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        stack = f.stack
        b, a = stack[-1], stack[-2]
        if b == "0":
            stack.pop()
        elif a == "0":
            del stack[-2]
        elif b[0] != "%" and a[0] != "%":
            total = int(a) + int(b) & (1 << bits) - 1
            stack[-2:] = [str(total - (total >> bits - 1 << bits))]
        else:
            plain(f, immediate, offset)

    return lower


def _absorbing(operation: str, absorber: str) -> Handler:
    """mul, and, or: a constant that makes the result that constant whatever the other operand is, which is then not
    needed. Any other constant of `and` and `or` may leave a part of the other operand unused."""
    plain = _simple_binary(operation)
    masks = not operation.startswith("mul")

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = f.stack[-1], f.stack[-2]
        if absorber in (a, b):
            f.stack[-2:] = [absorber]
            return
        if masks and (_is_constant(a) or _is_constant(b)):
            f.partly_used(a)
            f.partly_used(b)
        plain(f, immediate, offset)

    return lower


def _cancelling(operation: str) -> Handler:
    """sub and xor: the result is 0 where both operands are the same value, which is then not needed."""
    plain = _simple_binary(operation)

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        if f.stack[-1] == f.stack[-2]:
            f.stack[-2:] = ["0"]
        else:
            plain(f, immediate, offset)

    return lower


_REFLEXIVE = frozenset(("eq", "sle", "ule", "sge", "uge"))


def _comparison(operation: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b = f.stack.pop()
        a = f.stack.pop()
        if a == b and operation.startswith("icmp"):  # of which nothing is needed to know how they compare
            f.stack.append("1" if operation.split()[1] in _REFLEXIVE else "0")
        else:
            f.push_bool(f.emit(f"{operation} {a}, {b}", a, b))

    return lower


def _unary_intrinsic(ir: str, intrinsic: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        f.stack.append(f.call_intrinsic(ir, intrinsic, (ir, f.stack.pop())))

    return lower


def _conversion(operation: str, source: str, result: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = f.stack.pop()
        if operation == "trunc":
            f.partly_used(value)
        f.stack.append(f.emit(f"{operation} {source} {value} to {result}", value))

    return lower


# ---------------------------------------------------------------- integers


def _shift(operation: str, ir: str, bits: int) -> Handler:
    """Counts are modulo the width (section 4.3.2); LLVM's are poison from the width on."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        count = f.stack.pop()
        value = f.stack.pop()
        if value == "0" or (value == "-1" and operation == "ashr"):  # whatever the count is
            f.stack.append(value)
            return
        if _is_constant(count):
            count = str(int(count) & (bits - 1))
            f.partly_used(value)
        else:
            f.partly_used(count)
            count = f.emit(f"and {ir} {count}, {bits - 1}", count)
        f.stack.append(f.emit(f"{operation} {ir} {value}, {count}", value, count))

    return lower


def _rotate(intrinsic: str, ir: str) -> Handler:
    """Funnel shifts of a value with itself take the count modulo the width, as rotl and rotr do."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        count = f.stack.pop()
        value = f.stack.pop()
        f.partly_used(count)
        if value in ("0", "-1"):  # whatever the count is
            f.stack.append(value)
            return
        f.stack.append(f.call_intrinsic(ir, f"{intrinsic}.{ir}", (ir, value), (ir, value), (ir, count)))

    return lower


def _count_zeros(intrinsic: str, ir: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        # `false`: the count of zero is the width, not poison.
        f.stack.append(f.call_intrinsic(ir, f"{intrinsic}.{ir}", (ir, f.stack.pop()), ("i1", "false")))

    return lower


def _divide(operation: str, ir: str, bits: int) -> Handler:
    signed = operation[0] == "s"
    remainder = operation.endswith("rem")

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        divisor = f.stack.pop()
        value = f.stack.pop()
        known = int(divisor) if divisor.lstrip("-").isdigit() else None
        if known is None or known == 0:
            f.trap_if(f.emit(f"icmp eq {ir} {divisor}, 0", divisor), "integer_divide_by_zero", offset)
        if signed and (known is None or known == -1):
            minus_one = f.emit(f"icmp eq {ir} {divisor}, -1", divisor)
            if remainder:
                # x rem -1 is 0, also for the smallest x where LLVM's srem (and x86's idiv) overflows.
                divisor = f.emit(f"select i1 {minus_one}, {ir} 1, {ir} {divisor}", minus_one, divisor)
            else:
                smallest = f.emit(f"icmp eq {ir} {value}, {-(1 << (bits - 1))}", value)
                both = f.emit(f"and i1 {smallest}, {minus_one}", smallest, minus_one)
                f.trap_if(both, "integer_overflow", offset)
        if remainder and known in ((1, -1) if signed else (1,)):
            f.stack.append("0")
            return
        if known is not None and not signed:
            f.partly_used(value)  # a power of two is a mask or a shift
        f.stack.append(f.emit(f"{operation} {ir} {value}, {divisor}", value, divisor))

    return lower


def _sign_extend(ir: str, narrow: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = f.stack.pop()
        f.partly_used(value)
        short = f.emit(f"trunc {ir} {value} to {narrow}", value)
        f.stack.append(f.emit(f"sext {narrow} {short} to {ir}", short))

    return lower


def _equal_zero(ir: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = f.stack.pop()
        known = f.bools.get(value)
        if known is not None:
            f.push_bool(f.emit(f"xor i1 {known}, true", known))
        else:
            f.push_bool(f.emit(f"icmp eq {ir} {value}, 0", value))

    return lower


for _name, _bits in _INT.items():
    _ir = _name
    lowers(f"{_name}.add")(_adding(_ir, _bits))
    for _op in ("sub", "xor"):
        lowers(f"{_name}.{_op}")(_cancelling(f"{_op} {_ir}"))
    for _op, _absorber in (("mul", "0"), ("and", "0"), ("or", "-1")):
        lowers(f"{_name}.{_op}")(_absorbing(f"{_op} {_ir}", _absorber))
    for _op, _ll in (("shl", "shl"), ("shr_s", "ashr"), ("shr_u", "lshr")):
        lowers(f"{_name}.{_op}")(_shift(_ll, _ir, _bits))
    for _op, _ll in (("rotl", "llvm.fshl"), ("rotr", "llvm.fshr")):
        lowers(f"{_name}.{_op}")(_rotate(_ll, _ir))
    for _op, _ll in (("clz", "llvm.ctlz"), ("ctz", "llvm.cttz")):
        lowers(f"{_name}.{_op}")(_count_zeros(_ll, _ir))
    lowers(f"{_name}.popcnt")(_unary_intrinsic(_ir, f"llvm.ctpop.{_ir}"))
    for _op, _ll in (("div_s", "sdiv"), ("div_u", "udiv"), ("rem_s", "srem"), ("rem_u", "urem")):
        lowers(f"{_name}.{_op}")(_divide(_ll, _ir, _bits))
    lowers(f"{_name}.eqz")(_equal_zero(_ir))
    for _op in ("eq", "ne"):
        lowers(f"{_name}.{_op}")(_comparison(f"icmp {_op} {_ir}"))
    for _op in ("lt", "gt", "le", "ge"):
        for _sign in "su":
            lowers(f"{_name}.{_op}_{_sign}")(_comparison(f"icmp {_sign}{_op} {_ir}"))
    for _narrow in (8, 16, 32):
        if _narrow < _bits:
            lowers(f"{_name}.extend{_narrow}_s")(_sign_extend(_ir, f"i{_narrow}"))

lowers("i32.wrap_i64")(_conversion("trunc", "i64", "i32"))
lowers("i64.extend_i32_s")(_conversion("sext", "i32", "i64"))
lowers("i64.extend_i32_u")(_conversion("zext", "i32", "i64"))


# ---------------------------------------------------------------- 128 bits (the proposal wide-arithmetic)


def _from_halves(f: FunctionLowering, low: str, high: str) -> str:
    low = f.emit(f"zext i64 {low} to i128", low)
    high = f.emit(f"zext i64 {high} to i128", high)
    high = f.emit(f"shl i128 {high}, 64", high)
    return f.emit(f"or disjoint i128 {high}, {low}", high, low)


def _push_halves(f: FunctionLowering, value: str) -> None:
    f.stack.append(f.emit(f"trunc i128 {value} to i64", value))
    high = f.emit(f"lshr i128 {value}, 64", value)
    f.stack.append(f.emit(f"trunc i128 {high} to i64", high))


def _wide_binary(operation: str) -> Handler:
    """Operands and result are pairs of i64, the low half first."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b_high, b_low, a_high, a_low = (f.stack.pop() for _ in range(4))
        a, b = _from_halves(f, a_low, a_high), _from_halves(f, b_low, b_high)
        _push_halves(f, f.emit(f"{operation} i128 {a}, {b}", a, b))

    return lower


def _wide_multiply(extend: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b, a = f.stack.pop(), f.stack.pop()
        a, b = f.emit(f"{extend} i64 {a} to i128", a), f.emit(f"{extend} i64 {b} to i128", b)
        _push_halves(f, f.emit(f"mul i128 {a}, {b}", a, b))

    return lower


lowers("i64.add128")(_wide_binary("add"))
lowers("i64.sub128")(_wide_binary("sub"))
lowers("i64.mul_wide_s")(_wide_multiply("sext"))
lowers("i64.mul_wide_u")(_wide_multiply("zext"))


# ---------------------------------------------------------------- floating point

_ONE = "0x3FF0000000000000"
_MINUS_ONE = "0xBFF0000000000000"
_ZERO = "0x0000000000000000"
_MINUS_ZERO = "0x8000000000000000"

# (operator, operand on the left) -> constants on the other side for which LLVM would fold the operation to that
# operand, or to its negation where the second element is True.
FOLDED_LEFT = {
    "fadd": {_MINUS_ZERO: False},
    "fsub": {_ZERO: False},
    "fmul": {_ONE: False, _MINUS_ONE: True},
    "fdiv": {_ONE: False, _MINUS_ONE: True},
}
FOLDED_RIGHT = {
    "fadd": {_MINUS_ZERO: False},
    "fsub": {_MINUS_ZERO: True},
    "fmul": {_ONE: False, _MINUS_ONE: True},
    "fdiv": {},
}


def quieted(f: FunctionLowering, ir: str, suffix: str, value: str, negate: bool = False) -> str:
    """`value` or its negation, with a signalling NaN made quiet; LLVM keeps llvm.canonicalize."""
    quiet = f.call_intrinsic(ir, f"llvm.canonicalize.{suffix}", (ir, value))
    return f.emit(f"fneg {ir} {quiet}", quiet) if negate else quiet


def _arithmetic(operation: str, ir: str, suffix: str) -> Handler:
    plain = _simple_binary(f"{operation} {ir}")
    left, right = FOLDED_LEFT[operation], FOLDED_RIGHT[operation]

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b = f.stack[-1]
        a = f.stack[-2]
        if b in left:
            del f.stack[-2:]
            f.stack.append(quieted(f, ir, suffix, a, left[b]))
        elif a in right:
            del f.stack[-2:]
            f.stack.append(quieted(f, ir, suffix, b, right[a]))
        else:
            plain(f, immediate, offset)

    return lower


def min_max(f: FunctionLowering, intrinsic: str, ir: str, suffix: str, a: str, b: str) -> str:
    """llvm.minimum or llvm.maximum.

    LLVM folds those of a value with itself or with an infinity, and x86's expansion hands a signalling NaN on as it is.
    """
    options = f.unit.plan.options
    if (options.arch in ("arm", "thumb") and "f64" in suffix) or options.soft_float:
        return _min_max_by_comparison(f, intrinsic, ir, suffix, a, b)
    return quieted(f, ir, suffix, f.call_intrinsic(ir, f"{intrinsic}.{suffix}", (ir, a), (ir, b)))


def _min_max_by_comparison(f: FunctionLowering, intrinsic: str, ir: str, suffix: str, a: str, b: str) -> str:
    """The same by comparisons; LLVM 22's expansion for doubles ends the process where Arm has no NEON, and where floats
    are computed without a unit for them it calls functions that only new C libraries have."""
    element = "double" if "double" in ir else "float"
    lanes, _, _ = ir.strip("<>").rpartition(element)
    integer = "i64" if element == "double" else "i32"
    integers, bits = (f"<{lanes}{integer}>", f"<{lanes}i1>") if lanes else (integer, "i1")
    below, above = ("olt", "ogt") if intrinsic == "llvm.minimum" else ("ogt", "olt")
    # Equal numbers differ in their signs at most, where both are zero.
    first, second = f.emit(f"bitcast {ir} {a} to {integers}", a), f.emit(f"bitcast {ir} {b} to {integers}", b)
    operation = "or" if intrinsic == "llvm.minimum" else "and"
    equal = f.emit(f"{operation} {integers} {first}, {second}", first, second)
    result = f.emit(f"bitcast {integers} {equal} to {ir}", equal)
    nan = quieted(f, ir, suffix, f.emit(f"fadd {ir} {a}, {b}", a, b))  # -0 and a signalling NaN are folded to that
    for predicate, value in (("uno", nan), (above, b), (below, a)):
        condition = f.emit(f"fcmp {predicate} {ir} {a}, {b}", a, b)
        result = f.emit(f"select {bits} {condition}, {ir} {value}, {ir} {result}", condition, value, result)
    return result


def rounded(f: FunctionLowering, intrinsic: str, ir: str, suffix: str, value: str) -> str:
    """llvm.ceil and its like. On RISC-V their expansion hands a signalling NaN on as it is."""
    result = f.call_intrinsic(ir, f"{intrinsic}.{suffix}", (ir, value))
    return quieted(f, ir, suffix, result) if f.unit.plan.options.arch in ("riscv64", "riscv32") else result


def _rounding(intrinsic: str, ir: str, suffix: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        f.stack.append(rounded(f, intrinsic, ir, suffix, f.stack.pop()))

    return lower


def _min_max(intrinsic: str, ir: str, suffix: str) -> Handler:
    """llvm.minimum and llvm.maximum: NaN if either is NaN, and -0 below +0, as in section 4.3.3."""

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b = f.stack.pop()
        a = f.stack.pop()
        f.stack.append(min_max(f, intrinsic, ir, suffix, a, b))

    return lower


def _copysign(ir: str, suffix: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        b = f.stack.pop()
        a = f.stack.pop()
        f.stack.append(f.call_intrinsic(ir, f"llvm.copysign.{suffix}", (ir, a), (ir, b)))

    return lower


def _negate(ir: str) -> Handler:
    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = f.stack.pop()
        f.stack.append(f.emit(f"fneg {ir} {value}", value))

    return lower


for _name, _ir in _FLOAT.items():
    _suffix = _SUFFIX[_name]
    for _op in ("add", "sub", "mul", "div"):
        lowers(f"{_name}.{_op}")(_arithmetic(f"f{_op}", _ir, _suffix))
    for _op, _ll in (("abs", "fabs"), ("sqrt", "sqrt")):
        lowers(f"{_name}.{_op}")(_unary_intrinsic(_ir, f"llvm.{_ll}.{_suffix}"))
    for _op, _ll in (("ceil", "ceil"), ("floor", "floor"), ("trunc", "trunc"), ("nearest", "roundeven")):
        lowers(f"{_name}.{_op}")(_rounding(f"llvm.{_ll}", _ir, _suffix))
    lowers(f"{_name}.min")(_min_max("llvm.minimum", _ir, _suffix))
    lowers(f"{_name}.max")(_min_max("llvm.maximum", _ir, _suffix))
    lowers(f"{_name}.neg")(_negate(_ir))
    lowers(f"{_name}.copysign")(_copysign(_ir, _suffix))
    for _op, _ll in (("eq", "oeq"), ("ne", "une"), ("lt", "olt"), ("gt", "ogt"), ("le", "ole"), ("ge", "oge")):
        lowers(f"{_name}.{_op}")(_comparison(f"fcmp {_ll} {_ir}"))

for _int, _int_bits in _INT.items():
    for _name, _ir in _FLOAT.items():
        if (_int, _name) == ("i64", "f32"):
            continue
        lowers(f"{_name}.convert_{_int}_s")(_conversion("sitofp", _int, _ir))
        lowers(f"{_name}.convert_{_int}_u")(_conversion("uitofp", _int, _ir))


def _convert_i64(operation: str) -> Handler:
    """i64 to f32. POWER's instruction rounds once; emulators of it by way of a double (qemu 7.2), for which what the
    double has no room for becomes one bit, low enough to be told from a half of what a float's last bit counts.
    """
    plain = _conversion(operation, "i64", "float")

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        if f.unit.plan.options.arch == "powerpc64le":
            value = f.stack.pop()
            lost = f.emit(f"and i64 {value}, 2047", value)
            carried = f.emit(f"add i64 {lost}, 2047", lost)
            marked = f.emit(f"or i64 {carried}, {value}", carried, value)
            cut = f.emit(f"and i64 {marked}, -2048", marked)
            # Within 53 bits the double has room for all.
            moved = value if operation == "uitofp" else f.emit(f"add i64 {value}, {1 << 53}", value)
            bound = 1 << (53 if operation == "uitofp" else 54)
            small = f.emit(f"icmp ult i64 {moved}, {bound}", moved)
            f.stack.append(f.emit(f"select i1 {small}, i64 {value}, i64 {cut}", small, value, cut))
        plain(f, immediate, offset)

    return lower


lowers("f32.convert_i64_s")(_convert_i64("sitofp"))
lowers("f32.convert_i64_u")(_convert_i64("uitofp"))

lowers("i32.reinterpret_f32")(_conversion("bitcast", "float", "i32"))
lowers("i64.reinterpret_f64")(_conversion("bitcast", "double", "i64"))
lowers("f32.reinterpret_i32")(_conversion("bitcast", "i32", "float"))
lowers("f64.reinterpret_i64")(_conversion("bitcast", "i64", "double"))


@lowers("f64.promote_f32")
def _promote(f: FunctionLowering, immediate: None, offset: int) -> None:
    value = f.stack.pop()
    result = f.emit(f"fpext float {value} to double", value)
    if f.unit.plan.options.arch == "powerpc64le":  # whose registers hold floats as doubles, so that nothing is done
        result = quieted(f, "double", "f64", result)
    f.promoted[result] = value
    f.stack.append(result)


@lowers("f32.demote_f64")
def _demote(f: FunctionLowering, immediate: None, offset: int) -> None:
    value = f.stack.pop()
    original = f.promoted.get(value)
    if original is not None:  # LLVM would fold the pair to nothing
        f.stack.append(quieted(f, "float", "f32", original))
    else:
        f.stack.append(f.emit(f"fptrunc double {value} to float", value))


# The open interval of floats whose truncation is in range (section 4.3.2, trunc_u and trunc_s), as the doubles that
# LLVM writes them with: the largest float at or below the bound that is out, and the smallest at or above it. Where
# the bound itself is in range the comparison includes it.
_TRUNC_RANGES = {
    # (int, signed, float): (low, low is in range, high; always out of range)
    ("i32", True, "f32"): (-(2.0**31), True, 2.0**31),
    ("i32", False, "f32"): (-1.0, False, 2.0**32),
    ("i32", True, "f64"): (-(2.0**31) - 1.0, False, 2.0**31),
    ("i32", False, "f64"): (-1.0, False, 2.0**32),
    ("i64", True, "f32"): (-(2.0**63), True, 2.0**63),
    ("i64", False, "f32"): (-1.0, False, 2.0**64),
    ("i64", True, "f64"): (-(2.0**63), True, 2.0**63),
    ("i64", False, "f64"): (-1.0, False, 2.0**64),
}


def _double(value: float) -> str:
    """A float as LLVM writes it."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _truncate(name: str, signed: bool, float_name: str) -> Handler:
    ir = _FLOAT[float_name]
    low, low_in, high = _TRUNC_RANGES[name, signed, float_name]
    convert = "fptosi" if signed else "fptoui"
    above = "oge" if low_in else "ogt"

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        value = f.stack.pop()
        first = f.emit(f"fcmp {above} {ir} {value}, {_double(low)}", value)
        second = f.emit(f"fcmp olt {ir} {value}, {_double(high)}", value)
        good = f.emit(f"and i1 {first}, {second}", first, second)
        number = f.new_label("")
        f.effect(f"br i1 {good}, label %y{number}, label %w{number}", good)
        f.place(f"w{number}")
        nan = f.emit(f"fcmp uno {ir} {value}, {value}", value)
        f.trap_if(nan, "invalid_conversion_to_integer", offset)
        f.trap("integer_overflow", offset)
        f.place(f"y{number}")
        f.stack.append(f.emit(f"{convert} {ir} {value} to {name}", value))

    return lower


def _truncate_saturating(name: str, signed: bool, float_name: str) -> Handler:
    ir = _FLOAT[float_name]
    sign = "s" if signed else "u"

    def lower(f: FunctionLowering, immediate: None, offset: int) -> None:
        f.stack.append(truncated_saturating(f, sign, (name, name), (ir, float_name), f.stack.pop()))

    return lower


def truncated_saturating(
    f: FunctionLowering, sign: str, to: tuple[str, str], source: tuple[str, str], value: str
) -> str:
    """llvm.fptosi.sat or, by the `sign`, llvm.fptoui.sat; types with their suffixes."""
    if sign == "u" and f.unit.plan.options.arch in ("powerpc64le", "loongarch64"):
        # LLVM takes the larger of the number and 0, which is 0 for a NaN, but for a signalling one that NaN.
        value = quieted(f, source[0], source[1], value)
    return f.call_intrinsic(to[0], f"llvm.fpto{sign}i.sat.{to[1]}.{source[1]}", (source[0], value))


for _int in _INT:
    for _name in _FLOAT:
        for _sign in "su":
            lowers(f"{_int}.trunc_{_name}_{_sign}")(_truncate(_int, _sign == "s", _name))
            lowers(f"{_int}.trunc_sat_{_name}_{_sign}")(_truncate_saturating(_int, _sign == "s", _name))
