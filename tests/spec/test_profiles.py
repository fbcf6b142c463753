"""The official suite's scripts, each performed while counting and then by a program compiled by what was counted.

Quick are those about control, calls and exceptions, which is what lowering does otherwise with a profile; the others
are slow.
"""

from __future__ import annotations

import re

import pytest

from tests.programs.harness import Configuration
from tests.spec import suite

CONFIGURATION = Configuration("x86_64-linux", "guarded", "2", profiled=True)

_QUICK = ("br_table.wast", "call_indirect.wast", "call_ref.wast", "if.wast", "return_call_indirect.wast")
_ABOUT = re.compile(
    r"^(br|call|return|if|loop|block|labels|switch|fac|unreachable|nop|select|try|throw|tag|ref_|func|imports|linking|"
    r"stack|left-to-right|legacy/|elem|table)"
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in _QUICK else pytest.mark.slow)
        for name in suite.SCRIPTS
        if name in _QUICK or _ABOUT.search(name)
    ],
)
def test_script_passes_by_its_own_profile(name: str) -> None:
    outcome = suite.run_script(name, CONFIGURATION)
    assert outcome.failures == []
    assert outcome.passed == outcome.total > 0
