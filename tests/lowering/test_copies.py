"""Which functions of other units a unit has copies of."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("wasmtime")

import wasmtime

from waot.codegen import make_codegen_options
from waot.frontend import collect_facts, decode_module, validate_function
from waot.frontend.module import Facts, Module
from waot.lowering import Plan, lower_unit, make_plan
from waot.options import BuildOptions
from waot.pipeline import lowering_options
from waot.targets import find_target

UNIT = 400  # operators
ALONE = "(drop (i32.const 1))" * UNIT  # a body that stands alone in a unit


def _planned(fields: str, **options: object) -> tuple[Module, Facts, Plan]:
    module = decode_module(bytes(wasmtime.wat2wasm(f"(module {fields})")))
    facts = collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    build, target = BuildOptions(**{"opt_level": "2", **options}), find_target("x86_64-linux")  # type: ignore[arg-type]
    lowering = lowering_options(target, build, make_codegen_options(target, build.cpu, build.opt_level, "exe"), facts)
    return module, facts, make_plan(module, facts, replace(lowering, unit_operators=UNIT, single_unit_operators=0))


def _copies(fields: str, **options: object) -> set[int]:
    """What `_start`, the last function of `fields`, has copies of; it is in a unit of its own."""
    module, _, plan = _planned(fields, **options)
    (unit,) = [number for number, functions in enumerate(plan.units) if len(module.funcs) - 1 in functions]
    assert len(plan.units[unit]) == 1
    return set(plan.copies[unit])


def _start(*callees: int) -> str:
    return f'(func (export "_start") {ALONE} {" ".join(f"(call {callee})" for callee in callees)})'


def test_what_is_small_and_what_it_calls_is_copied() -> None:
    large = f"(func (drop (i32.const 1)) {'(nop)' * 60})"
    fields = f'(import "wasi_snapshot_preview1" "sched_yield" (func (result i32))) (func (nop)) (func (call 1)) {large}'
    assert _copies(f"{fields} (func (call 2)) (func (nop)) {_start(2, 3, 4)}") == {1, 2, 4}


@pytest.mark.parametrize("options", [{"opt_level": "1"}, {"opt_level": "0"}, {"profile_generate": "p"}], ids=str)
def test_there_are_none_where_nothing_is_inlined_or_calls_are_counted(options: dict[str, object]) -> None:
    fields = f"(func (nop)) {_start(0)}"
    assert _copies(fields) == {0}
    assert not _copies(fields, **options)


def test_all_of_them_are_a_quarter_of_a_unit_at_most() -> None:
    count = 300
    _, facts, plan = _planned("(func (drop (i32.const 1)))" * count + _start(*range(count)))
    sizes = [sum(facts.sizes[index] for index in copies) for copies in plan.copies]
    assert UNIT // 8 < max(sizes) <= UNIT // 4


def test_code_that_nothing_reaches_counts() -> None:
    dead = f"(func (return) {'(drop (i32.const 1))' * 100})"
    _, facts, _ = _planned(fields := f"{dead} (func (return)) {_start(0, 1)}")
    assert facts.sizes[0] <= facts.sizes[1] + 1
    assert _copies(fields) == {1}


def test_what_declares_thousands_of_locals_or_throws_is_left_out() -> None:
    many = f"(func (local {'i32 ' * 50_000}) (nop))"
    fields = f"(tag) {many} (func (throw 0)) (func (local i32) (nop)) {_start(0, 1, 2)}"
    module, _, plan = _planned(fields)
    text = lower_unit(module, plan, len(plan.units) - 1, lambda index: validate_function(module, index)).text
    assert text.count("define available_externally hidden ") == 1
    assert "declare hidden fastcc void @wasm.0(" in text
    assert "declare hidden fastcc void @wasm.1(" in text
