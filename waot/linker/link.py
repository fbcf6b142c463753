"""Objects, the runtime, the manifest and memory 0's image to one static ELF executable, by lld and a linker script.

Segments, in the order of the file, which has no padding between the first three (a page that two of them share is mapped
twice, as lld does by default):

    R    headers, constants, manifest, frame information, line table, relocations of a static PIE
    RX   the wasm functions, then the shim
    RW   pointers and variables, then zeros
    RW   static strategy only: memory 0 at its constant address; in the file from its first page that is not zero

With the static strategy the image is not position independent and stands above the reservation (`static_text_base`);
otherwise it is a static PIE that relocates itself (runtime-support/os/linux/start.c).
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from waot.errors import CacheError, ToolError
from waot.linker.objects import data_object, load_lines
from waot.linker.runtime import Runtime
from waot.linker.zig import run_zig
from waot.targets import Target

_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_PT_NULL, _PT_LOAD = 0, 1


@dataclass(frozen=True, slots=True)
class MemoryImage:
    """The initial contents of memory 0 with the static strategy.

    `size` is the memory's initial size in bytes. `data` is what it starts with (zeros follow), or empty where
    `instantiate` copies the data segments itself: the pages are then mapped all the same, as WAOT_MEMORY_FIXED says.
    """

    size: int
    data: bytes = b""


def image_as_segment(target: Target, image_size: int) -> bool:
    """Whether an image of that many bytes (without leading zero pages and trailing zeros) is worth a segment.

    A segment must start at a multiple of the page size in the file, which pads by half of that on average; a copy
    costs the image twice in memory. AArch64 kernels may have pages of 64 KiB, so small images are copied there.
    """
    return target.static_base is not None and image_size >= 2 * target.page_size


def link_executable(
    objects: Sequence[bytes],
    *,
    target: Target,
    memory: str,
    runtime: Runtime,
    manifest: bytes,
    image: MemoryImage | None = None,
    data_image: bytes = b"",
    cache_dir: Path,
    progress: Callable[[str], None] | None = None,
) -> bytes:
    """The executable, stripped. The same input gives the same bytes, whatever the directories.

    `objects` are codegen's, unit 0 with the shim's bitcode first; `memory` the strategy; `manifest` from
    `encode_manifest`; `image` is given exactly when the strategy is static and the module has a memory; `data_image` are
    the bytes at the symbol ``waot_data_image``. Raises ToolError where lld refuses, CacheError where there is no room for
    its files.
    """
    static = memory == "static"
    segments = plan_segments(target, image) if static and image is not None else []
    inputs = [load_lines(data, target) for data in objects]
    inputs.append(data_object({".waot.manifest": manifest, ".waot.data": data_image}, target))
    arguments = ["ld.lld", "-static", "-o", "out", "-T", "script.ld", "-e", "_start"]
    arguments += ["--no-pie"] if static else ["-pie", "--no-dynamic-linker", "-z", "text", "-z", "pack-relative-relocs"]
    arguments += ["-s", "--gc-sections", "--build-id=none", "--hash-style=sysv", "-z", "norelro", "-z", "noexecstack"]
    arguments += ["-z", f"max-page-size={target.page_size}", "-z", f"common-page-size={target.page_size}"]
    try:
        with tempfile.TemporaryDirectory(prefix="waot-link-") as name:
            work = Path(name)
            for index, data in enumerate(inputs):
                (work / f"{index}.o").write_bytes(data)
                arguments.append(f"{index}.o")
            arguments += map(str, runtime.objects)
            script = linker_script(target, static=static, memory_segments=len(segments))
            (work / "script.ld").write_text(script, encoding="ascii")
            run_zig(arguments, cache_dir=cache_dir, directory=work, what=f"linking for {target.name}")
            executable = (work / "out").read_bytes()
    except OSError as error:
        raise CacheError(f"the linker's temporary files: {error.strerror}") from None
    _check_relocations(executable)
    return _add_segments(executable, segments, target.page_size)


@dataclass(frozen=True, slots=True)
class MemorySegment:
    """A part of memory 0 as a loadable segment: `data` at `address`, then zeros up to `size` bytes."""

    address: int
    data: bytes
    size: int


def plan_segments(target: Target, image: MemoryImage) -> list[MemorySegment]:
    """Memory 0 as segments: whole pages of zeros at its start and zeros at its end cost nothing as addresses."""
    base = target.static_base
    assert base is not None
    data = image.data.rstrip(b"\0")
    size = max(image.size, len(data))
    low = (len(data) - len(data.lstrip(b"\0"))) // target.page_size * target.page_size if data else size
    segments = [MemorySegment(base, b"", low), MemorySegment(base + low, data[low:], size - low)]
    return [segment for segment in segments if segment.size]


def _add_segments(executable: bytes, segments: Sequence[MemorySegment], page_size: int) -> bytes:
    """Appends memory 0 to what lld made, whose first program headers are PT_NULL for this.

    lld could place it too, but not with the ELF header in a segment at a higher address.
    """
    out = bytearray(executable)
    (table,) = struct.unpack_from("<Q", out, 32)
    for index, segment in enumerate(segments):
        at = table + index * _PROGRAM_HEADER.size
        if struct.unpack_from("<I", out, at) != (_PT_NULL,):
            raise ToolError("the linker left no program header for the memory")
        if segment.data:
            out += bytes(-len(out) % page_size)
        # Offset and address agree modulo the page size also where there is nothing in the file.
        offset = len(out) if segment.data else 0
        _PROGRAM_HEADER.pack_into(
            out, at, _PT_LOAD, 6, offset, segment.address, segment.address, len(segment.data), segment.size, page_size
        )
        out += segment.data
    return bytes(out)


def linker_script(target: Target, *, static: bool, memory_segments: int) -> str:
    """The script. Symbols in it are those of `waot_abi.h` and of runtime-support/core/process.h."""
    page = target.page_size
    next_segment = f". = ALIGN({page:#x}) + (. & {page - 1:#x});"
    headers = [
        "constants PT_LOAD FILEHDR PHDRS FLAGS(4);",
        "text PT_LOAD FLAGS(5);",
        "data PT_LOAD FLAGS(6);",
        "stack PT_GNU_STACK FLAGS(6);",
    ]
    if not static:
        headers.insert(-1, "dynamic PT_DYNAMIC FLAGS(6);")
    # Loadable segments are listed by address, so memory 0's come first.
    headers = [f"memory{i} PT_NULL;" for i in range(memory_segments)] + headers
    program_headers = "\n  ".join(headers)
    start = (target.static_text_base or 0) if static else 0
    return f"""\
