"""Builds by a profile: what LLVM is told, that programs do what they did before, and profiles that do not fit."""

from __future__ import annotations

import os
import random
import re
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import waot
from tests import tools
from tests.lowering.golden import lower
from tests.profiles.helpers import CALLS, KNOWN, assemble, counting, run
from tests.programs import harness
from tests.programs.harness import Configuration
from tests.threads.oracle import run_under_wasmtime
from tests.threads.test_threads import compiled
from waot.errors import UsageError
from waot.lowering.profiled import guidance
from waot.options import BuildOptions
from waot.profile import HEAD, FunctionProfile, Profile, merge_profiles, parse_profile, read_profile

HEAD_SIZE = struct.calcsize("<" + HEAD)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A module whose counts are known, and its profile."""
    directory = tmp_path_factory.mktemp("known")
    module = assemble(directory / "known.wasm", KNOWN)
    assert run(counting(module, directory / "program", "known.waotprof", opt_level="1")).returncode == 0
    return module, directory / "known.waotprof"


def _functions(text: str) -> dict[str, str]:
    found = re.findall(r"^define [^\n]*@wasm\.\d+\.(\w+)\((?:.*?)^}", text, re.MULTILINE | re.DOTALL)
    bodies = re.findall(r"^(define [^\n]*@wasm\.\d+\.\w+\((?:.*?)^})", text, re.MULTILINE | re.DOTALL)
    return dict(zip(found, bodies, strict=True))


# ---------------------------------------------------------------------- what LLVM is told


def test_functions_and_branches_have_the_counts_of_the_profile(known: tuple[Path, Path]) -> None:
    module, profile = known
    functions = _functions(lower(module.read_bytes(), profile=guidance(read_profile(str(profile)))))
    for name, body in functions.items():
        assert f'!prof !{{!"function_entry_count", i64 {CALLS[name]}}}' in body.splitlines()[0], name

    def weights(name: str) -> list[str]:
        found = re.findall(r"^  (?:br|switch) .*!prof (!\{!\"branch_weights\", [^}]*\})", functions[name], re.MULTILINE)
        return [re.sub(r'!\{!"branch_weights", |i32 |\}', "", each) for each in found]

    assert weights("counted") == ["75, 25", "99, 1"]
    assert weights("middle") == ["1, 100"]
    assert weights("nested") == ["190, 10", "9, 1"]
    # The default first; what two cases have in common is shared.
    assert weights("table") == ["7, 1, 1, 1"]
    assert weights("early") == ["1, 9"]
    assert weights("returns") == ["3, 7"]
    assert weights("null")[:2] == ["6, 4", "4, 6"]
    assert weights("_start") == ["9, 1"]


def test_the_summary_is_what_llvm_reads(known: tuple[Path, Path], tmp_path: Path) -> None:
    module, profile = known
    text = lower(module.read_bytes(), profile=guidance(read_profile(str(profile))))
    assert re.search(r"^!llvm\.module\.flags = !\{!2, !3, !25\}$", text, re.MULTILINE)
    assert '!25 = !{i32 1, !"ProfileSummary", !{!{!"ProfileFormat", !"InstrProf"}, !{!"TotalCount", i64 ' in text
    [result] = waot.build(
        module, tmp_path / "o.ll", ["x86_64-linux"], emit="llvm-ir", opt_level="0", profile_use=profile
    )
    written = result.output.read_text()  # by LLVM, which has read it
    assert '!"ProfileSummary"' in written
    assert '!"DetailedSummary"' in written


def test_hot_functions_stand_together_and_those_that_never_ran_are_small_and_last(tmp_path: Path) -> None:
    functions = "".join(
        f"(func $f{n} (param $i i32) (result i32) (i32.mul (local.get $i) (i32.const {n + 3})))" for n in range(12)
    )
    calls = "".join(f"(call_indirect (param i32) (result i32) (local.get $i) (i32.const {n}))(drop)" for n in (3, 9))
    module = assemble(
        tmp_path / "m.wasm",
        f"(module (table funcref (elem {' '.join(f'$f{n}' for n in range(12))})) {functions}"
        f'(func $_start (export "_start") (local $i i32) (loop $l {calls}'
        "(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))))",
    )
    run(counting(module, tmp_path / "program", "m.waotprof", opt_level="1"))
    known = guidance(read_profile(str(tmp_path / "m.waotprof")))
    bodies = _functions(lower(module.read_bytes(), profile=known))
    assert list(bodies)[:3] == ["f3", "f9", "_start"]
    assert len(bodies) == 13
    for name, body in bodies.items():
        assert (" cold minsize optsize " in body.splitlines()[0]) == (name not in ("f3", "f9", "_start"))


def test_a_function_that_is_not_optimised_is_not_made_small(
    known: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, profile = known
    data = profile.read_bytes()
    start = HEAD_SIZE + 32 * len(read_profile(str(profile)).functions)
    # One function ran, so that there is a profile, and no other.
    nothing = parse_profile(data[:start] + (1).to_bytes(8, "little") + bytes(len(data) - start - 8), "file")
    monkeypatch.setattr("waot.lowering.function.LONGEST_BLOCK", 1)
    headers = [
        body.splitlines()[0] for body in _functions(lower(module.read_bytes(), profile=guidance(nothing))).values()
    ]
    assert any(" optnone " in header for header in headers)
    assert not any(" optnone " in header and " minsize " in header for header in headers)


def test_a_profile_holds_for_other_targets(known: tuple[Path, Path], tmp_path: Path) -> None:
    module, profile = known
    [result] = waot.build(
        module, tmp_path / "out.ll", ["aarch64-windows"], emit="llvm-ir", opt_level="0", profile_use=profile
    )
    assert f'"function_entry_count", i64 {CALLS["one"]}}}' in result.output.read_text()
    waot.build(module, tmp_path / "program.exe", ["aarch64-windows"], opt_level="2", profile_use=profile)


def test_the_same_profile_makes_the_same_bytes(known: tuple[Path, Path], tmp_path: Path) -> None:
    module, profile = known
    outputs = [tmp_path / name for name in "ab"]
    for jobs, output in enumerate(outputs, 1):
        waot.build(module, output, ["x86_64-linux"], opt_level="1", profile_use=profile, jobs=jobs, cache=False)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_the_cache_knows_a_profile_by_what_is_in_it(
    known: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, profile = known
    monkeypatch.setenv("WAOT_CACHE_DIR", str(tmp_path / "cache"))
    data = bytearray(profile.read_bytes())
    copy = tmp_path / "copy"
    found = []
    for _ in range(2):
        copy.write_bytes(data)
        [result] = waot.build(
            module, tmp_path / "o.ll", ["x86_64-linux"], emit="llvm-ir", opt_level="0", profile_use=copy
        )
        found.append((result.output.read_text(), result.cached))
        data[-16:] = bytes(16)  # of a site
        data[HEAD_SIZE + 32 * len(read_profile(str(profile)).functions)] ^= 0x40  # the first counter
    assert found[0][0] != found[1][0]
    assert not found[1][1]


# ---------------------------------------------------------------------- programs do what they did


PROGRAMS = harness.discover()
_QUICK = ("c/function_pointers", "c/jumps")
_LEFT_OUT = ("python/python",)  # minutes


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=program.name, marks=() if program.name in _QUICK else pytest.mark.slow)
        for program in PROGRAMS
        if program.name not in _LEFT_OUT
    ],
)
def test_programs_do_what_wasmtime_does_while_counting_and_by_what_they_counted(
    program: harness.Program, tmp_path: Path
) -> None:
    try:
        program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    configuration = Configuration("x86_64-linux", "static", "2")
    profile = tmp_path / "profile"
    for number, options in enumerate(({"profile_generate": profile}, {"profile_use": profile})):
        executable = harness.build(program, configuration, tmp_path / f"program{number}", **options)
        for each in program.runs:
            expected = harness.run_under_wasmtime(program, each)
            harness.compare(program, each, expected, harness.run_natively(program, each, executable, "x86_64-linux"))


# Calls by three kinds of table and by reference, each 1,000 times of one function; then, where the program has
# arguments, one that differs.
TRAPPING = """
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (type $t (func (param i32) (result i32)))
  (type $other (func (param i64)))
  (table $dense 8 funcref)
  (elem (table $dense) (i32.const 0) func $f $g $bad)
  (table $large 9000 funcref)
  (elem (table $large) (i32.const 0) func $f $g $bad)
  (elem (table $large) (i32.const 8990) func $bad)
  (table $changing 8 funcref)
  (global $ref (mut (ref null $t)) (ref.func $f))
  (func $f (type $t) (i32.add (local.get 0) (i32.const 1)))
  (func $g (type $t) (i32.add (local.get 0) (i32.const 2)))
  (func $bad (type $other))
  (func $by_dense (param i32) (result i32) (call_indirect $dense (type $t) (i32.const 1) (local.get 0)))
  ;; what comes behind the calls differs, so that LLVM does not make one of them
  (func $by_large (param i32) (result i32)
    (i32.sub (call_indirect $large (type $t) (i32.const 2) (local.get 0)) (i32.const 1)))
  (func $by_changing (param i32) (result i32)
    (i32.xor (call_indirect $changing (type $t) (i32.const 1) (local.get 0)) (i32.load offset=100 (local.get 0))))
  (func $by_ref (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 1)) (then (global.set $ref (ref.func $g))))
    (if (i32.gt_u (local.get 0) (i32.const 1)) (then (global.set $ref (ref.null $t))))
    (call_ref $t (i32.const 1) (global.get $ref)))
  (func $call (param $which i32) (param $i i32) (result i32)
    (block $ref (block $changing (block $large (block $dense
      (br_table $dense $large $changing $ref (local.get $which)))
      (return (call $by_dense (local.get $i))))
      (return (call $by_large (local.get $i))))
      (return (call $by_changing (local.get $i))))
    (call $by_ref (local.get $i)))
  (func $_start (export "_start") (local $i i32) (local $argc i32) (local $which i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (local.set $argc (i32.sub (i32.load (i32.const 0)) (i32.const 1)))
    (table.set $changing (i32.const 0) (ref.func $f))
    (table.set $changing (i32.const 1) (ref.func $g))
    (table.set $changing (i32.const 2) (ref.func $bad))
    (loop $all
      (local.set $i (i32.const 0))
      (loop $l
        (if (i32.ne (i32.const 2) (call $call (local.get $which) (i32.const 0))) (then (unreachable)))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
      (br_if $all (i32.lt_u (local.tee $which (i32.add (local.get $which) (i32.const 1))) (i32.const 4))))
    (if (local.get $argc)
      (then
        (if (i32.ne (i32.const 3)
              (call $call
                (i32.rem_u (local.get $argc) (i32.const 4))
                (i32.load offset=16 (i32.and (local.get $argc) (i32.const -4)))))
          (then (unreachable))))))
  (data (i32.const 16) "\\01\\00\\00\\00\\02\\00\\00\\00\\05\\00\\00\\00\\28\\23\\00\\00\\ff\\ff\\ff\\ff"))
"""
_KINDS = ("dense", "large", "changing", "ref")
_TRAPS = (
    "",
    "indirect call type mismatch",
    "uninitialized element",
    "undefined element",
    "undefined element",
)


@pytest.mark.parametrize("level", ["1", "2"])
def test_calls_of_the_likely_callee_trap_where_they_did(tmp_path: Path, level: str) -> None:
    module = assemble(tmp_path / "m.wasm", TRAPPING)
    profile = tmp_path / "profile"
    before = counting(module, tmp_path / "counting", profile, opt_level=level)
    assert run(before).returncode == 0
    ir = _functions(lower(module.read_bytes(), profile=guidance(read_profile(str(profile)))))
    for kind in _KINDS:
        compared = re.search(r"icmp eq ptr %\d+, @(wasm\.\d+\.f|waot_funcref\.\d+)$", ir[f"by_{kind}"], re.MULTILINE)
        assert compared is not None, kind
    after = tmp_path / "using"
    waot.build(module, after, ["x86_64-linux"], opt_level=level, profile_use=profile, cache=False)
    for program in (before, after):
        assert run(program).returncode == 0
        for which, kind in enumerate(_KINDS):
            for how, trap in enumerate(_TRAPS):
                count = 4 * how + which
                if count == 0:
                    continue  # no arguments: the first is tried by four more
                if kind == "ref" and how:
                    trap = "null function reference"
                done = run(program, arguments=["x"] * count)
                assert done.returncode == (134 if trap else 0), (kind, how, done.stderr)
                if trap:
                    said = done.stderr.splitlines()
                    assert said[0] == f"waot: trap: {trap}", (kind, how)
                    assert said[1].startswith(f"    at by_{kind} ("), (kind, how, done.stderr)


# ---------------------------------------------------------------------- profiles that do not fit


def test_of_a_changed_module_the_profile_holds_for_what_is_the_same(known: tuple[Path, Path], tmp_path: Path) -> None:
    # One function changes, and one more before all others gives every other a new index.
    changed = KNOWN.replace("(func $never", "(func $new (param i64)) (func $never")
    changed = changed.replace("(i32.eq (local.get $i) (i32.const 7))", "(i32.eqz (local.get $i))")
    assemble(tmp_path / "changed.wasm", changed)
    command = ["build", "changed.wasm", "-o", "o.ll", "--emit", "llvm-ir", "-O0", "--profile-use", str(known[1])]
    done = subprocess.run(
        [sys.executable, "-m", "waot", *command, "--target", "x86_64-linux", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tools.ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    ran = sum(count > 0 for count in CALLS.values())
    assert (
        f"changed.wasm: the profile '{known[1]}' is of another version of the module: "
        f"1 of {ran} functions that ran have changed, and are compiled without it" in " ".join(done.stderr.split())
    )
    result = tmp_path / "o.ll"
    functions = _functions(result.read_text())
    assert "!prof" not in functions["early"]
    for name in ("table", "counted", "indirect"):
        assert "!prof" in functions[name].splitlines()[0]


def test_of_a_module_without_names_functions_are_known_by_their_places(tmp_path: Path) -> None:
    whole = assemble(tmp_path / "whole.wasm", KNOWN).read_bytes()
    stripped = tmp_path / "stripped.wasm"
    stripped.write_bytes(_without_custom_sections(whole))
    run(counting(stripped, tmp_path / "program", "profile", opt_level="1"))
    profile = read_profile(str(tmp_path / "profile"))
    assert all(function.name == 0 for function in profile.functions.values())
    other = tmp_path / "other.wasm"
    other.write_bytes(_without_custom_sections(assemble(other, KNOWN.replace("100", "101")).read_bytes()))
    [result] = waot.build(
        other, tmp_path / "o.ll", ["x86_64-linux"], emit="llvm-ir", opt_level="0", profile_use=tmp_path / "profile"
    )
    assert result.output.read_text().count('"function_entry_count"') == len(
        {count for count in CALLS.values() if count}
    )


def _without_custom_sections(data: bytes) -> bytes:
    out, at = bytearray(data[:8]), 8
    while at < len(data):
        start, kind = at, data[at]
        at, size, shift = at + 1, 0, 0
        while True:
            byte = data[at]
            size |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                break
        at += size
        if kind:
            out += data[start:at]
    return bytes(out)


def test_a_profile_of_another_program_is_refused(known: tuple[Path, Path], tmp_path: Path) -> None:
    module = assemble(tmp_path / "other.wasm", '(module (func $main (export "_start") (nop) (nop)))')
    with pytest.raises(UsageError, match=r"is of another module than .*other\.wasm; make it again"):
        waot.build(module, tmp_path / "o", ["x86_64-linux"], profile_use=known[1])


def test_several_profiles_are_added_up(known: tuple[Path, Path]) -> None:
    one = read_profile(str(known[1]))
    both = merge_profiles([("a", one), ("b", one)])
    for index, function in both.functions.items():
        assert function.counters == tuple(2 * count for count in one.functions[index].counters)
        assert function.sites == tuple(
            tuple((callee, 2 * count) for callee, count in site) for site in one.functions[index].sites
        )
    with pytest.raises(UsageError, match="'a' and 'b' are of different modules"):
        merge_profiles([("a", one), ("b", replace(one, module=bytes(32)))])
    index, function = next(iter(one.functions.items()))
    lying = Profile(one.module, {index: FunctionProfile(1, function.name, (1, 2, 3, 4, 5), ())})
    with pytest.raises(UsageError, match="'b' says something else of the same module"):
        merge_profiles([("a", one), ("b", lying)])


def test_a_profile_in_which_nothing_was_counted_is_refused(known: tuple[Path, Path], tmp_path: Path) -> None:
    module, profile = known
    size = HEAD_SIZE + 32 * len(read_profile(str(profile)).functions)
    data = profile.read_bytes()
    empty = tmp_path / "empty"
    empty.write_bytes(data[:size] + bytes(len(data) - size))
    with pytest.raises(UsageError, match="nothing was counted in"):
        waot.build(module, tmp_path / "o", ["x86_64-linux"], profile_use=empty)


def test_what_counters_say_is_never_trusted(known: tuple[Path, Path], tmp_path: Path) -> None:
    """Numbers that no program counts: callees that do not exist, sums past 64 bits, more of one way than of both."""
    module, profile = known
    data = profile.read_bytes()
    start = HEAD_SIZE + 32 * len(read_profile(str(profile)).functions)
    chance = random.Random(1)
    for number in range(4):
        words = [
            chance.choice([0, 1, 2**63, 2**64 - 1, chance.randrange(2**64)]) for _ in range((len(data) - start) // 8)
        ]
        file = tmp_path / f"{number}"
        file.write_bytes(data[:start] + b"".join(word.to_bytes(8, "little") for word in words))
        program = tmp_path / f"program{number}"
        waot.build(module, program, ["x86_64-linux"], opt_level="2", profile_use=file, cache=False)
        assert run(program).returncode == 0


def test_damaged_files_are_one_line_errors(known: tuple[Path, Path]) -> None:
    data = known[1].read_bytes()
    chance = random.Random(2)
    damaged = [data[:size] for size in range(0, len(data), 7)] + [data + b"\0", data + data]
    for _ in range(2000):
        copy = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            copy[chance.randrange(chance.choice([len(copy), 200]))] = chance.randrange(256)
        damaged.append(bytes(copy))
    refused = []
    for each in damaged:
        try:
            parse_profile(each, "file")
        except UsageError as error:
            refused.append(str(error))
    assert len(refused) > 1000
    assert all("\n" not in error and "'file'" in error for error in refused)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "'file' is no profile: it is empty; build with --profile-generate"),
        (b"\0asm\1\0\0\0", "'file' is no profile; build with --profile-generate"),
        (b"waotprof\2\0\0\0", "the profile 'file' is of another version of waot; make it again"),
        (b"waotprof\1\0\0\0", "the profile 'file' is damaged at byte 0; make it again"),
        (b"waotprof\0\0\0\1", "the profile 'file' is damaged at byte 0; make it again"),
    ],
)
def test_what_is_no_profile_is_said_to_be_none(data: bytes, error: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_profile(data, "file")
    assert str(caught.value).startswith(error)


def test_contradictions_are_refused() -> None:
    with pytest.raises(UsageError, match="--profile-generate and --profile-use contradict each other"):
        BuildOptions.parse(profile_generate=True, profile_use="x")
    with pytest.raises(UsageError, match="--emit asm no program"):
        BuildOptions.parse(profile_generate=True, emit="asm")
    with pytest.raises(UsageError, match="a profile to use has no name"):
        BuildOptions.parse(profile_use="a,,b")
    assert BuildOptions.parse(profile_use=["a,b", "c"]).profile_use == ("a", "b", "c")


def test_a_target_without_files_says_so_before_anything_is_compiled(tmp_path: Path) -> None:
    module = assemble(tmp_path / "m.wasm", '(module (func (export "f")))')
    with pytest.raises(UsageError, match=r"riscv32-none has no file for a profile .*--profile-generate is given"):
        waot.build(module, tmp_path / "o", ["riscv32-none"], profile_generate=True)


def test_threads_count_without_a_crash_and_are_compiled_by_what_they_counted(tmp_path: Path) -> None:
    """Threads at work at the same time may lose some of what they count, and nothing else."""
    module = compiled("c/counter")
    profile = tmp_path / "profile"
    expected = run_under_wasmtime(module)
    before = counting(module, tmp_path / "counting", profile, opt_level="2")
    counted = [run(before) for _ in range(3)]
    assert sum(function.most for function in read_profile(str(profile)).functions.values()) > 1000
    waot.build(module, tmp_path / "using", ["x86_64-linux"], opt_level="2", profile_use=profile, cache=False)
    for done in [*counted, run(tmp_path / "using")]:
        assert (done.returncode, done.stdout) == expected, done.stderr
