"""Mach-O executables: lld lays the image out as ELF, and what it made is written anew as Mach-O.

The wheel's linker for Mach-O is zig's own, which has no scripts, puts all code into one section and needs three
segments where two do. Its lld is whole. So what goes into an executable is compiled for Darwin (calls, registers,
variable arguments), but into ELF objects: LLVM's triples end in `-elf` for that. lld links them to a static PIE at the
addresses that the Mach-O image has, by a script as on Linux; what is left to do is a header, three tables and a
signature.

    __PAGEZERO   ---  the lowest 4 GiB
    __TEXT       r-x  header, manifest, constants, frame information, line table, the wasm functions, the shim
    __DATA       rw-  pointers to libSystem's functions, pointers and variables, then zeros
    __EMBED      r--  embedded directories, where there are any
    __LINKEDIT   r--  what dyld is to rebase and to bind, names, the signature

Offsets in the file are addresses less the image's base, up to the zeros. libSystem's functions are called through stubs
(runtime-support/os/darwin/imports.h): the section .waot.bind holds a pointer for each, which in ELF points to the
function's name, and in Mach-O is bound by dyld. Layouts are those of Apple's <mach-o/loader.h>; dyld's tables are in
the form LC_DYLD_INFO_ONLY, which every version of macOS reads.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from waot.errors import ToolError
from waot.linker.codesign import signature_size
from waot.linker.inputs import Inputs
from waot.linker.lld import run_lld
from waot.linker.macho_finish import EMBED, finish, identifier
from waot.linker.manifest import decode_manifest
from waot.linker.objects import data_object, load_lines
from waot.targets import Target

_BASE = 1 << 32  # of the image, above __PAGEZERO
_COMMANDS = 2048  # bytes for the header and the load commands; what is not needed stays zero
_MOST = 1 << 32  # bytes that offsets in load commands reach

# By arch: cputype, cpusubtype, and ELF's relocation type R_*_RELATIVE.
_MACHINES = {"aarch64": (0x0100000C, 0, 1027), "x86_64": (0x01000007, 3, 8)}

_ENTRY = "waot_start"
_LIB_SYSTEM = "/usr/lib/libSystem.B.dylib"
_DYLD = "/usr/lib/dyld"

# ELF section -> (segment, section, flags): S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS,
# S_NON_LAZY_SYMBOL_POINTERS, S_ZEROFILL.
_CODE, _POINTERS, _ZEROS = 0x80000400, 6, 1
_SECTIONS = {
    ".waot.manifest": ("__TEXT", "__manifest", 0),
    ".rodata": ("__TEXT", "__const", 0),
    ".eh_frame": ("__TEXT", "__eh_frame", 0),
    ".waot.lines": ("__TEXT", "__lines", 0),
    ".text.wasm": ("__TEXT", "__wasm", _CODE),
    ".text": ("__TEXT", "__text", _CODE),
    ".waot.bind": ("__DATA", "__got", _POINTERS),
    ".data": ("__DATA", "__data", 0),
    ".bss": ("__DATA", "__bss", _ZEROS),
}
# What lld makes and the image has no use for: names of imports, and tables for a loader of ELF.
_LEFT_OUT = ".waot.names"


def link_macho(inputs: Inputs) -> bytes:
    """As `link_executable`, for a target whose executables are Mach-O. They are signed, ad hoc.

    Where something is to be embedded it belongs not behind the result, but where `finish` puts it, who signs then.
    """
    target = inputs.target
    objects = [load_lines(data, target) for data in inputs.objects]
    objects.append(data_object({".waot.manifest": inputs.manifest, ".waot.data": inputs.data_image}, target))
    arguments = ["ld.lld", "-static", "-pie", "--no-dynamic-linker", "-z", "text", "-o", "out", "-T", "script.ld"]
    arguments += ["-e", _ENTRY, "-s", "--gc-sections", "--build-id=none", "--hash-style=sysv", "-z", "norelro"]
    arguments += ["-z", f"max-page-size={target.page_size}", "-z", f"common-page-size={target.page_size}"]
    image = run_lld(inputs, arguments, objects, files={"script.ld": _script(target).encode("ascii")})
    name = identifier(decode_manifest(inputs.manifest, target.endian))
    unsigned = _write_image(_read_elf(image, target), target, name, inputs.embedded)
    return unsigned if inputs.embedded else finish(unsigned)


def _script(target: Target) -> str:
    """lld's script; symbols in it are those of waot_abi.h and runtime-support/core/process.h."""
    page = target.page_size
    return f"""\
PHDRS {{
  text PT_LOAD FLAGS(5);
  data PT_LOAD FLAGS(6);
  left PT_LOAD FLAGS(4);
  dynamic PT_DYNAMIC FLAGS(4);
}}
SECTIONS {{
  . = {_BASE + _COMMANDS:#x};
  waot_image_start = {_BASE:#x};
  .waot.manifest : {{
    waot_manifest_start = .; KEEP(*(.waot.manifest)) waot_manifest_end = .;
  }} :text
  .rodata : {{
    *(.rodata .rodata.*)
    . = ALIGN(8); waot_data_image = .; KEEP(*(.waot.data))
  }} :text
  .eh_frame : {{ waot_eh_frame_start = .; KEEP(*(.eh_frame)) waot_eh_frame_end = .; }} :text
  .waot.lines : {{ waot_lines_start = .; KEEP(*(.debug_line)) waot_lines_end = .; }} :text
  .text.wasm : {{ waot_wasm_text_start = .; *(.text.wasm .text.wasm.*) waot_wasm_text_end = .; }} :text
  .text : {{ *(.text .text.*) }} :text
  . = ALIGN({page:#x});
  .waot.bind : {{ *(.waot.bind.*) }} :data
  .data : {{
    waot_variables_start = .; *(.data.__emutls_v .data.__emutls_v.*) waot_variables_end = .;
    *(.got .got.plt) *(.data.rel.ro .data.rel.ro.* .data .data.*)
  }} :data
  .bss : {{ *(.bss.waot_process .bss.waot_stack) *(.bss COMMON) *(.bss.*) }} :data
  waot_image_end = .;
  . = ALIGN({page:#x});
  waot_embed_start = .;
  {_LEFT_OUT} : {{ *(.waot.names.*) }} :left
  .dynsym : {{ *(.dynsym) }} :left
  .hash : {{ *(.hash) }} :left
  .dynstr : {{ *(.dynstr) }} :left
  .rela.dyn : {{ *(.rela.dyn) }} :left
  .dynamic : {{ *(.dynamic) }} :left :dynamic
  /DISCARD/ : {{ *(.comment) *(.debug_*) *(.note.*) *(.llvm_addrsig) }}
}}
"""


