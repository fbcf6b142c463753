"""Puts modules together byte by byte, for tests that need bytes no assembler would write."""

from __future__ import annotations

from collections.abc import Sequence

from waot.frontend import decode_module, validate_function
from waot.frontend.module import Body, Module
from waot.frontend.opcodes import BY_NAME, OPERATORS

PREAMBLE = b"\0asm\1\0\0\0"
TYPES = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B, "funcref": 0x70, "externref": 0x6F}
END = b"\x0b"


def u(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if not value:
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def s(value: int) -> bytes:
    """Signed LEB128."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if value == (-1 if byte & 0x40 else 0):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def vec(items: Sequence[bytes]) -> bytes:
    return u(len(items)) + b"".join(items)


def name(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return u(len(data)) + data


def section(number: int, contents: bytes) -> bytes:
    return bytes([number]) + u(len(contents)) + contents


def custom(title: str, contents: bytes = b"") -> bytes:
    return section(0, name(title) + contents)


def module(*sections: bytes) -> bytes:
    return PREAMBLE + b"".join(sections)


def func_type(signature: str) -> bytes:
    """``i32 i32 -> i64`` as a function type."""
    before, _, after = signature.partition("->")
    return b"\x60" + b"".join(vec([bytes([TYPES[t]]) for t in side.split()]) for side in (before, after))


def op(text: str, *immediates: bytes) -> bytes:
    """The encoding of an operator, and its immediates as they are given."""
    operator = BY_NAME[text]
    code = bytes([operator.code]) if operator.prefix is None else bytes([operator.prefix]) + u(operator.code)
    return code + b"".join(immediates)


def body(code: bytes, local_groups: Sequence[tuple[int, str]] = ()) -> bytes:
    """A function body with its size; `code` includes the last `end`."""
    contents = vec([u(count) + bytes([TYPES[t]]) for count, t in local_groups]) + code
    return u(len(contents)) + contents


def function_module(
    code: bytes, signature: str = "->", *, local_groups: Sequence[tuple[int, str]] = (), more: Sequence[bytes] = ()
) -> bytes:
    """A module of one function; `more` are sections between function and code section."""
    return module(
        section(1, vec([func_type(signature)])),
        section(3, vec([u(0)])),
        *more,
        section(10, vec([body(code, local_groups)])),
    )


def validate(source: bytes) -> list[Body]:
    """Decodes, and validates every body."""
    decoded: Module = decode_module(source)
    return [validate_function(decoded, i) for i in range(decoded.imported_func_count, len(decoded.funcs))]


def wat(text: str) -> bytes:
    """A text module in binary, by wasmtime's parser, which does not validate."""
    import wasmtime

    return bytes(wasmtime.wat2wasm(text))


def listing(result: Body) -> list[str]:
    """The operators of a body: ``name immediate``, the immediate only where there is one."""
    return [
        OPERATORS[i].name + ("" if immediate is None else f" {_show(immediate)}") for i, immediate, _ in result.code
    ]


def _show(immediate: object) -> str:
    if isinstance(immediate, tuple):
        return f"({', '.join(map(_show, immediate))})"
    return str(immediate)
