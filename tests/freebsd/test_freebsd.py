"""FreeBSD: what its kernel is taken to be like, the executables' structure, and their execution by the translator.

The system layer is compiled against zig's FreeBSD headers; the translator (translator/) has numbers and layouts of its
own (abi.h), from manual pages and the kernel's sources. Here the two are compared.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest
import wasmtime
from elftools.elf.elffile import ELFFile

import waot
from tests import tools
from tests.assembling import check_assembly_for_aarch64, zig
from tests.programs import harness
from tests.programs.harness import Configuration
from tests.threads import test_threads as threads
from tests.wasi.guest import CREAT, FREEBSD, READ, Calls, NativeGuest, directory_record
from tests.wasi.test_paths_like_wasmtime import OPERATIONS, PATHS, Subject, opening
from waot.errors import UsageError
from waot.linker import inspect_executable
from waot.targets import find_target

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parents[1] / "runtime-support" / "os" / "freebsd"
ARCHITECTURES = ("x86_64", "aarch64")

each = pytest.mark.parametrize("architecture", ARCHITECTURES)


# ---------------------------------------------------------------- the kernel's interface


@each
def test_numbers_and_layouts_are_those_of_the_headers(architecture: str, tmp_path: Path) -> None:
    done = zig("cc", "-target", f"{architecture}-freebsd", "-std=c11", "-c", HERE / "check.c", directory=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "wrong", [("X(SYS_openat, 499)", "X(SYS_openat, 498)"), ("d_namlen, d_pad1;", "d_pad1, d_namlen;")]
)
def test_a_wrong_number_or_layout_is_found(wrong: tuple[str, str], tmp_path: Path) -> None:
    text = (HERE / "abi.h").read_text()
    assert wrong[0] in text
    (tmp_path / "abi.h").write_text(text.replace(*wrong))
    shutil.copy(HERE / "check.c", tmp_path)
    done = zig("cc", "-target", "x86_64-freebsd", "-std=c11", "-c", "check.c", directory=tmp_path)
    assert done.returncode != 0
    assert "static assertion failed" in done.stderr


def test_assembly_for_aarch64_does_what_it_says(tmp_path: Path) -> None:
    check_assembly_for_aarch64(HERE / "stubs_aarch64.S", RUNTIME / "aarch64.S", tmp_path)


def test_assembly_of_threads_for_aarch64_does_what_it_says(tmp_path: Path) -> None:
    emulator = tools.runner_or_skip("aarch64-linux")
    sources = {"test": HERE / "threads_aarch64.S", "subject": RUNTIME / "threads" / "aarch64.S"}
    for name, source in sources.items():
        done = zig("cc", "-target", "aarch64-linux-musl", "-c", source, "-o", f"{name}.o", directory=tmp_path)
        assert done.returncode == 0, done.stderr
    words = ("ld.lld", "-m", "aarch64linux", "-static", "-e", "test_entry", "-o", "program", "test.o", "subject.o")
    done = zig(*words, directory=tmp_path)
    assert done.returncode == 0, done.stderr
    calls = subprocess.run(
        [*emulator, "-strace", "./program"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    # Its calls are FreeBSD's; these are what Linux's numbers 73 (munmap) and 431 (thr_exit) are called.
    first, second, *rest = [line.split(" ", 1)[1] for line in calls.stderr.splitlines() if line[:1].isdigit()]
    assert first.startswith("ppoll(4096,8192,")
    assert second.startswith(("Unknown syscall 431", "fsconfig(0"))
    assert not [line for line in rest if not line.startswith("---")]
    assert calls.returncode == -signal.SIGTRAP  # the `brk` behind them


# ---------------------------------------------------------------- structure


def hello(directory: Path) -> Path:
    """A module that says hello, as a C compiler makes one."""
    source = directory / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { puts("Hello, world!"); return 0; }\n')
    return tools.compile_to_wasm(source, ("-Os", "-s"))


@each
@pytest.mark.parametrize("memory", ["guarded", "checked"])
def test_an_executable_is_one_that_freebsd_takes(architecture: str, memory: str, tmp_path: Path) -> None:
    program = tmp_path / "hello"
    waot.build(hello(tmp_path), program, [f"{architecture}-freebsd"], memory=memory)
    data = program.read_bytes()
    assert len(data) <= 24 << 10
    with program.open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_type"] == "ET_DYN"
        assert elf["e_machine"] == {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[architecture]
        assert elf.header.e_ident["EI_OSABI"] == "ELFOSABI_FREEBSD"
        # The kernel reads headers and notes in the first page only.
        assert elf["e_phoff"] % 8 == 0
        assert elf["e_phoff"] + elf.num_segments() * elf["e_phentsize"] <= 4096
        segments = list(elf.iter_segments())
        assert not [s for s in segments if s["p_type"] == "PT_INTERP"]
        (note,) = [s for s in segments if s["p_type"] == "PT_NOTE"]
        assert note["p_offset"] + note["p_filesz"] <= 4096
        assert note.data() == struct.pack("<III8sI", 8, 4, 1, b"FreeBSD\0", 1300139)
        loads = [s for s in segments if s["p_type"] == "PT_LOAD"]
        assert [s["p_vaddr"] for s in loads] == sorted(s["p_vaddr"] for s in loads)
        assert loads[0]["p_vaddr"] == loads[0]["p_offset"] == 0
        page = find_target(f"{architecture}-freebsd").page_size
        assert {(s["p_vaddr"] - s["p_offset"]) % page for s in loads} == {0}
        assert not [s for s in loads if s["p_flags"] & 3 == 3]  # writable and executable


@each
def test_atomic_operations_are_no_calls_of_a_library(architecture: str, tmp_path: Path) -> None:
    module = tools.compile_to_wasm(tools.ROOT / "examples" / "project" / "greet.c", ("-Os", "-s"))
    waot.build(module, tmp_path / "greet", [f"{architecture}-freebsd"], opt_level=0)
    assert inspect_executable((tmp_path / "greet").read_bytes()).manifest.target == f"{architecture}-freebsd"


def test_what_it_is_confined_by_is_told(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    waot.build(hello(tmp_path), program, ["x86_64-freebsd"])
    manifest = inspect_executable(program.read_bytes()).manifest
    assert manifest.confinement.capability_mode
    assert not manifest.confinement.filters
    with pytest.raises(UsageError, match="has no seccomp"):
        waot.build(hello(tmp_path), program, ["x86_64-freebsd"], seccomp="required")


# ---------------------------------------------------------------- execution


@pytest.fixture
def translator() -> list[str]:
    try:
        return list(tools.runner(FREEBSD))
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


def test_hello(translator: list[str], tmp_path: Path) -> None:
    program = tmp_path / "hello"
    waot.build(hello(tmp_path), program, [FREEBSD])
    done = subprocess.run([*translator, program], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Hello, world!\n", b"")


def test_a_program_of_another_system_is_refused(translator: list[str], tmp_path: Path) -> None:
    program = tmp_path / "hello"
    waot.build(hello(tmp_path), program, ["x86_64-linux"])
    done = subprocess.run([*translator, program], capture_output=True, check=False, timeout=60)
    assert done.returncode == 126
    assert done.stdout == b""


TRAPS = {
    "out of bounds memory access": "(i32.load (i32.const 0x7fff0000)) drop",
    "call stack exhausted": "call $deeper",
    "integer divide by zero": "(i32.div_u (i32.const 1) (i32.load (i32.const 0))) drop",
}


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("options", [[], ["-b"]], ids=["SEGV", "BUS"])
def test_traps_whichever_signal_a_fault_is(
    translator: list[str], trap: str, options: list[str], tmp_path: Path
) -> None:
    text = f"""(module (memory 1)
      (func $deeper (param) (result) (local i64) (call $deeper) (i64.store (i32.const 8) (local.get 0)))
      (func $main (export "_start") {TRAPS[trap]}))"""
    module, program = tmp_path / "trap.wasm", tmp_path / "trap"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [FREEBSD], opt_level="1")
    done = subprocess.run([*translator, *options, program], capture_output=True, check=False, timeout=60)
    assert done.returncode == 134
    first, *frames = done.stderr.decode().splitlines()
    assert first == f"waot: trap: {trap}"
    assert frames


def test_nothing_is_opened_from_outside_in_capability_mode(translator: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    guest = NativeGuest(FREEBSD, records=[directory_record(tmp_path, "/")])
    try:
        calls = Calls(guest)
        assert guest.system_call(499, -100, 0, 0, 0) == -94  # openat(AT_FDCWD): ECAPMODE
        assert guest.system_call(37, 1, 0) == -94  # kill of another process
        assert calls.opened(3, "file") > 3  # what was granted stays
    finally:
        guest.close()


def test_paths_give_what_they_give_on_linux(translator: list[str], tmp_path: Path) -> None:
    def shim(architecture: str, number: int) -> Subject:
        root = tmp_path / str(number) / "root"
        return Subject(root, lambda root: NativeGuest(architecture, records=[directory_record(root, "/")]))

    on_linux, on_freebsd = shim("x86_64", 0), shim(FREEBSD, 1)
    wrong = []
    for name, operation in {**OPERATIONS, "create to read": opening(CREAT, READ, True)}.items():
        for path in PATHS:
            expected, found = on_linux.run(operation, path), on_freebsd.run(operation, path)
            if expected != found:
                wrong.append(f"{name} {path[:40]!r}: on Linux {expected[0]}, on FreeBSD {found[0]}")
    for subject in (on_linux, on_freebsd):
        subject.calls.guest.close()
    assert not wrong, "\n".join(wrong)


def test_too_many_threads_are_an_error_that_the_program_sees(translator: list[str]) -> None:
    """RLIMIT_NPROC, of somebody of whom there is nothing else."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody of whom there is nothing else")

    def prepare() -> None:
        os.setgroups([])
        os.setgid(64322)
        os.setuid(64322)
        resource.setrlimit(resource.RLIMIT_NPROC, (11, 11))

    program = threads.built("c/limit", Configuration(FREEBSD, "guarded", "2"))
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        words = [shutil.copy(path, name) for path in (*translator, str(program))]
        done = subprocess.run(words, capture_output=True, check=False, timeout=60, preexec_fn=prepare)
    assert done.returncode == 0, done.stderr
    first, left, again = done.stdout.decode().splitlines()
    started = int(first.split()[1].rstrip(","))
    assert 0 < started < 11  # the translator is one of them
    assert first == f"started {started}, then -6"  # EAGAIN of WASI
    assert (left, again) == (f"left {started}", "again")


PROGRAMS = {program.name: program for program in harness.discover()}
QUICK = ("c/stdio_files", "c/directory", "c/trap_stack")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else (pytest.mark.slow,)) for name in PROGRAMS]
)
def test_programs_do_what_wasmtime_does(translator: list[str], name: str, tmp_path: Path) -> None:
    program = PROGRAMS[name]
    try:
        program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    executable = harness.build(program, Configuration(FREEBSD, "guarded", "1"), tmp_path / "program")
    for run in program.runs:
        expected = harness.run_under_wasmtime(program, run)
        harness.compare(program, run, expected, harness.run_natively(program, run, executable, FREEBSD))
