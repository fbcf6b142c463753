"""LEB128 integers and names (sections 5.2.2 and 5.2.4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.frontend.building import s, u
from waot.errors import MalformedError, UnsupportedError, WaotError
from waot.frontend.reader import Reader


def read(source: bytes, method: Callable[[Reader], object]) -> object:
    reader = Reader(source, 0, len(source))
    value = method(reader)
    assert reader.pos == len(source)
    return value


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_unsigned_integers_are_read_back(small: int, large: int) -> None:
    assert read(u(small), Reader.u32) == small
    assert read(u(large), Reader.u64) == large


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**32), 2**32 - 1), st.integers(-(2**63), 2**63 - 1))
def test_signed_integers_are_read_back(small: int, middle: int, large: int) -> None:
    assert read(s(small), Reader.s32) == small
    assert read(s(middle), Reader.s33) == middle
    assert read(s(large), Reader.s64) == large


@pytest.mark.parametrize(
    ("source", "method", "value"),
    [
        ("80 80 80 80 00", Reader.u32, 0),  # padding is allowed up to the longest form
        ("ff ff ff ff 0f", Reader.u32, 2**32 - 1),
        ("ff ff ff ff 7f", Reader.s32, -1),
        ("80 80 80 80 78", Reader.s32, -(2**31)),
        ("80 80 80 80 70", Reader.s33, -(2**32)),
        ("ff ff ff ff 0f", Reader.s33, 2**32 - 1),
        ("80 80 80 80 80 80 80 80 80 7f", Reader.s64, -(2**63)),
        ("ff ff ff ff ff ff ff ff ff 01", Reader.u64, 2**64 - 1),
    ],
)
def test_longest_forms_are_read(source: str, method: Callable[[Reader], object], value: int) -> None:
    assert read(bytes.fromhex(source), method) == value


@pytest.mark.parametrize(
    ("source", "method", "message"),
    [
        ("80 80 80 80 80 00", Reader.u32, "too long"),
        ("80 80 80 80 10", Reader.u32, "too large"),
        ("ff ff ff ff 4f", Reader.s32, "too large"),
        ("80 80 80 80 08", Reader.s32, "too large"),
        ("80 80 80 80 10", Reader.s33, "too large"),
        ("80 80 80 80 80 7f", Reader.s32, "too long"),
        ("80 80 80 80 80 80 80 80 80 02", Reader.u64, "too large"),
        ("80 80 80 80 80 80 80 80 80 01", Reader.s64, "too large"),
        ("80 80 80 80 80 80 80 80 80 80 00", Reader.s64, "too long"),
        ("80 80", Reader.u32, "unexpected end"),
        ("", Reader.u32, "unexpected end"),
        ("", Reader.s64, "unexpected end"),
        ("", Reader.byte, "unexpected end"),
    ],
)
def test_integers_beyond_their_range_are_malformed(
    source: str, method: Callable[[Reader], object], message: str
) -> None:
    with pytest.raises(MalformedError, match=message):
        read(bytes.fromhex(source), method)


@given(st.binary(max_size=12))
def test_any_bytes_read_as_a_number_in_range_or_are_malformed(source: bytes) -> None:
    for method, low, high in (
        (Reader.u32, 0, 2**32),
        (Reader.u64, 0, 2**64),
        (Reader.s32, -(2**31), 2**31),
        (Reader.s33, -(2**32), 2**32),
        (Reader.s64, -(2**63), 2**63),
    ):
        try:
            value = method(Reader(source, 0, len(source)))
        except MalformedError:
            continue
        assert low <= value < high


def test_reading_stops_at_the_end_of_the_part_and_says_so() -> None:
    reader = Reader(b"\x85\x80\x01", 0, 2, section="type")
    with pytest.raises(MalformedError) as error:
        reader.u32()
    assert str(error.value) == (
        "unexpected end: the section ends in the middle of something (type section, offset 0x2)"
    )


@given(st.text())
def test_names_are_read_back(text: str) -> None:
    data = text.encode()
    assert read(u(len(data)) + data, Reader.name) == text


@pytest.mark.parametrize("data", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
def test_names_that_are_not_utf8_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match="not UTF-8"):
        read(u(len(data)) + data, Reader.name)


def test_a_count_is_checked_against_the_bytes_that_are_left_and_the_limit() -> None:
    with pytest.raises(MalformedError, match="do not fit into 3 bytes"):
        read(u(4) + b"abc", lambda reader: reader.count("things", 100))
    with pytest.raises(MalformedError, match="do not fit"):
        read(u(2) + b"abc", lambda reader: reader.count("things", 100, 2))
    with pytest.raises(UnsupportedError, match="3 things, but waot's limit is 2"):
        read(u(3) + b"abc", lambda reader: reader.count("things", 2))


def test_errors_have_file_section_function_and_offset() -> None:
    reader = Reader(b"\0" * 32, 16, 32, file="a.wasm", section="code", function=lambda: "f")
    error: WaotError = reader.invalid("no")
    assert str(error) == "a.wasm: no (code section, function f, offset 0x10)"
