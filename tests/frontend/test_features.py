"""`decode_module(..., features=...)`: what a proposal that is turned off adds is refused by name, all else is not."""

from __future__ import annotations

import pytest

from tests.frontend.building import END, PREAMBLE, function_module, module, name, op, section, u, vec, wat
from waot.errors import UnsupportedError, UsageError
from waot.frontend import collect_facts, decode_module
from waot.frontend.module import Module
from waot.frontend.opcodes import OPERATORS, PROPOSALS, SUPPORTED_PROPOSALS, Operator
from waot.options import BuildOptions, parse_features


def validated(source: bytes, features: frozenset[str] | None) -> Module:
    decoded = decode_module(source, features=features)
    collect_facts(decoded, range(decoded.imported_func_count, len(decoded.funcs)))
    return decoded


@pytest.mark.parametrize(
    "operator", [o for o in OPERATORS if o.supported and o.proposal != "mvp"], ids=lambda operator: operator.name
)
def test_operators_of_a_proposal_that_is_off_are_refused_by_name(operator: Operator) -> None:
    source = function_module(op("nop") + op(operator.name) + END)
    with pytest.raises(UnsupportedError) as error:
        validated(source, PROPOSALS - {operator.proposal})
    start = decode_module(source).codes[0].start
    assert str(error.value) == (
        f"'{operator.name}' belongs to the proposal {operator.proposal}, which --features turns off "
        f"(code section, function func[0], offset 0x{start + 2:x})"
    )


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (module(section(1, vec([b"\x5f\0\0"]))), "a struct type belongs to the proposal gc"),
        (module(section(1, vec([b"\x5e\x7f\0"]))), "an array type belongs to the proposal gc"),
        (module(section(1, vec([b"\x4e\0\0"]))), "a recursive type group belongs to the proposal gc"),
        (module(section(1, vec([b"\x50\0\x60\0\0"]))), "a subtype belongs to the proposal gc"),
        (module(section(1, vec([b"\x60\1\x6e\0"]))), "anyref belongs to the proposal gc"),
        (module(section(1, vec([b"\x60\1\x71\0"]))), "nullref belongs to the proposal gc"),
        (module(section(1, vec([b"\x60\1\x69\0"]))), "exnref belongs to the proposal exception-handling"),
        (module(section(1, vec([b"\x60\1\x64\x70\0"]))), "belongs to the proposal function-references"),
        (module(section(1, vec([b"\x60\0\0", b"\x60\1\x63\0\0"]))), "belongs to the proposal function-references"),
        (module(section(1, vec([b"\x60\1\x6f\0"]))), "externref belongs to the proposal reference-types"),
        (module(section(1, vec([b"\x60\1\x7b\0"]))), "v128 belongs to the proposal simd"),
        (module(section(1, vec([b"\x60\0\2\x7f\x7f"]))), "several results belongs to the proposal multi-value"),
        (module(section(4, vec([b"\x40\0\x70\0\1\xd0\x70\x0b"]))), "a table with an initial value"),
        (module(section(4, vec([b"\x6f\0\1"]))), "externref belongs to the proposal reference-types"),
        (module(section(4, vec([b"\x70\0\1"] * 2))), "a second table belongs to the proposal reference-types"),
        (module(section(4, vec([b"\x70\4\1"]))), "a table with 64-bit indices belongs to the proposal memory64"),
        (module(section(5, vec([b"\4\1"]))), "a memory with 64-bit indices belongs to the proposal memory64"),
        (module(section(5, vec([b"\3\1\1"]))), "a shared memory belongs to the proposal threads"),
        (module(section(5, vec([b"\x08\1\0"]))), "a memory with its own page size belongs to the proposal custom-"),
        (module(section(5, vec([b"\0\1"] * 2))), "a second memory belongs to the proposal multi-memory"),
        (module(section(13, vec([b"\0\0"]))), "the tag section belongs to the proposal exception-handling"),
        (module(section(2, vec([name("a") + name("b") + b"\4\0\0"]))), "the import of a tag"),
        (
            module(section(2, vec([name("a") + name("b") + b"\3\x7f\1"]))),
            "the import of a mutable global belongs to the proposal mutable-global",
        ),
        (
            module(section(6, vec([b"\x7f\1\x41\0\x0b"])), section(7, vec([name("g") + b"\3\0"]))),
            "the export of a mutable global belongs to the proposal mutable-global",
        ),
        (module(section(6, vec([b"\x6e\0\xd0\x6e\x0b"]))), "anyref belongs to the proposal gc"),
        (
            module(section(6, vec([b"\x7f\0\x41\1\x41\2\x6a\x0b"]))),
            "'i32.add' in a constant expression belongs to the proposal extended-const",
        ),
        (module(section(9, vec([b"\1\0\0"]))), "an element segment that is not active"),
        (module(section(9, vec([b"\5\x70\0"]))), "an element segment"),
        (module(section(12, u(0))), "the data count section belongs to the proposal bulk-memory"),
        (module(section(11, vec([b"\1\0"]))), "a passive data segment belongs to the proposal bulk-memory"),
        (function_module(op("block", b"\x69") + END), "exnref belongs to the proposal exception-handling"),
        (function_module(op("block", b"\x64\x70") + END), "belongs to the proposal function-references"),
        (function_module(op("block", u(0)) + END * 2), "a block of type 0 belongs to the proposal multi-value"),
        (function_module(op("ref.null", b"\x6e") + END), "'ref.null' belongs to the proposal reference-types"),
    ],
)
def test_forms_of_a_proposal_that_is_off_are_refused_by_name(source: bytes, what: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        validated(source, frozenset())
    assert what in str(error.value)
    assert "which --features turns off" in str(error.value)
    assert error.value.offset is not None


def test_what_is_on_is_taken() -> None:
    source = wat("(module (func (param i64) (result i64) (i64.extend8_s (local.get 0))))")
    assert validated(source, frozenset({"sign-extension"})).features == frozenset({"sign-extension", "mvp"})
    assert validated(source, None).features is None
    with pytest.raises(UnsupportedError, match="sign-extension"):
        validated(source, PROPOSALS - {"sign-extension"})


def test_the_mvp_is_taken_with_all_features_off() -> None:
    source = wat(
        "(module (table 1 funcref) (memory 1) (global (mut i32) (i32.const 0)) (elem (i32.const 0) 0)"
        ' (data (i32.const 0) "x") (func (export "f") (param i32) (result i32)'
        " (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.load (i32.const 0))))))"
    )
    assert validated(source, frozenset()).exports[0].name == "f"


def test_proposals_are_what_can_be_turned_off() -> None:
    assert SUPPORTED_PROPOSALS - {"mvp"} <= PROPOSALS
    assert "mvp" not in PROPOSALS


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("all", PROPOSALS),
        ("mvp", frozenset()),
        ("-gc", PROPOSALS - {"gc"}),
        ("all,-gc,-simd", PROPOSALS - {"gc", "simd"}),
        ("mvp,simd,+gc", {"gc", "simd"}),
        ("-gc, gc", PROPOSALS),
        ("mvp,all", PROPOSALS),
        ("gc,mvp", frozenset()),
    ],
)
def test_features_are_applied_from_left_to_right(text: str, chosen: frozenset[str]) -> None:
    found = parse_features(text)
    assert (PROPOSALS if found is None else frozenset(found)) == chosen
    assert parse_features(text.split(",")) == found
    assert BuildOptions.parse(features=text).features == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-simmd", "'-simmd' in --features is no feature of WebAssembly that waot knows; did you mean simd?"),
        ("mvp,qqq", "'qqq' in --features is no feature of WebAssembly that waot knows; use all, mvp or any of bulk-"),
        ("", "'' in --features"),
    ],
)
def test_unknown_features_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_features(text)
    assert message in str(error.value)


def test_no_feature_matters_to_an_empty_module() -> None:
    assert validated(PREAMBLE, frozenset()).types == []
