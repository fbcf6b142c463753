"""`waot run --watch`: a program that changes while it runs."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cli.helpers import HELLO, ROOT, Run, assemble, error_line

LONG = 120.0  # seconds after which something that should happen does not

# Says WORD, then waits for a line on standard input that never comes, or ends with the status that is put there.
WAITING = r"""
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\06\00\00\00")
  (data (i32.const 16) "WORD\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    AFTER))
"""
WAIT = "(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"


def _put(path: Path, word: str, after: str = WAIT) -> None:
    """The module in place of the one that is there, as editors and linkers do it."""
    assert len(word) == 5
    assemble(path.with_suffix(".new"), WAITING.replace("WORD", word).replace("AFTER", after))
    path.with_suffix(".new").replace(path)


class Watched:
    """A `waot run --watch` and what it has said so far."""

    def __init__(self, child: subprocess.Popen[bytes], errors: Path) -> None:
        self.child = child
        self.errors = errors
        self.told = b""
        assert child.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(child.stdout.fileno(),), daemon=True)
        self._reader.start()

    def _read(self, descriptor: int) -> None:
        while part := os.read(descriptor, 4096):
            self.told += part

    def wait_for(self, out: bytes = b"", error: str = "") -> None:
        """Until both are there, `error` as a pattern."""
        ends = time.monotonic() + LONG
        while not (out in self.told and re.search(error, self.errors.read_text())):
            assert self.child.poll() is None, self.errors.read_text()
            assert time.monotonic() < ends, (out, error, self.told, self.errors.read_text())
            time.sleep(0.02)

    def programs(self) -> list[str]:
        """The numbers of the processes that waot has started."""
        return Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text().split()


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@contextmanager
def _watching(tmp_path: Path, cache: Path, temporary: Path, *arguments: str) -> Iterator[Watched]:
    errors = tmp_path / "errors"
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(cache), "TMPDIR": str(temporary)}
    with open(errors, "wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "waot", "run", "-O0", "--watch", *arguments],
            cwd=tmp_path,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Watched(child, errors)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        assert child.stdin is not None
        child.stdin.close()


def test_a_program_that_changes_is_built_and_started_again(tmp_path: Path, shared_cache: Path, temporary: Path) -> None:
    module = tmp_path / "app.wasm"
    _put(module, "first")
    with _watching(tmp_path, shared_cache, temporary, "app.wasm") as watched:
        watched.wait_for(b"first", r"^waot: app\.wasm: built in \d+\.\d\d s\n$")
        [before] = watched.programs()
        _put(module, "other")
        watched.wait_for(b"other", r"\nwaot: app\.wasm: rebuilt in \d+\.\d\d s\n$")
        assert before not in watched.programs()
        assert len(watched.programs()) == 1
        assert not Path(f"/proc/{before}").exists()
        module.write_bytes(module.read_bytes() + b"\0\2\1x")  # a custom section, written in place
        watched.wait_for(b"other\nother\n", r"(?s)rebuilt.*rebuilt in .* s\n$")
        assert watched.told == b"first\nother\nother\n"
        os.killpg(watched.child.pid, signal.SIGINT)  # what a terminal does: everybody gets it
        assert watched.child.wait(60) == 130
    lines = watched.errors.read_text().splitlines()
    assert [line.split(" in ")[0].removeprefix("waot: app.wasm: ") for line in lines] == ["built", "rebuilt", "rebuilt"]
    assert os.listdir(temporary) == []


def test_a_module_that_is_wrong_is_said_and_the_program_goes_on(
    tmp_path: Path, shared_cache: Path, temporary: Path
) -> None:
    module = tmp_path / "app.wasm"
    _put(module, "first")
    with _watching(tmp_path, shared_cache, temporary, "app.wasm") as watched:
        watched.wait_for(b"first")
        before = watched.programs()
        assert len(before) == 1
        module.write_bytes(b"\0asm\1\0\0\0\1\1")
        watched.wait_for(b"first", r"\nwaot: error: app\.wasm: .*\n$")
        assert watched.programs() == before
        module.unlink()
        time.sleep(0.5)  # while there is no file, nothing is said of it
        _put(module, "again")
        watched.wait_for(b"again", "rebuilt in")
        before = watched.programs()
        assert len(watched.errors.read_text().splitlines()) == 3
        watched.child.terminate()
        assert watched.child.wait(60) == 143
        assert not Path(f"/proc/{before[0]}").exists()
    assert os.listdir(temporary) == []


def test_a_module_that_is_wrong_at_first_is_waited_for(tmp_path: Path, shared_cache: Path, temporary: Path) -> None:
    module = tmp_path / "app.wasm"
    module.write_bytes(b"no module")
    with _watching(tmp_path, shared_cache, temporary, "app.wasm") as watched:
        watched.wait_for(error=r"^waot: error: app\.wasm: is not a WebAssembly module.*\n$")
        _put(module, "right")
        watched.wait_for(b"right", r"\nwaot: app\.wasm: built in")


def test_a_program_that_ends_says_how_and_the_next_change_is_waited_for(
    tmp_path: Path, shared_cache: Path, temporary: Path
) -> None:
    module = tmp_path / "app.wasm"
    _put(module, "three", "(call $exit (i32.const 3))")
    with _watching(tmp_path, shared_cache, temporary, "app.wasm") as watched:
        watched.wait_for(b"three", r"\nwaot: app\.wasm: ended with status 3; waiting for a change\n$")
        _put(module, "traps", "(unreachable)")
        watched.wait_for(b"traps", r"\nwaot: app\.wasm: ended with status 134; waiting for a change\n$")
        assert watched.programs() == []
        assert len(os.listdir(temporary)) == 1  # the directory for the next


def test_arguments_and_standard_input_reach_the_program(tmp_path: Path, shared_cache: Path, temporary: Path) -> None:
    assemble(
        tmp_path / "args.wasm",
        r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\00\01\00\00\14\00\00\00")
  (data (i32.const 8) "\00\02\00\00\04\00\00\00")
  (func (export "_start")
    (drop (call $get (i32.const 1024) (i32.const 256)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (drop (call $read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 32)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 32)))))""",
    )
    with _watching(tmp_path, shared_cache, temporary, "args.wasm", "--", "--watch", "x y") as watched:
        watched.wait_for(b"args.wasm\0--watch\0x ")
        assert watched.child.stdin is not None
        watched.child.stdin.write(b"line")
        watched.child.stdin.flush()
        watched.wait_for(b"line", "ended with status 0")


