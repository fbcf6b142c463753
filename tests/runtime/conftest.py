"""Tests of a target and a memory strategy: those of strategies that the target has."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects what a target does not have, so that lists of strategies and of targets need not know each other."""
    had: list[pytest.Item] = []
    missing: list[pytest.Item] = []
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        target, strategy = parameters.get("target"), parameters.get("strategy")
        supported = getattr(target, "memory_supported", None)
        (had if strategy is None or supported is None or strategy in supported else missing).append(item)
    if missing:
        config.hook.pytest_deselected(items=missing)
        items[:] = had
