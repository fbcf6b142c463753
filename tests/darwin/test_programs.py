"""Real programs as macOS programs: each must do what wasmtime makes of the same module. Quick: x86-64, those in C."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tools
from tests.darwin.conftest import NAMES
from tests.programs import harness
from tests.programs.harness import Configuration, Program
from tests.programs.test_programs import test_the_native_program_does_what_wasmtime_does as does_what_wasmtime_does

CASES = [
    pytest.param(
        program,
        Configuration(target, memory, "0"),
        id=f"{program.name}-{target}-{memory}",
        marks=()
        if program.source.parent.name == "c" and (target, memory) == ("x86_64-macos", "guarded")
        else pytest.mark.slow,
    )
    for program in harness.discover()
    for target, memory in [(NAMES[0], "guarded"), (NAMES[1], "guarded"), (NAMES[1], "checked")]
]


@pytest.mark.parametrize(("program", "configuration"), CASES)
def test_a_program_does_on_macos_what_wasmtime_does(
    program: Program, configuration: Configuration, tmp_path: Path
) -> None:
    does_what_wasmtime_does(program, configuration, tmp_path)


@pytest.mark.parametrize("machine", NAMES)
def test_a_universal_program_runs_on_both_machines(machine: str, tmp_path: Path) -> None:
    program = next(program for program in harness.discover() if program.name == "c/arguments")
    executable = harness.build(program, Configuration("universal-macos", "guarded", "0"), tmp_path / "program")
    tools.runner_or_skip(machine)
    for run in program.runs:
        expected = harness.run_under_wasmtime(program, run)
        harness.compare(program, run, expected, harness.run_natively(program, run, executable, machine))
