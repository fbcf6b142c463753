"""A bad pointer is an error code to the guest, for every function and every pointer of preview 1 and snapshot 0."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wasi.guest import (
    SUCCESS,
    Calls,
    Function,
    NativeGuest,
    directory_record,
    native_functions,
    variable_record,
)

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


# ---------------------------------------------------------------- each pointer by itself
#
# A call that works, with its pointers marked: (address, size of what is there).

FILE, DIRECTORY, LISTENER, PEER = 4, 3, 0, 1
STRINGS = 0x4000
Pointer = tuple[int, int]
VALID: dict[str, tuple[int | Pointer, ...]] = {
    "args_get": ((0x1000, 4), (0x2000, 6)),
    "args_sizes_get": ((0x1000, 4), (0x2000, 4)),
    "environ_get": ((0x1000, 4), (0x2000, 4)),
    "environ_sizes_get": ((0x1000, 4), (0x2000, 4)),
    "clock_res_get": (1, (0x1000, 8)),
    "clock_time_get": (1, 0, (0x1000, 8)),
    "fd_fdstat_get": (FILE, (0x1000, 24)),
    "fd_filestat_get": (FILE, (0x1000, 64)),
    "fd_pread": (FILE, (0x8000, 16), 2, 0, (0x1000, 4)),
    "fd_prestat_get": (DIRECTORY, (0x1000, 8)),
    "fd_prestat_dir_name": (DIRECTORY, (0x1000, 1), 1),
    "fd_pwrite": (FILE, (0x8000, 16), 2, 0, (0x1000, 4)),
    "fd_read": (FILE, (0x8000, 16), 2, (0x1000, 4)),
    "fd_readdir": (DIRECTORY, (0x1000, 100), 100, 0, (0x2000, 4)),
    "fd_seek": (FILE, 0, 0, (0x1000, 8)),
    "fd_tell": (FILE, (0x1000, 8)),
    "fd_write": (FILE, (0x8000, 16), 2, (0x1000, 4)),
    "path_create_directory": (DIRECTORY, (STRINGS + 0x10, 3), 3),
    "path_filestat_get": (DIRECTORY, 0, (STRINGS, 4), 4, (0x1000, 64)),
    "path_filestat_set_times": (DIRECTORY, 0, (STRINGS, 4), 4, 1, 1, 5),
    "path_link": (DIRECTORY, 0, (STRINGS, 4), 4, DIRECTORY, (STRINGS + 0x10, 3), 3),
    "path_open": (DIRECTORY, 0, (STRINGS, 4), 4, 0, 2, 0, 0, (0x1000, 4)),
    "path_readlink": (DIRECTORY, (STRINGS + 0x20, 4), 4, (0x1000, 100), 100, (0x2000, 4)),
    "path_remove_directory": (DIRECTORY, (STRINGS + 0x30, 3), 3),
    "path_rename": (DIRECTORY, (STRINGS, 4), 4, DIRECTORY, (STRINGS + 0x10, 3), 3),
    "path_symlink": ((STRINGS, 4), 4, DIRECTORY, (STRINGS + 0x10, 3), 3),
    "path_unlink_file": (DIRECTORY, (STRINGS, 4), 4),
    "poll_oneoff": ((0xC000, 96), (0x1000, 64), 2, (0x2000, 4)),
    "random_get": ((0x1000, 100), 100),
    "sock_accept": (LISTENER, 0, (0x1000, 4)),
    "sock_recv": (PEER, (0x8000, 16), 2, 0, (0x1000, 4), (0x2000, 2)),
    "sock_send": (PEER, (0x8000, 16), 2, 0, (0x1000, 4)),
    "unstable_fd_fdstat_get": (FILE, (0x1000, 24)),
    "unstable_fd_filestat_get": (FILE, (0x1000, 56)),
    "unstable_fd_seek": (FILE, 0, 2, (0x1000, 8)),
    "unstable_path_filestat_get": (DIRECTORY, 0, (STRINGS, 4), 4, (0x1000, 56)),
    "unstable_poll_oneoff": ((0xC000, 112), (0x1000, 64), 2, (0x2000, 4)),
}
NO_POINTERS = {
    *("fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_set_flags", "fd_fdstat_set_rights"),
    *("fd_filestat_set_size", "fd_filestat_set_times", "fd_renumber", "fd_sync", "sched_yield", "sock_shutdown"),
}
# A count of what stands at the pointer before it, and the size of one.
COUNTS = {
    "iovs_len": 8,
    "ri_data_len": 8,
    "si_data_len": 8,
    "nsubscriptions": 48,
    "path_len": 1,
    "old_path_len": 1,
    "new_path_len": 1,
    "buf_len": 1,
}


def test_the_table_has_every_function() -> None:
    assert {*VALID, *NO_POINTERS} == {function.name for function in FUNCTIONS}
    for function in FUNCTIONS:
        assert len(VALID.get(function.name, function.parameters)) == len(function.parameters), function.name


def prepare(calls: Calls, root: Path) -> None:
    """The tree and the guest's memory that the calls of the table work with."""
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    (root / "file").write_text("content")
    (root / "link").symlink_to("file")
    (root / "dir").mkdir()
    guest = calls.guest
    guest.write(STRINGS, b"file".ljust(16) + b"new".ljust(16) + b"link".ljust(16) + b"dir".ljust(16))
    guest.write(0x8000, struct.pack("<4I", 0x3000, 2, 0x3100, 2))
    guest.write(0xC000, bytes(112))  # clocks that have come


