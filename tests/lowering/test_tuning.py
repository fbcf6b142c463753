"""Instructions that LLVM chooses by what it takes a processor to be good at, and that a test of results cannot see."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

import wasmtime

import waot

# `set` makes the table one that somebody writes, so that calls go through it.
MODULE = """(module
  (type $t (func (param i64) (result i64)))
  (table (export "t") 4 funcref)
  (elem (i32.const 0) $rotate $other)
  (func $rotate (export "rotate") (type $t) (i64.rotl (local.get 0) (i64.const 31)))
  (func $other (type $t) (i64.add (local.get 0) (i64.const 3)))
  (func (export "set") (param i32) (table.set (local.get 0) (ref.func $other)))
  (func (export "call") (param i32 i64) (result i64)
    (i64.add (call_indirect (type $t) (local.get 1) (local.get 0)) (i64.const 1))))"""


@pytest.mark.parametrize(
    ("cpu", "rotation", "others"),
    [("x86-64-v2", "rolq", "shldq"), ("x86-64-v3", "rorxq", "shldq"), ("sandybridge", "shldq", "rolq")],
)
def test_x86_64_rotates_and_calls_as_every_processor_likes(
    cpu: str, rotation: str, others: str, tmp_path: Path
) -> None:
    (tmp_path / "a.wasm").write_bytes(wasmtime.wat2wasm(MODULE))
    waot.build(tmp_path / "a.wasm", tmp_path / "a.s", ["x86_64-linux"], emit="asm", cpu=cpu, jobs=1, cache=False)
    words = (tmp_path / "a.s").read_text().split()
    assert rotation in words
    assert others not in words
    calls = [after for word, after in pairwise(words) if word == "callq" and after.startswith("*")]
    assert calls
    assert all(after.startswith("*%") for after in calls), calls


# In each of eight directions on from a place, as long as there is something: too large for LLVM to unroll it by itself.
DIRECTIONS = """(module (func (export "reached") (param $from i64) (param $in i64) (result i64)
  (local $i i32) (local $at i64) (local $all i64)
  (loop $directions
    (local.set $at (local.get $from))
    (loop $on
      (local.set $all (i64.or (local.get $all) (local.get $at)))
      (block $next
        (block $h (block $g (block $f (block $e (block $d (block $c (block $b (block $a
        (br_table $a $b $c $d $e $f $g $h (local.get $i)))
        (local.set $at (i64.and (i64.shl (local.get $at) (i64.const 1)) (i64.const 0xfefefefefefefefe))) (br $next))
        (local.set $at (i64.and (i64.shr_u (local.get $at) (i64.const 1)) (i64.const 0x7f7f7f7f7f7f7f7f))) (br $next))
        (local.set $at (i64.and (i64.shl (local.get $at) (i64.const 9)) (i64.const 0xfefefefefefefe00))) (br $next))
        (local.set $at (i64.and (i64.shr_u (local.get $at) (i64.const 9)) (i64.const 0x7f7f7f7f7f7f7f))) (br $next))
        (local.set $at (i64.and (i64.shl (local.get $at) (i64.const 7)) (i64.const 0x7f7f7f7f7f7f7f00))) (br $next))
        (local.set $at (i64.and (i64.shr_u (local.get $at) (i64.const 7)) (i64.const 0xfefefefefefefe))) (br $next))
        (local.set $at (i64.shl (local.get $at) (i64.const 8))) (br $next))
        (local.set $at (i64.shr_u (local.get $at) (i64.const 8))))
      (br_if $on (i64.ne (local.tee $at (i64.and (local.get $at) (local.get $in))) (i64.const 0))))
    (br_if $directions (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {end}))))
  (local.get $all)))"""


def instructions(module: str, directory: Path) -> list[list[str]]:
    """The instructions of a module for x86-64, each as its words."""
    (directory / "a.wasm").write_bytes(wasmtime.wat2wasm(module))
    waot.build(directory / "a.wasm", directory / "a.s", ["x86_64-linux"], emit="asm", jobs=1, cache=False)
    lines = [line.split() for line in (directory / "a.s").read_text().splitlines() if line.startswith("\t")]
    return [words for words in lines if not words[0].startswith((".", "#"))]


def test_rounds_that_know_their_case_have_no_jump_by_a_table(tmp_path: Path) -> None:
    found = instructions(DIRECTIONS.format(end=8), tmp_path)
    assert found
    assert not [words for words in found if words[0] == "jmpq" and words[1][0] == "*"]


def test_many_rounds_that_know_their_case_stay_a_loop(tmp_path: Path) -> None:
    few = len(instructions(DIRECTIONS.format(end=8), tmp_path))
    assert len(instructions(DIRECTIONS.format(end=800), tmp_path)) < 3 * few
