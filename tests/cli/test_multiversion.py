"""Programs with their code for two levels of x86-64: each processor runs its own version, and they do the same.

Which version runs shows in `relaxed_madd`, which rounds once where the processor can and twice where it cannot.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import tools
from tests.cli.helpers import Run, assemble, error_line
from tests.operators.running import agree, build, case_input, case_module, natively, oracle
from tests.programs.harness import Configuration
from waot import pipeline

LEVEL = "x86-64-v3"
OLD, NEW = "Nehalem", "Haswell"  # qemu's names of processors of levels 2 and 3

# The function is called through a table, so the table's entry must be the version's own.
ROUNDS = r"""
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00")
  (data (i32.const 16) "rounded\n")
  (data (i32.const 32) "fused!!\n")
  (type $madd (func (param f32 f32 f32) (result f32)))
  (table funcref (elem $madd))
  (func $madd (type $madd)
    (f32x4.extract_lane 0 (f32x4.relaxed_madd
      (f32x4.splat (local.get 0)) (f32x4.splat (local.get 1)) (f32x4.splat (local.get 2)))))
  (func (export "_start")
    (if (f32.ne (f32.const 0) (call_indirect (type $madd)
          (f32.const 0x1.000002p0) (f32.const 0x1.000002p0) (f32.const -0x1.000004p0) (i32.const 0)))
      (then (i64.store (i32.const 16) (i64.load (i32.const 32)))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (memory.grow (i32.const 1)))
    (drop (i32.div_u (i32.const 1) (i32.sub (memory.size) (i32.const 2))))))
"""


def on(processor: str, program: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What `program` does on that processor of qemu's."""
    emulator = shutil.which("qemu-x86_64-static")
    if emulator is None:
        pytest.skip("qemu-x86_64 is not there: apt-get install qemu-user-static")
    return subprocess.run([emulator, "-cpu", processor, program], input=stdin, capture_output=True, check=False)


@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
@pytest.mark.parametrize("level", ["0", "2"])
def test_each_processor_runs_its_version(waot: Run, tmp_path: Path, memory: str, level: str) -> None:
    assemble(tmp_path / "rounds.wasm", ROUNDS)
    target = ("--target", "x86_64-linux", "--memory", memory, f"-O{level}")
    waot("build", "rounds.wasm", *target, "--multiversion", LEVEL, check=True)
    offset = None
    for processor, said in ((OLD, b"rounded\n"), (NEW, b"fused!!\n")):
        done = on(processor, tmp_path / "rounds")
        assert (done.returncode, done.stdout) == (134, said)
        assert b"integer divide by zero" in done.stderr
        place = done.stderr.partition(b"offset ")[2]
        assert place
        assert offset in (None, place)
        offset = place


@pytest.mark.parametrize("name", ["control", "exceptions", "objects", "tables"])
def test_the_better_version_does_what_wasmtime_does(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In several units: names that the units of a version have in common are the version's."""
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 100)
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 500)
    module = case_module(name)
    configuration = Configuration("x86_64-linux", "guarded", "2")
    tools.runner_or_skip(configuration.target)
    program = build(module.wasm, name, configuration, tmp_path, multiversion=LEVEL)
    for number, (case, expected) in enumerate(zip(module.cases, oracle(module), strict=True)):
        actual = natively(program, configuration.target, case_input(number))
        assert agree(module.wasm, expected, actual), (case, expected, actual)
    # And the version for all processors, a case of ten.
    for number, expected in [*enumerate(oracle(module))][::10]:
        done = on(OLD, program, case_input(number))
        assert (done.stdout, done.returncode) == (expected.stdout, expected.status), module.cases[number]


@pytest.mark.parametrize("target", ["x86_64-macos", "x86_64-freebsd", "x86_64-android"])
def test_on_other_systems_too_this_machine_runs_one_of_them(waot: Run, tmp_path: Path, target: str) -> None:
    runner = tools.runner_or_skip(target)
    assemble(tmp_path / "rounds.wasm", ROUNDS)
    said = {}
    for name, more in (("one", ()), ("both", ("--multiversion", LEVEL))):
        waot("build", "rounds.wasm", "--target", target, "-o", name, *more, check=True)
        done = subprocess.run([*runner, tmp_path / name], capture_output=True, check=False)
        assert done.returncode == 134
        said[name] = done.stdout
    assert said["one"] == b"rounded\n"
    assert said["both"] == (b"fused!!\n" if " fma " in Path("/proc/cpuinfo").read_text() else b"rounded\n")


def test_a_target_that_cannot_choose_is_refused_with_those_that_can(waot: Run, tmp_path: Path) -> None:
    assemble(tmp_path / "rounds.wasm", ROUNDS)
    line = error_line(waot("build", "rounds.wasm", "--target", "aarch64-linux", "--multiversion", LEVEL), 2)
    assert line.startswith("target aarch64-linux cannot choose between versions of the code; those that can: ")
    assert "x86_64-linux" in line
    line = error_line(
        waot("build", "rounds.wasm", "--target", "x86_64-linux", "--multiversion", LEVEL, "--cpu", "znver3"), 2
    )
    assert line == "--multiversion is about the baseline and a level above it; leave out --cpu"
    line = error_line(
        waot("build", "rounds.wasm", "--target", "x86_64-linux", "--multiversion", LEVEL, "--emit", "obj"), 2
    )
    assert line == "only a program chooses between versions of its code; leave out --emit obj"


def test_a_program_that_counts_has_one_version(waot: Run, tmp_path: Path) -> None:
    assemble(tmp_path / "rounds.wasm", ROUNDS)
    line = error_line(waot("build", "rounds.wasm", "--multiversion", LEVEL, "--profile-generate"), 2)
    assert line == "a program that counts has one version of its code; leave out --multiversion"


def test_a_module_that_starts_threads_is_refused(waot: Run, tmp_path: Path) -> None:
    assemble(
        tmp_path / "threads.wasm",
        """(module (import "wasi" "thread-spawn" (func (param i32) (result i32)))
             (import "env" "memory" (memory 1 1 shared))
             (func (export "wasi_thread_start") (param i32 i32)) (func (export "_start")))""",
    )
    line = error_line(waot("build", "threads.wasm", "--target", "x86_64-linux", "--multiversion", LEVEL), 2)
    assert line.endswith("a program that starts threads has one version of its code; leave out --multiversion")
