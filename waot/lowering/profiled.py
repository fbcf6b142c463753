"""Profiles in lowering: code that counts, and code that is told what was counted.

What is counted is decided by flow.py, operator by operator, before LLVM sees anything: a profile made on one target is
as good on all others, and at any level. LLVM's own instrumentation counts edges of its IR, which differ by target and
option, and wants a tool for its files that no package here has.

The counters of a unit are an array to which `waot_profile.<unit>` points. It begins as one of the program's own, and
the shim lets it point into the file instead (wasi/profile.c), so nothing has to be done at the end, however that comes.
For a call whose callee is not known there is a site: a few functions with how often each was called. Functions that can
be called that way have their index, plus 1, in the four bytes before their code.

What was counted becomes weights of branches, entry counts of functions and a summary, all as LLVM's front end for C
gives them; and calls of unknown callees compare with the likely ones first (`guarded_call`), which then can be inlined.
The checks of such a call are made where the comparison fails: a function that was found equal is not null and has its
type.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from waot.frontend.module import Body, FuncType
from waot.lowering.flow import ENTRY, Flow, Way, fingerprint
from waot.lowering.types import return_type
from waot.profile import CALLEES, FUNCTION, HEAD, MAGIC, VERSION, FunctionProfile, Profile, function_hash

if TYPE_CHECKING:
    from waot.lowering.function import FunctionLowering
    from waot.lowering.unit import UnitLowering

SITE_BYTES = 16 * CALLEES

# A callee is worth a comparison where it takes this much of what those before it leave, and this much of all calls:
# percent, LLVM's own choice (-icp-remaining-percent-threshold, -icp-total-percent-threshold).
_OF_REST, _OF_ALL = 30, 5
_MOST_GUARDS = 2

# Of all that was counted, in millionths, what the hottest counters have that are called hot; LLVM's choice.
_HOT = 990_000
_CUTOFFS = (10_000, *range(100_000, 1_000_000, 100_000), 950_000, _HOT, 999_000, 999_900, 999_990, 999_999)


class Unprofiled:
    """A function of which nothing is to be counted and nothing known."""

    attributes = ""  # of the function, with a space before them
    prefix = ""  # what stands before its code, likewise
    metadata = ""  # of the definition, likewise

    def count(self, f: FunctionLowering, offset: int, k: int) -> None:
        """Counts here, where that way (flow.py) and no other comes by, if it has to be."""

    def counts(self, offset: int, k: int) -> bool:
        """Whether that way has a counter."""
        return False

    def count_callee(self, f: FunctionLowering, offset: int, code: str) -> None:
        """Counts what the call at `offset`, of a callee that is not known, is about to call."""

    def weights(self, *ways: Way) -> str:
        """What stands behind a conditional branch that goes one of these ways, those that it has first."""
        return ""

    def table_weights(self, offset: int, labels: Sequence[int]) -> str:
        """The same for a `br_table`; `labels` are its depths."""
        return ""

    def likely(self, f: FunctionLowering, offset: int, t: int) -> Sequence[tuple[int, str]]:
        """Functions of the canonical type `t` that the call at `offset` mostly calls, and the weights of being each."""
        return ()


UNPROFILED = Unprofiled()


# ---------------------------------------------------------------------- counting


class Counters:
    """The counters of a unit."""

    def __init__(self, unit: UnitLowering, digest: bytes) -> None:
        self.unit = unit
        self.symbol = f"waot_profile.{unit.index}"
        self.size = 0  # bytes
        self._digest = digest
        self._rows: list[tuple[int, int, int, int, int, int]] = []

    def function(self, body: Body) -> Counting:
        """Makes room for a function's."""
        flow = Flow(body)
        name = function_hash(self.unit.module, body.index)
        self._rows.append((body.index, len(flow.counted), len(flow.sites), 0, fingerprint(body), name))
        counting = Counting(self, flow, self.size, prefix(self.unit, body.index))
        self.size += 8 * len(flow.counted) + SITE_BYTES * len(flow.sites)
        return counting

    def text(self) -> Iterator[str]:
        """The IR of the array and of what describes it (struct waot_profile_part), when all functions are there."""
        plan = self.unit.plan
        order = ">" if plan.options.big_endian else "<"
        parts = len(plan.units)
        head = struct.pack(
            order + HEAD, MAGIC, VERSION, self.unit.index, parts, len(self._rows), self.size, self._digest
        )
        head += b"".join(struct.pack(order + FUNCTION, *row) for row in self._rows)
        data = "".join(f"\\{byte:02X}" for byte in head)
        # Never empty, so that it has an address of its own.
        words = self.size // 8 or 1
        yield f'@{self.symbol}.head = internal constant [{len(head)} x i8] c"{data}", align 8'
        yield f"@{self.symbol}.own = internal global [{words} x i64] zeroinitializer"
        yield f"@{self.symbol} = internal global ptr @{self.symbol}.own"
        yield (
            f"@waot_profile_part.{self.unit.index} = hidden constant %waot.profile_part {{ ptr @{self.symbol}.head, "
            f"i64 {len(head)}, ptr @{self.symbol}, i64 {self.size} }}"
        )
        if self.unit.has_state:
            for k in range(1, parts):
                yield f"@waot_profile_part.{k} = external hidden constant %waot.profile_part"
            pointers = ", ".join(f"ptr @waot_profile_part.{k}" for k in range(parts))
            yield f"@waot_profile_parts = internal constant [{parts} x ptr] [{pointers}]"
            yield f"@waot_profile = hidden constant %waot.profile {{ ptr @waot_profile_parts, i64 {parts} }}"