PHDRS {{
  {program_headers}
}}
SECTIONS {{
  . = {start:#x} + SIZEOF_HEADERS;
  waot_image_start = {start:#x};
  .waot.manifest : {{
    waot_manifest_start = .; KEEP(*(.waot.manifest)) waot_manifest_end = .;
  }} :constants
  .rodata : {{
    *(.rodata .rodata.*)
    . = ALIGN(8); waot_data_image = .; KEEP(*(.waot.data))
  }} :constants
  .eh_frame : {{ waot_eh_frame_start = .; KEEP(*(.eh_frame)) waot_eh_frame_end = .; }} :constants
  .waot.lines : {{ waot_lines_start = .; KEEP(*(.debug_line)) waot_lines_end = .; }} :constants
  .dynsym : {{ *(.dynsym) }} :constants
  .hash : {{ *(.hash) }} :constants
  .dynstr : {{ *(.dynstr) }} :constants
  .rela.dyn : {{ waot_rela_start = .; *(.rela.dyn) waot_rela_end = .; }} :constants
  .relr.dyn : ALIGN(8) {{ waot_relr_start = .; *(.relr.dyn) waot_relr_end = .; }} :constants
  {next_segment}
  .text : {{
    waot_wasm_text_start = .; *(.text.wasm .text.wasm.*) waot_wasm_text_end = .;
    *(.text .text.*)
  }} :text
  {next_segment}
  .dynamic : {{ *(.dynamic) }} :data {":dynamic" if not static else ""}
  .data.rel.ro : {{ *(.data.rel.ro .data.rel.ro.*) }} :data
  .got : {{ *(.got .got.plt) }} :data
  .data : {{ *(.data .data.*) }} :data
  .bss : {{ *(.bss .bss.* COMMON) }} :data
  waot_image_end = .;
  /DISCARD/ : {{ *(.comment) *(.debug_*) *(.note.*) *(.llvm_addrsig) *(.ARM.attributes) }}
}}
"""


def _check_relocations(executable: bytes) -> None:
    """Raises ToolError if a relocation is left that start.c does not apply: it knows R_*_RELATIVE only."""
    relative = {62: 8, 183: 1027}[struct.unpack_from("<H", executable, 18)[0]]
    table, entry_size, count = struct.unpack_from("<Q", executable, 40)[0], *struct.unpack_from("<HH", executable, 58)
    for index in range(count):
        _, kind, _, _, offset, size = struct.unpack_from("<IIQQQQ", executable, table + index * entry_size)
        if kind == 4:  # SHT_RELA
            for at in range(offset, offset + size, 24):
                (info,) = struct.unpack_from("<Q", executable, at + 8)
                if info & 0xFFFFFFFF != relative:
                    raise ToolError(f"the image keeps a relocation of type {info & 0xFFFFFFFF}, which it cannot apply")
