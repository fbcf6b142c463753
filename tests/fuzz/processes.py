"""Tasks in processes of their own: whatever one does to its process, the others go on."""

from __future__ import annotations

import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ended(Generic[Task, Result]):
    """What came of a task: a result, or how its process ended without one."""

    task: Task
    result: Result | None
    failure: str | None


def _perform(
    function: Callable[[Task], Result], task: Task, sender: Connection[tuple[Result | None, str | None], None]
) -> None:
    try:
        sender.send((function(task), None))
    except Exception:
        sender.send((None, traceback.format_exc()))


def perform(
    function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int, timeout: float
) -> Iterator[Ended[Task, Result]]:
    """Runs `function` on each task, `jobs` at a time, and gives what came of them as it comes.

    `timeout` is in seconds. `function` and its results must cross a process.
    """
    context = multiprocessing.get_context("fork")
    waiting = list(reversed(tasks))
    running: dict[Connection[None, tuple[Result | None, str | None]], tuple[BaseProcess, Task, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.pop()
                receiver, sender = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(target=_perform, args=(function, task, sender))
                process.start()
                sender.close()
                running[receiver] = process, task, time.monotonic() + timeout
            first = min(end for _, _, end in running.values())
            ready = wait(list(running), max(0.0, first - time.monotonic()))
            for receiver in list(running):
                process, task, end = running[receiver]
                if receiver not in ready and time.monotonic() < end:
                    continue
                del running[receiver]
                result: Result | None = None
                failure: str | None = f"does not end within {timeout:.0f} s"
                if receiver in ready:
                    try:
                        result, failure = receiver.recv()
                    except EOFError:
                        process.join()
                        failure = f"its process died ({process.exitcode})"
                receiver.close()
                process.kill()
                process.join()
                yield Ended(task, result, failure)
    finally:
        for left, _, _ in running.values():
            left.kill()
