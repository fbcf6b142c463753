"""What the host refuses or interrupts is an error to the guest or a clean message: never a crash, never silent loss."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.wasi.guest import (
    CREAT,
    DIRECTORY,
    EXCL,
    NONBLOCK,
    READ,
    SUCCESS,
    TRUNC,
    WRITE,
    Calls,
    NativeGuest,
    clock_subscription,
    directory_record,
    fd_subscription,
)

Start = Callable[..., Calls]


def native(calls: Calls) -> NativeGuest:
    assert isinstance(calls.guest, NativeGuest)
    return calls.guest


def limit(calls: Calls, what: int, value: int) -> None:
    """Sets a limit of the guest's process from here on."""
    resource.prlimit(native(calls).process.pid, what, (value, value))


@contextmanager
def mounted(directory: Path, options: str) -> Iterator[None]:
    """A file system in memory at `directory`."""
    directory.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(directory)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"mounting is forbidden here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


# ---------------------------------------------------------------- full, read-only


def test_a_full_disk(start: Start, tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=64k,nr_inodes=8"):
        root = tmp_path / "small"
        calls = start([directory_record(root, "/")])
        fd = calls.opened(3, "file", oflags=CREAT, rights=READ | WRITE)
        block, written = bytes(range(250)) * 20, 0
        while True:  # what fits is told, and nothing beyond
            error, moved = calls.write(fd, block)
            if error != SUCCESS:
                break
            assert 0 < moved <= len(block)
            written += moved
        assert error == "nospc"
        assert calls.tell(fd) == (SUCCESS, written)
        assert (root / "file").read_bytes() == (block * 20)[:written]
        assert (root / "file").stat().st_size == written == 64 << 10
        assert calls.write(fd, b"x", offset=1 << 20)[0] == "nospc"
        assert calls.guest.call("fd_allocate", fd, 0, 1 << 20) == "nospc"
        assert calls.stat(fd)[1].size == written
        for i in range(10):
            error = calls.mkdir(3, f"dir{i}")
            if error != SUCCESS:
                break
        assert error == "nospc"
        assert calls.symlink("x" * 200, 3, "link") == "nospc"
        assert calls.open(3, "new", oflags=CREAT, rights=WRITE)[0] == "nospc"
        assert not (root / "new").exists()
        assert calls.guest.call("fd_filestat_set_size", fd, 0) == SUCCESS
        calls.seek(fd, 0, 0)
        assert calls.write(fd, b"room again") == (SUCCESS, 10)
        calls.guest.close()


def test_what_a_full_device_does_not_take_is_an_error(start: Start) -> None:
    with open("/dev/full", "wb") as full:
        calls = start(stdout=full.fileno())
        assert calls.write(1, b"lost")[0] == "nospc"


def test_a_read_only_file_system(at_root: Calls, root: Path) -> None:
    (root / "mount").mkdir()
    with mounted(root / "mount", "size=64k"):
        (root / "mount/file").write_text("hello")
        (root / "mount/dir").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(root / "mount")], check=True)
        calls = at_root
        fd = calls.opened(3, "mount/file")
        assert calls.read(fd, 10) == (SUCCESS, b"hello")
        for rights, oflags in ((WRITE, 0), (READ | WRITE, 0), (WRITE, TRUNC)):
            assert calls.open(3, "mount/file", rights=rights, oflags=oflags)[0] == "rofs"
        assert calls.open(3, "mount/new", oflags=CREAT, rights=WRITE)[0] == "rofs"
        assert calls.open(3, "mount/file", oflags=CREAT | EXCL)[0] == "exist"
        assert calls.mkdir(3, "mount/new") == "rofs"
        assert calls.rmdir(3, "mount/dir") == "rofs"
        assert calls.unlink(3, "mount/file") == "rofs"
        assert calls.symlink("x", 3, "mount/new") == "rofs"
        assert calls.link(3, "mount/file", 3, "mount/new") == "rofs"
        assert calls.rename(3, "mount/file", 3, "mount/new") == "rofs"
        assert calls.set_times(3, "mount/file", 1, 1, 5) == "rofs"
        assert calls.guest.call("fd_filestat_set_times", fd, 1, 1, 5) == "rofs"
        assert calls.guest.call("fd_allocate", fd, 0, 10) == "badf"
        assert calls.rename(3, "mount/file", 3, "out") == "xdev"
        assert calls.link(3, "mount/file", 3, "out") == "xdev"
        assert calls.rmdir(3, "mount") == "busy"
        assert (root / "mount/file").read_text() == "hello"
        assert calls.close(fd) == SUCCESS


