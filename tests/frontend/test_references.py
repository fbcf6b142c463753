"""Defined types, subtyping, and the operators of typed function references and garbage collection."""

from __future__ import annotations

import re

import pytest

from tests.frontend.building import END, body, function_module, listing, module, op, s, section, u, vec, wat
from tests.frontend.checker import check_body
from tests.frontend.comparing import validate_both_ways
from waot.errors import InvalidError, MalformedError, UnsupportedError
from waot.frontend import decode_module
from waot.frontend.module import (
    ANYREF,
    ARRAYREF,
    EQREF,
    EXTERNREF,
    FUNCREF,
    I8,
    I31REF,
    I32,
    I64,
    STRUCTREF,
    ArrayType,
    Body,
    FieldType,
    FuncType,
    Module,
    StructType,
    ref_type,
)
from waot.frontend.opcodes import BY_NAME
from waot.frontend.subtyping import matches_composite, matches_ref, matches_result, matches_val, top_of

_ENVIRONMENT = """
  (type $point (sub (struct (field $x i32) (field $y (mut i64)))))
  (type $point3 (sub $point (struct (field $x i32) (field $y (mut i64)) (field $z i8))))
  (type $ints (array (mut i32)))
  (type $bytes (array (mut i8)))
  (type $refs (array (mut anyref)))
  (type $same (sub (struct (field i32) (field (mut i64)))))
  (type $f (func (param i32) (result i32)))
  (type $anys (array (ref any)))
  (type $frozen (struct (field (ref $point)) (field i16)))
  (table $funcs 1 (ref null $f))
  (table $all 1 funcref)
  (func $id (export "id") (type $f) (local.get 0))
  (elem $points (ref null $point) (ref.null $point))
  (elem $i31s i31ref (ref.null i31))
  (data $d "abcd")
"""


def decoded(text: str) -> Module:
    """A module of the environment above and `text`, with all its bodies valid and as they promise.

    In the text ``#1`` is short for ``(i32.const 1)``.
    """
    text = re.sub(r"#(\d)", r"(i32.const \1)", text)
    found = decode_module(wat(f"(module {_ENVIRONMENT} {text})"))
    for index in range(found.imported_func_count, len(found.funcs)):
        check_body(found, validate_both_ways(found, index))
    return found


def validated(text: str) -> Body:
    """The body of the last function."""
    found = decoded(text)
    return validate_both_ways(found, len(found.funcs) - 1)


def code(text: str) -> list[str]:
    """The listing of a function with `text` inside, without its last `end`."""
    result = listing(validated(f"(func {text})"))
    assert result[-1] == "end"
    return result[:-1]


def refused(text: str) -> str:
    """The message about an invalid module."""
    with pytest.raises(InvalidError) as error:
        decoded(text)
    assert error.value.offset is not None
    return str(error.value)


# ---------------------------------------------------------------------- the type section


def types(*definitions: bytes) -> Module:
    return decode_module(module(section(1, vec(definitions))))


def rec(*definitions: bytes) -> bytes:
    return b"\x4e" + vec(definitions)


def struct(*fields: bytes) -> bytes:
    return b"\x5f" + vec(fields)


def sub(definition: bytes, *supertypes: int, final: bool = False) -> bytes:
    return (b"\x4f" if final else b"\x50") + vec([u(index) for index in supertypes]) + definition


def to(index: int) -> bytes:
    """A constant field that refers to a type."""
    return b"\x63" + s(index) + b"\0"


def test_types_are_read_with_their_supertypes() -> None:
    found = types(sub(struct()), sub(struct(b"\x7f\1"), 0), b"\x5e\x78\1", b"\x60\0\0")
    assert found.types == [
        StructType(()),
        StructType((FieldType(I32, True),)),
        ArrayType(FieldType(I8, True)),
        FuncType((), ()),
    ]
    assert found.supertypes == [None, 0, None, None]
    assert found.finals == [False, False, True, True]
    assert found.rec_groups == [0, 1, 2, 3]


def test_equal_types_have_the_first_ones_index() -> None:
    assert types(b"\x60\0\0", b"\x60\1\x7f\0", b"\x60\0\0").canonical == [0, 1, 0]
    assert types(b"\x60\0\0", rec(b"\x60\0\0"), sub(b"\x60\0\0", final=True)).canonical == [0, 0, 0]
    # Not the same: not final; another place in another group.
    assert types(b"\x60\0\0", sub(b"\x60\0\0")).canonical == [0, 1]
    assert types(b"\x60\0\0", rec(b"\x60\0\0", b"\x60\0\0")).canonical == [0, 1, 2]
    assert types(rec(struct(), struct()), rec(struct(), struct())).canonical == [0, 1, 0, 1]


