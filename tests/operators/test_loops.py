"""Counted loops that are lowered in two versions do what wasmtime does."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

from tests.operators import loops
from tests.operators.running import check_cases, make_case_module
from tests.programs.harness import Configuration

CASES = 40  # of a module
X86 = Configuration("x86_64-linux", "static", "2")
QUICK = [(seed, kind, X86) for kind in loops.PAGES for seed in range(3)]
SLOW = [(seed, kind, X86) for kind in loops.PAGES for seed in range(3, 20)]
SLOW += [
    (seed, kind, Configuration(target, memory, level))
    for seed in range(3)
    for kind in loops.PAGES
    for target, memory, level in (
        ("x86_64-linux", "guarded", "3"),
        ("x86_64-linux", "checked", "2"),
        ("aarch64-linux", "static", "2"),
        ("riscv64-linux", "guarded", "2"),
        ("s390x-linux", "static", "2"),
    )
]


def _check(seed: int, kind: str, configuration: Configuration, directory: Path) -> None:
    """Where something traps is not compared: of loads that LLVM joined, one is told."""
    module = make_case_module(f"loops-{kind}-{seed}", loops.fields(seed, CASES, kind))
    check_cases(module, configuration, directory, may_trap=True)


@pytest.mark.parametrize(("seed", "kind", "configuration"), QUICK, ids=str)
def test_random_loops(seed: int, kind: str, configuration: Configuration, tmp_path: Path) -> None:
    _check(seed, kind, configuration, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "kind", "configuration"), SLOW, ids=str)
def test_random_loops_elsewhere(seed: int, kind: str, configuration: Configuration, tmp_path: Path) -> None:
    _check(seed, kind, configuration, tmp_path)
