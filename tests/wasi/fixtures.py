"""Fixtures that the tests of guests share, whatever system the guests are for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.wasi.guest import Calls, NativeGuest, directory_record

Start = Callable[..., Calls]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to grant, inside one that is not granted."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def at_root(start: Start, root: Path) -> Calls:
    """A guest with ``root`` granted as descriptor 3."""
    return start([directory_record(root, "/")])


def starting(start_guest: Callable[..., NativeGuest]) -> Iterator[Start]:
    """For a fixture: gives what starts guests, each by `start_guest`, and ends them with the test."""
    guests = []

    def start_one(records: Sequence[bytes] = (), **options: object) -> Calls:
        guest = start_guest(records=records, **options)
        guests.append(guest)
        return Calls(guest)

    yield start_one
    for guest in guests:
        guest.close()
