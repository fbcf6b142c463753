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


def _outside(width: int) -> list[tuple[int, int]]:
    """(address, offset) of accesses out of bounds, also where 32-bit arithmetic would wrap."""
    last = SIZE - width
    found = [
        *((last + 1, 0), (last, 1), (0, last + 1), (SIZE, 0), (0xFFFFFFFF, 0), (0xFFFFFFFF, 1)),
        *(
            (0x100000000 - width, width),
            (0xFFFFFFFF, 0xFFFFFFFF),
            (0, 0xFFFFFFFF),
            (1, 0xFFFFFFFF),
            (0x80000000, 0x80000000),
        ),
    ]
    return list(dict.fromkeys(found))


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


def _case(number: int, name: str, code: str) -> str:
    return f'(func $case{number} (export "case {name}") {code})'


@functools.cache
def boundaries() -> CaseModule:
    """All operators in bounds in one case each, and every access out of bounds in a case of its own."""
    fields = ["(memory $m 1 1)", f'(data (memory $m) (i32.const 0) "{_pattern()}")']
    fields.append(f'(data (memory $m) (i32.const {SIZE - 64}) "{_pattern()}")')
    number = 0
    for operator in operators():
        width = operator.width
        assert width is not None
        code = []
        for address, offset in _inside(width):
            for text in (f"(i32.const {address})", f"(i32.add (i32.const {address}) (call $zero))"):
                code.append(_access(operator, text, offset))
                if not operator.results:  # a store: what is in memory now
                    at = min(address + offset, SIZE - 16)
                    code.append(f"(call $put_v128 (v128.load $m (i32.const {at})))")
        fields.append(_case(number, f"{operator.name}, in bounds", "\n".join(code)))
        number += 1
        for index, (address, offset) in enumerate(_outside(width)):
            forms = {"variable": f"(i32.add (i32.const {address}) (call $zero))"}
            if index % 3 == 0:
                forms["constant"] = f"(i32.const {address})"
            for form, text in forms.items():
                name = f"{operator.name}, {form} {address:#x} + {offset:#x}"
                fields.append(_case(number, name, _access(operator, text, offset)))
                number += 1
    return make_case_module("boundaries", "\n".join(fields))


def _pattern() -> str:
    return "".join(f"\\{(37 * i + 129) % 256:02x}" for i in range(64))
