"""What an executable may still ask of Linux once it has started: filters of system calls (seccomp(2)).

The shim makes few system calls, and which of them a program can come to is known when it is built: it follows from the
WASI functions that it imports and from what it is granted. So the filter is made here, as the classic BPF program that
the kernel takes, and the shim installs it after it has opened what is granted and before the module runs
(runtime-support/os/linux/confine.c). Whoever starts the program may grant more, so there is a filter for each set of
`GRANTS` that makes a difference; mostly that is one.

What no filter allows ends the process: the shim never does it, so it is not the shim that does it. What a guest can
provoke with what it has been given (a call for sockets on a descriptor that is none) is answered with the error that
the kernel would give.

A filter begins with an instruction (TAX) that Linux's search for calls that are always allowed (5.11 and newer) does
not know. That search runs a filter for each of 900 numbers, which is most of what installing one costs, and what it
finds saves tens of nanoseconds a call. Only programs that can open files let it see the calls that move data.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from waot.errors import ToolError

# Grants, as bits: WAOT_CONFINE_* of runtime-support/os/os.h.
READ = 1  # a directory or a file
WRITE = 2  # one that is not for reading only
SOCKETS = 4  # a socket: one to listen on, or a standard stream
ALL_GRANTS = READ | WRITE | SOCKETS
MAXIMUM_INSTRUCTIONS = 250  # jumps reach 255; confine.c has room for 256

_ARCHITECTURES = {  # AUDIT_ARCH_*
    "x86_64": 0xC000003E,
    "aarch64": 0xC00000B7,
    "riscv64": 0xC00000F3,
    "s390x": 0x80000016,
    "powerpc64le": 0xC0000015,
    "loongarch64": 0xC0000102,
    "x86": 0x40000003,
    "arm": 0x40000028,
    "riscv32": 0x400000F3,
}

# The numbers: of x86-64, and of the architectures that share asm-generic/unistd.h.
_NUMBERS = """
accept4 288 242           clock_getres 229 114      clock_gettime 228 113     clone 56 220
close 3 57                exit 60 93                exit_group 231 94         fadvise64 221 223
fallocate 285 47          fcntl 72 25               fdatasync 75 83           fstat 5 80
fsync 74 82               ftruncate 77 46           futex 202 98              getdents64 217 61
getpid 39 172             getrandom 318 278         getsockopt 55 209         gettid 186 178
ioctl 16 29               kill 62 129               linkat 265 37             lseek 8 62
madvise 28 233            mkdirat 258 34            mmap 9 222                mprotect 10 226
munmap 11 215             newfstatat 262 79         openat 257 56             openat2 437 437
ppoll 271 73              pread64 17 67             preadv 295 69             pwrite64 18 68
pwritev 296 70            read 0 63                 readlinkat 267 78         readv 19 65
recvmsg 47 212            renameat2 316 276         restart_syscall 219 128   rt_sigaction 13 134
rt_sigprocmask 14 135     rt_sigreturn 15 139       sched_yield 24 124        sendmsg 46 211
shutdown 48 210           sigaltstack 131 132       statx 332 291             symlinkat 266 36
sysinfo 99 179            tgkill 234 131            unlinkat 263 35           utimensat 280 88
write 1 64                writev 20 66
"""

# Of architectures that have numbers of their own.
_OWN_NUMBERS = {
    "x86": """
_llseek 140               accept4 364               clock_getres 266          clock_getres_time64 406
clock_gettime 265         clock_gettime64 403       clone 120                 close 6
exit 1                    exit_group 252            fadvise64_64 272          fallocate 324
fcntl64 221               fdatasync 148             fsync 118                 ftruncate64 194
futex 240                 futex_time64 422          getdents64 220            getpid 20
getrandom 355             getsockopt 365            gettid 224                ioctl 54
kill 37                   linkat 303                madvise 219               mkdirat 296
mmap2 192                 mprotect 125              munmap 91                 openat 295
openat2 437               ppoll 309                 ppoll_time64 414          preadv 333
pwritev 334               read 3                    readlinkat 305            readv 145
recvmsg 372               renameat2 353             restart_syscall 0         rt_sigaction 174
rt_sigprocmask 175        rt_sigreturn 173          sched_yield 158           sendmsg 370
shutdown 373              sigaltstack 186           statx 383                 symlinkat 304
sysinfo 116               tgkill 270                unlinkat 301              utimensat 320
utimensat_time64 412      write 4                   writev 146
""",
    "arm": """
