"""The text format: recognised, converted, and a clear word where that is not possible."""

from __future__ import annotations

import sys

import pytest

from waot.errors import MalformedError, UsageError
from waot.frontend import decode_module
from waot.frontend.wat import is_text, to_binary


@pytest.mark.parametrize(
    "source",
    [b"(module)", b"  \n(module $x)", b";; a\n;; b\n( module)", b"(; a\n b ;)(func)", b"(; a ;) (; b ;)\t(memory 1)"],
)
def test_text_is_recognised(source: bytes) -> None:
    assert is_text(source)


@pytest.mark.parametrize(
    "source", [b"", b"\0asm\1\0\0\0", b"module", b"(hello)", b"()", b"(; open", b"\x7fELF", b"{}", b"(module"[:4]]
)
def test_other_bytes_are_not_text(source: bytes) -> None:
    assert not is_text(source)


def test_text_becomes_binary_and_binary_stays() -> None:
    pytest.importorskip("wasmtime")
    binary = to_binary(b'(module (func (export "f")))', "a.wat")
    assert decode_module(binary).exports[0].name == "f"
    assert to_binary(binary) is binary


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"(module\n  (func (i32.addd)))", "a.wat: unknown operator or unexpected token, line 2 column"),
        (b"(module", "a.wat: "),
        (b"(module (; \xff ;))", "a.wat: text that is not UTF-8 (offset 0xb)"),
    ],
)
def test_text_that_does_not_parse_is_malformed(source: bytes, message: str) -> None:
    pytest.importorskip("wasmtime")
    with pytest.raises(MalformedError) as error:
        to_binary(source, "a.wat")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    with pytest.raises(UsageError) as error:
        to_binary(b"(module)", "a.wat")
    assert str(error.value) == "a.wat: text format needs the extra: pip install 'waot[wat]'"
