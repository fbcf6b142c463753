"""Programs for Windows on every processor: traps and how they are told, large frames, and a few whole programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import wasmtime

import waot
from tests import tools
from tests.programs import harness
from tests.programs.harness import Configuration
from tests.windows.guest import TARGETS
from waot.targets import find_target


@pytest.fixture(params=[*TARGETS, "aarch64-windows"])
def target(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    tools.runner_or_skip(name)
    return name


# What stands in function 1, the trap, and the functions that are on the stack then, innermost first.
TRAPS = {
    "out of bounds memory access": ("(i32.load (i32.const 0x7fff0000)) drop", ["1", "2"]),
    "call stack exhausted": ("call 0", ["0", "0"]),
    "integer divide by zero": ("(i32.div_u (i32.const 1) (i32.load (i32.const 0))) drop", ["1", "2"]),
    "unreachable": ("unreachable", ["1", "2"]),
}


@pytest.mark.parametrize("memory", ["guarded", "checked"])
@pytest.mark.parametrize("trap", TRAPS)
def test_traps_and_their_backtraces(target: str, trap: str, memory: str, tmp_path: Path) -> None:
    if memory not in find_target(target).memory_supported:
        pytest.skip(f"{target} has no memory strategy {memory}")
    inside, functions = TRAPS[trap]
    text = f"""(module (memory 1)
      (func $deeper (local i64) (call $deeper) (i64.store (i32.const 8) (local.get 0)))
      (func $inner {inside})
      (func $main (export "_start") call $inner (i32.store (i32.const 0) (i32.const 1))))"""
    module, program = tmp_path / "trap.wasm", tmp_path / "trap.exe"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [target], opt_level="0", memory=memory)
    done = subprocess.run([*tools.runner(target), program], capture_output=True, env={}, check=False, timeout=120)
    assert done.returncode == harness.TRAP_STATUS
    told, frames = harness.told_trap(done.stderr)
    assert told == trap
    lines = done.stderr.decode().splitlines()
    assert [line.partition("(function ")[2].partition(",")[0] for line in lines[1:3]] == functions
    assert frames


def test_a_frame_of_many_pages_is_had(target: str, tmp_path: Path) -> None:
    """The stack grows by the page behind the last one: __chkstk touches each, in the order."""
    count = 2000
    text = f"""(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory 1)
      (func $read (param i32) (result i64) (i64.load (local.get 0)))
      (func (export "_start") {"(local i64)" * count}
        {"".join(f"(local.set {i} (call $read (i32.const 8)))" for i in range(count))}
        (call $exit (i32.wrap_i64 {"(i64.add " * (count - 1)}(local.get 0)
          {"".join(f"(local.get {i}))" for i in range(1, count))})))
      (data (i32.const 8) "\\01"))"""
    module, program = tmp_path / "frame.wasm", tmp_path / "frame.exe"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [target], opt_level="0")
    done = subprocess.run([*tools.runner(target), program], capture_output=True, env={}, check=False, timeout=120)
    assert (done.returncode & 0xFF, done.stderr) == (count & 0xFF, b"")


PROGRAMS = {program.name: program for program in harness.discover()}


@pytest.mark.parametrize("name", ["c/stdio_files", "c/trap_stack"])
def test_programs_do_what_wasmtime_does(target: str, name: str, tmp_path: Path) -> None:
    program = PROGRAMS[name]
    try:
        program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    executable = harness.build(
        program, Configuration(target, find_target(target).memory_default, "1"), tmp_path / "program.exe"
    )
    for run in program.runs:
        expected = harness.run_under_wasmtime(program, run)
        harness.compare(program, run, expected, harness.run_natively(program, run, executable, target))


def test_a_frame_that_could_become_a_larger_one_is_told(target: str, tmp_path: Path) -> None:
    """$few has fewer arguments than the function that its tail call goes to, most of which are in no register."""
    count = 20
    text = f"""(module (memory 1)
      (func $many (param {"i64 " * count}) (call $inner))
      (func $inner (drop (i32.div_u (i32.const 1) (i32.load (i32.const 0)))) (i32.store (i32.const 8) (i32.const 1)))
      (func $few (param i32)
        (if (local.get 0) (then (return_call $many {"(i64.load (i32.const 16))" * count})))
        (call $inner)
        (i32.store (i32.const 8) (i32.const 1)))
      (func $main (export "_start") (call $few (i32.load (i32.const 4))) (i32.store (i32.const 8) (i32.const 2))))"""
    module, program = tmp_path / "tail.wasm", tmp_path / "tail.exe"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [target], opt_level="0")
    done = subprocess.run([*tools.runner(target), program], capture_output=True, env={}, check=False, timeout=120)
    told, frames = harness.told_trap(done.stderr)
    lines = done.stderr.decode().splitlines()[1:]
    assert (told, len(frames)) == ("integer divide by zero", 3)
    assert [line.partition("(function ")[2].partition(",")[0] for line in lines] == ["1", "2", "3"]


@pytest.mark.parametrize("target", ["i686-windows"], indirect=True)
@pytest.mark.parametrize("words", range(4))
def test_the_stack_may_end_at_any_instruction_of_the_shim(target: str, words: int, tmp_path: Path) -> None:
    """$deeper takes 16 bytes of stack each time, and what it calls to fill takes more: its first instruction is one of
    those that come upon the end."""
    text = f"""(module (memory 1)
      (func $deeper (result i32)
        (memory.fill (i32.const 100) (i32.const 1) (i32.load (i32.const 60)))
        (i32.add (i32.const 1) (call $deeper)))
      (func (export "_start") {"(local i32)" * words}
        {"".join(f"(local.set {i} (i32.load (i32.const {4 * i})))" for i in range(words))}
        (i32.store (i32.const 80) (call $deeper))
        {"".join(f"(i32.store (i32.const {4 * i}) (local.get {i}))" for i in range(words))}))"""
    module, program = tmp_path / "fill.wasm", tmp_path / "fill.exe"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [target])
    done = subprocess.run([*tools.runner(target), program], capture_output=True, env={}, check=False, timeout=120)
    told, frames = harness.told_trap(done.stderr)
    assert told == "call stack exhausted"
    filling, calling = frames[0], frames[1]
    assert filling[0] == calling[0] == "deeper"
    assert filling != calling
    assert set(frames[1:24]) == {calling}
