"""Tests of a target and a memory strategy: those of strategies that the target has; slow ones of some targets."""

from __future__ import annotations

import pytest

# What takes long with a loader under an emulator: 160 s of processor time, of which 110 s are these.
SLOW = "aarch64-macos"
LONG = ("tests/runtime/test_heap.py", "test_a_trap_at_the_end_of_the_stack_is_told")


@pytest.hookimpl(tryfirst=True)  # before what is marked slow is left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects what a target does not have, so that lists of strategies and of targets need not know each other."""
    had: list[pytest.Item] = []
    missing: list[pytest.Item] = []
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if SLOW in item.name and any(name in item.nodeid for name in LONG):
            item.add_marker(pytest.mark.slow)
        target, strategy = parameters.get("target"), parameters.get("strategy")
        supported = getattr(target, "memory_supported", None)
        (had if strategy is None or supported is None or strategy in supported else missing).append(item)
    if missing:
        config.hook.pytest_deselected(items=missing)
        items[:] = had
