"""A bad pointer is an error code to the guest, for every function and every pointer of preview 1 and snapshot 0."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import Calls, Function, NativeGuest, directory_record, native_functions

SIZE = 1 << 21
FUNCTIONS = [f for f in native_functions() if f.name not in ("proc_exit", "proc_raise")]
REFUSALS = ("fault", "inval", "badf", "notsock", "nametoolong", "overflow")


def name_of(function: Function) -> str:
    return function.name


BAD_VALUES = [0, 1, SIZE - 1, SIZE, SIZE + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF]


def ordinary(function: Function, parameter: str) -> int:
    """A value that is fine by itself."""
    if parameter in ("fd", "old_fd", "new_fd", "to"):
        on_file = function.name.removeprefix("unstable_").startswith("fd_")
        return 4 if on_file and "dir" not in function.name and "pre" not in function.name else 3
    if parameter in ("path_len", "old_path_len", "new_path_len", "buf_len", "iovs_len", "ri_data_len", "si_data_len"):
        return 4 if "path" in parameter else 64
    if parameter == "nsubscriptions":
        return 1
    if parameter in ("flags", "dirflags", "oflags", "fdflags", "fst_flags", "ri_flags", "si_flags", "old_flags", "id"):
        return 0
    return 0x1000


@pytest.mark.parametrize("function", FUNCTIONS, ids=name_of)
def test_every_bad_value_in_every_place_is_survived(
    start: Callable[..., Calls], root: Path, function: Function
) -> None:
    (root / "file").write_text("content")
    calls = start([directory_record(root, "/")])
    guest = calls.guest
    assert calls.opened(3, "file", rights=66) == 4
    memory = struct.pack("<II", 0x2000, 4) * 0x200  # iovecs, wherever one is looked for
    for place in range(len(function.parameters)):
        for bad in BAD_VALUES:
            guest.write(0x1000, memory)
            guest.write(0x1000, b"none" if "path" in function.name else b"")
            arguments = [ordinary(function, name) for name, _ in function.parameters]
            arguments[place] = bad
            if function.name.endswith("poll_oneoff"):
                guest.write(0x1000, bytes(48))  # a clock that has come
            guest.call(function.name, *arguments)  # the guest's process is there to answer
    assert calls.strings("args_sizes_get", "args_get") == [b"guest"]


def has_pointers(function: Function) -> bool:
    numbers = ("advice", "whence", "how")  # what is left takes 0x1000 for an address
    return any(ordinary(function, n) == 0x1000 and k == "i32" and n not in numbers for n, k in function.parameters)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if has_pointers(f)], ids=name_of)
@pytest.mark.parametrize("memory", [None, 0, 1, 0xFFF], ids=["no-memory", "empty", "tiny", "just-below"])
def test_with_no_room_every_function_with_a_pointer_fails(
    start: Callable[..., Calls], root: Path, function: Function, memory: int | None
) -> None:
    (root / "file").write_text("content")
    calls = start([directory_record(root, "/")])
    guest = calls.guest
    assert isinstance(guest, NativeGuest)
    assert calls.opened(3, "file", rights=66) == 4
    guest.set_memory(memory)
    arguments = [ordinary(function, name) for name, _ in function.parameters]
    assert guest.call(function.name, *arguments) in REFUSALS


def test_iovecs_are_each_checked(at_root: Calls, root: Path) -> None:
    calls, guest = at_root, at_root.guest
    fd = calls.opened(3, "file", oflags=1, rights=66)

    def write(*iovs: tuple[int, int]) -> str:
        guest.write(0x1000, b"".join(struct.pack("<II", *iov) for iov in iovs))
        return guest.call("fd_write", fd, 0x1000, len(iovs), 0x800)

    assert write((0x2000, 4), (SIZE, 1)) == "fault"
    assert write((0x2000, 4), (SIZE - 1, 2)) == "fault"
    assert write((0x2000, 4), (0xFFFFFFFF, 0xFFFFFFFF)) == "fault"
    assert write((0x2000, 4), (SIZE, 0)) == "success"
    assert write((SIZE - 4, 4)) == "success"
    assert write() == "success"
    assert (root / "file").stat().st_size == 8
    assert guest.call("fd_write", fd, SIZE - 8, 2, 0x800) == "fault"
    assert guest.call("fd_write", fd, 0x1000, 0x20000000, 0x800) == "fault"
    assert guest.call("fd_write", fd, 0x1000, 0xFFFFFFFF, 0x800) == "fault"
    assert guest.call("fd_write", fd, 0x1000, 0, SIZE - 3) == "fault"


def test_sizes_that_overflow_are_refused(at_root: Calls, root: Path) -> None:
    calls, guest = at_root, at_root.guest
    (root / "file").write_text("x")
    fd = calls.opened(3, "file")
    # Sixteen MiB a thousand times over; the check comes before any access, so that the memory need not be there.
    assert isinstance(guest, NativeGuest)
    guest.write(0x1000, struct.pack("<II", 0, 0x00FFFFFF) * 1024)
    guest.set_memory(1 << 24)
    assert guest.call("fd_read", fd, 0x1000, 1024, 0x800) == "inval"


def test_a_failing_call_writes_nothing(at_root: Calls) -> None:
    guest = at_root.guest
    guest.write(0x9000, b"\xaa" * 64)
    assert guest.call("fd_fdstat_get", 99, 0x9000) == "badf"
    assert guest.call("path_filestat_get", 3, 0, 0x1000, 0, 0x9000) == "noent"
    assert guest.call("clock_time_get", 9, 0, 0x9000) == "inval"
    assert guest.read(0x9000, 64) == b"\xaa" * 64
