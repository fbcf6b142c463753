"""Arguments, environment, clocks, randomness, waiting, sockets, signals and the end."""

from __future__ import annotations

import os
import resource
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import (
    FREEBSD,
    INHERIT_ENVIRONMENT,
    READ,
    SUCCESS,
    Calls,
    clock_subscription,
    directory_record,
    fd_subscription,
    variable_record,
)

Start = Callable[..., Calls]
REALTIME, MONOTONIC = 0, 1


def test_arguments_come_as_given(start: Start) -> None:
    arguments = ["./name of program", "", "a b", "ü", "--", "-x=1"]
    calls = start(arguments=arguments)
    assert calls.strings("args_sizes_get", "args_get") == [a.encode() for a in arguments]


HOST = {"PATH": "/bin", "HOME": "/home/x", "EMPTY": "", "AA": "long name"}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], []),
        ([variable_record("A=b"), variable_record("C=")], ["A=b", "C="]),
        ([variable_record("HOME"), variable_record("ABSENT"), variable_record("EMPTY")], ["HOME=/home/x", "EMPTY="]),
        ([variable_record("A=1"), variable_record("A=2")], ["A=2"]),
        ([variable_record("A=1"), variable_record("A")], []),
        ([INHERIT_ENVIRONMENT], ["PATH=/bin", "HOME=/home/x", "EMPTY=", "AA=long name"]),
        ([INHERIT_ENVIRONMENT, variable_record("PATH=/x")], ["PATH=/x", "HOME=/home/x", "EMPTY=", "AA=long name"]),
        ([variable_record("HOME"), INHERIT_ENVIRONMENT], ["HOME=/home/x", "PATH=/bin", "EMPTY=", "AA=long name"]),
    ],
)
def test_the_environment_is_what_was_granted(start: Start, records: list[bytes], expected: list[str]) -> None:
    calls = start(records, environment=HOST)
    found = calls.strings("environ_sizes_get", "environ_get")
    assert sorted(found) == sorted(text.encode() for text in expected)  # qemu-user hands the host's on in reverse


def test_clocks(start: Start) -> None:
    calls, guest = start(), None
    guest = calls.guest

    def now(clock: int) -> int:
        assert guest.call("clock_time_get", clock, 0, 0x9000) == SUCCESS
        return int.from_bytes(guest.read(0x9000, 8), "little")

    assert abs(now(REALTIME) - time.time_ns()) < 10 * 10**9
    readings = [now(MONOTONIC) for _ in range(20)]
    assert readings == sorted(readings)
    for clock in (REALTIME, MONOTONIC):
        assert guest.call("clock_res_get", clock, 0x9000) == SUCCESS
        assert 0 < int.from_bytes(guest.read(0x9000, 8), "little") <= 10**9
    for name, arguments in (("clock_time_get", (0, 0x9000)), ("clock_res_get", (0x9000,))):
        assert guest.call(name, 2, *arguments) == "badf"  # as wasmtime
        assert guest.call(name, 3, *arguments) == "badf"
        assert guest.call(name, 4, *arguments) == "inval"


def test_random_bytes_differ_and_fill_all(start: Start) -> None:
    calls = start()
    calls.guest.write(0x10000, bytes(100_000))
    assert calls.guest.call("random_get", 0x10000, 100_000) == SUCCESS
    data = calls.guest.read(0x10000, 100_000)
    assert 0 < data.count(0) < 1000
    assert len(set(data)) == 256
    assert calls.guest.call("random_get", 0x10000, 0) == SUCCESS


def test_yielding(start: Start) -> None:
    assert start().guest.call("sched_yield") == SUCCESS


@pytest.mark.parametrize("status", [0, 1, 42, 126, 255])
def test_the_exit_status_is_the_programs(start: Start, status: int) -> None:
    calls = start()
    calls.guest.start("proc_exit", status)  # type: ignore[attr-defined]
    assert calls.guest.process.wait() == status  # type: ignore[attr-defined]