def prefix(unit: UnitLowering, index: int) -> str:
    """What stands before the code of a function in a program that counts: by it a call tells what it calls."""
    counted = unit.plan.options.instrument is not None and index in unit.plan.referenced
    return f" prefix i32 {index + 1}" if counted else ""


# What stands there before code that is no function of the module's.
NO_FUNCTION_PREFIX = " prefix i32 0"


class Counting(Unprofiled):
    """A function that counts."""

    def __init__(self, counters: Counters, flow: Flow, start: int, before: str) -> None:
        self._counters = counters
        self._flow = flow
        self._start = start  # bytes from the beginning of the unit's counters
        self.prefix = before

    def _place(self, f: FunctionLowering, at: int) -> str:
        symbol = self._counters.symbol
        base = f.at_entry("%profile", f"load ptr, ptr @{symbol}, !invariant.load !0")
        return f.emit(f"getelementptr i8, ptr {base}, i64 {self._start + at}", base)

    def count(self, f: FunctionLowering, offset: int, k: int) -> None:
        number = self._flow.counted.get((offset, k))
        if number is None:
            return
        tbaa = f.unit.tbaa_tag("profile")
        place = self._place(f, 8 * number)
        before = f.emit(f"load i64, ptr {place}, align 8, !tbaa {tbaa}", place)
        after = f.emit(f"add i64 {before}, 1", before)
        f.effect(f"store i64 {after}, ptr {place}, align 8, !tbaa {tbaa}", after, place)

    def counts(self, offset: int, k: int) -> bool:
        return (offset, k) in self._flow.counted

    def count_callee(self, f: FunctionLowering, offset: int, code: str) -> None:
        site = self._flow.sites[offset]
        place = self._place(f, 8 * len(self._flow.counted) + SITE_BYTES * site)
        f.unit.helper(_COUNT_CALLEE, lambda: _count_callee_ir(f.unit))
        f.effect(f"call void @{_COUNT_CALLEE}(ptr {place}, ptr {code})", place, code)


_COUNT_CALLEE = "waot_profile.callee"


