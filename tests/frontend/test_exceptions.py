"""Exceptions: tags, try_table, and the legacy try; and what the front end says of functions that may throw."""

from __future__ import annotations

import pytest

from tests.frontend.building import END, function_module, listing, module, name, op, section, u, vec, wat
from tests.frontend.checker import check_body
from tests.frontend.comparing import facts_plainly, validate_both_ways
from waot.errors import InvalidError, MalformedError, UnsupportedError
from waot.frontend import collect_facts, decode_module
from waot.frontend.module import I32, I64, Body, Facts, FuncType, Module

# Functions 0 to 2 are callees, the last one is what a test is about.
_ENVIRONMENT = """
  (type $v (func)) (type $copy (func))
  (import "env" "tag" (tag $imported (param i32)))
  (tag $e (param i32)) (tag $none) (tag $two (param i32 i64)) (tag $any (param anyref))
  (func $a) (func $b) (func $c (result i32) (i32.const 0))
  (table 1 funcref)
  (elem declare func $a)
"""


def decoded(text: str) -> Module:
    found = decode_module(wat(f"(module {_ENVIRONMENT} {text})"))
    for index in range(found.imported_func_count, len(found.funcs)):
        check_body(found, validate_both_ways(found, index))
    return found


def validated(text: str) -> Body:
    found = decoded(f"(func {text})")
    return validate_both_ways(found, len(found.funcs) - 1)


def code(text: str) -> list[str]:
    """The listing of a function with `text` inside, without its last `end`."""
    result = listing(validated(text))
    assert result[-1] == "end"
    return result[:-1]


def refused(text: str) -> str:
    with pytest.raises(InvalidError) as error:
        validated(text)
    assert error.value.offset is not None
    return str(error.value)


# ---------------------------------------------------------------------- tags


def test_tags_are_imported_defined_and_exported() -> None:
    found = decode_module(
        wat('(module (import "m" "t" (tag (param i64))) (tag (export "e") (param i32)) (export "i" (tag 0)))')
    )
    assert [found.signature(t) for t in found.tags] == [FuncType((I64,), ()), FuncType((I32,), ())]
    (imported,) = found.imports
    assert (imported.kind, imported.type, imported.type_index) == ("tag", FuncType((I64,), ()), found.tags[0])
    assert [(e.name, e.kind, e.index) for e in found.exports] == [("e", "tag", 1), ("i", "tag", 0)]


def test_wrong_tags() -> None:
    func = section(1, vec([b"\x60\0\1\x7f", b"\x5f\0", b"\x60\0\0"]))
    for tag, error, message in (
        (b"\1\0", MalformedError, "malformed tag attribute 0x01"),
        (b"\0\0", InvalidError, "non-empty tag result type"),
        (b"\0\1", InvalidError, "type 1 is not a function type"),
        (b"\0\7", InvalidError, "unknown type 7"),
    ):
        with pytest.raises(error, match=message):
            decode_module(module(func, section(13, vec([tag]))))
        with pytest.raises(error, match=message):
            decode_module(module(func, section(2, vec([name("a") + name("b") + b"\4" + tag]))))
    with pytest.raises(InvalidError, match="unknown tag 1"):
        decode_module(module(func, section(13, vec([b"\0\2"])), section(7, vec([name("x") + b"\4\1"]))))
    with pytest.raises(MalformedError, match="out of order"):
        decode_module(module(func, section(6, vec([])), section(13, vec([b"\0\2"]))))


# ---------------------------------------------------------------------- what Body says


def test_try_table_has_its_type_and_its_clauses() -> None:
    assert code(
        "(block $out (result i32 exnref) (block $all (result exnref) (block $one (result i32)"
        " (try_table (catch $e $one) (catch_ref $e $out) (catch_all_ref $all) (catch_all 3) (call $a)) (return))"
        " (return)) (return)) (return)"
    )[3:6] == [
        "try_table ([] -> [], ((catch, 1, 0), (catch_ref, 1, 2), (catch_all_ref, None, 1), (catch_all, None, 3)))",
        "call 0",
        "end",
    ]


def test_legacy_clauses_have_their_tags() -> None:
    assert code("try (result i32) call $c catch $e catch $two drop catch_all i32.const 1 end drop") == [
        "try ([] -> [i32])",
        "call 2",
        "catch 1",
        "catch 3",
        "drop i64",
        "catch_all",
        "i32.const 1",
        "end",
        "drop i32",
    ]
    assert code("block try call $a delegate 0 end") == [
        "block ([] -> [])",
        "try ([] -> [])",
        "call 0",
        "delegate 0",
        "end",
    ]
    assert code("try catch $none try rethrow 1 end end")[2:4] == ["try ([] -> [])", "rethrow 1"]