_llseek 140               accept4 366               arm_fadvise64_64 270      clock_getres 264
clock_getres_time64 406   clock_gettime 263         clock_gettime64 403       clone 120
close 6                   exit 1                    exit_group 248            fallocate 352
fcntl64 221               fdatasync 148             fsync 118                 ftruncate64 194
futex 240                 futex_time64 422          getdents64 217            getpid 20
getrandom 384             getsockopt 295            gettid 224                ioctl 54
kill 37                   linkat 330                madvise 220               mkdirat 323
mmap2 192                 mprotect 125              munmap 91                 openat 322
openat2 437               ppoll 336                 ppoll_time64 414          preadv 361
pwritev 362               read 3                    readlinkat 332            readv 145
recvmsg 297               renameat2 382             restart_syscall 0         rt_sigaction 174
rt_sigprocmask 175        rt_sigreturn 173          sched_yield 158           sendmsg 296
shutdown 293              sigaltstack 186           statx 397                 symlinkat 331
sysinfo 116               tgkill 268                unlinkat 328              utimensat 348
utimensat_time64 412      write 4                   writev 146
""",
    "riscv32": """
_llseek 62                accept4 242               clock_getres_time64 406   clock_gettime64 403
clone 220                 close 57                  exit 93                   exit_group 94
fadvise64_64 223          fallocate 47              fcntl64 25                fdatasync 83
fsync 82                  ftruncate64 46            futex_time64 422          getdents64 61
getpid 172                getrandom 278             getsockopt 209            gettid 178
ioctl 29                  kill 129                  linkat 37                 madvise 233
mkdirat 34                mmap2 222                 mprotect 226              munmap 215
openat 56                 openat2 437               ppoll_time64 414          preadv 69
pwritev 70                read 63                   readlinkat 78             readv 65
recvmsg 212               renameat2 276             restart_syscall 128       rt_sigaction 134
rt_sigprocmask 135        rt_sigreturn 139          sched_yield 124           sendmsg 211
shutdown 210              sigaltstack 132           statx 291                 symlinkat 36
sysinfo 179               tgkill 131                unlinkat 35               utimensat_time64 412
write 64                  writev 66
""",
    "s390x": """
accept4 364               clock_getres 261          clock_gettime 260         clone 120
close 6                   exit 1                    exit_group 248            fadvise64 253
fallocate 314             fcntl 55                  fdatasync 148             fstat 108
fsync 118                 ftruncate 93              futex 238                 getdents64 220
getpid 20                 getrandom 349             getsockopt 365            gettid 236
ioctl 54                  kill 37                   linkat 296                lseek 19
madvise 219               mkdirat 289               mmap 90                   mprotect 125
munmap 91                 newfstatat 293            openat 288                openat2 437
ppoll 302                 pread64 180               preadv 328                pwrite64 181
pwritev 329               read 3                    readlinkat 298            readv 145
recvmsg 372               renameat2 347             restart_syscall 7         rt_sigaction 174
rt_sigprocmask 175        rt_sigreturn 173          sched_yield 158           sendmsg 370
shutdown 373              sigaltstack 186           statx 379                 symlinkat 297
sysinfo 116               tgkill 241                unlinkat 294              utimensat 315
write 4                   writev 146
""",
    "powerpc64le": """
