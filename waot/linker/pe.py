"""One Windows executable, by lld.

Sections, in the order of the file:

    .text    the shim, then the wasm functions
    .waot    where the embedded image is, the manifest; then what others call .rdata: constants, what exceptions and
             backtraces unwind by, imports, the line table
    .data    variables, then zeros
    .reloc   what the loader adds to where it loads the image somewhere else

and behind them, where something is embedded, `.waotemb`. No C library: all that is imported is what
runtime-support/os/windows/*.def name. The same input gives the same bytes: no time, no path, no version of a tool.
"""

from __future__ import annotations

import mmap
import struct

from waot.errors import ToolError
from waot.linker.coff import CODE, DATA, EXECUTE, MACHINES, READ, WRITE, ZEROS, Part, data_object, prepare
from waot.linker.inputs import Inputs
from waot.linker.lld import run_lld
from waot.linker.manifest import decode_manifest
from waot.targets import Target

MANIFEST, EMBEDDED = ".waot", ".waotemb"
MANIFEST_AT = 8  # bytes from the start of section MANIFEST

_MACHINE_NAMES = {"x86_64": "x64", "aarch64": "arm64", "x86": "x86"}
_MARK = 16  # bytes of the sections that bracket others
SECTION = struct.Struct("<8sIIIIIIHHI")
_STUB = b"MZ".ljust(64, b"\0")  # what MS-DOS would run: nothing; the header alone
_FILE_ALIGNMENT, _SECTION_ALIGNMENT = 512, 4096
# What the loader, the C code that starts the program, and the telling of an exhausted stack need of the stack.
_STACK_EXTRA = 64 << 10


def link_pe(inputs: Inputs) -> bytes:
    """As `link_executable`, for a target whose executables are PE."""
    target = inputs.target
    objects = [prepare(data, target) for data in inputs.objects]
    objects.append(_own_object(inputs))
    merged = [".rdata=.waot", ".waotl=.waot", ".pdata=.waot", ".bss=.data"]
    if target.arch == "x86":  # no .pdata, but DWARF's frames, which begin in the first object
        objects.insert(0, _frames_object(target))
        merged.append(".eh_frame=.waot")
    stack = decode_manifest(inputs.manifest, target.endian).stack_size + _STACK_EXTRA
    arguments = ["lld-link", "/out:out", "/lldmingw", f"/machine:{_MACHINE_NAMES[target.arch]}", "/lldignoreenv"]
    arguments += ["/entry:waot_start", "/subsystem:console", "/nodefaultlib", "/timestamp:0", "/opt:ref,noicf"]
    arguments += ["/dynamicbase", "/nxcompat", "/manifest:no", f"/stack:{stack - stack % -65536},65536"]
    # With 32 bits: 4 GiB of address space on a 64-bit system; and no handler on the stack is ever called.
    arguments += ["/largeaddressaware", "/highentropyva" if target.pointer_bits == 64 else "/noseh"]
    arguments += [f"/merge:{name}" for name in merged]
    prefix = MACHINES[target.arch].prefix
    if inputs.runtime.threads:
        arguments.append(f"/include:{prefix}_tls_used")
    arguments += [f"/alternatename:{prefix}waot_image_start={prefix}__ImageBase"]
    # With the linker's own stub the headers of a 32-bit program would take 512 bytes more.
    files = {"stub": _STUB} if target.arch == "x86" else {}
    executable = run_lld(inputs, [*arguments, *(f"/{name}:{name}" for name in files)], objects, files=files)
    return _place_embedded(executable, inputs.embedded) if inputs.embedded else executable


def _own_object(inputs: Inputs) -> bytes:
    """The manifest, the data image, and symbols before and behind what the linker collects."""
    manifest = inputs.manifest + bytes(-len(inputs.manifest) % 8)
    text, lines = CODE | EXECUTE | READ, DATA | READ
    int3 = b"\xcc" * _MARK
    data_image = inputs.data_image or bytes(1)
    parts = [
        Part(f"{MANIFEST}$a", bytes(MANIFEST_AT), DATA | READ, {"waot_embed_rva": 0}, align=16),
        Part(f"{MANIFEST}$b", manifest, DATA | READ, {"waot_manifest_start": 0}, align=8),
        Part(f"{MANIFEST}$z", bytes(8), DATA | READ, {"waot_manifest_end": 0}, align=8),
        Part(".rdata", data_image, DATA | READ, {"waot_data_image": 0}, align=16),
        Part(".text$za", int3, text, {"waot_wasm_text_start": _MARK}, align=16),
        Part(".text$zz", int3, text, {"waot_wasm_text_end": 0}, align=16),
        Part(".waotl$a", bytes(_MARK), lines, {"waot_lines_start": _MARK}),
        Part(".waotl$z", bytes(_MARK), lines, {"waot_lines_end": 0}),
        Part(".bss$zz", b"", ZEROS | READ | WRITE, {"waot_image_end": _MARK}, align=16, size=_MARK),
    ]
    return data_object(parts, inputs.target)


def _frames_object(target: Target) -> bytes:
    """Symbols before and behind .eh_frame: the linker has sections of one name in the order of the objects."""
    parts = [
        Part(".eh_frame", bytes(_MARK), DATA | READ, {"waot_eh_frame_start": 0}, align=4),
        Part(".eh_frame$z", bytes(_MARK), DATA | READ, {"waot_eh_frame_end": 0}, align=4),
    ]
    return data_object(parts, target)


def section_headers(image: bytes | mmap.mmap) -> tuple[int, int]:
    """Where the section headers of a PE image are in it, and how many. Raises ToolError for anything else."""
    try:
        (pe,) = struct.unpack_from("<I", image, 0x3C)
        if image[:2] != b"MZ" or image[pe : pe + 4] != b"PE\0\0":
            raise ToolError("the image is not PE")
        (count,) = struct.unpack_from("<H", image, pe + 6)
        (optional,) = struct.unpack_from("<H", image, pe + 20)
    except struct.error:
        raise ToolError("the image is not PE") from None
    return pe + 24 + optional, count


def _place_embedded(executable: bytes, size: int) -> bytes:
    """Says that the embedded image stands behind the executable, and writes where into section `.waot`."""
    out = bytearray(executable)
    out += bytes(-len(out) % _FILE_ALIGNMENT)
    (pe,) = struct.unpack_from("<I", out, 0x3C)
    headers, count = section_headers(executable)
    end = 0
    for at in range(headers, headers + count * SECTION.size, SECTION.size):
        name, virtual, address, _, raw, *_ = SECTION.unpack_from(out, at)
        end = max(end, address + virtual)
        if name.rstrip(b"\0") == MANIFEST.encode():
            place = raw
    end += -end % _SECTION_ALIGNMENT
    at = headers + count * SECTION.size
    (headers_size,) = struct.unpack_from("<I", out, pe + 24 + 60)
    if at + SECTION.size > headers_size:
        raise ToolError("the linker left no room for a section to add")
    SECTION.pack_into(out, at, EMBEDDED.encode(), size, end, size, len(out), 0, 0, 0, 0, DATA | READ)
    struct.pack_into("<H", out, pe + 6, count + 1)
    struct.pack_into("<I", out, pe + 24 + 56, end + size + -size % _SECTION_ALIGNMENT)  # SizeOfImage
    struct.pack_into("<I", out, place, end)
    return bytes(out)
