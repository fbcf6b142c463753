"""Programs of several modules do what wasmtime's Linker makes of the same modules."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests import tools
from tests.linking.linked import HERE, Linked, discover, run_as_program, run_under_wasmtime
from tests.programs.harness import Configuration, Outcome

CONFIGURATIONS = (
    Configuration("x86_64-linux", "static", "2"),
    Configuration("x86_64-linux", "guarded", "0"),
    Configuration("aarch64-linux", "checked", "2"),
)
CASES = {case.name: case for case in discover()}

# A library and a program in C, a library in zig: each a module of its own, with the attributes that clang has for it.
REACTOR = ("-O2", "-mexec-model=reactor", "-Wl,--export-memory")


def compiled() -> Linked:
    return Linked(
        "compilers",
        (
            ("stats", tools.compile_to_wasm(HERE / "c/stats.c", REACTOR).read_bytes()),
            (
                "scale",
                tools.compile_to_wasm(
                    HERE / "c/scale.zig", ("-O", "ReleaseSmall", "-fno-entry", "-rdynamic")
                ).read_bytes(),
            ),
        ),
        tools.compile_to_wasm(HERE / "c/main.c", ("-O2",)).read_bytes(),
    )


@functools.cache
def expected(name: str) -> Outcome:
    return run_under_wasmtime(CASES[name])


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_a_case_does_what_wasmtime_makes_of_it(name: str, configuration: Configuration, tmp_path: Path) -> None:
    case, oracle = CASES[name], expected(name)
    assert oracle.trap == case.trap  # that it does what it was written for
    assert oracle.stdout or oracle.trap
    try:
        actual = run_as_program(case, configuration, tmp_path)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    assert (actual.stdout, actual.trap, actual.status) == (oracle.stdout, oracle.trap, oracle.status), actual.stderr


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_modules_of_real_compilers_link(configuration: Configuration, tmp_path: Path) -> None:
    program = compiled()
    oracle = run_under_wasmtime(program)
    assert oracle.stdout == b"mean 2.50, scaled 25.00, kept 4\n"
    try:
        actual = run_as_program(program, configuration, tmp_path)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    assert (actual.stdout, actual.status) == (oracle.stdout, 0), actual.stderr


def test_a_backtrace_names_modules_and_has_their_own_offsets(tmp_path: Path) -> None:
    case = CASES["trap_in_a_linked_module"]
    actual = run_as_program(case, CONFIGURATIONS[1], tmp_path)
    library, main = dict(case.links)["lib"], case.main
    (inner, inner_offset), (outer, outer_offset) = actual.frames
    assert (inner, outer) == ("lib: divide", "main program.wasm: start")
    assert library[inner_offset or 0] == 0x6D  # i32.div_s
    assert main[outer_offset or 0] == 0x10  # call