accept4 344               clock_getres 247          clock_gettime 246         clone 120
close 6                   exit 1                    exit_group 234            fadvise64 233
fallocate 309             fcntl 55                  fdatasync 148             fstat 108
fsync 118                 ftruncate 93              futex 221                 getdents64 202
getpid 20                 getrandom 359             getsockopt 340            gettid 207
ioctl 54                  kill 37                   linkat 294                lseek 19
madvise 205               mkdirat 287               mmap 90                   mprotect 125
munmap 91                 newfstatat 291            openat 286                openat2 437
ppoll 281                 pread64 179               preadv 320                pwrite64 180
pwritev 321               read 3                    readlinkat 296            readv 145
recvmsg 342               renameat2 357             restart_syscall 0         rt_sigaction 173
rt_sigprocmask 174        rt_sigreturn 172          sched_yield 158           sendmsg 341
shutdown 338              sigaltstack 185           statx 383                 symlinkat 295
sysinfo 116               tgkill 250                unlinkat 292              utimensat 304
write 4                   writev 146
""",
}


def call_numbers(arch: str) -> dict[str, int]:
    """The number of each system call that the shim makes after its start."""
    if arch in _OWN_NUMBERS:
        words = _OWN_NUMBERS[arch].split()
        return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}
    words = _NUMBERS.split()
    column = 1 if arch == "x86_64" else 2
    return {words[i]: int(words[i + column]) for i in range(0, len(words), 3)}


# ---------------------------------------------------------------- which calls

# A word is the name of a call; one with a colon allows it under a condition, of which a call may have several.

# Reports, traps, the end of the program and its memory.
_ALWAYS = "write rt_sigaction rt_sigreturn exit_group getpid kill:itself madvise:large mmap:data mprotect:data munmap"
# What the shim asks about descriptors that it has.
_LOOK = "fstat fcntl:F_GETFL ioctl:TCGETS getsockopt lseek"
_BENEATH = "openat openat2 readlinkat close newfstatat"

# By WASI function: calls that it makes with what every program has, with a directory, and with one to write to.
_FUNCTIONS: dict[str, tuple[str, str, str]] = {
    "clock_res_get": ("clock_getres", "", ""),
    "clock_time_get": ("clock_gettime", "", ""),
    "fd_advise": (f"{_LOOK} fadvise64", "", ""),
    "fd_allocate": (f"{_LOOK} fallocate", "", ""),
    "fd_close": (f"{_LOOK} close", "", ""),
    "fd_datasync": (f"{_LOOK} fdatasync", "", ""),
    "fd_fdstat_get": (_LOOK, "", ""),
    "fd_fdstat_set_flags": (f"{_LOOK} fcntl:F_SETFL", "", ""),
    "fd_fdstat_set_rights": (_LOOK, "", ""),
    "fd_filestat_get": (_LOOK, "", ""),
    "fd_filestat_set_size": (f"{_LOOK} ftruncate", "", ""),
    "fd_filestat_set_times": (f"{_LOOK} utimensat:open", "", ""),
    "fd_pread": (f"{_LOOK} pread64 preadv", "", ""),
    "fd_pwrite": (f"{_LOOK} pwrite64 pwritev", "", ""),
    "fd_read": (f"{_LOOK} read readv", "", ""),
    "fd_readdir": (_LOOK, "getdents64 newfstatat", ""),
    "fd_renumber": (f"{_LOOK} close", "", ""),
    "fd_seek": (_LOOK, "", ""),
    "fd_sync": (f"{_LOOK} fsync", "", ""),
    "fd_tell": (_LOOK, "", ""),
    "fd_write": (f"{_LOOK} write writev", "", ""),
    "path_create_directory": (_LOOK, _BENEATH, "mkdirat"),
    "path_filestat_get": (_LOOK, _BENEATH, ""),
    "path_filestat_set_times": (_LOOK, _BENEATH, "utimensat"),
    "path_link": (_LOOK, _BENEATH, "linkat"),
    "path_open": (_LOOK, f"{_BENEATH} fcntl:F_DUPFD_CLOEXEC", ""),
    "path_readlink": (_LOOK, _BENEATH, ""),
    "path_remove_directory": (_LOOK, _BENEATH, "unlinkat"),
    "path_rename": (_LOOK, _BENEATH, "renameat2"),
    "path_symlink": (_LOOK, _BENEATH, "symlinkat"),
    "path_unlink_file": (_LOOK, _BENEATH, "unlinkat"),
    "poll_oneoff": (f"{_LOOK} ppoll restart_syscall clock_gettime ioctl:FIONREAD", "", ""),
    "proc_raise": ("rt_sigprocmask gettid tgkill:itself", "", ""),
    "random_get": ("getrandom", "", ""),
    "sched_yield": ("sched_yield", "", ""),
    "sock_accept": (f"{_LOOK} close fcntl:F_DUPFD_CLOEXEC", "", ""),
    "sock_recv": (_LOOK, "", ""),
    "sock_send": (_LOOK, "", ""),
    "sock_shutdown": (_LOOK, "", ""),
}
_SOCKETS = {"sock_accept": "accept4", "sock_recv": "recvmsg", "sock_send": "sendmsg", "sock_shutdown": "shutdown"}

#: Calls for what a module does without importing a function of WASI's for it.
_FACILITIES = {
    "objects": "madvise:discard sysinfo",
    "threads": "clone:thread exit futex restart_syscall sigaltstack rt_sigprocmask sched_yield",
    "waiting": "futex restart_syscall clock_gettime",
}
FACILITIES = frozenset(_FACILITIES)

#: What the shim does for a directory that is laid over an embedded one, whatever the module itself asks for: it copies
#: files, makes the directories that they stand in, and marks what is removed.
OVERLAY_FUNCTIONS = frozenset(name for name in _FUNCTIONS if name.startswith("path_")) | {
    "fd_filestat_set_times",
    "fd_readdir",
    "fd_write",
    "random_get",
}

# Worth the kernel's search in programs with files. Most have low numbers, so others are compared with few of them.
_HOT = [
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "lseek",
    "fstat",
    "close",
    "openat",
    "openat2",
    "newfstatat",
    "getdents64",
]


@dataclass(frozen=True, slots=True)
class _Condition:
    """On an argument of a call, of which the kernel takes the low 32 bits (`null`: all 64)."""

    argument: int
    none_of: int = 0  # bits that must be 0
    values: frozenset[int] = frozenset()  # one of these
    null: bool = False


_PROCESS = 0xFFFFFFFF  # confine.c puts the process's own number in its place
_CONDITIONS = {
    "clone:thread": _Condition(0, values=frozenset({0xD0F00})),  # WAOT_THREAD_FLAGS: threads, and no processes
    "fcntl:F_DUPFD_CLOEXEC": _Condition(1, values=frozenset({1030})),
    "fcntl:F_GETFL": _Condition(1, values=frozenset({3})),
    "fcntl:F_SETFL": _Condition(1, values=frozenset({4})),
    "ioctl:FIONREAD": _Condition(1, values=frozenset({0x541B})),
    "ioctl:TCGETS": _Condition(1, values=frozenset({0x5401})),
    "kill:itself": _Condition(0, values=frozenset({_PROCESS})),
    "tgkill:itself": _Condition(0, values=frozenset({_PROCESS})),
    "madvise:discard": _Condition(2, values=frozenset({4})),  # MADV_DONTNEED
    "madvise:large": _Condition(2, values=frozenset({14})),  # MADV_HUGEPAGE
    "mmap:data": _Condition(2, none_of=4),  # PROT_EXEC
    "mprotect:data": _Condition(2, none_of=4),
    "utimensat:open": _Condition(1, null=True),  # no path
}
_CONDITIONS_OF: dict[str, dict[str, _Condition | None]] = {
    "s390x": {
        "clone:thread": _Condition(1, values=frozenset({0xD0F00})),  # the stack comes first
        "mmap:data": None,  # its arguments are in memory, where a filter does not see them
    },
    "powerpc64le": {
        "ioctl:FIONREAD": _Condition(1, values=frozenset({0x4004667F})),
        "ioctl:TCGETS": _Condition(1, values=frozenset({0x402C7413})),
    },
}
# Architectures on which the shim asks for a file's attributes by statx alone (os/linux/stat.c).
_STATX = frozenset({"loongarch64", "s390x"})
# What 32-bit systems have for a call; where there are two, the second is for kernels that lack the first.
_OF_32_BITS = {
    "clock_getres": ("clock_getres_time64", "clock_getres"),
    "clock_gettime": ("clock_gettime64", "clock_gettime"),
    "fadvise64": ("fadvise64_64", "arm_fadvise64_64"),
    "fcntl": ("fcntl64",),
    "fstat": ("statx",),
    "ftruncate": ("ftruncate64",),
    "futex": ("futex_time64", "futex"),
    "lseek": ("_llseek",),
    "mmap": ("mmap2",),
    "newfstatat": ("statx",),
    "ppoll": ("ppoll_time64", "ppoll"),
    "pread64": (),
    "pwrite64": (),
    "utimensat": ("utimensat_time64", "utimensat"),
}
_32_BITS = frozenset({"x86", "arm", "riscv32"})
_ENOTSOCK = 88


def _names(name: str, arch: str) -> list[str]:
    """What the call is named on that architecture; not all have all of a call's names."""
    if arch in _32_BITS and name in _OF_32_BITS:
        return [own for own in _OF_32_BITS[name] if own in call_numbers(arch)]
    return ["statx"] if arch in _STATX and name in ("fstat", "newfstatat") else [name]


