"""Programs for Android: their form is what its loader and its devices ask for, and they do what wasmtime makes of them.

They run here on Linux, natively or in qemu-user: a static program meets nothing of Android but its kernel, and the
filter of system calls that apps start their children under.
"""

from __future__ import annotations

import platform
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import lief
import pytest

import waot
from tests import tools
from tests.programs import harness
from tests.programs.harness import Configuration
from tests.threads.test_threads import compiled
from waot.targets import find_target

TARGETS = ("aarch64-android", "x86_64-android")
each_target = pytest.mark.parametrize("target", TARGETS)
PAGES_OF_ANDROID = (4096, 16384)

# Files and directories, memory, floating point, a trap with its backtrace, exit statuses.
QUICK = ("c/directory", "c/trap_call_mismatch", "c/digests")
PROGRAMS = harness.discover()
CASES = [
    pytest.param(
        program,
        Configuration(target, "guarded", "2"),
        id=f"{program.name}-{target}",
        marks=() if program.name in QUICK else (pytest.mark.slow,),
    )
    for program in PROGRAMS
    for target in TARGETS
    if not program.variant
]


def _runner(target: str) -> tuple[str, ...]:
    try:
        return tools.runner(target)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(("program", "configuration"), CASES)
def test_the_program_does_what_wasmtime_does(
    program: harness.Program, configuration: Configuration, tmp_path: Path
) -> None:
    _runner(configuration.target)
    try:
        program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    harness.check_like_wasmtime(program, configuration, tmp_path)


@each_target
def test_a_program_is_a_static_pie_for_every_page_size_of_android(target: str, tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_text('(module (memory 1) (data (i32.const 0) "x") (func (export "_start")))')
    waot.build(tmp_path / "a.wat", tmp_path / "a", [target])
    binary = lief.ELF.parse(str(tmp_path / "a"))
    assert binary is not None
    assert binary.is_pie
    assert not binary.has_interpreter
    loads = [s for s in binary.segments if s.type == lief.ELF.Segment.TYPE.LOAD]
    assert len(loads) > 2
    for page in PAGES_OF_ANDROID:
        for segment in loads:
            assert segment.alignment % page == 0
            assert (segment.virtual_address - segment.file_offset) % page == 0
        taken: set[int] = set()
        for segment in loads:  # what is mapped with other rights lies in pages of its own
            end = segment.virtual_address + segment.virtual_size
            pages = set(range(segment.virtual_address // page, -(-end // page)))
            assert not taken & pages
            taken |= pages


@each_target
def test_programs_with_threads_work_and_their_variables_are_aligned_as_bionic_asks(target: str, tmp_path: Path) -> None:
    runner = _runner(target)
    try:
        module = compiled("c/counter")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    waot.build(module, tmp_path / "counter", [target], opt_level=1)
    waot.build(module, tmp_path / "linux", [target.replace("android", "linux")], opt_level=1)
    binary = lief.ELF.parse(str(tmp_path / "counter"))
    assert binary is not None
    alignments = [s.alignment for s in binary.segments if s.type == lief.ELF.Segment.TYPE.TLS]
    assert len(alignments) == 1
    assert alignments[0] >= 64
    results = [
        subprocess.run([*runner, tmp_path / name], capture_output=True, timeout=120, check=False)
        for name in ("counter", "linux")
    ]
    assert results[0].returncode == 0
    assert (results[0].stdout, results[0].stderr) == (results[1].stdout, results[1].stderr)


def test_there_are_no_fixed_addresses() -> None:
    for name in TARGETS:
        with pytest.raises(waot.errors.UsageError, match="no memory strategy 'static'; use auto or one of guarded, "):
            find_target(name).memory_strategy("static")


# What the shim may ask for: those of the calls that Android 11 lets an app make (bionic's lists of system calls, and of
# exceptions for apps) for which it has a use, with x86-64's numbers. `execve` starts the program under the filter.
_POLICY = """
accept4 288               arch_prctl 158            bind 49                   clock_getres 229
clock_gettime 228         clone 56                  close 3                   execve 59
exit 60                   exit_group 231            fadvise64 221             fallocate 285
fcntl 72                  fdatasync 75              fstat 5                   fsync 74
ftruncate 77              futex 202                 getdents64 217            getpid 39
getrandom 318             getsockopt 55             gettid 186                ioctl 16
kill 62                   linkat 265                listen 50                 lseek 8
madvise 28                mkdirat 258               mmap 9                    mprotect 10
munmap 11                 newfstatat 262            openat 257                ppoll 271
prctl 157                 pread64 17                preadv 295                pwrite64 18
pwritev 296               read 0                    readlinkat 267            readv 19
recvmsg 47                renameat2 316             restart_syscall 219       rt_sigaction 13
rt_sigprocmask 14         rt_sigreturn 15           sched_yield 24            seccomp 317
sendmsg 46                setsockopt 54             shutdown 48               sigaltstack 131
socket 41                 statx 332                 symlinkat 266             sysinfo 99
tgkill 234                unlinkat 263              utimensat 280             write 1
writev 20
"""
POLICY = {name: int(number) for name, number in re.findall(r"(\w+) +(\d+)", _POLICY)}
# What 32-bit processors have in their place.
_OF_32_BITS = re.compile(r".*(_time64|_time32|_llseek|mmap2|64_64)|fcntl64|ftruncate64|clock_gettime(32|64)")


def _as_for_an_app(executable: Path, name: str) -> Path:
    """Starts `executable`, as `name`, where any other call ends it by SIGSYS, as zygote's filter does."""
    code = [struct.pack("=HBBI", 0x20, 0, 0, 0)]  # the number of the call
    for left, number in zip(range(len(POLICY), 0, -1), POLICY.values(), strict=True):
        code.append(struct.pack("=HBBI", 0x15, left, 0, number))
    code += [struct.pack("=HBBI", 0x06, 0, 0, what) for what in (0x00030000, 0x7FFF0000)]  # trap, allow
    text = b"".join(code)
    starter = executable.with_name(f"{executable.name}-as-for-an-app")
    starter.write_text(
        f"#!{sys.executable} -IS\n"
        "import ctypes, os, struct, sys\n"
        f"text = ctypes.create_string_buffer({text!r}, {len(text)})\n"
        f"program = struct.pack('@HP', {len(code)}, ctypes.addressof(text))\n"
        "call = ctypes.CDLL(None).prctl\n"
        "assert call(38, 1, 0, 0, 0) == 0\n"  # PR_SET_NO_NEW_PRIVS
        "assert call(22, 2, program, 0, 0) == 0\n"  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        f"os.execve({str(executable)!r}, [{name!r}, *sys.argv[1:]], dict(os.environ))\n"
    )
    starter.chmod(0o755)
    return starter


natively = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="qemu-user has no seccomp: only a native program meets it"
)


def test_the_shim_asks_for_nothing_else() -> None:
    places = [tools.ROOT / "runtime-support" / "os" / name for name in ("linux", "posix")]
    sources = [source for place in places for source in place.rglob("*.[ch]")]
    names = {name for source in sources for name in re.findall(r"\bSYS_(\w+)", source.read_text())}
    assert {"openat", "mmap", "futex"} <= names
    assert {name for name in names if not _OF_32_BITS.fullmatch(name)} <= set(POLICY)


@natively
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(p, id=p.name, marks=() if p.name in (*QUICK, "c/recursion") else (pytest.mark.slow,))
        for p in PROGRAMS
        if not p.variant
    ],
)
def test_the_program_does_the_same_under_the_filter_of_apps(program: harness.Program, tmp_path: Path) -> None:
    try:
        program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    configuration = Configuration("x86_64-android", "guarded", "2")
    executable = harness.build(program, configuration, tmp_path / "program")
    starter = _as_for_an_app(executable, program.source.stem)
    for run in program.runs:
        expected = harness.run_under_wasmtime(program, run)
        actual = harness.run_natively(program, run, starter, configuration.target)
        harness.compare(program, run, expected, actual)