def test_equal_groups_refer_to_themselves_in_the_same_places() -> None:
    found = types(
        rec(struct(to(1)), struct(to(0))),
        rec(struct(to(3)), struct(to(2))),
        rec(struct(to(4)), struct(to(5))),
        struct(to(2)),
        struct(to(0)),
    )
    assert found.canonical == [0, 1, 0, 1, 4, 5, 6, 6]
    assert found.types[2] == found.types[0] == StructType((FieldType(ref_type(1), False),))
    assert found.types[7] == StructType((FieldType(ref_type(0), False),))
    assert found.rec_groups == [0, 0, 2, 2, 4, 4, 6, 7]


def test_equal_groups_have_equal_supertypes() -> None:
    found = types(
        sub(struct()),
        rec(sub(struct(), 0), sub(struct(), 1)),
        rec(sub(struct(), 0), sub(struct(), 3)),
        rec(sub(struct(), 0), sub(struct(), 0)),
    )
    assert found.canonical == [0, 1, 2, 1, 2, 5, 6]
    assert found.supertypes == [None, 0, 1, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        ([sub(struct(), 0)], "unknown type 0: the supertype of type 0 has to stand before it"),
        ([rec(sub(struct(), 1), sub(struct()))], "unknown type 1"),
        ([struct(to(1))], "unknown type 1"),
        ([rec(struct(to(1))), struct()], "unknown type 1"),
        ([struct(), sub(struct(), 0)], "sub type: type 0, the supertype of type 1, is final"),
        ([sub(struct()), sub(struct(), 0, 0)], "type 1 has 2 supertypes"),
        ([sub(struct(b"\x7f\0")), sub(struct(), 0)], "sub type: type 1 does not match its supertype 0"),
        ([sub(struct(b"\x7f\0")), sub(struct(b"\x7f\1"), 0)], "does not match"),
        ([sub(struct(b"\x6e\1")), sub(struct(b"\x6d\1"), 0)], "does not match"),
        ([sub(struct()), sub(b"\x5e\x7f\0", 0)], "does not match"),
        ([sub(b"\x60\0\1\x6d"), sub(b"\x60\0\1\x6e", 0)], "does not match"),
        ([sub(b"\x60\1\x6e\0"), sub(b"\x60\1\x6d\0", 0)], "does not match"),
    ],
)
def test_supertypes_that_cannot_be_are_invalid(definitions: list[bytes], message: str) -> None:
    with pytest.raises(InvalidError) as error:
        types(*definitions)
    assert message in str(error.value)
    assert error.value.offset is not None


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (b"\x5f\1\x7f\2", "malformed mutability 0x02"),
        (b"\x5f\1\x79\0", "malformed value type 0x79"),
        (b"\x4e\1\x4e\0", "malformed type form 0x4e"),
        (b"\x50\0\x50\0\x5f\0", "malformed type form 0x50"),
        (b"\x60\1\x78\0", "malformed value type 0x78"),
        (b"\x60\1\x63\x40\0", "malformed heap type"),
        (b"\x5f\1", "unexpected end"),
    ],
)
def test_malformed_types(definition: bytes, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        types(definition)


def test_63_supertypes_above_one_another_are_the_most() -> None:
    chain = [sub(struct())] + [sub(struct(), i) for i in range(63)]
    assert len(types(*chain).types) == 64
    for definitions in ([*chain, sub(struct(), 63)], [rec(*chain, sub(struct(), 63))]):
        with pytest.raises(UnsupportedError, match="64 supertypes above one another, but waot's limit is 63"):
            types(*definitions)


# ---------------------------------------------------------------------- subtyping


def test_heap_types_match_those_above_them() -> None:
    found = decoded("")
    point, point3 = ref_type(0), ref_type(1)
    chains = [
        [ref_type("none"), I31REF, EQREF, ANYREF],
        [ref_type("none"), point3, point, STRUCTREF, EQREF, ANYREF],
        [ref_type("none"), ref_type(2), ARRAYREF, EQREF, ANYREF],
        [ref_type("nofunc"), ref_type(6), FUNCREF],
        [ref_type("noextern"), EXTERNREF],
        [ref_type("noexn"), ref_type("exn")],
    ]
    for chain in chains:
        for low, a in enumerate(chain):
            for high, b in enumerate(chain):
                assert matches_ref(found, a, b) == (low <= high), (a, b)
    for first in chains:
        for second in chains:
            if top_of(found, first[-1].heap) != top_of(found, second[-1].heap):
                assert not any(matches_ref(found, a, b) for a in first for b in second)
    assert not matches_ref(found, I31REF, STRUCTREF)
    assert not matches_ref(found, ref_type(2), ref_type(3))


def test_null_matches_only_what_is_nullable() -> None:
    found = decoded("")
    for heap in ("any", 0):
        assert matches_val(found, ref_type(heap, nullable=False), ref_type(heap))
        assert not matches_val(found, ref_type(heap), ref_type(heap, nullable=False))
    assert not matches_val(found, I32, I64)
    assert not matches_val(found, I32, ANYREF)
    assert matches_result(found, (I32, I31REF), (I32, ANYREF))
    assert not matches_result(found, (I32,), (I32, ANYREF))


def test_functions_match_contravariantly() -> None:
    found = decoded("")
    narrow, wide = FuncType((EQREF,), (ANYREF,)), FuncType((ANYREF,), (EQREF,))
    assert matches_composite(found, wide, narrow)
    assert not matches_composite(found, narrow, wide)


# ---------------------------------------------------------------------- immediates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(drop (struct.new $same #1 (i64.const 2)))", "struct.new 0"),
        ("(drop (struct.new_default $point3))", "struct.new_default 1"),
        ("(drop (struct.get $same 1 (struct.new_default $point3)))", "struct.get (0, 1)"),
        ("(drop (struct.get_s $point3 2 (struct.new_default $point3)))", "struct.get_s (1, 2)"),
        ("(drop (struct.get_u $frozen 1 (ref.null none)))", "struct.get_u (8, 1)"),
        ("(struct.set $same 1 (ref.null $point) (i64.const 1))", "struct.set (0, 1)"),
        ("(drop (array.new $ints #1 #2))", "array.new 2"),
        ("(drop (array.new_default $bytes #2))", "array.new_default 3"),
        ("(drop (array.new_fixed $bytes 2 #1 #2))", "array.new_fixed (3, 2)"),
        ("(drop (array.new_data $ints $d #0 #1))", "array.new_data (2, 0)"),
        ("(drop (array.new_elem $refs $i31s #0 #1))", "array.new_elem (4, 1)"),
        ("(drop (array.get $ints (ref.null $ints) #1))", "array.get 2"),
        ("(drop (array.get_s $bytes (ref.null $bytes) #1))", "array.get_s 3"),
        ("(drop (array.get_u $bytes (ref.null $bytes) #1))", "array.get_u 3"),
        ("(array.set $bytes (ref.null none) #1 #1)", "array.set 3"),
        ("(drop (array.len (ref.null $ints)))", "array.len"),
        ("(array.fill $refs (ref.null $refs) #1 (ref.null i31) #1)", "array.fill 4"),
        (
            "(array.copy $refs $anys (ref.null $refs) #1 (ref.null $anys) #1 #1)",
            "array.copy (4, 7)",
        ),
        ("(array.init_data $bytes $d (ref.null $bytes) #0 #0 #0)", "array.init_data (3, 0)"),
        ("(array.init_elem $refs $points (ref.null $refs) #0 #0 #0)", "array.init_elem (4, 0)"),
        ("(drop (ref.test (ref $same) (ref.null $point)))", "ref.test ((ref 0), (ref null 0))"),
        ("(drop (ref.test i31ref (ref.i31 #0)))", "ref.test null (i31ref, (ref i31))"),
        ("(drop (ref.cast (ref $same) (ref.null any)))", "ref.cast ((ref 0), anyref)"),
        ("(drop (ref.cast (ref null $f) (ref.func $id)))", "ref.cast null ((ref null 6), (ref 6))"),
        ("(drop (ref.eq (ref.null i31) (ref.null $point)))", "ref.eq"),
        ("(drop (i31.get_s (ref.i31 #1)))", "i31.get_s"),
        ("(drop (any.convert_extern (ref.null extern)))", "any.convert_extern"),
        ("(drop (extern.convert_any (ref.null i31)))", "extern.convert_any"),
        ("(drop (ref.as_non_null (ref.null i31)))", "ref.as_non_null"),
        ("(drop (call_ref $f #1 (ref.func $id)))", "call_ref 6"),
        ("(drop (call_indirect $funcs (type $f) #1 #0))", "call_indirect (6, 0)"),
        ("(drop (call_indirect $all (type $f) #1 #0))", "call_indirect (6, 1)"),
        ("(block $l (drop (br_on_null $l (ref.null $point))))", "br_on_null 0"),
        ("(drop (block $l (result anyref) (br_on_non_null $l (ref.null $point)) (ref.null any)))", "br_on_non_null 0"),
        (
            "(drop (block $l (result eqref) (br_on_cast $l anyref (ref $same) (ref.null none)) drop (ref.null eq)))",
            "br_on_cast (0, anyref, (ref 0))",
        ),
        (
            "(drop (block $l (result (ref any)) (br_on_cast_fail $l anyref i31ref (ref.null none)) (unreachable)))",
            "br_on_cast_fail (0, anyref, i31ref)",
        ),
        ("(block (result (ref null $same)) (ref.null $point)) drop", "block ([] -> [(ref null 0)])"),
        ("(ref.null $same) drop", "drop (ref null 0)"),
    ],
)
def test_immediates_have_canonical_types(text: str, expected: str) -> None:
    assert expected in code(text)


