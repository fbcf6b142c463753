"""The official test suite without a system, as far as C code can perform it (suite.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.freestanding.boards import each_target, runner
from tests.freestanding.suite import perform
from tests.spec import suite

pytestmark = pytest.mark.skipif(not suite.SCRIPTS, reason=f"no test suite at {suite.SUITE}; set WAOT_SPEC_TESTSUITE")

# Floats and integers, memory, calls, exhausted stacks.
QUICK = ("conversions.wast", "memory_trap.wast", "fac.wast", "call_indirect.wast")


@pytest.mark.parametrize(
    "script", [pytest.param(s, marks=() if s in QUICK else (pytest.mark.slow,)) for s in suite.SCRIPTS]
)
@each_target
def test_script(target: str, script: str, tmp_path: Path) -> None:
    runner(target)
    outcome = perform(script, target, "2", tmp_path)
    assert (outcome.status, outcome.output) == (0, "")
    if script in QUICK:
        assert outcome.done
    elif not outcome.done:
        pytest.skip(f"nothing of it is for C: {dict(outcome.left_out)}")
