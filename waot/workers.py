"""Worker processes: calls to make there, and their results.

What all of them read is sent to a worker once, or inherited where the system can fork (`shared`). Functions and
arguments go through `concurrent.futures`, so both must be picklable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from waot.errors import CodegenError
from waot.progress import Progress, Step

T = TypeVar("T")

_shared: Any


def shared() -> Any:
    """In a worker: what was given to `run_all` for all calls."""
    return _shared


def _set_shared(value: Any) -> None:
    global _shared
    _shared = value
    if sys.platform == "linux":
        # A worker must not outlive a parent that was killed: PR_SET_PDEATHSIG, SIGKILL.
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)


@contextmanager
def _executor(value: Any, jobs: int) -> Iterator[Executor]:
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_set_shared, initargs=(value,))
    try:
        yield pool
    except BaseException:
        # An error or an interrupt: what still runs is of no use to anyone, and a unit may run for a minute.
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.kill()
        manager = getattr(pool, "_executor_manager_thread", None)
        # Not waited for: an interrupt amid the pool's own start leaves it a thread that was never started.
        pool.shutdown(wait=False, cancel_futures=True)
        # One that was started closes a pipe, into which Python writes when it ends.
        if manager is not None and manager.is_alive():
            manager.join(10)
        raise
    pool.shutdown(wait=True)


def run_all(
    value: Any,
    calls: Sequence[tuple[Callable[..., T], tuple[Any, ...]]],
    names: Sequence[str],
    jobs: int,
    progress: Progress,
    steps: Sequence[Step],
) -> list[T]:
    """Runs `calls` in workers and gives their results in order; each advances the step of its place in `steps`.

    The first error ends all.

    A worker that dies takes the whole pool with it. Calls without a result are then made again, each in a pool of its
    own, so that the error names the one that kills its worker; the others are not lost.
    """
    results: dict[int, T] = {}
    with _executor(value, min(jobs, len(calls))) as pool:
        futures: list[Future[T]] = []
        with progress.held(), suppress(BrokenProcessPool):
            for (function, arguments), step in zip(calls, steps, strict=True):
                futures.append(pool.submit(function, *arguments))
                futures[-1].add_done_callback(partial(_advance, step))
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            error = future.exception() if future.done() else None
            if error is not None and not isinstance(error, BrokenProcessPool):
                raise error
        for index, future in enumerate(futures):
            with suppress(BrokenProcessPool):
                results[index] = future.result()
    for index, (function, arguments) in enumerate(calls):
        if index in results:
            continue
        with _executor(value, 1) as pool:
            try:
                with progress.held():
                    again = pool.submit(function, *arguments)
                results[index] = again.result()
                steps[index].advance()
            except BrokenProcessPool:
                raise CodegenError(
                    f"the process {names[index]} died (out of memory, killed, or an error inside LLVM)",
                    hint="try again with less at once (--jobs 1) or another -O level",
                ) from None
    return [results[i] for i in range(len(calls))]


def _advance(step: Step, future: Future[Any]) -> None:
    if not future.cancelled() and future.exception() is None:
        step.advance()
