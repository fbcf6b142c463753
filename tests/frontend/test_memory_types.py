"""Types of memories and tables with 64-bit indices, shared or with pages of their own size, and branch hints."""

from __future__ import annotations

import pytest

from tests.frontend.building import custom, function_module, module, op, s, section, u, validate, vec, wat
from waot.errors import InvalidError, MalformedError
from waot.frontend import decode_module
from waot.frontend.hints import SECTION
from waot.frontend.module import I32, I64, Limits, MemoryType


def memory(*contents: int) -> bytes:
    return module(section(5, vec([bytes(contents)])))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (memory(4, 1), MemoryType(Limits(1, None, index64=True))),
        (memory(5, 1, 2), MemoryType(Limits(1, 2, index64=True))),
        (memory(3, 1, 2), MemoryType(Limits(1, 2, shared=True))),
        (memory(7, 1, 2), MemoryType(Limits(1, 2, index64=True, shared=True))),
        (memory(8, 1, 0), MemoryType(Limits(1, None), 0)),
        (memory(15, 1, 2, 16), MemoryType(Limits(1, 2, index64=True, shared=True), 16)),
    ],
)
def test_memory_types(source: bytes, expected: MemoryType) -> None:
    (found,) = decode_module(source).memories
    assert found == expected
    assert found.limits.index is (I64 if expected.limits.index64 else I32)


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (memory(16, 1), MalformedError, "malformed limits flags 0x10"),
        (memory(8, 1, 64), MalformedError, "invalid custom page size"),
        (memory(8, 1, 1), InvalidError, "invalid custom page size"),
        (memory(2, 1), InvalidError, "shared memory must have maximum"),
        (
            wat("(module (memory i64 0x1000000000001))"),
            InvalidError,
            "memory size must be at most 281474976710656 pages",
        ),
        (wat("(module (memory 0x100000000 (pagesize 1)))"), InvalidError, "memory size must be at most 4294967295"),
        (wat("(module (memory i64 1) (data (i32.const 0) ))"), InvalidError, "type mismatch"),
        (wat("(module (table i64 1 funcref) (elem (i32.const 0)))"), InvalidError, "type mismatch"),
    ],
)
def test_what_is_wrong_with_a_memory_or_table(source: bytes, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        decode_module(source)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("(drop (i32.load $w (i32.const 0)))", "expected i64, found i32"),
        ("(drop (i32.load $n (i64.const 0)))", "expected i32, found i64"),
        ("(memory.copy $w $n (i64.const 0) (i32.const 0) (i64.const 0))", "expected i32, found i64"),
        ("(memory.copy $w $w (i64.const 0) (i64.const 0) (i32.const 0))", "expected i64, found i32"),
        ("(memory.init $w $d (i32.const 0) (i32.const 0) (i32.const 0))", "expected i64, found i32"),
        ("(drop (memory.grow $w (i32.const 0)))", "expected i64, found i32"),
        ("(drop (i32.add (memory.size $w) (i32.const 0)))", "expected i32, found i64"),
        ("(drop (i32.load $n offset=0x100000000 (i32.const 0)))", "offset out of range"),
        ("(drop (i32.atomic.load $n align=2 (i32.const 0)))", "alignment must be natural"),
        ("(drop (i32.atomic.load8_u $n align=2 (i32.const 0)))", "alignment must not be larger"),
    ],
)
def test_what_is_wrong_with_an_access(code: str, message: str) -> None:
    source = wat(f'(module (memory $n 1) (memory $w i64 1) (data $d "") (func {code}))')
    with pytest.raises(InvalidError, match=message):
        validate(source)


def test_a_fence_has_a_zero_byte() -> None:
    validate(function_module(op("atomic.fence", b"\0") + op("end")))
    with pytest.raises(MalformedError, match="zero byte expected"):
        validate(function_module(op("atomic.fence", b"\1") + op("end")))


_CODE = op("i32.const", s(0)) + op("if", b"\x40") + op("end") + op("end")  # the `if` is 3 bytes into the body


def _hints(contents: bytes) -> dict[int, bool]:
    decoded = decode_module(function_module(_CODE, more=[custom(SECTION, contents)]))
    return {at - decoded.codes[0].start: value for at, value in decoded.branch_hints.items()}


def test_branch_hints_are_read() -> None:
    assert _hints(vec([u(0) + vec([u(3) + b"\1\1"])])) == {3: True}
    assert _hints(vec([u(0) + vec([u(3) + b"\1\0"])])) == {3: False}


def test_branch_hints_about_other_operators_are_left_out() -> None:
    assert _hints(vec([u(0) + vec([u(1) + b"\1\1", u(3) + b"\1\1", u(1000) + b"\1\1"])])) == {3: True}


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        vec([u(1) + vec([u(3) + b"\1\1"])]),  # there is one function
        vec([u(0) + vec([u(3) + b"\1\2"])]),
        vec([u(0) + vec([u(3) + b"\2\1"])]),
        vec([u(0) + vec([u(3) + b"\1\1"])]) + b"\0",
        vec([u(0) + vec([u(3) + b"\1\1"])])[:-1],
        u(0xFFFFFFFF),
    ],
)
def test_malformed_branch_hints_are_ignored(contents: bytes) -> None:
    assert _hints(contents) == {}