def test_what_follows_a_throw_is_left_out() -> None:
    assert code("(throw $none) i32.const 1 drop") == ["throw 2"]
    assert code("(throw_ref (ref.null exn)) i32.const 1 drop")[-1] == "throw_ref"
    assert code("try throw $none nop catch $none rethrow 0 nop catch_all nop end") == [
        "try ([] -> [])",
        "throw 2",
        "catch 2",
        "rethrow 0",
        "catch_all",
        "nop",
        "end",
    ]
    assert code("try unreachable nop delegate 0 nop") == ["try ([] -> [])", "unreachable", "delegate 0", "nop"]
    assert code("(try_table (throw $none) (nop)) nop") == ["try_table ([] -> [], ())", "throw 2", "end", "nop"]


def test_a_try_that_cannot_be_reached_is_left_out_with_its_clauses() -> None:
    assert code("return try nop catch $none nop catch_all nop end") == ["return"]
    assert code("return try nop delegate 0") == ["return"]
    assert code("return (try_table (catch_all 0) (call $a))") == ["return"]


def test_loops_know_what_is_assigned_in_clauses() -> None:
    text = "(local i32 i32 i32) loop try local.get 0 local.set 1 catch $e local.set 2 end end"
    assert code(text)[0] == "loop ([] -> [], (1, 2))"
    text = "(local i32 i32) loop (try_table (catch_all 0) (local.set 1 (local.get 0))) end"
    assert code(text)[0] == "loop ([] -> [], (1))"


def test_locals_set_in_the_body_are_not_initialised_in_the_clauses() -> None:
    text = "(local (ref any)) try (local.set 0 (ref.i31 (i32.const 1))) {} (drop (local.get 0)) end"
    for clause in ("catch $none", "catch_all"):
        assert "uninitialized local" in refused(text.format(clause))
    assert "uninitialized local" in refused(
        "(local (ref any)) (try_table (local.set 0 (ref.i31 (i32.const 1)))) (drop (local.get 0))"
    )


# ---------------------------------------------------------------------- what is invalid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(throw 9)", "unknown tag 9"),
        ("(throw $e (i64.const 1))", "expected i32, found i64"),
        ("(throw_ref (ref.null any))", "expected exnref, found anyref"),
        ("(try_table (catch 9 0))", "unknown tag 9"),
        ("(try_table (catch $none 9))", "unknown label 9"),
        ("(try_table (catch_all 1))", "unknown label 1"),
        ("(try_table (catch $e 0))", "catch gives [] -> [i32], label 0 takes []"),
        ("(block (result i32) (try_table (catch_ref $e 0)) (return)) drop", "catch_ref gives [] -> [i32 (ref exn)]"),
        ("(block (result i64) (try_table (catch $e 0)) (return)) drop", "label 0 takes [i64]"),
        ("(block (result eqref) (try_table (catch $any 0)) (return)) drop", "catch gives [] -> [anyref]"),
        ("(block (result exnref) (try_table (catch_all 0)) (return)) drop", "catch_all gives [] -> []"),
        ("(drop (try_table (result i32)))", "expected i32, but the stack is empty"),
        ("try catch 9 end", "unknown tag 9"),
        ("try (result i32) catch_all i32.const 1 end drop", "expected i32, but the stack is empty"),
        ("try (result i32) i32.const 1 catch $none end drop", "expected i32, but the stack is empty"),
        ("try delegate 1", "delegate: unknown label 1"),
        ("try rethrow 0 catch_all end", "invalid rethrow label: label 0"),
        ("block try catch_all rethrow 1 end end", "invalid rethrow label: label 1"),
        ("rethrow 7", "unknown label 7"),
    ],
)
def test_what_does_not_fit_is_invalid(text: str, message: str) -> None:
    assert message in refused(text)


def test_clauses_give_what_matches_the_label() -> None:
    validated("(block (result anyref exnref) (try_table (catch_ref $any 0)) (return)) drop drop")
    validated("(block (result (ref exn)) (try_table (catch_all_ref 0)) (return)) drop")
    validated("(block (result i32 i64) (try_table (catch $two 0)) (return)) drop drop")


@pytest.mark.parametrize(
    "code_bytes",
    [
        op("catch", u(0)),
        op("catch_all"),
        op("delegate", u(0)),
        op("block", b"\x40") + op("catch_all") + END,
        op("try", b"\x40") + op("catch_all") + op("catch_all") + END,
        op("try", b"\x40") + op("catch_all") + op("catch", u(0)) + END,
        op("try", b"\x40") + op("catch_all") + op("delegate", u(0)),
        op("try_table", b"\x40", u(0)) + op("catch_all") + END,
        op("try", b"\x40") + op("else") + END,
    ],
)
def test_clauses_without_their_try_are_malformed(code_bytes: bytes) -> None:
    with pytest.raises(MalformedError, match="that it could belong to"):
        validate_both_ways(decode_module(function_module(code_bytes + END)), 0)


def test_malformed_catch_clauses() -> None:
    with pytest.raises(MalformedError, match="malformed catch clause 0x04"):
        validate_both_ways(decode_module(function_module(op("try_table", b"\x40", u(1), b"\4\0") + END * 2)), 0)
    clauses = u(10_001) + b"\2\0" * 10_001
    with pytest.raises(UnsupportedError, match="10001 catch clauses, but waot's limit is 10000"):
        validate_both_ways(decode_module(function_module(op("try_table", b"\x40", clauses) + END * 2)), 0)


