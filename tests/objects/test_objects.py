"""Objects and exceptions in whole programs: what the official suite, whose modules are small, does not reach.

A program tells its result by its exit status. wasmtime runs the same module and must end the same way.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime

from tests.objects.running import natively, under_wasmtime

LEVELS = ("0", "2")
TARGETS = ("x86_64-linux", "aarch64-linux")

_EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 0)\n'


def run(module: str, directory: Path, level: str, target: str = "x86_64-linux", **options: str) -> tuple[int, str]:
    """(exit status, standard error) of the native program."""
    outcome = natively(wasmtime.wat2wasm(f"(module {module})"), directory, level, target, **options)
    return outcome.status, outcome.stderr


def expected(module: str) -> int:
    """The exit status that wasmtime gives it."""
    return under_wasmtime(wasmtime.wat2wasm(f"(module {module})")).status


# Binary trees: many live objects of one size, made and dropped, with a sum over each tree.
_TREES = (
    _EXIT
    + """
(type $tree (sub (struct (field $left (ref null $tree)) (field $right (ref null $tree)))))
(type $leaf (sub final $tree (struct (field (ref null $tree)) (field (ref null $tree)) (field $value (mut i8)))))
(func $make (param $depth i32) (param $value i32) (result (ref $tree))
  (if (result (ref $tree)) (local.get $depth)
    (then (struct.new $tree
      (call $make (i32.sub (local.get $depth) (i32.const 1)) (i32.shl (local.get $value) (i32.const 1)))
      (call $make (i32.sub (local.get $depth) (i32.const 1)) (i32.add (local.get $value) (i32.const 1)))))
    (else (struct.new $leaf (ref.null $tree) (ref.null $tree) (local.get $value)))))
(func $sum (param $tree (ref null $tree)) (result i32)
  (block $leaf (result (ref $leaf))
    (br_on_cast $leaf (ref null $tree) (ref $leaf) (local.get $tree))
    (br_if 1 (ref.is_null (local.get $tree)) (i32.const 0)) drop
    (return (i32.add (call $sum (struct.get $tree $left (local.get $tree)))
                     (i32.mul (i32.const 3) (call $sum (struct.get $tree $right (local.get $tree)))))) )
  (struct.get_s $leaf $value))
(func (export "_start") (local $n i32) (local $all i32) (local $kept (ref null $tree))
  (local.set $kept (call $make (i32.const 15) (i32.const 5)))
  (loop $again
    (local.set $all (i32.add (local.get $all) (call $sum (call $make (i32.const 10) (local.get $n)))))
    (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 300))))
  (call $exit (i32.and (i32.add (local.get $all) (call $sum (local.get $kept))) (i32.const 127))))
"""
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("level", LEVELS)
def test_live_objects_survive_collections(level: str, target: str, tmp_path: Path) -> None:
    assert run(_TREES, tmp_path, level, target, max_heap="8MiB") == (expected(_TREES), "")


@pytest.mark.parametrize("level", LEVELS)
def test_thousands_of_objects_are_made_at_instantiation(level: str, tmp_path: Path) -> None:
    count = 5000
    globals_ = "".join(f"(global $g{i} (ref $box) (struct.new $box (i32.const {i})))" for i in range(count))
    objects = "".join(f"(item (struct.new $pair (global.get $g{i}) (i64.const {i})))" for i in range(count))
    module = (
        _EXIT
        + f"""
    (type $box (struct (field i32)))
    (type $pair (struct (field (ref $box)) (field i64)))
    {globals_}
    (table $pairs {count} (ref null $pair))
    (elem (table $pairs) (i32.const 0) (ref $pair) {objects})
    (func (export "_start") (local $n i32) (local $pair (ref null $pair))
      (loop $next
        (local.set $pair (table.get $pairs (local.get $n)))
        (if (i32.ne (struct.get $box 0 (struct.get $pair 0 (local.get $pair))) (local.get $n)) (then unreachable))
        (if (i64.ne (struct.get $pair 1 (local.get $pair)) (i64.extend_i32_u (local.get $n))) (then unreachable))
        (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const {count}))))
      (call $exit (i32.and (local.get $n) (i32.const 127))))
    """
    )
    assert run(module, tmp_path, level) == (count & 127, "")


# Objects that refer to each other in a circle, through a struct, an array and back, 3 million times.
_CYCLES = """
(rec (type $a (struct (field (mut (ref null $b))) (field i64))) (type $b (array (mut (ref null $a)))))
(func (export "_start") (local $n i32) (local $x (ref null $a))
  (loop $again
    (local.set $x (struct.new $a (ref.null $b) (i64.const 1)))
    (struct.set $a 0 (local.get $x) (array.new $b (local.get $x) (i32.const 3)))
    (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3000000)))))
"""


@pytest.mark.parametrize("level", LEVELS)
def test_circles_of_garbage_are_collected(level: str, tmp_path: Path) -> None:
    assert run(_CYCLES, tmp_path, level, max_heap="4MiB") == (0, "")


_ENDLESS = """
(type $list (struct (field (ref null $list)) (field i64)))
(func $more (export "_start") (local (ref null $list))
  (loop (local.set 0 (struct.new $list (local.get 0) (i64.const 1))) (br 0)))