@natively
def test_an_exhausted_stack_is_a_trap_under_the_filter_of_apps(tmp_path: Path) -> None:
    (tmp_path / "a.wat").write_text('(module (func $f (export "_start") (call $f) (call $f)))')
    waot.build(tmp_path / "a.wat", tmp_path / "a", ["x86_64-android"])
    done = subprocess.run([_as_for_an_app(tmp_path / "a", "a")], capture_output=True, timeout=60, check=False)
    assert done.returncode == 134
    assert done.stderr.startswith(b"waot: trap: call stack exhausted\n")


@natively
def test_threads_work_under_the_filter_of_apps(tmp_path: Path) -> None:
    try:
        module = compiled("c/counter")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    waot.build(module, tmp_path / "counter", ["x86_64-android"], opt_level=1)
    expected = subprocess.run([tmp_path / "counter"], capture_output=True, timeout=60, check=False)
    starter = _as_for_an_app(tmp_path / "counter", "counter")
    done = subprocess.run([starter], capture_output=True, timeout=60, check=False)
    assert expected.returncode == 0
    assert (done.returncode, done.stdout) == (0, expected.stdout)


@natively
def test_files_are_opened_without_the_call_for_which_android_ends_an_app(tmp_path: Path) -> None:
    source = tmp_path / "read.c"
    source.write_text(
        '#include <stdio.h>\nint main(void) { char b[9]; FILE *f = fopen("/d/up/file", "r");\n'
        "return !f || !fgets(b, sizeof b, f) || puts(b) < 0; }\n"
    )
    try:
        module = tools.compile_to_wasm(source)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    granted = tmp_path / "granted"
    (granted / "sub").mkdir(parents=True)
    (granted / "up").symlink_to("sub")
    (granted / "sub" / "file").write_text("text")
    done = {}
    for system in ("android", "linux"):
        waot.build(module, tmp_path / system, [f"x86_64-{system}"], dirs=[f"{granted}::/d"])
        starter = _as_for_an_app(tmp_path / system, system)
        done[system] = subprocess.run([starter], capture_output=True, timeout=60, check=False)
    assert (done["android"].returncode, done["android"].stdout) == (0, b"text\n")
    assert done["linux"].returncode == -signal.SIGSYS
