"""Executables: what the linker layer lays out, that it is reproducible, and that it is read back."""

from __future__ import annotations

import io
import os
import platform
import random
import re
import shutil
import struct
import subprocess
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

import waot
from tests import tools
from tests.runtime.programs import PAGE, STRATEGIES, at, build, function, manifest, module, movable, run, runtime
from waot.codegen import make_codegen_options
from waot.codegen.llvm import compile_unit
from waot.errors import ToolError
from waot.linker import MemoryImage, build_runtime, image_as_segment, inspect_executable, link_executable
from waot.linker.objects import data_object, load_lines
from waot.options import Cpu
from waot.targets import Target, find_target, load_targets

TARGETS = [t for t in load_targets().values() if t.system == "linux"]
each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.name)
each_with_static_memory = pytest.mark.parametrize(
    "target", [t for t in TARGETS if "static" in t.memory_supported], ids=lambda t: t.name
)
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
each_target_and_strategy = pytest.mark.parametrize(
    ("target", "strategy"),
    [pytest.param(t, s, id=f"{t.name}-{s}") for t in TARGETS for s in STRATEGIES if s in t.memory_supported],
)
NOTHING = function(0, "void ()", "  ret void")
DIVISION = function(0, "void ()", f"  call void @waot_trap_integer_divide_by_zero() #0, {at(0x123)}\n  unreachable")


@each_target_and_strategy
def test_an_executable_says_what_it_is(target: Target, strategy: str) -> None:
    data = build(target, strategy, NOTHING)
    info = inspect_executable(data)
    assert info.manifest.target == target.name
    assert info.manifest.memory == strategy
    assert info.manifest.stack_size == 1 << 20
    assert info.machine == target.arch
    assert info.format == ("ELF executable" if strategy == "static" else "ELF static PIE")
    assert info.size == len(data)
    assert [s.address for s in info.segments] == sorted(s.address for s in info.segments)
    assert not any("w" in s.access and "x" in s.access for s in info.segments)
    names = [name for name, _ in info.sections]
    assert ".comment" not in names
    assert ".symtab" not in names
    if strategy == "static":
        assert (info.segments[0].address, info.segments[0].memory_size) == (target.static_base, 2 * PAGE)


@each_target_and_strategy
def test_a_program_that_does_nothing_is_small(target: Target, strategy: str) -> None:
    # hello, which writes too, is to fit 24 KiB
    limit = 19 if target.arch in ("x86_64", "aarch64", "riscv64") else 22
    assert len(build(target, strategy, NOTHING)) < limit << 10


