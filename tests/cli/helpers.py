"""What the tests of the command line share: a module, the way to run waot, and the shape of its errors."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import wasmtime

ROOT = Path(__file__).resolve().parents[2]

HELLO = r"""
(module $hello
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\06\00\00\00")
  (data (i32.const 16) "hello\n")
  (func $main (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""


class Run(Protocol):
    """`waot ARGUMENTS`; `text` False leaves the outputs bytes."""

    def __call__(
        self,
        *arguments: str | Path,
        env: Mapping[str, str | None] = ...,
        cwd: Path | None = ...,
        stdin: bytes = ...,
        check: bool = ...,
    ) -> subprocess.CompletedProcess[str]: ...


def assemble(path: Path, text: str) -> Path:
    """The module `text` in the binary format, at `path`."""
    path.write_bytes(bytes(wasmtime.wat2wasm(text)))
    return path


def error_line(run: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """The one line that a failed command prints, without its prefix."""
    assert run.returncode == status, (run.returncode, run.stdout, run.stderr)
    assert run.stdout == ""
    lines = run.stderr.splitlines()
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("waot: error: "), run.stderr
    assert "bug in waot" not in lines[0], run.stderr
    return lines[0].removeprefix("waot: error: ")
