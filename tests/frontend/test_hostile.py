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
    body,
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
from waot.frontend import collect_facts, decode_module

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


# ---------------------------------------------------------------------- types, references and exceptions


def _struct(*fields: bytes) -> bytes:
    return b"\x5f" + vec(fields)


def _one_function(types: list[bytes], code: bytes, *more: bytes) -> bytes:
    """A module of these types and a function of the last of them; `more` are sections between."""
    return module(section(1, vec(types)), section(3, vec([u(len(types) - 1)])), *more, section(10, vec([body(code)])))


def test_many_types_that_refer_to_one_another() -> None:
    many = 10_000
    fields = [b"\x63" + s(many - 1 - i) + b"\0" for i in range(many)]
    decoded = decode_module(module(section(1, vec([b"\x4e" + vec([_struct(field) for field in fields])]))))
    assert decoded.canonical == list(range(many))
    chain = [_struct(), *[_struct(b"\x63" + s(i) + b"\0") for i in range(many)]]
    assert decode_module(module(section(1, vec(chain + chain)))).canonical[-1] == many


def test_equal_groups_of_many_types() -> None:
    many = 10_000
    groups = [
        b"\x4e" + vec([_struct(b"\x63" + s(first + (7 * i) % many) + b"\0") for i in range(many)])
        for first in (0, many, 2 * many)
    ]
    assert decode_module(module(section(1, vec(groups)))).canonical == list(range(many)) * 3


def test_an_endless_chain_of_supertypes_is_refused() -> None:
    chain = [b"\x50" + (vec([u(i - 1)]) if i else b"\0") + _struct() for i in range(100_000)]
    with pytest.raises(UnsupportedError, match="supertypes above one another"):
        decode_module(module(section(1, vec([b"\x4e" + vec(chain)]))))


def test_too_many_types_in_groups_are_refused() -> None:
    group = b"\x4e" + vec([_struct()] * 999_999)
    with pytest.raises(UnsupportedError, match="1000001 types, but waot's limit is 1000000"):
        decode_module(module(section(1, vec([_struct(), _struct(), group]))))


@pytest.mark.parametrize(
    "code",
    [
        op("unreachable") + (op("struct.new", u(0)) + op("drop")) * 100_000,
        (op("struct.new_default", u(0)) + op("drop")) * 100_000,
        op("unreachable") + (op("array.new_fixed", u(1), u(10_000)) + op("drop")) * 20_000,
        op("unreachable") + op("call_ref", u(2)) * 100_000 + op("unreachable"),
    ],
    ids=["struct.new", "struct.new_default", "array.new_fixed", "call_ref"],
)
def test_operators_with_thousands_of_operands(code: bytes) -> None:
    wide = b"\x60" + vec([b"\x7f"] * 1000) + b"\0"
    types = [_struct(*[b"\x7f\0"] * 10_000), b"\x5e\x7f\0", wide, func_type("->")]
    validate(_one_function(types, code + END))


def test_calls_that_take_a_thousand_subtypes() -> None:
    anys, i31s = vec([b"\x6e"] * 1000), vec([b"\x6c"] * 1000)
    types = [b"\x60" + anys + i31s, b"\x60\0" + i31s, func_type("->")]
    code = op("call", u(1)) + op("call", u(0)) * 20_000 + op("unreachable") + END
    bodies = [body(op("unreachable") + END)] * 2 + [body(code)]
    validate(module(section(1, vec(types)), section(3, vec([u(0), u(1), u(2)])), section(10, vec(bodies))))


def test_thousands_of_nested_tries_hand_on_what_they_do_not_catch() -> None:
    depth = 30_000
    calls = b"".join(op("call", u(i)) for i in range(1, depth))
    code = op("try", b"\x40") * depth + calls + (op("catch", u(0)) + END) * depth + END
    source = module(
        section(1, vec([func_type("->")])),
        section(3, vec([u(0)] * depth)),
        section(13, vec([b"\0\0"])),
        section(10, vec([body(code)] + [body(END)] * (depth - 1))),
    )
    facts = collect_facts(decode_module(source), [0])
    assert facts.escaping_callees[0] == tuple(range(1, depth))


def test_thousands_of_tags_through_thousands_of_tries() -> None:
    depth, many = 90_000, 50_000
    throws = b"".join(op("block", b"\x40") + op("throw", u(i)) + END for i in range(many))
    code = op("try_table", b"\x40", vec([])) * depth + throws + END * (depth + 1)
    source = _one_function([func_type("->")], code, section(13, vec([b"\0\0"] * many)))
    assert collect_facts(decode_module(source), [0]).throwing == {0}


