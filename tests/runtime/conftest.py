"""What takes long under a loader, a translator or Wine, and tells nothing of the system: the heap of objects is one."""

from __future__ import annotations

import pytest

SYSTEMS = ("-macos", "-freebsd", "-windows")
# 160 s of processor time with a loader under an emulator, of which 110 s are the heap's and this one's.
LONG = {"aarch64-macos": "test_a_trap_at_the_end_of_the_stack_is_told"}


@pytest.hookimpl(tryfirst=True)  # before what is marked slow is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        heap = "tests/runtime/test_heap.py" in item.nodeid and any(system in item.name for system in SYSTEMS)
        if heap or any(target in item.name and name in item.name for target, name in LONG.items()):
            item.add_marker(pytest.mark.slow)
