"""All atomic operators, in programs with threads: where no instruction is atomic to 64 bits they are calls there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import wasmtime

import waot
from tests import tools
from tests.threads.oracle import run_under_wasmtime
from waot.frontend.opcodes import OPERATORS

# What is not waiting, and no fence.
ATOMICS = [o for o in OPERATORS if o.proposal == "threads" and o.name[:3] in ("i32", "i64")]


def every_operator() -> bytes:
    """A program that writes a line for each: what it gives, and the eight bytes that it leaves."""
    calls = []
    for number, operator in enumerate(ATOMICS):
        assert operator.params is not None
        t, stored = operator.name[:3], (0xFEDCBA9889ABCDEF, 0x7F6F5F4F3F2F1F0F)[number % 2]
        # Exchanges find what they expect, wrapped to their width, where the first of these is stored.
        for first in (0x89ABCDEF, stored if t == "i64" else -5):
            values = (f"({t}.const {value})" for value in (first, -3))
            operands = " ".join(list(values)[: len(operator.params) - 1])
            calls.append(f"(i64.store (i32.const 64) (i64.const {stored:#x}))")
            access = f"({operator.name} (i32.const 64) {operands})"
            calls.append(f"({t}.store (i32.const 72) {access})" if operator.results else access)
            calls.append("(call $say)")
    text = "\n".join(calls)
    return bytes(
        wasmtime.wat2wasm(f"""(module
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "env" "memory" (memory 1 1 shared)) (export "memory" (memory 0))
          (data (i32.const 0) "\\80\\00\\00\\00\\21\\00\\00\\00") (data (i32.const 160) "\\n")
          ;; The sixteen bytes at 64, each as two letters.
          (func $say (local $i i32)
            (loop $bytes
              (i32.store8 offset=128 (i32.shl (local.get $i) (i32.const 1))
                (i32.add (i32.const 97) (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 15))))
              (i32.store8 offset=129 (i32.shl (local.get $i) (i32.const 1))
                (i32.add (i32.const 97) (i32.shr_u (i32.load8_u offset=64 (local.get $i)) (i32.const 4))))
              (br_if $bytes (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
          (func (export "wasi_thread_start") (param i32 i32))
          (func (export "_start") {text}))""")
    )


@pytest.mark.parametrize("target", ["x86_64-linux", "riscv32-linux"])
def test_atomic_operators_give_what_they_give_under_wasmtime(target: str, tmp_path: Path) -> None:
    words = tools.runner_or_skip(target)
    wasm, program = tmp_path / "module.wasm", tmp_path / "program"
    wasm.write_bytes(every_operator())
    waot.build(wasm, program, [target], opt_level=1)
    done = subprocess.run([*words, program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    status, expected = run_under_wasmtime(wasm)
    assert status == 0
    assert done.stdout.splitlines() == expected.splitlines()
    assert len(set(expected.splitlines())) > len(ATOMICS) == 63


@pytest.mark.parametrize("target", ["x86_64-linux", "riscv32-linux"])
@pytest.mark.parametrize(
    ("access", "trap"),
    [
        ("(drop (i64.atomic.load (i32.const 65532)))", "unaligned atomic"),
        ("(drop (i64.atomic.rmw.add (i32.const 65536) (i64.const 1)))", "out of bounds memory access"),
        ("(i32.atomic.store16 (i32.const 65535) (i32.const 1))", "unaligned atomic"),
        ("(drop (i32.atomic.rmw8.xor_u (i32.const 65536) (i32.const 1)))", "out of bounds memory access"),
    ],
)
def test_they_trap_as_ever(target: str, access: str, trap: str, tmp_path: Path) -> None:
    words = tools.runner_or_skip(target)
    text = f"""(module (import "wasi" "thread-spawn" (func (param i32) (result i32)))
      (import "env" "memory" (memory 1 1 shared))
      (func (export "wasi_thread_start") (param i32 i32))
      (func (export "_start") (i64.atomic.store (i32.const 0) (i64.const 1)) {access}))"""
    wasm, program = tmp_path / "module.wasm", tmp_path / "program"
    wasm.write_bytes(wasmtime.wat2wasm(text))
    waot.build(wasm, program, [target], opt_level=1)
    done = subprocess.run([*words, program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.splitlines()[0]) == (134, f"waot: trap: {trap}")