class Setting:
    """A guest with a file, a listening socket that somebody knocks at, and a connection with bytes to come."""

    def __init__(self, start: Callable[..., Calls], root: Path) -> None:
        (root / "file").write_text("content")
        self.root = root
        self.server = socket.create_server(("127.0.0.1", 0))
        self.ours, theirs = socket.socketpair()
        self.calls = start(
            [directory_record(root, "/"), variable_record("A=b")],
            stdin=self.server.fileno(),
            stdout=theirs.fileno(),
        )
        theirs.close()
        assert self.calls.opened(3, "file", rights=66) == FILE

    def call(self, name: str, arguments: list[int]) -> str:
        prepare(self.calls, self.root)
        with socket.socket() as client:
            if name == "sock_accept":
                client.connect(self.server.getsockname())
            if name == "sock_recv":
                self.ours.sendall(b"more")
            result = self.calls.guest.call(name, *arguments)
            if result == SUCCESS and name in ("path_open", "sock_accept"):
                opened = struct.unpack("<I", self.calls.guest.read(arguments[-1], 4))[0]
                assert self.calls.close(opened) == SUCCESS
        return result

    def close(self) -> None:
        self.server.close()
        self.ours.close()


@pytest.fixture
def setting(start: Callable[..., Calls], root: Path) -> Iterator[Setting]:
    made = Setting(start, root)
    yield made
    made.close()


@pytest.mark.parametrize("name", VALID)
def test_every_bad_pointer_is_refused(setting: Setting, name: str) -> None:
    marked = VALID[name]
    plain = [value if isinstance(value, int) else value[0] for value in marked]
    assert setting.call(name, plain) == SUCCESS
    for place, value in enumerate(marked):
        if isinstance(value, int):
            continue
        _, size = value
        for bad in (SIZE, SIZE + 1, SIZE - size + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000 - size):
            arguments = [*plain[:place], bad, *plain[place + 1 :]]
            assert setting.call(name, arguments) == "fault", (place, hex(bad))
        if isinstance(marked[place - 1], tuple) or name in ("args_get", "environ_get"):
            continue  # at the end it would overlap what the call reads
        arguments = [*plain[:place], SIZE - size, *plain[place + 1 :]]
        if value[0] < 0x4000:  # somewhere to write to: the very last bytes of memory will do
            assert setting.call(name, arguments) == SUCCESS, place
    assert setting.call(name, plain) == SUCCESS


@pytest.mark.parametrize("name", VALID)
def test_every_length_that_overflows_is_refused(setting: Setting, name: str) -> None:
    """Sizes that are small again when they are multiplied or added in 32 bits."""
    function = next(f for f in FUNCTIONS if f.name == name)
    plain = [value if isinstance(value, int) else value[0] for value in VALID[name]]
    lengths = [place for place, (parameter, _) in enumerate(function.parameters) if parameter in COUNTS]
    if name == "fd_prestat_dir_name":
        lengths = []  # its length is the most that the guest has room for, not what is written
    for place in lengths:
        size = COUNTS[function.parameters[place][0]]
        if name == "unstable_poll_oneoff":
            size = 56
        pointer = plain[place - 1]
        for bad in (
            0xFFFFFFFF,
            0x80000000,
            (1 << 32) // size + 1 if size > 1 else SIZE,  # in bytes a little more than 2**32
            (1 << 32) // 32 + 1,  # events are 32 bytes
            ((1 << 32) - pointer) // size + 1,  # pointer and bytes together
            (SIZE - pointer) // size + 1,
        ):
            arguments = [*plain[:place], bad, *plain[place + 1 :]]
            assert setting.call(name, arguments) == "fault", (place, hex(bad))
    assert setting.call(name, plain) == SUCCESS


def test_sizes_of_buffers_that_overflow_are_refused(setting: Setting) -> None:
    guest = setting.calls.guest
    for name, fd in (("fd_read", FILE), ("fd_write", FILE), ("fd_pread", FILE), ("fd_pwrite", FILE)):
        for buffers in (
            [(0x3000, 0xFFFFFFFF)],
            [(0xFFFFFFFF, 0xFFFFFFFF)],
            [(0x3000, 4), (0xFFFFF000, 0x1000)],
            [(SIZE - 4, 4), (SIZE - 4, 5)],
            [(0, SIZE), (1, SIZE)],
        ):
            prepare(setting.calls, setting.root)
            guest.write(0x8000, b"".join(struct.pack("<II", *buffer) for buffer in buffers))
            offset = (0,) if name in ("fd_pread", "fd_pwrite") else ()
            assert guest.call(name, fd, 0x8000, len(buffers), *offset, 0x1000) == "fault", (name, buffers)
