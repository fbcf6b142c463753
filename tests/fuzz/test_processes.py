"""What a task does to its process stays with it."""

from __future__ import annotations

import os
import time

from tests.fuzz.processes import perform


def _task(what: str) -> str:
    if what == "dies":
        os._exit(3)
    if what == "hangs":
        time.sleep(60)
    if what == "raises":
        raise ValueError("no")
    return f"did {what}"


def test_every_task_ends_with_a_result_or_a_failure() -> None:
    tasks = ["this", "dies", "hangs", "raises", "that"]
    ended = {each.task: each for each in perform(_task, tasks, 2, 1.0)}
    assert sorted(ended) == sorted(tasks)
    assert [ended[task].result for task in ("this", "that")] == ["did this", "did that"]
    assert ended["dies"].failure == "its process died (3)"
    assert ended["hangs"].failure == "does not end within 1 s"
    assert "ValueError: no" in str(ended["raises"].failure)
    assert all(ended[task].result is None for task in ("dies", "hangs", "raises"))