def _condition(word: str, arch: str) -> _Condition | None:
    """The condition that a word like "kill:itself" sets; None for one without, and where it cannot be seen."""
    own = _CONDITIONS_OF.get(arch, {})
    return own[word] if word in own else _CONDITIONS.get(word)


ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_*


def _decisions(
    functions: Collection[str], facilities: Collection[str], grants: int, arch: str
) -> tuple[dict[str, _Condition | None], set[str]]:
    """The calls that are allowed, with a condition or without, and those that are answered with ENOTSOCK."""
    words = _ALWAYS.split()
    for function in functions:
        own, reading, writing = _FUNCTIONS.get(function, ("", "", ""))
        words += own.split()
        if grants & READ:
            words += reading.split()
        if grants & WRITE:
            words += writing.split()
    for facility in facilities:
        words += _FACILITIES[facility].split()
    allowed: dict[str, _Condition | None] = {}
    for word in dict.fromkeys(words):
        for name in _names(word.partition(":")[0], arch):
            condition = _condition(word, arch)
            before = allowed.get(name, condition)
            if condition is not None and before is not None:
                condition = replace(condition, values=condition.values | before.values)
            allowed[name] = None if before is None else condition
    sockets = {_SOCKETS[function] for function in functions if function in _SOCKETS}
    if grants & SOCKETS:
        allowed |= dict.fromkeys(sockets)
        sockets = set()
    return allowed, sockets


