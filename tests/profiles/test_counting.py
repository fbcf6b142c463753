"""Programs that count what they run: the counts are right on every target, and the file is what it should be."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests import tools
from tests.profiles.helpers import CALLS, COUNTS, KNOWN, SITES, assemble, by_name, counting, run, ways
from waot.profile import read_profile

# One of them has the high byte of a number first, others have pointers of 32 bits.
OTHERS = (
    "aarch64-linux",
    "s390x-linux",
    "i686-linux",
    "armv7-linux",
    "ppc64le-linux",
    "x86_64-windows",
    "x86_64-macos",
)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return assemble(tmp_path / "known.wasm", KNOWN)


def _check(module: Path, profile: Path) -> None:
    found = ways(module, profile)
    for function, expected in COUNTS.items():
        assert {place: found[function].get(place) for place in expected} == expected, function
    assert found["catches"]["end", 0][1] == 2  # clauses are counted, what came out of a call without them is derived
    calls = by_name(module, read_profile(str(profile)))
    assert {name: count for name, (count, _) in calls.items()} == {n: c for n, c in CALLS.items() if n in calls}
    assert CALLS.keys() - calls.keys() <= {"never"}  # what cannot be reached is not compiled
    assert {name: sites for name, (_, sites) in calls.items() if sites} == SITES


@pytest.mark.parametrize("level", ["0", "2"])
def test_counts_are_those_of_the_program(known: Path, tmp_path: Path, level: str) -> None:
    done = run(counting(known, tmp_path / "program", "counts", opt_level=level))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    _check(known, tmp_path / "counts")


@pytest.mark.parametrize(
    "target", [pytest.param(name, marks=() if name == "s390x-linux" else pytest.mark.slow) for name in OTHERS]
)
def test_counts_are_the_same_on_every_target(known: Path, tmp_path: Path, target: str) -> None:
    tools.runner_or_skip(target)
    program = tmp_path / ("program.exe" if "windows" in target else "program")
    done = run(counting(known, program, "counts", target, opt_level="1"), target)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    _check(known, tmp_path / "counts")


def test_counts_are_the_same_from_many_units(known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waot.pipeline.SINGLE_UNIT_OPERATORS", 10)
    monkeypatch.setattr("waot.pipeline.UNIT_OPERATORS", 60)
    run(counting(known, tmp_path / "program", "counts", opt_level="1"))
    data = (tmp_path / "counts").read_bytes()
    assert data.count(b"waotprof") > 3
    _check(known, tmp_path / "counts")


def test_without_a_path_the_file_is_called_after_the_module(known: Path, tmp_path: Path) -> None:
    assert run(counting(known, tmp_path / "program", "", opt_level="0")).returncode == 0
    _check(known, tmp_path / "known.waotprof")


def test_runs_add_up_and_the_environment_names_another_file(known: Path, tmp_path: Path) -> None:
    program = counting(known, tmp_path / "program", "counts", opt_level="0")
    for _ in range(3):
        assert run(program).returncode == 0
    assert run(program, env={"WAOT_PROFILE_FILE": str(tmp_path / "other")}).returncode == 0
    once, thrice = read_profile(str(tmp_path / "other")), read_profile(str(tmp_path / "counts"))
    for index, function in thrice.functions.items():
        assert function.counters == tuple(3 * count for count in once.functions[index].counters)
        assert [dict(site) for site in function.sites] == [
            {callee: 3 * count for callee, count in site} for site in once.functions[index].sites
        ]


def test_who_runs_a_sealed_program_has_no_say_in_where_it_writes(known: Path, tmp_path: Path) -> None:
    program = counting(known, tmp_path / "program", "counts", opt_level="0", sealed=True)
    assert run(program, env={"WAOT_PROFILE_FILE": str(tmp_path / "other")}).returncode == 0
    assert (tmp_path / "counts").exists()
    assert not (tmp_path / "other").exists()


ENDS = """
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $round (param $i i32) (result i32) (i32.add (local.get $i) (i32.const 1)))
  (func $_start (export "_start") (local $i i32)
    (loop $l
      (br_if $l (i32.lt_u (local.tee $i (call $round (local.get $i))) (i32.const 1000))))
    END))