def test_operands_have_the_types_that_the_operators_before_give() -> None:
    def dropped(text: str) -> str:
        return code(f"(drop {text})")[-1]

    assert dropped("(ref.func $id)") == "drop (ref 6)"
    assert dropped("(struct.new_default $same)") == "drop (ref 0)"
    assert dropped("(ref.as_non_null (ref.null eq))") == "drop (ref eq)"
    assert dropped("(any.convert_extern (ref.null extern))") == "drop anyref"
    assert dropped("(extern.convert_any (ref.i31 #0))") == "drop (ref extern)"
    assert dropped("(select (result anyref) (ref.null i31) (ref.null eq) #1)") == "drop anyref"
    assert dropped("(block $l (result eqref) (br_if $l (ref.null i31) #1))") == "drop eqref"
    assert "drop eqref" in code("(block $l (result eqref) (br_if $l (ref.null i31) #1) drop (ref.null eq)) drop")
    # After br_on_cast null is still there, unless the type tested for takes it.
    cast = "(block $l (result {1}) (br_on_cast $l {0} {1} (ref.null none)) drop (unreachable)) drop"
    assert "drop anyref" in code(cast.format("anyref", "(ref i31)"))
    assert "drop (ref any)" in code(cast.format("anyref", "i31ref"))


def test_constant_expressions_make_objects() -> None:
    found = decoded(
        """(global $a (ref $point) (struct.new $same #1 (i64.const 2)))
           (global $b anyref (global.get $a))
           (global (ref $anys) (array.new_fixed $anys 2 (ref.i31 #1) (global.get $a)))
           (global (ref $ints) (array.new $ints #1 #2))
           (global (ref $bytes) (array.new_default $bytes (i32.add #1 #2)))
           (global (ref null $point) (struct.new_default $point3))
           (global externref (extern.convert_any (global.get $b)))
           (global anyref (any.convert_extern (ref.null extern)))
           (table 2 (ref i31) (ref.i31 #7))"""
    )
    assert found.defined_globals[0].init[-1][:2] == (BY_NAME["struct.new"].index, 0)
    assert found.defined_globals[2].init[-1][:2] == (BY_NAME["array.new_fixed"].index, (7, 2))
    assert found.defined_tables[-1].init is not None
    assert found.tables[-1].element is ref_type("i31", nullable=False)


