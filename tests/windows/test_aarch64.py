"""Programs for Windows on AArch64: their form, what is written in assembly, and their execution.

They run under Debian's Wine for AArch64, all of which the emulator executes (tests/tools.py).
"""

from __future__ import annotations

import itertools
import re
import shutil
import struct
import subprocess
from pathlib import Path

import lief
import pytest
import wasmtime

import waot
from tests import tools
from tests.programs import harness
from tests.programs.harness import Configuration
from tests.runtime.programs import build, function
from tests.windows.test_programs import HELLO
from waot.errors import UsageError
from waot.linker import inspect_executable
from waot.targets import find_target

HERE = Path(__file__).resolve().parent
SYSTEM = tools.ROOT / "runtime-support" / "os" / "windows"
TARGET = "aarch64-windows"
NOTHING = function(0, "void ()", "  ret void")


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("hello") / "hello.exe"
    waot.build(tools.compile_to_wasm(HELLO, ["-Os", "-s"]), program, [TARGET])
    return program


def zig(*words: str | Path, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*tools.zig(), *map(str, words)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=tools.TIMEOUT,
        check=False,
    )


# ---------------------------------------------------------------- the system's interface


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_numbers_and_layouts_are_those_of_the_headers(architecture: str, tmp_path: Path) -> None:
    words = ("cc", "-target", f"{architecture}-windows-gnu", "-std=c11", f"-I{SYSTEM}", "-c", HERE / "check.c")
    done = zig(*words, directory=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("nt.h", "WAOT_NT_RENAME = 10", "WAOT_NT_RENAME = 11"),
        ("nt.h", "ULONG attributes, name_size, tag;", "ULONG name_size, attributes, tag;"),
        ("registers.h", "WAOT_REGISTER_SP 31", "WAOT_REGISTER_SP 30"),
    ],
)
def test_a_wrong_number_or_layout_is_found(file: str, right: str, wrong: str, tmp_path: Path) -> None:
    shutil.copytree(SYSTEM.parents[1], tmp_path / "shim")
    place = tmp_path / "shim" / "os" / "windows"
    text = (place / file).read_text()
    assert right in text
    (place / file).write_text(text.replace(right, wrong))
    words = ("cc", "-target", "aarch64-windows-gnu", "-std=c11", f"-I{place}", "-c", HERE / "check.c")
    done = zig(*words, directory=tmp_path)
    assert done.returncode != 0
    assert "static assertion failed" in done.stderr


def test_assembly_does_what_it_says(tmp_path: Path) -> None:
    try:
        emulator = tools.runner("aarch64-linux")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    # What only COFF has says the kind of a symbol.
    (tmp_path / "system.S").write_text((SYSTEM / "aarch64.S").read_text().replace("        .def ", "        // .def "))
    for source in (HERE / "stubs_aarch64.S", tmp_path / "system.S"):
        done = zig("cc", "-target", "aarch64-linux-musl", "-c", source, directory=tmp_path)
        assert done.returncode == 0, done.stderr
    words = ("ld.lld", "-m", "aarch64linux", "-static", "-e", "test_entry", "-o", "stubs")
    done = zig(*words, "stubs_aarch64.o", "system.o", directory=tmp_path)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([*emulator, "./stubs"], cwd=tmp_path, timeout=60, check=False).returncode == 0


# ---------------------------------------------------------------- form


def parse(data: bytes) -> lief.PE.Binary:
    binary = lief.PE.parse(list(data))
    assert isinstance(binary, lief.PE.Binary)
    return binary


def test_an_executable_is_one_that_windows_takes(hello: Path) -> None:
    data = hello.read_bytes()
    assert len(data) <= 24 << 10
    binary = parse(data)
    assert binary.header.machine == lief.PE.Header.MACHINE_TYPES.ARM64
    assert binary.header.time_date_stamps == 0
    assert binary.optional_header.subsystem == lief.PE.OptionalHeader.SUBSYSTEM.WINDOWS_CUI
    assert {item.name for item in binary.imports} <= {"KERNEL32.dll", "ntdll.dll", "ADVAPI32.dll"}
    characteristics = lief.PE.OptionalHeader.DLL_CHARACTERISTICS
    for wanted in (characteristics.DYNAMIC_BASE, characteristics.NX_COMPAT, characteristics.HIGH_ENTROPY_VA):
        assert binary.optional_header.has(wanted)
    write, execute = (lief.PE.Section.CHARACTERISTICS[f"MEM_{what}"] for what in ("WRITE", "EXECUTE"))
    assert not any(s.has_characteristic(write) and s.has_characteristic(execute) for s in binary.sections)
    assert binary.has_relocations
    assert not binary.has_debug
    # Each address to relocate is a pointer into the image, in what can be written or is constant.
    base, size = binary.optional_header.imagebase, binary.optional_header.sizeof_image
    kinds = lief.PE.RelocationEntry.BASE_TYPES
    entries = [entry for block in binary.relocations for entry in block.entries if entry.type != kinds.ABS]
    assert entries
    for entry in entries:
        assert entry.type == kinds.DIR64
        (pointer,) = struct.unpack("<Q", bytes(binary.get_content_from_virtual_address(entry.address, 8)))
        assert base <= pointer < base + size