"""


@pytest.mark.parametrize("level", LEVELS)
def test_a_full_heap_is_a_trap_with_a_place(level: str, tmp_path: Path) -> None:
    status, told = run(_ENDLESS, tmp_path, level, max_heap="4MiB")
    assert status == 134
    assert told.startswith("waot: trap: out of memory\n    at ")
    assert "offset 0x" in told


@pytest.mark.parametrize("level", LEVELS)
def test_a_list_as_long_as_the_heap_is_marked(level: str, tmp_path: Path) -> None:
    module = (
        _EXIT
        + """
    (type $list (struct (field (ref null $list)) (field i32)))
    (func $length (param (ref null $list)) (result i32) (local i32)
      (loop (result i32)
        (if (ref.is_null (local.get 0)) (then (return (local.get 1))))
        (local.set 1 (i32.add (local.get 1) (struct.get $list 1 (local.get 0))))
        (local.set 0 (struct.get $list 0 (local.get 0)))
        (br 0)))
    (func (export "_start") (local (ref null $list)) (local $n i32)
      (loop (local.set 0 (struct.new $list (local.get 0) (i32.const 3)))
        (drop (array.new_default $bytes (i32.const 100)))
        (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
      (call $exit (i32.rem_u (call $length (local.get 0)) (i32.const 101))))
    (type $bytes (array i8))
    """
    )
    assert run(module, tmp_path, level, max_heap="64MiB") == (3000000 % 101, "")


# An exception through 1,000 frames, 1,000 times, with a payload of each kind and a reference that a collection sees.
_THROWS = (
    _EXIT
    + """
(type $box (struct (field i32)))
(tag $e (param i32 i64 f64 (ref $box)))
(func $deep (param i32)
  (if (i32.eqz (local.get 0))
    (then (throw $e (i32.const 7) (i64.const 11) (f64.const 0.5) (struct.new $box (i32.const 13)))))
  (call $deep (i32.sub (local.get 0) (i32.const 1))))
(func $caught (param i32) (result i32) (local i32) (local (ref null $box))
  (block $h (result i32 i64 f64 (ref $box))
    (try_table (catch $e $h) (call $deep (local.get 0)))
    unreachable)
  (local.set 2)
  (drop (struct.new $box (i32.const 1)))
  (i32.trunc_f64_s (f64.mul (f64.const 4)))
  (local.set 1)
  (i32.wrap_i64)
  (i32.add)
  (i32.add (local.get 1))
  (i32.add (struct.get $box 0 (local.get 2))))
(func (export "_start") (local i32 i32)
  (loop
    (local.set 1 (i32.add (local.get 1) (call $caught (i32.rem_u (local.get 0) (i32.const 1000)))))
    (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 3000))))
  (call $exit (i32.rem_u (local.get 1) (i32.const 101))))
"""
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("level", LEVELS)
def test_exceptions_carry_their_payload_through_frames(level: str, target: str, tmp_path: Path) -> None:
    status = (7 + 11 + 2 + 13) * 3000 % 101
    assert expected(_THROWS) == status
    assert run(_THROWS, tmp_path, level, target, max_heap="4MiB") == (status, "")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "module",
    [
        '(tag $e) (func (export "_start") (throw $e))',
        '(tag $e) (func $thrower (throw $e)) (start $thrower) (func (export "_start"))',
        "(tag $e) (tag $o) (func $thrower (throw $e))"
        '(func (export "_start") (block (try_table (catch $o 0) (call $thrower))))',
    ],
)
def test_an_exception_that_nobody_catches_is_a_trap(module: str, level: str, tmp_path: Path) -> None:
    status, told = run(module, tmp_path, level)
    first, second = told.splitlines()
    assert (status, first) == (134, "waot: trap: uncaught exception")
    thrower = "thrower (function " if "$thrower" in module else "function 0, offset 0x"
    assert second.startswith(f"    at {thrower}")


@pytest.mark.parametrize("level", LEVELS)
def test_a_trap_is_not_caught(level: str, tmp_path: Path) -> None:
    module = '(func $f unreachable) (func (export "_start") (block (try_table (catch_all 0) (call $f))))'
    status, told = run(module, tmp_path, level)
    assert (status, told.splitlines()[0]) == (134, "waot: trap: unreachable")


def test_names_that_look_like_instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = (
        _EXIT
        + """
    (func $down (@name "amusttail call b") (param i32) (result i32)
      (if (result i32) (local.get 0) (then (i32.const 5)) (else (call $up (local.get 0)))))
    (func $up (@name "\\22 musttail call tailcc ") (param i32) (result i32)
      (return_call $down (i32.add (local.get 0) (i32.const 1))))
    (func (export "_start") (call $exit (call $down (i32.const 0))))
    """
    )
    assert run(module, tmp_path, "2") == (5, "")
    monkeypatch.setattr("waot.pipeline.SINGLE_UNIT_OPERATORS", 0)
    monkeypatch.setattr("waot.pipeline.UNIT_OPERATORS", 2)
    assert run(module, tmp_path, "2") == (5, "")
