"""Loops around a `br_table` of a local: the branches back that say where they go.

WebAssembly has no jump to any place in a function, so a compiler that needs one puts the whole function into a loop,
begins that with a `br_table` of a local, and where it jumps it sets the local and branches to the loop. Go does so for
each loop of a source, LLVM for control flow that is irreducible, and state machines are written like that. As it stands
each of these jumps is an indirect one, and no loop of the source is one that LLVM sees. So a branch back at which the
local is known goes where the `br_table` would send it. Where that is behind the branch it is a join as any other. Where
it is before, the block there has, like the header of a loop, phis that are filled in when all ways to it are known.

The `br_table` is then what begins the function in its middle: Go's goroutines go on so. As a way into the middle of
loops it would keep LLVM from seeing these as loops either. So it goes to the header of the outermost loop around the
place, with the place in one more local, and the header of each loop that has such places sends on what does not come
from within: a comparison a round, foreseen. Which loops there are is found in a graph of segments, the parts of the
body between the ends of the blocks that the `br_table` is in.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from waot.frontend.module import FuncType
from waot.frontend.opcodes import BY_NAME
from waot.lowering.profiled import branch_weights

if TYPE_CHECKING:
    from waot.lowering.frame import Frame
    from waot.lowering.function import FunctionLowering

_BLOCK, _LOOP, _END = (BY_NAME[n].index for n in ("block", "loop", "end"))
_GET, _SET, _TEE, _CONST = (BY_NAME[n].index for n in ("local.get", "local.set", "local.tee", "i32.const"))
_BR_TABLE, _DELEGATE = BY_NAME["br_table"].index, BY_NAME["delegate"].index
_OPEN = frozenset(BY_NAME[n].index for n in ("block", "loop", "if", "try", "try_table"))
_BRANCHES = frozenset(BY_NAME[n].index for n in ("br", "br_if", "br_table"))
# Behind these nothing is reached; behind `end` it may not be either.
_LEAVING = frozenset(BY_NAME[n].index for n in ("br", "br_table", "return", "unreachable"))
# What branches in other ways, which are not looked into.
_OTHER_BRANCHES = frozenset(
    BY_NAME[n].index
    for n in ("br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail", "try_table", "catch", "catch_all")
)
_EMPTY = FuncType((), ())

Instruction = tuple[int, Any, int]

# Loops in loops, of which each has its switch, are no more than this, and neither are such `br_table`s in each other;
# what is nested deeper is left as it is. Go's standard library has four at most.
_DEEPEST = 16
# Ways that headers send on, times locals, for each operator of a function, which can ask for thousands. In Go's
# standard library they are 1.1 at most.
_MOST_SENT = 4

_LIKELY = 2000  # of a way that is foreseen, as clang has it

NOWHERE = "-1"  # what the additional local has where nothing is to be sent on


class Dispatch:
    """A loop that begins with a `br_table` of `local`.

    `numbers` are those that its body sets the local to, `outside` counts the loops of this kind around it. `inside`
    counts the blocks between loop and `br_table`; the end of that at depth d begins segment d. `routes` has, by
    segment, the headers of the loops around it, from the outermost, and `sent_on`, by header, the segments that it
    sends on, with what comes next on the way. `known` is whether each branch back says where it goes, so that none
    goes through the `br_table`.
    """

    __slots__ = ("frames", "inside", "known", "local", "numbers", "outside", "routes", "segments", "sent_on")

    def __init__(self, local: int, inside: int) -> None:
        self.local = local
        self.inside = inside
        self.numbers: set[int] = set()
        self.outside = 0
        self.known = False
        self.routes: list[tuple[int, ...]] = []
        self.sent_on: dict[int, list[tuple[int, int]]] = {}
        # Known where the `br_table` is lowered: the blocks, by depth, and what a branch to the loop goes to, by what
        # the local is in LLVM's text.
        self.segments: list[Frame] = []
        self.frames: dict[str, Frame] = {}


def enter(f: FunctionLowering, dispatch: Dispatch, depths: Sequence[int]) -> None:
    """Before the `br_table` to `depths` with which a loop begins."""
    inside = dispatch.inside
    loop = f.frames[-1 - inside]
    dispatch.segments = [f.frames[-1 - depth] for depth in range(inside)]
    for number in dispatch.numbers:
        depth = _depth(depths, number)
        if depth != inside:
            dispatch.frames[str(number)] = f.frames[-1 - depth]
        if depth < inside:
            f.frames[-1 - depth].header_of = loop
    for header, targets in dispatch.sent_on.items():
        for depth in (header, *(next_ for _, next_ in targets)):
            dispatch.segments[depth].header_of = loop
    for depth, frame in enumerate(dispatch.segments):
        frame.segment = depth


def leave(f: FunctionLowering, dispatch: Dispatch, depth: int, offset: int) -> None:
    """The way of the `br_table` to `depth`: by the header of the outermost loop around that, if there is one."""
    route = dispatch.routes[depth] if depth < dispatch.inside else ()
    if route:
        _send(f, dispatch, route[0], depth, offset)
    else:
        f.branch_to(f.frames[-1 - depth], offset)


def begin_segment(f: FunctionLowering, frame: Frame, offset: int) -> None:
    """Behind the end of a block that branches come back to: the header of a loop, or what one sends on to."""
    loop = frame.header_of
    assert loop is not None
    dispatch = loop.dispatch
    assert dispatch is not None
    targets = dispatch.sent_on.get(frame.segment, ())
    # There may be no way there yet, but what the loop assigns has a phi, and all else is the same everywhere in it.
    if not targets:
        f.begin_header(frame, loop.loop_locals)
        return
    f.begin_header(frame, (*loop.loop_locals, f.place_local))
    place = f.locals[f.place_local]
    labels = [f.new_label("s") for _ in targets]
    within = f.new_label("n")
    cases = " ".join(f"i32 {to}, label %{label}" for (to, _), label in zip(targets, labels, strict=True))
    weights = switch_weights(0, len(targets)) if dispatch.known else ""
    f.effect(f"switch i32 {place}, label %{within} [ {cases} ]{weights}", place)
    for (to, next_), label in zip(targets, labels, strict=True):
        f.place(label)
        _send(f, dispatch, next_, to, offset)
    f.place(within)


def _send(f: FunctionLowering, dispatch: Dispatch, next_: int, to: int, offset: int) -> None:
    """To the header `next_`, the next one on the way to the segment `to`, or that itself."""
    f.own_locals()
    f.locals[f.place_local] = NOWHERE if next_ == to else str(to)
    f.branch_to(dispatch.segments[next_], offset)
    f.own_locals()
    f.locals[f.place_local] = NOWHERE


def switch_weights(likely: int, cases: int) -> str:
    """The metadata of a switch whose way `likely` is nearly always taken; 0 is its default, 1 the first case."""
    return branch_weights([_LIKELY if way == likely else 1 for way in range(cases + 1)])


def _depth(depths: Sequence[int], number: int) -> int:
    """Where a `br_table` of `depths` goes for an i32."""
    return depths[min(number & 0xFFFFFFFF, len(depths) - 1)]


def find_dispatches(f: FunctionLowering) -> dict[int, Dispatch]:
    """The loops of a function that begin with a `br_table`, by the offset of the `loop` and by that of the `br_table`.

    A program that counts its branches goes through each `br_table`, whose ways are what it counts.
    """
    options = f.unit.plan.options
    if options.opt_level == "0" or options.instrument is not None:
        return {}
    code = f.body.code
    found: dict[int, Dispatch] = {}  # by position
    for at in [i for i, (op, _, _) in enumerate(code) if op == _BR_TABLE]:
        start = at - 2
        while start >= 0 and code[start][0] == _BLOCK and code[start][1][0] == _EMPTY:
            start -= 1
        if start >= 0 and code[at - 1][0] == _GET and code[start][0] == _LOOP and code[start][1][0] == _EMPTY:
            found[start] = found[at] = Dispatch(code[at - 1][1], at - start - 2)
    if not found:
        return {}
    _find_numbers(code, found)
    room = _MOST_SENT * len(code) // (len(f.local_types) + 1)
    for at, dispatch in found.items():
        if dispatch.numbers and code[at][0] == _BR_TABLE and dispatch.outside < _DEEPEST:
            room = _find_routes(dispatch, code, at, room)
    return {code[at][2]: dispatch for at, dispatch in found.items() if dispatch.routes}


def _find_numbers(code: Sequence[Instruction], found: Mapping[int, Dispatch]) -> None:
    """Fills in the numbers: each that a local is set to, for the innermost loop around that is about the local."""
    opened: list[Dispatch | None] = []
    about: dict[int, list[Dispatch]] = {}
    outside = 0
    before: Instruction = (_END, None, 0)
    for at, instruction in enumerate(code):
        op = instruction[0]
        if op in _OPEN:
            dispatch = found.get(at)
            opened.append(dispatch)
            if dispatch is not None:
                dispatch.outside = outside
                outside += 1
                about.setdefault(dispatch.local, []).append(dispatch)
        elif op in (_END, _DELEGATE) and opened:
            dispatch = opened.pop()
            if dispatch is not None:
                outside -= 1
                about[dispatch.local].pop()
        elif op in (_SET, _TEE) and before[0] == _CONST and about.get(instruction[1]):
            about[instruction[1]][-1].numbers.add(before[1])
        before = instruction


def _find_routes(dispatch: Dispatch, code: Sequence[Instruction], at: int, room: int) -> int:
    """Fills in `known`, `routes` and `sent_on` if those are not more than `room`. What is left of that."""
    dispatch.known = True
    routes = _headers(_following(dispatch, code, at))
    targets = sorted({depth for depth in code[at][1] if depth < dispatch.inside})
    ways = sum(len(routes[segment]) for segment in targets)
    if ways > room:
        return room
    dispatch.routes = routes
    for segment in targets:
        for header, next_ in itertools.pairwise((*routes[segment], segment)):
            dispatch.sent_on.setdefault(header, []).append((segment, next_))
    return room - ways


def _following(dispatch: Dispatch, code: Sequence[Instruction], at: int) -> list[list[int]]:
    """The segments that each segment goes to, but for what goes through the `br_table`."""
    count, depths = dispatch.inside, code[at][1]
    ways: list[list[int]] = [[] for _ in range(count)]
    segment, nesting = -1, 0
    for here in range(at + 1, len(code)):
        op, immediate, _ = code[here]
        if op in _OTHER_BRANCHES:
            dispatch.known = False
        if op in _OPEN:
            nesting += 1
        elif op == _DELEGATE or (op == _END and nesting):
            nesting -= 1
        elif op == _END:
            if segment == count - 1:
                break
            if segment >= 0 and code[here - 1][0] not in _LEAVING:
                ways[segment].append(segment + 1)
            segment += 1
        elif op in _BRANCHES:
            for depth in immediate if op == _BR_TABLE else (immediate,):
                to = segment + 1 + depth - nesting
                if to == count:
                    (before, number, _), (last, local, _) = code[here - 2], code[here - 1]
                    if before == _CONST and last == _SET and local == dispatch.local:
                        to = _depth(depths, number)
                    else:
                        dispatch.known = False
                if depth >= nesting and to < count:
                    ways[segment].append(to)
    return ways


def _headers(following: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """The headers of the loops around each node of a graph, from the outermost.

    A loop is a strongly connected part of the graph, its header the first of its nodes that others lead to, or of all;
    the loops in it are those that are left without the header.
    """
    count = len(following)
    found: list[tuple[int, ...]] = [()] * count
    leading: list[list[int]] = [[] for _ in range(count)]
    for node, nexts in enumerate(following):
        for next_ in nexts:
            leading[next_].append(node)
    work = [list(range(count))]
    while work:
        for part in _connected(work.pop(), following):
            within = set(part)
            if len(part) == 1 or len(found[part[0]]) == _DEEPEST:
                continue
            entered = [n for n in part if n == 0 or any(other not in within for other in leading[n])]
            header = min(entered or part)
            rest = [n for n in part if n != header]
            for node in rest:
                found[node] += (header,)
            work.append(rest)
    return found


def _connected(nodes: Sequence[int], following: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected parts of a graph of these nodes (Tarjan)."""
    among = set(nodes)
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: list[int] = []
    is_open: set[int] = set()
    parts: list[list[int]] = []
    for root in nodes:
        if root in order:
            continue
        path = [(root, iter(following[root]))]
        order[root] = low[root] = len(order)
        open_.append(root)
        is_open.add(root)
        while path:
            node, nexts = path[-1]
            for next_ in nexts:
                if next_ not in among:
                    continue
                if next_ not in order:
                    order[next_] = low[next_] = len(order)
                    open_.append(next_)
                    is_open.add(next_)
                    path.append((next_, iter(following[next_])))
                    break
                if next_ in is_open:
                    low[node] = min(low[node], order[next_])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == order[node]:
                    part: list[int] = []
                    while not part or part[-1] != node:
                        part.append(open_.pop())
                    is_open.difference_update(part)
                    parts.append(part)
    return parts
