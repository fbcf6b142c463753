"""Filters of system calls, for every architecture: evaluated as the kernel does, against rules said here once more."""

from __future__ import annotations

import functools
import itertools
import random

import pytest

from tests.linker.system_calls import header_numbers
from tests.wasi.guest import functions
from waot.errors import ToolError
from waot.linker.confine import (
    ALL_GRANTS,
    ALLOW,
    ERRNO,
    FACILITIES,
    KILL,
    MAXIMUM_INSTRUCTIONS,
    READ,
    SOCKETS,
    WRITE,
    Filter,
    allowed_calls,
    call_numbers,
    decode_filters,
    encode_filters,
    evaluate,
    make_filter,
    make_filters,
)

# AUDIT_ARCH_*: ELF's number of the machine, with bits for 64-bit and little-endian.
MACHINES = {"x86_64": 62 | 3 << 30, "aarch64": 183 | 3 << 30, "riscv64": 243 | 3 << 30}
FOREIGN = {"x86_64": 3 | 1 << 30, "aarch64": 40 | 1 << 30, "riscv64": 243 | 1 << 30}  # its 32-bit sibling
OF_32_BITS = {"x86": 3 | 1 << 30, "arm": 40 | 1 << 30, "riscv32": 243 | 1 << 30}

every_architecture = pytest.mark.parametrize("arch", MACHINES)

ALL = frozenset(f.name for f in functions())
PATHS = frozenset(name for name in ALL if name.startswith("path_"))
HELLO = frozenset({"fd_write", "fd_close", "fd_seek", "fd_fdstat_get", "proc_exit"})
CAT = HELLO | {"fd_read", "path_open", "fd_prestat_get", "fd_prestat_dir_name"}
SETS = [frozenset(), HELLO, CAT, ALL - PATHS, PATHS, ALL]
GRANTS = [0, READ, READ | WRITE, SOCKETS, READ | SOCKETS, ALL_GRANTS]

TAKE_A_PATH = {
    *("open", "creat", "stat", "lstat", "access", "unlink", "mkdir", "rmdir", "rename", "link", "symlink", "readlink"),
    *("chmod", "chown", "chdir", "truncate", "execve", "execveat", "openat", "openat2", "newfstatat", "statx"),
    *("mkdirat", "unlinkat", "renameat", "renameat2", "linkat", "symlinkat", "readlinkat", "faccessat", "fchmodat"),
    *("fchownat", "mknod", "mknodat", "mount", "chroot", "pivot_root", "statfs", "inotify_add_watch", "utime"),
    *("setxattr", "getxattr", "name_to_handle_at", "open_by_handle_at", "swapon", "acct", "uselib"),
}
CHANGE_A_DIRECTORY = {"mkdirat", "unlinkat", "renameat", "renameat2", "linkat", "symlinkat"}
ON_SOCKETS = {"accept4", "recvmsg", "sendmsg", "shutdown"}
# What no program of ours may ever do.
NEVER = {
    *("execve", "execveat", "fork", "vfork", "clone", "clone3", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "sendto", "recvfrom", "tkill"),
    *("rt_sigqueueinfo", "pidfd_open", "pidfd_send_signal", "pidfd_getfd", "prctl", "seccomp", "setuid", "setgid"),
    *("setresuid", "capset", "mount", "umount2", "chroot", "unshare", "setns", "bpf", "io_uring_setup", "keyctl"),
    *("userfaultfd", "perf_event_open", "memfd_create", "mremap", "pkey_mprotect", "remap_file_pages", "shmat"),
    *("init_module", "finit_module", "kexec_load", "reboot", "personality", "arch_prctl", "modify_ldt", "iopl"),
    *("setrlimit", "prlimit64", "open", "creat", "chmod", "fchmod", "fchown", "dup", "dup2", "dup3", "sendfile"),
}


def decision(program: bytes, arch: str, number: int, *arguments: int) -> int:
    return evaluate(program, number, (MACHINES | OF_32_BITS)[arch], arguments)


@functools.lru_cache(200)
def allowed(program: bytes, arch: str) -> set[str]:
    """Calls that are allowed with some of a few arguments, by their names in the headers."""
    tried = [(0,) * 6, (0, 3), (0, 0x5401), (0xFFFFFFFF,), (0, 0, 14)]
    names = {number: name for name, number in header_numbers(arch).items()}
    return {
        names.get(number, str(number))
        for number in range(600)
        if any(decision(program, arch, number, *arguments) == ALLOW for arguments in tried)
    }


