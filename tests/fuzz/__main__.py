"""Compares random modules with wasmtime: `python -m tests.fuzz --help`."""

from __future__ import annotations

import argparse
import functools
import sys
import time
from pathlib import Path

from tests import tools
from tests.fuzz import reducing
from tests.fuzz.comparing import Batch, Build, Difference, Report, generated_module, run_batch
from tests.fuzz.corpus import valid
from tests.fuzz.generating import Generator, wasm_opt
from tests.fuzz.processes import perform
from tests.spec import suite

REGRESSIONS = Path(__file__).resolve().parent / "regressions"
BATCH = 20  # modules a program
TIMEOUT = 300.0  # seconds for a batch
LEVELS = tuple(Build("x86_64-linux", "guarded", level, stress=True) for level in "02")
# Every so many batches something else as well.
SELDOM = {
    10: Build("x86_64-linux", "guarded", "2"),
    12: Build("x86_64-linux", "checked", "2"),
    14: Build("x86_64-linux", "guarded", "2", stress=True, units=True),
    16: Build("x86_64-linux", "static", "2"),
    18: Build("x86_64-linux", "guarded", "3", stress=True),
    20: Build("x86_64-linux", "guarded", "s", stress=True),
    30: Build("aarch64-linux", "guarded", "2", stress=True),
    40: Build("riscv64-linux", "guarded", "2", stress=True),
}


@functools.cache
def _runs(configuration: Build) -> bool:
    """Whether this machine can run such programs."""
    try:
        tools.runner(configuration.target)
    except tools.ToolMissing as missing:
        print(f"not on {configuration.target}: {missing}")
        return False
    return True


def batches(seed: str, count: int, size: int, configurations: tuple[Build, ...]) -> list[Batch]:
    """`count` modules, numbered."""
    made = []
    for number, first in enumerate(range(0, count, size), 1):
        seeds = tuple(f"{seed}-{n}" for n in range(first, min(first + size, count)))
        more = tuple(c for every, c in SELDOM.items() if number % every == 0 and _runs(c))
        made.append(Batch(seeds, configurations + more))
    return made


def _module(seed: str) -> bytes:
    with Generator(valid()) as generator:
        return generated_module(generator, seed)


def fuzz(todo: list[Batch], jobs: int) -> Report:
    """Performs the batches; those whose process does not give a result are performed again, a module a time."""
    report = Report()
    valid()  # once, for all processes
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
                (made,) = perform(_module, seeds, 1, TIMEOUT)
                report.differences.append(Difference(seeds[0], "", told, made.result or b""))
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


def _configuration(text: str) -> Build:
    target, _, rest = text.partition("-linux-")
    memory, _, rest = rest.partition("-O")
    level, *more = rest.split("-")
    return Build(f"{target}-linux", memory, level, "stress" in more, "units" in more)


def _reduce(seed: str, file: Path | None, configuration: Build, seconds: float) -> int:
    """Writes the module of a case, made smaller, as a regression test."""
    if file is not None:
        wasm = reducing.read_module(file)
    else:
        wasm = _module(seed)
    wasm = reducing.reduce(seed, wasm, configuration, seconds, lambda text: print(text, flush=True))
    path = reducing.save(seed, wasm, configuration, REGRESSIONS)
    print(f"written: {path}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100, metavar="N", help="modules (100)")
    parser.add_argument("--seed", default="1", help="of the whole run (1), or SEED-NUMBER of one case of it")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (2)")
    parser.add_argument("--batch", type=int, default=BATCH, metavar="N", help=f"modules a program ({BATCH})")
    parser.add_argument("--case", action="store_true", help="only the case SEED-NUMBER")
    parser.add_argument("--reduce", action="store_true", help="make the case SEED-NUMBER smaller, and a test")
    parser.add_argument("--file", type=Path, help="with --reduce: the module, if it is not the one of the seed")
    parser.add_argument("--configuration", help=f"the build ({LEVELS[-1]}; with --reduce that one alone)")
    parser.add_argument("--seconds", type=float, default=300.0, help="with --reduce: time to take (300)")
    arguments = parser.parse_args()
    try:
        wasm_opt()
    except tools.ToolMissing as missing:
        parser.error(str(missing))
    configurations = LEVELS if arguments.configuration is None else (_configuration(arguments.configuration),)
    if arguments.reduce:
        return _reduce(arguments.seed, arguments.file, configurations[-1], arguments.seconds)
    todo = batches(arguments.seed, arguments.count, arguments.batch, configurations)
    if arguments.case:
        todo = [Batch((arguments.seed,), configurations)]
    report = fuzz(todo, arguments.jobs)
    tell(report)
    return bool(report.differences)


if __name__ == "__main__":
    sys.exit(main())
