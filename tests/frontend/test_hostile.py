"""Hostile modules: time and memory stay in proportion to the size of the input.

No test here asserts a time; where the cost were the product of two sizes, it would not end.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.frontend.building import (
    END,
    custom,
    func_type,
    function_module,
    module,
    name,
    op,
    s,
    section,
    u,
    validate,
    vec,
    wat,
)
from tests.frontend.checker import check_body
from tests.frontend.comparing import validate_both_ways
from waot.errors import UnsupportedError, WaotError
from waot.frontend import decode_module

_ROOT = Path(__file__).resolve().parents[2]


def test_blocks_nest_deeply_without_recursion() -> None:
    depth = 99_000
    (result,) = validate(function_module(op("block", b"\x40") * depth + END * (depth + 1)))
    assert len(result.code) == 2 * depth + 1


def test_nesting_beyond_the_limit_is_refused() -> None:
    for kind in ("block", "loop"):
        source = function_module(op(kind, b"\x40") * 100_001 + END * 100_002)
        with pytest.raises(UnsupportedError, match="nested blocks, but waot's limit is 100000"):
            validate_both_ways(decode_module(source), 0)


def test_nested_loops_that_assign_many_locals() -> None:
    depth, many = 20_000, 40_000
    assign = op("i32.const", s(0)) + op("local.set")
    code = op("loop", b"\x40") * depth + b"".join(assign + u(i) for i in range(many)) + END * (depth + 1)
    (result,) = validate(function_module(code, local_groups=[(many, "i32")]))
    claimed = {id(immediate[1]) for _, immediate, _ in result.code if isinstance(immediate, tuple)}
    assert len(claimed) <= 32  # the deeper loops share one tuple


def test_a_large_br_table_with_wide_labels() -> None:
    wide = section(1, vec([func_type("->"), func_type("-> " + " ".join(["i32"] * 1000))]))
    table = op("br_table", vec([u(0)] * 60_000) + u(0))
    code = op("block", s(1)) + op("i32.const", s(0)) * 1001 + table * 20 + END + op("unreachable") + END
    source = module(wide, section(3, vec([u(0)])), section(10, vec([u(len(code) + 1) + b"\0" + code])))
    (result,) = validate(source)
    assert len(result.code) == 1 + 1001 + 1 + 1 + 1 + 1


def test_a_br_table_beyond_the_limit_is_refused() -> None:
    code = op("i32.const", s(0)) + op("br_table", vec([u(0)] * 65_521) + u(0)) + END
    with pytest.raises(UnsupportedError, match="65521 labels in br_table, but waot's limit is 65520"):
        validate(function_module(code))


@pytest.mark.parametrize("first", [b"", op("unreachable")])
def test_calls_with_many_results_do_not_fill_the_memory(first: bytes) -> None:
    types = section(1, vec([func_type("-> " + " ".join(["i64"] * 1000))]))
    code = first + op("call", u(0)) * 100_000 + END
    source = module(types, section(3, vec([u(0)])), section(10, vec([u(len(code) + 1) + b"\0" + code])))
    with pytest.raises(UnsupportedError, match="operands on the stack, but waot's limit is 1000000"):
        validate(source)


def test_an_endless_number_costs_no_more_than_its_bytes() -> None:
    for first in ("i32.const", "i64.const", "local.get", "call", "br"):
        with pytest.raises(WaotError, match="integer representation too long"):
            validate(function_module(op(first) + b"\x80" * 2_000_000 + END))


def test_many_sections_and_many_imports_are_linear() -> None:
    imports = section(2, vec([name("") + name("") + b"\2\0\0"] * 100) + b"")
    source = module(*[custom("x")] * 50_000, imports)
    assert len(decode_module(source).sections) == 50_001


def test_block_comments_in_what_may_be_text_are_read_once() -> None:
    with pytest.raises(WaotError, match="is not a WebAssembly module"):
        decode_module(b"(;;)" * 10_000 + b"x")


# ---------------------------------------------------------------------- random bytes

_MIXED = wat("""
(module $mixed
  (type $t (func (param i32 i64) (result i64)))
  (import "env" "f" (func $f (param f64) (result f64)))
  (table 4 funcref) (table $x 2 externref)
  (memory 1) (memory 1)
  (global $g (mut i32) (i32.const 7))
  (export "run" (func $run)) (export "g" (global $g))
  (elem (i32.const 1) func $run $g2)
  (elem declare func $g2)
  (func $run (type $t) (local f64 v128)
    (local.set 2 (call $f (f64.const 2.5)))
    (block $out (result i64)
      (loop $again (result i64) (block $body (result i64)
        (if (i32.lt_s (local.tee 0 (i32.add (local.get 0) (i32.const 300))) (i32.const 100000))
          (then (br $again)) (else (global.set $g (local.get 0))))
        (br_if $out (i64.const 5) (i32.load8_u offset=1000 (local.get 0)))
        (br_table $out $body $out (i64.const 9) (local.get 0)))))
    (drop (select (local.get 0) (i32.const 70000) (i32.const 1)))
    (local.set 3 (i32x4.add (local.get 3) (v128.load (i32.const 16))))
    (i64.store (i32.const 8) (i64.extend32_s (local.get 1)))
    (table.set $x (i32.const 0) (ref.null extern))
    (memory.fill (i32.const 0) (i32.const 0) (i32.const 8))
    (drop (call_indirect (type $t) (i32.const 1) (i64.const 1) (i32.const 2))))
  (func $g2 (drop (ref.func $g2)) (return_call $g2))
  (data (i32.const 8) "some bytes") (data "passive"))
