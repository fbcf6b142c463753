"""How ELF's structures lie in a file, by class (32 or 64 bits) and byte order: System V gABI, chapters 4 and 5.

`layout_of` gives a target's `ElfLayout`, `layout_in` the one that a file says it has. What differs by architecture
beyond that stands in `MACHINES`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from waot.errors import ToolError
from waot.targets import Target

PT_NULL, PT_LOAD = 0, 1
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 1, 2, 3, 4, 8, 9
SHF_WRITE, SHF_ALLOC = 1, 2
ET_REL = 1


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture: its number and flags in the file header, and types of relocations.

    `absolute` and `relative` are those of a word, the second relative to its own place; `dynamic` is the one that a
    static PIE applies to itself (R_*_RELATIVE). Their addends stand in the relocated word unless `rela`.
    """

    number: int
    flags: int
    absolute: int
    relative: int
    dynamic: int
    rela: bool = True


# By waot's and zig's name of the architecture.
MACHINES = {
    "x86_64": Machine(62, 0, 1, 24, 8),  # R_X86_64_64, R_X86_64_PC64, R_X86_64_RELATIVE
    "aarch64": Machine(183, 0, 257, 260, 1027),  # R_AARCH64_ABS64, R_AARCH64_PREL64, R_AARCH64_RELATIVE
    # EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE; R_RISCV_64, R_RISCV_32_PCREL: there is none of 64 bits. It writes the
    # low half of a word of zeros, which is enough because the text always stands behind the line table.
    "riscv64": Machine(243, 5, 2, 57, 3),
    "riscv32": Machine(243, 5, 1, 57, 3),  # R_RISCV_32
    "s390x": Machine(22, 0, 22, 23, 12),  # R_390_64, R_390_PC64, R_390_RELATIVE
    "powerpc64le": Machine(21, 2, 38, 44, 22),  # ABI version 2; R_PPC64_ADDR64, R_PPC64_REL64, R_PPC64_RELATIVE
    "loongarch64": Machine(258, 0x43, 2, 109, 3),  # object ABI 1, LP64D; R_LARCH_64, R_LARCH_64_PCREL, R_LARCH_RELATIVE
    "x86": Machine(3, 0, 1, 2, 8, rela=False),  # R_386_32, R_386_PC32, R_386_RELATIVE
    "arm": Machine(40, 0x05000400, 2, 3, 23, rela=False),  # EABI 5, hard float; R_ARM_ABS32, _REL32, _RELATIVE
    "thumb": Machine(40, 0x05000400, 2, 3, 23, rela=False),
}


class FileHeader(NamedTuple):
    """Elf32_Ehdr, Elf64_Ehdr."""

    identification: bytes
    type: int
    machine: int
    version: int
    entry: int
    program_headers: int  # offset in the file
    section_headers: int  # offset in the file
    flags: int
    size: int
    program_header_size: int
    program_header_count: int
    section_header_size: int
    section_header_count: int
    names_index: int  # of the section with the names of sections