def unwinding(data: bytes) -> list[tuple[int, int]]:
    """The start and the size of what the exception directory has (ARM64 exception handling, Microsoft)."""
    binary = parse(data)
    directory = binary.data_directory(lief.PE.DataDirectory.TYPES.EXCEPTION_TABLE)
    assert directory is not None

    def read(address: int, size: int) -> bytes:
        return bytes(binary.get_content_from_virtual_address(address, size))

    found = []
    for start, unwind in struct.iter_unpack("<II", read(directory.rva, directory.size)):
        if unwind & 3 == 0:  # the record stands elsewhere
            (header,) = struct.unpack("<I", read(unwind, 4))
            assert header >> 18 & 3 == 0  # version
            size = (header & 0x3FFFF) * 4
        else:
            size = (unwind >> 2 & 0x7FF) * 4
        found.append((start, size))
    return found


@pytest.mark.parametrize("level", ["0", "2"])
def test_the_exception_directory_is_in_order_and_within_the_code(level: str, tmp_path: Path) -> None:
    waot.build(tools.compile_to_wasm(HELLO), tmp_path / "hello.exe", [TARGET], opt_level=level)
    data = (tmp_path / "hello.exe").read_bytes()
    functions = unwinding(data)
    assert len(functions) > 20
    assert all(start + size <= behind for (start, size), (behind, _) in itertools.pairwise(functions))
    binary = parse(data)
    (text,) = (section for section in binary.sections if section.name == ".text")
    assert text.virtual_address <= functions[0][0]
    assert sum(functions[-1]) <= text.virtual_address + text.virtual_size


def test_the_register_of_the_system_is_written_nowhere(tmp_path: Path) -> None:
    """With more values alive than there are registers, none is in x18, and no function saves or restores it."""
    disassembler = shutil.which("llvm-objdump") or shutil.which("llvm-objdump-14")
    if disassembler is None:
        pytest.skip("llvm-objdump is not there: apt-get install llvm")
    count = 40
    names = range(count)
    text = f"""(module (memory 1)
      (func $values {"".join(f"(local $v{i} i64)" for i in names)}
        {"".join(f"(local.set $v{i} (i64.load (i32.const {8 * i})))" for i in names)}
        (loop $again
          {"".join(f"(local.set $v{i} (i64.mul (local.get $v{i}) (local.get $v{(i + 1) % count})))" for i in names)}
          (br_if $again (i64.eqz (local.get $v0))))
        {"".join(f"(i64.store (i32.const {8 * i}) (local.get $v{i}))" for i in names)})
      (func (export "_start") call $values))"""
    module, program = tmp_path / "values.wasm", tmp_path / "values.exe"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [TARGET])
    done = subprocess.run(
        [disassembler, "-d", "--no-show-raw-insn", program], capture_output=True, text=True, check=True, timeout=60
    )
    operations = [line.split(":", 1)[1].split(None, 1) for line in done.stdout.splitlines() if ":     \t" in line]
    words = [(operation[0], operation[1] if len(operation) == 2 else "") for operation in operations]
    uses = [f"{name} {operands}" for name, operands in words if re.search(r"\b[xw]18\b", operands)]
    assert any("x28" in operands for _, operands in words)  # there were too few without
    assert uses  # the thread's block is read
    # It is the base of a memory operand, or waot_capture stores it.
    assert not [use for use in uses if "[x18" not in use and use != "stp x18, x19, [x0, #144]"]
    assert not [use for use in uses if use.startswith("ld") and "[x18" not in use]


