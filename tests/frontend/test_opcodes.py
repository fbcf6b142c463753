"""The operator table against wasmtime's assembler and the specification's counts."""

from __future__ import annotations

import pytest

from tests.frontend.building import u
from waot.frontend.decode import decode_module
from waot.frontend.instructions import read_operator
from waot.frontend.module import F32, F64, I32, I64, V128
from waot.frontend.opcodes import BY_NAME, ONE_BYTE, OPERATORS, PREFIXED, SUPPORTED_PROPOSALS, Operator, find
from waot.frontend.reader import Reader

wasmtime = pytest.importorskip("wasmtime")

_IMMEDIATES = {
    "i32": "7",
    "i64": "7",
    "f32": "1.5",
    "f64": "1.5",
    "v128": "i64x2 1 2",
    "lanes": " ".join(map(str, range(16))),
    "memarg": "offset=5",
    "memory": "0",
    "data": "0",
    "elem": "0",
    "table": "0",
    "zero": "",
}


def _text(operator: Operator) -> str:
    """A module with one function that has the operator, its operands and drops for its results."""
    assert operator.params is not None
    assert operator.results is not None
    params = "".join(f"(param {t})" for t in operator.params)
    operands = "".join(f"(local.get {i})" for i in range(len(operator.params)))
    kinds = [kind for kind in operator.immediates if not kind.startswith("lane") or kind == "lanes"]
    immediates = " ".join(_IMMEDIATES[kind] for kind in kinds)
    if operator.immediates in (("memory", "memory"), ("table", "table")):
        immediates = "0 0"
    elif operator.immediates == ("data", "memory"):
        immediates = "0"
    elif operator.immediates == ("elem", "table"):
        immediates = "0 0"  # the text format has the table first; both are 0
    if operator.immediates[-1:] and operator.immediates[-1].startswith("lane") and operator.immediates[-1] != "lanes":
        immediates += " 1"
    drops = "(drop)" * len(operator.results)
    return (
        f'(module (memory 1) (table 1 funcref) (data "") (elem func) '
        f"(func {params} {operands} {operator.name} {immediates} {drops}))"
    )


@pytest.mark.parametrize("operator", [op for op in OPERATORS if op.params is not None], ids=lambda op: op.name)
def test_encoding_and_signature_are_those_of_wasmtime(operator: Operator) -> None:
    binary = bytes(wasmtime.wat2wasm(_text(operator)))
    if operator.proposal != "wide-arithmetic":  # which wasmtime for Python has no switch for
        config = wasmtime.Config()
        config.wasm_threads = True
        config.wasm_relaxed_simd = True
        wasmtime.Module.validate(wasmtime.Engine(config), binary)  # operands and results have these types
    code = bytes([operator.code]) if operator.prefix is None else bytes([operator.prefix]) + u(operator.code)
    assert code in binary
    if operator.supported:
        module = decode_module(binary)
        body = module.codes[0]
        reader = Reader(binary, body.start + 1 + 2 * len(operator.params or ()), body.end)
        found, _ = read_operator(reader)
        assert found is operator
        assert reader.pos == body.end - 1 - len(operator.results or ())


def test_every_operator_is_found_by_its_encoding_and_by_its_name() -> None:
    for index, operator in enumerate(OPERATORS):
        assert operator.index == index
        assert find(operator.prefix, operator.code) is operator
        assert BY_NAME[operator.name] is operator
    assert sum(op is not None for op in ONE_BYTE) + sum(map(len, PREFIXED.values())) == len(OPERATORS)


def test_the_counts_are_those_of_the_proposals() -> None:
    def count(proposal: str) -> int:
        return sum(op.proposal == proposal for op in OPERATORS)

    assert count("mvp") == 172
    assert count("simd") == 236
    assert count("relaxed-simd") == 20
    assert count("threads") == 67
    assert count("gc") == 32


def test_supported_operators_are_those_of_supported_proposals() -> None:
    assert all(op.supported == (op.proposal in SUPPORTED_PROPOSALS) for op in OPERATORS)


def test_natural_alignment_is_the_logarithm_of_the_width() -> None:
    for operator in OPERATORS:
        assert (operator.width is None) == (operator.align is None)
        assert (operator.width is not None) == ("memarg" in operator.immediates)
        if operator.width is not None and operator.align is not None:
            assert operator.width == 1 << operator.align


@pytest.mark.parametrize(
    ("name", "encoding", "params", "results", "width"),
    [
        ("i32.add", "0x6a", (I32, I32), (I32,), None),
        ("f64.copysign", "0xa6", (F64, F64), (F64,), None),
        ("i64.load32_u", "0x35", (I32,), (I64,), 4),
        ("i32.trunc_sat_f32_s", "0xfc 0x00", (F32,), (I32,), None),
        ("v128.bitselect", "0xfd 0x52", (V128, V128, V128), (V128,), None),
        ("f64x2.convert_low_i32x4_u", "0xfd 0xff", (V128,), (V128,), None),
        ("i64.atomic.rmw32.cmpxchg_u", "0xfe 0x4e", (I32, I64, I64), (I64,), 4),
        ("i64.mul_wide_u", "0xfc 0x16", (I64, I64), (I64, I64), None),
    ],
)
def test_a_row_reads_as_the_specification_has_it(
    name: str, encoding: str, params: tuple[object, ...], results: tuple[object, ...], width: int | None
) -> None:
    operator = BY_NAME[name]
    assert (operator.encoding, operator.params, operator.results, operator.width) == (encoding, params, results, width)
