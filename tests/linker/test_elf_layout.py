"""Objects and executables of either class and byte order, made by zig and read by pyelftools."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection, RelrRelocationSection

from tests import tools
from waot.errors import ToolError
from waot.linker import MemoryImage, link_executable
from waot.linker.elf_layout import MACHINES
from waot.linker.manifest import Manifest, encode_manifest
from waot.linker.objects import data_object, load_lines, undefined_symbols
from waot.linker.runtime import Runtime
from waot.options import Grants
from waot.targets import Target, load_targets

PAGE = 65536
SOURCE = """\
extern const char waot_embed_start[] __attribute__((visibility("hidden")));
int function(int x) { return waot_embed_start[x]; }
int (*const volatile pointer)(int) __attribute__((visibility("hidden"))) = function;
void _start(void) { while (pointer(0)) {}; }
"""
# zig's names of targets, bits, byte order.
KINDS: dict[str, tuple[str, int, str]] = {
    "x86_64": ("x86_64-linux-musl", 64, "little"),
    "s390x": ("s390x-linux-musl", 64, "big"),
    "powerpc64le": ("powerpc64le-linux-musl", 64, "little"),
    "loongarch64": ("loongarch64-linux-musl", 64, "little"),
    "x86": ("x86-linux-musl", 32, "little"),
    "arm": ("arm-linux-musleabihf", 32, "little"),
}
each_kind = pytest.mark.parametrize("arch", KINDS)


def like(arch: str) -> Target:
    """A target of that architecture, whether or not it is one of ours."""
    _, bits, endian = KINDS[arch]
    target = next(iter(load_targets().values()))
    return replace(
        target, name="x86_64-linux", arch=arch, pointer_bits=bits, endian=endian, page_size=PAGE,
        static_base=PAGE, static_text_base=0x20000000,
    )  # fmt: skip


@cache
def compiled(arch: str) -> bytes:
    """SOURCE as an object with a line table."""
    flags = ["-target", KINDS[arch][0], "-gdwarf-4", "-O1", "-fPIE", "-ffunction-sections"]
    flags += ["-fno-sanitize=all", "-fno-stack-protector"]
    source = tools.cache_directory() / "elf-layout.c"
    source.write_text(SOURCE)
    made = tools.cache_directory() / f"elf-layout.{arch}.o"
    subprocess.run([*tools.zig(), "cc", *flags, "-c", str(source), "-o", str(made)], check=True)
    return made.read_bytes()


def read(data: bytes) -> ELFFile:
    return ELFFile(io.BytesIO(data))


def line_relocations(elf: ELFFile) -> list[tuple[int, int, Any]]:
    section = next(s for s in elf.iter_sections() if s.name in (".rela.debug_line", ".rel.debug_line"))
    return [(r["r_info_type"], r["r_offset"], r["r_info_sym"]) for r in section.iter_relocations()]


@each_kind
def test_the_line_table_of_an_object_becomes_a_loaded_section(arch: str) -> None:
    before, after = read(compiled(arch)), read(load_lines(compiled(arch), like(arch)))
    assert not before.get_section_by_name(".debug_line")["sh_flags"] & 2
    assert after.get_section_by_name(".debug_line")["sh_flags"] & 2
    machine = MACHINES[arch]
    moved = [(machine.relative, *rest) for _, *rest in line_relocations(before)]
    assert {kind for kind, *_ in line_relocations(before)} == {machine.absolute}
    assert line_relocations(after) == moved


@each_kind
def test_undefined_symbols_are_found(arch: str) -> None:
    found = set(undefined_symbols(compiled(arch))) - {".TOC.", "_GLOBAL_OFFSET_TABLE_", "__aeabi_unwind_cpp_pr0"}
    assert found == {"waot_embed_start"}


@each_kind
def test_bytes_become_an_object(arch: str) -> None:
    made = read(data_object({".one": b"1", ".two": b"22"}, like(arch), align=16))
    ours = read(compiled(arch))
    assert (made.elfclass, made.little_endian) == (ours.elfclass, ours.little_endian)
    assert made["e_machine"] == ours["e_machine"]
    assert made.get_section_by_name(".one").data() == b"1"
    assert made.get_section_by_name(".two").data() == b"22"
    assert made.get_section_by_name(".two")["sh_offset"] % 16 == 0


def test_an_object_of_another_kind_is_refused() -> None:
    with pytest.raises(ToolError, match="not 64-bit big-endian ELF"):
        load_lines(compiled("x86"), like("s390x"))
    with pytest.raises(ToolError, match="not ELF"):
        undefined_symbols(b"\x7fELF\x09\x01")


def linked(arch: str, tmp_path: Path, memory: str, embedded: int = 0) -> ELFFile:
    target = like(arch)
    manifest = Manifest(Grants(), 1 << 20, "", target.name, memory, (), bytes(32), "")
    data = link_executable(
        [compiled(arch)],
        target=target,
        memory=memory,
        runtime=Runtime(Path(), (), (), (), ""),
        manifest=encode_manifest(manifest, target.endian),
        image=MemoryImage(4 * PAGE, bytes(PAGE + 3) + b"data") if memory == "static" else None,
        embedded=embedded,
        cache_dir=tmp_path,
    )
    return read(data + b"E" * embedded)


@each_kind
def test_memory_and_stack_are_added_as_segments(arch: str, tmp_path: Path) -> None:
    elf = linked(arch, tmp_path, "static")
    loads = [(s["p_vaddr"], s["p_filesz"], s["p_memsz"], s["p_flags"]) for s in elf.iter_segments("PT_LOAD")]
    assert loads[:2] == [(PAGE, 0, PAGE, 6), (2 * PAGE, 7, 3 * PAGE, 6)]
    assert loads[2][2] == 1 << 20
    assert loads[3][0] == loads[2][0] + loads[2][2]
    assert elf.get_section_by_name(".memory").data() == b"\0\0\0data"
    assert elf.get_section_by_name(".memory.zeros")["sh_size"] == 3 * PAGE - 7
    assert elf.get_section_by_name(".text")["sh_addr"] % PAGE == elf.get_section_by_name(".text")["sh_offset"] % PAGE


@each_kind
def test_what_is_embedded_is_a_segment_behind_the_file(arch: str, tmp_path: Path) -> None:
    elf = linked(arch, tmp_path, "static", embedded=PAGE)
    section = elf.get_section_by_name(".waot.embed")
    assert section.data() == b"E" * PAGE
    (segment,) = (s for s in elf.iter_segments("PT_LOAD") if s["p_vaddr"] == section["sh_addr"])
    assert (segment["p_offset"], segment["p_filesz"], segment["p_flags"]) == (section["sh_offset"], PAGE, 4)


@each_kind
def test_a_static_pie_has_relative_relocations_only(arch: str, tmp_path: Path) -> None:
    elf = linked(arch, tmp_path, "guarded")
    assert elf["e_type"] == "ET_DYN"
    assert not list(elf.iter_segments("PT_INTERP"))
    kinds = {
        r["r_info_type"] for s in elf.iter_sections() if isinstance(s, RelocationSection) for r in s.iter_relocations()
    }
    packed = [s for s in elf.iter_sections() if isinstance(s, RelrRelocationSection)]
    assert packed or kinds
    assert kinds <= {MACHINES[arch].dynamic}
