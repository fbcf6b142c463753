"""Types in the binary format (core specification, section 5.3).

Types of proposals that waot cannot compile yet are recognised and named, not called malformed.
"""

from __future__ import annotations

from typing import Final

from waot.frontend import limits
from waot.frontend.module import (
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RefType,
    TableType,
    ValType,
)
from waot.frontend.reader import Reader

#: Value types of one byte.
VAL_TYPES: Final[dict[int, ValType]] = {
    0x7F: I32,
    0x7E: I64,
    0x7D: F32,
    0x7C: F64,
    0x7B: V128,
    0x70: FUNCREF,
    0x6F: EXTERNREF,
}

# Abbreviated reference types, or heap types, of one byte, that are of later proposals.
_LATER_REF_TYPES: Final[dict[int, tuple[str, str]]] = {
    0x6E: ("anyref", "gc"),
    0x6D: ("eqref", "gc"),
    0x6C: ("i31ref", "gc"),
    0x6B: ("structref", "gc"),
    0x6A: ("arrayref", "gc"),
    0x71: ("nullref", "gc"),
    0x72: ("nullexternref", "gc"),
    0x73: ("nullfuncref", "gc"),
    0x69: ("exnref", "exception-handling"),
    0x74: ("nullexnref", "exception-handling"),
    0x64: ("a reference type (ref ...)", "function-references"),
    0x63: ("a reference type (ref null ...)", "function-references"),
    0x68: ("contref", "stack-switching"),
    0x75: ("nullcontref", "stack-switching"),
}

# Forms of a type definition other than a function type.
_LATER_TYPE_FORMS: Final[dict[int, tuple[str, str]]] = {
    0x5F: ("a struct type", "gc"),
    0x5E: ("an array type", "gc"),
    0x50: ("a subtype", "gc"),
    0x4F: ("a final subtype", "gc"),
    0x4E: ("a recursive type group", "gc"),
    0x5D: ("a continuation type", "stack-switching"),
    0x65: ("a shared type", "shared-everything-threads"),
}


def read_val_type(reader: Reader) -> ValType:
    """A value type (section 5.3.6). Raises `UnsupportedError` for one of a later proposal."""
    at = reader.pos
    byte = reader.byte()
    found = VAL_TYPES.get(byte)
    if found is not None:
        return found
    if byte in _LATER_REF_TYPES:
        raise reader.unsupported(*_LATER_REF_TYPES[byte], at)
    raise reader.malformed(f"malformed value type 0x{byte:02x}", at)


def read_ref_type(reader: Reader) -> RefType:
    """A reference type (section 5.3.5)."""
    at = reader.pos
    found = VAL_TYPES.get(reader.source[at]) if at < reader.end else None
    if found is not None and not isinstance(found, RefType):
        raise reader.malformed(f"malformed reference type: {found} is not one")
    result = read_val_type(reader)
    assert isinstance(result, RefType)
    return result


def read_heap_type(reader: Reader) -> RefType:
    """A heap type, as the nullable reference to it (section 5.3.4)."""
    at = reader.pos
    byte = reader.byte()
    found = VAL_TYPES.get(byte)
    if isinstance(found, RefType):
        return found
    if byte in _LATER_REF_TYPES and byte not in (0x63, 0x64):
        raise reader.unsupported(*_LATER_REF_TYPES[byte], at)
    reader.pos = at
    index = reader.s33()
    if index < 0:
        raise reader.malformed("malformed heap type", at)
    raise reader.unsupported(f"a reference to type {index}", "function-references", at)


def read_block_type(reader: Reader) -> FuncType | int:
    """A block type (section 5.4.1): the function type it abbreviates, or a type index."""
    at = reader.pos
    byte = reader.byte()
    simple = BLOCK_TYPES.get(byte)
    if simple is not None:
        return simple
    if byte in _LATER_REF_TYPES:
        raise reader.unsupported(*_LATER_REF_TYPES[byte], at)
    reader.pos = at
    index = reader.s33()
    if index < 0:
        raise reader.malformed("malformed block type", at)
    return index


#: Block types of one byte.
BLOCK_TYPES: Final[dict[int, FuncType]] = {
    0x40: FuncType((), ()),
    **{byte: FuncType((), (t,)) for byte, t in VAL_TYPES.items()},
}


def read_result_type(reader: Reader, what: str, limit: int) -> tuple[ValType, ...]:
    """A vector of value types (section 5.3.7)."""
    count = reader.count(what, limit)
    return tuple([read_val_type(reader) for _ in range(count)])


def read_func_type(reader: Reader) -> FuncType:
    """A type definition, which has to be a function type (section 5.3.8)."""
    at = reader.pos
    form = reader.byte()
    if form != 0x60:
        if form in _LATER_TYPE_FORMS:
            raise reader.unsupported(*_LATER_TYPE_FORMS[form], at)
        raise reader.malformed(f"malformed type form 0x{form:02x}", at)
    params = read_result_type(reader, "parameters", limits.MAX_PARAMS)
    results = read_result_type(reader, "results", limits.MAX_RESULTS)
    return FuncType(params, results)


def _read_limits(reader: Reader, flags: int) -> Limits:
    """Limits (section 5.3.9) behind their flags. Bits: 1 a maximum, 2 shared, 4 64-bit indices, 8 a page size."""
    minimum = reader.u64()
    maximum = reader.u64() if flags & 1 else None
    return Limits(minimum, maximum, index64=bool(flags & 4), shared=bool(flags & 2))


def read_memory_type(reader: Reader) -> MemoryType:
    """A memory type (section 5.3.10). Its size and that of its pages are checked by module validation."""
    at = reader.pos
    flags = reader.byte()
    if flags > 0x0F:
        raise reader.malformed(f"malformed limits flags 0x{flags:02x}", at)
    limits = _read_limits(reader, flags)
    if not flags & 8:
        return MemoryType(limits)
    at = reader.pos
    page_size_log2 = reader.u32()
    if page_size_log2 >= 64:
        raise reader.malformed(f"invalid custom page size 2^{page_size_log2}", at)
    return MemoryType(limits, page_size_log2)


def read_table_type(reader: Reader) -> TableType:
    """A table type (section 5.3.11)."""
    element = read_ref_type(reader)
    at = reader.pos
    flags = reader.byte()
    if flags > 0x07:
        raise reader.malformed(f"malformed limits flags 0x{flags:02x}", at)
    if flags & 2:
        raise reader.unsupported("a shared table", "shared-everything-threads", at)
    return TableType(_read_limits(reader, flags), element)


def read_global_type(reader: Reader) -> GlobalType:
    """A global type (section 5.3.12)."""
    value = read_val_type(reader)
    at = reader.pos
    mutable = reader.byte()
    if mutable & ~3 == 0 and mutable & 2:
        raise reader.unsupported("a shared global", "shared-everything-threads", at)
    if mutable > 1:
        raise reader.malformed(f"malformed mutability 0x{mutable:02x}", at)
    return GlobalType(value, bool(mutable))
