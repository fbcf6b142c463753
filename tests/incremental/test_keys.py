"""What the keys of facts and units leave out is not read: validation and lowering do the same without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

pytest.importorskip("wasmtime")

import wasmtime

from tests.incremental.edits import EDITS, module
from tests.operators import generated
from tests.operators.running import CASES, case_module
from waot.codegen import make_codegen_options
from waot.frontend import collect_facts, decode_module, validate_function
from waot.frontend.module import Code, Facts, Module
from waot.lowering import Plan, lower_unit, make_plan
from waot.lowering.profiled import Guidance
from waot.options import BuildOptions
from waot.pipeline import lowering_options
from waot.reuse import (
    LOWERING_READS_NOT,
    PLAN_READS_NOT,
    VALIDATION_READS_NOT,
    canonical,
    facts_keys,
    pack_facts,
    unit_keys,
    unpack_facts,
)
from waot.targets import find_target

T = TypeVar("T")

CONFIGURATIONS = [
    ("x86_64-linux", "static", "2"),
    ("x86_64-windows", "guarded", "0"),
    ("armv7-linux", "checked", "2"),
    ("s390x-linux", "guarded", "1"),
]
PROGRAMS = [*(f"case {path.stem}" for path in sorted(CASES.glob("*.wat"))), "edits"]
EDITED = [f"edit {name}" for name, _, _ in EDITS]
OPERATORS = [f"operators {name}" for name in (*generated.groups(), "folded", "wide")]


def _slow(names: list[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


def _program(name: str) -> bytes:
    kind, _, rest = name.partition(" ")
    if kind == "case":
        return case_module(rest).wasm
    if kind == "operators":
        return generated.make(rest)[1]
    text = module()
    for edit, changes, change in EDITS:
        if edit == rest:
            text = change(module(**changes))
    return bytes(wasmtime.wat2wasm(text))


def _guarded(value: T, hidden: Iterable[str], **shown: Any) -> T:
    """A copy of a dataclass with the fields `shown` that refuses to tell those that are `hidden`."""
    secret = frozenset(hidden) - shown.keys()

    def tell(self: object, name: str) -> Any:
        assert name not in secret, f"{name} is read and is no part of the key"
        return object.__getattribute__(self, name)

    made: T = object.__new__(type("Guarded", (type(value),), {"__slots__": (), "__getattribute__": tell}))
    for field in fields(value):  # type: ignore[arg-type]
        object.__setattr__(made, field.name, shown.get(field.name, getattr(value, field.name)))
    return made


def _own(whole: Module, functions: Iterable[int]) -> dict[str, Any]:
    """Fields of a module of which nothing is left but what belongs to `functions`."""
    imported = whole.imported_func_count
    source = bytearray(b"\xff" * len(whole.source))
    codes = [Code(0, 0)] * len(whole.codes)
    for index in functions:
        code = codes[index - imported] = whole.codes[index - imported]
        source[code.start : code.end] = whole.source[code.start : code.end]
    return {"source": bytes(source), "codes": codes}


def _other(whole: Module, referred: Iterable[int]) -> dict[str, Any]:
    return {
        "elements": [SimpleNamespace(type=element.type) for element in whole.elements],
        "declared_funcs": frozenset(referred),
        "instances": [],
        "file": None,  # for messages
    }


def _facts(whole: Module) -> Facts:
    return collect_facts(whole, range(whole.imported_func_count, len(whole.funcs)))


def _plan(whole: Module, facts: Facts, target: str, memory: str, level: str) -> Plan:
    options = BuildOptions(memory=memory, opt_level=level)
    found = find_target(target)
    codegen = make_codegen_options(found, options.cpu, level, "exe")
    lowering = replace(lowering_options(found, options, codegen, facts), unit_operators=100, single_unit_operators=0)
    return make_plan(whole, facts, lowering)


@pytest.mark.parametrize("name", [*PROGRAMS, *_slow(OPERATORS)])
def test_facts_are_made_of_what_their_key_is_made_of(name: str) -> None:
    whole = decode_module(_program(name))
    for first in range(whole.imported_func_count, len(whole.funcs), 7):
        chunk = range(first, min(first + 7, len(whole.funcs)))
        facts = collect_facts(whole, chunk)
        shown = _own(whole, chunk) | _other(whole, facts.referred)
        assert collect_facts(_guarded(whole, VALIDATION_READS_NOT, **shown), chunk) == facts
        assert unpack_facts(pack_facts(facts), whole) == facts


@pytest.mark.parametrize("name", [*PROGRAMS, *_slow(EDITED), *_slow(OPERATORS)])
def test_units_are_made_of_what_their_key_is_made_of(name: str) -> None:
    whole = decode_module(_program(name))
    facts = _facts(whole)
    for configuration in CONFIGURATIONS:
        _check_units(whole, facts, _plan(whole, facts, *configuration))


def _check_units(whole: Module, facts: Facts, plan: Plan) -> None:
    keys = unit_keys("", whole, facts, plan)
    assert keys[0] == ""
    assert len(set(keys)) == len(plan.units) > 1
    for unit, functions in enumerate(plan.units):
        if not unit:
            continue
        text = lower_unit(whole, plan, unit, lambda index: validate_function(whole, index)).text
        lowered = {*functions, *plan.copies[unit]}
        called = {callee for index in lowered for callee in facts.callees[index]}
        ends = [whole.codes[index - whole.imported_func_count] for index in lowered]
        own = _guarded(
            whole,
            LOWERING_READS_NOT,
            **_own(whole, lowered),
            **_other(whole, facts.referred),
            branch_hints={k: v for k, v in whole.branch_hints.items() if any(c.start <= k < c.end for c in ends)},
        )
        planned = _guarded(
            plan,
            PLAN_READS_NOT,
            units=[functions if number == unit else [] for number in range(len(plan.units))],
            copies=[copies if number == unit else [] for number, copies in enumerate(plan.copies)],
            tables=[replace(table, entries={}) for table in plan.tables],
            throws=plan.throws & called,
            symbols={index: symbol for index, symbol in plan.symbols.items() if index in called | lowered},
            interface=None,
        )
        assert lower_unit(own, planned, unit, lambda index, own=own: validate_function(own, index)).text == text  # type: ignore[misc]


def test_what_a_body_may_name_no_longer_is_noticed() -> None:
    whole = decode_module(bytes(wasmtime.wat2wasm(module())))
    packed = pack_facts(_facts(whole))
    assert unpack_facts(packed, whole) is not None
    assert unpack_facts(packed, _guarded(whole, (), declared_funcs=frozenset())) is None


def test_each_field_of_a_module_and_of_a_plan_is_part_of_the_keys_or_named_as_left_out() -> None:
    whole = decode_module(bytes(wasmtime.wat2wasm(module())))
    facts = _facts(whole)
    plan = _plan(whole, facts, *CONFIGURATIONS[0])
    chunks = [(whole.imported_func_count, len(whole.funcs))]
    names = {field.name for field in fields(Module)}
    assert names > LOWERING_READS_NOT
    assert names > VALIDATION_READS_NOT
    assert {field.name for field in fields(Plan)} > PLAN_READS_NOT
    units, chunk = unit_keys("", whole, facts, plan)[1:], facts_keys("", whole, chunks)

    def others(value: T, left_out: frozenset[str]) -> Iterator[tuple[str, T]]:
        for field in fields(value):  # type: ignore[arg-type]
            if field.name not in left_out and field.name not in ("options", "funcs"):  # all else is found by these
                other = Guidance({}, "", 0) if field.name == "profile" else "something else"
                yield field.name, _guarded(value, (), **{field.name: other})

    for name, planned in others(plan, PLAN_READS_NOT):
        assert unit_keys("", whole, facts, planned)[1:] != units, name
    for name, decoded in others(whole, LOWERING_READS_NOT):
        assert unit_keys("", decoded, facts, plan)[1:] != units, name
    for name, decoded in others(whole, VALIDATION_READS_NOT):
        assert facts_keys("", decoded, chunks) != chunk, name


def test_values_that_differ_are_told_apart() -> None:
    values: list[object] = [
        None,
        0,
        "",
        b"",
        (),
        frozenset(),
        {},
        range(1),
        range(2),
        (0,),
        (None,),
        {0: 1},
        {1: 0},
        {0},
        {1},
        "0",
    ]
    told = [repr(canonical(value)) for value in values]
    assert len(set(told)) == len(told)
    assert canonical({3, 1, 2}) == canonical({2, 3, 1})
    assert canonical({1: 2, 3: 4}) == canonical({3: 4, 1: 2})
    with pytest.raises(TypeError):
        canonical(object())
