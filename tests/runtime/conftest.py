"""What takes long with a loader under an emulator: 160 s of processor time, of which 110 s are these."""

from __future__ import annotations

import pytest

TARGET = "aarch64-macos"
LONG = ("tests/runtime/test_heap.py", "test_a_trap_at_the_end_of_the_stack_is_told")


@pytest.hookimpl(tryfirst=True)  # before what is marked slow is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if TARGET in item.name and any(name in item.nodeid for name in LONG):
            item.add_marker(pytest.mark.slow)
