"""Compares random modules with wasmtime: `python -m tests.fuzz --help`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests import tools
from tests.fuzz.comparing import Batch, Difference, Report, run_batch
from tests.fuzz.processes import perform
from tests.programs.harness import Configuration
from tests.spec import suite

BATCH = 20  # modules a program
TIMEOUT = 600.0  # seconds for a batch
LEVELS = tuple(Configuration("x86_64-linux", "guarded", level) for level in "02")
# Every so many batches another strategy as well.
SELDOM = {
    5: Configuration("x86_64-linux", "checked", "2"),
    7: Configuration("x86_64-linux", "static", "2"),
    11: Configuration("aarch64-linux", "guarded", "2"),
}


def batches(seed: str, count: int, size: int, configurations: tuple[Configuration, ...]) -> list[Batch]:
    """`count` modules, numbered."""
    made = []
    for number, first in enumerate(range(0, count, size), 1):
        seeds = tuple(f"{seed}-{n}" for n in range(first, min(first + size, count)))
        more = tuple(c for every, c in SELDOM.items() if number % every == 0)
        made.append(Batch(seeds, configurations + more))
    return made


def fuzz(todo: list[Batch], jobs: int) -> Report:
    """Performs the batches; those whose process does not give a result are performed again, a module a time."""
    report = Report()
    for batch in todo:
        for configuration in batch.configurations:
            suite.prepare(configuration)
    start = time.monotonic()
    done = 0
    total = sum(len(batch.seeds) for batch in todo)
    while todo:
        again: list[Batch] = []
        for ended in perform(run_batch, todo, jobs, TIMEOUT):
            seeds = ended.task.seeds
            if ended.result is not None:
                report.add(ended.result)
                done += len(seeds)
            elif len(seeds) > 1:
                again += [Batch((seed,), ended.task.configurations) for seed in seeds]
            else:
                done += 1
                told = (ended.failure or "").strip().splitlines()[-1]
                report.differences.append(Difference(seeds[0], "", told, b""))
            rate = done / (time.monotonic() - start)
            print(f"{done}/{total} modules, {len(report.differences)} differences, {rate:.1f} a second", flush=True)
        todo = again
    return report


def _save(difference: Difference) -> str:
    directory = tools.cache_directory() / "fuzz"
    directory.mkdir(exist_ok=True)
    path = directory / f"{difference.seed}.wasm"
    if difference.wasm:
        path.write_bytes(difference.wasm)
    return str(path) if difference.wasm else "no file"


def tell(report: Report) -> None:
    """Prints the summary."""
    for title, counter in (
        ("compared", report.compared),
        ("outcomes", report.outcomes),
        ("not compared", report.skipped),
    ):
        print(f"{title}:")
        for what, count in counter.most_common():
            print(f"{count:10} {what}")
    for difference in report.differences:
        print(f"DIFFERENCE {difference.seed} {difference.configuration}: {difference.what} ({_save(difference)})")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100, metavar="N", help="modules (100)")
    parser.add_argument("--seed", default="1", help="of the whole run (1), or of one case, with --reduce")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--batch", type=int, default=BATCH, metavar="N", help=f"modules a program ({BATCH})")
    parser.add_argument("--case", action="store_true", help="only the module that --seed SEED-NUMBER names")
    parser.add_argument("--file", type=Path, metavar="WASM", help="this module, with --seed")
    arguments = parser.parse_args()
    todo = batches(arguments.seed, arguments.count, arguments.batch, LEVELS)
    if arguments.case:
        todo = [Batch((arguments.seed,), LEVELS)]
    report = fuzz(todo, arguments.jobs)
    tell(report)
    return bool(report.differences)


if __name__ == "__main__":
    sys.exit(main())
