"""What a person sees while a build runs: steps with a count, on standard error.

On a terminal a display appears once the work has lasted a second; in a pipe or a log nothing does. With ``-v`` every
step leaves a line with its time instead, terminal or not. One `Progress` serves a whole command, all targets of it.

    with progress.step("compiling", total=len(units), target="x86_64-linux") as step:
        for unit in units:
            ...
            step.advance()

A step ends when all its parts are done, or where its block does. It may be advanced from any thread. rich is imported
only when the display appears: most builds never need it.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

DELAY = 1.0  # seconds of work before the display appears


class Step:
    """One step under way; a context manager made by `Progress.step`."""

    def __init__(self, progress: Progress, what: str, total: int | None, target: str | None) -> None:
        self.what = what
        self.total = total
        self.target = target
        self.done = 0
        self._progress = progress
        self._started = time.monotonic()
        self._task: TaskID | None = None

    def advance(self, count: int = 1) -> None:
        """`count` more of `total` are done."""
        with self._progress._lock:
            self.done += count
            self._progress._show(self)
            if self.done == self.total:
                self._progress._leave(self, failed=False)

    def __enter__(self) -> Step:
        self._progress._enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress._leave(self, failed=kind is not None)


class Progress:
    """The display. A context manager; without entering it, it still prints ``-v`` lines.

    `display` False leaves the terminal alone (the API's way). `verbose` 1 prints steps with their times instead, 2 also
    what `detail` is given.
    """

    def __init__(
        self, verbose: int = 0, stream: TextIO | None = None, *, display: bool = True, delay: float = DELAY
    ) -> None:
        self.verbose = verbose
        self._talks = display
        self._stream = stream if stream is not None else sys.stderr
        self._delay = delay
        self._lock = threading.RLock()
        self._steps: list[Step] = []
        self._display: RichProgress | None = None
        self._timer: threading.Timer | None = None
        self._wanted = display and verbose == 0 and _is_terminal(self._stream)

    def __enter__(self) -> Progress:
        if self._wanted:
            self._timer = threading.Timer(self._delay, self._appear)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._wanted = False  # a timer that has just fired finds nothing to do
            display, self._display = self._display, None
        if display is not None:
            display.stop()

    def step(self, what: str, total: int | None = None, target: str | None = None) -> Step:
        """A step called `what` ("compiling"), of `total` equal parts if that is known, for `target` if only for one."""
        return Step(self, what, total, target)

    def note(self, text: str) -> None:
        """A line for ``-v``: a decision worth knowing (the memory strategy, a cache hit)."""
        if self.verbose >= 1:
            self._print(text)

    def warning(self, text: str) -> None:
        """A line that a person at the terminal should see in any case."""
        if self._talks:
            self._print(f"warning: {text}")

    def detail(self, text: str) -> None:
        """A line for ``-vv``: a command line, a unit's time."""
        if self.verbose >= 2:
            self._print(text)

    def _print(self, text: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            print(f"waot: {text}", file=self._stream, flush=True)

    def _enter(self, step: Step) -> None:
        with self._lock:
            self._steps.append(step)
            self._show(step)

    def _leave(self, step: Step, *, failed: bool) -> None:
        with self._lock:
            if step not in self._steps:
                return
            self._steps.remove(step)
            if self._display is not None and step._task is not None:
                self._display.remove_task(step._task)
        if self.verbose and not failed:
            count = f" ({step.total})" if step.total is not None and step.total != 1 else ""
            self.note(f"{_label(step)}{count}: {time.monotonic() - step._started:.3f} s")

    def held(self) -> AbstractContextManager[object]:
        """Nothing is shown or imported meanwhile: a process forked amid an import could hang at its lock."""
        return self._lock

    def _appear(self) -> None:
        with self._lock:
            if not self._wanted:
                return
            from rich.console import Console
            from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            self._display = RichProgress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=30),
                TextColumn("{task.fields[count]}", markup=False),
                TimeElapsedColumn(),
                console=Console(file=self._stream),
                transient=True,
                refresh_per_second=8,
            )
            self._display.start()
            for step in self._steps:
                self._show(step)

    def _show(self, step: Step) -> None:
        if self._display is None:
            return
        if step._task is None:
            step._task = self._display.add_task(_label(step), total=step.total, count="")
        count = "" if step.total is None else f"{step.done}/{step.total}"
        self._display.update(step._task, completed=step.done, count=count)


def _label(step: Step) -> str:
    return f"{step.target}: {step.what}" if step.target else step.what


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
