"""Connections that were accepted at a granted address: data, waiting, and the ends that a connection can have."""

from __future__ import annotations

import socket
import struct

import pytest

from tests.wasi.guest import SUCCESS, Calls, clock_subscription, fd_subscription, listen_record
from tests.wasi.test_listening import NONBLOCK, Start, accept, free_port, waited
from tests.wasi.test_process import MONOTONIC, receive, send

READ, WRITE = 1, 2  # what is waited for; what is shut down
PEEK, WAITALL = 1, 2
HANGUP = 1
AT, SIZE_AT, IOV_AT = 0x20000, 0x9000, 0x8000
PIECE = 0x10000


@pytest.fixture(params=[0, NONBLOCK], ids=["waiting", "nonblocking"])
def flags(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def connected(start: Start, flags: int = 0) -> tuple[Calls, socket.socket]:
    """A guest with a connection as descriptor 4, and the other end."""
    port = free_port()
    calls = start([listen_record(f"127.0.0.1:{port}")])
    assert calls.guest.call("sched_yield") == SUCCESS
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    waited(calls, 3)
    assert accept(calls, 3, flags) == (SUCCESS, 4)
    return calls, client


def events(calls: Calls, kind: int) -> list[tuple[int, int, int, int, int]]:
    """What is said of the connection at once; nothing where it is not ready."""
    error, found = calls.poll(fd_subscription(1, kind, 4), clock_subscription(2, MONOTONIC, 0))
    assert error == SUCCESS
    return [event for event in found if event[0] == 1]


def settled(calls: Calls, kind: int) -> tuple[int, int, int, int, int]:
    """The event, once there is one."""
    error, found = calls.poll(fd_subscription(1, kind, 4), clock_subscription(2, MONOTONIC, 60 * 10**9))
    assert error == SUCCESS
    return found[0]


def test_what_is_looked_at_stays(start: Start, flags: int) -> None:
    calls, client = connected(start, flags)
    assert events(calls, READ) == []
    client.sendall(b"hello")
    assert settled(calls, READ) == (1, 0, READ, 5, 0)
    assert receive(calls, 4, 3, PEEK) == (SUCCESS, b"hel", 0)
    assert receive(calls, 4, 10, PEEK) == (SUCCESS, b"hello", 0)
    assert events(calls, READ) == [(1, 0, READ, 5, 0)]
    assert receive(calls, 4, 4) == (SUCCESS, b"hell", 0)
    assert receive(calls, 4, 4) == (SUCCESS, b"o", 0)
    assert events(calls, READ) == []
    client.close()


def test_all_is_waited_for_where_that_is_wanted(start: Start) -> None:
    calls, client = connected(start)
    calls.guest.write(IOV_AT, struct.pack("<4I", AT, 3, AT + 16, 5))
    calls.guest.start("sock_recv", 4, IOV_AT, 2, WAITALL, SIZE_AT, SIZE_AT + 4)  # type: ignore[attr-defined]
    for part in (b"ab", b"cde", b"fgh"):
        client.sendall(part)
    assert calls.guest.finish() == SUCCESS  # type: ignore[attr-defined]
    assert calls.guest.read(SIZE_AT, 4) == struct.pack("<I", 8)
    assert (calls.guest.read(AT, 3), calls.guest.read(AT + 16, 5)) == (b"abc", b"defgh")
    calls.guest.start("sock_recv", 4, IOV_AT, 2, WAITALL, SIZE_AT, SIZE_AT + 4)  # type: ignore[attr-defined]
    client.sendall(b"1234")
    client.close()
    assert calls.guest.finish() == SUCCESS  # type: ignore[attr-defined]
    assert calls.guest.read(SIZE_AT, 4) == struct.pack("<I", 4)
    assert (calls.guest.read(AT, 3), calls.guest.read(AT + 16, 1)) == (b"123", b"4")


def test_pieces_keep_their_order(start: Start, flags: int) -> None:
    """More of them than go into one call of some systems, some of them empty."""
    calls, client = connected(start, flags)
    sizes = [i % 7 for i in range(100)]
    data = bytes(range(256)) * 2
    calls.guest.write(AT, data)
    iovecs, at = b"", AT
    for size in sizes:
        iovecs += struct.pack("<II", at, size)
        at += size
    calls.guest.write(IOV_AT, iovecs)
    assert calls.guest.call("fd_write", 4, IOV_AT, len(sizes), SIZE_AT) == SUCCESS
    assert calls.guest.read(SIZE_AT, 4) == struct.pack("<I", sum(sizes))
    got = b""
    while len(got) < sum(sizes):
        got += client.recv(1000)
    assert got == data[: sum(sizes)]
    client.close()


def test_writing_comes_to_an_end_and_goes_on(start: Start) -> None:
    calls, client = connected(start, NONBLOCK)
    assert events(calls, WRITE) == [(1, 0, WRITE, 1, 0)]
    calls.guest.write(AT, bytes(range(256)) * (PIECE // 256))
    calls.guest.write(IOV_AT, struct.pack("<II", AT, PIECE))
    sent = 0
    while (error := calls.guest.call("fd_write", 4, IOV_AT, 1, SIZE_AT)) == SUCCESS:
        sent += int.from_bytes(calls.guest.read(SIZE_AT, 4), "little")
        assert sent < 1 << 30
    assert error == "again"
    assert sent > 0
    assert events(calls, WRITE) == []
    assert calls.guest.call("fd_fdstat_set_flags", 4, 0) == SUCCESS
    calls.guest.start("fd_write", 4, IOV_AT, 1, SIZE_AT)  # type: ignore[attr-defined]
    got = 0
    while got < sent + PIECE:
        got += len(client.recv(1 << 20))
    assert calls.guest.finish() == SUCCESS  # type: ignore[attr-defined]
    assert calls.guest.read(SIZE_AT, 4) == struct.pack("<I", PIECE)
    assert got == sent + PIECE
    assert settled(calls, WRITE) == (1, 0, WRITE, 1, 0)
    client.close()


def test_the_other_side_has_no_more_to_say(start: Start, flags: int) -> None:
    calls, client = connected(start, flags)
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)
    while settled(calls, READ)[3] < 10:
        pass
    assert calls.read(4, 4) == (SUCCESS, b"last")
    assert calls.read(4, 100) == (SUCCESS, b" words")
    assert settled(calls, READ) == (1, 0, READ, 0, 0)
    assert calls.read(4, 4) == (SUCCESS, b"")
    assert receive(calls, 4, 4, PEEK) == (SUCCESS, b"", 0)
    assert send(calls, 4, b"answer") == SUCCESS
    assert events(calls, WRITE) == [(1, 0, WRITE, 1, 0)]
    assert calls.guest.call("sock_shutdown", 4, WRITE) == SUCCESS
    assert client.makefile("rb").read() == b"answer"
    assert settled(calls, READ) == (1, 0, READ, 0, HANGUP)
    assert send(calls, 4, b"x") == "pipe"
    client.close()


def test_reading_can_be_shut_down(start: Start, flags: int) -> None:
    calls, client = connected(start, flags)
    assert calls.guest.call("sock_shutdown", 4, READ) == SUCCESS
    assert calls.read(4, 4) == (SUCCESS, b"")
    assert send(calls, 4, b"still heard") == SUCCESS
    assert client.recv(100) == b"still heard"
    assert calls.guest.call("sock_shutdown", 4, 0) == "inval"
    client.close()


def test_a_connection_that_breaks(start: Start, flags: int) -> None:
    calls, client = connected(start, flags)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # which resets it
    assert settled(calls, READ) == (1, 0, READ, 0, HANGUP)
    assert calls.read(4, 4)[0] == "connreset"
    assert send(calls, 4, b"x") == "pipe"


def test_several_are_waited_for_at_once(start: Start) -> None:
    calls, client = connected(start)
    with socket.create_connection(client.getpeername(), timeout=60) as other:
        waited(calls, 3)
        assert accept(calls, 3) == (SUCCESS, 5)
        wanted = [fd_subscription(10 + fd, READ, fd) for fd in (3, 4, 5)]
        other.sendall(b"five")
        assert calls.poll(*wanted) == (SUCCESS, [(15, 0, READ, 4, 0)])
        client.sendall(b"four4")
        assert calls.read(5, 10) == (SUCCESS, b"five")
        assert calls.poll(*wanted) == (SUCCESS, [(14, 0, READ, 5, 0)])
        error, found = calls.poll(*wanted, *(fd_subscription(20 + fd, WRITE, fd) for fd in (4, 5)))
        assert (error, sorted(event[0] for event in found)) == (SUCCESS, [14, 24, 25])
        assert calls.close(4) == SUCCESS
        assert calls.fdstat(4)[0] == "badf"
    client.close()


def test_a_connection_has_no_positions(start: Start) -> None:
    calls, client = connected(start)
    assert calls.seek(4, 0, 1)[0] == "spipe"
    assert calls.read(4, 1, 0)[0] == "spipe"
    assert calls.write(4, b"x", 0)[0] == "spipe"
    assert calls.guest.call("fd_advise", 4, 0, 0, 0) == SUCCESS
    assert calls.guest.call("fd_sync", 4) == "inval"
    client.close()
