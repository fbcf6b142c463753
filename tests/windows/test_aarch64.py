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
from tests.assembling import check_assembly_for_aarch64, zig
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


# ---------------------------------------------------------------- the system's interface


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64", "x86"])
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
    check_assembly_for_aarch64(HERE / "stubs_aarch64.S", SYSTEM / "aarch64.S", tmp_path)


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
