"""Counted loops over memory, in two versions, or three.

Addresses of WebAssembly wrap at 2**32, so LLVM may not take `load(p + 4 * i)` and `load(p + 4 * i + 4)` for neighbours,
nor hoist an address out of a loop or count on its distance from another: neither vectoriser works on such loops,
and every access has an addition of its own. A loop that is one block and whose only way out is a counter is therefore
lowered again. Before it we compute how often it will run and, for each family of addresses (the same locals, other
constants), the first and the last; where none wraps, the first version runs, in which addresses are 64-bit numbers that
only grow or only shrink. Otherwise the last does, which is the loop as it stands. Where the first version moves loads
before stores, for which ranges of addresses may not overlap, one between these has the addresses, and moves nothing.
counted.py finds such loops.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from waot.frontend.module import FuncType
from waot.lowering.counted import (
    BR,
    END,
    Access,
    Affine,
    CountedLoop,
    Instruction,
    analyse,
    find_parts,
    gets_of,
    loops_of,
)
from waot.lowering.frame import Frame
from waot.lowering.function import Apart, FunctionLowering
from waot.lowering.layout import LIKELY
from waot.lowering.rerolling import Node, Part


def counted_loops(f: FunctionLowering) -> list[Apart]:
    """The loops of a function that are lowered twice."""
    plan = f.unit.plan
    if plan.options.opt_level not in ("2", "3") or plan.word != "i64" or plan.options.instrument is not None:
        return []
    found: list[Apart] = []
    gets: dict[int, tuple[int, int]] = {}
    code = f.body.code
    for start, branch, end in loops_of(code):
        loop = analyse(f, [*code[start : branch + 1], (END, None, code[branch][2])])
        if loop is not None:
            gets = gets or gets_of(code)
            find_parts(f, loop, gets, start, end)
            found.append((start, end, partial(lower_twice, loop=loop, leave=code[branch + 1])))
    return found


def lower_twice(f: FunctionLowering, loop: CountedLoop, leave: Instruction) -> None:
    """Lowers a counted loop in its versions, what decides between them, and behind them `leave`, a `br` or `end`."""
    if f.slots:
        f.walk(loop.code)
    else:
        _lower_both(f, loop)
    op, depth, offset = leave
    if op == BR:
        f.walk([(op, depth - 1, offset)])
        f.join(f.new_label("d"), [], (), len(f.stack))


def _lower_both(f: FunctionLowering, loop: CountedLoop) -> None:
    after = Frame("block", f.new_label("b"), FuncType((), ()), len(f.stack))
    rounds, fits, apart = _check(f, loop)
    first, second = f.new_label("v"), f.new_label("v")
    all_ = f.emit(f"and i1 {fits}, {apart}", fits, apart) if apart is not None else fits
    f.effect(f"br i1 {all_}, label %{first}, label %{second}, !prof {LIKELY}", all_)
    before = f.edge()[1]
    f.frames.append(after)
    if apart is not None:
        # Places that overlap are no reason to give up the addresses too.
        f.place(second)
        between, second = f.new_label("v"), f.new_label("v")
        f.effect(f"br i1 {fits}, label %{between}, label %{second}, !prof {LIKELY}", fits)
        f.place(between)
        _lower_in_order(f, loop, rounds, after)
        f.locals, f.locals_shared = before, True
    f.place(first)
    _lower_first(f, loop, rounds, after)
    f.locals, f.locals_shared = before, True
    f.place(second)
    f.walk(loop.code)
    f.add_edge(after)
    f.out.append(f"  br label %{after.label}")
    f.frames.pop()
    f.join(after.label, after.edges, (), after.height)


def _lower_in_order(f: FunctionLowering, loop: CountedLoop, rounds: str, after: Frame) -> None:
    """The first version, but with all loads where they stand. Comes before it, which changes what `loop` says."""
    names = [family.name for family in loop.families]
    for family in loop.families:
        name, family.name = family.name, f"{family.name}o"
        f.out.append(f"  {family.name}.0 = add nuw nsw i64 {name}.0, 0")
        f.deps[f"{family.name}.0"] = (f"{name}.0",)
    _lower_first(f, replace(loop, early=[], once=[], apart=[], part=None), rounds, after)
    for family, name in zip(loop.families, names, strict=True):
        family.name = name


def _value(f: FunctionLowering, affine: Affine) -> str:
    """An affine number before the loop, as an i32."""
    value = str(affine.constant)
    for local, factor in affine.terms:
        term = f.locals[local]
        if factor != 1:
            term = f.emit(f"mul i32 {term}, {factor}", term)
        value = f.emit(f"add i32 {term}, {value}", term, value)
    return value


def _check(f: FunctionLowering, loop: CountedLoop) -> tuple[str, str, str | None]:
    """(how many rounds there will be, an i64; whether no address wraps in them, an i1; whether what `loop.apart` names
    shares no byte, an i1, or None), before the loop.

    The distance goes to zero in equal steps. Where it is no multiple of them, it is not zero before it wraps.
    """
    left = _value(f, loop.distance)
    step = abs(loop.step)
    if loop.step > 0:
        left = f.emit(f"sub i32 0, {left}", left)
    rest = f.emit(f"urem i32 {left}, {step}", left)
    fits = [f.emit(f"icmp eq i32 {rest}, 0", rest)]
    steps = f.emit(f"udiv i32 {left}, {step}", left)
    last = f.emit(f"zext i32 {steps} to i64", steps)
    ends: dict[int, tuple[str, str]] = {}
    for family in loop.families:
        f.n += 1
        family.name = f"%a{f.n}"
        start = _value(f, family.first)
        low = high = f"{family.name}.0"
        f.out.append(f"  {low} = zext i32 {start} to i64")
        f.deps[low] = (start,)
        if family.stride:
            way = f.emit(f"mul nsw i64 {last}, {family.stride}", last)
            end = f.emit(f"add nsw i64 {low}, {way}", low, way)
            low, high = (low, end) if family.stride > 0 else (end, high)
        if family.stride < 0:
            fits.append(f.emit(f"icmp sge i64 {low}, 0", low))
        if family.stride > 0 or family.spread:
            fits.append(f.emit(f"icmp slt i64 {high}, {(1 << 32) - family.spread}", high))
        low = f.emit(f"add nsw i64 {low}, {family.low}", low)
        high = f.emit(f"add nsw i64 {high}, {family.high}", high)
        ends[id(family)] = low, high
    apart: list[str] = []
    for one, other in loop.apart:
        (low1, high1), (low2, high2) = ends[id(one)], ends[id(other)]
        below = f.emit(f"icmp sle i64 {high1}, {low2}", high1, low2)
        above = f.emit(f"icmp sle i64 {high2}, {low1}", high2, low1)
        apart.append(f.emit(f"or i1 {below}, {above}", below, above))
    rounds = f.emit(f"add nuw nsw i64 {last}, 1", last)
    return rounds, _all(f, fits), _all(f, apart) if apart else None


def _all(f: FunctionLowering, conditions: list[str]) -> str:
    result = conditions[0]
    for each in conditions[1:]:
        result = f.emit(f"and i1 {result}, {each}", result, each)
    return result


def _lower_first(f: FunctionLowering, loop: CountedLoop, rounds: str, after: Frame) -> None:
    """The version in which addresses are numbers of 64 bits and the end is counted."""
    part = loop.part
    count = part.count if part is not None else 1
    if part is not None:
        rounds = f.emit(f"mul nuw nsw i64 {rounds}, {count}", rounds)
        _begin_with(f, loop, part)
    known = {access.at: _load_now(f, loop, access) for access in loop.once}
    preheader = f.edge()[0]
    frame = Frame("loop", f.new_label("l"), FuncType((), ()), len(f.stack))
    f.frames.append(frame)
    f.begin_loop(frame, loop.code[0][1][1])
    f.n += 1
    counter = f"%k{f.n}"
    if part is not None:
        _lower_part(f, loop, part, known)
    else:
        _lower_body(f, loop, known)
    phis = [(counter, 1, "0")]
    phis += [(each.name, each.stride // count, f"{each.name}.0") for each in loop.families if each.stride]
    for name, stride, start in phis:
        f.out.append(f"  {name}.1 = add {'nuw nsw' if stride > 0 else 'nsw'} i64 {name}, {stride}")
        f.deps[name] = (start,)
    more = f.emit(f"icmp ne i64 {counter}.1, {rounds}", rounds, *(start for _, _, start in phis[1:]))
    label, end = f.label, f.new_label("n")
    f.add_edge(frame)
    back = loop.code[-2][2]
    weights = f.profile.weights((back, 0), (back, 1))
    f.effect(f"br i1 {more}, label %{frame.label}, label %{end}{weights}", more)
    f.frames.pop()
    f.end_loop(frame)
    lines = [f"  {name} = phi i64 [ {start}, %{preheader} ], [ {name}.1, %{label} ]" for name, _, start in phis]
    f.out[frame.phi_line] = "\n".join(lines)
    f.place(end)
    if part is not None:
        _end_locals(f, loop)
    f.add_edge(after)
    f.out.append(f"  br label %{after.label}")


def _lower_body(f: FunctionLowering, loop: CountedLoop, known: dict[int, str]) -> None:
    """The body as it stands, but for loads that are known, and those that come early."""
    known |= {access.at: _load_now(f, loop, access) for access in loop.early}
    for at in range(1, len(loop.code) - 2):
        access = loop.accesses.get(at)
        if at in known:
            f.stack[-1] = known[at]
        elif access is not None:
            _at_known_address(f, loop, access)
        else:
            f.walk(loop.code[at : at + 1])
    f.stack.pop()


def _begin_with(f: FunctionLowering, loop: CountedLoop, part: Part) -> None:
    """Makes families begin with the part's lowest addresses: those of other parts may be below, and come later."""
    for family in loop.families:
        own = [loop.accesses[event.at] for event in part.events if loop.accesses[event.at].family is family]
        lowest = min(access.distance for access in own)
        name = family.name
        family.name = f"{name}p"
        f.out.append(f"  {family.name}.0 = add nuw nsw i64 {name}.0, {lowest}")
        f.deps[f"{family.name}.0"] = (f"{name}.0",)
        for access in own:
            access.distance -= lowest


