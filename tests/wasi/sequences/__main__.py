"""Compares random sequences of preview 1 calls with wasmtime: `python -m tests.wasi.sequences --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests import tools
from tests.fuzz.processes import perform
from tests.wasi.sequences.comparing import compare
from tests.wasi.sequences.generating import generate
from tests.wasi.sequences.reducing import differences, reduce
from tests.wasi.sequences.running import VARIANTS, Native, Oracle, become_nobody, prepare

BATCH = 250  # scripts a process
TIMEOUT = 600.0  # seconds for a batch


@dataclass(frozen=True, slots=True)
class Batch:
    """Scripts to run one after the other, by their seeds."""

    seeds: tuple[str, ...]
    variants: tuple[str, ...]


@dataclass
class Report:
    """What came of scripts."""

    scripts: int = 0
    calls: int = 0
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)  # wasmtime's (function, errno)
    explained: Counter[str] = field(default_factory=Counter)
    differing: list[tuple[str, str]] = field(default_factory=list)  # (seed, variant)

    def add(self, other: Report) -> None:
        self.scripts += other.scripts
        self.calls += other.calls
        self.errors += other.errors
        self.explained += other.explained
        self.differing += other.differing


def run_batch(batch: Batch) -> Report:
    """Runs scripts on both sides."""
    report = Report()
    oracle = Oracle()
    natives = [Native(VARIANTS[name]) for name in batch.variants]
    try:
        for seed in batch.seeds:
            script = generate(seed)
            expected = oracle.run(script)
            report.scripts += 1
            report.calls += len(script.calls)
            for number, native in enumerate(natives):
                if not native.variant.can(script):
                    continue
                comparison = compare(script, expected, native.run(script))
                report.explained.update(comparison.explained)
                if number == 0:
                    report.errors.update(comparison.errors)
                if comparison.differences:
                    report.differing.append((seed, native.variant.name))
    finally:
        oracle.close()
        for native in natives:
            native.close()
    return report


def run_as_nobody(batch: Batch) -> Report:
    """`run_batch` in a process of its own: root may do everything, and would never be refused."""
    become_nobody()
    return run_batch(batch)


def run(scripts: Sequence[str], jobs: int, variants: tuple[str, ...]) -> Report:
    """Runs the scripts of those seeds, `jobs` at a time. Those of a process that ends otherwise run again alone."""
    prepare(variants)
    todo = [Batch(tuple(scripts[at : at + BATCH]), variants) for at in range(0, len(scripts), BATCH)]
    report = Report()
    start = time.monotonic()
    while todo:
        again: list[Batch] = []
        for ended in perform(run_as_nobody, todo, jobs, TIMEOUT):
            seeds = ended.task.seeds
            if ended.result is not None:
                report.add(ended.result)
                for differing, variant in ended.result.differing:
                    print(f"{differing} differs, {variant}")
            elif len(seeds) > 1:
                print(f"{seeds[0]} to {seeds[-1]}, again one by one: {(ended.failure or '').strip().splitlines()[-1]}")
                again += [Batch((seed,), variants) for seed in seeds]
            else:
                report.scripts += 1
                report.differing += [(seeds[0], name) for name in variants]
                print(f"{seeds[0]}: {(ended.failure or '').strip().splitlines()[-1]}")
            rate = report.scripts / (time.monotonic() - start)
            print(
                f"{report.scripts}/{len(scripts)} sequences, {len(report.differing)} differ, {rate:.0f} a second",
                flush=True,
            )
        todo = again
    return report


def tell(report: Report) -> None:
    """Prints the summary."""
    print(f"{report.scripts} sequences, {report.calls} calls, {len(report.errors)} pairs of function and result")
    results: Counter[str] = Counter()
    for (_, error), count in report.errors.items():
        results[error] += count
    print("under wasmtime: " + ", ".join(f"{error} {count}" for error, count in results.most_common()))
    for reason, count in report.explained.most_common():
        print(f"{count:10} explained: {reason}")


def show(seed: str, variant: str) -> None:
    """Prints a script that differs, made as small as it can be."""
    oracle, native = Oracle(), Native(VARIANTS[variant])
    try:
        script = reduce(generate(seed), oracle, native)
        print(f"\nDIFFERENCE {seed}, {variant}:\n{script.describe()}")
        for difference in differences(script, oracle, native):
            where = "afterwards" if difference.number is None else f"call {difference.number}"
            print(f"  {where}: {difference.what[:2000]}")
    finally:
        oracle.close()
        native.close()


def show_as_nobody(differing: tuple[str, str]) -> None:
    """`show` in a process of its own, where the script differed in one."""
    become_nobody()
    show(*differing)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.wasi.sequences", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="sequences (1000)")
    parser.add_argument("--seed", default="1", help="of the whole run (1)")
    parser.add_argument("--case", metavar="SEED", help="only this sequence, made as small as it can be if it differs")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="what runs natively (openat2 and walk)")
    parser.add_argument("--show", type=int, default=5, metavar="N", help="differences to print (5)")
    arguments = parser.parse_args()
    variants = tuple(arguments.variant or ("openat2", "walk"))
    try:
        for name in variants:
            tools.runner(VARIANTS[name].target)
    except tools.ToolMissing as missing:
        parser.error(str(missing))
    scripts = [
        arguments.case or f"{arguments.seed}-{number}" for number in range(1 if arguments.case else arguments.count)
    ]
    report = run(scripts, arguments.jobs, variants)
    tell(report)
    for ended in perform(show_as_nobody, report.differing[: arguments.show], 1, TIMEOUT):
        if ended.failure is not None:
            print(f"{ended.task[0]}, {ended.task[1]}: {ended.failure.strip().splitlines()[-1]}")
    return bool(report.differing)


if __name__ == "__main__":
    sys.exit(main())
