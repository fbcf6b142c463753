"""Cases for every operator that accesses memory: the last byte, the first one beyond it, offsets up to 2^32 - 1.

Made from the operator table; the form is that of the files in cases/.
"""

from __future__ import annotations

import functools

from tests.operators.generated import LANE_COUNTS, constant
from tests.operators.running import CaseModule, make_case_module
from waot.frontend.opcodes import OPERATORS, Operator

SIZE = 0x10000  # bytes of the memory
_VECTOR = "(v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)"


def operators() -> list[Operator]:
    """Every operator that accesses memory at an address."""
    return [op for op in OPERATORS if op.supported and op.width is not None]


def _inside(width: int) -> list[tuple[int, int]]:
    """(address, offset) of accesses in bounds, at the bounds and unaligned."""
    last = SIZE - width
    return [(0, 0), (1, 0), (3, 2), (last, 0), (0, last), (last - 1, 1), (7, last - 7)]


def _aligned_inside(width: int) -> list[tuple[int, int]]:
    last = SIZE - width
    return [(0, 0), (width, 0), (0, width), (8 + width // 2, 8 - width // 2), (last, 0), (0, last), (8, last - 8)]


def _outside(width: int, bits: int) -> list[tuple[int, int]]:
    """(address, offset) of accesses out of bounds, also where arithmetic in `bits` bits would wrap."""
    last = SIZE - width
    top = (1 << bits) - 1
    half = 1 << (bits - 1)
    found = [
        *((last + 1, 0), (last, 1), (0, last + 1), (SIZE, 0), (top, 0), (top, 1)),
        *((top + 1 - width, width), (top, top), (0, top), (1, top), (half, half)),
    ]
    if bits == 64:  # where 32 bits, or the sum of three, would wrap
        found += [(1 << 32, 0), (0, 1 << 32), (half, half - width), (0, top + 1 - width), (width, top + 1 - width)]
        found += [(half - 1, 1), (0, half - width), (1, half)]
    return list(dict.fromkeys(found))


def _aligned_outside(width: int) -> list[tuple[int, int]]:
    return [(SIZE, 0), (0, SIZE), (SIZE - width, width), ((1 << 32) - width, 0), ((1 << 32) - width, (1 << 32) - width)]


def _unaligned(width: int) -> list[tuple[int, int]]:
    """(address, offset), in bounds and not."""
    return [(1, 0), (width // 2, width), (0, 1), (width - 1, 2), (SIZE - width + 1, 0)] if width > 1 else []


def _access(operator: Operator, address: str, offset: int) -> str:
    """The operator at an address; its result, if any, written out."""
    assert operator.params is not None
    assert operator.results is not None
    lanes = [LANE_COUNTS[i] for i in operator.immediates if i in LANE_COUNTS]
    lane = f" {lanes[0] - 1}" if lanes else ""
    operands = [address]
    for param in operator.params[1:]:
        operands.append(_VECTOR if param.name == "v128" else constant(param.name, 0x4142434445464748 % (1 << 31)))
    text = f"({operator.name} $m offset={offset}{lane} {' '.join(operands)})"
    if operator.results:
        return f"(call $put_{operator.results[0].name} {text})"
    return text


class _Cases:
    """The cases of one module, whose memory $m has indices of `bits` bits."""

    def __init__(self, memory: str, bits: int) -> None:
        self.bits = bits
        self.fields = [memory]
        for at in (0, SIZE - 64):
            self.fields.append(f'(data (memory $m) ({self.index}.const {at}) "{_pattern()}")')
        self.number = 0

    @property
    def index(self) -> str:
        return f"i{self.bits}"

    def add(self, name: str, code: str) -> None:
        self.fields.append(f'(func $case{self.number} (export "case {name}") {code})')
        self.number += 1

    def forms(self, address: int) -> dict[str, str]:
        """The address as a constant, and as what no compiler can know."""
        plain = f"({self.index}.const {address})"
        zero = "(call $zero)" if self.bits == 32 else "(i64.extend_i32_u (call $zero))"
        return {"constant": plain, "variable": f"({self.index}.add {plain} {zero})"}

    def inside(self, operator: Operator, places: list[tuple[int, int]]) -> None:
        """All of `places` in one case."""
        assert operator.width is not None
        code = []
        for address, offset in places:
            for text in self.forms(address).values():
                code.append(_access(operator, text, offset))
                if not operator.results or "rmw" in operator.name:  # what is in memory now
                    at = min(address + offset, SIZE - 16)
                    code.append(f"(call $put_v128 (v128.load $m ({self.index}.const {at})))")
        self.add(f"{operator.name}, in bounds", "\n".join(code))

    def trapping(self, operator: Operator, places: list[tuple[int, int]], constants: int) -> None:
        """A case for each of `places`, and with the address as a constant for every one of so many."""
        for number, (address, offset) in enumerate(places):
            for form, text in self.forms(address).items():
                if form == "variable" or number % constants == 0:
                    name = f"{operator.name}, {form} {address:#x} + {offset:#x}"
                    self.add(name, _access(operator, text, offset))

    def module(self, name: str) -> CaseModule:
        return make_case_module(name, "\n".join(self.fields))


def _make(name: str, memory: str, bits: int) -> CaseModule:
    cases = _Cases(memory, bits)
    for operator in operators():
        if operator.proposal != "threads":
            assert operator.width is not None
            cases.inside(operator, _inside(operator.width))
            places = _outside(operator.width, bits)
            if bits == 64 and operator.proposal == "simd":  # one way of computing addresses serves all
                places = places[::4]
            cases.trapping(operator, places, 3)
    return cases.module(name)


@functools.cache
def boundaries() -> CaseModule:
    """All operators in bounds in one case each, and every access out of bounds in a case of its own."""
    return _make("boundaries", "(memory $m 1 1)", 32)


@functools.cache
def boundaries64() -> CaseModule:
    """The same in a memory with 64-bit indices."""
    return _make("boundaries64", "(memory $m i64 1 2)", 64)


@functools.cache
def atomic_boundaries() -> CaseModule:
    """Atomic accesses: in bounds, out of bounds, and unaligned."""
    cases = _Cases("(memory $m 1 1 shared)", 32)
    for operator in operators():
        if operator.proposal == "threads":
            assert operator.width is not None
            cases.inside(operator, _aligned_inside(operator.width))
            cases.trapping(operator, _aligned_outside(operator.width), 3)
            cases.trapping(operator, _unaligned(operator.width), 4)
    return cases.module("atomic_boundaries")


def _pattern() -> str:
    return "".join(f"\\{(37 * i + 129) % 256:02x}" for i in range(64))