# By their numbers in typenames.witx: those that end a program.
SIGNALS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "ILL": 4,
    "TRAP": 5,
    "ABRT": 6,
    "BUS": 7,
    "FPE": 8,
    "KILL": 9,
    "USR1": 10,
    "SEGV": 11,
    "USR2": 12,
    "ALRM": 14,
    "TERM": 15,
    "XCPU": 23,
    "XFSZ": 24,
    "VTALRM": 25,
    "PROF": 26,
    "POLL": 28,
    "PWR": 29,
    "SYS": 30,
}


@pytest.mark.parametrize("name", SIGNALS)
def test_raising_a_signal_ends_the_program_by_it(start: Start, architecture: str, name: str) -> None:
    if architecture not in ("x86_64", FREEBSD) and name == "ALRM":
        pytest.skip("qemu-user may hold ALRM itself")
    calls = start(stderr=subprocess.DEVNULL, prepare=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    if architecture == FREEBSD and name == "PWR":  # FreeBSD has no such signal
        assert calls.guest.call("proc_raise", SIGNALS[name]) == "notsup"
        return
    calls.guest.start("proc_raise", SIGNALS[name])  # type: ignore[attr-defined]
    assert calls.guest.process.wait() == -getattr(signal, f"SIG{name}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [18, 19, 20, 21], ids=["STOP", "TSTP", "TTIN", "TTOU"])
def test_a_signal_that_stops_the_program_returns_when_it_goes_on(start: Start, number: int) -> None:
    # A process group of its own, with its parent outside: in one that nobody looks after three of the four do nothing.
    calls = start(prepare=lambda: os.setpgid(0, 0))
    guest = calls.guest
    assert guest.call("sched_yield") == SUCCESS
    guest.start("proc_raise", number)  # type: ignore[attr-defined]
    pid = guest.process.pid  # type: ignore[attr-defined]
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(pid, signal.SIGCONT)
    assert guest.finish() == SUCCESS  # type: ignore[attr-defined]
    assert guest.call("proc_raise", 17) == SUCCESS  # CONT, for one that goes on anyhow


def test_signals_that_do_nothing(start: Start) -> None:
    calls = start()
    for number in (0, 13, 16, 22, 27):  # none, PIPE, CHLD, URG, WINCH
        assert calls.guest.call("proc_raise", number) == SUCCESS
    for number in (31, 100, 0xFFFFFFFF):
        assert calls.guest.call("proc_raise", number) == "inval"


# ---------------------------------------------------------------- waiting


def test_sleeping_lasts_as_long_as_asked(start: Start) -> None:
    calls = start()
    for clock in (REALTIME, MONOTONIC):
        begin = time.monotonic()
        assert calls.poll(clock_subscription(7, clock, 30_000_000)) == (SUCCESS, [(7, 0, 0, 0, 0)])
        assert time.monotonic() - begin >= 0.03
        calls.guest.call("clock_time_get", clock, 0, 0x9000)
        now = int.from_bytes(calls.guest.read(0x9000, 8), "little")
        begin = time.monotonic()
        assert calls.poll(clock_subscription(8, clock, now + 30_000_000, absolute=True))[0] == SUCCESS
        assert time.monotonic() - begin >= 0.02
        assert calls.poll(clock_subscription(9, clock, 1, absolute=True)) == (SUCCESS, [(9, 0, 0, 0, 0)])


def test_the_first_of_several_clocks_wakes(start: Start) -> None:
    calls = start()
    later = [clock_subscription(i, MONOTONIC, 10**12 + i) for i in range(40)]
    assert calls.poll(*later, clock_subscription(99, MONOTONIC, 10**7)) == (SUCCESS, [(99, 0, 0, 0, 0)])
    both = calls.poll(clock_subscription(1, MONOTONIC, 0), clock_subscription(2, REALTIME, 0))[1]
    assert [event[0] for event in both] == [1, 2]


def test_waiting_for_ever_is_possible_in_principle(start: Start) -> None:
    calls = start()
    subscriptions = [clock_subscription(1, MONOTONIC, (1 << 64) - 1), clock_subscription(2, MONOTONIC, 1000)]
    assert calls.poll(*subscriptions) == (SUCCESS, [(2, 0, 0, 0, 0)])


def test_bad_subscriptions(start: Start) -> None:
    calls = start()
    assert calls.poll()[0] == "inval"
    assert calls.poll(clock_subscription(1, 2, 0))[0] == "inval"
    assert calls.poll(clock_subscription(1, 9, 0))[0] == "inval"
    assert calls.poll(fd_subscription(1, 3, 0))[0] == "inval"
    flags = bytearray(clock_subscription(1, 0, 0))
    flags[40] = 2
    assert calls.poll(bytes(flags))[0] == "inval"


def test_a_descriptor_that_is_not_open_is_an_event(start: Start, root: Path) -> None:
    calls = start([directory_record(root, "/")])
    events = calls.poll(fd_subscription(1, 1, 99), fd_subscription(2, 2, 3), clock_subscription(3, MONOTONIC, 10**12))
    assert events == (SUCCESS, [(1, 8, 1, 0, 0), (2, 8, 2, 0, 0)])


def test_waiting_for_a_pipe(start: Start) -> None:
    reading, writing = os.pipe()
    calls = start(stdin=reading, stdout=subprocess.PIPE)
    assert calls.poll(fd_subscription(1, 1, 0), clock_subscription(2, MONOTONIC, 10**7))[1] == [(2, 0, 0, 0, 0)]
    os.write(writing, b"abcde")
    assert calls.poll(fd_subscription(1, 1, 0), clock_subscription(2, MONOTONIC, 10**12))[1] == [(1, 0, 1, 5, 0)]
    calls.read(0, 5)
    guest = calls.guest
    guest.write(0x10000, fd_subscription(1, 1, 0))
    guest.start("poll_oneoff", 0x10000, 0x20000, 1, 0x9000)  # type: ignore[attr-defined]
    time.sleep(0.05)
    os.write(writing, b"x")
    assert guest.finish() == SUCCESS  # type: ignore[attr-defined]
    calls.read(0, 5)
    os.close(writing)
    assert calls.poll(fd_subscription(1, 1, 0))[1] == [(1, 0, 1, 0, 1)]
    os.close(reading)
    assert calls.poll(fd_subscription(4, 2, 1))[1][0][:3] == (4, 0, 2)
    calls.guest.process.stdout.close()  # type: ignore[attr-defined]
    assert calls.poll(fd_subscription(4, 2, 1))[1] == [(4, 0, 2, 0, 1)]


def test_a_file_is_always_ready(start: Start, root: Path) -> None:
    (root / "file").write_text("12345")
    calls = start([directory_record(root, "/")])
    fd = calls.opened(3, "file", rights=66)
    calls.read(fd, 2)
    events = calls.poll(fd_subscription(1, 1, fd), fd_subscription(2, 2, fd))[1]
    assert [event[:3] for event in events] == [(1, 0, 1), (2, 0, 2)]
    assert events[0][3:] == (3, 0)
    calls.read(fd, 10)
    assert calls.poll(fd_subscription(1, 1, fd))[1] == [(1, 0, 1, 0, 1)]


def test_many_subscriptions(start: Start) -> None:
    reading, writing = os.pipe()
    calls = start(stdin=reading)
    os.write(writing, b"x")
    subscriptions = [fd_subscription(i, 1, 0) for i in range(500)]
    error, events = calls.poll(*subscriptions)
    assert error == SUCCESS
    assert [event[0] for event in events] == list(range(500))
    os.close(writing)
    os.close(reading)


def test_as_many_subscriptions_as_open_files_may_be(start: Start) -> None:
    reading, writing = os.pipe()
    calls = start(stdin=reading, stdout=writing)
    pid = calls.guest.process.pid  # type: ignore[attr-defined]
    assert calls.fdstat(0)[0] == SUCCESS
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (200, 200))
    both = [fd_subscription(1, 1, 0), fd_subscription(2, 2, 0), fd_subscription(3, 1, 1), fd_subscription(4, 2, 1)]
    assert calls.poll(*both[:2] * 150, *both[2:] * 150)[1] == [(4, 0, 2, 1, 0)] * 150
    os.write(writing, b"abc")
    events = calls.poll(*both[:2] * 150, *both[2:] * 150)[1]
    assert events == [(1, 0, 1, 3, 0)] * 150 + [(4, 0, 2, 1, 0)] * 150
    os.close(writing)
    os.close(reading)


# ---------------------------------------------------------------- sockets


def receive(calls: Calls, fd: int, size: int, flags: int = 0) -> tuple[str, bytes, int]:
    calls.guest.write(0x8000, struct.pack("<II", 0x10000, size))
    error = calls.guest.call("sock_recv", fd, 0x8000, 1, flags, 0x9000, 0x9004)
    got, out = struct.unpack("<IH", calls.guest.read(0x9000, 6))
    return error, calls.guest.read(0x10000, got) if error == SUCCESS else b"", out


def send(calls: Calls, fd: int, data: bytes) -> str:
    calls.guest.write(0x10000, data)
    calls.guest.write(0x8000, struct.pack("<II", 0x10000, len(data)))
    return calls.guest.call("sock_send", fd, 0x8000, 1, 0, 0x9000)


def test_a_connected_socket(start: Start) -> None:
    ours, theirs = socket.socketpair()
    calls = start(stdin=theirs.fileno())
    theirs.close()
    assert calls.fdstat(0)[1][0] == 6
    ours.sendall(b"hello")
    assert receive(calls, 0, 3, 1) == (SUCCESS, b"hel", 0)  # peek
    assert receive(calls, 0, 10) == (SUCCESS, b"hello", 0)
    assert send(calls, 0, b"answer") == SUCCESS
    assert ours.recv(10) == b"answer"
    assert receive(calls, 0, 10, 8)[0] == "inval"
    assert calls.guest.call("sock_shutdown", 0, 4) == "inval"
    assert calls.guest.call("sock_shutdown", 0, 2) == SUCCESS
    assert ours.recv(10) == b""
    assert send(calls, 0, b"x") == "pipe"
    ours.close()
    assert receive(calls, 0, 10) == (SUCCESS, b"", 0)


def test_a_cut_datagram_says_so(start: Start) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    calls = start(stdin=theirs.fileno())
    theirs.close()
    assert calls.fdstat(0)[1][0] == 5
    ours.send(b"hello")
    assert receive(calls, 0, 3) == (SUCCESS, b"hel", 1)
    ours.close()


def test_a_listening_socket(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls = start(stdin=server.fileno())
        client = socket.create_connection(server.getsockname())
        assert calls.guest.call("sock_accept", 0, 0, 0x9000) == SUCCESS
        fd = int.from_bytes(calls.guest.read(0x9000, 4), "little")
        assert fd == 3
        client.sendall(b"hi")
        assert calls.read(fd, 10) == (SUCCESS, b"hi")
        assert calls.write(fd, b"there") == (SUCCESS, 5)
        assert client.recv(10) == b"there"
        client.close()
        assert calls.guest.call("sock_accept", 0, 1, 0x9000) == "inval"
        assert calls.guest.call("fd_fdstat_set_flags", 0, 4) == SUCCESS
        assert calls.guest.call("sock_accept", 0, 4, 0x9000) == "again"


def test_what_is_no_socket(start: Start, root: Path) -> None:
    (root / "file").write_text("")
    calls = start([directory_record(root, "/")])
    for fd in (calls.opened(3, "file", rights=READ), 3, 0):
        assert receive(calls, fd, 1)[0] == "notsock"
        assert send(calls, fd, b"x") == "notsock"
        assert calls.guest.call("sock_accept", fd, 0, 0x9000) == "notsock"
        assert calls.guest.call("sock_shutdown", fd, 1) == "notsock"
    assert receive(calls, 50, 1)[0] == "badf"
    assert send(calls, 50, b"x") == "badf"
    assert calls.guest.call("sock_accept", 50, 0, 0x9000) == "badf"
    assert calls.guest.call("sock_shutdown", 50, 1) == "badf"
