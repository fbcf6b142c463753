"""What the tests of profiles share: a module whose counts are known, and the way from a module to what it counted."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import wasmtime

import waot
from tests import tools
from waot.frontend import decode_module, validate_function
from waot.frontend.opcodes import OPERATORS
from waot.lowering.flow import Flow
from waot.profile import Profile, read_profile

# Each function is called by `_start` as the comments say; what is counted follows from that by hand (COUNTS).
KNOWN = """
(module
  (type $unary (func (param i32) (result i32)))
  (global $g (mut i32) (i32.const 0))
  (tag $e)
  (table $fixed funcref (elem $one $two $three))
  (table $changing 8 funcref)
  (func $never (unreachable))
  (func $one (type $unary) (i32.const 1))
  (func $two (type $unary) (i32.const 2))
  (func $three (type $unary) (i32.const 3))
  ;; 100 rounds
  (func $counted (param $n i32) (local $i i32)
    (loop $l
      (if (i32.rem_u (local.get $i) (i32.const 4))
        (then (global.set $g (i32.const 1)))
        (else (global.set $g (i32.const 2))))
      (br_if $l
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n)))))
  ;; 100 rounds, left in the middle
  (func $middle (param $n i32) (result i32) (local $i i32)
    (block $out
      (loop $l
        (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $l)))
    (local.get $i))
  ;; 10 times 20 rounds
  (func $nested (local $i i32) (local $j i32)
    (loop $outer
      (local.set $j (i32.const 0))
      (loop $inner
        (br_if $inner (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 20))))
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10)))))
  ;; with 0 to 9
  (func $table (param $i i32) (result i32)
    (block $c (block $b (block $a
      (br_table $a $b $a $c (local.get $i)))
      (return (i32.const 1)))
      (return (i32.const 2)))
    (i32.const 3))
  ;; with 0 to 9
  (func $early (param $i i32) (result i32)
    (if (i32.eq (local.get $i) (i32.const 7)) (then (return (i32.const 0))))
    (i32.const 1))
  ;; with 0 to 9
  (func $returns (param $i i32) (result i32)
    (br_if 0 (i32.const 5) (i32.lt_u (local.get $i) (i32.const 3)))
    (drop)
    (i32.const 6))
  ;; with 0 to 9
  (func $null (param $i i32) (result i32) (local $r (ref null $unary))
    (if (i32.ge_u (local.get $i) (i32.const 4)) (then (local.set $r (ref.func $one))))
    (block $is (return (call_ref $unary (i32.const 0) (br_on_null $is (local.get $r)))))
    (i32.const 0))
  ;; with 0 to 9
  (func $throws (param $i i32) (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 5))) (then (throw $e))))
  (func $catches (param $i i32)
    (block $caught
      (try_table (catch $e $caught) (call $throws (local.get $i)))))
  ;; with 0 to 9: the first is called 9 times, the second once; and likewise where the table may change
  (func $indirect (param $i i32) (result i32)
    (i32.add
      (call_indirect $fixed (type $unary) (i32.const 0) (i32.eq (local.get $i) (i32.const 5)))
      (call_indirect $changing (type $unary) (i32.const 0) (i32.eq (local.get $i) (i32.const 5)))))
  (elem declare func $one $two $three)
  (func $_start (export "_start") (local $i i32)
    (table.set $changing (i32.const 0) (ref.func $two))
    (table.set $changing (i32.const 1) (ref.func $three))
    (call $counted (i32.const 100))
    (drop (call $middle (i32.const 100)))
    (call $nested)
    (loop $l
      (drop (call $table (local.get $i)))
      (drop (call $early (local.get $i)))
      (drop (call $returns (local.get $i)))
      (drop (call $null (local.get $i)))
      (call $catches (local.get $i))
      (drop (call $indirect (local.get $i)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))))
"""

# Function -> operator and the how manieth of its kind it is -> how often each of its ways was taken (lowering/flow.py).
COUNTS: dict[str, dict[tuple[str, int], tuple[int, ...]]] = {
    "one": {("end", 0): (15,)},
    "two": {("end", 0): (10,)},
    "three": {("end", 0): (1,)},
    "counted": {("loop", 0): (1,), ("if", 0): (75, 25), ("else", 0): (75,), ("end", 0): (25,), ("br_if", 0): (99, 1)},
    "middle": {("loop", 0): (1,), ("br_if", 0): (1, 100), ("br", 0): (100,)},
    "nested": {("loop", 0): (1,), ("loop", 1): (10,), ("br_if", 0): (190, 10), ("br_if", 1): (9, 1)},
    "table": {("br_table", 0): (2, 1, 7), ("return", 0): (2,), ("return", 1): (1,)},
    "early": {("if", 0): (1, 9), ("return", 0): (1,)},
    "returns": {("br_if", 0): (3, 7)},
    "null": {("br_on_null", 0): (4, 6), ("return", 0): (6,)},
    "throws": {("if", 0): (2, 8), ("throw", 0): (2,)},
    "catches": {},
    "indirect": {},
    "_start": {("loop", 0): (1,), ("br_if", 0): (9, 1)},
}
CALLS = {
    **dict.fromkeys(("counted", "middle", "nested", "_start", "three"), 1),
    **dict.fromkeys(("two", "table", "early", "returns", "null", "throws", "catches", "indirect"), 10),
    "one": 15,
    "never": 0,
}
SITES = {"null": [[("one", 6)]], "indirect": [[("one", 9), ("two", 1)], [("two", 9), ("three", 1)]]}


def assemble(path: Path, text: str) -> Path:
    """The module `text` in the binary format, at `path`."""
    path.write_bytes(bytes(wasmtime.wat2wasm(text)))
    return path


def counting(module: Path, output: Path, profile: Path | str, target: str = "x86_64-linux", **options: Any) -> Path:
    """`module` built at `output` as a program that writes a profile."""
    waot.build(module, output, [target], profile_generate=profile, cache=False, jobs=1, **options)
    return output


def run(
    program: Path,
    target: str = "x86_64-linux",
    env: dict[str, str] | None = None,
    arguments: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """What a program does in the directory that it stands in."""
    words = [*tools.runner(target), str(program), *arguments]
    return subprocess.run(
        words, cwd=program.parent, env=env or {}, capture_output=True, text=True, timeout=300, check=False
    )


def ways(module: Path, profile: Path) -> dict[str, dict[tuple[str, int], tuple[int, ...]]]:
    """How often each operator's ways were taken, as COUNTS has it, by function."""
    decoded = decode_module(module.read_bytes())
    known = read_profile(str(profile))
    found: dict[str, dict[tuple[str, int], tuple[int, ...]]] = {}
    for index, function in known.functions.items():
        body = validate_function(decoded, index)
        counts = Flow(body).counts(function.counters)
        seen: dict[str, int] = {}
        own = found.setdefault(decoded.function_names[index], {})
        for op, _, offset in body.code:
            name = OPERATORS[op].name
            number = seen[name] = seen.get(name, -1) + 1
            taken = sorted((k, count) for (at, k), count in counts.items() if at == offset)
            if taken:
                own[name, number] = tuple(count for _, count in taken)
    return found


def by_name(module: Path, profile: Profile) -> dict[str, tuple[int, list[list[tuple[str, int]]]]]:
    """The calls and the sites of each function."""
    names = decode_module(module.read_bytes()).function_names
    return {
        names[index]: (
            function.counters[0],
            [[(names[callee], count) for callee, count in site] for site in function.sites],
        )
        for index, function in profile.functions.items()
    }
