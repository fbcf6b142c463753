"""One static ELF executable, by lld and a linker script.

Segments, in the order of the file, which has no padding between them (a page that two share is mapped twice):

    R    headers, constants, manifest, frame information, line table, relocations of a static PIE
    RX   the wasm functions, then the shim
    RW   pointers and variables, then zeros

and with the static strategy, listed first because their addresses are lower:

    RW   memory 0 at its constant address; in the file, at its end, from its first page that is not zero
    RW   the wasm stack

The image is then not position independent and stands above the reservation (`static_text_base`); otherwise it is a
static PIE that relocates itself (runtime-support/os/linux/entry.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waot.errors import ToolError
from waot.linker.elf_layout import (
    MACHINES,
    PT_LOAD,
    PT_NULL,
    SHF_ALLOC,
    SHF_WRITE,
    SHT_NOBITS,
    SHT_PROGBITS,
    SHT_REL,
    SHT_RELA,
    ElfLayout,
    ProgramHeader,
    SectionHeader,
    layout_of,
)
from waot.linker.inputs import Inputs, MemoryImage
from waot.linker.lld import run_lld
from waot.linker.manifest import decode_manifest
from waot.linker.objects import data_object, load_lines
from waot.targets import Target


def image_as_segment(target: Target, image_size: int) -> bool:
    """Whether an image of that many bytes (without leading zero pages and trailing zeros) is worth a segment.

    A segment must start at a multiple of the page size in the file, which pads by half of that on average; a copy
    costs the image twice in memory. AArch64 kernels may have pages of 64 KiB, so small images are copied there.
    """
    return target.static_base is not None and image_size >= 2 * target.page_size


def link_elf(inputs: Inputs) -> bytes:
    """As `link_executable`, for a target whose executables are ELF."""
    target = inputs.target
    static = inputs.memory == "static"
    segments = plan_memory(target, inputs.image) if static and inputs.image is not None else []
    stack = plan_stack(target, decode_manifest(inputs.manifest, target.endian).stack_size) if static else None
    if stack is not None:
        segments.append(stack)
    objects = [load_lines(data, target) for data in inputs.objects]
    objects.append(data_object({".waot.manifest": inputs.manifest, ".waot.data": inputs.data_image}, target))
    arguments = ["ld.lld", "-static", "-o", "out", "-T", "script.ld", "-e", "_start"]
    if target.system == "freebsd":
        arguments += ["-m", _FREEBSD[target.arch]]
    arguments += ["--no-pie"] if static else ["-pie", "--no-dynamic-linker", "-z", "text", "-z", "pack-relative-relocs"]
    arguments += ["-s", "--gc-sections", "--build-id=none", "--hash-style=sysv", "-z", "norelro", "-z", "noexecstack"]
    arguments += ["-z", f"max-page-size={target.page_size}", "-z", f"common-page-size={target.page_size}"]
    script = linker_script(
        target,
        fixed=static,
        stack=stack,
        reserved=len(segments),
        embedded=inputs.embedded,
        threads=inputs.runtime.threads,
    )
    executable = run_lld(inputs, arguments, objects, files={"script.ld": script.encode("ascii")})
    layout = layout_of(target)
    _check_relocations(executable, layout, MACHINES[target.arch].dynamic)
    executable = _add_segments(executable, layout, segments, target.page_size)
    return _place_embedded(executable, layout, target.page_size) if inputs.embedded else executable


# lld's names for FreeBSD's ELF: that the system is FreeBSD stands in the file's header, and a note says it once more
# (runtime-support/os/freebsd/brand.h).
_FREEBSD = {"x86_64": "elf_x86_64_fbsd", "aarch64": "aarch64elf_fbsd"}


@dataclass(frozen=True, slots=True)
class AddedSegment:
    """A loadable read-write segment that lld does not see: `data` at `address`, then zeros up to `size` bytes."""

    address: int
    data: bytes
    size: int
    name: str  # of its section


def plan_memory(target: Target, image: MemoryImage) -> list[AddedSegment]:
    """Memory 0 as segments: whole pages of zeros at its start and zeros at its end cost nothing as addresses."""
    base = target.static_base
    assert base is not None
    data = image.data.rstrip(b"\0")
    size = max(image.size, len(data))
    low = (len(data) - len(data.lstrip(b"\0"))) // target.page_size * target.page_size if data else size
    segments = [
        AddedSegment(base, b"", low, ".memory.low"),
        AddedSegment(base + low, data[low:], size - low, ".memory"),
    ]
    return [segment for segment in segments if segment.size]


_HUGE_PAGE = 2 << 20
# The code, behind the stack, reaches no symbol further away than 2 GiB. And where the machine has not that much memory
# the kernel kills a program without a word whose segment it is; the shim says what is wrong.
_LARGEST_STACK_SEGMENT = 64 << 20


def plan_stack(target: Target, size: int) -> AddedSegment | None:
    """The wasm stack as a segment of an image at a fixed address, or None where the shim is to map it.

    It costs nothing in the file, and the kernel maps it with the rest: two system calls less, and pages less, at each
    start. Below it lies what is left between the memory's reservation and `static_text_base`: never mapped.
    """
    base = target.static_text_base
    assert base is not None
    size += -size % target.page_size
    if size > _LARGEST_STACK_SEGMENT:
        return None
    # The top lies in the middle of a huge page, so that it shares a page table with the image behind it and the kernel
    # cannot give it a huge page, all of which the first push would clear.
    return AddedSegment(base + (_HUGE_PAGE // 2 - size) % _HUGE_PAGE, b"", size, ".stack")


def _add_segments(executable: bytes, layout: ElfLayout, segments: Sequence[AddedSegment], page_size: int) -> bytes:
    """Appends the segments to what lld made, whose first program headers are PT_NULL for this.

    lld could place memory 0 too, but not with the ELF header in a segment at a higher address. Each gets a section as
    well: GNU strip and objcopy write a segment anew from the sections in it, and one without any as empty.
    """
    if not segments:
        return executable
    out = bytearray(executable)
    file = layout.read_file_header(out)
    headers = layout.read_section_headers(out)
    names_at, names_size = headers[file.names_index].offset, headers[file.names_index].size
    names = out[names_at : names_at + names_size]
    # Both stand at the end, and are written again behind what is added.
    if names_at > file.section_headers or _aligned(names_at + names_size, layout) != file.section_headers:
        raise ToolError("the linker put the section headers elsewhere than at the end")
    del out[names_at:]
    for index, segment in enumerate(segments):
        at = file.program_headers + index * file.program_header_size
        if layout.read_program_header(out, at).type != PT_NULL:
            raise ToolError("the linker left no program header for a segment to add")
        if segment.data:
            out += bytes(-len(out) % page_size)
        # Offset and address agree modulo the page size also where there is nothing in the file.
        offset = len(out) if segment.data else 0
        header = ProgramHeader(
            PT_LOAD, 6, offset, segment.address, segment.address, len(segment.data), segment.size, page_size
        )
        out[at : at + file.program_header_size] = layout.pack_program_header(header)
        out += segment.data
        zeros = segment.name + ".zeros" if segment.data else segment.name
        for kind, name, start, size in (
            (SHT_PROGBITS, segment.name, 0, len(segment.data)),
            (SHT_NOBITS, zeros, len(segment.data), segment.size - len(segment.data)),
        ):
            if size:
                address, flags = segment.address + start, SHF_WRITE | SHF_ALLOC
                headers.append(SectionHeader(len(names), kind, flags, address, offset + start, size, 0, 0, 1, 0))
                names += name.encode() + b"\0"
    headers[file.names_index] = headers[file.names_index]._replace(offset=len(out), size=len(names))
    out += names
    out += bytes(_aligned(len(out), layout) - len(out))
    file = file._replace(section_headers=len(out), section_header_count=len(headers))
    layout.file_header.pack_into(out, 0, *file)
    return bytes(out) + b"".join(layout.section_header.pack(*each) for each in headers)


def _aligned(offset: int, layout: ElfLayout) -> int:
    """Where section headers may stand at or behind `offset`."""
    return offset + -offset % layout.word.size


_EMBEDDED = ".waot.embed"


def _place_embedded(executable: bytes, layout: ElfLayout, page_size: int) -> bytes:
    """Says that the embedded image stands behind the executable, which becomes whole pages.

    To lld it was zeros, so that hundreds of megabytes need not go through it, nor through the cache.
    """
    out = bytearray(executable)
    out += bytes(-len(out) % page_size)
    file = layout.read_file_header(out)
    headers = layout.read_section_headers(out)
    names = headers[file.names_index].offset
    for index, section in enumerate(headers):
        if out.startswith(_EMBEDDED.encode() + b"\0", names + section.name):
            at = file.section_headers + index * file.section_header_size
            placed = section._replace(type=SHT_PROGBITS, flags=SHF_ALLOC, offset=len(out))
            layout.section_header.pack_into(out, at, *placed)
            address, size = section.address, section.size
            break
    else:
        raise ToolError("the linker left out what is embedded")
    for index in range(file.program_header_count):
        at = file.program_headers + index * file.program_header_size
        header = layout.read_program_header(out, at)
        if header.type == PT_LOAD and header.address == address:
            header = header._replace(offset=len(out), file_size=size, memory_size=size, align=page_size)
            out[at : at + file.program_header_size] = layout.pack_program_header(header)
            return bytes(out)
    raise ToolError("the linker left out the segment of what is embedded")


# What a thread's variables begin as. Start and size are multiples of the alignment, which is then all that
# os/posix/threads/threads.c has to know to lay them out.
_THREAD_SECTIONS = """
  .tdata : ALIGN(64) { *(.tdata .tdata.*) . = ALIGN(64); } :data :tls
  .tbss : ALIGN(64) { *(.tbss .tbss.*) . = ALIGN(64); } :data :tls"""


def linker_script(
    target: Target,
    *,
    fixed: bool,
    stack: AddedSegment | None,
    reserved: int,
    embedded: int = 0,
    threads: bool = False,
) -> str:
    """The script of an image at a `fixed` address or of a static PIE.

    `reserved` program headers are left for segments to add, `stack` is the stack if among them. `embedded` is the size
    of what is embedded. With `threads` there is a segment PT_TLS.

    Symbols in it are those of `waot_abi.h`, runtime-support/core/process.h, os/image.h and os/linux/entry.c.
    """
    page = target.page_size
    relocations = ".rela.dyn" if MACHINES[target.arch].rela else ".rel.dyn"
    next_segment = f". = ALIGN({page:#x}) + (. & {page - 1:#x});"
    even = ". = ALIGN(2);" if target.arch == "s390x" else ""  # where its instructions can say that a symbol is
    headers = [
        "constants PT_LOAD FILEHDR PHDRS FLAGS(4);",
        "text PT_LOAD FLAGS(5);",
        "data PT_LOAD FLAGS(6);",
        "stack PT_GNU_STACK FLAGS(6);",
    ]
    if not fixed:
        headers.insert(-1, "dynamic PT_DYNAMIC FLAGS(6);")
    if embedded:
        headers.insert(3, "embedded PT_LOAD FLAGS(4);")
    if threads:
        headers.insert(-1, "tls PT_TLS FLAGS(4);")
    branded = target.system == "freebsd"
    if branded:
        headers.insert(0, "brand PT_NOTE FLAGS(4);")
    brand = "\n  .note.tag : { KEEP(*(.note.tag)) } :constants :brand" if branded else ""
    # Loadable segments are listed by address, so those to add come first.
    headers = [f"added{i} PT_NULL;" for i in range(reserved)] + headers
    program_headers = "\n  ".join(headers)
    base = (target.static_text_base or 0) if fixed else 0
    low, high = (stack.address, stack.address + stack.size) if stack else (base, base)
    return f"""\
