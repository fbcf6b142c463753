"""An executable of ours, read back: what `waot inspect` shows."""

from __future__ import annotations

import io
import mmap
from dataclasses import dataclass

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from waot.errors import ToolError
from waot.linker.confine import allowed_calls, describe_grants
from waot.linker.manifest import Manifest, decode_manifest

_SECTION = ".waot.manifest"
_MACHO_MAGICS = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")  # of one image, and of several
_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64", "EM_RISCV": "riscv64"}
_MACHINES |= {"EM_386": "x86", "EM_ARM": "arm"}
_MACHINES |= {"EM_S390": "s390x", "EM_PPC64": "powerpc64le", "EM_LOONGARCH": "loongarch64"}


@dataclass(frozen=True, slots=True)
class Segment:
    """A loadable segment: address and sizes in bytes, `access` like "r-x"."""

    address: int
    file_size: int
    memory_size: int
    access: str


@dataclass(frozen=True, slots=True)
class SystemCalls:
    """The system calls that the executable's filter lets through, where it has no more than `grants`."""

    grants: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExecutableInfo:
    """An executable: what it says of itself, and how it is laid out. Sizes are in bytes."""

    manifest: Manifest
    format: str  # "ELF executable", "ELF static PIE", or Mach-O's
    machine: str
    size: int
    sections: tuple[tuple[str, int], ...]  # (name, size)
    segments: tuple[Segment, ...]
    system_calls: tuple[SystemCalls, ...]  # one a filter; none where it has no filter


def inspect_executable(data: bytes | mmap.mmap) -> ExecutableInfo:
    """What an executable of ours is and may do. Raises ToolError for anything else."""
    if data[:4] in _MACHO_MAGICS:
        from waot.linker.inspect_macho import inspect_macho

        return inspect_macho(data)
    try:
        elf = ELFFile(io.BytesIO(data) if isinstance(data, bytes) else data)
        section = elf.get_section_by_name(_SECTION)
        if section is None:
            raise ToolError("not a program that waot built: it has no manifest")
        # Bytes of the file: neither zeros without end nor what a decompressor makes, whose size the file only claims.
        start, size = section["sh_offset"], section["sh_size"]
        if section["sh_type"] != "SHT_PROGBITS" or section.compressed or start + size > len(data):
            raise ToolError("the manifest is damaged", section=_SECTION)
        manifest = decode_manifest(data[start : start + size], "little" if elf.little_endian else "big")
        sections = tuple((s.name, s["sh_size"]) for s in elf.iter_sections() if s.name)
        segments = tuple(
            Segment(s["p_vaddr"], s["p_filesz"], s["p_memsz"], _access(s["p_flags"]))
            for s in elf.iter_segments("PT_LOAD")
        )
        machine = _MACHINES.get(elf["e_machine"], str(elf["e_machine"]))
        if machine == "riscv64" and elf.elfclass == 32:
            machine = "riscv32"
        endian = "little" if elf.little_endian else "big"
        calls = tuple(
            SystemCalls(describe_grants(f.grants), tuple(allowed_calls(f.program, machine, endian)))
            for f in manifest.confinement.filters
        )
        return ExecutableInfo(
            manifest=manifest,
            format="ELF static PIE" if elf["e_type"] == "ET_DYN" else "ELF executable",
            machine=machine,
            size=len(data),
            sections=sections,
            segments=segments,
            system_calls=calls,
        )
    except ToolError:
        raise
    except ELFError as error:
        raise ToolError(
            f"not an ELF file: {error}" if data[:4] != b"\x7fELF" else f"a damaged ELF file: {error}"
        ) from None
    except Exception as error:  # pyelftools meets damage in many ways: KeyError, struct.error, UnicodeDecodeError, ...
        raise ToolError(f"a damaged ELF file: {type(error).__name__}") from None


def _access(flags: int) -> str:
    return "".join(letter if flags & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