def _count_callee_ir(unit: UnitLowering) -> str:
    """A function that counts a callee: the one that was the first to be called there at once, others in the shim."""
    unit.runtime_function("waot_profile_callee")
    tbaa = unit.tbaa_tag("profile")
    # Arm's pointers to code have a bit in them that says which kind of code it is.
    return f"""\
define internal void @{_COUNT_CALLEE}(ptr %site, ptr %code) #5 {{
  %number = ptrtoint ptr %code to {unit.plan.word}
  %even = and {unit.plan.word} %number, -2
  %start = inttoptr {unit.plan.word} %even to ptr
  %at = getelementptr i8, ptr %start, {unit.plan.word} -4
  %callee = load i32, ptr %at, align 1, !tbaa {tbaa}
  %wide = zext i32 %callee to i64
  %first = load i64, ptr %site, align 8, !tbaa {tbaa}
  %same = icmp eq i64 %wide, %first
  br i1 %same, label %yes, label %no
yes:
  %place = getelementptr i8, ptr %site, {unit.plan.word} 8
  %before = load i64, ptr %place, align 8, !tbaa {tbaa}
  %after = add i64 %before, 1
  store i64 %after, ptr %place, align 8, !tbaa {tbaa}
  ret void
no:
  call void @waot_profile_callee(ptr %site, i64 %wide)
  ret void
}}"""


# ---------------------------------------------------------------------- what was counted


@dataclass(frozen=True, slots=True)
class Guidance:
    """A profile as lowering uses it. `summary` is the value of LLVM's module flag "ProfileSummary"; what was counted
    `hot` times is hot."""

    functions: dict[int, FunctionProfile]
    summary: str
    hot: int