def test_elements_are_functions_where_all_are() -> None:
    found = decoded(
        "(elem (ref $f) (ref.func $id)) (elem funcref (ref.func $id)) (elem func $id) (elem (table $all) #0 func $id)"
    )
    last = found.elements[-4:]
    assert [e.functions for e in last] == [(0,)] * 4
    assert [e.type for e in last] == [ref_type(6, nullable=False), FUNCREF, *[ref_type("func", nullable=False)] * 2]


# ---------------------------------------------------------------------- what is invalid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(func (drop (struct.new $ints)))", "type 2 is not a struct type"),
        ("(func (drop (array.len (struct.new_default $point))))", "expected arrayref, found (ref 0)"),
        ("(func (drop (array.new_default $point #1)))", "type 0 is not an array type"),
        ("(func (drop (call_ref $point (ref.null none))))", "type 0 is not a function type"),
        ("(func (block (type $point)))", "type 0 is not a function type"),
        ("(func (type $point))", "type 0 is not a function type"),
        ("(func (drop (struct.new $point (i64.const 1) (i64.const 1))))", "expected i32, found i64"),
        ("(func (drop (struct.new_default $frozen)))", "type 8 has a field without a default value"),
        ("(func (drop (array.new_default $anys #1)))", "an element of type (ref any) has no default value"),
        ("(func (drop (struct.get $point 2 (ref.null none))))", "unknown field 2: type 0 has 2"),
        ("(func (drop (struct.get $point3 2 (ref.null none))))", "the field is packed (i8)"),
        ("(func (drop (struct.get_s $point 1 (ref.null none))))", "the field is not packed"),
        ("(func (drop (array.get $bytes (ref.null none) #0)))", "the field is packed (i8)"),
        ("(func (drop (array.get_u $ints (ref.null none) #0)))", "the field is not packed"),
        ("(func (struct.set $point 0 (ref.null none) #0))", "immutable field: field 0 of type 0"),
        ("(func (array.set $anys (ref.null none) #0 (ref.i31 #0)))", "immutable array"),
        ("(func (array.fill $anys (ref.null none) #0 (ref.i31 #0) #0))", "immutable"),
        ("(func (array.init_data $refs $d (ref.null none) #0 #0 #0))", "anyref cannot come"),
        ("(func (array.init_elem $anys $i31s (ref.null none) #0 #0 #0))", "immutable"),
        ("(func (drop (array.new_elem $anys $i31s #0 #0)))", "a segment of i31ref in an array of"),
        ("(func (drop (array.new_elem $anys 7 #0 #0)))", "unknown elem segment 7"),
        ("(func (drop (array.new_data $ints 7 #0 #0)))", "unknown data segment 7"),
        (
            "(func (array.copy $ints $bytes (ref.null none) #0 (ref.null none) #0 #0))",
            "from an array of i8 to one of i32",
        ),
        ("(func (drop (ref.test (ref $f) (ref.null any))))", "expected funcref, found anyref"),
        ("(func (drop (ref.cast i31ref (ref.null func))))", "expected anyref, found funcref"),
        ("(func (drop (ref.eq (ref.null any) (ref.null eq))))", "expected eqref, found anyref"),
        ("(func (drop (i31.get_s (ref.null eq))))", "expected i31ref, found eqref"),
        ("(func (drop (ref.as_non_null #0)))", "expected a reference, found i32"),
        ("(func (drop (any.convert_extern (ref.null any))))", "expected externref, found anyref"),
        ("(func (drop (call_ref $f #1 (ref.null func))))", "expected (ref null 6), found funcref"),
        ("(func (result i64) (return_call_ref $f #1 (ref.func $id)))", "the callee is [i32] -> [i32]"),
        ("(func (block $l (br_on_non_null $l (ref.null func))))", "a reference has to be the last"),
        ("(func (block $l (br_on_cast $l anyref i31ref (ref.null any)) drop))", "the branch gives i31ref last"),
        (
            "(func (block $l (result i31ref) (br_on_cast_fail $l eqref i31ref (ref.null eq))) drop)",
            "the branch gives (ref eq)",
        ),
        (
            "(func (block $l (result anyref) (br_on_cast $l i31ref anyref (ref.null any))) drop)",
            "anyref is not a subtype",
        ),
        ("(func (block $l (result eqref) (br_if $l (ref.null any) #0)) drop)", "expected eqref, found anyref"),
        ("(func (param (ref null $point)) (drop (struct.get_u $point3 2 (local.get 0))))", "expected (ref null 1)"),
        ("(func (result (ref any)) (ref.null any))", "expected (ref any), found anyref"),
        ("(table 1 (ref func))", "a table of (ref func) needs an initial value"),
        ("(table 1 (ref func) (ref.null func))", "expected [(ref func)], found [funcref]"),
        ("(global (ref $point) (struct.new $point (i64.const 1)))", "expected i32, but the stack is empty"),
        ("(global (ref $point) (struct.new $ints #1))", "type 2 is not a struct type"),
        ("(global (ref $frozen) (struct.new_default $frozen))", "type 8 has a field without a default value"),
        ("(global (ref $anys) (array.new_default $anys #1))", "has no default value"),
        ("(global (ref $ints) (array.new_data $ints $d #1 #1))", "'array.new_data' is not constant"),
        ("(global (ref $ints) (array.new_fixed $ints 2 #1))", "but the stack is empty"),
        ("(table 1 anyref (global.get $late)) (global $late anyref (ref.null any))", "unknown global 0"),
        ("(elem (ref $point) (ref.func $id))", "expected (ref 0), found (ref 6)"),
        ("(elem (table $funcs) #0 funcref (ref.null func))", "a segment of funcref in a table of (ref null 6)"),
        ("(func (table.copy $funcs $all #0 #0 #0))", "from a table of funcref to one"),
    ],
)
def test_what_does_not_fit_is_invalid(text: str, message: str) -> None:
    assert message in refused(text)


