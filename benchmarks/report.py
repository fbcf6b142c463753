"""The results of a run for people and for programs: a table of ratios, and a JSON document with all raw values."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.compiled import COLUMNS, NATIVE, SCALAR, VECTOR, Comparison, Results, mean
from benchmarks.measure import Row


def comparisons_table(results: Results) -> Table:
    """A line a program: its native time, and how many times as long each contestant takes; geometric means by group."""
    names = [n for n in COLUMNS if any(n in c.contest.series or n in c.contest.failures for c in results.comparisons)]
    table = Table(box=None, pad_edge=False, caption="times over native; least of the rounds", caption_justify="left")
    table.add_column("program", no_wrap=True, min_width=26)
    table.add_column("native, ms", justify="right")
    for name in names:
        table.add_column(name, justify="right")
    for group, comparisons in results.groups().items():
        for comparison in comparisons:
            table.add_row(str(comparison.program), *_cells(comparison, names))
        table.add_row(f"[bold]{group}[/bold]", "", *_means(comparisons, names), end_section=True)
    if len(results.groups()) > 1:
        table.add_row("[bold]all[/bold]", "", *_means(results.comparisons, names))
    return table


def _cells(comparison: Comparison, names: Sequence[str]) -> list[str]:
    contest = comparison.contest
    native = contest.series.get(NATIVE)
    cells = ["failed" if native is None else f"{native.minimum * 1e3:.0f}"]
    for name in names:
        ratio = contest.ratio(name)
        text = "failed" if name in contest.failures else "" if ratio is None else f"{ratio:.2f}"
        slow = ratio is not None and ratio > 1.1 and name in (VECTOR, SCALAR)
        cells.append(f"[red]{text}[/red]" if slow or text == "failed" else text)
    return cells


def _means(comparisons: Sequence[Comparison], names: Sequence[str]) -> list[str]:
    return ["" if (value := mean(comparisons, name)) is None else f"[bold]{value:.2f}[/bold]" for name in names]


def rows_table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "measured", "reach", ""):
        table.add_column(heading, overflow="fold")
    for row in rows:
        verdict = "FAILED" if row.failed else {True: "yes", False: "NO", None: ""}[row.met]
        table.add_row(row.what, row.measured, row.reach, verdict)
    return table


# ---------------------------------------------------------------------------------------------------------------- JSON


def document(results: Results, rows: Sequence[Row]) -> dict[str, Any]:
    """All that was measured: seconds of every round, ratios of minima, geometric means, and the other rows."""
    groups = results.groups() | ({"all": results.comparisons} if results.comparisons else {})
    return {
        "programs": [_program(comparison) for comparison in results.comparisons],
        "geometric_means": {
            group: {name: value for name in COLUMNS if (value := mean(comparisons, name)) is not None}
            for group, comparisons in groups.items()
        },
        "rows": [
            {"what": r.what, "measured": r.measured, "reach": r.reach, "met": r.met, "failed": r.failed, **r.data}
            for r in rows
        ],
    }


def _program(comparison: Comparison) -> dict[str, Any]:
    contest = comparison.contest
    return {
        "group": comparison.program.group,
        "program": comparison.program.name,
        "repeats": comparison.program.repeats,
        "seconds": {name: list(series.values) for name, series in contest.series.items()},
        "median": {name: series.median for name, series in contest.series.items()},
        "ratios": {name: ratio for name in COLUMNS if (ratio := contest.ratio(name)) is not None},
        "failures": contest.failures,
    }


def machine() -> dict[str, str | int | None]:
    """What the figures were taken on, and with what."""
    versions: dict[str, str | int | None] = {"processor": _processor(), "cores": os.cpu_count()}
    versions |= {"system": platform.platform(), "python": platform.python_version()}
    versions["load"] = f"{os.getloadavg()[0]:.1f}"
    for package in ("waot", "ziglang", "wasmtime"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