# ---------------------------------------------------------------- the image as ELF


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    address: int
    size: int
    align: int
    data: bytes  # empty for zeros


@dataclass(frozen=True, slots=True)
class _Image:
    """What lld laid out: sections by address, pointers as (address, value), the entry's address."""

    sections: list[_Section]
    pointers: list[tuple[int, int]]
    entry: int


_ELF_SECTION = struct.Struct("<IIQQQQIIQQ")
_RELA = struct.Struct("<QQq")


def _read_elf(data: bytes, target: Target) -> _Image:
    entry, _, table = struct.unpack_from("<QQQ", data, 24)
    entry_size, count, names_index = struct.unpack_from("<HHH", data, 58)
    headers = [_ELF_SECTION.unpack_from(data, table + index * entry_size) for index in range(count)]
    names = headers[names_index][4]
    relative = _MACHINES[target.arch][2]
    sections, pointers = [], []
    for name_at, kind, flags, address, offset, size, _, _, align, _ in headers:
        name = data[names + name_at : data.index(b"\0", names + name_at)].decode()
        if kind == 4:  # SHT_RELA
            for place, info, addend in _RELA.iter_unpack(data[offset : offset + size]):
                if info != relative:
                    raise ToolError(f"the image keeps a relocation of type {info & 0xFFFFFFFF}, which dyld has not")
                pointers.append((place, addend))
        elif flags & 2 and size and (name in _SECTIONS or name == _LEFT_OUT):  # SHF_ALLOC
            contents = b"" if kind == 8 else data[offset : offset + size]  # SHT_NOBITS
            sections.append(_Section(name, address, size, align, contents))
    return _Image(sections, sorted(pointers), entry)


# ---------------------------------------------------------------- the image as Mach-O

_DATA_INDEX = 2  # of the segment __DATA


def _uleb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _rebases(places: Sequence[int], data_start: int) -> bytes:
    """dyld's instructions to add the slide to the pointers at `places`, which are sorted: a run at a time."""
    out = bytearray([0x11])  # REBASE_OPCODE_SET_TYPE_IMM, a pointer
    at = None
    index = 0
    while index < len(places):
        count = 1
        while index + count < len(places) and places[index + count] == places[index] + 8 * count:
            count += 1
        if at is None:  # REBASE_OPCODE_SET_SEGMENT_AND_OFFSET_ULEB
            out += bytes([0x20 | _DATA_INDEX]) + _uleb(places[index] - data_start)
        else:  # REBASE_OPCODE_ADD_ADDR_ULEB
            out += b"\x30" + _uleb(places[index] - at)
        # REBASE_OPCODE_DO_REBASE_IMM_TIMES or _ULEB_TIMES
        out += bytes([0x50 | count]) if count < 16 else b"\x60" + _uleb(count)
        at = places[index] + 8 * count
        index += count
    return bytes(out + b"\0") if places else b""


