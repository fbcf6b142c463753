"""Tail calls between functions with different arguments do what wasmtime does, on a stack too small for others."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

from tests.operators import tail_calls
from tests.operators.running import check_cases, make_case_module
from tests.programs.harness import Configuration
from waot import pipeline
from waot.targets import find_target, load_targets

RINGS = 20  # of a module
# Those of whose programs each start takes a second: Wine in an emulator, and our loader, which compares a hash of the
# whole image, in one.
SLOW_TO_START = ("aarch64-windows", "aarch64-macos")
TARGETS = [
    name
    for name, target in load_targets().items()
    if target.checked == "executed" and not target.parts and target.system in ("linux", "windows", "darwin")
]
QUICK = [(1, "x86_64-linux", "2"), (1, "x86_64-windows", "0"), (1, "i686-linux", "0")]
SLOW = [
    (seed, target, level)
    for target in TARGETS
    for level in "012"
    for seed in (range(1, 4) if target not in SLOW_TO_START else [4])
    if (seed, target, level) not in QUICK
]


def _check(seed: int, target: str, level: str, directory: Path) -> None:
    module = make_case_module(f"tail-{seed}", tail_calls.fields(seed, 4 if target in SLOW_TO_START else RINGS))
    configuration = Configuration(target, find_target(target).memory_default, level)
    check_cases(module, configuration, directory, timeout=300, stack_size=tail_calls.STACK)


@pytest.mark.parametrize(("seed", "target", "level"), QUICK)
def test_rings_of_tail_calls(seed: int, target: str, level: str, tmp_path: Path) -> None:
    _check(seed, target, level, tmp_path)


def test_rings_of_tail_calls_with_the_least_effort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 100)
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 500)
    monkeypatch.setattr(pipeline, "BRIEF_OPERATORS", 1)
    _check(1, "x86_64-linux", "1", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "target", "level"), SLOW)
def test_rings_of_tail_calls_elsewhere(seed: int, target: str, level: str, tmp_path: Path) -> None:
    _check(seed, target, level, tmp_path)
