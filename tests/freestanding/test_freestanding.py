"""Modules without a system, linked with C code, do what wasmtime makes of them and what docs/freestanding.md says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import lief
import pytest
import wasmtime

import waot
from tests import tools
from tests.freestanding import arithmetic
from tests.freestanding.boards import HERE as BOARDS
from tests.freestanding.boards import TARGETS, each_target, link, run, runner
from tests.programs import harness
from waot.errors import LinkError, UsageError

HERE = Path(__file__).resolve().parent
COMMAND = (BOARDS / "wasi.c", BOARDS / "command.c")

# Programs that only write, and have no use for more than 12 MiB. Quick ones first.
QUICK = ("hello",)
PROGRAMS = (
    *("hello", "conversions", "float_math", "integers64", "function_pointers", "printf_formats", "recursion"),
    *("sorting", "static_data", "strings", "structs", "big_switch", "multivalue", "bulk_memory", "tail_calls"),
    *("simd", "wide_arithmetic"),
)
MEMORY_BYTES = 12 << 20


def build(source: Path, target: str, directory: Path, level: str = "2") -> None:
    """The library and its header in `directory`, called module."""
    shutil.copy(source, directory / f"module{source.suffix}")
    waot.build(directory / f"module{source.suffix}", directory / "module.a", [target], opt_level=level)


# A smaller stack than the linker's 16 MiB.
def _small(program: harness.Program) -> Path:
    flags = (*(program.flags or tools.DEFAULT_FLAGS["c"]), "-Wl,-z,stack-size=131072")
    try:
        return tools.compile_to_wasm(program.source, flags)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(
    ("name", "level"),
    [pytest.param(n, "2", marks=() if n in QUICK else (pytest.mark.slow,)) for n in PROGRAMS]
    + [pytest.param(n, "0", marks=(pytest.mark.slow,)) for n in PROGRAMS],
)
@each_target
def test_a_command_does_what_wasmtime_does(target: str, name: str, level: str, tmp_path: Path) -> None:
    runner(target)
    program = next(p for p in harness.discover() if p.name in (f"c/{name}", f"c/{name}-O2", f"c/{name}-fast"))
    module = _small(program)
    build(module, target, tmp_path, level)
    made = link(target, tmp_path, COMMAND, [f"-DMEMORY_BYTES={MEMORY_BYTES}"])
    expected = harness.run_under_wasmtime(program, program.runs[0])
    assert run(target, made) == (expected.status, expected.stdout.decode())


@pytest.mark.parametrize("level", ["2", pytest.param("0", marks=pytest.mark.slow)])
@each_target
def test_the_interface_does_what_its_documentation_says(target: str, level: str, tmp_path: Path) -> None:
    runner(target)
    wide = "(local.get 0)\n"
    for i in range(150):
        wide = f"(i64.add (i64.load (i32.const {8 * i})) (i64.rotl (i64.load (i32.const {8 * i})) {wide}))"
    calls = "(drop (call $recurse (i32.const 1)))"
    values = "".join(f"(i64.load (i32.const {8 * i}))" for i in range(150))
    folds = "(i64.add)" * 150
    body = f"(if (i64.eqz (local.get 0)) (then (return (i64.const 0)))) {values} {calls}"
    body += f" (call $wide (i64.sub (local.get 0) (i64.const 1))) {folds}"
    (tmp_path / "module.wat").write_text((HERE / "behaviour.wat").read_text().replace("WIDE", body))
    waot.build(tmp_path / "module.wat", tmp_path / "module.a", [target], opt_level=level)
    assert run(target, link(target, tmp_path, [BOARDS / "behaviour.c"])) == (0, "all as expected\n")


@each_target
def test_the_example_of_the_documentation_works(target: str, tmp_path: Path) -> None:
    """Its three parts as they stand there: the module, the command and the C code."""
    runner(target)
    page = (tools.ROOT / "docs" / "freestanding.md").read_text()
    parts = dict(re.findall(r"^```(wat|c|)\n(.*?)^```$", page, re.M | re.S))
    (tmp_path / "meter.wat").write_text(parts["wat"])
    (tmp_path / "main.c").write_text(parts["c"])
    command = shlex.split(parts[""].replace("thumbv7em-none", target))
    subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, check=True, env=os.environ | {"PYTHONPATH": str(tools.ROOT)}
    )
    (tmp_path / "meter.a").rename(tmp_path / "module.a")
    flags = ["-Dmain=board_main", "-Duart_write=board_write", "-Dstack=board_memory"]
    program = link(target, tmp_path, [tmp_path / "main.c"], flags)
    assert run(target, program) == (0, "too much!\ntoo much!\n")


@each_target
def test_arithmetic_is_wasmtimes(target: str, tmp_path: Path) -> None:
    """Also where the processor has none for floats or for 64 bits: the object then brings it."""
    runner(target)
    arithmetic.write(tmp_path)
    waot.build(tmp_path / "module.wat", tmp_path / "module.a", [target])
    status, output = run(target, link(target, tmp_path, [BOARDS / "arithmetic.c"]))
    assert status == 0
    assert arithmetic.told(output) == arithmetic.under_wasmtime(tmp_path / "module.wat")


def test_the_status_of_each_trap_is_its_place_in_the_abi_header() -> None:
    header = harness.ABI_HEADER.read_text()
    numbers = {name.upper(): number for number, (name, _) in enumerate(re.findall(r'\bT\((\w+), "([^"]+)"', header), 1)}
    made = waot_header()
    assert {name: int(value) for name, value in re.findall(r"WAOT_TRAP_(\w+) = (\d+),", made)} == numbers


def waot_header() -> str:
    from waot.lowering.c_header import c_header
    from waot.lowering.c_interface import CInterface

    return c_header(CInterface("module", (), (), ()), [], "module.wasm", "0")


def test_the_header_and_the_shim_agree(tmp_path: Path) -> None:
    """Both are compiled, and a third says of each structure and number that it is the same."""
    source = (tools.ROOT / "runtime-support/os/none/interface.h").read_text()
    (tmp_path / "shim.h").write_text(source)
    (tmp_path / "made.h").write_text(waot_header())
    structs = {
        name: re.findall(r"(\w+)\)?(?:\([^)]*\))?;", body)
        for name, body in re.findall(r"struct (waot_\w+) \{(.*?)\n\};", source, re.S)
    }
    assert set(structs) == {"waot_view", "waot_instance", "waot_buffer", "waot_environment"}
    lines = []
    for name, members in structs.items():
        lines.append(f"sizeof(struct {name}),")
        lines += [f"offsetof(struct {name}, {member}), sizeof(((struct {name} *)0)->{member})," for member in members]
    lines += [f"{name}," for name in re.findall(r"#define (WAOT_[A-Z_]+) \d", source)]
    assert len(lines) == 4 + 11 + 5
    outputs = []
    for header in ("shim.h", "made.h"):
        (tmp_path / "a.c").write_text(
            f'#include "{header}"\nconst unsigned long a[] = {{\n' + "\n".join(lines) + "};\n"
        )
        for target in ("x86_64-freestanding-none", "riscv32-freestanding-none"):
            command = [*tools.zig(), "cc", "-target", target, "-c", "-g0", "a.c", "-o", "a.o"]
            subprocess.run(command, cwd=tmp_path, check=True)
            binary = lief.ELF.parse(str(tmp_path / "a.o"))
            assert binary is not None
            section = binary.get_section(".rodata")
            assert section is not None
            outputs.append(bytes(section.content))
    assert outputs[0] == outputs[2] != b""
    assert outputs[1] == outputs[3] != b""


@each_target
def test_nothing_is_visible_but_what_c_code_calls(target: str, tmp_path: Path) -> None:
    (tmp_path / "m.wat").write_text(
        '(module (import "a" "b" (func $b)) (memory 1) (func $x (f64.store (i32.const 0) (f64.div (f64.load '
        '(i32.const 8)) (f64.load (i32.const 16))))) (func (export "_start") (call $b) (call $x) '
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 5000))))"
    )
    waot.build(tmp_path / "m.wat", tmp_path / "m.o", [target], emit="obj")
    binary = lief.ELF.parse(str(tmp_path / "m.o"))
    assert binary is not None
    symbols = [(str(s.name), s.shndx == 0) for s in binary.symtab_symbols if s.binding != lief.ELF.Symbol.BINDING.LOCAL]
    assert sorted(symbols) == [("a_b", True), ("m_start", False), ("waot_m_init", False)]


@each_target
def test_two_modules_stand_in_one_program(target: str, tmp_path: Path) -> None:
    runner(target)
    for name, number in (("module", 1), ("second", 2)):
        (tmp_path / f"{name}.wat").write_text(
            '(module (import "env" "f" (func $f (param i32))) (memory 1)'
            f'(func (export "run") (call $f (i32.const {number}))))'
        )
        waot.build(tmp_path / f"{name}.wat", tmp_path / f"{name}.a", [target])
    (tmp_path / "main.c").write_text(
        '#include "board.h"\n#include "module.h"\n#include "second.h"\n'
        "static uint8_t a[65536], b[65536];\n"
        "void env_f(struct waot_instance *instance, uint32_t n)\n"
        '{ board_number(n); board_print(instance->context); board_print(instance->memory->base == a ? "a" : "b"); }\n'
        "int board_main(void)\n{\n"
        "    const struct waot_buffer buffers[2] = {{a, sizeof a}, {b, sizeof b}};\n"
        '    const struct waot_environment one = {"one", buffers, board_stack};\n'
        '    const struct waot_environment two = {"two", buffers + 1, board_stack};\n'
        "    return waot_module_init(&one) || waot_second_init(&two) || second_run() || module_run();\n}\n"
    )
    program = link(target, tmp_path, [tmp_path / "main.c", tmp_path / "second.a"])
    assert run(target, program) == (0, "2twob1onea")


@each_target
def test_debuggers_find_the_place_in_the_module(target: str, tmp_path: Path) -> None:
    from elftools.elf.elffile import ELFFile

    source = '(module (func $f (export "f") (param i32) (result i32) (i32.div_u (i32.const 5) (local.get 0))))'
    (tmp_path / "module.wat").write_text(source)
    (tmp_path / "main.c").write_text(
        '#include "board.h"\n#include "module.h"\nint board_main(void) { uint32_t r; return module_f(1, &r); }\n'
    )
    waot.build(tmp_path / "module.wat", tmp_path / "module.a", [target])
    division = bytes(wasmtime.wat2wasm(source)).index(b"\x6e")
    with link(target, tmp_path, [tmp_path / "main.c"]).open("rb") as file:
        info = ELFFile(file).get_dwarf_info()
        units = {unit.get_top_DIE().attributes["DW_AT_name"].value: unit for unit in info.iter_CUs()}
        program = info.line_program_for_CU(units[b"module.wasm"])
        lines = {entry.state.line for entry in program.get_entries() if entry.state is not None}
    assert division in lines


# ---------------------------------------------------------------- what is refused


def refused(tmp_path: Path, source: str, target: str = "x86_64-none", /, **options: object) -> str:
    (tmp_path / "m.wat").write_text(source)
    with pytest.raises((LinkError, UsageError)) as caught:
        waot.build(tmp_path / "m.wat", tmp_path / "m.a", [target], **options)  # type: ignore[arg-type]
    assert not (tmp_path / "m.a").exists()
    assert not (tmp_path / "m.h").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('(import "env" "m" (memory 1))', "only functions can be imported"),
        ('(import "env" "g" (global i32))', "only functions can be imported"),
        ('(import "env" "f" (func (param externref)))', "C has no such function"),
        ('(import "env" "f" (func (result i32 i32)))', "C has no such function"),
        ('(import "a.b" "c" (func)) (import "a" "b_c" (func))', r"the same name \(a_b_c\) as 'a\.b\.c'"),
        ('(import "waot" "leave" (func))', "kept for waot"),
        ('(import "m" "f" (func))', "kept for waot and for exports"),
        ('(import "wasi_snapshot_preview1" "fd_write" (func))', "imported with type"),
        ('(import "wasi_snapshot_preview1" "fd_wriet" (func))', "not part of WASI"),
        (
            '(memory 1) (func (export "f") (drop (i32.atomic.load (i32.const 0))))',
            "no threads, and the module has atomic operations",
        ),
        ('(tag $t) (func (export "f") (throw $t))', "no heap of objects"),
        ('(type $s (struct)) (func (export "f") (drop (struct.new $s)))', "no heap of objects"),
    ],
)
def test_a_module_that_cannot_be_without_a_system_is_refused(source: str, said: str, tmp_path: Path) -> None:
    assert re.search(said, refused(tmp_path, f"(module {source})"))


@pytest.mark.parametrize("memory", ["65536", "i64 70000", "i64 0xffffffffff"])
def test_a_memory_that_no_buffer_can_be_large_enough_for_is_refused(memory: str, tmp_path: Path) -> None:
    said = refused(tmp_path, f"(module (memory 1) (memory {memory}))", "riscv32-none")
    assert "has addresses of 32 bits, and the module's memory 1 begins with" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dirs": ["/tmp"]}, "has no grants"),
        ({"stack_size": "1MiB"}, "no stack of its own"),
        ({"max_heap": "8MiB"}, "no heap of objects"),
        ({"seccomp": "off"}, "no seccomp"),
        ({"memory": "guarded"}, "no memory strategy"),
    ],
)
def test_an_option_that_means_nothing_without_a_system_is_refused(
    options: dict[str, object], said: str, tmp_path: Path
) -> None:
    assert said in refused(tmp_path, "(module)", **options)


def test_a_header_is_not_overwritten_by_what_it_goes_with(tmp_path: Path) -> None:
    (tmp_path / "m.wat").write_text("(module)")
    with pytest.raises(UsageError, match="the name of the header"):
        waot.build(tmp_path / "m.wat", tmp_path / "m.h", [TARGETS[0]])


def test_names_of_the_module_do_not_leave_their_comments(tmp_path: Path) -> None:
    (tmp_path / "m.wat").write_text(
        '(module (func (export "*/ int x; /*")) (func (export "\\n#error")) (func (export "??/"))'
        '(func (export "a\\\\\\n")))'
    )
    waot.build(tmp_path / "m.wat", tmp_path / "m.a", [TARGETS[0]])
    (tmp_path / "a.c").write_text('#include "m.h"\n')
    for language in (["-std=c11"], ["-x", "c++", "-std=c++17"]):
        flags = [*language, "-trigraphs", "-Wall", "-Wextra", "-Werror", "-c", "-o", "a.o"]
        subprocess.run([*tools.zig(), "cc", *flags, "a.c"], cwd=tmp_path, check=True)


@each_target
def test_the_same_input_gives_the_same_bytes(target: str, tmp_path: Path) -> None:
    made = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "m.wat").write_text('(module (memory 1) (func (export "f")))')
        waot.build(tmp_path / place / "m.wat", tmp_path / place / "m.a", [target], cache=False)
        made.append([(tmp_path / place / name).read_bytes() for name in ("m.a", "m.h")])
    assert made[0] == made[1]
    for path in (tmp_path, tools.ROOT):
        assert str(path).encode() not in b"".join(made[0])
    assert struct.unpack_from("8s", made[0][0]) == (b"!<arch>\n",)
