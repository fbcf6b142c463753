"""The programs that are compiled natively and to WebAssembly: what benchmarks/programs/programs.toml says, typed."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import PROGRAMS


@dataclass(frozen=True)
class Program:
    """One kernel of a source file, and how often it is repeated to take about a quarter of a second natively."""

    group: str
    name: str
    source: Path
    repeats: int
    quick: bool  # whether an impression of its group has it
    libc: bool  # whether it is the C library's work that is measured, so that native code is there with glibc as well

    def __str__(self) -> str:
        return f"{self.group}/{self.name}"


@functools.cache
def groups() -> dict[str, tuple[Program, ...]]:
    """The groups in their order, with their programs."""
    result: dict[str, tuple[Program, ...]] = {}
    for group, table in tomllib.loads((PROGRAMS / "programs.toml").read_text()).items():
        chosen, libc = set(table.pop("quick")), table.pop("libc", False)
        result[group] = tuple(
            Program(group, kernel, PROGRAMS / source, repeats, kernel in chosen, libc)
            for source, kernels in table.items()
            for kernel, repeats in kernels.items()
        )
        assert chosen <= {program.name for program in result[group]}, f"{group}: quick names what is not there"
    return result


def select(names: Iterable[str], quick: bool) -> list[Program]:
    """The programs that `names` (GROUP or GROUP/PROGRAM) stand for; quick: of a whole group only an impression."""
    chosen = []
    for name in names:
        group, _, single = name.partition("/")
        chosen += [p for p in groups()[group] if (p.name == single if single else p.quick or not quick)]
    return list(dict.fromkeys(chosen))
