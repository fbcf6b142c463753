"""What commands print: records as JSON or for a person, targets, executables."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from waot.words import printable as _printable
from waot.words import readable_size as _size

if TYPE_CHECKING:
    from waot.linker.inspect import ExecutableInfo
    from waot.targets import Target


def stderr_is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def runs_here(target: Target) -> str:
    import shutil

    if target.is_host():
        return "yes"
    return "emulated" if target.emulator and shutil.which(target.emulator) else "no"


def target_fields(target: Target) -> dict[str, Any]:
    from waot.targets import target_groups

    groups = [name for name, group in target_groups().items() if target in group]
    return dataclasses.asdict(target) | {
        "platform": target.platform,
        "groups": groups,
        "runs_here": runs_here(target),
    }


def show_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    from waot.reports import aligned

    click.echo(aligned(rows, indent), nl=False)


def _plain(value: Any) -> Any:
    """`value` in what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def show(value: Any, as_json: bool) -> None:
    """Prints a dataclass, or a dictionary, as JSON or for a person: scalars on lines, lists of records as tables."""
    plain = _plain(value)
    if as_json:
        import json

        click.echo(json.dumps(plain, indent=2))
        return
    _show_fields(plain, "")


def show_executable(info: ExecutableInfo) -> None:
    """An executable, what it may do before how it is laid out."""
    from waot.linker.describe import describe

    manifest = info.manifest
    click.echo(f"{info.format} for {manifest.target}, {_size(info.size)}, made by waot {manifest.version}")
    for line in describe(manifest):
        click.echo(line)
    _show_system_calls(info)
    _show_fields(_plain({"sections": info.sections, "segments": info.segments}), "")


def _show_system_calls(info: ExecutableInfo) -> None:
    before: frozenset[str] = frozenset()
    for calls in info.system_calls:
        if more := sorted(frozenset(calls.names) - before):
            click.echo(f"system calls {f'with {calls.grants}' if before else 'allowed'}:")
            click.echo(click.wrap_text(" ".join(more), 100, "  ", "  "))
        before |= frozenset(calls.names)


def _show_fields(fields: dict[str, Any], indent: str) -> None:
    for key, item in fields.items():
        title = indent + _printable(key.replace("_", " "))
        if item is None or item in ([], {}):
            continue
        if isinstance(item, dict):
            click.echo(f"{title}:")
            _show_fields(item, indent + "  ")
        elif isinstance(item, list) and isinstance(item[0], dict):
            click.echo(f"{title}:")
            heading = [name.replace("_", " ") for name in item[0]]
            show_table([heading, *([_cell(cell) for cell in record.values()] for record in item)], indent + "  ")
        elif isinstance(item, list) and isinstance(item[0], list):
            click.echo(f"{title}:")
            show_table([[_cell(cell) for cell in record] for record in item], indent + "  ")
        else:
            click.echo(f"{title}: {_cell(item)}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    return _printable(str(value))