def test_a_linked_module_that_changes_is_a_change(tmp_path: Path, shared_cache: Path, temporary: Path) -> None:
    library = tmp_path / "library.wasm"
    assemble(library, '(module (func (export "status") (result i32) (i32.const 4)))')
    main = WAITING.replace("WORD", "links").replace("AFTER", "(call $exit (call $status))")
    main = main.replace("(memory", '(import "library" "status" (func $status (result i32))) (memory', 1)
    assemble(tmp_path / "app.wasm", main)
    with _watching(tmp_path, shared_cache, temporary, "--link", "library=library.wasm", "app.wasm") as watched:
        watched.wait_for(b"links", "ended with status 4;")
        assemble(library, '(module (func (export "status") (result i32) (i32.const 5)))')
        watched.wait_for(b"links", "ended with status 5;")


def test_control_c_at_a_terminal_ends_all(tmp_path: Path, shared_cache: Path, temporary: Path) -> None:
    _put(tmp_path / "app.wasm", "first")
    child, terminal = pty.fork()
    if not child:  # pragma: no cover
        os.chdir(tmp_path)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's jobs in the background are started to ignore it
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(shared_cache), "TERM": "xterm"}
        variables["TMPDIR"] = str(temporary)
        os.execve(sys.executable, [sys.executable, "-m", "waot", "run", "-O0", "--watch", "app.wasm"], variables)
    told = b""
    while not (b"first" in told and re.search(rb"app\.wasm: built in \d+\.\d\d s\r\n", told)):
        told += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    os.set_blocking(terminal, False)
    with suppress(OSError):  # the other end is closed
        told += os.read(terminal, 65536)
    os.close(terminal)
    assert b"Traceback" not in told
    assert os.listdir(temporary) == []


def test_what_cannot_be_watched(waot: Run, tmp_path: Path) -> None:
    assert "standard input cannot be watched" in error_line(waot("run", "--watch", "-", stdin=b"x"), status=2)
    assert error_line(waot("run", "--watch", "none.wasm")).startswith("none.wasm: cannot be read: No such file")
    assert "unknown target" in error_line(waot("run", "--watch", "--target", "none-such", "none.wasm"), status=2)
    assemble(tmp_path / "hello.wasm", HELLO)
    assert waot("run", "hello.wasm", check=True).stdout == "hello\n"
