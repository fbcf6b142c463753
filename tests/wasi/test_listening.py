"""Granted addresses: a socket that listens there, behind the directories."""

from __future__ import annotations

import ipaddress
import random
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import (
    SEALED,
    SUCCESS,
    Calls,
    clock_subscription,
    directory_record,
    fd_subscription,
    listen_record,
)
from tests.wasi.test_file_grants import preopens
from tests.wasi.test_process import MONOTONIC, receive, send
from tests.wasi.test_run_time_grants import refusal

Start = Callable[..., Calls]
NONBLOCK, STREAM = 4, 6


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probes = [socket.socket(family, socket.SOCK_STREAM) for _ in range(count)]
    for probe in probes:
        probe.bind((address, 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def free_port() -> int:
    (port,) = free_ports(1)
    return port


def has_version6() -> bool:
    try:
        free_ports(1, "::1")
    except OSError as error:
        print(f"no IPv6 here: {error}")
        return False
    return True


def accept(calls: Calls, fd: int, flags: int = 0) -> tuple[str, int]:
    error = calls.guest.call("sock_accept", fd, flags, 0x9000)
    return error, int.from_bytes(calls.guest.read(0x9000, 4), "little")


def started(calls: Calls) -> Calls:
    """`calls`, when the guest listens."""
    assert calls.guest.call("sched_yield") == SUCCESS
    return calls


def waited(calls: Calls, fd: int) -> None:
    """Returns when there is something to read or to accept."""
    error, events = calls.poll(fd_subscription(1, 1, fd), clock_subscription(2, MONOTONIC, 60 * 10**9))
    assert (error, events[0][:3]) == (SUCCESS, (1, 0, 1))


def test_a_client_is_served(start: Start, root: Path) -> None:
    port = free_port()
    calls = start([listen_record(f"127.0.0.1:{port}"), directory_record(root, "/")])
    assert preopens(calls) == ["/"]
    assert calls.guest.call("fd_prestat_get", 4, 0x9000) == "badf"
    error, (filetype, flags, base, _) = calls.fdstat(4)
    assert (error, filetype, flags) == (SUCCESS, STREAM, NONBLOCK)
    assert base & (1 << 29 | 1 << 27) == 1 << 29 | 1 << 27  # sock_accept, poll_fd_readwrite
    assert calls.stat(4)[1].filetype == STREAM
    assert accept(calls, 4)[0] == "again"
    assert calls.fdstat(5)[0] == "badf"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        waited(calls, 4)
        assert accept(calls, 4) == (SUCCESS, 5)
        assert calls.fdstat(5)[1][:2] == (STREAM, 0)
        assert accept(calls, 4)[0] == "again"
        client.sendall(b"question")
        waited(calls, 5)
        assert calls.read(5, 4) == (SUCCESS, b"ques")
        assert receive(calls, 5, 10) == (SUCCESS, b"tion", 0)
        assert calls.write(5, b"answer ") == (SUCCESS, 7)
        assert send(calls, 5, b"and more") == SUCCESS
        assert calls.guest.call("sock_shutdown", 5, 2) == SUCCESS
        assert client.makefile("rb").read() == b"answer and more"
    assert calls.read(5, 4) == (SUCCESS, b"")
    assert calls.close(5) == SUCCESS
    assert calls.close(4) == SUCCESS
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=60)


def test_accepting_can_be_made_to_wait(start: Start) -> None:
    port = free_port()
    calls = start([listen_record(f"127.0.0.1:{port}")])
    assert calls.guest.call("fd_fdstat_set_flags", 3, 0) == SUCCESS
    calls.guest.start("sock_accept", 3, NONBLOCK, 0x9000)  # type: ignore[attr-defined]
    with socket.create_connection(("127.0.0.1", port), timeout=60):
        assert calls.guest.finish() == SUCCESS  # type: ignore[attr-defined]
        assert calls.fdstat(4)[1][:2] == (STREAM, NONBLOCK)
        assert calls.read(4, 1)[0] == "again"


def test_addresses_are_listened_at_in_the_order_given(start: Start) -> None:
    ports = free_ports(4)
    builders = [listen_record(f"127.0.0.1:{port}") for port in ports[:2]]
    calls = started(start(builders, environment={"WAOT_LISTEN": f"127.0.0.1:{ports[2]};127.0.0.1:{ports[3]}"}))
    for number, port in enumerate(ports):
        with socket.create_connection(("127.0.0.1", port), timeout=60):
            waited(calls, 3 + number)
            assert accept(calls, 3 + number)[0] == SUCCESS


def test_an_address_can_be_used_again_at_once(start: Start) -> None:
    port = free_port()
    for _ in range(2):
        calls = started(start([listen_record(f"127.0.0.1:{port}")]))
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            waited(calls, 3)
            assert accept(calls, 3)[0] == SUCCESS
            calls.guest.close()  # its side first: the connection stays for a while in the kernel
            assert client.recv(1) == b""


def test_all_of_ipv6_is_not_all_of_ipv4(start: Start) -> None:
    if not has_version6():
        pytest.skip("no IPv6 here")
    port = free_port()
    calls = started(start([listen_record(f"[::]:{port}"), listen_record(f"0.0.0.0:{port}")]))
    for address, fd in (("::1", 3), ("127.0.0.1", 4)):
        with socket.create_connection((address, port), timeout=60):
            waited(calls, fd)
            assert accept(calls, fd)[0] == SUCCESS


# ---------------------------------------------------------------- what cannot be


def test_an_address_in_use(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        calls = start([listen_record(address)], stderr=subprocess.PIPE)
        assert refusal(calls) == f"cannot listen at '{address}': the address is in use"
        calls = start(environment={"WAOT_LISTEN": address}, stderr=subprocess.PIPE)
        assert refusal(calls) == f"cannot listen at '{address}': the address is in use"


def test_an_address_of_another_machine(start: Start) -> None:
    calls = start([listen_record("192.0.2.1:9999")], stderr=subprocess.PIPE)  # RFC 5737: nobody's
    assert refusal(calls) == "cannot listen at '192.0.2.1:9999': this machine does not have that address"


WRONG = [
    *("foo", "localhost:80", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:080x"),
    *(
        "127.0.0:80",
        "127.0.0.256:80",
        "127.0.0.1.1:80",
        "0x7f.0.0.1:80",
        "127.0.0.01:80",
        "127.00.0.1:80",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "::1:80",
    ),
    *(
        "[::1]",
        "[::1:80",
        "[]:80",
        "[:]:80",
        "[:::]:80",
        "[:::1]:80",
        "[1:::2]:80",
        "[1::2:::3]:80",
        "[1::2::3]:80",
        "[1:2:3:4:5:6:7]:80",
        "[g::]:80",
        "[::1]80",
    ),
    *("[1:2:3:4:5:6:7:8:9]:80", "[1:2:3:4:5:6:7:8::]:80", "[::12345]:80", "[:1::]:80", "[1:]:80", "[::1%lo]:80"),
    *(
        "[::1.2.3]:80",
        "[::1.2.3.4.5]:80",
        "[1:2:3:4:5:6:7:1.2.3.4]:80",
        "[127.0.0.1]:80",
        "127.0.0.1:80 ",
        "[::ffff:1.2.3.4:5]:80",
    ),
]


@pytest.mark.parametrize("address", WRONG)
def test_what_is_no_address(start: Start, address: str) -> None:
    calls = start(environment={"WAOT_LISTEN": address}, stderr=subprocess.PIPE)
    forms = "use ADDR:PORT with a numeric address, IPv6 in brackets"
    assert refusal(calls) == f"cannot listen at '{address}': {forms}"


def spellings(address: ipaddress.IPv6Address, choice: random.Random) -> str:
    """One of the ways to write an address (RFC 4291, 2.2)."""
    if choice.random() < 0.3:
        return choice.choice([address.compressed, address.exploded, address.compressed.upper()])
    groups = [f"{int(group, 16):{choice.choice(['x', 'X', '04x'])}}" for group in address.exploded.split(":")]
    if choice.random() < 0.4:
        groups[6:] = [str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))]
    zeros = [i for i, group in enumerate(groups) if "." not in group and int(group, 16) == 0]
    if not zeros or choice.random() < 0.2:
        return ":".join(groups)
    first = last = choice.choice(zeros)
    while last + 1 in zeros and choice.random() < 0.8:
        last += 1
    return ":".join(groups[:first]) + "::" + ":".join(groups[last + 1 :])


def test_every_spelling_of_an_address(start: Start) -> None:
    if not has_version6():
        pytest.skip("no IPv6 here")
    choice = random.Random(20)
    texts = []
    expected = free_ports(40, "::1")
    for port in expected:
        text = spellings(ipaddress.IPv6Address("::1"), choice)
        assert ipaddress.IPv6Address(text) == ipaddress.IPv6Address("::1"), text
        texts.append(f"[{text}]:{port}")
    calls = started(start(environment={"WAOT_LISTEN": ";".join(texts)}))
    for number, port in enumerate(expected):
        with socket.create_connection(("::1", port), timeout=60):
            waited(calls, 3 + number)
            assert accept(calls, 3 + number)[0] == SUCCESS


def test_a_sealed_program_listens_only_where_its_builder_said(start: Start) -> None:
    port = free_port()
    calls = start([listen_record(f"127.0.0.1:{port}"), SEALED], environment={"WAOT_LISTEN": "nonsense"})
    assert calls.fdstat(3)[1][0] == STREAM
    assert calls.fdstat(4)[0] == "badf"