def test_inspect_reads_it_back(hello: Path) -> None:
    info = inspect_executable(hello.read_bytes())
    assert (info.format, info.machine, info.manifest.target) == ("PE executable", "aarch64", TARGET)
    assert [segment.access for segment in info.segments] == ["r-x", "rw-", "r--", "r--"]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = build(find_target(TARGET), "guarded", NOTHING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert build(find_target(TARGET), "guarded", NOTHING) == here


def test_memory_at_a_constant_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no memory strategy 'static'"):
        waot.build(tools.compile_to_wasm(HELLO), tmp_path / "unused", [TARGET], memory="static")


def test_threads_are_refused(tmp_path: Path) -> None:
    module = tmp_path / "shared.wasm"
    module.write_bytes(
        wasmtime.wat2wasm("""(module (import "wasi" "thread-spawn" (func (param i32) (result i32)))
          (memory (export "memory") 1 1 shared) (func (export "_start"))
          (func (export "wasi_thread_start") (param i32 i32)))""")
    )
    with pytest.raises(UsageError, match="aarch64-windows has no threads"):
        waot.build(module, tmp_path / "unused", [TARGET])


# ---------------------------------------------------------------- execution


@pytest.fixture
def wine() -> list[str]:
    try:
        return list(tools.runner(TARGET))
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


def test_hello(wine: list[str], hello: Path) -> None:
    done = subprocess.run([*wine, hello], capture_output=True, env={}, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Hello, world!\n", b"")


# What stands in function 1, the trap, and the functions that are on the stack then, innermost first.
TRAPS = {
    "out of bounds memory access": ("(i32.load (i32.const 0x7fff0000)) drop", ["1", "2"]),
    "call stack exhausted": ("call 0", ["0", "0"]),
    "integer divide by zero": ("(i32.div_u (i32.const 1) (i32.load (i32.const 0))) drop", ["1", "2"]),
    "unreachable": ("unreachable", ["1", "2"]),
}


@pytest.mark.parametrize("memory", ["guarded", "checked"])
@pytest.mark.parametrize("trap", TRAPS)
def test_traps_and_their_backtraces(wine: list[str], trap: str, memory: str, tmp_path: Path) -> None:
    inside, functions = TRAPS[trap]
    text = f"""(module (memory 1)
      (func $deeper (local i64) (call $deeper) (i64.store (i32.const 8) (local.get 0)))
      (func $inner {inside})
      (func $main (export "_start") call $inner (i32.store (i32.const 0) (i32.const 1))))"""
    module, program = tmp_path / "trap.wasm", tmp_path / "trap.exe"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [TARGET], opt_level="0", memory=memory)
    done = subprocess.run([*wine, program], capture_output=True, env={}, check=False, timeout=120)
    assert done.returncode == harness.TRAP_STATUS
    told, frames = harness.told_trap(done.stderr)
    assert told == trap
    lines = done.stderr.decode().splitlines()
    assert [line.partition("(function ")[2].partition(",")[0] for line in lines[1:3]] == functions
    assert frames


def test_a_frame_of_many_pages_is_had(wine: list[str], tmp_path: Path) -> None:
    """The stack grows by the page behind the last one: __chkstk touches each, in the order."""
    count = 2000
    text = f"""(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory 1)
      (func $read (param i32) (result i64) (i64.load (local.get 0)))
      (func (export "_start") {"(local i64)" * count}
        {"".join(f"(local.set {i} (call $read (i32.const 8)))" for i in range(count))}
        (call $exit (i32.wrap_i64 {"(i64.add " * (count - 1)}(local.get 0)
          {"".join(f"(local.get {i}))" for i in range(1, count))})))
      (data (i32.const 8) "\\01"))"""
    module, program = tmp_path / "frame.wasm", tmp_path / "frame.exe"
    module.write_bytes(wasmtime.wat2wasm(text))
    waot.build(module, program, [TARGET], opt_level="0")
    done = subprocess.run([*wine, program], capture_output=True, env={}, check=False, timeout=120)
    assert (done.returncode & 0xFF, done.stderr) == (count & 0xFF, b"")


PROGRAMS = {program.name: program for program in harness.discover()}


@pytest.mark.parametrize("name", ["c/stdio_files", "c/trap_stack"])
def test_programs_do_what_wasmtime_does(wine: list[str], name: str, tmp_path: Path) -> None:
    program = PROGRAMS[name]
    try:
        program.wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    executable = harness.build(program, Configuration(TARGET, "guarded", "1"), tmp_path / "program.exe")
    for run in program.runs:
        expected = harness.run_under_wasmtime(program, run)
        harness.compare(program, run, expected, harness.run_natively(program, run, executable, TARGET))
