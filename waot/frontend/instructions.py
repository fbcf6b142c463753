"""One operator with its immediates (core specification, section 5.4), driven by the operator table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from waot.frontend import limits
from waot.frontend.module import RefType, ValType
from waot.frontend.opcodes import ONE_BYTE, OPERATORS, PREFIXED, Operator
from waot.frontend.reader import Reader
from waot.frontend.types import read_block_type, read_heap_type, read_result_type


def read_operator(reader: Reader) -> tuple[Operator, Any]:
    """The operator at the reader's position and its immediate, in the form that `Body` documents.

    Before validation a block type may still be a type index, and `select t` has its vector of types.
    Raises `MalformedError` for an unknown operator and `UnsupportedError` for one that waot cannot compile yet or whose
    proposal is turned off.
    """
    at = reader.pos
    byte = reader.byte()
    operator = ONE_BYTE[byte]
    if operator is None:
        operator = _read_prefixed(reader, at, byte)
    if not operator.supported:
        raise reader.unsupported(f"'{operator.name}'", operator.proposal, at)
    if reader.features is not None:
        reader.need(operator.proposal, f"'{operator.name}'", at)
    read = _READ[operator.index]
    return operator, read(reader) if read is not None else None


def _read_prefixed(reader: Reader, at: int, prefix: int) -> Operator:
    codes = PREFIXED.get(prefix)
    if codes is None:
        raise reader.malformed(f"illegal opcode 0x{prefix:02x}", at)
    code = reader.u32()
    operator = codes.get(code)
    if operator is None:
        raise reader.malformed(f"illegal opcode 0x{prefix:02x} 0x{code:02x}", at)
    return operator


# ---------------------------------------------------------------------- immediates


def read_memarg(reader: Reader) -> tuple[int, int, int]:
    """(align as log2, offset, memory index), section 5.4.6. Bit 6 of the flags says that an index follows."""
    at = reader.pos
    flags = reader.u32()
    if flags >= 0x80:
        raise reader.malformed("malformed memop flags", at)
    memory = 0
    if flags & 0x40:
        memory = reader.u32()
        flags &= 0x3F
    return flags, reader.u64(), memory


def _read_labels(reader: Reader) -> tuple[int, ...]:
    count = reader.count("labels in br_table", limits.MAX_BR_TABLE)
    return tuple([reader.u32() for _ in range(count + 1)])


def _read_val_types(reader: Reader) -> tuple[ValType, ...]:
    return read_result_type(reader, "types in select", limits.MAX_RESULTS)


def _read_two_heap_types(reader: Reader) -> tuple[RefType, RefType]:
    return read_heap_type(reader), read_heap_type(reader)


def _read_cast_flags(reader: Reader) -> int:
    """Bit 0: the operand's type is nullable; bit 1: the type tested for is (section 5.4.2)."""
    at = reader.pos
    flags = reader.byte()
    if flags > 3:
        raise reader.malformed(f"malformed br_on_cast flags 0x{flags:02x}", at)
    return flags


def _read_catches(reader: Reader) -> tuple[tuple[str, int | None, int], ...]:
    """The catch clauses of try_table (section 5.4.1): (kind, tag index or None, label depth)."""
    clauses: list[tuple[str, int | None, int]] = []
    for _ in range(reader.count("catch clauses", limits.MAX_CATCHES, 2)):
        at = reader.pos
        kind = reader.byte()
        if kind >= len(_CATCHES):
            raise reader.malformed(f"malformed catch clause 0x{kind:02x}", at)
        tag = reader.u32() if kind < 2 else None
        clauses.append((_CATCHES[kind], tag, reader.u32()))
    return tuple(clauses)


_CATCHES: Final = ("catch", "catch_ref", "catch_all", "catch_all_ref")


def _read_fixed(size: int) -> Callable[[Reader], int]:
    return lambda reader: int.from_bytes(reader.take(size), "little")


def _read_bytes16(reader: Reader) -> bytes:
    return reader.take(16)


def _read_zero(reader: Reader) -> None:
    at = reader.pos
    if reader.byte() != 0:
        raise reader.malformed("zero byte expected", at)


_KINDS: Final[dict[str, Callable[[Reader], Any]]] = {
    "blocktype": read_block_type,
    "labels": _read_labels,
    "memarg": read_memarg,
    "heaptype": read_heap_type,
    "heaptypes": _read_two_heap_types,
    "castflags": _read_cast_flags,
    "catches": _read_catches,
    "type": Reader.type_index,
    "valtypes": _read_val_types,
    "i32": Reader.s32,
    "i64": Reader.s64,
    "f32": _read_fixed(4),
    "f64": _read_fixed(8),
    "v128": _read_bytes16,
    "lanes": _read_bytes16,
    "zero": _read_zero,
    **{f"lane{n}": Reader.byte for n in (2, 4, 8, 16)},
    **dict.fromkeys(
        ("label", "func", "table", "memory", "global", "local", "elem", "data", "tag", "field", "u32"), Reader.u32
    ),
}


def _reader_for(operator: Operator) -> Callable[[Reader], Any] | None:
    if not operator.supported or not operator.immediates:
        return None
    reads = [_KINDS[kind] for kind in operator.immediates]
    first = reads[0]
    if len(reads) == 1:
        return first
    second = reads[1]
    if operator.immediates[0] == "memarg":
        return lambda reader: (*first(reader), second(reader))
    if len(reads) == 3:
        third = reads[2]
        return lambda reader: (first(reader), second(reader), third(reader))
    return lambda reader: (first(reader), second(reader))


_READ: Final = tuple(_reader_for(operator) for operator in OPERATORS)
