"""Large pages are asked for where a program asks for much memory, and not elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from waot import api

MIB = 1 << 20
# Grows, says so, and waits for the end of its input.
WAITS = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") {start})
  (func (export "_start")
    (if (i32.eq (memory.grow (i32.const {growth})) (i32.const -1)) (then unreachable))
    (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 1))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))))
"""


def advised(process: int) -> int:
    """Bytes of a process's memory for which the kernel was told to take large pages (proc(5), smaps, VmFlags)."""
    total = size = 0
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        word, *values = line.split()
        if word == "Size:":
            size = int(values[0]) << 10
        elif word == "VmFlags:" and "hg" in values:
            total += size
    return total


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="a kernel without large pages")
@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
@pytest.mark.parametrize(
    ("start", "growth", "large"),
    [(16, 4, 4), (16, 3, 0), (17, 3, 17), (32, 8, 40), (0, 64, 64), (1, 1, 0)],
)
def test_large_pages_are_for_large_memories(tmp_path: Path, start: int, growth: int, large: int, memory: str) -> None:
    module, program = tmp_path / "waits.wat", tmp_path / "waits"
    module.write_text(WAITS.format(start=start * 16, growth=growth * 16))
    api.build(module, program, opt_level="1", memory=memory)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.read(1) == b"\0"
        found = advised(process.pid)
        process.stdin.close()
        assert process.wait(timeout=60) == 0
    assert found == large * MIB
