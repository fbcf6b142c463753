"""Memory that the system refuses: `memory.grow` says so, or the program ends with a message before it begins."""

from __future__ import annotations

import resource
import signal
import subprocess
from pathlib import Path

import pytest

from waot import api

# Grows by 1 MiB until it may not and touches the last page that it got each time; exits with 1 if that was less than
# 4 GiB. Growing by nothing still works then.
GROWS = """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $got i32)
    (block $refused
      (loop $again
        (br_if $refused (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
        (local.set $got (i32.add (local.get $got) (i32.const 16)))
        (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 7))
        (br $again)))
    (if (i32.ne (memory.size) (i32.add (local.get $got) (i32.const 1))) (then unreachable))
    (if (i32.eqz (local.get $got)) (then unreachable))
    (if (i32.ne (memory.grow (i32.const 0)) (memory.size)) (then unreachable))
    (call $exit (i32.lt_u (local.get $got) (i32.const 65520)))))
"""
LARGE = """(module (memory (export "memory") 16384) (func (export "_start")))"""


def run(program: Path, what: int, value: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(program)],
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(what, (value, value)),
    )


@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
def test_growing_past_what_the_system_gives(tmp_path: Path, memory: str) -> None:
    module, program = tmp_path / "grows.wat", tmp_path / "grows"
    module.write_text(GROWS)
    api.build(module, program, opt_level="1", memory=memory)
    # Pages that may be written to, of which the 8 MiB of the stack are some.
    done = run(program, resource.RLIMIT_DATA, 64 << 20)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
def test_no_room_for_the_first_memory(tmp_path: Path, memory: str) -> None:
    module, program = tmp_path / "large.wat", tmp_path / "large"
    module.write_text(LARGE)
    api.build(module, program, opt_level="1", memory=memory)
    assert run(program, resource.RLIMIT_AS, resource.RLIM_INFINITY).returncode == 0
    for what in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        done = run(program, what, 64 << 20)
        if memory == "static":  # the memory is a segment: the kernel has nothing to start, and says so in its way
            assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGSEGV, b"", b"")
            continue
        assert done.returncode > 0, done  # no signal
        assert done.stdout == b""
        (line,) = done.stderr.decode().splitlines()
        assert line.startswith("waot: "), line
        assert "memory" in line


def test_no_room_for_the_stack(tmp_path: Path) -> None:
    module, program = tmp_path / "small.wat", tmp_path / "small"
    module.write_text('(module (memory (export "memory") 1) (func (export "_start")))')
    api.build(module, program, opt_level="1", memory="checked", stack_size="512MiB")
    done = run(program, resource.RLIMIT_AS, 64 << 20)
    assert done.returncode > 0
    assert done.stderr.startswith(b"waot: no memory for the stack")
