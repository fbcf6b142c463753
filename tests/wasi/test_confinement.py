"""What a process may still do once the shim has confined it: tried with raw system calls, as code would make them that
has broken out of the sandbox. Real processes on this machine's kernel; qemu-user has no seccomp."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import waot
from tests import tools
from tests.linker.system_calls import header_numbers
from tests.wasi.guest import OUT, SUCCESS, Calls, NativeGuest, directory_record
from waot.linker import confine

if platform.machine() != "x86_64":
    pytest.skip("raw system calls are tried on x86-64", allow_module_level=True)

NUMBERS = header_numbers("x86_64")
AT_FDCWD = -100
PROT_READ, PROT_WRITE, PROT_EXEC, MAP_PRIVATE_ANONYMOUS = 1, 2, 4, 0x22
PLAIN = frozenset({"fd_read", "fd_write", "fd_close", "fd_fdstat_get", "clock_time_get", "random_get", "proc_raise"})

Start = Callable[..., Calls]


@pytest.fixture
def start() -> Iterator[Start]:
    guests = []

    def start_one(**options: object) -> Calls:
        guests.append(NativeGuest(**options))  # type: ignore[arg-type]
        return Calls(guests[-1])

    yield start_one
    for guest in guests:
        guest.close()


def call(calls: Calls, name: str, *arguments: int) -> int:
    assert isinstance(calls.guest, NativeGuest)
    return calls.guest.system_call(NUMBERS[name], *arguments)


def status(calls: Calls) -> dict[str, str]:
    assert isinstance(calls.guest, NativeGuest)
    calls.guest.read(0, 1)  # it has started
    text = Path(f"/proc/{calls.guest.process.pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s+(.*)$", text, re.MULTILINE))


def ends(calls: Calls, name: str, *arguments: int) -> bool:
    """Whether the call ends the process, and by SIGSYS."""
    assert isinstance(calls.guest, NativeGuest)
    try:
        call(calls, name, *arguments)
    except EOFError:
        assert calls.guest.process.wait() == -signal.SIGSYS
        return True
    return False


def test_a_process_has_given_up_new_privileges_and_system_calls(start: Start) -> None:
    found = status(start())
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")


# ---------------------------------------------------------------- what ends it

PATH = b"/etc/hostname\0"
WHATEVER_THE_GRANTS = {
    "execve": (0, 0, 0),
    "execveat": (AT_FDCWD, 0, 0, 0, 0),
    "fork": (),
    "vfork": (),
    "clone": (0x11, 0),
    "clone3": (0, 0),
    "ptrace": (0,),
    "process_vm_readv": (1,),
    "process_vm_writev": (1,),
    "prctl": (38, 1),
    "seccomp": (1, 0, 0),
    "socket": (2, 1, 0),
    "socketpair": (1, 1, 0, OUT),
    "connect": (0, 0, 0),
    "bind": (0, 0, 0),
    "listen": (0, 1),
    "sendto": (0, 0, 0),
    "kill": (1, 0),
    "tgkill": (1, 1, 0),
    "tkill": (1, 0),
    "pidfd_open": (1, 0),
    "rt_sigqueueinfo": (1, 10, 0),
    "open": (0, 0),
    "creat": (0, 0),
    "stat": (0, 0),
    "unlink": (0,),
    "chdir": (0,),
    "chroot": (0,),
    "mount": (0, 0, 0),
    "setuid": (0,),
    "setrlimit": (0, 0),
    "io_uring_setup": (1, 0),
    "bpf": (0,),
    "userfaultfd": (0,),
    "memfd_create": (0, 0),
    "mremap": (0,),
    "pkey_mprotect": (0, 4096, 0, 0),
    "remap_file_pages": (0,),
    "personality": (0xFFFFFFFF,),
    "modify_ldt": (0,),
    "keyctl": (0,),
    "perf_event_open": (0,),
    "shmget": (0,),
    "dup": (0,),
    "dup2": (0, 1),
    "fchmod": (0, 0),
    "chmod": (0, 0),
    "sendfile": (0, 0),
    "mmap of code": (0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE_ANONYMOUS, -1, 0),
    "mprotect of code": (0, 0, PROT_EXEC),
    "ioctl of a terminal's input": (0, 0x5412, 0),  # TIOCSTI
    "fcntl of an owner": (0, 8, 1),  # F_SETOWN: signals to another process
}


@pytest.mark.parametrize("name", WHATEVER_THE_GRANTS)
def test_no_grant_lets_these_calls_through(start: Start, root: Path, name: str) -> None:
    calls = start(records=[directory_record(root, "/")], stdin=socket.socketpair()[0].fileno())
    assert ends(calls, name.partition(" ")[0], *WHATEVER_THE_GRANTS[name])


def test_calls_of_another_abi_end_it(start: Start) -> None:
    """x32: the same numbers with bit 30, and the same architecture in the eyes of a filter."""
    calls = start()
    assert isinstance(calls.guest, NativeGuest)
    with pytest.raises(EOFError):
        calls.guest.system_call(NUMBERS["getpid"] | 1 << 30)
    assert calls.guest.process.wait() == -signal.SIGSYS


WITH_A_PATH = {
    "openat": (AT_FDCWD, 0x1000, 0),
    "openat2": (AT_FDCWD, 0x1000, 0, 24),
    "newfstatat": (AT_FDCWD, 0x1000, OUT, 0),
    "readlinkat": (AT_FDCWD, 0x1000, OUT, 8),
    "getdents64": (3, OUT, 8),
}
TO_WRITE = {
    "mkdirat": (AT_FDCWD, 0x1000, 0),
    "unlinkat": (AT_FDCWD, 0x1000, 0),
    "renameat2": (AT_FDCWD, 0x1000, AT_FDCWD, 0x1000, 0),
    "linkat": (AT_FDCWD, 0x1000, AT_FDCWD, 0x1000, 0),
    "symlinkat": (0x1000, AT_FDCWD, 0x1000),
    "utimensat": (AT_FDCWD, 0x1000, 0, 0),
}
OF_SOCKETS = {
    "accept4": (0, 0, 0, 0),
    "recvmsg": (0, 0, 0),
    "sendmsg": (0, 0, 0),
    "shutdown": (0, 0),
}


@pytest.mark.parametrize("name", [*WITH_A_PATH, *TO_WRITE])
def test_without_a_directory_nothing_is_opened_or_changed(start: Start, name: str) -> None:
    assert ends(start(), name, *(WITH_A_PATH | TO_WRITE)[name])


@pytest.mark.parametrize("name", [*WITH_A_PATH, *TO_WRITE])
def test_a_directory_for_reading_opens_reading_and_nothing_else(start: Start, root: Path, name: str) -> None:
    calls = start(records=[directory_record(root, "/", read_only=True)])
    assert ends(calls, name, *(WITH_A_PATH | TO_WRITE)[name]) == (name in TO_WRITE)


@pytest.mark.parametrize("name", [*WITH_A_PATH, *TO_WRITE])
def test_a_directory_opens_reading_and_writing(start: Start, root: Path, name: str) -> None:
    assert not ends(start(records=[directory_record(root, "/")]), name, *(WITH_A_PATH | TO_WRITE)[name])


@pytest.mark.parametrize("name", [*WITH_A_PATH, *TO_WRITE])
def test_what_is_not_imported_is_not_allowed_whatever_is_granted(start: Start, root: Path, name: str) -> None:
    calls = start(records=[directory_record(root, "/")], imports=PLAIN)
    assert ends(calls, name, *(WITH_A_PATH | TO_WRITE)[name])


@pytest.mark.parametrize("name", OF_SOCKETS)
def test_calls_on_sockets_fail_where_there_are_none(start: Start, name: str) -> None:
    """With the kernel's own word: the guest can call these functions with any descriptor."""
    assert call(start(), name, *OF_SOCKETS[name]) == -errno.ENOTSOCK


