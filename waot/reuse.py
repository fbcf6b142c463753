"""Keys by which what was made of a part of a module is found again without reading that part.

A cache that is asked by the text of a unit knows all that matters, but the text must be made first: for a module of
42 MB that takes a minute. So the bytes of a unit's functions are a key too, together with all that validation and
lowering read elsewhere. That is the danger: what is forgotten here makes a wrong program. So every field of a `Module`
and of a `Plan` is part of the key unless it is listed as left out, with what stands for it; a new field makes keys
that are too strict, not too lax. tests/incremental has the frontend and lowering work on modules and plans that refuse
to show what is left out, and compares builds behind all sorts of edits with clean ones.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from waot.cache import digest
from waot.frontend.module import Facts, Module, ValType
from waot.lowering import Plan, called, line_distances
from waot.options import Grants

# What validating a body does not read of a module. Own bytes, the segments' types and what `ref.func` may name are
# looked at one by one; the rest is in messages, or is of the module as a whole.
VALIDATION_READS_NOT = frozenset(
    {
        *("source", "codes", "elements", "declared_funcs"),
        *("file", "name", "function_names", "custom_sections", "sections", "branch_hints", "_names"),
        *("imports", "exports", "start", "datas", "defined_tables", "defined_globals", "instances"),
    }
)

# What lowering a unit of several, not the first, does not read, beside validating its bodies again. Own bytes, hints
# and symbols are looked at one by one.
LOWERING_READS_NOT = frozenset(
    {
        *("source", "codes", "elements", "declared_funcs", "function_names", "branch_hints"),
        *("file", "name", "custom_sections", "sections", "_names", "start", "datas", "instances"),
    }
)

# And of the plan. Of tables all but what is in them is read; of `throws` and `symbols` what is called.
PLAN_READS_NOT = frozenset(
    {
        *("reachable", "units", "copies", "tables", "throws", "symbols"),
        *("global_initials", "dynamic_globals", "table_values", "element_values", "referenced"),
        *("image", "kept_data", "data_image", "instances", "imports", "interface"),
    }
)


def canonical(value: Any) -> Any:
    """`value` as nested tuples of which the text tells all."""
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    if isinstance(value, ValType):
        return ("type", value.name)
    if isinstance(value, range):
        return ("range", value.start, value.stop, value.step)
    if isinstance(value, list | tuple):
        return tuple([canonical(item) for item in value])
    if isinstance(value, set | frozenset):
        return ("set", *sorted([canonical(item) for item in value], key=repr))
    if isinstance(value, dict):
        return ("dict", *sorted([(canonical(key), canonical(item)) for key, item in value.items()], key=repr))
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__, *[canonical(getattr(value, field.name)) for field in fields(value)])
    raise TypeError(f"nothing tells {type(value).__name__} from another")


def _but(value: Any, left_out: Iterable[str]) -> str:
    known = [field.name for field in fields(value) if field.name not in left_out]
    return repr([(name, canonical(getattr(value, name))) for name in known])


# ---------------------------------------------------------------------- facts


def facts_keys(compiler: str, module: Module, chunks: Sequence[tuple[int, int]]) -> list[str]:
    """The keys of the facts about functions [first, last), each of `chunks`, of a module that was not linked."""
    assert not module.instances
    around = digest(compiler, _but(module, VALIDATION_READS_NOT), repr([element.type for element in module.elements]))
    imported = module.imported_func_count
    keys = []
    for first, last in chunks:
        codes = module.codes[first - imported : last - imported]
        base = codes[0].start
        places = repr([(code.start - base, code.end - base) for code in codes])
        keys.append(digest(around, first, places, module.source[base : codes[-1].end]))
    return keys


def pack_facts(facts: Facts) -> bytes:
    """`facts` as bytes, whatever fields they have."""
    packed: dict[str, Any] = {}
    for field in fields(facts):
        value = getattr(facts, field.name)
        if isinstance(value, dict):
            packed[field.name] = [list(value), list(value.values())]
        else:
            packed[field.name] = sorted(value) if isinstance(value, set) else value
    return json.dumps(packed, separators=(",", ":")).encode()


def _unpacked(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def unpack_facts(data: bytes, module: Module) -> Facts | None:
    """What `pack_facts` packed; None where a function that `ref.func` names may no longer be named."""
    packed = json.loads(data)
    facts = Facts()
    for field in fields(facts):
        value, kind = packed[field.name], type(getattr(facts, field.name))
        if kind is dict:
            value = dict(zip(value[0], map(_unpacked, value[1]), strict=True))
        elif kind is set:
            value = set(map(_unpacked, value))
        setattr(facts, field.name, value)
    return facts if facts.referred <= module.declared_funcs else None


# ---------------------------------------------------------------------- units


def unit_keys(compiler: str, module: Module, facts: Facts, plan: Plan) -> list[str]:
    """The keys of a plan's units; "" for those that have none: the first, and those of what is linked or alone.

    `compiler` is to tell all that happens to the unit's text.
    """
    if len(plan.units) == 1 or module.instances or plan.interface is not None:
        return [""] * len(plan.units)
    options = replace(plan.options, grants=Grants())
    around = digest(
        compiler,
        _but(module, LOWERING_READS_NOT),
        _but(replace(plan, options=options), PLAN_READS_NOT),
        repr([canonical(replace(table, entries={})) for table in plan.tables]),
    )
    hints = sorted(module.branch_hints.items())
    return ["", *(_unit_key(around, module, facts, plan, unit, hints) for unit in range(1, len(plan.units)))]


def _unit_key(
    around: str, module: Module, facts: Facts, plan: Plan, unit: int, hints: Sequence[tuple[int, bool]]
) -> str:
    functions, copies = plan.units[unit], plan.copies[unit]
    imported = module.imported_func_count
    codes = [module.codes[index - imported] for index in functions]
    base = min([code.start for code in codes])
    bases = [base] * len(functions)
    for index in copies:
        codes.append(module.codes[index - imported])
        bases.append(codes[-1].start)
    own = [
        (index, code.start - start, code.end - start, plan.symbols.get(index, ""))
        for index, code, start in zip([*functions, *copies], codes, bases, strict=True)
    ]
    referred = sorted(called([*functions, *copies], facts, plan.profile))
    others = [(index, plan.symbols.get(index, ""), index in plan.throws) for index in referred]
    likely = []
    for code, start in zip(codes, bases, strict=True) if hints else ():
        within = hints[bisect_left(hints, (code.start, False)) : bisect_left(hints, (code.end, False))]
        likely += [(at - start, hint) for at, hint in within]
    # Where lines are offsets in the file.
    absolute = [] if line_distances(module, plan, unit) else sorted(set(bases))
    bodies = b"".join([module.source[code.start : code.end] for code in codes])
    return digest(around, len(functions), repr(own), repr(others), repr(likely), repr(absolute), bodies)
