"""How the functions of a large module are split into units, and what each has of others, so that an edit changes few.

A unit's text is made of its own functions and of what it knows of others. For a rebuild to find what did not change,
nothing in it may depend on where it stands: the split is found again behind an edit, symbols do not count functions,
and offsets in the file are counted from the unit's own first byte (`line_distances`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from waot.frontend.module import Body, Facts, Module
from waot.frontend.opcodes import BY_NAME

if TYPE_CHECKING:
    from waot.lowering.plan import LoweringOptions, Plan
    from waot.lowering.profiled import Guidance

# The line of a unit's first byte, where lines count from there. So large that LLVM writes the way to it, and back to
# line 0, in five bytes, which the linker layer then exchanges (waot/linker/places.py).
FIRST_LINE = 1 << 28

# The line of the first byte of the first copy that a unit has, and how many lines each has for itself: far enough from
# each other that LLVM writes the way in four bytes, which are enough for any way in a file of MOST_BYTES_WITH_COPIES.
FIRST_COPY_LINE = 1 << 29
COPY_LINES = 1 << 21
MOST_COPIES = 1500
MOST_BYTES_WITH_COPIES = 1 << 27

_MOST_LOCALS = 100
_THROWS = frozenset(BY_NAME[n].index for n in ("throw", "throw_ref", "rethrow"))


def split(sizes: Sequence[int], marks: Sequence[bytes], mean: int) -> list[range]:
    """Splits a list into ranges of about `mean` (half of it to half as much again), in the sum of `sizes`.

    A range begins with the least mark among those that it can begin with, so an edit moves the ranges next to it and
    no others. What is larger than a range stands alone.
    """
    least, most = mean // 2, mean + mean // 2
    ranges = []
    begin = at = size = 0
    best = -1
    while at < len(sizes):
        if at > begin and size >= least and (best < 0 or marks[at] < marks[best]):
            best = at
        if at > begin and size + sizes[at] > most:
            end = best if best >= 0 else at
            ranges.append(range(begin, end))
            begin = at = end
            size, best = 0, -1
            continue
        size += sizes[at]
        at += 1
    if begin < at:
        ranges.append(range(begin, at))
    return ranges


def function_marks(module: Module, sizes: Sequence[int]) -> list[bytes]:
    """A mark for `split` of each function that `module` defines: of its name, or else of its type and size.

    An index would change with every function that comes or goes before it.
    """
    imported = module.imported_func_count
    names = module.function_names
    types = [str(type_) for type_ in module.types]
    return [
        blake2b(
            (names.get(index) or f"{types[module.funcs[index]]} {size}").encode("utf-8", "surrogatepass"), digest_size=8
        ).digest()
        for index, size in enumerate(sizes, imported)
    ]


def split_units(
    module: Module, groups: Sequence[Sequence[int]], facts: Facts, options: LoweringOptions
) -> list[list[int]]:
    """The functions to lower, by unit; unit 0 has the instance's state, and all else where there is one unit only.

    No unit has functions of two `groups`. In the order given: neighbours in the file tend to call each other.
    """
    if sum([facts.sizes[index] for group in groups for index in group]) <= options.single_unit_operators:
        return [[index for group in groups for index in group]]
    imported = module.imported_func_count
    marks = function_marks(module, [facts.sizes[index] for index in range(imported, len(module.funcs))])
    units: list[list[int]] = [[]]
    for group in groups:
        sizes = [facts.sizes[index] for index in group]
        parts = split(sizes, [marks[index - imported] for index in group], options.unit_operators)
        units += [[group[place] for place in part] for part in parts]
    return units


def called(functions: Iterable[int], facts: Facts, profile: Guidance | None) -> set[int]:
    """What `functions` call by name, and what a profile has seen them call through tables and references."""
    found = {callee for index in functions for callee in facts.callees[index]}
    if profile is not None:
        for index in functions:
            known = profile.functions.get(index)
            found.update([callee for site in known.sites for callee, _ in site] if known is not None else ())
    return found


def copies(
    module: Module,
    units: Sequence[Sequence[int]],
    facts: Facts,
    options: LoweringOptions,
    profile: Guidance | None,
) -> list[list[int]]:
    """The functions of other units that each unit has copies of, for calls to be inlined: small ones that it calls.

    And those that these call, as long as all of them are a quarter of a unit at most. An operator counts for each four
    bytes of its own, and so does code that nothing reaches: what is small costs little wherever it is.
    """
    if not options.copied_operators or len(units) == 1 or module.codes[-1].end > MOST_BYTES_WITH_COPIES:
        return [[] for _ in units]
    imported = module.imported_func_count
    found: list[list[int]] = []
    for unit in units:
        known = set(unit)
        room = options.unit_operators // 4
        copied: list[int] = []
        callers: Sequence[int] = unit
        while callers:
            new = called(callers, facts, profile) - known
            known |= new
            callers = []
            for callee in sorted(new):
                if callee < imported:
                    continue
                code = module.codes[callee - imported]
                size = max(facts.sizes[callee], (code.end - code.start) // 4)
                if size <= min(options.copied_operators, room):
                    room -= size
                    callers.append(callee)
            copied += callers
        found.append(copied[:MOST_COPIES])
    return found


def can_be_copied(body: Body) -> bool:
    """Whether a unit may have a copy. Not of what throws, which says where in the file it is.

    Nor of what declares thousands of locals, as a body may for two bytes.
    """
    return len(body.locals) <= _MOST_LOCALS and not any(op in _THROWS for op, _, _ in body.code)


def function_symbols(module: Module, units: int) -> dict[int, str]:
    """What functions are called where there are several units: by their names, of which a digest stands for them.

    Names of C++ are hundreds of bytes long, and each call would have one. Functions without a name are called by their
    index, as all are where there is one unit.
    """
    if units == 1:
        return {}
    symbols: dict[int, str] = {}
    seen: dict[str, int] = {}
    for index, name in sorted(module.function_names.items()):
        if name:
            number = seen[name] = seen.get(name, -1) + 1
            data = f"{number} {name}".encode("utf-8", "surrogatepass")
            symbols[index] = f"wasm.n{blake2b(data, digest_size=16).hexdigest()}"
    return symbols


def line_distances(module: Module, plan: Plan, unit: int) -> list[int]:
    """By how many bytes from the start of the file the lines of `unit` are too small: its own, and those of each copy.

    An empty list where lines are offsets in the file: where nobody would exchange them, or there is nothing else that
    a rebuild could keep.
    """
    options = plan.options
    functions = plan.units[unit]
    if len(plan.units) == 1 or not functions or not options.executable or options.exports or plan.interface is not None:
        return []
    imported = module.imported_func_count
    base = min(module.codes[index - imported].start for index in functions)
    lines = range(FIRST_COPY_LINE, 1 << 32, COPY_LINES)
    copied = [module.codes[index - imported].start for index in plan.copies[unit]]
    return [base - FIRST_LINE, *[start - line for start, line in zip(copied, lines, strict=False)]]