def test_malformed_cast_flags() -> None:
    source = function_module(op("br_on_cast", b"\4", u(0), b"\x6e\x6e") + END)
    with pytest.raises(MalformedError, match="malformed br_on_cast flags 0x04"):
        validate_both_ways(decode_module(source), 0)


def test_unknown_types_in_bodies_are_invalid() -> None:
    for code_bytes in (op("struct.new", u(9)), op("ref.null", s(9)), op("block", s(9)), op("call_ref", u(9))):
        with pytest.raises(InvalidError, match="unknown type 9"):
            validate_both_ways(decode_module(function_module(code_bytes + END)), 0)


def test_operands_of_array_new_fixed_have_a_limit() -> None:
    source = module(
        section(1, vec([b"\x5e\x7f\0", b"\x60\0\0"])),
        section(3, vec([u(1)])),
        section(10, vec([body(op("unreachable") + op("array.new_fixed", u(0), u(2**32 - 1)) + op("drop") + END)])),
    )
    with pytest.raises(UnsupportedError, match="4294967295 operands of array"):
        validate_both_ways(decode_module(source), 0)


# ---------------------------------------------------------------------- code that cannot be reached


@pytest.mark.parametrize(
    "text",
    [
        "(drop (ref.as_non_null (unreachable)))",
        "unreachable br_on_null 0 drop",
        "unreachable ref.as_non_null struct.get $point 1 drop",
        "unreachable ref.as_non_null call_ref $f drop",
        "(drop (block (result (ref extern)) unreachable extern.convert_any))",
        "(drop (block (result (ref any)) unreachable any.convert_extern))",
        "unreachable ref.test (ref $f) drop",
        "(drop (block $l (result anyref) unreachable br_on_cast $l anyref i31ref))",
        "unreachable array.new_fixed $ints 10000 drop",
        "unreachable struct.new $point drop",
    ],
)
def test_unreachable_code_has_the_operands_it_needs(text: str) -> None:
    validated(f"(func {text})")


