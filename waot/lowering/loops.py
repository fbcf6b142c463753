"""Counted loops over memory, in two versions.

Addresses of WebAssembly wrap at 2**32, so LLVM may not take `load(p + 4 * i)` and `load(p + 4 * i + 4)` for neighbours,
nor hoist an address out of a loop or count on its distance from another: neither vectoriser works on such loops,
and every access has an addition of its own. A loop that is one block and whose only way out is a counter is therefore
lowered twice. Before it we compute how often it will run and, for each family of addresses (the same locals, other
constants), the first and the last; where none wraps, the first version runs, in which addresses are 64-bit numbers that
only grow or only shrink. Otherwise the second does, which is the loop as it stands.

An affine value is a sum of multiples of locals, as they are at the loop's head, and a constant, modulo 2**32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from waot.frontend.module import I32, FuncType
from waot.frontend.opcodes import BY_NAME, OPERATORS
from waot.lowering.function import Apart, Frame, FunctionLowering
from waot.lowering.layout import LIKELY
from waot.lowering.rerolling import MOST_PARTS, Node, Part, find_part, trace

Instruction = tuple[int, Any, int]  # as in `Body.code`

MOST_OPERATORS = 600  # of a loop's body: the second version costs as much code again
MOST_FAMILIES = 12
MOST_APART = 8  # pairs of families that are compared
# Whatever has more is no code of people's, and takes time.
MOST_TERMS = 8
MOST_ACCESSES = 128
# Bytes. Addresses of one family whose constants are further apart are two families; a stride that is longer is left.
FURTHEST = 1 << 16
LONGEST_STRIDE = 1 << 20

_LOOP, _END, _BR, _BR_IF = (BY_NAME[n].index for n in ("loop", "end", "br", "br_if"))
_GET, _SET, _TEE = (BY_NAME[n].index for n in ("local.get", "local.set", "local.tee"))
_SELECT, _DROP, _SELECT_T, _GLOBAL_GET = (BY_NAME[n].index for n in ("select", "drop", "select t", "global.get"))
_CONST, _ADD, _SUB, _SHL, _MUL, _EQZ = (BY_NAME[f"i32.{n}"].index for n in ("const", "add", "sub", "shl", "mul", "eqz"))
_NE = BY_NAME["i32.ne"].index

_COMPUTING = frozenset(["i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"])


def _is_plain(operator: Any) -> bool:
    """Whether it computes, loads or stores, and neither branches nor calls nor traps but by its address."""
    name = operator.name
    if operator.index in (_GET, _SET, _TEE, _SELECT, _SELECT_T, _DROP, _GLOBAL_GET):
        return True
    if operator.params is None or operator.results is None or len(operator.results) > 1 or not operator.supported:
        return False
    if name.partition(".")[0] not in _COMPUTING:
        return False
    traps = "div_" in name or "rem_" in name or ("trunc_f" in name and "sat" not in name)
    return not traps and "atomic" not in name and not (operator.width is not None and "_lane" in name)


_PLAIN = frozenset(operator.index for operator in OPERATORS if _is_plain(operator))


@dataclass(frozen=True, slots=True)
class Affine:
    """`constant` plus, for each (local, factor) of `terms`, that multiple of the local; modulo 2**32."""

    constant: int
    terms: tuple[tuple[int, int], ...] = ()

    def plus(self, other: Affine, times: int = 1) -> Affine:
        factors = dict(self.terms)
        for local, factor in other.terms:
            factors[local] = (factors.get(local, 0) + factor * times) & 0xFFFFFFFF
        terms = tuple(sorted((local, factor) for local, factor in factors.items() if factor))
        return Affine((self.constant + other.constant * times) & 0xFFFFFFFF, terms)

    def times(self, factor: int) -> Affine:
        return Affine(0).plus(self, factor)


# What is known of an operand: an affine number; that it is not zero exactly where one is (bool); or nothing.
Known = Affine | tuple[Affine, bool] | None


@dataclass(slots=True)
class Family:
    """Addresses that differ by constants. `first` is the lowest of them in the first round, less what stands in the
    operators; `spread` how far above it the highest is."""

    memory: int
    first: Affine
    stride: int  # bytes a round
    spread: int = 0
    low: int = 0  # of the bytes accessed in a round the lowest and, by one, the highest, from `first`
    high: int = 0
    name: str = ""  # of the 64-bit number in the first version


@dataclass(slots=True)
class Access:
    """A load or store at position `at` of a loop's code: `width` bytes, `distance` above its family's first address."""

    at: int
    family: Family
    distance: int
    offset: int  # the operator's
    width: int
    stores: bool

    @property
    def low(self) -> int:
        return self.distance + self.offset

    def overlaps(self, other: Access) -> bool:
        """Whether they share a byte in one round. They are of one family."""
        return self.low < other.low + other.width and other.low < self.low + self.width


@dataclass(slots=True)
class CountedLoop:
    """A loop that may be lowered twice."""

    code: Sequence[Instruction]  # from `loop` to `end`, both included
    distance: Affine  # the loop goes on while this is not zero
    step: int  # by which it changes in a round
    steps: dict[int, int] = field(default_factory=dict)  # by which locals change in a round that do so equally
    ends: dict[int, Affine] = field(default_factory=dict)  # other numbers that are known, of locals at a round's end
    families: list[Family] = field(default_factory=list)
    accesses: dict[int, Access] = field(default_factory=dict)  # by position
    early: list[Access] = field(default_factory=list)  # loads that the first version does at the head of the loop
    once: list[Access] = field(default_factory=list)  # and those that it does before the loop
    apart: list[tuple[Family, Family]] = field(default_factory=list)  # which for that may not share a byte
    part: Part | None = None  # of which the first version is made where the body is several alike (rerolling.py)


def counted_loops(f: FunctionLowering) -> list[Apart]:
    """The loops of a function that are lowered twice."""
    plan = f.unit.plan
    if plan.options.opt_level not in ("2", "3") or plan.word != "i64":
        return []
    found: list[Apart] = []
    gets: dict[int, tuple[int, int]] = {}
    code = f.body.code
    for start, branch, end in loops_of(code):
        loop = analyse(f, [*code[start : branch + 1], (_END, None, code[branch][2])])
        if loop is not None:
            gets = gets or _gets(code)
            _find_part(f, loop, gets, start, end)
            found.append((start, end, partial(lower_twice, loop=loop, leave=code[branch + 1])))
    return found


def _gets(code: Sequence[Instruction]) -> dict[int, tuple[int, int]]:
    """Where each local is read first and last."""
    gets: dict[int, tuple[int, int]] = {}
    for at, (op, local, _) in enumerate(code):
        if op == _GET:
            gets[local] = gets.get(local, (at,))[0], at
    return gets


def loops_of(code: Sequence[Instruction]) -> Iterator[tuple[int, int, int]]:
    """(position of the `loop`, of its `br_if`, behind its `end`) of each loop that is one block with its branch at the
    end. What is between branch and end may be one `br` out of the loop."""
    start = -1
    for at, (op, immediate, _) in enumerate(code):
        if op == _LOOP:
            t: FuncType = immediate[0]
            start = at if not t.params and not t.results else -1
        elif start >= 0 and op not in _PLAIN:
            if op == _BR_IF and immediate == 0 and at - start <= MOST_OPERATORS:
                following = [each[0] for each in code[at + 1 : at + 3]]
                if following[:1] == [_END]:
                    yield start, at, at + 2
                elif following == [_BR, _END] and code[at + 1][1] > 0:
                    yield start, at, at + 3
            start = -1


def analyse(f: FunctionLowering, code: Sequence[Instruction]) -> CountedLoop | None:
    """What the first version needs to know of a loop, from `loop` to `end`; None where there is to be none."""
    assigned = code[0][1][1]
    locals_: dict[int, Known] = {}
    stack: list[Known] = []
    accesses: list[tuple[int, Affine | None]] = []  # position, address
    for at, (op, immediate, _) in enumerate(code[1:-2], 1):
        if op == _GET:
            stack.append(locals_.get(immediate, Affine(0, ((immediate, 1),))))
        elif op == _SET:
            locals_[immediate] = stack.pop()
        elif op == _TEE:
            locals_[immediate] = stack[-1]
        elif op == _CONST:
            stack.append(Affine(immediate & 0xFFFFFFFF))
        elif op == _GLOBAL_GET:
            stack.append(None)
        elif op == _DROP:
            stack.pop()
        elif op in (_SELECT, _SELECT_T):
            del stack[-3:]
            stack.append(None)
        else:
            operator = OPERATORS[op]
            count = len(operator.params or ())
            operands = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            if operator.width is not None:
                _, _, memory = immediate
                plan = f.unit.plan.memories[memory]
                if plan.index64 or plan.strategy == "checked":
                    return None
                address = operands[0]
                accesses.append((at, address if isinstance(address, Affine) else None))
            stack.extend([_computed(op, operands)] if operator.results else [])
    condition = stack.pop()
    if isinstance(condition, Affine):
        condition = condition, True
    if condition is None or not condition[1]:
        return None
    steps: dict[int, int] = {}
    ends: dict[int, Affine] = {}
    for local in assigned:
        after = locals_.get(local)
        if isinstance(after, Affine):
            if after.terms == ((local, 1),) and after.constant:
                steps[local] = _signed(after.constant)
            else:
                ends[local] = after
    varying = {local for local in assigned if local not in steps}
    loop = _planned(code, condition[0], steps, varying, accesses)
    if loop is not None:
        loop.steps = steps
        loop.ends = {local: end for local, end in ends.items() if varying.isdisjoint(dict(end.terms))}
    return loop


def _find_part(f: FunctionLowering, loop: CountedLoop, gets: dict[int, tuple[int, int]], start: int, end: int) -> None:
    """Finds out whether the body, which stands in the function from `start` to `end`, is several parts alike."""
    accesses, steps, assigned = loop.accesses, loop.steps, loop.code[0][1][1]
    positions = [at for at, (op, _, _) in enumerate(loop.code) if OPERATORS[op].width is not None]
    if any(at not in accesses or accesses[at].width == 16 for at in positions):
        return

    def leaf(local: int) -> Known:
        is_number = f.local_types[local] is I32 and (local in steps or local not in assigned)
        return Affine(0, ((local, 1),)) if is_number else None

    def known(instruction: Instruction, operands: list[Known]) -> Known:
        op, immediate, _ = instruction
        return Affine(immediate & 0xFFFFFFFF) if op == _CONST else _computed(op, operands)

    def divides(count: int) -> bool:
        strides = (family.stride for family in loop.families)
        return all(each % count == 0 for each in (*strides, *steps.values()))

    done = trace(loop.code[1:-2], known, leaf)
    carried = {
        local: any(not start <= at < end for at in gets.get(local, ()))
        for local in assigned
        if local not in steps and local not in loop.ends
    }
    for count in range(min(MOST_PARTS, len(positions)), 1, -1):
        if len(positions) % count or not divides(count):
            continue

        def shifts(a: Known, b: Known, part: int, count: int = count) -> bool:
            if isinstance(a, tuple) and isinstance(b, tuple):
                return a[1] == b[1] and shifts(a[0], b[0], part)
            if not isinstance(a, Affine) or not isinstance(b, Affine):
                return False
            share = sum(factor * steps.get(local, 0) // count for local, factor in a.terms)
            return a.terms == b.terms and (b.constant - a.constant - part * share) & 0xFFFFFFFF == 0

        def places(first: int, other: int, part: int, count: int = count) -> bool:
            a, b = accesses[first], accesses[other]
            alike = loop.code[first][0] == loop.code[other][0] and a.family is b.family
            return alike and b.low - a.low == part * (a.family.stride // count)

        loop.part = find_part(done, count, carried, places, shifts)
        if loop.part is not None:
            return


def _computed(op: int, operands: list[Known]) -> Known:
    """What is known of an operator's result."""
    if op == _EQZ:
        (a,) = operands
        if isinstance(a, Affine):
            return a, False
        return (a[0], not a[1]) if a is not None else None
    if len(operands) != 2:
        return None
    a, b = operands
    if not isinstance(a, Affine) or not isinstance(b, Affine):
        return None
    known: Affine | None = None
    if op == _ADD:
        known = a.plus(b)
    elif op in (_SUB, _NE):
        known = a.plus(b, -1)
    elif op == _SHL and not b.terms:
        known = a.times(1 << (b.constant & 31))
    elif op == _MUL and not (a.terms and b.terms):
        known = a.times(b.constant) if not b.terms else b.times(a.constant)
    if known is None or len(known.terms) > MOST_TERMS:
        return None
    return (known, True) if op == _NE else known


