"""Modules that share the types of a given one, put together byte by byte.

The given module's type section is taken over as it stands, so all its type indices mean the same here, and what the two
exchange has the same types whatever those are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.frontend.building import END, PREAMBLE, name, op, s, section, u, vec
from waot.frontend.module import FuncType, GlobalType, Limits, MemoryType, Module, RefType, TableType, ValType

KINDS = ("func", "table", "memory", "global", "tag")

_NUMBERS = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C, "v128": 0x7B, "i8": 0x78, "i16": 0x77}
_HEAPS = {
    "noexn": 0x74,
    "nofunc": 0x73,
    "noextern": 0x72,
    "none": 0x71,
    "func": 0x70,
    "extern": 0x6F,
    "any": 0x6E,
    "eq": 0x6D,
    "i31": 0x6C,
    "struct": 0x6B,
    "array": 0x6A,
    "exn": 0x69,
}


def heap_type(heap: str | int) -> bytes:
    """Section 5.3.3."""
    return s(heap) if isinstance(heap, int) else bytes([_HEAPS[heap]])


def val_type(t: ValType) -> bytes:
    """Section 5.3.5."""
    if not isinstance(t, RefType):
        return bytes([_NUMBERS[t.name]])
    return (b"\x63" if t.nullable else b"\x64") + heap_type(t.heap)


def limits(of: Limits, flags: int = 0) -> bytes:
    """Section 5.3.12; `flags` are added."""
    flags |= (of.maximum is not None) | of.shared << 1 | of.index64 << 2
    return u(flags) + u(of.minimum) + (u(of.maximum) if of.maximum is not None else b"")


def extern_type(t: TableType | MemoryType | GlobalType) -> bytes:
    """The type of a table, memory or global as an import or a definition has it."""
    if isinstance(t, TableType):
        return val_type(t.element) + limits(t.limits)
    if isinstance(t, MemoryType):
        custom = t.page_size_log2 != 16
        return limits(t.limits, custom << 3) + (u(t.page_size_log2) if custom else b"")
    return val_type(t.value) + bytes([t.mutable])


def sections(source: bytes) -> list[tuple[int, int, int]]:
    """(number, start and end of the contents) of each section."""
    found = []
    at = len(PREAMBLE)
    while at < len(source):
        number = source[at]
        size, at = leb(source, at + 1)
        found.append((number, at, at + size))
        at += size
    return found


def leb(data: bytes, at: int) -> tuple[int, int]:
    """(an unsigned number, the offset past it)."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def with_exports(source: bytes, more: list[tuple[str, str, int]]) -> bytes:
    """The module with exports added: (name, kind, index)."""
    entries = b"".join(name(title) + bytes([KINDS.index(kind)]) + u(index) for title, kind, index in more)
    out = bytearray(source[: len(PREAMBLE)])
    put = False
    for number, start, end in sections(source):
        contents = source[start:end]
        if number == 7:
            count, at = leb(contents, 0)
            contents = u(count + len(more)) + contents[at:] + entries
            put = True
        elif number in (8, 9, 10, 11, 12) and not put:
            out += section(7, u(len(more)) + entries)
            put = True
        out += section(number, contents)
    if not put:
        out += section(7, u(len(more)) + entries)
    return bytes(out)


@dataclass
class Function:
    """A function under construction; `code` has no last `end`."""

    type_index: int
    params: int
    code: bytes = b""
    locals: list[bytes] = field(default_factory=list)

    def local(self, t: ValType) -> bytes:
        """The index, encoded, of a new local."""
        if isinstance(t, RefType) and not t.nullable:
            t = _nullable(t)
        self.locals.append(val_type(t))
        return u(self.params + len(self.locals) - 1)


def _nullable(t: RefType) -> RefType:
    from waot.frontend.module import ref_type

    return ref_type(t.heap)


class Assembly:
    """A module in the making. Imports come before definitions of their kind."""

    def __init__(self, like: Module) -> None:
        contents = next((like.source[start:end] for number, start, end in sections(like.source) if number == 1), b"\0")
        self._groups, at = leb(contents, 0)
        self._types = contents[at:]
        self._type_count = len(like.types)
        self._own_types: dict[tuple[bytes, bytes], int] = {}
        self._imports: list[bytes] = []
        self._counts = dict.fromkeys(KINDS, 0)
        self._functions: list[Function] = []
        self._definitions: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
        self._exports: list[bytes] = []
        self._elements: list[bytes] = []
        self._declared: set[int] = set()

    def type_index(self, params: tuple[ValType, ...], results: tuple[ValType, ...]) -> int:
        """A type of its own with that signature."""
        key = vec([val_type(t) for t in params]), vec([val_type(t) for t in results])
        if key not in self._own_types:
            self._own_types[key] = self._type_count + len(self._own_types)
        return self._own_types[key]

    def add_import(self, module: str, title: str, kind: str, type_: bytes) -> int:
        """The index of an import; `type_` is its encoded type (a type index for functions and tags)."""
        assert not self._definitions[kind]
        if kind == "tag":
            type_ = b"\0" + type_
        self._imports.append(name(module) + name(title) + bytes([KINDS.index(kind)]) + type_)
        return self._next(kind)

    def define(self, kind: str, contents: bytes) -> int:
        """The index of a definition, whose entry in its section is given (not for functions)."""
        self._definitions[kind].append(b"\0" + contents if kind == "tag" else contents)
        return self._next(kind)

    def function(self, type_: FuncType, type_index: int | None = None) -> tuple[int, Function]:
        """A new function, to be filled: its index, and it. It has a type of its own if no index is given."""
        if type_index is None:
            type_index = self.type_index(type_.params, type_.results)
        made = Function(type_index, len(type_.params))
        self._functions.append(made)
        self._definitions["func"].append(u(type_index))
        return self._next("func"), made

    def _next(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind] - 1

    def export(self, title: str, kind: str, index: int) -> None:
        self._exports.append(name(title) + bytes([KINDS.index(kind)]) + u(index))

    def element(self, table: int, offset: int, functions: list[int]) -> None:
        """An active segment of functions."""
        self._elements.append(
            b"\2" + u(table) + op("i32.const", s(offset)) + END + b"\0" + vec([u(index) for index in functions])
        )

    def ref_func(self, index: int) -> bytes:
        """The code for a reference to a function, which is declared."""
        self._declared.add(index)
        return op("ref.func", u(index))

    def to_bytes(self) -> bytes:
        """The module."""
        types = b"".join(b"\x60" + params + results for params, results in self._own_types)
        elements = list(self._elements)
        if self._declared:
            elements.append(b"\3\0" + vec([u(index) for index in sorted(self._declared)]))
        out = PREAMBLE + section(1, u(self._groups + len(self._own_types)) + self._types + types)
        bodies = []
        for function in self._functions:
            body = vec([u(1) + t for t in function.locals]) + function.code + END
            bodies.append(u(len(body)) + body)
        for number, entries in (
            (2, self._imports),
            (3, self._definitions["func"]),
            (4, self._definitions["table"]),
            (5, self._definitions["memory"]),
            (13, self._definitions["tag"]),
            (6, self._definitions["global"]),
            (7, self._exports),
            (9, elements),
            (10, bodies),
        ):
            if entries:
                out += section(number, vec(entries))
        return out
