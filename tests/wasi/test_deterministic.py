"""Clocks and randomness that follow from a seed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wasi.guest import SUCCESS, Calls, clock_subscription, directory_record, fd_subscription, seed_record

Start = Callable[..., Calls]
REALTIME, MONOTONIC = 0, 1
EPOCH = 946_684_800 * 10**9  # 2000-01-01T00:00:00Z
STEP = 1000
MASK = (1 << 64) - 1
YEAR = 365 * 86400 * 10**9


def reading(calls: Calls, clock: int) -> int:
    assert calls.guest.call("clock_time_get", clock, 0, 0x9000) == SUCCESS
    return int.from_bytes(calls.guest.read(0x9000, 8), "little")


def random_bytes(calls: Calls, size: int) -> bytes:
    assert calls.guest.call("random_get", 0x10000, size) == SUCCESS
    return calls.guest.read(0x10000, size)


def words(seed: int) -> Iterator[int]:
    """xoshiro256**, its state filled by splitmix64 (Blackman and Vigna)."""

    def rotate(value: int, count: int) -> int:
        return (value << count | value >> 64 - count) & MASK

    state = []
    for _ in range(4):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = ((seed ^ seed >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        state.append(z ^ z >> 31)
    while True:
        yield rotate(state[1] * 5 & MASK, 7) * 9 & MASK
        a, b, c, d = state
        c, d = c ^ a, d ^ b
        state = [a ^ d, b ^ c, c ^ (b << 17 & MASK), rotate(d, 45)]


def test_the_generator_is_the_published_one() -> None:
    """The first outputs for the state 1, 2, 3, 4, as the reference implementation prints them."""
    # What its first line gives: rotl(2 * 5, 7) * 9.
    assert ((2 * 5) << 7) * 9 == 11520
    first = next(words(0))
    # splitmix64 from 0 begins with 0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4 (its authors' own figures).
    assert first == (((0x6E789E6AA1B965F4 * 5 & MASK) << 7 | (0x6E789E6AA1B965F4 * 5 & MASK) >> 57) & MASK) * 9 & MASK


@pytest.mark.parametrize("seed", [0, 1, 12345, MASK])
def test_random_bytes_are_the_generators(start: Start, seed: int) -> None:
    calls, expected = start([seed_record(seed)]), words(seed)
    for size in (8, 64, 3, 1, 9, 0, 1000):
        data = b"".join(next(expected).to_bytes(8, "little") for _ in range(-(-size // 8)))
        assert random_bytes(calls, size) == data[:size]


def test_other_seeds_give_other_bytes(start: Start) -> None:
    assert len({random_bytes(start([seed_record(seed)]), 16) for seed in range(5)}) == 5


def test_each_reading_of_a_clock_is_a_step_later(start: Start) -> None:
    calls = start([seed_record(7)])
    assert reading(calls, REALTIME) == EPOCH + STEP
    assert reading(calls, MONOTONIC) == 2 * STEP
    assert [reading(calls, REALTIME) for _ in range(100)] == [EPOCH + n * STEP for n in range(3, 103)]
    for clock in (REALTIME, MONOTONIC):
        assert calls.guest.call("clock_res_get", clock, 0x9000) == SUCCESS
        assert int.from_bytes(calls.guest.read(0x9000, 8), "little") == STEP
    assert calls.guest.call("clock_time_get", 2, 0, 0x9000) == "badf"
    assert calls.guest.call("clock_time_get", 4, 0, 0x9000) == "inval"


def test_sleeping_moves_the_clocks_and_takes_no_time(start: Start) -> None:
    calls = start([seed_record(7)])
    before = reading(calls, MONOTONIC)
    assert calls.poll(clock_subscription(1, MONOTONIC, YEAR)) == (SUCCESS, [(1, 0, 0, 0, 0)])
    assert reading(calls, MONOTONIC) == before + YEAR + STEP
    now = reading(calls, REALTIME)
    later = [clock_subscription(i, REALTIME, now + i * YEAR, absolute=True) for i in (3, 1, 2)]
    assert calls.poll(*later) == (SUCCESS, [(1, 0, 0, 0, 0)])
    assert reading(calls, REALTIME) == now + YEAR + STEP
    assert calls.poll(clock_subscription(5, REALTIME, 1, absolute=True)) == (SUCCESS, [(5, 0, 0, 0, 0)])
    assert reading(calls, REALTIME) == now + YEAR + 2 * STEP


def test_waiting_for_descriptors_is_waiting(start: Start) -> None:
    ours, theirs = socket.socketpair()
    calls = start([seed_record(7)], stdin=theirs.fileno())
    theirs.close()
    assert calls.poll(fd_subscription(1, 1, 0), clock_subscription(2, MONOTONIC, 10**7))[1] == [(2, 0, 0, 0, 0)]
    assert reading(calls, MONOTONIC) == 10**7 + STEP
    ours.send(b"x")
    assert calls.poll(fd_subscription(1, 1, 0), clock_subscription(2, MONOTONIC, YEAR))[1] == [(1, 0, 1, 1, 0)]
    assert reading(calls, MONOTONIC) == 10**7 + 2 * STEP
    ours.close()


def test_now_of_a_file_is_the_clocks(start: Start, root: Path) -> None:
    (root / "file").write_text("")
    calls = start([directory_record(root, "/"), seed_record(7)])
    assert calls.set_times(3, "file", 0, 77, 2 | 4) == SUCCESS  # accessed now, modified at 77
    stat = os.stat(root / "file")
    assert (stat.st_atime_ns, stat.st_mtime_ns) == (EPOCH + STEP, 77)
    fd = calls.opened(3, "file", rights=1 << 6)
    assert calls.guest.call("fd_filestat_set_times", fd, 0, 0, 8) == SUCCESS
    stat = os.stat(root / "file")
    assert (stat.st_atime_ns, stat.st_mtime_ns) == (EPOCH + STEP, EPOCH + 2 * STEP)
    assert reading(calls, REALTIME) == EPOCH + 3 * STEP


def test_without_a_seed_the_world_goes_on(start: Start) -> None:
    calls = start()
    assert reading(calls, REALTIME) > EPOCH + 20 * YEAR
    assert random_bytes(calls, 16) != random_bytes(start(), 16)
