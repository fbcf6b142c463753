"""Running processes under measurement, contestants by turns, and results as rows of a table."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Absent(Exception):
    """A peer or an input that this machine does not have; the text names it and how to get it."""


class Failed(Exception):
    """A measurement that could not be made, because something in it went wrong."""


@dataclass(frozen=True)
class Process:
    """What one process, with those it waited for, took. Peak memory is that of the largest single process."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    peak: int  # bytes


def execute(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
    """Runs `command` with its output thrown away. Raises Failed, with the end of what it said, if it does not end well.

    posix_spawn, not subprocess: for a process of half a millisecond the cost of starting it is most of the time.
    """
    with tempfile.TemporaryFile() as errors:
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
        actions.append((os.POSIX_SPAWN_DUP2, errors.fileno(), 2))
        program = shutil.which(command[0])
        if program is None:
            raise Absent(command[0])
        started = time.perf_counter()
        pid = os.posix_spawn(program, list(command), dict(environment or os.environ), file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - started
        os.close(null)
        if status != 0:
            errors.seek(0)
            raise Failed(f"{' '.join(command)}: status {status:#x}: {errors.read()[-500:].decode(errors='replace')}")
    return Process(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


def output_of(command: Sequence[str], cwd: Path | None = None, limit: float | None = None) -> str:
    """Standard output of `command`. Raises Failed if it does not end well, TimeoutExpired after `limit` seconds."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=limit)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: status {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


@dataclass(frozen=True)
class Series:
    """Repetitions of one measurement."""

    values: tuple[float, ...]

    @property
    def minimum(self) -> float:
        return min(self.values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)


def by_turns(contestants: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, Series]:
    """Each contestant `repeats` times, one after the other in every round; one unmeasured round first."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(repeats + 1):
        for name, contestant in contestants.items():
            value = contestant()
            if number:
                taken[name].append(value)
    return {name: Series(tuple(values)) for name, values in taken.items()}


@dataclass(frozen=True)
class Row:
    """A line of the result: what was measured, what came out, what it should reach and whether it does."""

    what: str
    measured: str
    reach: str = ""
    met: bool | None = None  # None: nothing to reach, or not measured
    data: dict[str, Any] = field(default_factory=dict)


def milliseconds(series: Series) -> str:
    return f"{series.minimum * 1e3:.2f} ms (median {series.median * 1e3:.2f})"


def seconds(series: Series) -> str:
    return f"{series.minimum:.3f} s (median {series.median:.3f})"
