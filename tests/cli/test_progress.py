"""The progress display: on a terminal after a while, otherwise silence."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.helpers import ROOT, assemble
from waot.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def work(progress: Progress, seconds: float) -> None:
    with progress, progress.step("compiling", total=4, target="x86_64-linux") as step:
        for _ in range(4):
            time.sleep(seconds / 4)
            step.advance()


def test_nothing_is_shown_in_a_pipe() -> None:
    stream = io.StringIO()
    work(Progress(stream=stream, delay=0), 0.1)
    assert stream.getvalue() == ""


def test_nothing_is_shown_for_short_work() -> None:
    stream = Terminal()
    work(Progress(stream=stream, delay=5), 0.01)
    assert stream.getvalue() == ""


def test_long_work_is_shown_on_a_terminal_and_the_display_removed() -> None:
    stream = Terminal()
    work(Progress(stream=stream, delay=0.05), 1)
    assert "x86_64-linux: compiling" in stream.getvalue()
    assert "4" in stream.getvalue()
    assert "\x1b[2K" in stream.getvalue()  # rich erases its lines at the end


def test_verbose_prints_steps_with_times_and_no_display() -> None:
    stream = Terminal()
    work(Progress(1, stream, delay=0), 0.01)
    assert stream.getvalue().startswith("waot: x86_64-linux: compiling (4): 0.")
    assert stream.getvalue().endswith(" s\n")


def test_notes_and_details_depend_on_verbosity() -> None:
    texts = []
    for verbose in (0, 1, 2):
        stream = io.StringIO()
        progress = Progress(verbose, stream)
        progress.note("note")
        progress.detail("detail")
        texts.append(stream.getvalue())
    assert texts == ["", "waot: note\n", "waot: note\nwaot: detail\n"]


def test_a_failed_step_prints_no_time() -> None:
    stream = io.StringIO()
    progress = Progress(1, stream)
    with pytest.raises(KeyError), progress, progress.step("compiling"):
        raise KeyError
    assert stream.getvalue() == ""


def test_a_stream_that_breaks_breaks_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    work(Progress(1, Broken()), 0.01)


def test_the_display_is_left_out_on_request() -> None:
    stream = Terminal()
    work(Progress(stream=stream, display=False, delay=0), 0.1)
    assert stream.getvalue() == ""


def test_a_terminal_sees_that_the_runtime_of_a_target_is_made(tmp_path: Path) -> None:
    assemble(tmp_path / "m.wasm", '(module (func (export "_start")))')
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(tmp_path / "cache"), "COLUMNS": "150"}
    # The display is there from the start, however fast the machine is.
    at_once = "import waot.progress as p; p.Progress.__init__.__kwdefaults__['delay'] = 0"
    code = f"import runpy; {at_once}; runpy.run_module('waot', run_name='__main__')"
    command = [sys.executable, "-c", code, "build", "m.wasm", "-O0", "--target", "riscv64-linux"]
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # as Linux tells the end
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert process.wait() == 0, shown
    assert b"compiling the runtime for riscv64-linux" in shown