@every_architecture
def test_the_numbers_are_those_of_the_headers(arch: str) -> None:
    assert call_numbers(arch) == {name: header_numbers(arch)[name] for name in call_numbers(arch)}


@pytest.mark.parametrize("arch", OF_32_BITS)
def test_the_numbers_of_32_bits_are_those_of_the_headers(arch: str) -> None:
    numbers = call_numbers(arch)
    old = {"clock_gettime", "clock_getres"}  # the headers have them under other names, or as sums
    assert {name: number for name, number in numbers.items() if name not in old} == {
        name: header_numbers(arch)[name] for name in numbers if name not in old
    }


@every_architecture
@pytest.mark.parametrize("imports", SETS, ids=len)
@pytest.mark.parametrize("grants", GRANTS)
def test_what_is_allowed_follows_from_imports_and_grants(arch: str, imports: frozenset[str], grants: int) -> None:
    program = make_filter(arch, imports, FACILITIES - {"threads"}, grants)
    found = allowed(program, arch)
    assert {"write", "exit_group", "rt_sigreturn", "rt_sigaction", "mmap", "mprotect", "munmap"} <= found
    assert not found & NEVER
    assert not any(name.isdigit() for name in found)  # numbers without a name
    if not (grants & READ and imports & PATHS):
        # Some file systems do not say in a directory what its entries are.
        assert found & TAKE_A_PATH <= ({"newfstatat"} if grants & READ and "fd_readdir" in imports else set())
    if not grants & WRITE:
        assert not found & CHANGE_A_DIRECTORY
    if not grants & SOCKETS:
        assert not found & ON_SOCKETS
    assert ("openat" in found) == bool(grants & READ and imports & PATHS)
    assert ("read" in found) == ("fd_read" in imports)
    assert ("getrandom" in found) == ("random_get" in imports)
    assert ("unlinkat" in found) == bool(grants & WRITE and imports & {"path_unlink_file", "path_remove_directory"})
    assert ("accept4" in found) == bool(grants & SOCKETS and "sock_accept" in imports)
    assert found == set(allowed_calls(program, arch))


@every_architecture
@pytest.mark.parametrize("grants", GRANTS)
def test_calls_on_sockets_that_are_imported_are_errors_or_allowed(arch: str, grants: int) -> None:
    numbers = header_numbers(arch)
    for imports, name in (({"sock_recv"}, "recvmsg"), ({"sock_send"}, "sendmsg"), ({"sock_shutdown"}, "shutdown")):
        program = make_filter(arch, imports, (), grants)
        assert decision(program, arch, numbers[name]) == (ALLOW if grants & SOCKETS else ERRNO | 88)
        assert decision(program, arch, numbers["accept4"]) == KILL


@every_architecture
@pytest.mark.parametrize("grants", GRANTS)
def test_no_number_of_another_abi_is_allowed(arch: str, grants: int) -> None:
    program = make_filter(arch, ALL, FACILITIES, grants)
    for number in range(512):
        assert evaluate(program, number, FOREIGN[arch]) == KILL
        assert decision(program, arch, number | 1 << 30) == KILL
    for number in (600, 1 << 16, 1 << 31, (1 << 32) - 1):
        assert decision(program, arch, number) == KILL


@every_architecture
@pytest.mark.parametrize("imports", [HELLO, ALL], ids=len)
def test_conditions_on_arguments(arch: str, imports: frozenset[str]) -> None:
    program = make_filter(arch, imports, (), ALL_GRANTS)
    numbers = header_numbers(arch)

    def ends(name: str, *arguments: int) -> bool:
        found = decision(program, arch, numbers[name], *arguments)
        assert found in (ALLOW, KILL)
        return found == KILL

    for name in ("mmap", "mprotect"):
        for protection in range(16):
            assert ends(name, 0, 4096, protection, 0x22) == bool(protection & 4)
        assert ends(name, 0, 4096, 1 << 40 | 7)
    assert [advice for advice in range(64) if not ends("madvise", 0, 4096, advice)] == [14]
    assert [command for command in range(2000) if not ends("fcntl", 0, command)] == (
        [3] if imports == HELLO else [3, 4, 1030]
    )
    requests = [0x5401] if imports == HELLO else [0x5401, 0x541B]
    assert [request for request in range(0x5400, 0x5500) if not ends("ioctl", 0, request)] == requests
    # The process's own number is put in when it starts; what stands there before is no process's.
    for name in ("kill", "tgkill") if imports == ALL else ("kill",):
        assert [process for process in (0, 1, 1000, 0xFFFFFFFF) if not ends(name, process, 9)] == [0xFFFFFFFF]
    assert imports == ALL or ends("tgkill", 0xFFFFFFFF, 9)