# ---------------------------------------------------------------- the BPF program

_LD_ABS, _LD_IMM, _JEQ, _JGE, _JSET, _RET = 0x20, 0x00, 0x15, 0x35, 0x45, 0x06
_SUB, _LSH_X, _TAX = 0x14, 0x6C, 0x07
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data


_INSTRUCTION = {order: struct.Struct(order + "HBBI") for order in "<>"}  # struct sock_filter


class _Assembler:
    """Instructions with labels for jumps, forwards only."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, str, str]] = []
        self._labels: dict[str, int] = {}

    def add(self, code: int, k: int = 0, yes: str = "", no: str = "") -> None:
        """A jump goes on with the next instruction where no label is given."""
        self._code.append((code, k, yes, no))

    def label(self, name: str) -> None:
        """Stands for the next instruction."""
        self._labels[name] = len(self._code)

    def finish(self, order: str) -> bytes:
        assert len(self._code) <= MAXIMUM_INSTRUCTIONS, len(self._code)
        out = []
        for at, (code, k, *targets) in enumerate(self._code):
            yes, no = (self._labels[name] - at - 1 if name else 0 for name in targets)
            assert yes >= 0 <= no
            out.append(_INSTRUCTION[order].pack(code, yes, no, k))
        return b"".join(out)


def make_filter(
    arch: str, functions: Collection[str], facilities: Collection[str], grants: int, endian: str = "little"
) -> bytes:
    """The filter, as an array of struct sock_filter, for a program that imports `functions` and has `grants`."""
    allowed, sockets = _decisions(functions, facilities, grants, arch)
    numbers = call_numbers(arch)
    order = "<" if endian == "little" else ">"
    a = _Assembler()
    plain = {numbers[name] for name, condition in allowed.items() if condition is None}
    worthwhile = dict.fromkeys(numbers[own] for name in _HOT for own in _names(name, arch))
    hot = [number for number in worthwhile if number in plain] if "openat2" in allowed else []
    if hot:
        low, high = ([number for number in hot if (number < 100) == wanted] for wanted in (True, False))
        a.add(_LD_ABS, _NUMBER)
        a.add(_JGE, max(low) + 1, yes="high")
        for number in low[:-1]:
            a.add(_JEQ, number, yes="hot")
        a.add(_JEQ, low[-1], yes="hot", no="cold")
        a.label("high")
        for number in high:
            a.add(_JEQ, number, yes="hot")
        a.label("cold")
    a.add(_TAX)
    a.add(_LD_ABS, _ARCH)
    a.add(_JEQ, _ARCHITECTURES[arch], no="kill")
    a.add(_LD_ABS, _NUMBER)
    conditions: list[_Condition] = []
    for name, condition in sorted(allowed.items()):
        if condition is not None:
            conditions += [condition] if condition not in conditions else []
            a.add(_JEQ, numbers[name], yes=f"condition {conditions.index(condition)}")
    for name in sorted(sockets):
        a.add(_JEQ, numbers[name], yes="no socket")
    _test_membership(a, sorted(plain))
    for index, condition in enumerate(conditions):
        a.label(f"condition {index}")
        _test_condition(a, condition, 0 if endian == "little" else 4)
    if sockets:
        a.label("no socket")
        a.add(_RET, ERRNO | _ENOTSOCK)
    if hot:
        a.label("hot")
        a.add(_LD_ABS, _ARCH)
        a.add(_JEQ, _ARCHITECTURES[arch], yes="allow")
    a.label("kill")
    a.add(_RET, KILL)
    a.label("allow")
    a.add(_RET, ALLOW)
    return a.finish(order)


def _test_condition(a: _Assembler, condition: _Condition, low: int) -> None:
    """Goes to "allow" or "kill". `low` is where the low half of an argument is in it."""
    offset = _ARGUMENTS + 8 * condition.argument
    a.add(_LD_ABS, offset + low)
    if condition.none_of:
        a.add(_JSET, condition.none_of, yes="kill", no="allow")
    elif condition.null:
        a.add(_JEQ, 0, no="kill")
        a.add(_LD_ABS, offset + 4 - low)
        a.add(_JEQ, 0, yes="allow", no="kill")
    else:
        *others, last = sorted(condition.values)
        for value in others:
            a.add(_JEQ, value, yes="allow")
        a.add(_JEQ, last, yes="allow", no="kill")


_WINDOW = 32  # numbers that one word of bits can tell of
_WORTHWHILE = 5  # of them in a window, which takes up to seven instructions where a comparison takes one


def _test_membership(a: _Assembler, numbers: list[int]) -> None:
    """Goes to "allow" if A, which is the call's number, is in `numbers` (sorted), and to "kill" if not."""
    windows: list[tuple[int, int]] = []
    at = 0
    while at < len(numbers):
        base = numbers[at] if numbers[at] >= _WINDOW else 0
        inside = [number - base for number in numbers[at:] if number - base < _WINDOW]
        if len(inside) > _WORTHWHILE:
            windows.append((base, sum(1 << bit for bit in inside)))
            at += len(inside)
        else:
            a.add(_JEQ, numbers[at], yes="allow")
            at += 1
    for count, (base, bits) in enumerate(windows):
        if count:
            a.add(_LD_ABS, _NUMBER)
        if base:
            a.add(_SUB, base)
        last = count == len(windows) - 1
        a.add(_JGE, _WINDOW, yes="kill" if last else f"after window {count}")
        a.add(_TAX)
        a.add(_LD_IMM, 1)
        a.add(_LSH_X)
        a.add(_JSET, bits, yes="allow", no="kill")
        a.label(f"after window {count}")
    if not windows:
        a.add(_JGE, 0, yes="kill")