PHDRS {{
  {program_headers}
}}
SECTIONS {{
  . = {high:#x} + SIZEOF_HEADERS;
  waot_stack_low = {low:#x};
  waot_stack_high = {high:#x};
  waot_image_start = {high:#x};{brand}
  .waot.manifest : {{
    waot_manifest_start = .; KEEP(*(.waot.manifest)) waot_manifest_end = .;
  }} :constants
  .rodata : {{
    *(.rodata .rodata.* .srodata .srodata.*)
    . = ALIGN(8); waot_data_image = .; KEEP(*(.waot.data))
  }} :constants
  .eh_frame : {{ waot_eh_frame_start = .; KEEP(*(.eh_frame)) waot_eh_frame_end = .; }} :constants
  .waot.lines : {{
    {even} waot_lines_start = .; KEEP(*(.debug_line)) {even} waot_lines_end = .;
  }} :constants
  .dynsym : {{ *(.dynsym) }} :constants
  .hash : {{ *(.hash) }} :constants
  .dynstr : {{ *(.dynstr) }} :constants
  . = ALIGN(8);
  waot_rela_start = .;
  {relocations} : {{ *({relocations}) }} :constants
  waot_rela_end = .;
  . = ALIGN(8);
  waot_relr_start = .;
  .relr.dyn : {{ *(.relr.dyn) }} :constants
  waot_relr_end = .;
  {next_segment}
  .text : {{
    waot_wasm_text_start = .; *(.text.wasm .text.wasm.*) waot_wasm_text_end = .;
    *(.text .text.*)
  }} :text
  {next_segment}
  .dynamic : {{ *(.dynamic) }} :data {"" if fixed else ":dynamic"}{_THREAD_SECTIONS if threads else ""}
  .got : {{ *(.got .got.plt{" .toc .toc.*" if target.arch == "powerpc64le" else ""}) }} :data
  .data : {{ *(.data.rel.ro .data.rel.ro.* .data .data.* .sdata .sdata.*) }} :data
  .bss : {{ *(.bss.waot_process .bss.waot_stack) *(.bss .sbss COMMON) *(.bss.* .sbss.*) }} :data
  waot_image_end = .;
  . = ALIGN({page:#x});
  waot_embed_start = .;
  {f"{_EMBEDDED} (NOLOAD) : {{ . += {embedded:#x}; }} :embedded" if embedded else ""}
  /DISCARD/ : {{ *(.comment) *(.debug_*) *(.note.*) *(.llvm_addrsig) }}
  /DISCARD/ : {{ *(.ARM.attributes .riscv.attributes .gnu.attributes) }}
}}
"""


def _check_relocations(executable: bytes, layout: ElfLayout, relative: int) -> None:
    """Raises ToolError if a relocation is left that start.c does not apply: it knows R_*_RELATIVE only."""
    for section in layout.read_section_headers(executable):
        if section.type in (SHT_REL, SHT_RELA):
            for at in range(section.offset, section.offset + section.size, layout.relocation_size(section.type)):
                kind = layout.read_relocation_type(executable, at)
                if kind != relative:
                    raise ToolError(f"the image keeps a relocation of type {kind}, which it cannot apply")