def _signed(value: int) -> int:
    return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def _planned(
    code: Sequence[Instruction],
    distance: Affine,
    steps: dict[int, int],
    varying: set[int],
    accesses: list[tuple[int, Affine | None]],
) -> CountedLoop | None:
    def stride(value: Affine | None) -> int | None:
        """By how much it changes in a round; None where that is not a constant."""
        if value is None or any(local in varying for local, _ in value.terms):
            return None
        by = _signed(sum(factor * steps.get(local, 0) for local, factor in value.terms))
        return by if abs(by) <= LONGEST_STRIDE else None

    step = stride(distance)
    if not step:
        return None
    loop = CountedLoop(code, distance, step)
    everywhere = True  # whether the address of each access is known
    for at, address in accesses[: MOST_ACCESSES + 1]:
        by = stride(address)
        if address is None or by is None:
            everywhere = False
        else:
            _add_access(loop, at, address, by)
    few = len(accesses) <= MOST_ACCESSES and len(loop.families) <= MOST_FAMILIES
    if not few or not any(family.stride for family in loop.families):
        return None
    for family in loop.families:
        own = [access for access in loop.accesses.values() if access.family is family]
        lowest = min(access.distance for access in own)
        family.first = family.first.plus(Affine(lowest & 0xFFFFFFFF))
        for access in own:
            access.distance -= lowest
        family.spread = max(access.distance for access in own)
        family.low = min(access.low for access in own)
        family.high = max(access.low + access.width for access in own)
    if everywhere and len({family.memory for family in loop.families}) == 1:
        _move_loads(loop)
    return loop


