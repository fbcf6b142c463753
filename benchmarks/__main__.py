"""`python -m benchmarks [--quick] [SUITE...]`: runs the suites, prints the table, writes benchmarks/results/*.json."""

from __future__ import annotations

import datetime
import json
import os
import platform
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Absent, Failed, Row
from benchmarks.suites import SUITES, Bench
from tests.tools import CompilationFailed, ToolMissing

RESULTS = Path(__file__).resolve().parent / "results"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _machine() -> dict[str, str | int | None]:
    versions: dict[str, str | int | None] = {"processor": _processor(), "cores": os.cpu_count()}
    versions |= {"system": platform.platform(), "python": platform.python_version()}
    for package in ("waot", "llvmlite", "ziglang", "wasmtime"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Fewer repetitions, and CPython at -O1: an impression, not a result.")
@click.argument("suites", nargs=-1, type=click.Choice(list(SUITES)))
def main(quick: bool, suites: tuple[str, ...]) -> None:
    """Measures waot beside its peers (all suites, or those named) and prints ratios within this run."""
    console = Console()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="waot-bench-") as name:
        bench = Bench(Path(name), quick, lambda text: console.print(f"[dim]{text}[/dim]"))
        for suite in suites or SUITES:
            bench.say(f"{suite} ...")
            try:
                rows += SUITES[suite](bench)
            except (Absent, ToolMissing) as reason:
                rows.append(Row(suite, f"absent: {reason}"))
            except (Failed, CompilationFailed) as reason:
                rows.append(Row(suite, f"failed: {reason}", met=False))
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "measured", "reach", ""):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row.what, row.measured, row.reach, {True: "yes", False: "NO", None: ""}[row.met])
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    path = RESULTS / f"{now:%Y%m%d-%H%M%S}{'-quick' if quick else ''}.json"
    document = {
        "time": now.isoformat(timespec="seconds"),
        "quick": quick,
        "machine": _machine(),
        "rows": [{"what": r.what, "measured": r.measured, "reach": r.reach, "met": r.met, **r.data} for r in rows],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    console.print(f"written to {path.relative_to(RESULTS.parent.parent)}")


if __name__ == "__main__":
    main()