""")

_MODULES = [
    _MIXED,
    *(p.read_bytes() for p in sorted((_ROOT / ".cache").glob("**/*.wasm"))[:2] if p.stat().st_size < 60_000),
]


def _accepted(source: bytes) -> None:
    """Takes the module or refuses it with an error of ours; what is taken keeps its promises, both ways."""
    decoded = decode_module(source)
    for index in range(decoded.imported_func_count, len(decoded.funcs)):
        check_body(decoded, validate_both_ways(decoded, index))


def test_the_module_that_is_mutated_is_valid() -> None:
    _accepted(_MIXED)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_mutated_modules_are_accepted_or_refused_with_an_error_of_ours(data: st.DataObject) -> None:
    source = bytearray(data.draw(st.sampled_from(_MODULES)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(8, len(source) - 1))
        kind = data.draw(st.sampled_from(("set", "flip", "cut", "insert", "end")))
        if kind == "set":
            source[at] = data.draw(st.integers(0, 255))
        elif kind == "flip":
            source[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del source[at : at + data.draw(st.integers(1, 8))]
        elif kind == "insert":
            source[at:at] = data.draw(st.binary(max_size=6))
        else:
            del source[at:]
        if len(source) < 9:
            break
    with contextlib.suppress(WaotError):
        _accepted(bytes(source))


_OPERATORS = (
    *[op(kind, u(i)) for kind in ("local.get", "local.set", "local.tee") for i in range(4)],
    *[op(kind, type_) for kind in ("block", "loop", "if") for type_ in (b"\x40", b"\x7f", b"\x7e", s(0), s(1), s(2))],
    *[op("else"), END, op("end")],
    *[op(kind, u(depth)) for kind in ("br", "br_if") for depth in range(3)],
    *[op("br_table", vec([u(0), u(1)]) + u(depth)) for depth in range(3)],
    *[op("i32.const", s(value)) for value in (5, -300, 70_000, -(2**31))],
    *[op("i64.const", s(value)) for value in (-1, 1 << 20, 1 << 40)],
    *[op("f32.const", b"\0" * 4), op("f64.const", b"\0" * 8), op("v128.const", b"\0" * 16)],
    *[
        op(name_)
        for name_ in ("i32.add", "i64.add", "i32.eqz", "f32.neg", "i32.wrap_i64", "i64.extend32_s", "i32x4.add")
    ],
    *[op(name_) for name_ in ("drop", "select", "return", "unreachable", "nop", "i32.trunc_sat_f32_s", "ref.is_null")],
    *[op("call", u(0)), op("return_call", u(0)), op("call_indirect", u(1) + u(0)), op("ref.null", b"\x70")],
    *[op("i32.load", b"\2\0"), op("i64.store", b"\3\xac\2"), op("v128.load", b"\0\0"), op("memory.size", u(0))],
    *[op("global.get", u(0)), op("global.set", u(0)), op("global.set", u(1)), op("select t", u(1) + b"\x70")],
    *[op("table.get", u(0)), op("table.set", u(0)), op("i8x16.extract_lane_s", b"\3")],
)
_BLOCKS = {op(kind)[0]: kind for kind in ("block", "loop", "if")}


def _random_module(code: bytes) -> bytes:
    """A module whose one function has type 2 and this code, with locals of all kinds."""
    contents = vec([u(1) + b"\x7d", u(1) + b"\x7b"]) + code
    return module(
        section(1, vec([func_type("i32 -> i32"), func_type("i32 -> i32 i64"), func_type("i32 i64 -> i32")])),
        section(3, vec([u(2)])),
        section(4, vec([b"\x70\0\1"])),
        section(5, vec([b"\0\1"])),
        section(6, vec([b"\x7e\1\x42\0\x0b", b"\x7f\0\x41\0\x0b"])),
        section(10, vec([u(len(contents)) + contents])),
    )


def _closed(code: bytes, blocks: list[str]) -> bytes:
    """The code with all its blocks closed in the one way that is always valid."""
    ends = [op("unreachable") + (op("else") + op("unreachable") if kind == "if" else b"") + END for kind in blocks]
    return code + b"".join(reversed(ends)) + op("unreachable") + END


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(operators=st.lists(st.sampled_from(_OPERATORS), min_size=30, max_size=120))
def test_code_grown_operator_by_operator_is_accepted_if_wasmtime_accepts_it(operators: list[bytes]) -> None:
    """What is refused is left out, so that the code stays valid, gets long, and goes on behind what is unreachable."""
    code, blocks = b"", list[str]()
    for operator in operators:
        now = list(blocks)
        if operator[0] in _BLOCKS:
            now.append(_BLOCKS[operator[0]])
        elif operator == op("else") and now:
            now[-1] = "else" if now[-1] == "if" else "no if"
        elif operator == END:
            if not now:
                continue
            now.pop()
        if _as_wasmtime(_random_module(_closed(code + operator, now))):
            code, blocks = code + operator, now


def _wasmtime_accepts(source: bytes) -> bool:
    import wasmtime

    config = wasmtime.Config()
    config.wasm_tail_call = True
    config.wasm_multi_memory = True
    try:
        wasmtime.Module.validate(wasmtime.Engine(config), source)
    except wasmtime.WasmtimeError:
        return False
    return True


def _as_wasmtime(source: bytes) -> bool:
    """Accepts or refuses the module, and sees that wasmtime does the same."""
    try:
        _accepted(source)
    except UnsupportedError:
        return False
    except WaotError as error:
        refusal = str(error)
        assert not _wasmtime_accepts(source), refusal
        return False
    assert _wasmtime_accepts(source)
    return True


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(8, len(_MIXED) - 1), value=st.integers(0, 255))
def test_mutated_modules_are_accepted_if_wasmtime_accepts_them(at: int, value: int) -> None:
    source = _MIXED[:at] + bytes([value]) + _MIXED[at + 1 :]
    _as_wasmtime(source)