class SectionHeader(NamedTuple):
    """Elf32_Shdr, Elf64_Shdr."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int


class ProgramHeader(NamedTuple):
    """Elf64_Phdr; Elf32_Phdr has `flags` further back."""

    type: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    align: int


class Symbol(NamedTuple):
    """Elf64_Sym; Elf32_Sym has `value` and `size` further in front."""

    name: int
    info: int
    other: int
    section: int
    value: int
    size: int


@dataclass(frozen=True, slots=True)
class ElfLayout:
    """The structures of one class and byte order: `bits` is 32 or 64, `order` is struct's "<" or ">"."""

    bits: int
    order: str
    file_header: struct.Struct
    section_header: struct.Struct
    program_header: struct.Struct
    symbol: struct.Struct
    word: struct.Struct

    @property
    def identification(self) -> bytes:
        """e_ident of System V's ABI."""
        return bytes((0x7F, *b"ELF", self.bits // 32, 1 if self.order == "<" else 2, 1)) + bytes(9)

    def read_file_header(self, data: bytes | bytearray) -> FileHeader:
        return FileHeader(*self.file_header.unpack_from(data))

    def read_section_header(self, data: bytes | bytearray, at: int) -> SectionHeader:
        return SectionHeader(*self.section_header.unpack_from(data, at))

    def read_section_headers(self, data: bytes | bytearray) -> list[SectionHeader]:
        """All of a file. More than 16 bits count: the number is in the null section (gABI, e_shnum)."""
        header = self.read_file_header(data)
        table, size = header.section_headers, header.section_header_size
        count = header.section_header_count or self.read_section_header(data, table).size
        return [self.read_section_header(data, table + i * size) for i in range(count)]

    def names_index(self, data: bytes | bytearray) -> int:
        """Of the section with the names of sections (gABI, e_shstrndx)."""
        header = self.read_file_header(data)
        if header.names_index == 0xFFFF:
            return self.read_section_header(data, header.section_headers).link
        return header.names_index

    def read_program_header(self, data: bytes | bytearray, at: int) -> ProgramHeader:
        fields = self.program_header.unpack_from(data, at)
        if self.bits == 32:
            fields = (fields[0], fields[6], *fields[1:6], fields[7])
        return ProgramHeader(*fields)

    def pack_program_header(self, header: ProgramHeader) -> bytes:
        if self.bits == 64:
            return self.program_header.pack(*header)
        return self.program_header.pack(header.type, *header[2:7], header.flags, header.align)

    def read_symbol(self, data: bytes | bytearray, at: int) -> Symbol:
        fields = self.symbol.unpack_from(data, at)
        if self.bits == 32:
            fields = (fields[0], *fields[3:], *fields[1:3])
        return Symbol(*fields)

    def write_symbol(self, data: bytearray, at: int, symbol: Symbol) -> None:
        fields = tuple(symbol)
        if self.bits == 32:
            fields = (fields[0], *fields[4:], *fields[1:4])
        self.symbol.pack_into(data, at, *fields)

    def relocation_size(self, kind: int) -> int:
        """Of an entry in a section of type `kind`: SHT_REL or SHT_RELA."""
        return self.word.size * (3 if kind == SHT_RELA else 2)

    def read_relocation_type(self, data: bytes | bytearray, at: int) -> int:
        (info,) = self.word.unpack_from(data, at + self.word.size)
        return int(info) & self._type_mask

    def write_relocation_type(self, data: bytearray, at: int, value: int) -> None:
        (info,) = self.word.unpack_from(data, at + self.word.size)
        self.word.pack_into(data, at + self.word.size, info & ~self._type_mask | value)

    def read_relocation_symbol(self, data: bytes | bytearray, at: int) -> int:
        """The index of the symbol of the relocation at `at`."""
        (info,) = self.word.unpack_from(data, at + self.word.size)
        return int(info) >> self._type_mask.bit_length()

    def write_relocation_symbol(self, data: bytearray, at: int, value: int) -> None:
        (info,) = self.word.unpack_from(data, at + self.word.size)
        info = value << self._type_mask.bit_length() | info & self._type_mask
        self.word.pack_into(data, at + self.word.size, info)

    @property
    def _type_mask(self) -> int:
        return 0xFFFFFFFF if self.bits == 64 else 0xFF  # ELF64_R_TYPE, ELF32_R_TYPE


@cache
def elf_layout(bits: int, endian: str) -> ElfLayout:
    """For 32 or 64 bits, `endian` "little" or "big"."""
    order = "<" if endian == "little" else ">"
    word = "Q" if bits == 64 else "I"
    return ElfLayout(
        bits=bits,
        order=order,
        file_header=struct.Struct(f"{order}16sHHI3{word}I6H"),
        section_header=struct.Struct(f"{order}II4{word}II2{word}"),
        program_header=struct.Struct(order + ("IIQQQQQQ" if bits == 64 else "8I")),
        symbol=struct.Struct(order + ("IBBHQQ" if bits == 64 else "IIIBBH")),
        word=struct.Struct(order + word),
    )


def layout_of(target: Target) -> ElfLayout:
    """Of a target's objects and executables."""
    return elf_layout(target.pointer_bits, target.endian)


def layout_in(data: bytes | bytearray) -> ElfLayout:
    """Of a file, by what it says of itself. Raises ToolError where it is not ELF."""
    for bits in (32, 64):
        for endian in ("little", "big"):
            layout = elf_layout(bits, endian)
            if data[:6] == layout.identification[:6] and len(data) >= layout.file_header.size:
                return layout
    raise ToolError("an object is not ELF")