@each_target
def test_hello_in_c_is_small_and_says_it(target: Target, tmp_path: Path) -> None:
    source = tmp_path / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { puts("Hello, world!"); return 0; }\n')
    program = tmp_path / "hello"
    waot.build(tools.compile_to_wasm(source, ("-Os", "-s")), program, [target.name])
    assert program.stat().st_size <= 24 << 10
    command = [*tools.runner_or_skip(target.name), str(program)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "Hello, world!\n"


@each_target
def test_the_shim_is_inlined_into_generated_code(target: Target) -> None:
    """LLVM refuses where features, or what frames are like, differ: on POWER and on s390x by the least of it."""
    text = module(target, target.memory_default, NOTHING)
    options = make_codegen_options(target, Cpu(), "2", "llvm-ir")
    shim = runtime(target.name)
    code = compile_unit(text, shim.bitcode, frozenset(shim.entry_points), options).decode()
    assert re.search(r"^define .*@waot_instantiate\(", code, re.MULTILINE)
    assert not re.search(r"^define .*@waot_memory_create\(", code, re.MULTILINE)


@each_with_static_memory
def test_the_same_input_gives_the_same_bytes_wherever_it_is_made(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = build(target, "static", NOTHING, image=bytes(100) + b"x" * 9000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    shim = build_runtime(target, tmp_path / "another cache")
    assert shim.bitcode.read_bytes() == runtime(target.name).bitcode.read_bytes()
    options = make_codegen_options(target, Cpu(), "2", "exe")
    unit = compile_unit(module(target, "static", NOTHING), shim.bitcode, frozenset(shim.entry_points), options)
    there = link_executable(
        [unit],
        target=target,
        memory="static",
        runtime=shim,
        manifest=manifest(target, "static"),
        image=MemoryImage(2 * PAGE, bytes(100) + b"x" * 9000),
        cache_dir=tmp_path / "another cache",
    )
    assert here == there
    assert str(tmp_path).encode() not in there
    assert str(tools.ROOT).encode() not in there


def test_a_runtime_is_built_once_by_several_at_a_time(tmp_path: Path) -> None:
    target = find_target("x86_64-linux")
    said: list[str] = []
    with ThreadPoolExecutor(3) as pool:
        shims = list(pool.map(lambda _: build_runtime(target, tmp_path, said.append), range(3)))
    assert len({shim.bitcode for shim in shims}) == 1
    assert said
    said.clear()
    assert build_runtime(target, tmp_path, said.append) == shims[0]
    assert not said
    assert [path.name for path in (tmp_path / "runtime").iterdir()] == [f"{target.name}-{shims[0].digest[:32]}"]


def test_an_image_smaller_than_its_padding_is_not_a_segment() -> None:
    for target in TARGETS:
        assert not image_as_segment(target, 0)
        assert not image_as_segment(target, target.page_size)
        assert image_as_segment(target, 2 * target.page_size) == ("static" in target.memory_supported)
        assert not image_as_segment(replace(target, static_base=None), 1 << 30)


@each_with_static_memory
def test_images_start_at_a_page_in_the_file_as_in_memory(target: Target) -> None:
    data = build(target, "static", NOTHING, image=bytes(target.page_size + 3) + b"data")
    headers = list(ELFFile(io.BytesIO(data)).iter_segments())
    loads = [header for header in headers if header["p_type"] == "PT_LOAD"]
    assert len(loads) > 3
    for header in loads:
        assert header["p_offset"] % header["p_align"] == header["p_vaddr"] % header["p_align"]
        assert header["p_align"] == target.page_size
        assert header["p_filesz"] <= header["p_memsz"]
    assert "PT_NULL" not in [header["p_type"] for header in headers]
    assert data.count(b"\0\0\0data") == 1


@each_with_static_memory
def test_what_the_linker_did_not_place_has_sections(target: Target) -> None:
    """GNU strip and objcopy write segments from sections; what has none would be gone."""
    data = build(target, "static", NOTHING, image=bytes(target.page_size + 3) + b"x" * 1000)
    elf = ELFFile(io.BytesIO(data))
    spans = [(s["sh_addr"], s["sh_size"]) for s in elf.iter_sections() if s["sh_flags"] & 2]
    added = list(elf.iter_segments("PT_LOAD"))[:-3]
    assert target.static_base is not None
    assert [s["p_vaddr"] for s in added[:2]] == [target.static_base, target.static_base + target.page_size]
    assert len(added) == 3  # and the stack
    for segment in added:
        start, end = segment["p_vaddr"], segment["p_vaddr"] + segment["p_memsz"]
        assert sum(size for address, size in spans if start <= address < end) == end - start
    memory = elf.get_section_by_name(".memory")
    assert memory.data() == b"\0\0\0" + b"x" * 1000
    assert memory["sh_addr"] == target.static_base + target.page_size


@every_strategy
@pytest.mark.parametrize("tool", ["strip", "objcopy"])
def test_a_stripped_program_runs(strategy: str, tool: str, tmp_path: Path) -> None:
    target = next((t for t in load_targets().values() if f"{platform.machine()}-linux" == t.name), None)
    if target is None or shutil.which(tool) is None:
        pytest.skip(f"no {tool} or no target of this machine's kind")
    body = f"""\
  %p = call ptr @address(i32 {target.page_size + 3})
  %v = load i8, ptr %p
  %status = zext i8 %v to i32
  call void @waot_wasi_proc_exit(ptr @waot_memory.0, i32 %status)
  unreachable"""
    image = bytes(target.page_size + 3) + b"x" * 1000 if strategy == "static" else b""
    path = tmp_path / "whole"
    path.write_bytes(build(target, strategy, function(0, "void ()", body), image=image))
    subprocess.run([tool, path, tmp_path / "other"] if tool == "objcopy" else [tool, path], check=True)
    stripped = (tmp_path / "other" if tool == "objcopy" else path).read_bytes()
    outcome = run(target, stripped, tmp_path)
    assert (outcome.status, outcome.errors) == (ord("x") if image else 0, "")


@each_target_and_strategy
@pytest.mark.parametrize("stack_size", [64 << 10, 63 << 20, 65 << 20, 3 << 30, 64 << 30])
def test_stacks_of_every_size_link_and_run(target: Target, strategy: str, stack_size: int, tmp_path: Path) -> None:
    data = build(target, strategy, DIVISION, stack_size=stack_size)
    largest = max(s.memory_size for s in inspect_executable(data).segments)
    assert largest <= 64 << 20  # a larger one is mapped by the shim, which can say why not
    try:
        outcome = run(target, data, tmp_path)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    if stack_size >> target.pointer_bits - 1:
        assert (outcome.status, outcome.errors) == (
            134,
            "waot: no memory for the stack; build with a smaller --stack-size\n",
        )
    else:
        assert outcome.errors.startswith("waot: trap: integer divide by zero\n")


def test_a_manifest_that_only_claims_a_size_takes_no_memory() -> None:
    whole = bytearray(build(find_target("x86_64-linux"), "guarded", NOTHING))
    elf = ELFFile(io.BytesIO(whole))
    header = elf["e_shoff"] + elf["e_shentsize"] * elf.get_section_index(".waot.manifest")

    def refused(data: bytes) -> None:
        tracemalloc.start()
        with pytest.raises(ToolError, match="the manifest is damaged"):
            inspect_executable(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 << 20

    nobits = bytearray(whole)
    struct.pack_into("<I", nobits, header + 4, 8)
    struct.pack_into("<Q", nobits, header + 32, 1 << 30)
    refused(bytes(nobits))
    bomb = struct.pack("<IIQQ", 1, 0, 64 << 20, 1) + zlib.compress(bytes(64 << 20))
    struct.pack_into("<Q", whole, header + 8, 0x802)  # SHF_ALLOC, SHF_COMPRESSED
    struct.pack_into("<QQ", whole, header + 24, len(whole), len(bomb))
    refused(bytes(whole) + bomb)


@each_target
def test_the_lines_of_several_objects_are_found(target: Target, tmp_path: Path) -> None:
    """Large modules are compiled in units; each has a line table."""
    code = function(0, "void ()", f"  call void @wasm.9(), {at(0x120)}\n  call void @wasm.9(), {at(0x121)}\n  ret void")
    first = module(target, movable(target), code + "declare void @wasm.9()\n")
    unit_of_trap = function(2, "void ()", f"  call void @waot_trap_unreachable() #0, {at(0x333, 2)}\n  unreachable")
    head, _, tail = module(target, movable(target), unit_of_trap).partition("define void @waot_instantiate")
    tail = tail[tail.index("define void @wasm.9") :]
    second = head[: head.index("%waot.memory")] + "declare void @waot_trap_unreachable() noreturn\n" + tail
    shim = runtime(target.name)
    options = make_codegen_options(target, Cpu(), "2", "exe")
    keep = frozenset((*shim.entry_points, "waot_trap_unreachable"))
    units = [compile_unit(first, shim.bitcode, keep, options), compile_unit(second, None, frozenset(), options)]
    executable = link_executable(
        units,
        target=target,
        memory=movable(target),
        runtime=shim,
        manifest=manifest(target, movable(target)),
        cache_dir=tools.cache_directory() / "runtime",
    )
    try:
        outcome = run(target, executable, tmp_path)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    assert outcome.backtrace == ["at function 9, offset 0x333", "at main (function 7, offset 0x120)"]


def test_what_is_not_ours_is_refused_in_a_line() -> None:
    for data in (b"", b"\x7fELF", b"MZ" + bytes(100), b"\0asm\1\0\0\0"):
        with pytest.raises(ToolError) as caught:
            inspect_executable(data)
        assert "\n" not in str(caught.value)
    own = Path(os.path.realpath("/proc/self/exe"))
    if own.exists():
        with pytest.raises(ToolError, match="not a program that waot built"):
            inspect_executable(own.read_bytes())


def test_damaged_executables_are_refused_or_read() -> None:
    chance = random.Random(4)
    target = find_target("x86_64-linux")
    whole = build(target, "guarded", DIVISION)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            # The headers and the manifest stand at the start, the section headers at the end.
            place = chance.choice([chance.randrange(0x200), -1 - chance.randrange(0x400), chance.randrange(len(data))])
            data[place] = chance.randrange(256)
        del data[chance.choice([len(data), len(data), chance.randrange(len(data))]) :]
        message = ""
        try:
            inspect_executable(bytes(data))
        except ToolError as error:
            message = str(error)
        assert "\n" not in message


def test_damaged_objects_are_refused_or_patched() -> None:
    chance = random.Random(5)
    target = find_target("x86_64-linux")
    options = make_codegen_options(target, Cpu(), "2", "exe")
    whole = compile_unit(module(target, "guarded", DIVISION), None, frozenset(), options)
    assert load_lines(whole, target) != whole
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        # The section headers, at the end, are what is read most.
        data[chance.choice([chance.randrange(64), -1 - chance.randrange(0x600)])] = chance.randrange(256)
        try:
            load_lines(bytes(data), target)
        except ToolError:
            refused += 1
    assert refused


def test_what_the_linker_refuses_is_one_line(tmp_path: Path) -> None:
    target = find_target("x86_64-linux")
    with pytest.raises(
        ToolError, match=r"linking for .*: zig ld\.lld: .*(undefined (hidden )?symbol|cannot find)"
    ) as caught:
        link_executable(
            [data_object({".text": b"x"}, target)],
            target=target,
            memory="guarded",
            runtime=runtime(target.name),
            manifest=manifest(target, "guarded"),
            cache_dir=tmp_path,
        )
    assert "\n" not in str(caught.value)
