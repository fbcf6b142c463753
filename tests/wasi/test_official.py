"""The official test programs of WASI preview 1, where $WAOT_WASI_TESTSUITE names a directory that has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tools import ToolMissing, runner
from tests.wasi import official

DIRECTORY = os.environ.get("WAOT_WASI_TESTSUITE")
CASES = official.discover(Path(DIRECTORY)) if DIRECTORY else []

if not DIRECTORY:
    pytest.skip(
        "WAOT_WASI_TESTSUITE names no copy of github.com/WebAssembly/wasi-testsuite, branch prod/testsuite-base",
        allow_module_level=True,
    )


def test_there_are_programs() -> None:
    assert CASES, f"no programs below {DIRECTORY}"


@pytest.mark.parametrize("target", official.TARGETS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_program_does_what_it_expects(case: official.Case, target: str, tmp_path: Path) -> None:
    try:
        runner(target)
    except ToolMissing as missing:
        pytest.skip(str(missing))
    program = tmp_path / case.wasm.stem
    official.build(case, target, program)
    assert {way: official.check(case, program, target, way) for way in official.WAYS} == dict.fromkeys(official.WAYS)
