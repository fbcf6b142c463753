"""The control flow of a body, and which of its ways have to be counted so that all others follow from them.

A body is a graph: blocks, and ways from one to the next, with a node that stands for everything outside of the
function. As often as a block is entered it is left, so the ways of a spanning tree need no counters (Knuth, and Ball
and Larus, "Optimally profiling and tracing programs", 1994): the tree takes those that are deepest in loops. The
function's entry is always counted, because what ends in a trap or in `proc_exit` is entered and never left; for the
same reason what follows from the counters is off by one for each such end, and by the exceptions that calls ended with.
The clauses that catch those are entered from outside, and counted.

A way is named by the operator that it belongs to and a number: (byte offset, k). Of a branch 0 is the way that is taken
and 1 the other; of `br_table` k is the k-th of its different labels in their order; of `if` 0 is the way into it. A
`catch` is 1, the clauses of a `try_table` are 1 and up at its `end`. ENTRY is the function's own.

Nothing here depends on the target or on options: what was counted by one program is as true of any other that is made
from the same body.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from waot.frontend.module import Body
from waot.frontend.opcodes import BY_NAME, OPERATORS

Way = tuple[int, int]

ENTRY: Way = (-1, 0)

# Blocks in a loop are taken to run this much more often than those around it, but no loop to be deeper than that.
_LOOP_FACTOR = 8
_DEEPEST = 12

_OUTSIDE = 0  # the node

_BLOCK, _LOOP, _IF, _ELSE, _END, _BR = range(6)
_CONDITIONAL, _BR_TABLE, _LEAVE, _CATCH, _TRY_TABLE, _DELEGATE, _SITE = range(6, 13)
_KINDS: dict[int, int] = {
    BY_NAME[name].index: kind
    for kind, names in {
        _BLOCK: ("block", "try"),
        _LOOP: ("loop",),
        _IF: ("if",),
        _ELSE: ("else",),
        _END: ("end",),
        _BR: ("br",),
        _CONDITIONAL: ("br_if", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail"),
        _BR_TABLE: ("br_table",),
        _LEAVE: (
            *("return", "return_call", "return_call_indirect", "return_call_ref"),
            *("unreachable", "throw", "throw_ref", "rethrow"),
        ),
        _CATCH: ("catch", "catch_all"),
        _TRY_TABLE: ("try_table",),
        _DELEGATE: ("delegate",),
        _SITE: ("call_indirect", "call_ref"),
    }.items()
    for name in names
}
_UNREACHABLE = BY_NAME["unreachable"].index
_CODES = [(operator.prefix or 0) << 16 | operator.code for operator in OPERATORS]
_LABELS = frozenset(index for index, kind in _KINDS.items() if kind in (_BR, _CONDITIONAL, _BR_TABLE, _DELEGATE))


class Flow:
    """The graph of one body. `counted` has a number for each way with a counter, ENTRY's is 0; `sites` one for each
    call whose callee is not known."""

    __slots__ = ("_froms", "_names", "_nodes", "_tos", "counted", "sites")

    def __init__(self, body: Body) -> None:
        self.sites: dict[int, int] = {}
        self._nodes = 1
        self._names: list[Way] = []
        self._froms: list[int] = []
        self._tos: list[int] = []
        worth: list[int] = []  # how often a way is taken, as far as can be guessed; -1 where it is counted anyway
        depths = [0]  # of the nodes, in loops

        def node(depth: int) -> int:
            depths.append(depth)
            self._nodes += 1
            return self._nodes - 1

        def way(name: Way, source: int, target: int, *, always: bool = False, rare: bool = False) -> None:
            self._names.append(name)
            self._froms.append(source)
            self._tos.append(target)
            depth = min(depths[source] if source else depths[target], _DEEPEST)
            worth.append(-1 if always else 0 if rare else _LOOP_FACTOR**depth)

        loops = 0
        at = node(0)
        here: int | None = at
        way(ENTRY, _OUTSIDE, at, always=True)
        # (kind, where a branch goes, the else part of an `if`, the clauses of a try_table)
        frames: list[tuple[int, int, int, Sequence[Any]]] = [(_BLOCK, _OUTSIDE, 0, ())]
        for op, immediate, offset in body.code:
            kind = _KINDS.get(op)
            if kind is None:
                continue
            if kind == _SITE:
                self.sites[offset] = len(self.sites)
            elif kind == _BLOCK:
                frames.append((_BLOCK, node(loops), 0, ()))
            elif kind == _TRY_TABLE:
                frames.append((_TRY_TABLE, node(loops), 0, immediate[1]))
            elif kind == _LOOP:
                loops += 1
                head = node(loops)
                assert here is not None
                way((offset, 0), here, head)
                frames.append((_LOOP, head, 0, ()))
                here = head
            elif kind == _IF:
                assert here is not None
                join, then, otherwise = node(loops), node(loops), node(loops)
                way((offset, 0), here, then)
                way((offset, 1), here, otherwise)
                frames.append((_IF, join, otherwise, ()))
                here = then
            elif kind == _CONDITIONAL:
                assert here is not None
                depth = immediate if isinstance(immediate, int) else immediate[0]
                following = node(loops)
                way((offset, 0), here, frames[-1 - depth][1])
                way((offset, 1), here, following)
                here = following
            elif kind == _BR:
                assert here is not None
                way((offset, 0), here, frames[-1 - immediate][1])
                here = None
            elif kind == _BR_TABLE:
                assert here is not None
                for k, depth in enumerate(dict.fromkeys(immediate)):
                    way((offset, k), here, frames[-1 - depth][1])
                here = None
            elif kind == _LEAVE:
                assert here is not None
                way((offset, 0), here, _OUTSIDE, rare=op == _UNREACHABLE)
                here = None
            elif kind == _ELSE:
                _, join, otherwise, _ = frames[-1]
                if here is not None:
                    way((offset, 0), here, join)
                frames[-1] = (_ELSE, join, 0, ())
                here = otherwise
            elif kind == _CATCH:
                if here is not None:
                    way((offset, 0), here, frames[-1][1])
                here = node(loops)
                way((offset, 1), _OUTSIDE, here, always=True)
            else:  # `end`, `delegate`
                frame, join, otherwise, clauses = frames.pop()
                if frame == _LOOP:
                    loops -= 1
                    here = node(loops) if here is None else here
                    continue
                if here is not None:
                    way((offset, 0), here, join)
                if frame == _IF:  # without an else
                    way((offset, 1), otherwise, join)
                for k, (_, _, depth) in enumerate(clauses, 1):
                    way((offset, k), _OUTSIDE, frames[-1 - depth][1], always=True)
                here = join
        self.counted = self._choose(worth)

    def _choose(self, worth: list[int]) -> dict[Way, int]:
        """The ways that are not in the tree of those that are worth most (Kruskal)."""
        parents = list(range(self._nodes))

        def root(of: int) -> int:
            while parents[of] != of:
                parents[of] = of = parents[parents[of]]
            return of

        counted = []
        for k in sorted(range(len(worth)), key=lambda k: -worth[k]):
            source, target = root(self._froms[k]), root(self._tos[k])
            if worth[k] < 0 or source == target:
                counted.append(k)
            else:
                parents[source] = target
        return {self._names[k]: number for number, k in enumerate(sorted(counted))}

    def counts(self, counters: Sequence[int]) -> dict[Way, int]:
        """How often each way was taken, by the counters; none where they are not as many as this body has."""
        if len(counters) != len(self.counted):
            return {}
        touching: list[list[int]] = [[] for _ in range(self._nodes)]
        known: list[int | None] = []
        missing = [0] * self._nodes
        for k, name in enumerate(self._names):
            number = self.counted.get(name)
            known.append(None if number is None else counters[number])
            for end in {self._froms[k], self._tos[k]}:
                touching[end].append(k)
                missing[end] += number is None
        work = [each for each in range(self._nodes) if missing[each] == 1]
        while work:
            each = work.pop()
            if missing[each] != 1:
                continue
            balance, unknown = 0, -1  # what comes in less what goes out
            for k in touching[each]:
                count = known[k]
                if count is None:
                    unknown = k
                elif self._froms[k] != self._tos[k]:
                    balance += count if self._tos[k] == each else -count
            known[unknown] = max(0, balance if self._froms[unknown] == each else -balance)
            for end in (self._froms[unknown], self._tos[unknown]):
                missing[end] -= 1
                if missing[end] == 1:
                    work.append(end)
        return {name: count or 0 for name, count in zip(self._names, known, strict=True)}


def fingerprint(body: Body) -> int:
    """64 bits by which a body is known again in another module: its operators and where its branches go.

    Nothing in it moves when something else in the module does: not indices, addresses or other constants.
    """
    codes = array("I", [_CODES[op] for op, _, _ in body.code])
    codes.extend(_depths(body.code))
    if sys.byteorder == "big":
        codes.byteswap()
    return int.from_bytes(hashlib.blake2b(codes.tobytes(), digest_size=8).digest(), "little")


def _depths(code: Iterable[tuple[int, Any, int]]) -> Iterable[int]:
    for op, immediate, _ in code:
        if op in _LABELS:
            if isinstance(immediate, int):
                yield immediate
            elif OPERATORS[op].name == "br_table":
                yield from immediate
            else:
                yield immediate[0]
