"""Counted loops over memory: what has to be known of one to lower it twice (loops.py says why and how).

An affine value is a sum of multiples of locals, as they are at the loop's head, and a constant, modulo 2**32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from waot.frontend.module import I32, FuncType
from waot.frontend.opcodes import BY_NAME, OPERATORS
from waot.lowering.function import FunctionLowering
from waot.lowering.rerolling import MOST_PARTS, Part, find_part, trace

Instruction = tuple[int, Any, int]  # as in `Body.code`

MOST_OPERATORS = 600  # of a loop's body: each other version costs as much code again
MOST_FAMILIES = 12
MOST_APART = 8  # pairs of families that are compared
# Whatever has more is no code of people's, and takes time.
MOST_TERMS = 8
MOST_ACCESSES = 128
# Bytes. Addresses of one family whose constants are further apart are two families; a stride that is longer is left.
FURTHEST = 1 << 16
LONGEST_STRIDE = 1 << 20

_LOOP, END, BR, _BR_IF = (BY_NAME[n].index for n in ("loop", "end", "br", "br_if"))
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
    return not traps and "atomic" not in name


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
    lane: bool  # it is of one lane: a load has the other lanes as an operand

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


def gets_of(code: Sequence[Instruction]) -> dict[int, tuple[int, int]]:
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
                if following[:1] == [END]:
                    yield start, at, at + 2
                elif following == [BR, END] and code[at + 1][1] > 0:
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
                memory = immediate[2]
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


def find_parts(f: FunctionLowering, loop: CountedLoop, gets: dict[int, tuple[int, int]], start: int, end: int) -> None:
    """Finds out whether the body, which stands in the function from `start` to `end`, is several parts alike."""
    accesses, steps, assigned = loop.accesses, loop.steps, loop.code[0][1][1]
    positions = [at for at, (op, _, _) in enumerate(loop.code) if OPERATORS[op].width is not None]
    if any(at not in accesses or accesses[at].width == 16 or accesses[at].lane for at in positions):
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
    op, (_, offset, memory, *lane), _ = loop.code[at]
    operator = OPERATORS[op]
    for family in loop.families:
        distance = _signed(address.constant - family.first.constant)
        if family.memory == memory and family.first.terms == address.terms and abs(distance) <= FURTHEST:
            break
    else:
        family, distance = Family(memory, address, stride), 0
        loop.families.append(family)
    loop.accesses[at] = Access(at, family, distance, offset, operator.width or 0, not operator.results, bool(lane))


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
        if access.stores or access.lane:
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
