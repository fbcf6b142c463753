"""Guests as in tests/wasi/conftest.py, so that tests from there run with the shim for Windows too."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tools
from tests.wasi.fixtures import Start, at_root, root, starting
from tests.windows.guest import TARGETS, WindowsGuest

__all__ = ["at_root", "root"]  # its fixtures are those that are defined here, too


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """A target whose programs run here."""
    name: str = request.param
    tools.runner_or_skip(name)
    return name


@pytest.fixture
def start(target: str, tmp_path: Path) -> Iterator[Start]:
    """Starts guests that end with the test."""
    yield from starting(functools.partial(WindowsGuest, tmp_path, target))
