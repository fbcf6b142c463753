"""The text format: recognised here, converted by wasmtime where the extra ``waot[wat]`` is installed."""

from __future__ import annotations

import re
from typing import Final

from waot.errors import MalformedError, UsageError

# What may stand before the first keyword: white space, line comments and block comments (6.3.3). A nested block
# comment is not recognised; nobody starts a file with one. Atomic, so that no input makes it try twice.
_START: Final = re.compile(rb"(?:[ \t\r\n]|;;[^\n]*\n|(?>\(;.*?;\)))*+\(\s*(\w+)", re.DOTALL)
_LOOK: Final = 1 << 16  # bytes in which the first keyword is looked for
_KEYWORDS: Final = frozenset(
    b"module type import func table memory global export start elem data tag rec component".split()
)


def is_text(source: bytes) -> bool:
    """Whether the bytes look like a module in the text format (``(module`` or a module field comes first)."""
    if source[:1] == b"\0":
        return False
    found = _START.match(source[:_LOOK])
    return found is not None and found[1] in _KEYWORDS


def to_binary(source: bytes, file: str | None = None) -> bytes:
    """The binary format of a module: text is converted, anything else returned as it is.

    Raises `UsageError` for text where the extra is not installed, `MalformedError` for text that does not parse.
    """
    if not is_text(source):
        return source
    try:
        import wasmtime
    except ImportError:
        raise UsageError("text format needs the extra: pip install 'waot[wat]'", file=file) from None
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("text that is not UTF-8", file=file, offset=error.start) from None
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        raise MalformedError(_first_line(str(error)), file=file) from None


def _first_line(message: str) -> str:
    """wasmtime's message is several lines: what, ``--> <anon>:LINE:COLUMN``, the line in question."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    what = lines[0] if lines else "does not parse"
    where = next((line for line in lines if line.startswith("-->")), "")
    found = re.search(r":(\d+):(\d+)$", where)
    return f"{what}, line {found[1]} column {found[2]}" if found else what
