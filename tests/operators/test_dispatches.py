"""Loops that begin with a `br_table`, whose branches back are threaded, do what wasmtime does."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

from tests.operators import dispatches
from tests.operators.running import check_cases, make_case_module
from tests.programs.harness import Configuration

CASES = 40  # of a module
X86 = Configuration("x86_64-linux", "static", "2")
QUICK = [(seed, X86) for seed in range(4)]
SLOW = [(seed, X86) for seed in range(4, 60)]
SLOW += [
    (seed, Configuration(target, memory, level))
    for seed in range(3)
    for target, memory, level in (
        ("x86_64-linux", "static", "0"),
        ("x86_64-linux", "guarded", "1"),
        ("x86_64-linux", "checked", "3"),
        ("aarch64-linux", "static", "2"),
        ("riscv64-linux", "guarded", "2"),
        ("s390x-linux", "static", "2"),
        ("armv7-linux", "checked", "2"),
    )
]


def _check(seed: int, configuration: Configuration, directory: Path) -> None:
    check_cases(make_case_module(f"dispatches-{seed}", dispatches.fields(seed, CASES)), configuration, directory)


@pytest.mark.parametrize(("seed", "configuration"), QUICK, ids=str)
def test_random_dispatches(seed: int, configuration: Configuration, tmp_path: Path) -> None:
    _check(seed, configuration, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "configuration"), SLOW, ids=str)
def test_random_dispatches_elsewhere(seed: int, configuration: Configuration, tmp_path: Path) -> None:
    _check(seed, configuration, tmp_path)