@every_architecture
def test_a_heap_of_objects_gives_pages_back(arch: str) -> None:
    program, number = make_filter(arch, HELLO, {"objects"}, ALL_GRANTS), header_numbers(arch)["madvise"]
    assert [advice for advice in range(64) if decision(program, arch, number, 0, 4096, advice) == ALLOW] == [4, 14]


@pytest.mark.parametrize("arch", [*MACHINES, *OF_32_BITS])
def test_threads_are_made_and_no_processes(arch: str) -> None:
    number = header_numbers(arch)["clone"]
    program = make_filter(arch, HELLO, {"threads"}, 0)
    thread = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x80000
    assert decision(program, arch, number, thread) == ALLOW
    for flags in (0, 17, 0x11, thread | 17, thread & ~0x100, thread & ~0x10000, thread | 0x10000000, 0x4100):
        assert decision(program, arch, number, flags) == KILL
    assert decision(make_filter(arch, ALL, FACILITIES - {"threads"}, ALL_GRANTS), arch, number, thread) == KILL


@every_architecture
def test_times_are_set_without_a_path_unless_a_directory_is_granted(arch: str) -> None:
    number = header_numbers(arch)["utimensat"]
    imports = {"fd_filestat_set_times", "path_filestat_set_times"}
    for grants in GRANTS:
        program = make_filter(arch, imports, (), grants)
        assert decision(program, arch, number, 5, 0) == ALLOW
        for path in (1, 0x1000, 1 << 32, 1 << 63):
            assert decision(program, arch, number, 5, path) == (ALLOW if grants & WRITE else KILL)


@every_architecture
def test_more_grants_and_more_imports_allow_no_less(arch: str) -> None:
    chooser = random.Random(1)
    for _ in range(4):
        few = frozenset(chooser.sample(sorted(ALL), 8))
        more = few | frozenset(chooser.sample(sorted(ALL), 8))
        for less_granted, granted in itertools.combinations(GRANTS, 2):
            if less_granted & ~granted:
                continue
            small = allowed(make_filter(arch, few, (), less_granted), arch)
            assert small <= allowed(make_filter(arch, more, FACILITIES, granted), arch)


@every_architecture
@pytest.mark.parametrize("granted", [0, READ, READ | WRITE])
@pytest.mark.parametrize("imports", SETS, ids=len)
def test_there_is_a_filter_for_every_set_of_grants_that_can_come(
    arch: str, imports: frozenset[str], granted: int
) -> None:
    filters = make_filters(arch, imports, (), granted)
    assert filters[-1].grants == ALL_GRANTS
    assert all(len(f.program) <= 8 * MAXIMUM_INSTRUCTIONS for f in filters)
    for grants in GRANTS:
        if granted & ~grants:
            continue
        chosen = next(f for f in filters if not grants & ~f.grants)  # as confine.c chooses
        assert chosen.program == make_filter(arch, imports, (), grants)


@every_architecture
def test_a_program_without_files_and_sockets_has_one_filter(arch: str) -> None:
    assert len(make_filters(arch, HELLO)) == 1


def test_filters_survive_encoding() -> None:
    for endian in ("little", "big"):
        filters = make_filters("x86_64", ALL, (), 0, endian)
        assert decode_filters(encode_filters(filters, endian), endian) == filters


@pytest.mark.parametrize("data", [b"\0", b"\7\0\0\0\2\0\0\0" + bytes(8), encode_filters([Filter(0, bytes(8))])[:-1]])
def test_damaged_filters_are_an_error(data: bytes) -> None:
    with pytest.raises(ToolError, match="damaged"):
        decode_filters(data)


@pytest.mark.parametrize("program", [b"", bytes(8), b"\x07" + bytes(7), b"\xff\xff" + bytes(6)])
def test_what_is_no_program_is_an_error(program: bytes) -> None:
    with pytest.raises(ToolError):
        evaluate(program, 0, 0)


def test_both_byte_orders_decide_alike() -> None:
    little, big = (make_filter("x86_64", ALL, (), READ, endian) for endian in ("little", "big"))
    for number in range(450):
        for argument in (0, 1, 3, 4, 1 << 32, 1 << 33 | 3):
            arguments = [argument] * 6
            found = evaluate(little, number, MACHINES["x86_64"], arguments)
            assert found == evaluate(big, number, MACHINES["x86_64"], arguments, "big")
