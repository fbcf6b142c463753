"""What a command has written, told at its end: a table for a person, aligned text for a pipe, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from waot import __version__
from waot.words import printable, readable_size

if TYPE_CHECKING:
    from waot.api import Report

_HEADING = ("TARGET", "FILE", "SIZE", "TIME", "SHA-256")


def report_table(report: Report) -> str:
    """A line a target, then one for each other file; with lines around it where standard output is a terminal."""
    rows = [
        (
            result.target,
            printable(str(result.output)),
            readable_size(result.size),
            "cached" if result.cached else f"{result.seconds:.2f} s",
            result.sha256,
        )
        for result in report.results
    ]
    rows += [("", printable(str(file.output)), readable_size(file.size), "", file.sha256) for file in report.files]
    return _framed(rows) if sys.stdout.isatty() else aligned([_HEADING, *rows])


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Lines of columns; no column but the last has spaces behind it."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{(indent + line).rstrip()}\n" for line in lines)


def _framed(rows: Sequence[Sequence[str]]) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in _HEADING:
        right = title in ("SIZE", "TIME")
        table.add_column(title, justify="right" if right else "left", no_wrap=title != "SHA-256", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def report_json(report: Report) -> str:
    """For ``--json``; docs/releases.md says what the keys are."""
    fields: dict[str, Any] = {
        "version": __version__,
        "module": {"file": _text(report.module), "sha256": report.module_sha256},
        "seconds": round(report.seconds, 3),
        "targets": [
            {
                "target": result.target,
                "file": _text(str(result.output)),
                "size": result.size,
                "sha256": result.sha256,
                "seconds": round(result.seconds, 3),
                "cached": result.cached,
                "tier": result.tier,
                "checked": result.checked,
            }
            for result in report.results
        ],
        "files": [{"file": _text(str(file.output)), "size": file.size, "sha256": file.sha256} for file in report.files],
    }
    return json.dumps(fields, indent=2) + "\n"


def _text(path: str) -> str:
    """`path` without what is not Unicode, which JSON does not have."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