def _lower_part(f: FunctionLowering, loop: CountedLoop, part: Part, known: dict[int, str]) -> None:
    """The first of a body's parts, and what the locals hold behind it that do not only count."""
    values: dict[int, str] = {}

    def value(node: Node) -> str:
        found = values.get(id(node))
        if found is None:
            if isinstance(node.affine, Affine):
                found = _value(f, node.affine)
            elif node.instruction is None:
                found = f.locals[node.leaf]
            else:
                f.stack.extend([value(operand) for operand in node.operands])
                f.walk([node.instruction])
                found = f.stack.pop()
            values[id(node)] = found
        return found

    for event in part.events:
        access = loop.accesses[event.at]
        if access.stores:
            f.stack += ["0", value(event.node)]
            _at_known_address(f, loop, access)
        else:
            values[id(event.node)] = known[event.at] if event.at in known else _load_now(f, loop, access)
    handed = {local: value(node) for local, node in part.handed.items()}
    for local, step in loop.steps.items():
        handed[local] = f.emit(f"add i32 {f.locals[local]}, {step // part.count}", f.locals[local])
    f.own_locals()
    for local, held in handed.items():
        f.locals[local] = held


def _end_locals(f: FunctionLowering, loop: CountedLoop) -> None:
    """What locals hold behind a loop of parts that hold other numbers than those that they count."""
    behind = f.locals
    f.locals = list(behind)
    for local, step in loop.steps.items():
        f.locals[local] = f.emit(f"sub i32 {behind[local]}, {step}", behind[local])
    ends = {local: _value(f, end) for local, end in loop.ends.items()}
    f.locals = list(behind)
    f.locals_shared = False
    for local, held in ends.items():
        f.locals[local] = held


def _at_known_address(f: FunctionLowering, loop: CountedLoop, access: Access) -> None:
    """Lowers a load or store of the first version, with an address as operand that is not looked at."""
    family = access.family
    f.known_address = family.name if family.stride else f"{family.name}.0", access.distance
    f.walk(loop.code[access.at : access.at + 1])
    f.known_address = None


def _load_now(f: FunctionLowering, loop: CountedLoop, access: Access) -> str:
    """Lowers a load before the code that stands before it; its value."""
    f.stack.append("0")
    _at_known_address(f, loop, access)
    return f.stack.pop()
