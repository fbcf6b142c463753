"""The fixtures of tests/wasi for guests that are macOS programs, so that the tests there are tests here too."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tools
from tests.darwin.guest import MacosGuest
from tests.wasi.fixtures import Start, at_root, root, starting

__all__ = ["at_root", "root"]  # its fixtures are those that are defined here, too

NAMES = ("x86_64-macos", "aarch64-macos")
TARGETS = [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])]

# Tests of tests/wasi that cannot be as they are here, by the beginning of their names.
OTHERWISE = {
    "test_raising_a_signal_ends_the_program_by_it[{}-PWR]": "macOS has no such signal: test_a_signal_that_macos_lacks",
    "test_listing_goes_on_where_it_was_while_others": "removed entries are told too: test_a_listing_goes_on_with_what",
    "test_a_grant_without_descriptors_left": "the loader itself needs a descriptor",
}
LONG = ("test_paths_give_what_wasmtime_gives", "test_paths_give_what_a_directory_gives")


@pytest.hookimpl(tryfirst=True)  # before what is marked slow is left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes out what a test of tests/wasi lists of Linux's, and says which tests cannot be here."""
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        here = item.path.parent == Path(__file__).parent
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if here and parameters.get("architecture", NAMES[0]) not in NAMES:
            others.append(item)
            continue
        kept.append(item)
        for name, reason in OTHERWISE.items() if here else ():
            if any(item.name.startswith(name.format(target)) for target in NAMES):
                item.add_marker(pytest.mark.skip(reason=reason))
        if here and item.name.startswith(LONG):
            item.add_marker(pytest.mark.slow)
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = kept


@pytest.fixture(params=TARGETS)
def architecture(request: pytest.FixtureRequest) -> str:
    """A macOS target whose programs can run here; "architecture" is what the tests call it."""
    tools.runner_or_skip(request.param)
    return str(request.param)


@pytest.fixture
def start(architecture: str) -> Iterator[Start]:
    """Starts guests that end with the test."""
    yield from starting(functools.partial(MacosGuest, architecture))