# ---------------------------------------------------------------- a program's filters


@dataclass(frozen=True, slots=True)
class Filter:
    """The BPF program for a program that has no more than `grants`."""

    grants: int
    program: bytes


def make_filters(
    arch: str,
    functions: Collection[str],
    facilities: Collection[str] = (),
    granted: int = 0,
    endian: str = "little",
) -> tuple[Filter, ...]:
    """A filter for each set of grants, from `granted` on, that changes what a program may do; fewest grants first.

    `functions` are the WASI functions that it imports, by their names; `facilities` some of `FACILITIES`; `granted`
    what it has whoever starts it.
    """
    found: list[Filter] = []
    for sockets in (0, SOCKETS):
        for files in (0, READ, READ | WRITE):
            grants = sockets | files
            if grants & granted != granted:
                continue
            program = make_filter(arch, functions, facilities, grants, endian)
            same = [f for f in found if f.program == program and f.grants & grants == f.grants]
            found = [f for f in found if f not in same] + [Filter(grants, program)]
    return tuple(found)


def describe_grants(grants: int) -> str:
    """A set of grants for a person."""
    files = "directories" if grants & WRITE else "directories to read" if grants & READ else ""
    return (
        " and ".join(filter(None, [files, "sockets" if grants & SOCKETS else ""])) or "neither directories nor sockets"
    )