def _binds(imports: Sequence[tuple[int, str]], data_start: int) -> bytes:
    """dyld's instructions to put the addresses of libSystem's functions where they belong."""
    out = bytearray([0x11, 0x51])  # BIND_OPCODE_SET_DYLIB_ORDINAL_IMM, the first; _SET_TYPE_IMM, a pointer
    for place, name in imports:
        out += b"\x40" + name.encode() + b"\0"  # _SET_SYMBOL_TRAILING_FLAGS_IMM
        out += bytes([0x70 | _DATA_INDEX]) + _uleb(place - data_start)  # _SET_SEGMENT_AND_OFFSET_ULEB
        out += b"\x90"  # _DO_BIND
    return bytes(out + b"\0")


def _named(command: int, name: str, *numbers: int) -> bytes:
    """A load command that ends with a name."""
    head = 12 + 4 * len(numbers)
    text = name.encode() + b"\0"
    text += bytes(-(head + len(text)) % 8)
    return struct.pack(f"<{3 + len(numbers)}I", command, head + len(text), head, *numbers) + text


def _version(target: Target) -> int:
    """The oldest macOS that the triple names, as Mach-O writes it: 16.8.8 bits."""
    match = re.search(r"macosx(\d+)\.(\d+)", target.triple)
    if match is None:
        raise ToolError(f"target {target.name} names no version of macOS in its triple")
    return int(match[1]) << 16 | int(match[2]) << 8


def _up(value: int, page: int) -> int:
    return value + -value % page


def _fixed(text: str) -> bytes:
    """A name in 16 bytes."""
    return text.encode().ljust(16, b"\0")


def _write_image(image: _Image, target: Target, signed_as: str, embedded: int) -> bytes:
    """The image up to its signature, in which `signed_as` stands, and without the `embedded` bytes of __EMBED."""
    page = target.page_size
    left_out = next((section for section in image.sections if section.name == _LEFT_OUT), None)
    placed = [section for section in image.sections if section.name in _SECTIONS]
    by_segment = {
        segment: [section for section in placed if _SECTIONS[section.name][0] == segment]
        for segment in ("__TEXT", "__DATA")
    }
    text_size = _up(max(s.address + s.size for s in by_segment["__TEXT"]) - _BASE, page)
    data_start = _BASE + text_size
    data = by_segment["__DATA"]
    data_file_size = _up(max((s.address + len(s.data) for s in data), default=data_start) - data_start, page)
    data_size = _up(max((s.address + s.size for s in data), default=data_start) - data_start, page)

    out = bytearray(text_size + data_file_size)
    for section in placed:
        at = section.address - _BASE
        out[at : at + len(section.data)] = section.data
    imports, places = _point(out, image, left_out, data_start)

    # What is embedded is not there yet, but offsets and addresses count it.
    embed_at, embed_size = len(out), _up(embedded, page)
    embed_address = data_start + data_size
    linkedit = embed_at + embed_size
    rebase, bind = _rebases(places, data_start), _binds(imports, data_start)
    tables: dict[str, tuple[int, int]] = {}

    def append(name: str, data: bytes) -> None:
        tables[name] = (embed_size + len(out), len(data)) if data else (0, 0)
        out.extend(data)

    # Without gaps, which Apple's tools that change such files refuse: dyld's instructions end in zeros, as do names.
    append("rebase", rebase + bytes(-len(rebase) % 8))
    append("bind", bind + bytes(-len(bind) % 8))
    names = bytearray(b" \0")  # as Apple's linker begins: index 0 is no name
    symbols = bytearray()
    for _, name in imports:
        # N_UNDF | N_EXT, from the first library
        symbols += struct.pack("<IBBHQ", len(names), 1, 0, 1 << 8, 0)
        names += name.encode() + b"\0"
    append("symbols", bytes(symbols))
    append("indirect", struct.pack(f"<{len(imports)}I", *range(len(imports))))
    append("names", bytes(names + bytes(-(len(out) + len(names)) % 16)))
    limit = embed_size + len(out)
    size = signature_size(signed_as, limit)
    if limit + size >= _MOST:
        raise ToolError("a program for macOS holds less than 4 GiB", hint="embed less, or grant directories (--dir)")

    cpu, subtype, _ = _MACHINES[target.arch]
    segments = [
        _segment("__PAGEZERO", 0, _BASE, 0, 0, 0, []),
        _segment("__TEXT", _BASE, text_size, 0, text_size, 5, by_segment["__TEXT"]),
        _segment("__DATA", data_start, data_size, text_size, data_file_size, 3, data),
        *([_embed_segment(embed_address, embed_size, embed_at, embedded)] if embedded else []),
        _segment("__LINKEDIT", embed_address + embed_size, _up(limit + size - linkedit, page), linkedit,
                 limit + size - linkedit, 1, []),
    ]  # fmt: skip
    count = len(imports)
    version = _version(target)
    commands = [
        *segments,
        # LC_DYLD_INFO_ONLY; without weak and lazy binds and exports
        struct.pack("<12I", 0x80000022, 48, *tables["rebase"], *tables["bind"], *[0] * 6),
        # LC_SYMTAB, LC_DYSYMTAB: undefined symbols only
        struct.pack("<6I", 2, 24, tables["symbols"][0], count, *tables["names"]),
        struct.pack("<20I", 11, 80, 0, 0, 0, 0, 0, count, *[0] * 6, tables["indirect"][0], count, *[0] * 4),
        _named(14, _DYLD),  # LC_LOAD_DYLINKER
        struct.pack("<2I16s", 27, 24, bytes(16)),  # LC_UUID, set by `finish`
        struct.pack("<6I", 0x32, 24, 1, version, version, 0),  # LC_BUILD_VERSION, of macOS
        struct.pack("<2IQQ", 0x80000028, 24, image.entry - _BASE, 0),  # LC_MAIN
        # LC_LOAD_DYLIB; time stamp 2 and the versions are what Apple's linker writes and dyld compares
        _named(12, _LIB_SYSTEM, 2, 1 << 16, 1 << 16),
        struct.pack("<4I", 29, 16, limit, size),  # LC_CODE_SIGNATURE
    ]
    body = b"".join(commands)
    # MH_EXECUTE; MH_NOUNDEFS | MH_DYLDLINK | MH_TWOLEVEL | MH_PIE
    header = struct.pack("<8I", 0xFEEDFACF, cpu, subtype, 2, len(commands), len(body), 0x200085, 0)
    if len(header) + len(body) > _COMMANDS:
        raise ToolError("the load commands need more room than there is")
    out[: len(header) + len(body)] = header + body
    return bytes(out)