"""


@pytest.mark.parametrize(
    ("end", "status"),
    [("", 0), ("(call $exit (i32.const 7))", 7), ("(unreachable)", 134), ("(drop (i32.load (i32.const -4)))", 134)],
)
def test_what_was_counted_is_there_however_the_program_ends(tmp_path: Path, end: str, status: int) -> None:
    module = assemble(tmp_path / "ends.wasm", ENDS.replace("END", end))
    program = counting(module, tmp_path / "program", "counts", opt_level="1", seccomp="required")
    assert run(program).returncode == status
    assert by_name(module, read_profile(str(tmp_path / "counts")))["round"][0] == 1000


def test_a_server_that_is_killed_has_counted(tmp_path: Path) -> None:
    module = assemble(tmp_path / "ends.wasm", ENDS.replace("END", "(loop $m (br $m))"))
    program = counting(module, tmp_path / "program", "counts", opt_level="1")
    profile = tmp_path / "counts"
    with subprocess.Popen([program], cwd=tmp_path, env={}) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if profile.exists() and by_name(module, read_profile(str(profile)))["round"][0] == 1000:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert by_name(module, read_profile(str(profile)))["round"][0] == 1000


MANY = """
(module
  (type $t (func))
  (table funcref (elem $a $b $c $d $e $f $g))
  (func $a) (func $b) (func $c) (func $d) (func $e) (func $f) (func $g)
  (func $_start (export "_start") (local $i i32)
    (loop $l
      (call_indirect (type $t)
        (select (i32.const 6) (i32.rem_u (local.get $i) (i32.const 7)) (i32.rem_u (local.get $i) (i32.const 3))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000))))))
"""


def test_of_many_callees_the_most_frequent_is_kept(tmp_path: Path) -> None:
    module = assemble(tmp_path / "many.wasm", MANY)
    run(counting(module, tmp_path / "program", "counts", opt_level="1"))
    [site] = by_name(module, read_profile(str(tmp_path / "counts")))["_start"][1]
    assert len(site) == 4
    name, count = site[0]
    assert name == "g"
    # It is called in two of three rounds, and in one of seven of the others: 2,142 or 2,143 times.
    assert 2000 <= count <= 2143


# ---------------------------------------------------------------------- files that are there


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("program")
    return counting(assemble(directory / "known.wasm", KNOWN), directory / "program", "counts", opt_level="0")


def test_another_programs_profile_begins_anew(program: Path, tmp_path: Path) -> None:
    other = counting(assemble(tmp_path / "ends.wasm", ENDS.replace("END", "")), tmp_path / "other", "x", opt_level="0")
    file = tmp_path / "file"
    for each in (other, program):
        assert run(each, env={"WAOT_PROFILE_FILE": str(file)}).returncode == 0
    _check(program.with_name("known.wasm"), file)
    assert run(other, env={"WAOT_PROFILE_FILE": str(file)}).returncode == 0
    assert len(read_profile(str(file)).functions) == 2


@pytest.mark.parametrize("content", [b"x", b"waotpro", b"my thesis, the only copy\n" * 1000])
def test_what_is_no_profile_stays_as_it_is(program: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    done = run(program, env={"WAOT_PROFILE_FILE": str(file)})
    assert done.returncode == 1
    assert done.stderr == f"waot: cannot write profile '{file}': the file is something else, and stays as it is\n"
    assert file.read_bytes() == content


@pytest.mark.parametrize(("name", "reason"), [("missing/file", "no such file"), (".", "it is a directory")])
def test_a_file_that_cannot_be_written_is_an_error_before_the_program_begins(
    program: Path, tmp_path: Path, name: str, reason: str
) -> None:
    done = run(program, env={"WAOT_PROFILE_FILE": str(tmp_path / name)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"waot: cannot write profile '{tmp_path / name}': {reason}\n"


def test_a_pipe_is_no_place_for_a_profile(program: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run(program, env={"WAOT_PROFILE_FILE": str(tmp_path / "pipe")})
    assert done.returncode == 1
    assert done.stderr.endswith("the file is something else, and stays as it is\n")
