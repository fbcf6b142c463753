"""`python -m benchmarks [--quick] [GROUP...]`: measures, prints tables, writes benchmarks/results/."""

from __future__ import annotations

import datetime
import json
import os
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from benchmarks import catalogue, chart, compiled, report
from benchmarks.bench import Bench
from benchmarks.measure import Absent, Failed, Row
from benchmarks.suites import SUITES
from tests.tools import CompilationFailed, ToolMissing

RESULTS = Path(__file__).resolve().parent / "results"
SLOW = (
    "exceptions",
    "io",
    "front-end",
    "cpython-build",
    "cpython",
    "yosys-build",
)  # no part of an impression, unless they are asked for


def _known(_context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    known = {*catalogue.groups(), *SUITES, *(str(p) for group in catalogue.groups().values() for p in group)}
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name} is none of the groups and programs that --list shows")
    return names


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Few programs, fewer repetitions: an impression, not a result.")
@click.option("--list", "listing", is_flag=True, help="Show the groups and their programs, and measure nothing.")
@click.option("--rounds", type=click.IntRange(1), help="How often each program is run.  [default: 7, or 2 if quick]")
@click.option("-O", "opt", default="2", show_default=True, help="The level at which waot builds.")
@click.option("--cpu", default="x86-64-v2", show_default=True, help="What waot and the native compilers compile for.")
@click.option(
    "--processor-time",
    is_flag=True,
    help="Compare the processor time of whole runs, less that of a run with one repetition: for a machine that has "
    "other work to do. What the programs prepare for each repetition is in it.",
)
@click.argument("names", metavar="[GROUP | GROUP/PROGRAM]...", nargs=-1, callback=_known)
def main(
    quick: bool, listing: bool, rounds: int | None, opt: str, cpu: str, processor_time: bool, names: tuple[str, ...]
) -> None:
    """Measures programs built by waot beside native code and beside waot's peers, and prints ratios within this run.

    All groups, or those named. The status is 1 if contestants disagree about a result, or one of them fails.
    """
    if listing:
        for group, members in catalogue.groups().items():
            click.echo(f"{group}: {' '.join(program.name for program in members)}")
        for name, suite in SUITES.items():
            click.echo(f"{name}: {(suite.__doc__ or '').splitlines()[0]}")
        return
    console = Console(width=None if sys.stdout.isatty() else 120)
    if (load := os.getloadavg()[0]) > 0.5 and not processor_time:
        console.print(f"[dim]the machine has other work to do (load {load:.1f}): see --processor-time[/dim]")
    names = names or (*catalogue.groups(), *(name for name in SUITES if not (quick and name in SLOW)))
    with tempfile.TemporaryDirectory(prefix="waot-bench-") as directory:
        rounds = rounds or (2 if quick else 7)
        say = lambda text: console.print(f"[dim]{text}[/dim]")  # noqa: E731
        bench = Bench(Path(directory), quick, say, rounds, opt, processor_time, cpu)
        programs = catalogue.select([name for name in names if name not in SUITES], quick)
        results = compiled.measure(bench, programs)
        rows = compiled.rows(results)
        for name in names:
            if name in SUITES:
                rows += _suite(bench, name)
    if results.comparisons:
        console.print(report.comparisons_table(results))
    console.print(report.rows_table(rows))
    _write(report.document(results, rows), bench, console)
    sys.exit(any(row.failed for row in rows))


def _suite(bench: Bench, name: str) -> list[Row]:
    bench.say(name)
    try:
        return SUITES[name](bench)
    except (Absent, ToolMissing) as reason:
        return [Row(name, f"absent: {reason}")]
    except (Failed, CompilationFailed) as reason:
        return [Row(name, str(reason), met=False, failed=True)]


def _write(measured: dict[str, object], bench: Bench, console: Console) -> None:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    path = RESULTS / f"{now:%Y%m%d-%H%M%S}{'-quick' if bench.quick else ''}.json"
    settings = {"quick": bench.quick, "rounds": bench.rounds, "level": bench.opt, "cpu": bench.cpu}
    settings |= {"processor_time": bench.processor_time}
    document = {"time": now.isoformat(timespec="seconds"), **settings, "machine": report.machine(), **measured}
    path.write_text(json.dumps(document, indent=1) + "\n")
    if measured["programs"]:
        path.with_suffix(".svg").write_text(chart.draw(document))
    console.print(f"written to {path.relative_to(RESULTS.parent.parent)}")


if __name__ == "__main__":
    main()