def test_unreachable_references_are_no_numbers() -> None:
    assert "expected i32, found (ref bottom)" in refused("(func unreachable ref.as_non_null i32.eqz drop)")


# ---------------------------------------------------------------------- locals without a default value


@pytest.mark.parametrize(
    "text",
    [
        "(local (ref $point)) (local.set 0 (struct.new_default $point)) (drop (local.get 0))",
        "(local (ref $point)) (drop (local.tee 0 (struct.new_default $point))) (block (drop (local.get 0)))",
        "(param (ref $point)) (local (ref $point)) (drop (local.get 0))",
        "(local (ref null $point) (ref $point)) (drop (local.get 0))",
        "(local (ref $point)) (local.set 0 (struct.new_default $point)) (loop (drop (local.get 0)))",
    ],
)
def test_locals_are_read_after_they_are_set(text: str) -> None:
    validated(f"(func {text})")


@pytest.mark.parametrize(
    "text",
    [
        "(local (ref $point)) (drop (local.get 0))",
        "(param i32) (local (ref $point)) (block (local.set 1 (struct.new_default $point))) (drop (local.get 1))",
        "(local (ref $point)) (if #0 (then (local.set 0 (struct.new_default $point))) (else (drop (local.get 0))))",
        "(local (ref $point)) (block (local.set 0 (struct.new_default $point)) (br 0)) (drop (local.get 0))",
        "(local (ref $point)) unreachable (drop (local.get 0))",
        "(local (ref $point)) (loop (drop (local.get 0)) (local.set 0 (struct.new_default $point)) (br 0))",
    ],
)
def test_locals_read_before_they_are_set_are_invalid(text: str) -> None:
    assert "uninitialized local" in refused(f"(func {text})")
