"""Where exceptions meet the rest of a function: its locals, loops, results, tail calls; indirect calls; several units.

Each function gets every number from 0 to 9 and says what came of it; wasmtime must say the same. What a callee throws
depends on that number (`$throw`).
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest
import wasmtime

from tests.objects.running import natively, under_wasmtime

_FIELDS = """
(type $fi (sub (func (param i32) (result i32))))
(type $fi2 (sub $fi (func (param i32) (result i32))))
(type $vt (func (result i32)))
(type $m3 (func (param i32) (result i32 i64 f64)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(memory (export "memory") 1)
(global $at (mut i32) (i32.const 1024))
(global $g (mut i32) (i32.const 0))
(tag $e (param i32)) (tag $o) (tag $w (param i32 i64 v128 f32 externref)) (tag $e2 (param i32))
(type $box (struct (field (mut i32))))
(tag $b (param (ref $box)))
(func $put (param i32) (i32.store (global.get $at) (local.get 0)) (global.set $at (i32.add (global.get $at)
  (i32.const 4))))
(func $throw (param i32) (result i32)
  (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $e (i32.const 11))))
  (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $o)))
  (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $w (i32.const 33) (i64.const 34) (v128.const i32x4 1 2 3 4)
    (f32.const 1.5) (ref.null extern))))
  (if (i32.eq (local.get 0) (i32.const 4)) (then (throw $e2 (i32.const 44))))
  (if (i32.eq (local.get 0) (i32.const 5)) (then (throw $b (struct.new $box (i32.const 55)))))
  (i32.add (local.get 0) (i32.const 100)))
(func $throw_sub (type $fi2) (call $throw (local.get 0)))
(func $throw_three (type $m3) (call $throw (local.get 0)) (i64.const 7) (f64.const 0.5))
(func $safe (type $fi) (i32.const 5))
(table $tab (export "tab") 4 funcref) (elem (table $tab) (i32.const 0) func $throw_sub $safe)
(table $imm 4 funcref) (elem (table $imm) (i32.const 0) func $throw_sub $safe)
(elem declare func $throw_sub $safe $throw)
(func $tail (param i32) (result i32)
  (block $h (try_table (catch_all $h) (return_call $throw (local.get 0)))) (i32.const 99))
"""

_CASES = """
(func $locals_at_the_handler (param i32) (result i32) (local $a i32) (local $b i32)
 (block $h (result i32)
  (try_table (result i32) (catch $e $h)
   (local.set $a (i32.const 1)) (drop (call $throw (i32.const 9)))
   (local.set $a (i32.const 2)) (local.set $b (call $throw (local.get 0)))
   (local.set $a (i32.const 3)) (call $throw (i32.sub (local.get 0) (i32.const 1)))))
 (i32.add (i32.mul (local.get $a) (i32.const 1000))) (i32.add (i32.mul (local.get $b) (i32.const 1000000))))
(func $the_handler_is_a_loop (param i32) (result i32) (local $n i32) (local $s i32)
 (loop $l (local.set $n (i32.add (local.get $n) (i32.const 1)))
   (if (i32.gt_u (local.get $n) (i32.const 20)) (then (return (local.get $s))))
   (try_table (catch_all $l) (local.set $s (i32.add (local.get $s) (local.get $n))) (drop (call $throw (i32.rem_u
     (local.get $n) (i32.const 7)))) (local.set $s (i32.mul (local.get $s) (i32.const 3))))
   (br $l)) (unreachable))
(func $a_loop_takes_the_payload (param i32) (result i32) (local $s i32)
 (i32.const 50)
 (loop $l (param i32) (result i32) (local.set $s (i32.add (local.get $s) (i32.const 1)))
   (drop)
   (if (i32.gt_u (local.get $s) (i32.const 9)) (then (return (i32.add (global.get $g) (local.get $s)))))
   (try_table (result i32) (catch $e $l) (catch $e2 $l) (global.set $g (i32.add (global.get $g) (local.get $s)))
     (call $throw (i32.rem_u (local.get $s) (i32.const 2))))))
(func $results_in_memory (param i32) (result i32) (local $x i32)
 (block $h (result i32)
  (try_table (result i32 i64 f64) (catch $e $h) (catch $e2 $h)  (call $throw_three (local.get 0)))
  (drop) (i32.wrap_i64) (i32.add) (return)))
(func $a_tail_call_leaves_the_try (param i32) (result i32) (block $h (try_table (catch_all $h) (return (call $tail
  (local.get 0)))) ) (i32.const 77))
