"""Guests as in tests/wasi/conftest.py, so that tests from there run with the shim for Windows too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests import tools
from tests.wasi.guest import Calls, directory_record
from tests.windows.guest import TARGETS, WindowsGuest

Start = Callable[..., Calls]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to grant, inside one that is not granted."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    """A target whose programs run here."""
    name: str = request.param
    try:
        tools.runner(name)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    return name


@pytest.fixture
def start(target: str, tmp_path: Path) -> Iterator[Start]:
    """Starts guests that end with the test."""
    guests = []

    def start_one(records: Sequence[bytes] = (), **options: object) -> Calls:
        guest = WindowsGuest(tmp_path, target, records=records, **options)  # type: ignore[arg-type]
        guests.append(guest)
        return Calls(guest)

    yield start_one
    for guest in guests:
        guest.close()


@pytest.fixture
def at_root(start: Start, root: Path) -> Calls:
    """A guest with ``root`` granted as descriptor 3."""
    return start([directory_record(root, "/")])