@pytest.mark.parametrize("name", OF_SOCKETS)
def test_calls_on_sockets_are_allowed_where_a_standard_stream_is_one(start: Start, name: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        results = {"shutdown": 0, "accept4": -errno.EINVAL}
        calls = start(stdin=theirs.fileno())
        assert call(calls, name, *OF_SOCKETS[name]) == results.get(name, -errno.EFAULT)


@pytest.mark.parametrize("name", OF_SOCKETS)
def test_calls_on_sockets_that_are_not_imported_end_it(start: Start, name: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert ends(start(stdin=theirs.fileno(), imports=PLAIN), name, *OF_SOCKETS[name])


def test_a_process_may_raise_a_signal_in_itself_and_in_no_other(start: Start) -> None:
    calls = start(imports=PLAIN)
    own = call(calls, "getpid")
    assert call(calls, "kill", own, 0) == 0
    assert ends(calls, "kill", os.getpid(), 0)


def test_a_descriptors_times_are_set_without_a_path(start: Start) -> None:
    calls = start(imports=PLAIN | {"fd_filestat_set_times"})
    assert call(calls, "utimensat", 1000, 0, 0, 0) == -errno.EBADF
    assert ends(calls, "utimensat", AT_FDCWD, 1 << 40, 0, 0)


def test_memory_may_be_had_for_data(start: Start) -> None:
    calls = start(imports=frozenset())
    at = call(calls, "mmap", 0, 8192, PROT_READ, MAP_PRIVATE_ANONYMOUS, -1, 0)
    assert at > 0
    assert call(calls, "mprotect", at, 8192, PROT_READ | PROT_WRITE) == 0
    assert call(calls, "munmap", at, 8192) == 0
    assert ends(calls, "mprotect", at, 8192, PROT_READ | PROT_WRITE | PROT_EXEC)


# ---------------------------------------------------------------- where the system refuses


def refuse(what: str, error: int) -> Callable[[], None]:
    """For a new process: an outer filter, like a container's, that answers seccomp or prctl with `error`."""

    def install() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        code = [(0x20, 0, 0, 0), (0x15, 0, 1, NUMBERS[what]), (0x06, 0, 0, 0x50000 | error), (0x06, 0, 0, 0x7FFF0000)]
        data = b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
        program = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(buffer := ctypes.create_string_buffer(data)))
        assert buffer
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0, os.strerror(ctypes.get_errno())

    return install


REFUSALS = [(what, error) for what in ("seccomp", "prctl") for error in (errno.EPERM, errno.EINVAL, errno.ENOSYS)]


@pytest.mark.parametrize(("what", "error"), REFUSALS)
def test_a_process_runs_where_the_system_refuses_the_filter(start: Start, what: str, error: int) -> None:
    calls = start(prepare=refuse(what, error))
    assert status(calls)["Seccomp_filters"] == "1"  # the outer one
    assert calls.guest.call("clock_time_get", 0, 0, OUT) == SUCCESS


@pytest.mark.parametrize(("what", "error"), REFUSALS)
def test_a_process_that_requires_the_filter_does_not_run_then(what: str, error: int) -> None:
    guest = NativeGuest(prepare=refuse(what, error), require_filter=True, stderr=subprocess.PIPE)
    try:
        assert guest.process.wait(30) == 1
        assert guest.process.stderr is not None
        told = guest.process.stderr.read()
        assert told == b"waot: the system refuses to filter its calls\n"
    finally:
        guest.close()


def test_a_process_that_requires_the_filter_runs_where_it_is_given(start: Start) -> None:
    assert status(start(require_filter=True))["Seccomp"] == "2"


def test_an_outer_filter_stays_on_top(start: Start) -> None:
    calls = start(prepare=refuse("sched_yield", errno.ENOSPC))
    assert status(calls)["Seccomp_filters"] == "2"
    assert calls.guest.call("sched_yield") == "nospc"


# ---------------------------------------------------------------- programs

WAITING = '#include <stdio.h>\nint main(void) { puts("ready"); fflush(stdout); return getchar(); }\n'


@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
@pytest.mark.parametrize(("choice", "seccomp"), [("default", "2"), ("required", "2"), ("off", "0")])
def test_a_programs_status_is_as_it_was_built(tmp_path: Path, memory: str, choice: str, seccomp: str) -> None:
    source = tmp_path / "waiting.c"
    source.write_text(WAITING)
    program = tmp_path / "waiting"
    waot.build(tools.compile_to_wasm(source), program, opt_level="0", memory=memory, seccomp=choice)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        found = Path(f"/proc/{process.pid}/status").read_text()
        process.communicate(b"\x07")
    assert f"\nSeccomp:\t{seccomp}\n" in found
    assert f"\nNoNewPrivs:\t{int(seccomp == '2')}\n" in found
    assert process.returncode == 7


def test_a_program_that_requires_the_filter_says_so_where_it_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "waiting.c"
    source.write_text(WAITING)
    wasm = tools.compile_to_wasm(source)
    outcomes = {}
    for choice in ("default", "required", "off"):
        waot.build(wasm, tmp_path / choice, opt_level="0", seccomp=choice)
        done = subprocess.run(
            [tmp_path / choice], input=b"\x07", capture_output=True, preexec_fn=refuse("seccomp", errno.EPERM)
        )
        outcomes[choice] = (done.returncode, done.stdout, done.stderr)
    refused = b"waot: the system refuses to filter its calls\n"
    assert outcomes == {"default": (7, b"ready\n", b""), "required": (1, b"", refused), "off": (7, b"ready\n", b"")}


def test_the_shim_makes_no_call_that_the_filters_do_not_know() -> None:
    """But before they are there, and for a kernel that has no other."""
    found: set[str] = set()
    for file in (Path(__file__).parents[2] / "runtime-support").rglob("*.c"):
        if "freebsd" in file.parts:  # whose calls have other names and numbers
            continue
        found |= set(re.findall(r"\bSYS_(\w+)", file.read_text()))
    at_start = {"prctl", "seccomp", "sigaltstack", "socket", "bind", "listen", "setsockopt"}
    of_32_bits = {name for name in found if name.endswith(("64", "32")) and name not in NUMBERS} | {"statx", "_llseek"}
    # C libraries call those with times of 32 bits by other names than the kernel.
    kernels = {re.sub(r"(_time)?32$", "", name) for name in of_32_bits}
    assert kernels <= set(confine.call_numbers("arm")) | {"fadvise64_64", "fadvise64"}
    assert found - at_start - of_32_bits - set(map(str.lower, ["OPENAT2"])) <= set(confine.call_numbers("x86_64"))
