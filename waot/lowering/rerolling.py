"""Counted loops whose body is the same code several times over: compilers unroll what they cannot vectorise.

LLVM's vectorisers take such a loop for what it says: three loads from three places, with others between them. Here it
becomes the loop that it was: the body's first part, for as many more rounds. The parts must be alike but for addresses
and numbers that grow from one to the next by their share of what they grow by in a round; the loads and stores of one
must all come before those of the next, so that in the new loop nothing happens in another order; and what a part hands
to the next must be what the last one hands to the next round. Whatever else a local holds at the end must not be looked
at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from waot.frontend.opcodes import BY_NAME, OPERATORS

Instruction = tuple[int, Any, int]  # as in `Body.code`

_GET, _SET, _TEE, _DROP = (BY_NAME[n].index for n in ("local.get", "local.set", "local.tee", "drop"))
_SELECT, _SELECT_T = (BY_NAME[n].index for n in ("select", "select t"))

# One instruction's operands may be what many others are too: the comparison of two parts visits each pair once.
MOST_PARTS = 16


@dataclass(slots=True, eq=False)
class Node:
    """A value in a round: what `instruction` makes of `operands`; or what the local `leaf` holds at its beginning.

    `affine` is what is known of it as a number (loops.Affine), and None where that is nothing.
    """

    instruction: Instruction | None
    operands: tuple[Node, ...] = ()
    leaf: int = -1
    affine: Any = None
    event: int = -1  # of a load: which of the loop's loads and stores it is


@dataclass(slots=True)
class Event:
    """A load or store: at which position of the loop's code, and what is stored."""

    at: int
    node: Node  # the load; of a store its value


@dataclass(slots=True)
class Trace:
    """A round of a loop: its loads and stores in their order, and the locals at its end that it sets."""

    events: list[Event] = field(default_factory=list)
    locals: dict[int, Node] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """The first of `count` parts: its events, and what each local holds behind it that it hands on."""

    count: int
    events: list[Event]
    handed: dict[int, Node]


def trace(
    code: Sequence[Instruction], known: Callable[[Instruction, list[Any]], Any], leaf: Callable[[int], Any]
) -> Trace:
    """Runs a loop's code, from behind `loop` (position 0) to before `br_if`, on nodes. `known` and `leaf` give what
    `affine` holds."""
    done = Trace()
    stack: list[Node] = []
    for at, instruction in enumerate(code, 1):
        op, immediate, _ = instruction
        if op == _GET:
            node = done.locals.get(immediate)
            if node is None:
                node = Node(None, leaf=immediate, affine=leaf(immediate))
                done.locals[immediate] = node
            stack.append(node)
        elif op == _SET:
            done.locals[immediate] = stack.pop()
        elif op == _TEE:
            done.locals[immediate] = stack[-1]
        elif op == _DROP:
            stack.pop()
        else:
            operator = OPERATORS[op]
            count = 3 if op in (_SELECT, _SELECT_T) else len(operator.params or ())
            operands = tuple(stack[len(stack) - count :])
            del stack[len(stack) - count :]
            if operator.width is not None:
                event = len(done.events)
                node = Node(instruction, operands[:1], event=event) if operator.results else operands[1]
                done.events.append(Event(at, node))
                if operator.results:
                    stack.append(node)
            else:
                stack.append(Node(instruction, operands, affine=known(instruction, [o.affine for o in operands])))
    return done


class Comparison:
    """Compares parts. `shifts` tells whether one affine number is another, so many parts later."""

    def __init__(self, length: int, carried: Collection[int], shifts: Callable[[Any, Any, int], bool]) -> None:
        self.length = length  # events of a part
        self.carried = carried
        self.shifts = shifts
        self.handed: dict[tuple[int, int], Node] = {}  # (local, part) -> what it holds before that part
        self._same: set[tuple[int, int, int]] = set()

    def same(self, first: Node, other: Node, part: int) -> bool:
        """Whether `other` is to part `part` what `first` is to part 0."""
        work = [(first, other)]
        while work:
            a, b = work.pop()
            key = (id(a), id(b), part)
            if key in self._same:
                continue
            self._same.add(key)
            if a.affine is not None or b.affine is not None:
                if a.affine is None or b.affine is None or not self.shifts(a.affine, b.affine, part):
                    return False
            elif a.instruction is None and a.leaf not in self.carried:
                if a is not b:
                    return False
            elif a.instruction is None:
                if self.handed.setdefault((a.leaf, part), b) is not b:
                    return False
            elif a.event >= 0:
                if a.event >= self.length or b.event != a.event + part * self.length:
                    return False
            else:
                if b.instruction is None or b.event >= 0 or a.instruction[:2] != b.instruction[:2]:
                    return False
                work.extend(zip(a.operands, b.operands, strict=True))
        return True


def _way(end: Node, local: int) -> list[Node]:
    """The nodes from what `local` holds at first to `end`, which is made of it; empty where there is no one way."""
    on_way: dict[int, list[Node]] = {}
    order: list[Node] = []
    seen: set[int] = set()
    work = [(end, False)]
    while work:
        node, behind = work.pop()
        if behind:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            work.append((node, True))
            if node.event < 0 and node.affine is None:
                work.extend((operand, False) for operand in node.operands)
    for node in order:
        if node.leaf == local and node.instruction is None:
            on_way[id(node)] = [node]
            continue
        below = [on_way[id(o)] for o in node.operands if id(o) in on_way] if node.event < 0 else []
        if len(below) > 1:
            return []
        if below:
            on_way[id(node)] = [*below[0], node]
    return on_way.get(id(end), [])


def find_part(
    done: Trace,
    count: int,
    carried: dict[int, bool],
    places: Callable[[int, int, int], bool],
    shifts: Callable[[Any, Any, int], bool],
) -> Part | None:
    """The first of `count` parts; None where it is not as many.

    `carried` are the locals that are set, other than to a number that is known, and whether they may be looked at
    behind the loop. `places` tells whether the place of one event is another's, so many parts later.
    """
    length = len(done.events) // count
    comparison = Comparison(length, carried, shifts)
    for local, looked_at in carried.items():
        end = done.locals[local]
        way = _way(end, local)
        if way and len(way) % count == 1:
            share = len(way) // count
            for part in range(1, count + 1):
                comparison.handed[local, part] = way[part * share]
        elif looked_at or way:
            return None
    for part in range(1, count):
        for place in range(length):
            first, other = done.events[place], done.events[place + part * length]
            if not places(first.at, other.at, part):
                return None
            is_load = first.node.event == place
            if is_load != (other.node.event == place + part * length):
                return None
            if not is_load and not comparison.same(first.node, other.node, part):
                return None
        for local in carried:
            before, behind = comparison.handed.get((local, 1)), comparison.handed.get((local, part + 1))
            if before is not None and (behind is None or not comparison.same(before, behind, part)):
                return None
    handed = {local: node for (local, part), node in comparison.handed.items() if part == 1}
    return Part(count, done.events[:length], handed)
