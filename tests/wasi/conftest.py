"""Guests to test with: each architecture that runs here, and both ways of resolving paths."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wasi.fixtures import Start, root, starting
from tests.wasi.guest import FREEBSD, Calls, NativeGuest, architectures, directory_record, more_architectures

__all__ = ["root"]  # its fixtures are those that are defined here, too

WAYS = [(architecture, walk) for architecture in architectures() for walk in (False, True)]

EACH = [*architectures(), *(pytest.param(other, marks=pytest.mark.slow) for other in more_architectures())]
EACH_WAY = [
    *WAYS,
    *(
        pytest.param((other, walk), marks=pytest.mark.slow)
        for other in more_architectures()
        for walk in ((False,) if other == FREEBSD else (False, True))  # FreeBSD's kernel always does it
    ),
]

if not WAYS:
    pytest.skip("no architecture of the shim can run on this machine", allow_module_level=True)


@pytest.fixture(params=EACH)
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(architecture: str) -> Iterator[Start]:
    """Starts guests that end with the test."""
    yield from starting(functools.partial(NativeGuest, architecture))


@pytest.fixture(params=EACH_WAY, ids=lambda way: f"{way[0]}-{'walk' if way[1] else 'openat2'}")
def at_root(request: pytest.FixtureRequest, root: Path) -> Iterator[Calls]:
    """A guest with ``root`` granted as descriptor 3, for each architecture and way of resolving paths."""
    architecture, walk = request.param
    guest = NativeGuest(architecture, records=[directory_record(root, "/")], walk=walk)
    yield Calls(guest)
    guest.close()
