"""core/wait.c with several threads, which no program of ours has yet: loaded here and called by threads of Python."""

from __future__ import annotations

import ctypes
import platform
import threading
import time
from pathlib import Path

import pytest

from tests import tools
from waot.resources import runtime_support_dir
from waot.zig import run_zig

_SOURCE = """
#include "core/wait.c"
long syscall(long number, ...);
int clock_gettime(int clock, long *time);
_Noreturn void abort(void);
void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    long time[2] = {(long)(timeout / 1000000000), (long)(timeout % 1000000000)};
    syscall(FUTEX, word, 128, value, timeout == UINT64_MAX ? (long *)0 : time);
}
void waot_os_wake(const uint32_t *word) { syscall(FUTEX, word, 129, 1); }
int64_t waot_os_clock(uint32_t id)
{
    long time[2];
    clock_gettime((int)id, time);
    return time[0] * 1000000000 + time[1];
}
void waot_trap_memory_out_of_bounds(void) { abort(); }
void waot_trap_unaligned_atomic(void) { abort(); }
void waot_trap_expected_shared_memory(void) { abort(); }
"""
_SHARED = 4


class _Memory(ctypes.Structure):
    _fields_ = [
        ("base", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
        ("maximum", ctypes.c_uint64),
        ("reserve", ctypes.c_uint64),
        ("page_log2", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    if platform.system() != "Linux":
        pytest.skip("loads what it compiles for Linux")
    directory = tmp_path_factory.mktemp("wait")
    Path(directory, "wait.c").write_text(_SOURCE)
    futex = {"x86_64": 202, "aarch64": 98}[machine]
    flags = ["-std=c11", "-O2", "-fPIC", "-fno-sanitize=all", "-nostdlib", "-shared", f"-DFUTEX={futex}"]
    command = [
        "cc",
        "-target",
        f"{machine}-linux-musl",
        *flags,
        f"-I{runtime_support_dir()}",
        "wait.c",
        "-o",
        "wait.so",
    ]
    run_zig(command, cache_dir=tools.cache_directory() / "runtime", directory=directory, what="compiling wait.c")
    found = ctypes.CDLL(str(Path(directory, "wait.so")))
    word = ctypes.c_uint64
    found.waot_memory_wait32.argtypes = [ctypes.c_void_p, word, word, ctypes.c_uint32, ctypes.c_int64]
    found.waot_memory_wait64.argtypes = [ctypes.c_void_p, word, word, ctypes.c_uint64, ctypes.c_int64]
    found.waot_memory_notify.argtypes = [ctypes.c_void_p, word, word, ctypes.c_uint32]
    return found


def test_notify_wakes_as_many_as_it_says_and_only_there(library: ctypes.CDLL) -> None:
    storage = ctypes.create_string_buffer(4096 + 8)
    base = (ctypes.addressof(storage) + 7) & ~7
    memory = _Memory(base, 4096, 1, 4096, 16, _SHARED)
    at = ctypes.addressof(memory)
    results: list[tuple[int, int]] = []

    def wait(place: int) -> None:
        call = library.waot_memory_wait64 if place % 16 else library.waot_memory_wait32
        results.append((place, call(at, place, 0, 0, 20_000_000_000)))

    # 8 and 2056 may well be in different lists, places 512 apart in the same one.
    places = [8] * 5 + [2056] * 3 + [16] * 2 + [528]
    threads = [threading.Thread(target=wait, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    woken: dict[int, int] = {}
    deadline = time.monotonic() + 15
    while sum(woken.values()) < len(places) and time.monotonic() < deadline:  # they come to wait one by one
        for place in (8, 2056, 16, 528, 24):
            count = library.waot_memory_notify(at, place, 0, 2)
            assert count <= 2
            woken[place] = woken.get(place, 0) + count
    for thread in threads:
        thread.join(20)
    assert woken == {8: 5, 2056: 3, 16: 2, 528: 1, 24: 0}
    assert sorted(results) == sorted((place, 0) for place in places)
    assert library.waot_memory_notify(at, 8, 0, 0xFFFFFFFF) == 0


def test_a_timeout_leaves_nobody_behind(library: ctypes.CDLL) -> None:
    storage = ctypes.create_string_buffer(64 + 8)
    memory = _Memory((ctypes.addressof(storage) + 7) & ~7, 64, 1, 64, 16, _SHARED)
    at = ctypes.addressof(memory)
    assert library.waot_memory_wait32(at, 8, 0, 0, 2_000_000) == 2
    assert library.waot_memory_wait32(at, 8, 0, 1, -1) == 1
    assert library.waot_memory_notify(at, 8, 0, 1) == 0
