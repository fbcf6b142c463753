"""Reads the official test suite's scripts (.wast): s-expressions, then commands.

The format is the one of the specification's reference interpreter (interpreter/README.md there, "Scripts"), in its
version for WebAssembly 3.0 with the threads commands. Text modules stay text: whoever wants bytes calls `to_binary`,
which leaves the text format to wasmtime.

    for command in read_script(path.read_bytes()):
        match command:
            case ModuleCommand(module=module): ...
            case Assertion(kind="assert_invalid", module=module): ...
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

# ---------------------------------------------------------------------- s-expressions


class WastError(Exception):
    """A script that does not have the form that this reader knows; says the line."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A keyword, number, identifier or whatever else stands there without quotes."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Text:
    """A string, its escapes resolved; it need not be UTF-8."""

    value: bytes
    start: int


@dataclass(slots=True)
class Form:
    """(head item ...); source[start:end] is its text, with the parentheses."""

    start: int
    items: list[Node] = field(default_factory=list)
    end: int = 0

    @property
    def head(self) -> str:
        """The first item where that is an atom, or an empty string."""
        first = self.items[0] if self.items else None
        return first.text if isinstance(first, Atom) else ""


Node = Atom | Text | Form

# An atom is an atomic group and not a possessive one, which in Python 3.11.2, Debian's, would have a comment in it.
_TOKEN: Final = re.compile(
    rb"""
    (?P<space> [ \t\r\n]+ | ;;[^\n]* )
  | (?P<comment> \(; )
  | (?P<open> \( )
  | (?P<close> \) )
  | (?P<string> "(?: [^"\\] | \\. )*+" )
  | (?P<atom> (?>(?: [^ \t\r\n()";] | ;(?!;) )+) )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_PART: Final = re.compile(rb"\(;|;\)")
_ESCAPE: Final = re.compile(rb"""\\(?: u\{([0-9a-fA-F_]+)\} | ([0-9a-fA-F]{2}) | ([tnr"'\\]) )""", re.VERBOSE)
_ESCAPED: Final = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}


def line_of(source: bytes, offset: int) -> int:
    """The number, from 1, of the line that has the byte at `offset`."""
    return source.count(b"\n", 0, offset) + 1


def parse(source: bytes) -> list[Node]:
    """The s-expressions of a script. Comments and annotations ``(@id ...)`` are dropped."""
    top = Form(0)
    open_forms = [top]
    at = 0
    while at < len(source):
        token = _TOKEN.match(source, at)
        if token is None:
            raise WastError(f"line {line_of(source, at)}: cannot read {source[at : at + 20]!r}")
        at = token.end()
        kind = token.lastgroup
        if kind == "atom":
            open_forms[-1].items.append(Atom(token[0].decode("utf-8", "surrogateescape"), token.start()))
        elif kind == "string":
            open_forms[-1].items.append(Text(_unescape(token[0][1:-1]), token.start()))
        elif kind == "open":
            form = Form(token.start())
            open_forms[-1].items.append(form)
            open_forms.append(form)
        elif kind == "close":
            if len(open_forms) == 1:
                raise WastError(f"line {line_of(source, token.start())}: a parenthesis too many")
            form = open_forms.pop()
            form.end = at
            if form.head.startswith("@"):
                open_forms[-1].items.pop()
        elif kind == "comment":
            at = _skip_comment(source, token.start())
    if len(open_forms) > 1:
        raise WastError(f"line {line_of(source, open_forms[-1].start)}: a parenthesis is not closed")
    return top.items


def _skip_comment(source: bytes, start: int) -> int:
    """The end of the block comment at `start`; they nest."""
    depth = 0
    for part in _COMMENT_PART.finditer(source, start):
        depth += 1 if part[0] == b"(;" else -1
        if depth == 0:
            return part.end()
    raise WastError(f"line {line_of(source, start)}: a comment is not closed")


def _unescape(text: bytes) -> bytes:
    if b"\\" not in text:
        return text

    def value(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return chr(int(match[1].replace(b"_", b""), 16)).encode("utf-8", "surrogatepass")
        return bytes([int(match[2], 16)]) if match[2] else _ESCAPED[match[3]]

    return _ESCAPE.sub(value, text)


# ---------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class Value:
    """An argument or an expected result.

    `type` is i32, i64, f32, f64 or v128, with `bits` as an unsigned integer (lane 0 lowest); or ref.null, ref.func,
    ref.extern, ref.host, ref.struct and so on, with `bits` the number or None where any will do and `heap` the heap
    type of ref.null.

    Where a float may be any NaN of a kind, `nan` has for each lane "canonical", "arithmetic" or None, and `bits` has
    zeros there; `shape` is the v128's shape. `either` holds the alternatives of (either ...).
    """

    type: str
    bits: int | None = None
    shape: str | None = None
    nan: tuple[str | None, ...] = ()
    heap: str | None = None
    either: tuple[Value, ...] = ()


_SHAPES: Final = {
    "i8x16": ("i8", 16, 8),
    "i16x8": ("i16", 8, 16),
    "i32x4": ("i32", 4, 32),
    "i64x2": ("i64", 2, 64),
    "f32x4": ("f32", 4, 32),
    "f64x2": ("f64", 2, 64),
}
_NANS: Final = {"nan:canonical": "canonical", "nan:arithmetic": "arithmetic"}
_FLOATS: Final = {"f32": (8, 23), "f64": (11, 52)}  # bits of exponent and fraction
_FLOAT: Final = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<inf>inf)|nan(?::0x(?P<payload>[0-9a-fA-F]+))?|(?P<nan>nan)"
    r"|0x(?P<hex>[0-9a-fA-F]+)(?:\.(?P<hexfraction>[0-9a-fA-F]*))?(?:[pP](?P<power>[+-]?\d+))?"
    r"|(?P<digits>\d+)(?:\.(?P<fraction>\d*))?(?:[eE](?P<exponent>[+-]?\d+))?)"
)


def int_bits(text: str, width: int) -> int:
    """An integer literal as an unsigned number of `width` bits."""
    value = int(text.replace("_", ""), 0 if "0x" in text.lower() else 10)
    if not -(1 << (width - 1)) <= value < 1 << width:
        raise WastError(f"{text} does not fit into {width} bits")
    return value & ((1 << width) - 1)


def float_bits(text: str, type_: str) -> int:
    """A float literal (6.3.2 of the specification), rounded to nearest even, as the bits of an f32 or f64."""
    exponent_bits, fraction_bits = _FLOATS[type_]
    match = _FLOAT.fullmatch(text.replace("_", ""))
    if match is None:
        raise WastError(f"{text!r} is not a float")
    sign = 1 << (exponent_bits + fraction_bits) if match["sign"] == "-" else 0
    infinity = ((1 << exponent_bits) - 1) << fraction_bits
    if match["inf"]:
        return sign | infinity
    if match["hex"]:
        digits = match["hex"] + (match["hexfraction"] or "")
        power = int(match["power"] or 0) - 4 * len(match["hexfraction"] or "")
        value = Fraction(int(digits, 16)) * Fraction(2) ** power
    elif match["digits"]:
        digits = match["digits"] + (match["fraction"] or "")
        power = int(match["exponent"] or 0) - len(match["fraction"] or "")
        value = Fraction(int(digits)) * Fraction(10) ** power
    else:
        return sign | infinity | (int(match["payload"], 16) if match["payload"] else 1 << (fraction_bits - 1))
    bits = _round(value, exponent_bits, fraction_bits)
    if bits >= infinity:
        raise WastError(f"{text} is too large for {type_}")
    return sign | bits


def _round(value: Fraction, exponent_bits: int, fraction_bits: int) -> int:
    """The bits of the float nearest to `value`, which is not negative; infinity's or more if it is too large."""
    if value == 0:
        return 0
    smallest = 2 - (1 << (exponent_bits - 1))  # the exponent of subnormals and of the smallest normals
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if value < Fraction(2) ** exponent:
        exponent -= 1
    exponent = max(exponent, smallest)
    fraction = round(value / Fraction(2) ** (exponent - fraction_bits))  # Fraction rounds half to even
    # A carry out of the fraction, and the hidden bit that subnormals lack, both do the right thing to the exponent.
    return ((exponent - smallest) << fraction_bits) + fraction


def parse_value(node: Node) -> Value:
    """An argument or expected result: (i32.const 1), (v128.const f32x4 ...), (ref.extern 1), (either ...)."""
    if not isinstance(node, Form):
        raise WastError(f"not a value: {node}")
    head, operands = node.head, node.items[1:]
    if head == "either":
        return Value("either", either=tuple(map(parse_value, operands)))
    words = [operand.text for operand in operands if isinstance(operand, Atom)]
    type_, _, suffix = head.partition(".")
    if head.startswith("ref."):
        if head == "ref.null":
            return Value(head, heap=words[0] if words else None)
        return Value(head, bits=int(words[0], 0) if words else None)
    if suffix != "const":
        raise WastError(f"not a value: {head}")
    if type_ == "v128":
        lane, count, width = _SHAPES[words[0]]
        if len(words) != count + 1:
            raise WastError(f"{len(words) - 1} lanes for {words[0]}")
        bits = 0
        nans: list[str | None] = []
        for number, word in enumerate(words[1:]):
            lane_bits, nan = _lane(word, lane, width)
            bits |= lane_bits << (number * width)
            nans.append(nan)
        return Value("v128", bits, shape=words[0], nan=tuple(nans) if any(nans) else ())
    if type_ not in ("i32", "i64", "f32", "f64"):
        raise WastError(f"not a value: {head}")
    bits, nan = _lane(words[0], type_, int(type_[1:]))
    return Value(type_, bits, nan=(nan,) if nan else ())


def _lane(word: str, type_: str, width: int) -> tuple[int, str | None]:
    if word in _NANS:
        return 0, _NANS[word]
    return (float_bits(word, type_) if type_[0] == "f" else int_bits(word, width)), None


# ---------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A module as a script has it: `kind` is "text", "quote" or "binary"; `source` its text or its bytes."""

    kind: str
    source: bytes
    name: str | None
    line: int

    @property
    def is_text(self) -> bool:
        return self.kind != "binary"

    def to_binary(self) -> bytes:
        """Its bytes; text is parsed by wasmtime, which raises `wasmtime.WasmtimeError` for malformed text."""
        if not self.is_text:
            return self.source
        import wasmtime

        text = self.source
        if self.kind == "quote" and not _MODULE_START.match(text):
            text = b"(module\n" + text + b"\n)"
        if _LEGACY_TRY.search(text):
            from tests.spec.unfolding import unfold

            text = unfold(text)
        decoded = text.decode("utf-8")
        if self.kind == "text":
            # Only strings and comments have such characters, and wasmtime refuses some that look like others.
            decoded = _NOT_ASCII.sub(lambda character: f"\\u{{{ord(character[0]):x}}}", decoded)
        return bytes(wasmtime.wat2wasm(decoded))


_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


# The folded form of legacy exceptions.
_LEGACY_TRY: Final = re.compile(rb"\(try\s[^()]*(?:\((?:param|result|type)\b[^()]*\)\s*)*\(do\b")

# `(module` or an empty text; anything else in a quoted module is the fields of one.
_MODULE_START: Final = re.compile(rb"(?:\s|;;[^\n]*\n|(?>\(;.*?;\)))*+\(\s*module\b", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Action:
    """(invoke $module "name" args...) or (get $module "name")."""

    kind: str
    module: str | None
    name: str
    args: tuple[Value, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ModuleCommand:
    """(module ...): defines a module and, unless `definition_only`, instantiates it."""

    module: ModuleSource
    definition_only: bool
    line: int


@dataclass(frozen=True, slots=True)
class InstanceCommand:
    """(module instance $instance $definition)."""

    name: str | None
    definition: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Register:
    """(register "name" $module)."""

    name: str
    module: str | None
    line: int


@dataclass(frozen=True, slots=True)
class ActionCommand:
    """An action whose results do not matter."""

    action: Action
    line: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """(assert_... ). Either `action` or `module` is set; `results` for assert_return, `message` for the others.

    Kinds: assert_return, assert_trap (also of a module), assert_exhaustion, assert_exception, assert_suspension,
    assert_invalid, assert_malformed, assert_unlinkable, assert_invalid_custom, assert_malformed_custom.
    """

    kind: str
    line: int
    action: Action | None = None
    module: ModuleSource | None = None
    results: tuple[Value, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """(thread $name (shared (module $module)) command...): of the threads proposal."""

    name: str | None
    shared: tuple[str, ...]
    commands: tuple[Command, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Wait:
    """(wait $thread)."""

    thread: str | None
    line: int


Command = ModuleCommand | InstanceCommand | Register | ActionCommand | Assertion | Thread | Wait

_MODULE_FIELDS: Final = frozenset(
    ("type", "rec", "import", "func", "table", "memory", "global", "tag", "export", "start", "elem", "data")
)


def read_script(source: bytes) -> list[Command]:
    """The commands of a script, in order. Raises `WastError` for what it does not know."""
    return list(_Script(source).commands(parse(source), whole=True))


class _Script:
    def __init__(self, source: bytes) -> None:
        self.source = source
        self.newlines = [match.start() for match in re.finditer(b"\n", source)]

    def line(self, node: Node) -> int:
        return bisect.bisect_left(self.newlines, node.start) + 1

    def commands(self, nodes: list[Node], *, whole: bool) -> Iterator[Command]:
        fields: list[Form] = []
        for node in nodes:
            if not isinstance(node, Form):
                raise WastError(f"line {self.line(node)}: a command expected")
            if whole and node.head in _MODULE_FIELDS:  # a script may be the fields of one module
                fields.append(node)
                continue
            yield self.command(node)
        if fields:
            text = b"(module\n" + self.source[fields[0].start : fields[-1].end] + b"\n)"
            line = self.line(fields[0])
            yield ModuleCommand(ModuleSource("text", text, None, line), False, line)

    def command(self, form: Form) -> Command:
        line = self.line(form)
        head = form.head
        if head == "module":
            words = _Items(form, self)
            if words.keyword("instance"):
                return InstanceCommand(words.identifier(), words.identifier(), line)
            definition = words.keyword("definition") is not None
            return ModuleCommand(self.module(form), definition, line)
        if head == "register":
            words = _Items(form, self)
            return Register(words.string(), words.identifier(), line)
        if head in ("invoke", "get"):
            return ActionCommand(self.action(form), line)
        if head.startswith("assert_"):
            return self.assertion(form)
        if head == "thread":
            return self.thread(form)
        if head == "wait":
            return Wait(_Items(form, self).identifier(), line)
        raise WastError(f"line {line}: unknown command {head!r}")

    def module(self, form: Form) -> ModuleSource:
        line = self.line(form)
        words = _Items(form, self)
        keyword = words.keyword("definition")
        name = words.identifier()
        for kind in ("binary", "quote"):
            if words.keyword(kind):
                parts = [item.value for item in words.rest() if isinstance(item, Text)]
                return ModuleSource(kind, (b"" if kind == "binary" else b"\n").join(parts), name, line)
        text = self.source[form.start : form.end]
        if keyword is not None:  # (module definition ...) is a script's, not the text format's
            text = b"(module " + self.source[keyword.start + len(keyword.text) : form.end]
        return ModuleSource("text", text, name, line)

    def action(self, form: Form) -> Action:
        words = _Items(form, self)
        module = words.identifier()
        name = words.string()
        return Action(form.head, module, name, tuple(map(parse_value, words.rest())), self.line(form))

    def assertion(self, form: Form) -> Assertion:
        line = self.line(form)
        words = _Items(form, self)
        subject = words.form()
        action = self.action(subject) if subject.head in ("invoke", "get") else None
        if form.head == "assert_return":
            return Assertion(form.head, line, action=action, results=tuple(map(parse_value, words.rest())))
        message = words.string() if words.left else ""
        if action is not None:
            return Assertion(form.head, line, action=action, message=message)
        if subject.head != "module":
            raise WastError(f"line {line}: a module or an action expected")
        return Assertion(form.head, line, module=self.module(subject), message=message)

    def thread(self, form: Form) -> Thread:
        words = _Items(form, self)
        name = words.identifier()
        shared: list[str] = []
        nodes = words.rest()
        while nodes and isinstance(nodes[0], Form) and nodes[0].head == "shared":
            for item in nodes[0].items[1:]:
                if isinstance(item, Form):
                    shared.extend(word.text for word in item.items[1:] if isinstance(word, Atom))
            del nodes[0]
        return Thread(name, tuple(shared), tuple(self.commands(nodes, whole=False)), self.line(form))


class _Items:
    """The items of a form after its head, taken one by one."""

    def __init__(self, form: Form, script: _Script) -> None:
        self._items = form.items
        self._at = 1
        self._where = script.line(form)

    @property
    def left(self) -> int:
        return len(self._items) - self._at

    def _next(self) -> Node | None:
        return self._items[self._at] if self.left else None

    def keyword(self, text: str) -> Atom | None:
        item = self._next()
        if isinstance(item, Atom) and item.text == text:
            self._at += 1
            return item
        return None

    def identifier(self) -> str | None:
        item = self._next()
        if isinstance(item, Atom) and item.text.startswith("$"):
            self._at += 1
            return item.text
        return None

    def string(self) -> str:
        item = self._next()
        if not isinstance(item, Text):
            raise WastError(f"line {self._where}: a string expected")
        self._at += 1
        return item.value.decode("utf-8")

    def form(self) -> Form:
        item = self._next()
        if not isinstance(item, Form):
            raise WastError(f"line {self._where}: a form expected")
        self._at += 1
        return item

    def rest(self) -> list[Node]:
        items = self._items[self._at :]
        self._at = len(self._items)
        return items