def test_delegates_out_of_thousands_of_tries() -> None:
    depth = 30_000
    inner = (op("try", b"\x40") + op("call", u(0)) + op("delegate", u(depth // 2))) * 50_000
    source = _one_function([func_type("->")], op("try", b"\x40") * depth + inner + END * (depth + 1))
    assert collect_facts(decode_module(source), [0]).escaping_callees == {0: (0,)}


def test_clauses_that_give_a_thousand_values() -> None:
    i31s, anys = vec([b"\x6c"] * 1000), vec([b"\x6e"] * 1000)
    types = [b"\x60" + i31s + b"\0", b"\x60\0" + anys, func_type("->")]
    clauses = op("try_table", b"\x40", vec([b"\0\0\0"] * 10_000)) + END
    code = op("block", s(1)) + clauses * 20 + op("unreachable") + END + op("unreachable") + END
    validate(_one_function(types, code, section(13, vec([b"\0\0"]))))


def test_casts_down_the_longest_chain() -> None:
    chain = [b"\x50\0" + _struct(), *[b"\x50" + vec([u(i)]) + _struct() for i in range(63)]]
    casts = op("br_on_cast", b"\3", u(0), s(0), s(63)) * 30_000
    code = op("block", b"\x63" + s(0)) + op("ref.null", s(63)) + casts + END + op("drop") + END
    validate(_one_function([*chain, func_type("->")], code))


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

_REFERENCES = wat("""
(module
  (rec (type $list (sub (struct (field i32) (field (mut (ref null $list)))))) (type $lists (array (mut (ref $list)))))
  (type $longer (sub $list (struct (field i32) (field (mut (ref null $list))) (field i8))))
  (type $f (func (param anyref) (result (ref null $list))))
  (import "env" "e" (tag $e (param anyref)))
  (tag $own (param i32))
  (table 1 (ref $f) (ref.func $run)) (table 1 anyref)
  (global $g (ref $list) (struct.new $longer (i32.const 1) (ref.null none) (i32.const 2)))
  (global anyref (array.new_fixed $lists 1 (global.get $g)))
  (elem $segment (ref null $list) (item struct.new_default $list)) (data $data "abcdefgh")
  (export "e" (tag $own))
  (func $run (type $f) (local (ref $list)) (local i64)
    (local.set 1 (global.get $g))
    (block $null (br_on_null $null (ref.cast (ref null $longer) (local.get 0))) drop)
    (block $all
      (block $caught (result anyref exnref)
        (try_table (catch_ref $e $caught) (catch_all $all)
          (drop (block $cast (result (ref $list))
            (br_on_cast $cast anyref (ref $list) (local.get 0))
            (if (ref.test (ref null i31)) (then (throw $own (i32.const 1))))
            (struct.new $longer (i31.get_s (ref.i31 (i32.const 5))) (local.get 1) (i32.const 2)))))
        (br $all))
      (throw_ref))
    (struct.set $list 1 (local.get 1) (call_ref $f (ref.null none) (ref.as_non_null (table.get 0 (i32.const 0)))))
    (drop (array.new_elem $lists $other (i32.const 0) (i32.const 0)))
    (drop (ref.eq (local.get 1) (select (result eqref) (local.get 1) (ref.null i31) (i32.const 1))))
    (return_call_ref $f (any.convert_extern (extern.convert_any (local.get 0))) (ref.func $run)))
  (elem $other (ref $list) (item global.get $g)))
""")

_MODULES = [
    _MIXED,
    _REFERENCES,
    *(p.read_bytes() for p in sorted((_ROOT / ".cache").glob("**/*.wasm"))[:2] if p.stat().st_size < 60_000),
]


def _accepted(source: bytes) -> None:
    """Takes the module or refuses it with an error of ours; what is taken keeps its promises, both ways."""
    decoded = decode_module(source)
    for index in range(decoded.imported_func_count, len(decoded.funcs)):
        check_body(decoded, validate_both_ways(decoded, index))


def test_the_modules_that_are_mutated_are_valid() -> None:
    _accepted(_MIXED)
    _accepted(_REFERENCES)


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
# References to type 3, a struct, to type 4, which is below it, and to type 1, a function type.
_POINT, _BELOW, _ANY, _I31, _F = b"\x63\3", b"\x63\4", b"\x6e", b"\x6c", b"\x63\1"
_REFERENCE_OPERATORS = (
    *[op(kind, u(i)) for kind in ("local.get", "local.set", "local.tee") for i in range(4, 9)],
    *[op("block", type_) for type_ in (b"\x40", _POINT, _BELOW, _ANY, _I31, b"\x69", s(5))],
    *[op("loop", type_) for type_ in (b"\x40", s(6), _POINT)],
    *[op("ref.null", heap) for heap in (s(3), s(4), _ANY, b"\x71", b"\x6f", s(1))],
    *[op(kind, u(depth)) for kind in ("br", "br_if", "br_on_null", "br_on_non_null") for depth in range(3)],
    *[
        op(kind, bytes([flags]), u(depth), from_ + to)
        for kind in ("br_on_cast", "br_on_cast_fail")
        for flags in range(4)
        for depth in range(2)
        for from_, to in ((_ANY, s(3)), (s(3), s(4)), (_ANY, _I31))
    ],
    *[op(kind, heap) for kind in ("ref.test", "ref.cast", "ref.cast null") for heap in (s(3), s(4), _I31, s(1))],
    *[op("ref.as_non_null"), op("ref.eq"), op("ref.i31"), op("i31.get_u"), op("ref.func", u(0)), op("ref.is_null")],
    *[op("struct.new_default", u(3)), op("struct.new", u(4)), op("struct.new_default", u(4))],
    *[op("struct.get", u(3), u(0)), op("struct.get", u(4), u(1)), op("struct.set", u(3), u(0))],
    *[op("call", u(0)), op("call_ref", u(2)), op("return_call_ref", u(2)), op("call_indirect", u(2) + u(0))],
    *[op("any.convert_extern"), op("extern.convert_any"), op("select t", u(1) + _POINT), op("select t", u(1) + _ANY)],
    *[op("try_table", b"\x40", vec([b"\2" + u(depth)])) for depth in range(2)],
    *[op("try_table", b"\x40", vec([b"\3" + u(depth), b"\0\0" + u(depth)])) for depth in range(2)],
    *[op("throw", u(0)), op("throw_ref"), op("i32.const", s(1)), op("drop"), END, op("unreachable"), op("return")],
)
_BLOCKS = {op(kind)[0]: kind for kind in ("block", "loop", "if", "try_table")}


def _random_module(code: bytes) -> bytes:
    """A module whose one function has type 2 and this code, with locals of all kinds."""
    locals_ = [b"\x7d", b"\x7b", _POINT, _BELOW, _ANY, _I31, b"\x64\3"]
    contents = vec([u(1) + type_ for type_ in locals_]) + code
    types = [
        *[func_type("i32 -> i32"), func_type("i32 -> i32 i64"), func_type("i32 i64 -> i32")],
        b"\x50\0\x5f" + vec([_ANY + b"\1"]),
        b"\x50\1\3\x5f" + vec([_ANY + b"\1", _POINT + b"\0"]),
        b"\x60\1" + _BELOW + b"\1" + _POINT,
        b"\x60\1" + _POINT + b"\1" + _ANY,
        func_type("i32 ->"),
    ]
    return module(
        section(1, vec(types)),
        section(3, vec([u(2)])),
        section(4, vec([b"\x70\0\1"])),
        section(5, vec([b"\0\1"])),
        section(13, vec([b"\0\7"])),
        section(6, vec([b"\x7e\1\x42\0\x0b", b"\x7f\0\x41\0\x0b"])),
        section(9, vec([b"\3\0" + vec([u(0)])])),
        section(10, vec([u(len(contents)) + contents])),
    )


def _closed(code: bytes, blocks: list[str]) -> bytes:
    """The code with all its blocks closed in the one way that is always valid."""
    ends = [op("unreachable") + (op("else") + op("unreachable") if kind == "if" else b"") + END for kind in blocks]
    return code + b"".join(reversed(ends)) + op("unreachable") + END


def test_grown_code_begins_valid() -> None:
    _accepted(_random_module(_closed(b"", [])))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    operators=st.lists(st.sampled_from(_OPERATORS), min_size=30, max_size=120)
    | st.lists(st.sampled_from(_REFERENCE_OPERATORS), min_size=30, max_size=120)
)
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
    config.wasm_gc = True
    config.wasm_function_references = True
    config.wasm_exceptions = True
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
@given(source=st.sampled_from((_MIXED, _REFERENCES)), at=st.floats(0, 1), value=st.integers(0, 255))
def test_mutated_modules_are_accepted_if_wasmtime_accepts_them(source: bytes, at: float, value: int) -> None:
    place = 8 + int(at * (len(source) - 9))
    _as_wasmtime(source[:place] + bytes([value]) + source[place + 1 :])
