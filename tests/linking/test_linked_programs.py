"""Programs of several modules do what wasmtime's Linker makes of the same modules."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import wasmtime

from tests import tools
from tests.linking.linked import HERE, Linked, discover, run_as_program, run_under_wasmtime
from tests.programs.harness import Configuration, Outcome
from waot.frontend import decode_module, inspect

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


# A position independent library, which gets its place from a module that has the memory and the table.
ENVIRONMENT = """
(module
  (memory (export "memory") 258)
  (table (export "__indirect_function_table") 32 funcref)
  (global (export "__memory_base") i32 (i32.const 0x1010000))  ;; behind the program's 257 pages
  (global (export "__table_base") i32 (i32.const 16)))
"""
PIC = ("-O2", "-fPIC", "-fvisibility=hidden", "-target", "wasm32-freestanding", "-mcpu=lime1")
SHARED = ("--experimental-pic", "--shared", "-Bsymbolic", "--extra-features=extended-const")
IMPORTING = ("-O2", "-Wl,--import-memory", "-Wl,--export-memory", "-Wl,--import-table")


def position_independent() -> Linked:
    shared = tools.compile_and_link(HERE / "c/shared.c", PIC, SHARED).read_bytes()
    assert "extended-const" in inspect.inspect_module(decode_module(shared)).features
    user = tools.compile_to_wasm(HERE / "c/user.c", IMPORTING).read_bytes()
    return Linked("pic", (("env", bytes(wasmtime.wat2wasm(ENVIRONMENT))), ("shared", shared)), user)


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
    assert oracle.stdout == b"mean 2.10, scaled 21.00, kept 5\n"
    try:
        actual = run_as_program(program, configuration, tmp_path)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    assert (actual.stdout, actual.status) == (oracle.stdout, 0), actual.stderr


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=str)
def test_a_position_independent_library(configuration: Configuration, tmp_path: Path) -> None:
    program = position_independent()
    oracle = run_under_wasmtime(program)
    assert oracle.stdout.startswith(b"twice 14 called 11, directly 18\n")
    try:
        actual = run_as_program(program, configuration, tmp_path)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    assert (actual.stdout, actual.status) == (oracle.stdout, 0), actual.stderr


@pytest.mark.parametrize("name", ["a_table_is_the_same_table", "two_instances_of_one_module_share_nothing"])
def test_functions_of_several_modules_in_several_units(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waot.pipeline.SINGLE_UNIT_OPERATORS", 0)
    monkeypatch.setattr("waot.pipeline.UNIT_OPERATORS", 8)
    actual = run_as_program(CASES[name], CONFIGURATIONS[0], tmp_path, cache=False)
    assert (actual.stdout, actual.status) == (expected(name).stdout, 0), actual.stderr


def test_a_backtrace_names_modules_and_has_their_own_offsets(tmp_path: Path) -> None:
    case = CASES["trap_in_a_linked_module"]
    actual = run_as_program(case, CONFIGURATIONS[1], tmp_path)
    library, main = dict(case.links)["lib"], case.main
    (inner, inner_offset), (outer, outer_offset) = actual.frames
    assert (inner, outer) == ("lib: divide", "main program.wasm: start")
    assert library[inner_offset or 0] == 0x6D  # i32.div_s
    assert main[outer_offset or 0] == 0x10  # call
