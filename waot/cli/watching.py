"""`waot run --watch`: the program is built again and started again whenever its modules change.

The files are looked at ten times a second: there is nothing to ask every system and every file system for that, and a
file that an editor or a linker puts in the place of another is another file to those that tell. The program that runs
goes on until the next one is built, and for good where that fails.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from waot.cli.running import command_for, status_of
from waot.errors import UsageError, WaotError
from waot.words import printable

if TYPE_CHECKING:
    from waot.pipeline import Artifact

_INTERVAL = 0.1  # seconds between two looks
_PATIENCE = 5.0  # seconds that a program has to end when it is asked to

# Of each file (device, inode, size, time of change), None while there is none.
_State = list[tuple[int, int, int, int] | None]


def _state(files: Sequence[str]) -> _State:
    found: _State = []
    for file in files:
        try:
            status = os.stat(file)
            found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append(None)
    return found


def _say(file: str, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(f"waot: {printable(file)}: {text}", file=sys.stderr, flush=True)


class _Program:
    """The program that runs, if there is one. Its files are in `directory`."""

    def __init__(self, directory: str, emulator: str | None, arguments: Sequence[str]) -> None:
        self._directory = directory
        self._emulator = emulator
        self._arguments = arguments
        self._child: subprocess.Popen[bytes] | None = None
        self._path = ""
        self._count = 0

    def ended(self) -> int | None:
        """The status of the program, once after its end."""
        status = self._child.poll() if self._child is not None else None
        if status is not None:
            self._clear()
        return status

    def start(self, artifact: Artifact) -> None:
        """Ends the program that runs and starts `artifact`. Raises WaotError."""
        self.stop()
        self._count += 1
        windows = artifact.target.system == "windows"
        self._path = os.path.join(self._directory, f"program.{self._count}{'.exe' if windows else ''}")
        try:
            with open(self._path, "wb") as file:
                artifact.write(file)
            os.chmod(self._path, 0o700)
            command, executable = command_for(self._path, self._emulator, self._arguments, windows=windows)
            self._child = subprocess.Popen(command, executable=executable)
        except OSError as error:
            raise WaotError(f"the program cannot be started: {error.strerror}") from None

    def stop(self) -> None:
        """Ends the program, with SIGTERM, and with SIGKILL where it takes its time."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._clear()

    def _clear(self) -> None:
        self._child = None
        with contextlib.suppress(OSError):
            os.unlink(self._path)


def _settled(files: Sequence[str], state: _State) -> _State:
    """The state of the files once it stays for a while: a compiler writes a module in several parts."""
    while True:
        time.sleep(_INTERVAL)
        now = _state(files)
        if now == state:
            return now
        state = now


def watch(
    files: Sequence[str], build: Callable[[], Artifact], emulator: str | None, arguments: Sequence[str]
) -> NoReturn:
    """Builds with `build` and runs what that makes, with `arguments` (its name first), over and over.

    `files` are those to look at, the main module first. Ends by a signal only; the program is then ended too. Raises
    WaotError where there is no main module to begin with.
    """
    if "-" in files:
        raise UsageError("standard input cannot be watched", hint="give a file")
    state = _state(files)
    if state[0] is None:
        raise WaotError("cannot be read: No such file or directory", file=files[0])
    made = "built"
    with tempfile.TemporaryDirectory(prefix="waot-watch-") as directory:
        program = _Program(directory, emulator, arguments)
        try:
            while True:
                started = time.monotonic()
                try:
                    artifact = build()
                    _say(files[0], f"{made} in {time.monotonic() - started:.2f} s")
                    program.start(artifact)
                    del artifact
                    made = "rebuilt"
                except WaotError as error:
                    with contextlib.suppress(OSError, ValueError):
                        print(f"waot: error: {printable(' '.join(str(error).split()))}", file=sys.stderr, flush=True)
                while (now := _state(files)) == state or now[0] is None:
                    status = program.ended()
                    if status is not None:
                        _say(files[0], f"ended with status {status_of(status)}; waiting for a change")
                    time.sleep(_INTERVAL)
                state = _settled(files, now)
        finally:
            # Once more by a signal: what runs is ended all the same.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            program.stop()
