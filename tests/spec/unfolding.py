"""Legacy exceptions in their folded text form, which wasmtime's parser does not know, as plain instructions.

``(try (do A) (catch $e B) (catch_all C))`` becomes ``try A catch $e B catch_all C end``, and since plain instructions
cannot stand inside of folded ones, so does all that is around it: whole function bodies are unfolded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tests.spec.wast import Atom, Form, Node, Text, parse

# Forms in an instruction that are no operands.
_IMMEDIATES: Final = frozenset({"type", "param", "result", "ref"})
_HEADERS: Final = frozenset({"export", "import", "type", "param", "result", "local"})


def unfold(source: bytes) -> bytes:
    """The module text with every function body unfolded."""
    return " ".join(_Unfolder(source).copy(parse(source))).encode()


class _Unfolder:
    def __init__(self, source: bytes) -> None:
        self.source = source

    def text(self, node: Node) -> str:
        """The node as it stands there."""
        if isinstance(node, Atom):
            return node.text
        assert isinstance(node, Form | Text)
        if isinstance(node, Text):
            return '"' + "".join(f"\\{byte:02x}" for byte in node.value) + '"'
        return self.source[node.start : node.end].decode()

    def copy(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Fields of a module; functions come out unfolded."""
        for node in nodes:
            if isinstance(node, Form) and node.head == "module":
                yield "("
                yield from self.copy(node.items)
                yield ")"
            elif isinstance(node, Form) and node.head == "func":
                start = next(
                    (i for i, n in enumerate(node.items) if i and self.is_instruction(n)),
                    len(node.items),
                )
                yield "("
                yield from map(self.text, node.items[:start])
                yield from self.plain(node.items[start:])
                yield ")"
            else:
                yield self.text(node)

    def is_instruction(self, node: Node) -> bool:
        if isinstance(node, Form):
            return node.head not in _HEADERS
        return isinstance(node, Atom) and not node.text.startswith("$")

    def plain(self, nodes: Iterable[Node]) -> Iterator[str]:
        """Instructions in a row; the forms among them may be immediates of plain ones."""
        for node in nodes:
            if isinstance(node, Form) and node.head not in _IMMEDIATES:
                yield from self.folded(node)
            else:
                yield self.text(node)

    def folded(self, form: Form) -> Iterator[str]:
        """A folded instruction: its operands, then itself."""
        immediates = [n for n in form.items[1:] if not isinstance(n, Form) or n.head in _IMMEDIATES]
        rest = [n for n in form.items[1:] if isinstance(n, Form) and n.head not in _IMMEDIATES]
        name = form.head
        if name in ("block", "loop"):  # plain instructions may stand in them
            header = 1
            while header < len(form.items) and self.is_header(form.items[header]):
                header += 1
            yield from (name, *map(self.text, form.items[1:header]))
            yield from self.plain(form.items[header:])
            yield "end"
        elif name == "if":
            parts = [n for n in rest if n.head in ("then", "else")]
            yield from self.plain(n for n in rest if n.head not in ("then", "else"))
            yield from ("if", *map(self.text, immediates))
            for part in parts:
                if part.head == "else":
                    yield "else"
                yield from self.plain(part.items[1:])
            yield "end"
        elif name == "try":
            yield from ("try", *map(self.text, immediates))
            for part in rest:
                yield from self.clause(part)
            if rest[-1].head != "delegate":
                yield "end"
        else:
            yield from self.plain(rest)
            yield from (name, *map(self.text, immediates))

    def clause(self, form: Form) -> Iterator[str]:
        """A part of `try`."""
        body = 1 if form.head in ("do", "catch_all") else 2
        if form.head != "do":
            yield from (form.head, *map(self.text, form.items[1:body]))
        yield from self.plain(form.items[body:])

    def is_header(self, node: Node) -> bool:
        if isinstance(node, Form):
            return node.head in _IMMEDIATES
        return isinstance(node, Atom) and node.text.startswith("$")
