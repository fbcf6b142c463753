"""Small functions that units have copies of, so that calls from unit to unit are inlined; the measure is wasmtime's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

import wasmtime

import waot
from tests import tools
from tests.runtime.offsets import offsets_by_wasmtime
from waot import pipeline

# Called with so many arguments as say what it loads from out of bounds, or divides by zero.
MODULE = """(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $before (result i64) (i64.const {before}))
  (func $load (param i32) (result i32) (i32.load8_s offset=12 (i32.shl (local.get 0) (i32.const 30))))
  (func $between (result i64) (i64.const {between}))
  (func $divide (param i32) (result i32)
    (i32.div_u (i32.const 100) (i32.sub (local.get 0) (i32.const 2))))
  {some}
  (func $both (param i32) (result i32)
    (i32.add (call $load (i32.shr_u (local.get 0) (i32.const 2))) (call $divide (local.get 0))))
  {more}
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (i32.store (i32.const 8) (call $both (i32.sub (i32.load (i32.const 0)) (i32.const 1))))
    (call_indirect (i32.const 0)))
  (table 1 funcref) (elem (i32.const 0) $keeper)
  (func $keeper {keeps}))"""
FILLERS = 12
MOVING = 1 << 40


def _fillers() -> list[str]:
    return [f"(func $filler{k} (param i32) {'(drop (i32.load (local.get 0)))' * 20})" for k in range(2 * FILLERS)]


def _calls() -> str:
    return " ".join(f"(call $filler{k} (i32.const 0))" for k in range(2 * FILLERS))


def _module(before: int = 1, between: int = 1) -> bytes:
    """`before` and `between` are constants that are encoded with more or fewer bytes: what follows them moves."""
    some, more = "\n".join(_fillers()[:FILLERS]), "\n".join(_fillers()[FILLERS:])
    text = MODULE.format(before=before, between=between, some=some, more=more, keeps=_calls())
    return bytes(wasmtime.wat2wasm(text))


def _split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 0)  # the workers inherit these
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 160)


def _built(module: bytes, directory: Path, target: str, **options: object) -> Path:
    (directory / "m.wasm").write_bytes(module)
    waot.build(directory / "m.wasm", directory / "program", [target], **options)  # type: ignore[arg-type]
    return directory / "program"


def _check_traps(module: bytes, program: Path, target: str, inlined: bool) -> None:
    for arguments, trap in ((2, "integer divide by zero"), (6, "out of bounds memory access")):
        done = subprocess.run(
            [*tools.runner_or_skip(target), program, *["x"] * arguments], capture_output=True, text=True, check=False
        )
        assert done.stderr.startswith(f"waot: trap: {trap}\n")
        innermost = done.stderr.splitlines()[1]
        assert ("inlined in" in innermost) == inlined, done.stderr
        (offset,) = re.findall(r"offset (0x[0-9a-f]+)\)", innermost)
        assert int(offset, 16) == offsets_by_wasmtime(module, arguments)[0], done.stderr


@pytest.mark.parametrize(("level", "inlined"), [("2", True), ("s", True), ("1", False), ("0", False)])
@pytest.mark.parametrize("target", ["x86_64-linux", "aarch64-linux", "s390x-linux"])
def test_a_trap_in_a_copy_is_told_as_one_in_the_function(
    target: str, level: str, inlined: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _split(monkeypatch)
    module = _module()
    program = _built(module, tmp_path, target, opt_level=level, cache=False)
    _check_traps(module, program, target, inlined)


def test_it_is_after_the_function_has_moved_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _split(monkeypatch)
    monkeypatch.setenv("WAOT_CACHE_DIR", str(tmp_path / "cache"))
    target = "x86_64-linux"
    _built(_module(), tmp_path, target)
    for before, between in ((MOVING, 1), (1, MOVING), (MOVING, MOVING)):
        module = _module(before, between)
        _check_traps(module, _built(module, tmp_path, target), target, inlined=True)


THROWING = """(module
  (tag $t (param i32))
  (memory (export "memory") 1)
  (func $fail (param i32) (throw $t (local.get 0)))
  (func $between (result i64) (i64.const {between}))
  {fillers}
  (func (export "_start")
    {calls}
    (call $fail (i32.const 5))))"""


def test_an_exception_from_a_small_function_was_thrown_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(between: int, cache: bool) -> tuple[int, str]:
        module = bytes(
            wasmtime.wat2wasm(THROWING.format(fillers="\n".join(_fillers()), calls=_calls(), between=between))
        )
        program = _built(module, tmp_path, "x86_64-linux", cache=cache)
        done = subprocess.run([program], capture_output=True, text=True)
        assert f"offset {module.index(bytes([0x20, 0, 0x08, 0])) + 2:#x}" in done.stderr
        return done.returncode, done.stderr

    monkeypatch.setenv("WAOT_CACHE_DIR", str(tmp_path / "cache"))
    whole = [told(1, cache=False), told(MOVING, cache=False)]
    _split(monkeypatch)
    assert [told(1, cache=True), told(MOVING, cache=True)] == whole
