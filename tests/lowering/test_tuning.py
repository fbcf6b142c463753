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
