"""Hostile bytes: mutated modules to the decoder and the validator, which give a `Module` or a `WaotError`, soon.

    python -m tests.fuzz.hostile --count N [--seed SEED]

Every input has seconds and bytes of address space. One for which anything else comes out is made smaller and saved; in
tests/fuzz/hostile/ it becomes a test.
"""

from __future__ import annotations

import argparse
import functools
import random
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

import wasmtime

from tests import tools
from tests.fuzz import oracle
from tests.fuzz.corpus import corpus, valid, verdict
from tests.fuzz.mutating import mutate
from tests.fuzz.processes import perform
from waot.errors import UnsupportedError

SECONDS = 10.0
ADDRESS_SPACE = 2 << 30  # bytes, beyond what the process has before
CHUNK = 1000  # inputs a process


# wasmtime does not have the exceptions of before.
_LEGACY = re.compile("legacy_exceptions")


class Late(BaseException):
    """An input took too long."""


def make_input(seed: str, number: int) -> bytes:
    """Input `number` of a run."""
    own = random.Random(f"{seed}/{number}")
    return mutate(own.choice(valid() if own.random() < 0.9 else corpus()), corpus(), own)


# ----------------------------------------------------------------------------------------------------------- one input


def _late(signal_: int, frame: FrameType | None) -> None:
    raise Late


def judge(source: bytes) -> tuple[str, str | None]:
    """The verdict on an input, and what is wrong with how it is taken, or None."""
    told = "failure"
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        told = verdict(source)
    except Late:
        return told, f"takes more than {SECONDS:g} s"
    except MemoryError:
        return told, f"takes more than {ADDRESS_SPACE >> 20} MiB"
    except Exception:
        return told, traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return told, None


def disagreement(source: bytes, told: str) -> str | None:
    """How wasmtime takes the input, where that is the other way."""
    try:
        wasmtime.Module.validate(oracle.engine(), source)
    except wasmtime.WasmtimeError as error:
        said = str(error).splitlines()[0]
        return f"{told}, but wasmtime says: {said}" if told == "Module" and not _LEGACY.search(said) else None
    return None if told in ("Module", UnsupportedError.__name__) else f"{told}, but wasmtime accepts it"


def confine() -> None:
    """Limits the memory of this process, and what `listen` does."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESS_SPACE, hard))
    listen()


def listen() -> None:
    """From here on `judge` can be asked: the end of an input's time is noticed."""
    signal.signal(signal.SIGALRM, _late)


def reduce(source: bytes, what: str, agree: bool) -> bytes:
    """A smaller input with which the same is wrong: ever smaller pieces are left out."""
    last = what.strip().splitlines()[-1]

    def fails(smaller: bytes) -> bool:
        told, now = judge(smaller)
        if now is None and agree:
            now = disagreement(smaller, told)
        return now is not None and now.strip().endswith(last)

    size = len(source) // 2
    end = time.monotonic() + 20 * SECONDS
    while size and time.monotonic() < end:
        at = 0
        while at < len(source) and time.monotonic() < end:
            smaller = source[:at] + source[at + size :]
            if fails(smaller):
                source = smaller
            else:
                at += size
        size //= 2
    return source


# ----------------------------------------------------------------------------------------------------------------- all


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some inputs of a run."""

    seed: str
    first: int
    count: int
    agree: bool


@dataclass
class Report:
    """What came of inputs."""

    verdicts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, bytes, str]] = field(default_factory=list)  # name, input, what
    slowest: tuple[float, str] = (0.0, "")


def run_chunk(chunk: Chunk) -> Report:
    """In a process of its own."""
    confine()
    report = Report()
    for number in range(chunk.first, chunk.first + chunk.count):
        source = make_input(chunk.seed, number)
        start = time.process_time()
        told, what = judge(source)
        report.slowest = max(report.slowest, (time.process_time() - start, f"{chunk.seed}-{number}"))
        if what is None and chunk.agree:
            what = disagreement(source, told)
        report.verdicts[told] += 1
        if what is not None:
            report.failures.append((f"{chunk.seed}-{number}", reduce(source, what, chunk.agree), what))
    return report


def run(seed: str, count: int, jobs: int, say: Callable[[str], None], *, agree: bool = False) -> Report:
    """All inputs; with `agree`, a verdict that is not wasmtime's is a failure too.

    A chunk whose process dies is done again in halves.
    """
    report = Report()
    valid()
    todo = [Chunk(seed, first, min(CHUNK, count - first), agree) for first in range(0, count, CHUNK)]
    done, start = 0, time.monotonic()
    while todo:
        again: list[Chunk] = []
        for ended in perform(run_chunk, todo, jobs, CHUNK * 60.0):
            chunk = ended.task
            if ended.result is not None:
                report.verdicts += ended.result.verdicts
                report.failures += ended.result.failures
                report.slowest = max(report.slowest, ended.result.slowest)
                done += chunk.count
            elif chunk.count > 1:
                half = chunk.count // 2
                again.append(replace(chunk, count=half))
                again.append(replace(chunk, first=chunk.first + half, count=chunk.count - half))
            else:
                name = f"{seed}-{chunk.first}"
                report.failures.append((name, make_input(seed, chunk.first), ended.failure or ""))
                done += 1
            rate = done / (time.monotonic() - start)
            say(f"{done}/{count} inputs, {len(report.failures)} failures, {rate:.0f} a second")
        todo = again
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.hostile", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, metavar="N", help="inputs (100,000)")
    parser.add_argument("--seed", default="1", help="of the run (1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--agree", action="store_true", help="wasmtime must accept and refuse the same")
    arguments = parser.parse_args()
    say = functools.partial(print, flush=True)
    report = run(arguments.seed, arguments.count, arguments.jobs, say, agree=arguments.agree)
    directory = tools.cache_directory() / "fuzz"
    directory.mkdir(exist_ok=True)
    for name, source, what in report.failures:
        path = directory / f"hostile-{name}.wasm"
        path.write_bytes(source)
        print(f"FAILURE {name} ({path}, {len(source)} bytes)\n{what}")
    print(f"{report.verdicts}; the slowest took {report.slowest[0]:.2f} s ({report.slowest[1]})")
    return bool(report.failures)


if __name__ == "__main__":
    sys.exit(main())