(func $through_tables_and_subtypes (param i32) (result i32) (local $r i32)
 (block $h (result i32)
  (try_table (catch $e $h) (catch $e2 $h)
   (local.set $r (call_indirect $tab (type $fi) (i32.const 6) (i32.const 1)))
   (local.set $r (i32.add (local.get $r) (call_indirect $imm (type $fi) (i32.const 7) (i32.const 0))))
   (local.set $r (i32.add (local.get $r) (call_indirect $imm (type $fi) (local.get 0) (i32.const 0))))
   (local.set $r (i32.add (local.get $r) (call_ref $fi (i32.const 4) (ref.func $throw_sub)))))
  (return (i32.const -1)))
 (i32.add (local.get $r)))
(func $thrown_again_after_a_collection (param i32) (result i32) (local $x exnref) (local $i i32)
 (block $h (result exnref) (try_table (result exnref) (catch_all_ref $h) (drop (call $throw (local.get 0)))
   (ref.null exn)))
 (local.set $x)
 (loop (drop (struct.new $box (i32.const 3))) (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const
   1))) (i32.const 100000))))
 (block $done (result i32)
  (block $hb (result (ref $box))
  (block $hw (result i32 i64 v128 f32 externref)
   (try_table (result i32) (catch $e $done) (catch $e2 $done) (catch $b $hb) (catch $w $hw)
      (if (ref.is_null (local.get $x)) (then (return (i32.const -5)))) (throw_ref (local.get $x))) (return))
   (drop) (i32.trunc_f32_s) (global.set $g) (i32x4.extract_lane 3) (i32.add (global.get $g)) (global.set $g)
     (i32.wrap_i64) (i32.add) (i32.add (global.get $g)) (return))
  (struct.get $box 0)))
(func $many_locals (param i32) (result i32) (local $a i32) (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
  i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
  i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
  i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
 (loop $l (block $h (result i32)
   (try_table (catch $e $h) (catch $e2 $h)
    (local.set 40 (i32.add (local.get 40) (i32.const 1))) (drop (call $throw (i32.rem_u (local.get 40) (i32.const
      2)))) (local.set 41 (local.get 40)) (drop (call $throw (local.get 0))) (br_if $l (i32.lt_u (local.get 40)
      (i32.const 8))) (throw $e (i32.const 3)))
   unreachable)
  (local.set $a (i32.add (local.get $a)))
  (br_if $l (i32.lt_u (local.get 40) (i32.const 10))))
 (i32.add (local.get $a) (i32.add (local.get 40) (i32.mul (local.get 41) (i32.const 1000)))))
(func $the_first_clause_wins (param i32) (result i32)
 (block $out (result i32)
  (block $a (result i32)
   (i32.const 5) (local.get 0)
   (try_table (param i32 i32) (result i32) (catch $e $a) (catch $e $out)
     (br_if $out (i32.eq (i32.const 8))) (drop) (call $throw (local.get 0))) (br $out))
  (i32.add (i32.const 1000))))
(func $caught_and_thrown_as_another (param i32) (result i32)
 (block $h (result i32) (try_table (result i32) (catch $e2 $h)
   (block $i (result i32 exnref) (try_table (result i32) (catch_ref $e $i) (call $throw (local.get 0))) (return))
   (drop) (i32.const 1) (i32.add) (throw $e2))))
"""


@functools.cache
def _module() -> bytes:
    calls = "".join(
        f"(call $put (block $result (result i32) (block $any (try_table (catch_all $any)"
        f" (br $result (call ${name} (i32.const {number}))))) (i32.const -999)))\n"
        for name in re.findall(r"^\(func \$(\w+)", _CASES, re.MULTILINE)
        for number in range(10)
    )
    return bytes(
        wasmtime.wat2wasm(
            f"""(module {_FIELDS} {_CASES} (func (export "_start") {calls}
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.sub (global.get $at) (i32.const 1024)))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
        )
    )


@functools.cache
def _expected() -> bytes:
    return under_wasmtime(_module()).stdout


def _run(level: str, target: str, directory: Path) -> bytes:
    outcome = natively(_module(), directory, level, target)
    assert (outcome.stderr, outcome.status) == ("", 0)
    return outcome.stdout


@pytest.mark.parametrize(
    ("level", "target"), [("0", "x86_64-linux"), ("2", "x86_64-linux"), ("2", "aarch64-linux"), ("2", "riscv64-linux")]
)
def test_exceptions_and_the_rest_of_a_function(level: str, target: str, tmp_path: Path) -> None:
    assert len(_expected()) == 4 * 10 * _CASES.count("(func ")
    assert _run(level, target, tmp_path) == _expected()


def test_exceptions_between_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waot.pipeline.SINGLE_UNIT_OPERATORS", 0)
    monkeypatch.setattr("waot.pipeline.UNIT_OPERATORS", 8)
    assert _run("2", "x86_64-linux", tmp_path) == _expected()
