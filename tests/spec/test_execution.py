"""The official test suite, executed natively: every script whole, in several configurations (suite.py)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import tools
from tests.programs.harness import Configuration
from tests.spec import suite, wast
from tests.spec.conformance import main_memory
from waot.targets import find_target, load_targets

pytestmark = pytest.mark.skipif(not suite.SCRIPTS, reason=f"no test suite at {suite.SUITE}; set WAOT_SPEC_TESTSUITE")

GUARDED, CHECKED, STATIC_MEMORY = (Configuration("x86_64-linux", m, "2") for m in ("guarded", "checked", "static"))
ELSEWHERE = [
    target
    for target in load_targets().values()
    if target.checked == "executed" and not target.freestanding and not target.parts and target.name != GUARDED.target
]
# What differs most between processors: conversions, byte order, lanes, tail calls, exceptions, atomic access; and
# faults, of which a program has one and these have many.
TELLING = (
    *("conversions.wast", "endianness.wast", "float_exprs.wast", "array_init_data.wast", "memory_grow.wast"),
    *("memory_trap.wast", "address1.wast"),
    *(
        "simd_boolean.wast",
        "simd_lane.wast",
        "simd_conversions.wast",
        "simd_load8_lane.wast",
        "return_call_indirect.wast",
    ),
    *("try_table.wast", "proposals/threads/atomic.wast", "proposals/wide-arithmetic/wide-arithmetic.wast"),
)
SLOW = [
    Configuration(target.name, main_memory(target.name), level)
    for target in (*ELSEWHERE, find_target(GUARDED.target))
    for level in ("2", "0")
    if (target.name, level) != (GUARDED.target, GUARDED.level)
]

Record = Callable[[str, object], None]


def _check(script: str, configuration: Configuration, record_property: Record) -> None:
    tools.runner_or_skip(configuration.target)
    outcome = suite.run_script(script, configuration)
    record_property("passed", outcome.passed)
    record_property("failed", outcome.total - outcome.passed)
    record_property("skipped", dict(outcome.skipped))
    assert not outcome.failures, "\n".join(outcome.failures)


@pytest.mark.parametrize("script", suite.SCRIPTS)
def test_script(script: str, record_property: Record) -> None:
    _check(script, GUARDED, record_property)


@pytest.mark.parametrize("script", suite.ABOUT_MEMORY)
def test_script_about_memory_with_checks(script: str, record_property: Record) -> None:
    _check(script, CHECKED, record_property)


@pytest.mark.parametrize("script", suite.ON_STATIC_MEMORY)
def test_script_with_static_memory(script: str, record_property: Record) -> None:
    _check(script, STATIC_MEMORY, record_property)


@pytest.mark.parametrize("target", [target.name for target in ELSEWHERE])
@pytest.mark.parametrize("script", TELLING if suite.SCRIPTS else ())
def test_telling_script_elsewhere(script: str, target: str, record_property: Record) -> None:
    _check(script, Configuration(target, main_memory(target), "2"), record_property)


@pytest.mark.slow
@pytest.mark.parametrize("configuration", SLOW, ids=str)
@pytest.mark.parametrize("script", suite.SCRIPTS)
def test_script_elsewhere(script: str, configuration: Configuration, record_property: Record) -> None:
    _check(script, configuration, record_property)


def test_what_is_skipped_is_an_assertion_of_the_suite() -> None:
    for name, line in suite.SKIPPED:
        commands = wast.read_script((suite.SUITE / name).read_bytes())
        assert any(isinstance(command, wast.Assertion) and command.line == line for command in commands), (name, line)