# ---------------------------------------------------------------------- what may throw


def facts(text: str) -> Facts:
    """What is known of a function with `text` inside, both ways."""
    found = decoded(f"(func $self {text})")
    index = len(found.funcs) - 1
    result = collect_facts(found, [index])
    assert result == facts_plainly(found, index)
    return result


@pytest.mark.parametrize(
    ("text", "throws"),
    [
        ("nop", False),
        ("(throw $none)", True),
        ("(throw_ref (ref.null exn))", True),
        ("return (throw $none)", False),
        ("(try_table (catch $none 0) (throw $none))", False),
        ("(try_table (catch_all 0) (throw $none))", False),
        ("(try_table (catch_all 0) (throw_ref (ref.null exn)))", False),
        ("(try_table (throw $none))", True),
        ("(block (result i32) (try_table (catch $e 0) (throw $none)) (return)) drop", True),
        ("(block (result i32) (try_table (catch $e 0) (throw_ref (ref.null exn))) (return)) drop", True),
        ("(try_table (catch_all 0)) (throw $none)", True),
        ("(try_table (catch_all 0) (try_table (throw $none)))", False),
        (
            "(block (result i32) (try_table (catch $e 0) (try_table (catch $none 0) (throw $none))) (return)) drop",
            False,
        ),
        ("try throw $none catch $none end", False),
        ("try throw $none catch $e drop end", True),
        ("try throw $none catch_all end", False),
        ("try throw $none end", True),
        ("try throw $none catch $none throw $none end", True),
        ("try throw $none catch $none rethrow 0 end", True),
        ("try try throw $none catch_all rethrow 0 end catch_all end", False),
        ("try try throw $none catch_all end catch_all throw $none end", True),
        ("try throw $none delegate 0", True),
        ("try try throw $none delegate 0 catch_all end", False),
        ("try try throw $none delegate 1 catch_all end", True),
        ("try try try throw $none delegate 1 catch $e drop end catch_all end", False),
        ("try try try throw $none delegate 2 catch_all end catch_all end", True),
        ("try catch_all try throw $none delegate 0 end", True),
        ("try block try throw $none delegate 0 end catch_all end", False),
    ],
)
def test_functions_that_may_throw_are_found(text: str, throws: bool) -> None:
    assert bool(facts(text).throwing) == throws


@pytest.mark.parametrize(
    ("text", "callees", "escaping"),
    [
        ("(call $a) (drop (call $c))", (0, 2), (0, 2)),
        ("(drop (ref.func $a))", (0,), ()),
        ("(try_table (catch_all 0) (call $a)) (call $b)", (0, 1), (1,)),
        ("(try_table (catch $none 0) (call $a)) (call $b)", (0, 1), (0, 1)),
        ("(try_table (catch_all 0) (try_table (call $a)) (call $b))", (0, 1), ()),
        ("(try_table (call $a) (try_table (catch_all 0) (call $b)))", (0, 1), (0,)),
        ("(try_table (catch_all 0) (call $a)) (try_table (call $a))", (0,), (0,)),
        ("(try_table (catch_all 0) (return_call $a))", (0,), (0,)),
        ("try call $a catch_all call $b end", (0, 1), (1,)),
        ("try call $a catch $none call $b end", (0, 1), (0, 1)),
        ("try try call $a delegate 0 catch_all end", (0,), ()),
        ("try try call $a delegate 1 catch_all end", (0,), (0,)),
        ("try loop call $a br 0 end catch_all end", (0,), ()),
        ("return (try_table (catch_all 0) (call $a))", (), ()),
    ],
)
def test_calls_that_no_clause_surely_catches_are_found(
    text: str, callees: tuple[int, ...], escaping: tuple[int, ...]
) -> None:
    found = facts(text)
    assert found.callees == {3: callees}
    assert found.escaping_callees == {3: escaping}
    assert found.escaping_types == {3: ()}


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("(call_indirect (type $copy) (i32.const 0))", (0,)),
        ("(call_ref $copy (ref.func $a))", (0,)),
        ("(try_table (catch_all 0) (call_ref $v (ref.func $a)))", ()),
        ("(try_table (catch_all 0) (call_indirect (type $v) (i32.const 0)))", ()),
        ("(try_table (catch_all 0) (return_call_ref $copy (ref.func $a)))", (0,)),
        ("(try_table (catch_all 0) (return_call_indirect (type $copy) (i32.const 0)))", (0,)),
    ],
)
def test_indirect_calls_that_no_clause_surely_catches_are_found(text: str, types: tuple[int, ...]) -> None:
    assert facts(text).escaping_types == {3: types}


def test_facts_are_merged() -> None:
    found = decoded("(func (throw $none)) (func (call $a) (call_ref $v (ref.null $v)))")
    merged = collect_facts(found, [3])
    merged.merge(collect_facts(found, [4]))
    assert merged == collect_facts(found, [3, 4])
    assert merged.throwing == {3}
    assert merged.escaping_callees == {3: (), 4: (0,)}
    assert merged.escaping_types == {3: (), 4: (0,)}
