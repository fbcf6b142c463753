"""Real programs in real languages: each built by waot must do what wasmtime makes of the same module.

Quick: every program under wasmtime against its own description, and one or two builds of each: the one that users make
(x86-64, static, -O2), and another, so that all of the matrix is met by some program. Slow: all of the matrix, and the
targets that have no place in it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests import tools
from tests.programs import harness
from tests.programs.harness import MATRIX, SLOW_MATRIX, Configuration, Program
from waot.targets import find_target

PROGRAMS = harness.discover()
USUAL = Configuration("x86_64-linux", "static", "2")


def _quick(program: Program, number: int) -> tuple[str, ...]:
    """The builds of the program that `make test` has time for; over all programs they meet every configuration."""
    if program.quick is not None:
        return program.quick
    others = [c for c in MATRIX if c != USUAL]
    other = str(others[number % len(others)])
    # The modules of Rust and zig carry a large library: seconds to build.
    return (str(USUAL), other) if program.source.parent.name in ("c", "cpp") else (other,)


def _cases() -> list[ParameterSet]:
    cases = []
    for number, program in enumerate(PROGRAMS):
        quick = _quick(program, number)
        for configuration in (*MATRIX, *SLOW_MATRIX):
            marks = () if str(configuration) in quick else (pytest.mark.slow,)
            cases.append(pytest.param(program, configuration, id=f"{program.name}-{configuration}", marks=marks))
    return cases


def _wasm(program: Program) -> Path:
    try:
        return program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_program_does_under_wasmtime_what_it_was_written_for(program: Program) -> None:
    _wasm(program)
    harness.check_features(program)
    for run in program.runs:
        harness.check_oracle(run, harness.run_under_wasmtime(program, run))


@pytest.mark.parametrize(("program", "configuration"), _cases())
def test_the_native_program_does_what_wasmtime_does(
    program: Program, configuration: Configuration, tmp_path: Path
) -> None:
    _wasm(program)
    tools.runner_or_skip(configuration.target)
    if program.symbolic_links and find_target(configuration.target).system == "windows":
        pytest.skip("the program makes symbolic links, which Debian's Wine does not")
    if (program.name, configuration.target) == ("c/float_math", "s390x-linux") and _rounds_long_products():
        pytest.skip("this emulator for s390x rounds to an f32 what MDEBR multiplies to an f64; qemu 8.2 does not")
    harness.check_like_wasmtime(program, configuration, tmp_path)


def _rounds_long_products() -> bool:
    emulator = tools.runner("s390x-linux")
    if not emulator:
        return False
    told = subprocess.run([*emulator, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"version (\d+)\.(\d+)", told)
    return version is not None and (int(version[1]), int(version[2])) < (8, 2)
