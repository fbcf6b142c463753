"""Where a backtrace says that calls stand which are alike; the measure is wasmtime's."""

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

# Called with so many arguments as say which of the calls traps. Only the table's index differs, by where it comes from.
MODULE = """(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (type $t (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\\01\\00\\00\\00\\01\\00\\00\\00\\01\\00\\00\\00")
  (table 2 funcref)
  (elem (i32.const 0) $good $bad)
  (func $good (type $t) (local.get 0))
  (func $bad (type $t) (i32.div_u (i32.const 100) (i32.sub (local.get 0) (i32.const 5))))
  (func $call (param $which i32) (result i32)
    (block $third (block $second (block $first
      (br_table $first $second $third (local.get $which)))
      (return (call_indirect (type $t) (i32.const 5) (i32.load (i32.const 16)))))
      (return (call_indirect (type $t) (i32.const 5) (i32.load (i32.const 20)))))
    (call_indirect (type $t) (i32.const 5) (i32.load (i32.const 24))))
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (i32.store (i32.const 8) (call $call (i32.sub (i32.load (i32.const 0)) (i32.const 1))))))"""


@pytest.mark.parametrize("level", ["1", "2", "s"])
@pytest.mark.parametrize("target", ["x86_64-linux", "aarch64-linux"])
def test_indirect_calls_that_are_alike_stay_apart(target: str, level: str, tmp_path: Path) -> None:
    module = wasmtime.wat2wasm(MODULE)
    (tmp_path / "m.wasm").write_bytes(module)
    program = tmp_path / "program"
    waot.build(tmp_path / "m.wasm", program, [target], opt_level=level, cache=False)
    for arguments in range(3):
        done = subprocess.run(
            [*tools.runner_or_skip(target), program, *["x"] * arguments], capture_output=True, text=True, check=False
        )
        assert done.stderr.startswith("waot: trap: integer divide by zero\n")
        offsets = [int(offset, 16) for offset in re.findall(r"offset (0x[0-9a-f]+)\)", done.stderr)]
        assert offsets[:2] == offsets_by_wasmtime(bytes(module), arguments)[:2], done.stderr