def _point(
    out: bytearray, image: _Image, left_out: _Section | None, data_start: int
) -> tuple[list[tuple[int, str]], list[int]]:
    """Writes pointers as Mach-O has them: the imports (address, name), and the places of all others."""
    bind = next((section for section in image.sections if section.name == ".waot.bind"), None)
    imports, places = [], []
    for place, value in image.pointers:
        if place < data_start:
            raise ToolError("the image keeps a pointer in memory that is not written to")
        if bind is not None and bind.address <= place < bind.address + bind.size:
            assert left_out is not None
            at = value - left_out.address
            imports.append((place, left_out.data[at : left_out.data.index(b"\0", at)].decode()))
            value = 0
        else:
            places.append(place)
        struct.pack_into("<Q", out, place - _BASE, value)
    return imports, places


def _embed_segment(address: int, size: int, offset: int, embedded: int) -> bytes:
    """Read-only, with a section so that tools that write segments anew from their sections keep it."""
    segment = struct.pack("<2I16s4Q4I", 25, 72 + 80, _fixed(EMBED), address, size, offset, size, 1, 1, 1, 0)
    return segment + struct.pack(
        "<16s16s2Q8I", _fixed("__embed"), _fixed(EMBED), address, embedded, offset, 4, 0, 0, 0, 0, 0, 0
    )


def _segment(
    name: str, address: int, size: int, offset: int, file_size: int, protection: int, sections: Sequence[_Section]
) -> bytes:
    """LC_SEGMENT_64 with its sections; what it may become is what it is."""
    out = struct.pack(
        "<2I16s4Q4I", 25, 72 + 80 * len(sections), _fixed(name), address, size, offset, file_size, protection,
        protection, len(sections), 0,
    )  # fmt: skip
    for section in sections:
        _, own_name, flags = _SECTIONS[section.name]
        at = section.address - _BASE if flags != _ZEROS else 0
        align = max(section.align, 1).bit_length() - 1
        out += struct.pack(
            "<16s16s2Q4I", _fixed(own_name), _fixed(name), section.address, section.size, at, align, 0, 0
        )
        out += struct.pack("<4I", flags, 0, 0, 0)
    return out