def _add_access(loop: CountedLoop, at: int, address: Affine, stride: int) -> None:
    """Finds the access's family, or founds it."""
    op, (_, offset, memory), _ = loop.code[at]
    operator = OPERATORS[op]
    for family in loop.families:
        distance = _signed(address.constant - family.first.constant)
        if family.memory == memory and family.first.terms == address.terms and abs(distance) <= FURTHEST:
            break
    else:
        family, distance = Family(memory, address, stride), 0
        loop.families.append(family)
    loop.accesses[at] = Access(at, family, distance, offset, operator.width or 0, not operator.results)


def _move_loads(loop: CountedLoop) -> None:
    """Decides which loads the first version does before the stores that stand before them.

    A load behind a store is one that LLVM can neither join with its neighbour before that store nor, where its address
    stays the same, do once: it may be what was stored. Code in which a loop's rounds were unrolled is full of them.
    """
    stores = [access for access in loop.accesses.values() if access.stores]
    early: list[Access] = []
    once: list[Access] = []
    apart: dict[tuple[int, int], tuple[Family, Family]] = {}
    for access in loop.accesses.values():
        if access.stores:
            continue
        family = access.family
        before = stores if not family.stride else [store for store in stores if store.at < access.at]
        if not before or any(store.family is family and store.overlaps(access) for store in before):
            continue
        (early if family.stride else once).append(access)
        for store in before:
            if store.family is not family:
                apart[id(store.family), id(family)] = store.family, family
    if len(apart) <= MOST_APART:
        loop.early, loop.once, loop.apart = early, once, list(apart.values())