# ---------------------------------------------------------------- interruptions


def storm() -> None:
    """A timer and the signals that are blocked are inherited by the program that comes next: until the guest cares."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)


def test_a_storm_of_signals_loses_nothing(start: Start) -> None:
    """Reads and writes that block get and give every byte once, while a signal comes every 200 microseconds."""
    reading, to_guest = os.pipe()
    from_guest, writing = os.pipe()
    calls = start(stdin=reading, stdout=writing, prepare=storm)
    os.close(reading)
    os.close(writing)
    data = b"".join(i.to_bytes(4, "little") for i in range(100_000))  # six times what a pipe holds
    received: list[bytes] = []

    def feed() -> None:
        for at in range(0, len(data), 7001):
            os.write(to_guest, data[at : at + 7001])
            time.sleep(0.001)
        os.close(to_guest)

    def drain() -> None:
        while piece := os.read(from_guest, 5003):
            received.append(piece)
            time.sleep(0.001)

    threads = [threading.Thread(target=feed), threading.Thread(target=drain)]
    native(calls).be_interrupted()
    for thread in threads:
        thread.start()
    while True:
        error, piece = calls.read(0, 65536)
        assert error == SUCCESS
        if not piece:
            break
        while piece:
            error, moved = calls.write(1, piece)
            assert error == SUCCESS
            piece = piece[moved:]
    assert calls.guest.call("fd_close", 1) == SUCCESS
    for thread in threads:
        thread.join()
    os.close(from_guest)
    assert b"".join(received) == data


def test_a_storm_of_signals_wakes_nobody_early(start: Start) -> None:
    reading, writing = os.pipe()
    calls = start(stdin=reading, prepare=storm)
    os.close(reading)
    native(calls).be_interrupted()
    for clock in (0, 1):
        begin = time.monotonic()
        assert calls.poll(clock_subscription(7, clock, 50_000_000)) == (SUCCESS, [(7, 0, 0, 0, 0)])
        assert time.monotonic() - begin >= 0.05
    events = calls.poll(fd_subscription(1, 1, 0), clock_subscription(2, 1, 50_000_000))
    assert events == (SUCCESS, [(2, 0, 0, 0, 0)])
    calls.guest.write(0x10000, fd_subscription(1, 1, 0))
    native(calls).start("poll_oneoff", 0x10000, 0x20000, 1, 0x9000)
    time.sleep(0.05)
    os.write(writing, b"x")
    assert native(calls).finish() == SUCCESS
    os.close(writing)


def test_a_storm_of_signals_and_sockets(start: Start, root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls = start([directory_record(root, "/")], stdin=server.fileno(), prepare=storm)
        native(calls).be_interrupted()
        native(calls).start("sock_accept", 0, 0, 0x9000)
        time.sleep(0.05)
        with socket.create_connection(server.getsockname()) as client:
            assert native(calls).finish() == SUCCESS
            calls.guest.write(0x8000, (0x10000).to_bytes(4, "little") + (100).to_bytes(4, "little"))
            native(calls).start("sock_recv", 4, 0x8000, 1, 0, 0x9000, 0x9004)
            time.sleep(0.05)
            client.sendall(b"late")
            assert native(calls).finish() == SUCCESS
            assert calls.guest.read(0x10000, 4) == b"late"
    for i in range(200):  # path functions too
        fd = calls.opened(3, f"file{i}", oflags=CREAT, rights=WRITE)
        assert calls.write(fd, b"x") == (SUCCESS, 1)
        assert calls.guest.call("fd_sync", fd) == SUCCESS
        assert calls.close(fd) == SUCCESS
    assert len(calls.readdir(3)) == 202
    assert calls.guest.call("random_get", 0x10000, 1 << 20) == SUCCESS


# ---------------------------------------------------------------- short reads and writes


def test_what_a_full_pipe_takes_is_told(start: Start) -> None:
    reading, writing = os.pipe()
    calls = start(stdout=writing)
    os.close(writing)
    assert calls.guest.call("fd_fdstat_set_flags", 1, NONBLOCK) == SUCCESS
    data = bytes(i % 253 for i in range(100_000))
    written = 0
    while True:
        error, moved = calls.write(1, data[written % 253 :][:50_000])
        if error != SUCCESS:
            break
        written += moved
    assert error == "again"
    assert 50_000 <= written <= 65536
    assert calls.poll(fd_subscription(1, 2, 1), clock_subscription(2, 1, 10**6)) == (SUCCESS, [(2, 0, 0, 0, 0)])
    received = b""
    while len(received) < written:
        received += os.read(reading, 1 << 16)
    assert received == data[:written]
    assert calls.poll(fd_subscription(1, 2, 1)) == (SUCCESS, [(1, 0, 2, 1, 0)])
    os.close(reading)


def test_a_pipe_gives_what_it_has(start: Start) -> None:
    reading, writing = os.pipe()
    calls = start(stdin=reading)
    for data in (b"abc", b"defgh"):
        os.write(writing, data)
        assert calls.read(0, 1000) == (SUCCESS, data)
    os.close(writing)
    assert calls.read(0, 1000) == (SUCCESS, b"")
    os.close(reading)


# ---------------------------------------------------------------- standard streams


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_a_standard_stream_that_is_closed_at_the_start(start: Start, root: Path, stream: int) -> None:
    calls = start([directory_record(root, "/")], stderr=subprocess.DEVNULL, prepare=lambda: os.close(stream))
    call = calls.guest.call
    assert calls.read(stream, 1)[0] == "badf"
    assert calls.write(stream, b"lost")[0] == "badf"
    assert calls.fdstat(stream)[0] == "badf"
    assert calls.stat(stream)[0] == "badf"
    assert calls.poll(fd_subscription(1, 1 if stream == 0 else 2, stream))[1][0][:2] == (1, 8)
    # Neither the grant nor what is opened takes its number.
    files = [calls.opened(3, f"file{i}", oflags=CREAT, rights=WRITE) for i in range(3)]
    assert files == [4, 5, 6]
    assert calls.write(stream, b"lost")[0] == "badf"
    assert calls.open(3, "absent")[0] == "noent"
    assert calls.path_stat(3, "file0", follow=True)[0] == SUCCESS
    for other in {0, 1, 2} - {stream}:
        assert calls.fdstat(other)[0] == SUCCESS
    assert [path.stat().st_size for path in root.iterdir()] == [0, 0, 0]
    assert call("fd_close", stream) == "badf" if stream != 2 else True


def test_all_standard_streams_closed_at_the_start(start: Start, root: Path) -> None:
    calls = start([directory_record(root, "/")], stderr=subprocess.DEVNULL, prepare=lambda: os.closerange(0, 3))
    fd = calls.opened(3, "file", oflags=CREAT, rights=WRITE)
    for stream in range(3):
        assert calls.write(stream, b"lost")[0] == "badf"
    assert calls.write(fd, b"kept") == (SUCCESS, 4)
    assert (root / "file").read_text() == "kept"


def test_a_grant_is_refused_without_a_standard_error_too(start: Start, tmp_path: Path) -> None:
    calls = start([directory_record(tmp_path / "absent", "/")], prepare=lambda: os.close(2))
    assert native(calls).process.wait(30) == 1


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_nobody_reads_any_more(start: Start, kind: str) -> None:
    if kind == "pipe":
        reading, writing = os.pipe()
    else:
        reading, writing = (end.detach() for end in socket.socketpair())
    calls = start(stdout=writing)
    os.close(writing)
    assert calls.write(1, b"heard") == (SUCCESS, 5)
    os.close(reading)
    for _ in range(3):
        assert calls.write(1, b"lost")[0] == "pipe"
    assert calls.poll(fd_subscription(1, 2, 1))[1][0][:3] == (1, 0, 2)
    assert native(calls).process.poll() is None


# ---------------------------------------------------------------- limits


def test_no_more_descriptors(start: Start, root: Path) -> None:
    (root / "dir").mkdir()
    (root / "dir/file").write_text("x")
    (root / "link").symlink_to("dir/file")
    for walk in (False, True):
        calls = start([directory_record(root, "/")], walk=walk)
        limit(calls, resource.RLIMIT_NOFILE, 10)
        fds = []
        while True:
            error, fd = calls.open(3, "dir/file")
            if error != SUCCESS:
                break
            fds.append(fd)
        assert error == "mfile"
        assert 1 < len(fds) <= 6
        assert calls.path_stat(3, "dir")[0] == SUCCESS  # takes none
        assert calls.path_stat(3, "link", follow=True)[0] in (SUCCESS, "mfile")
        assert calls.mkdir(3, f"dir/new{walk}") in (SUCCESS, "mfile")
        assert calls.read(fds[0], 1) == (SUCCESS, b"x")
        assert calls.close(fds.pop()) == SUCCESS
        assert calls.path_stat(3, "link", follow=True)[0] == SUCCESS  # what a call needs for itself it gives back
        for _ in range(20):
            assert calls.path_stat(3, "dir/../dir/file", follow=True)[0] == SUCCESS
        fds.append(calls.opened(3, "link", follow=True))
        assert [calls.close(fd) for fd in fds] == [SUCCESS] * len(fds)


def test_a_grant_without_descriptors_left(start: Start, root: Path) -> None:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))

    if start_is_emulated(start):
        pytest.skip("the emulator itself needs descriptors")
    calls = start([directory_record(root, "/")], stderr=subprocess.PIPE, prepare=prepare)
    process = native(calls).process
    assert process.wait(30) == 1
    assert process.stderr is not None
    assert process.stderr.read().decode() == f"waot: cannot open granted directory '{root}': too many open files\n"
    process.stderr.close()


def start_is_emulated(start: Start) -> bool:
    words = native(start()).process.args
    assert isinstance(words, list)
    return str(words[0]).startswith("qemu")


def test_no_more_memory_for_the_shim(start: Start, root: Path) -> None:
    if start_is_emulated(start):
        pytest.skip("the emulator itself needs memory")
    (root / "file").write_text("x")
    calls = start([directory_record(root, "/")])
    fds = [calls.opened(3, "file") for _ in range(12)]  # as many as there is room for without asking
    opened = os.listdir(f"/proc/{native(calls).process.pid}/fd")
    limit(calls, resource.RLIMIT_AS, 0)
    assert calls.open(3, "file")[0] == "nomem"
    assert os.listdir(f"/proc/{native(calls).process.pid}/fd") == opened  # the file is closed again
    many = [clock_subscription(i, 1, 0) for i in range(500)]
    assert calls.poll(*many)[0] == "nomem"
    assert calls.read(fds[-1], 1) == (SUCCESS, b"x")


def test_a_file_may_grow_to_its_limit(start: Start, root: Path) -> None:
    calls = start([directory_record(root, "/")])
    fd = calls.opened(3, "file", oflags=CREAT, rights=READ | WRITE)
    limit(calls, resource.RLIMIT_FSIZE, 1000)
    assert calls.write(fd, b"x" * 600) == (SUCCESS, 600)
    assert calls.write(fd, b"y" * 600) == (SUCCESS, 400)  # a short write, and the next is the error
    assert calls.write(fd, b"y" * 200)[0] == "fbig"
    assert calls.write(fd, b"z", offset=999) == (SUCCESS, 1)
    assert calls.write(fd, b"z", offset=1000)[0] == "fbig"
    assert calls.guest.call("fd_filestat_set_size", fd, 1001) == "fbig"
    assert (root / "file").read_bytes() == b"x" * 600 + b"y" * 399 + b"z"


def test_no_directory_is_left_of_a_grant(start: Start, root: Path) -> None:
    calls = start([directory_record(root, "/")])
    (root / "dir").mkdir()
    (root / "file").write_text("kept")
    below = calls.opened(3, "dir", oflags=DIRECTORY)
    fd = calls.opened(3, "file")
    (root / "dir").rmdir()
    (root / "file").unlink()
    root.rmdir()
    for at in (3, below):
        assert calls.open(at, "new", oflags=CREAT, rights=WRITE)[0] == "noent"
        assert calls.mkdir(at, "new") == "noent"
        assert calls.readdir_once(at, 4096, 2) == (SUCCESS, b"")  # as wasmtime
        assert calls.open(at, ".", oflags=DIRECTORY)[0] == SUCCESS
    assert calls.read(fd, 10) == (SUCCESS, b"kept")
    assert calls.stat(fd)[1].links == 0
