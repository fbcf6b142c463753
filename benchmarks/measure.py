"""Running processes under measurement, contestants by turns, and results as rows of a table."""

from __future__ import annotations

import math
import os
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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


def run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, quiet: bool = False
) -> tuple[Process, str]:
    """Runs `command`; what it took and its standard output, which goes nowhere if `quiet`.

    Raises Failed, with the end of what it said, if it does not end well. posix_spawn, not subprocess: for a process of
    half a millisecond the cost of starting it is most of the time.
    """
    program = shutil.which(command[0])
    if program is None:
        raise Absent(command[0])
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        null = os.open(os.devnull, os.O_RDWR)
        streams = (null, null if quiet else output.fileno(), errors.fileno())
        actions = [(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate(streams)]
        started = time.perf_counter()
        pid = os.posix_spawn(program, list(command), dict(environment or os.environ), file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - started
        os.close(null)
        if status != 0:
            errors.seek(0)
            raise Failed(f"{' '.join(command)}: status {status:#x}: {errors.read()[-500:].decode(errors='replace')}")
        output.seek(0)
        process = Process(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)
        return process, output.read().decode(errors="replace")


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
class Contest:
    """One program under all contestants: their times, and who is out of it and why (a crash, or another result)."""

    series: dict[str, Series]
    failures: dict[str, str]

    def ratio(self, name: str, base: str = "native") -> float | None:
        """The least time of `name` over that of `base`; None if one of them has no times."""
        if name not in self.series or base not in self.series:
            return None
        return self.series[name].minimum / self.series[base].minimum


def contest(
    commands: Mapping[str, Sequence[str]], arguments: Sequence[str], rounds: int, less: Sequence[str] | None = None
) -> Contest:
    """Runs the program by turns, `rounds` times and once before, unmeasured; each tells its result and its time.

    The first one says what the result is. Whoever fails or says something else is out. With `less` the times are not
    what the program says, but processor time, less that of a run with those arguments.
    """
    expected: str | None = None
    taken: dict[str, list[float]] = {name: [] for name in commands}
    failures: dict[str, str] = {}
    for number in range(rounds + 1):
        for name, command in commands.items():
            if name in failures:
                continue
            try:
                process, output = run([*command, *arguments])
                result, seconds = result_and_seconds(output)
                if less is not None:
                    seconds = max(process.cpu - run([*command, *less])[0].cpu, 1e-6)  # or a mean has no logarithm
            except Failed as reason:
                failures[name] = str(reason)
                continue
            expected = result if expected is None else expected
            if result != expected:
                failures[name] = f"another result: {result!r} for {expected!r}"
            elif number:
                taken[name].append(seconds)
    return Contest({n: Series(tuple(t)) for n, t in taken.items() if n not in failures}, failures)


def result_and_seconds(output: str) -> tuple[str, float]:
    """What a program says of its result, and the time that its line `seconds N` tells. Raises Failed without one."""
    match = re.search(r"^seconds ([\d.]+)$\n?", output, re.MULTILINE)
    if match is None:
        raise Failed(f"a program did not say its time: {output[-200:]!r}")
    return output[: match.start()] + output[match.end() :], float(match[1])


def geometric_mean(values: Iterable[float]) -> float | None:
    """None if there are none."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else None


@dataclass(frozen=True)
class Row:
    """A line of the result: what was measured, what came out, what it should reach and whether it does."""

    what: str
    measured: str
    reach: str = ""
    met: bool | None = None  # None: nothing to reach, or not measured
    data: dict[str, Any] = field(default_factory=dict)
    failed: bool = False  # something went wrong, which is more than a goal not met


def milliseconds(series: Series) -> str:
    return f"{series.minimum * 1e3:.2f} ms (median {series.median * 1e3:.2f})"


def seconds(series: Series) -> str:
    return f"{series.minimum:.3f} s (median {series.median:.3f})"