def guidance(profile: Profile) -> Guidance:
    """What follows from a profile for all of a module. The summary is as LLVM computes it of its own counters."""
    functions = profile.functions.values()
    counts = sorted((count for function in functions for count in function.counters if count), reverse=True)
    total = sum(counts)
    sums = []
    reached = 0
    for count in counts:
        reached += count
        sums.append(reached)
    detailed, hot = [], 1
    for cutoff in _CUTOFFS if counts else ():
        last = bisect_left(sums, -(-total * cutoff // 1_000_000))
        detailed.append(f"!{{i32 {cutoff}, i64 {counts[last]}, i32 {min(last + 1, (1 << 31) - 1)}}}")
        if cutoff == _HOT:
            hot = counts[last]
    entries = max((function.counters[0] for function in functions if function.counters), default=0)
    inner = max((count for function in functions for count in function.counters[1:]), default=0)
    fields = {
        "TotalCount": total,
        "MaxCount": counts[0] if counts else 0,
        "MaxInternalCount": inner,
        "MaxFunctionCount": entries,
        "NumCounts": sum(len(function.counters) for function in functions),
        "NumFunctions": len(functions),
    }
    nodes = ['!{!"ProfileFormat", !"InstrProf"}']
    nodes += [f'!{{!"{name}", i64 {min(value, (1 << 63) - 1)}}}' for name, value in fields.items()]
    nodes.append(f'!{{!"DetailedSummary", !{{{", ".join(detailed)}}}}}')
    return Guidance(profile.functions, f"!{{{', '.join(nodes)}}}", hot)


def by_heat(indices: Iterable[int], known: Guidance) -> tuple[list[int], list[int], list[int]]:
    """Functions that are hot, that are not, and that have never run, each in order. What is not known of is not hot."""
    groups: tuple[list[int], list[int], list[int]] = ([], [], [])
    for index in indices:
        function = known.functions.get(index)
        most = function.most if function is not None else 1
        groups[0 if most >= known.hot and function is not None else 1 if most else 2].append(index)
    return groups


class Guided(Unprofiled):
    """A function of which it is known how often what was run."""

    def __init__(self, body: Body, known: FunctionProfile) -> None:
        self._ways: dict[Way, int] = {}
        self._sites: dict[int, tuple[tuple[int, int], ...]] = {}
        if not known.most:
            self.attributes = " cold minsize optsize"
            self.metadata = f" !prof {_metadata('function_entry_count', [0], 'i64')}"
            return
        flow = Flow(body)
        self._ways = flow.counts(known.counters)
        if not self._ways:
            return  # it is of another body, whatever it says
        self.metadata = f" !prof {_metadata('function_entry_count', [known.counters[0]], 'i64')}"
        if len(known.sites) == len(flow.sites):
            self._sites = {offset: known.sites[number] for offset, number in flow.sites.items()}

    def weights(self, *ways: Way) -> str:
        return branch_weights([self._ways.get(way, 0) for way in ways])

    def table_weights(self, offset: int, labels: Sequence[int]) -> str:
        cases = Counter(labels)
        shares = {
            label: self._ways.get((offset, k), 0) // cases[label] for k, label in enumerate(dict.fromkeys(labels))
        }
        # What several cases have in common is shared out evenly. The default comes first.
        return branch_weights([shares[label] for label in (labels[-1], *labels[:-1])])

    def likely(self, f: FunctionLowering, offset: int, t: int) -> Sequence[tuple[int, str]]:
        module, plan = f.unit.module, f.unit.plan
        callees = self._sites.get(offset, ())
        total = rest = sum(count for _, count in callees)
        found: list[tuple[int, str]] = []
        if plan.options.opt_level == "0":
            return found
        for index, count in callees:
            few = count * 100 < rest * _OF_REST or count * 100 < total * _OF_ALL or not count
            if few or len(found) == _MOST_GUARDS:
                break
            if index not in plan.referenced or module.canonical[module.funcs[index]] != t:
                break
            rest -= count
            found.append((index, branch_weights([count, rest])))
        return found


def _metadata(kind: str, numbers: Sequence[int], ir: str) -> str:
    return f'!{{!"{kind}", {", ".join(f"{ir} {number}" for number in numbers)}}}'


def branch_weights(counts: Sequence[int]) -> str:
    """The metadata of a branch of which each way is taken so often, nothing where none ever is."""
    if not any(counts):
        return ""
    scale = max(counts) // 0xFFFFFFFF + 1
    return f", !prof {_metadata('branch_weights', [count // scale for count in counts], 'i32')}"


# ---------------------------------------------------------------------- guarded calls

# Told as soon as it is known what to compare: a code pointer, or (True) a funcref.
Guard = Callable[[str, bool], None]


def guarded_call(
    f: FunctionLowering,
    t: FuncType,
    likely: Sequence[tuple[int, str]],
    find: Callable[[Guard], str],
    offset: int,
    *,
    may_throw: bool,
) -> None:
    """Calls what `find` gives, which takes the topmost operand, or directly one of `likely` where that is the callee.

    `find` calls its argument before it checks what needs no check of a function that is known.
    """
    which = f.stack.pop()
    call = f.begin_call(t)
    f.stack.append(which)
    direct: list[tuple[str, str]] = []

    def guard(value: str, is_funcref: bool) -> None:
        for function, weights in likely:
            symbol = f.unit.function_symbol(function)
            wanted = f.unit.funcref_symbol(function) if is_funcref else symbol
            same = f.emit(f"icmp eq ptr {value}, {wanted}", value)
            yes, no = f.new_label("g"), f.new_label("n")
            f.effect(f"br i1 {same}, label %{yes}, label %{no}{weights}", same)
            direct.append((yes, symbol))
            f.place(no)

    callee = find(guard)
    f.roots.append(callee)
    done = f.new_label("j")
    ways = []
    for label, function in [("", callee), *direct]:
        if label:
            f.place(label)
        ways.append((f.emit_call(call, function, offset), f.label))
        f.out.append(f"  br label %{done}")
    f.place(done)
    value = ""
    if ways[0][0]:
        ir = return_type(t, f.unit.plan.registers)
        incoming = ", ".join(f"[ {result}, %{label} ]" for result, label in ways)
        value = f.emit(f"phi {ir} {incoming}", *(result for result, _ in ways))
    f.end_call(call, value, may_throw=may_throw)


__all__ = [
    "ENTRY",
    "NO_FUNCTION_PREFIX",
    "UNPROFILED",
    "Counters",
    "Guidance",
    "Guided",
    "Unprofiled",
    "by_heat",
    "guarded_call",
    "guidance",
    "prefix",
]
