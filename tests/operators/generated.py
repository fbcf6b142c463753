"""Modules that run operators over edge operands and write every result, made from the operator table.

An operator is run in these forms: with operands from memory, which no compiler can fold; with one operand from memory
and each constant in the place of the other; and with constants alone. The results lie one after another in memory 0
and are written to standard output at the end; `Module.where` says what a byte of them is the result of.
"""

from __future__ import annotations

import bisect
import itertools
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import wasmtime

from tests.operators.values import CONSTANTS, VALUES, WIDTHS, f32, f64
from waot.frontend.opcodes import OPERATORS, Operator

Operands = tuple[int, ...]

LANE_COUNTS = {"lane2": 2, "lane4": 4, "lane8": 8, "lane16": 16}
SHUFFLES = (
    tuple(range(16)),
    tuple(range(31, 15, -1)),
    (0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
    (31,) * 16,
    (4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11),
    (3, 30, 17, 9, 0, 0, 25, 12, 31, 1, 16, 15, 8, 22, 5, 28),
)


def is_pure(operator: Operator) -> bool:
    """Takes and gives numbers and vectors and touches nothing else."""
    return (
        operator.supported
        and operator.proposal != "relaxed-simd"  # relaxed.py
        and operator.params is not None
        and operator.results is not None
        and operator.width is None
        and all(t.name in WIDTHS for t in (*operator.params, *operator.results))
        and len(operator.results) == 1
        and all(i == "lanes" or i in LANE_COUNTS or i in WIDTHS for i in operator.immediates)
    )


# ------------------------------------------------------------------------------------------------------------ trapping


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _float(bits: int, type_: str) -> float:
    value: float
    (value,) = (
        struct.unpack("<f", struct.pack("<I", bits)) if type_ == "f32" else struct.unpack("<d", struct.pack("<Q", bits))
    )
    return value


def _division_traps(operator: Operator) -> Callable[[Operands], bool]:
    bits = int(operator.name[1:3])
    overflows = operator.name.endswith("div_s")
    return lambda o: o[1] == 0 or (overflows and o == (1 << (bits - 1), (1 << bits) - 1))


def _truncation_traps(operator: Operator) -> Callable[[Operands], bool]:
    bits, source = int(operator.name[1:3]), operator.name.split("_")[1]
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if operator.name.endswith("_s") else (0, 1 << bits)

    def traps(operands: Operands) -> bool:
        value = _float(operands[0], source)
        return value != value or value in (float("inf"), float("-inf")) or not low <= int(value) < high

    return traps


def traps(operator: Operator) -> Callable[[Operands], bool]:
    """Tells whether an operator traps for some operands, section 4.3.2 of the specification."""
    name = operator.name.partition(".")[2]
    if name.startswith(("div_", "rem_")) and operator.name[0] == "i":
        return _division_traps(operator)
    if name.startswith("trunc_f"):
        return _truncation_traps(operator)
    return lambda operands: False


# ------------------------------------------------------------------------------------------------------------- modules


@dataclass(frozen=True)
class Piece:
    """Results that lie one after another: of `text`, for each of `operands`."""

    text: str
    result: str
    operands: tuple[Operands, ...]


@dataclass
class Module:
    """A module under construction, then its binary form and how to read what it writes."""

    pieces: list[Piece] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    size: int = 0
    lists: dict[tuple[tuple[str, ...], tuple[Operands, ...]], int] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    functions: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def operand_list(self, types: tuple[str, ...], operands: tuple[Operands, ...]) -> int:
        """Where in the data, which lies before the results, the operands are."""
        key = types, operands
        if key not in self.lists:
            self.lists[key] = len(self.data)
            for each in operands:
                for type_, value in zip(types, each, strict=True):
                    self.data += value.to_bytes(WIDTHS[type_], "little")
        return self.lists[key]

    def add(self, texts: Sequence[str], types: tuple[str, ...], result: str, operands: tuple[Operands, ...]) -> None:
        """Runs each of `texts`, which takes operands {0}, {1}, ... of `types`, for each of `operands`."""
        if not operands:
            return
        start = self.operand_list(types, operands)
        stride = sum(WIDTHS[t] for t in types)
        width = WIDTHS[result]
        offsets = list(itertools.accumulate((WIDTHS[t] for t in types), initial=0))
        loads = [f"({t}.load offset={offsets[i]} (local.get $in))" for i, t in enumerate(types)]
        number = len(self.functions)
        stores = "\n".join(
            f"({result}.store offset={n * width * len(operands)} (local.get $out) {text.format(*loads)})"
            for n, text in enumerate(texts)
        )
        self.functions.append(f"""
(func $f{number} (param $in i32) (param $end i32) (param $out i32)
  (loop
    {stores}
    (local.set $out (i32.add (local.get $out) (i32.const {width})))
    (br_if 0 (i32.lt_u (local.tee $in (i32.add (local.get $in) (i32.const {stride}))) (local.get $end)))))""")
        end = start + stride * len(operands)
        self.calls.append(f"(call $f{number} (i32.const {start}) (i32.const {end}) (i32.const {{base}} + {self.size}))")
        for text in texts:
            self.starts.append(self.size)
            self.pieces.append(Piece(text, result, operands))
            self.size += width * len(operands)

    def add_constants(self, cases: Sequence[tuple[str, str]]) -> None:
        """Stores each (text, type of its result) once."""
        number = len(self.functions)
        stores = []
        start = self.size
        for text, result in cases:
            stores.append(f"({result}.store offset={self.size - start} (local.get 0) {text})")
            self.starts.append(self.size)
            self.pieces.append(Piece(text, result, ((),)))
            self.size += WIDTHS[result]
        self.functions.append(f"(func $f{number} (param i32)\n" + "\n".join(stores) + ")")
        self.calls.append(f"(call $f{number} (i32.const {{base}} + {start}))")

    def text(self) -> str:
        """The module in the text format."""
        base = (len(self.data) + 1023) // 1024 * 1024 + 1024
        pages = (base + self.size) // 65536 + 1
        calls = "\n".join(_sum(call.replace("{base}", str(base))) for call in self.calls)
        data = "".join(f"\\{byte:02x}" for byte in self.data)
        return f"""(module
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(memory (export "memory") {pages})
{"".join(self.functions)}
(func $_start (export "_start") (local $at i32)
  {calls}
  (local.set $at (i32.const {base}))
  (loop  ;; a pipe may take less than all
    (i32.store (i32.const {base - 16}) (local.get $at))
    (i32.store (i32.const {base - 12}) (i32.sub (i32.const {base + self.size}) (local.get $at)))
    (if (call $fd_write (i32.const 1) (i32.const {base - 16}) (i32.const 1) (i32.const {base - 8}))
      (then (unreachable)))
    (local.set $at (i32.add (local.get $at) (i32.load (i32.const {base - 8}))))
    (br_if 0 (i32.lt_u (local.get $at) (i32.const {base + self.size})))))
(data (i32.const 0) "{data}"))"""

    def where(self, offset: int) -> tuple[int, int]:
        """The number of the piece that the byte `offset` of the output belongs to, and of the result in it."""
        index = bisect.bisect_right(self.starts, offset) - 1
        return index, (offset - self.starts[index]) // WIDTHS[self.pieces[index].result]


def _sum(call: str) -> str:
    """`(i32.const 1024 + 8)` with the sum done."""
    return re.sub(r"\(i32\.const (\d+) \+ (\d+)\)", lambda m: f"(i32.const {int(m[1]) + int(m[2])})", call)


def constant(type_: str, bits: int) -> str:
    """A constant with exactly these bits in the text format."""
    if type_ in ("i32", "i64"):
        return f"({type_}.const {bits})"
    if type_ == "v128":
        return f"(v128.const i64x2 {bits & (1 << 64) - 1} {bits >> 64})"
    exponent, fraction = (8, 23) if type_ == "f32" else (11, 52)
    sign = "-" if bits >> (exponent + fraction) else ""
    payload = bits & ((1 << fraction) - 1)
    biased = bits >> fraction & ((1 << exponent) - 1)
    if biased == (1 << exponent) - 1:
        return f"({type_}.const {sign}nan:0x{payload:x})" if payload else f"({type_}.const {sign}inf)"
    shift = max(biased, 1) - (1 << (exponent - 1)) + 1 - fraction
    whole = payload | (1 << fraction if biased else 0)
    return f"({type_}.const {sign}0x{whole:x}p{shift})"


def _immediates(operator: Operator) -> Iterator[str]:
    """The operator with each immediate it is to be tried with."""
    for immediate in operator.immediates:
        if immediate == "lanes":
            yield from (f"{operator.name} {' '.join(map(str, lanes))}" for lanes in SHUFFLES)
        elif immediate in LANE_COUNTS:
            yield from (f"{operator.name} {lane}" for lane in range(LANE_COUNTS[immediate]))
    if not operator.immediates:
        yield operator.name


def _combinations(types: Sequence[str], operator: Operator) -> tuple[Operands, ...]:
    values = [VALUES[t] for t in types]
    if len(types) == 2 and types[0][0] == "f":
        # All floats against all would be more than it is worth; every second against every third.
        pairs = {*itertools.product(values[0][::2], values[1]), *itertools.product(values[0], values[1][::3])}
        product: Iterable[Operands] = sorted(pairs)
    elif len(types) == 3:
        product = itertools.product(values[0][::3], values[1][1::3], values[2][::2])
    else:
        product = itertools.product(*values)
    wrong = traps(operator)
    return tuple(o for o in product if not wrong(o))


def _constants(type_: str, operator: Operator) -> tuple[int, ...]:
    # In the vectors, the constants that matter to floats only come last.
    return CONSTANTS[type_][:5] if type_ == "v128" and operator.name[0] != "f" else CONSTANTS[type_]


def add_operator(module: Module, operator: Operator) -> None:
    """Runs `operator` in every form."""
    assert operator.params is not None
    assert operator.results is not None
    types = tuple(t.name for t in operator.params)
    result = operator.results[0].name
    wrong = traps(operator)
    if not types:  # a constant
        module.add_constants([(constant(result, v), result) for v in (*VALUES[result], *CONSTANTS[result])])
        return
    for number, text in enumerate(_immediates(operator)):
        slots = [f"{{{i}}}" for i in range(len(types))]
        module.add([f"({text} {' '.join(slots)})"], types, result, _combinations(types, operator))
        if number % 7:  # constants with some lanes only; there are up to 16
            continue
        if len(types) > 1:
            for place, type_ in enumerate(types):
                others = tuple(t for i, t in enumerate(types) if i != place)
                forms: dict[tuple[Operands, ...], list[str]] = {}
                chosen = _constants(type_, operator) if len(types) == 2 else CONSTANTS[type_][:3]
                for value in chosen:
                    values = [VALUES[t] for t in others]
                    if len(types) == 3:
                        values = [v[::4] for v in values]
                    fine = tuple(o for o in itertools.product(*values) if not wrong((*o[:place], value, *o[place:])))
                    rest = iter(slots)
                    arguments = [constant(type_, value) if i == place else next(rest) for i in range(len(types))]
                    forms.setdefault(fine, []).append(f"({text} {' '.join(arguments)})")
                for fine, texts in forms.items():
                    module.add(texts, others, result, fine)
        chosen_values = [(VALUES if len(types) == 1 else CONSTANTS)[t] for t in types]
        if len(types) == 3:
            chosen_values = [v[:3] for v in chosen_values]
        alone = [o for o in itertools.product(*chosen_values) if not wrong(o)]
        step = len(alone) // 60 + 1
        module.add_constants([(f"({text} {' '.join(map(constant, types, o))})", result) for o in alone[::step]])


# Combinations that LLVM would fold although a signalling NaN must become quiet on the way, with an operand of a type.
FOLDED: dict[str, tuple[str, ...]] = {
    "f32": (
        "(f32.demote_f64 (f64.promote_f32 {0}))",
        "(f32.add (f32.mul {0} (f32.const 1)) (f32.const -0))",
        "(f32.add (f32.neg (f32.sub (f32.const -0) {0})) (f32.const -0))",
        "(f32.sub {0} (f32.const 0))",
        "(f32.sub (f32.const 0) (f32.sub (f32.const 0) {0}))",
        "(f32.div (f32.mul {0} (f32.const 2)) (f32.const 2))",
        "(f32.nearest (f32.trunc {0}))",
        "(f32.min {0} {0})",
        "(f32.max {0} (f32.neg {0}))",
        "(f32.add {0} {0})",
        "(f32.mul {0} (f32.const -1))",
        "(f32.sqrt (f32.mul {0} {0}))",
        "(f32.div {0} {0})",
        "(f32.sub {0} {0})",
        "(f32.sqrt (f32.abs (f32.neg (f32.mul (f32.const 1) {0}))))",
        "(f32.mul (f32.const 1) (f32.copysign (f32.div {0} (f32.const 1)) (f32.const -2)))",
        "(select (f32.mul {0} (f32.const 1)) (f32.const 1) (f32.lt {0} (f32.const 7)))",
        "(select (f32.add {0} (f32.const 0)) {0} (f32.eq {0} (f32.const 0)))",
        "(select {0} (f32.const 3) (f32.lt {0} (f32.const 3)))",
        "(select (f32.const 3) {0} (f32.gt {0} (f32.const 3)))",
        "(f32.reinterpret_i32 (i32.reinterpret_f32 {0}))",
        "(f32.convert_i32_s (i32.trunc_sat_f32_s {0}))",
        "(call $mul32 {0} (f32.const 1))",
        "(call $sub32 (f32.const -0) {0})",
        "(call $min32 {0} (f32.const inf))",
        "(call $demote (call $promote {0}))",
    ),
}
FOLDED["v128"] = tuple(f"({f}.{op} {{0}} {{0}})" for f in ("f32x4", "f64x2") for op in ("min", "max"))
FOLDED["f64"] = tuple(
    text.replace("f32", "f64").replace("i32.", "i64.").replace("_i32", "_i64").replace("32 ", "64 ")
    for text in FOLDED["f32"]
    if "mote" not in text
)
HELPERS = """
(func $mul32 (param f32 f32) (result f32) (f32.mul (local.get 0) (local.get 1)))
(func $sub32 (param f32 f32) (result f32) (f32.sub (local.get 0) (local.get 1)))
(func $min32 (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
(func $mul64 (param f64 f64) (result f64) (f64.mul (local.get 0) (local.get 1)))
(func $sub64 (param f64 f64) (result f64) (f64.sub (local.get 0) (local.get 1)))
(func $min64 (param f64 f64) (result f64) (f64.min (local.get 0) (local.get 1)))
(func $promote (param f32) (result f64) (f64.promote_f32 (local.get 0)))
(func $demote (param f64) (result f32) (f32.demote_f64 (local.get 0)))
"""


def _folded() -> Module:
    module = Module()
    module.functions.append(HELPERS)
    for type_, texts in FOLDED.items():
        module.add(list(texts), (type_,), type_, tuple((v,) for v in VALUES[type_]))
    return module


# Instructions with two results, each of which is looked at.
WIDE = """
(func $add128.0 (param i64 i64 i64 i64) (result i64)
  local.get 0 local.get 1 local.get 2 local.get 3 i64.add128 drop)
(func $add128.1 (param i64 i64 i64 i64) (result i64) (local i64)
  local.get 0 local.get 1 local.get 2 local.get 3 i64.add128 local.set 4 drop local.get 4)
(func $sub128.0 (param i64 i64 i64 i64) (result i64)
  local.get 0 local.get 1 local.get 2 local.get 3 i64.sub128 drop)
(func $sub128.1 (param i64 i64 i64 i64) (result i64) (local i64)
  local.get 0 local.get 1 local.get 2 local.get 3 i64.sub128 local.set 4 drop local.get 4)
(func $mul_wide_s.0 (param i64 i64) (result i64) local.get 0 local.get 1 i64.mul_wide_s drop)
(func $mul_wide_s.1 (param i64 i64) (result i64) (local i64)
  local.get 0 local.get 1 i64.mul_wide_s local.set 2 drop local.get 2)
(func $mul_wide_u.0 (param i64 i64) (result i64) local.get 0 local.get 1 i64.mul_wide_u drop)
(func $mul_wide_u.1 (param i64 i64) (result i64) (local i64)
  local.get 0 local.get 1 i64.mul_wide_u local.set 2 drop local.get 2)
"""


def _wide() -> Module:
    module = Module()
    module.functions.append(WIDE)
    for name in ("mul_wide_s", "mul_wide_u"):
        texts = [f"(call ${name}.{half} {{0}} {{1}})" for half in (0, 1)]
        module.add(texts, ("i64",) * 2, "i64", tuple(itertools.product(VALUES["i64"], repeat=2)))
    some = [VALUES["i64"][i::4] for i in range(4)]
    for name in ("add128", "sub128"):
        texts = [f"(call ${name}.{half} {{0}} {{1}} {{2}} {{3}})" for half in (0, 1)]
        module.add(texts, ("i64",) * 4, "i64", tuple(itertools.product(*some)))
        for low, high in ((0, 0), (1, 0), ((1 << 64) - 1,) * 2):  # one operand is a constant
            tail = f"{constant('i64', low)} {constant('i64', high)})"
            texts = [f"(call ${name}.{half} {{0}} {{1}} {tail}" for half in (0, 1)]
            module.add(texts, ("i64",) * 2, "i64", tuple(itertools.product(some[0], some[1])))
    return module


def _group(operator: Operator) -> str:
    """The module that an operator is in: few enough operators that a build takes a second or two."""
    shape = operator.name.partition(".")[0]
    return f"{shape}_lanes" if operator.proposal == "simd" and operator.immediates else shape


def groups() -> dict[str, list[Operator]]:
    """Every operator that `is_pure`, by the module that it is run in."""
    found: dict[str, list[Operator]] = {}
    for operator in OPERATORS:
        if is_pure(operator):
            found.setdefault(_group(operator), []).append(operator)
    return found


def make(group: str) -> tuple[Module, bytes]:
    """The module of `group`, one of `groups()`, "folded" or "wide", and its binary form."""
    if group in ("folded", "wide"):
        module = _folded() if group == "folded" else _wide()
    else:
        module = Module()
        for operator in groups()[group]:
            add_operator(module, operator)
    return module, bytes(wasmtime.wat2wasm(module.text()))


# ---------------------------------------------------------------------------------------------------------- comparison

# Operators that change no NaN: section 4.3.3 of the specification gives their result bit by bit.
_EXACT = ("neg", "abs", "copysign", "reinterpret", "replace_lane", "splat", "pmin", "pmax", "extract_lane", "const")
_QUIET = {"f32": 0x7FC00000, "f64": 0x7FF8 << 48}


def nan_lanes(piece: Piece) -> str | None:
    """The type of the float lanes of a result in which any quiet NaN stands for any other; None for none."""
    name = piece.text[1:].split()[0]
    shape, _, rest = name.partition(".")
    if piece.result in ("f32", "f64"):
        return None if rest.startswith(_EXACT) else piece.result
    if piece.result == "v128" and shape in ("f32x4", "f64x2") and not rest.startswith(_EXACT):
        return shape[:3] if rest not in ("eq", "ne", "lt", "gt", "le", "ge") else None
    return None


def same(piece: Piece, expected: bytes, actual: bytes) -> bool:
    """Equal but for the choice of a quiet NaN, where the specification leaves that open."""
    if expected == actual:
        return True
    lane = nan_lanes(piece)
    if lane is None:
        return False
    width = WIDTHS[lane]
    for at in range(0, len(expected), width):
        left, right = (int.from_bytes(b[at : at + width], "little") for b in (expected, actual))
        if left != right and left & right & _QUIET[lane] != _QUIET[lane]:
            return False
    return True


def differences(module: Module, expected: bytes, actual: bytes) -> list[str]:
    """What differs between two outputs of a module, a line a result; two of each piece only."""
    if len(expected) != len(actual):
        return [f"{len(actual)} bytes written, {len(expected)} expected"]
    found: dict[int, list[str]] = {}
    offset = 0
    while offset < len(expected):
        if expected[offset : offset + 256] == actual[offset : offset + 256]:
            offset += 256
            continue
        if expected[offset] == actual[offset]:
            offset += 1
            continue
        index, number = module.where(offset)
        piece = module.pieces[index]
        width = WIDTHS[piece.result]
        start = module.starts[index] + number * width
        left, right = expected[start : start + width], actual[start : start + width]
        if not same(piece, left, right):
            operands = ", ".join(f"{value:#x}" for value in piece.operands[number])
            line = f"{piece.text} of {operands}: expected {left[::-1].hex()}, found {right[::-1].hex()}"
            found.setdefault(index, []).append(line)
        offset = start + width
    return [line for lines in found.values() for line in lines[:2]]


__all__ = ["differences", "f32", "f64", "groups", "is_pure", "make", "same", "traps"]