def lower_twice(f: FunctionLowering, loop: CountedLoop, leave: Instruction) -> None:
    """Lowers a counted loop in both versions, what decides between them, and behind them `leave`, a `br` or `end`."""
    if f.slots:
        f.walk(loop.code)
    else:
        _lower_both(f, loop)
    op, depth, offset = leave
    if op == _BR:
        f.walk([(op, depth - 1, offset)])
        f.join(f.new_label("d"), [], (), len(f.stack))


def _lower_both(f: FunctionLowering, loop: CountedLoop) -> None:
    after = Frame("block", f.new_label("b"), FuncType((), ()), len(f.stack))
    rounds, fits = _check(f, loop)
    first, second = f.new_label("v"), f.new_label("v")
    f.effect(f"br i1 {fits}, label %{first}, label %{second}, !prof {LIKELY}", fits)
    before = f.edge()[1]
    f.frames.append(after)
    f.place(first)
    _lower_first(f, loop, rounds, after)
    f.locals, f.locals_shared = before, True
    f.place(second)
    f.walk(loop.code)
    f.add_edge(after)
    f.out.append(f"  br label %{after.label}")
    f.frames.pop()
    f.join(after.label, after.edges, (), after.height)


def _value(f: FunctionLowering, affine: Affine) -> str:
    """An affine number before the loop, as an i32."""
    value = str(affine.constant)
    for local, factor in affine.terms:
        term = f.locals[local]
        if factor != 1:
            term = f.emit(f"mul i32 {term}, {factor}", term)
        value = f.emit(f"add i32 {term}, {value}", term, value)
    return value


def _check(f: FunctionLowering, loop: CountedLoop) -> tuple[str, str]:
    """(how many rounds there will be, an i64; whether no address wraps in them, an i1), before the loop.

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
    for one, other in loop.apart:
        (low1, high1), (low2, high2) = ends[id(one)], ends[id(other)]
        below = f.emit(f"icmp sle i64 {high1}, {low2}", high1, low2)
        above = f.emit(f"icmp sle i64 {high2}, {low1}", high2, low1)
        fits.append(f.emit(f"or i1 {below}, {above}", below, above))
    rounds = f.emit(f"add nuw nsw i64 {last}, 1", last)
    all_ = fits[0]
    for each in fits[1:]:
        all_ = f.emit(f"and i1 {all_}, {each}", all_, each)
    return rounds, all_


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
    f.effect(f"br i1 {more}, label %{frame.label}, label %{end}", more)
    f.frames.pop()
    f.end_loop(frame)
    lines = [f"  {name} = phi i64 [ {start}, %{preheader} ], [ {name}.1, %{label} ]" for name, _, start in phis]
    f.out[frame.phi_line] = "\n".join([*lines, f.out[frame.phi_line]])
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