def encode_filters(filters: Iterable[Filter], endian: str = "little") -> bytes:
    """As struct waot_linux_filter, one after the other."""
    order = "<" if endian == "little" else ">"
    return b"".join(struct.pack(order + "II", f.grants, len(f.program) // 8) + f.program for f in filters)


def decode_filters(data: bytes, endian: str = "little") -> tuple[Filter, ...]:
    """What `encode_filters` encoded. Raises ToolError for anything else."""
    order = "<" if endian == "little" else ">"
    found = []
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise ToolError("a filter of system calls is damaged")
        grants, count = struct.unpack_from(order + "II", data, at)
        if len(data) - at < 8 + 8 * count:
            raise ToolError("a filter of system calls is damaged")
        found.append(Filter(grants, data[at + 8 : at + 8 + 8 * count]))
        at += 8 + 8 * count
    return tuple(found)


# ---------------------------------------------------------------- what a filter does


def evaluate(program: bytes, number: int, arch: int, arguments: Collection[int] = (), endian: str = "little") -> int:
    """What the filter returns for a system call (SECCOMP_RET_*), as the kernel would find out.

    Raises ToolError where the program is none that the kernel would take.
    """
    order = "<" if endian == "little" else ">"
    values = [value & (1 << 64) - 1 for value in arguments]
    data = struct.pack(order + "IIQ6Q", number & 0xFFFFFFFF, arch, 0, *values, *[0] * (6 - len(values)))
    code = _decode(program, order)
    a = x = at = 0
    while at < len(code):
        op, yes, no, k = code[at]
        at += 1
        if op == _LD_ABS:
            (a,) = struct.unpack_from(order + "I", data, k)
        elif op == _LD_IMM:
            a = k
        elif op == _TAX:
            x = a
        elif op == _SUB:
            a = (a - k) & 0xFFFFFFFF
        elif op == _LSH_X:
            a = (a << x) & 0xFFFFFFFF
        elif op == _RET:
            return int(k)
        elif op in _COMPARISONS:
            at += yes if _COMPARISONS[op](a, k) else no
        else:
            raise ToolError(f"a filter of system calls has the unknown instruction {op:#x}")
    raise ToolError("a filter of system calls has no end")


@functools.lru_cache(8)
def _decode(program: bytes, order: str) -> list[tuple[int, int, int, int]]:
    return list(_INSTRUCTION[order].iter_unpack(program))


_COMPARISONS = {
    _JEQ: lambda a, k: a == k,
    _JGE: lambda a, k: a >= k,
    _JSET: lambda a, k: a & k != 0,
}


def allowed_calls(program: bytes, arch: str, endian: str = "little") -> Iterator[str]:
    """The names of the calls that the filter lets through, in some cases at least, in alphabetical order."""
    machine = _ARCHITECTURES[arch]
    for name, number in sorted(call_numbers(arch).items()):
        tried = [[0] * 6]
        for word in _CONDITIONS:
            condition = _condition(word, arch)
            if condition is None or name not in _names(word.partition(":")[0], arch):
                continue
            for value in condition.values:
                tried.append([0] * 6)
                tried[-1][condition.argument] = value
        if any(evaluate(program, number, machine, each, endian) == ALLOW for each in tried):
            yield name
