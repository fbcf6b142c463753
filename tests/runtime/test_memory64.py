"""Memories with 64-bit indices find their address space, however little of it there is, and grow beyond it."""

from __future__ import annotations

import platform
import resource
import subprocess
from pathlib import Path

import pytest

from tests.frontend.building import wat
from tests.tools import runner
from waot.options import BuildOptions
from waot.pipeline import build
from waot.progress import Progress
from waot.targets import find_target

pytest.importorskip("wasmtime")

_TEXT = """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") i64 1) (memory $second i64 1)
  (func $_start (export "_start")
    (if (i64.ne (memory.grow (i64.const {pages})) (i64.const 1)) (then (call $exit (i32.const 1))))
    (if (i64.ne (memory.grow $second (i64.const {pages})) (i64.const 1)) (then (call $exit (i32.const 2))))
    (i64.store (i64.mul (i64.const {pages}) (i64.const 65536)) (i64.const 40))
    (i64.store $second (i64.mul (i64.const {pages}) (i64.const 65536)) (i64.const 2))
    (call $exit (i32.wrap_i64 (i64.add
      (i64.load (i64.mul (i64.const {pages}) (i64.const 65536)))
      (i64.load $second (i64.mul (i64.const {pages}) (i64.const 65536))))))))"""


def _program(pages: int, target: str, directory: Path) -> Path:
    options = BuildOptions(jobs=1, cache=False)
    source = wat(_TEXT.replace("{pages}", str(pages)))
    (artifact,) = build(source, "grow.wasm", [find_target(target)], options, Progress(display=False))
    path = directory / "program"
    path.write_bytes(artifact.data)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("target", ["x86_64-linux", "aarch64-linux"])
def test_memories_grow_beyond_what_was_reserved_at_first(target: str, tmp_path: Path) -> None:
    pages = (9 << 30) >> 16
    done = subprocess.run(
        [*runner(target), _program(pages, target, tmp_path)], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (42, b"")


@pytest.mark.skipif(platform.system() != "Linux", reason="sets a limit on address space")
def test_little_address_space_is_enough_for_little_memory(tmp_path: Path) -> None:
    program = _program(100, "x86_64-linux", tmp_path)
    if runner("x86_64-linux"):
        pytest.skip("an emulator needs address space of its own")
    done = subprocess.run(
        [program],
        capture_output=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20)),
    )
    assert (done.returncode, done.stderr) == (42, b"")
