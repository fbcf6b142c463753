"""Types in the binary format (core specification, section 5.3).

Types of proposals that waot cannot compile yet are recognised and named, not called malformed. References to defined
types come out with the canonical index (`Reader.canonical`).
"""

from __future__ import annotations

from typing import Final

from waot.frontend import limits
from waot.frontend.module import (
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    V128,
    ArrayType,
    FieldType,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    RefType,
    StructType,
    TableType,
    ValType,
    ref_type,
)
from waot.frontend.reader import Reader

#: Abstract heap types by their byte.
HEAP_TYPES: Final[dict[int, str]] = {
    0x73: "nofunc",
    0x72: "noextern",
    0x71: "none",
    0x74: "noexn",
    0x70: "func",
    0x6F: "extern",
    0x6E: "any",
    0x6D: "eq",
    0x6C: "i31",
    0x6B: "struct",
    0x6A: "array",
    0x69: "exn",
}

#: Value types of one byte; those of a heap type are the nullable references to it.
VAL_TYPES: Final[dict[int, ValType]] = {
    0x7F: I32,
    0x7E: I64,
    0x7D: F32,
    0x7C: F64,
    0x7B: V128,
    **{byte: ref_type(heap) for byte, heap in HEAP_TYPES.items()},
}

_REF: Final = 0x64
_REF_NULL: Final = 0x63

# The proposals of types that are not of the MVP. All that is not listed here is gc's.
_PROPOSALS: Final[dict[int, str]] = {
    **dict.fromkeys((0x7F, 0x7E, 0x7D, 0x7C), "mvp"),
    0x7B: "simd",
    **dict.fromkeys((0x70, 0x6F), "reference-types"),
    **dict.fromkeys((0x69, 0x74), "exception-handling"),
    **dict.fromkeys((_REF, _REF_NULL), "function-references"),
}

# Value and heap types that waot has no lowering for.
_LATER_TYPES: Final[dict[int, tuple[str, str]]] = {
    0x68: ("contref", "stack-switching"),
    0x75: ("nullcontref", "stack-switching"),
    0x65: ("a shared heap type", "shared-everything-threads"),
}

# Forms of a type definition that waot has no lowering for.
_LATER_TYPE_FORMS: Final[dict[int, tuple[str, str]]] = {
    0x5D: ("a continuation type", "stack-switching"),
    0x65: ("a shared type", "shared-everything-threads"),
}


def _need(reader: Reader, byte: int, at: int) -> None:
    reader.need(_PROPOSALS.get(byte, "gc"), f"the type {VAL_TYPES.get(byte, '(ref ...)')}", at)


def read_val_type(reader: Reader) -> ValType:
    """A value type (section 5.3.6). Raises `UnsupportedError` for one of a later proposal."""
    at = reader.pos
    byte = reader.byte()
    if reader.features is not None:
        _need(reader, byte, at)
    found = VAL_TYPES.get(byte)
    if found is not None:
        return found
    if byte in (_REF, _REF_NULL):
        return ref_type(_read_heap(reader), byte == _REF_NULL)
    if byte in _LATER_TYPES:
        raise reader.unsupported(*_LATER_TYPES[byte], at)
    raise reader.malformed(f"malformed value type 0x{byte:02x}", at)


def read_ref_type(reader: Reader) -> RefType:
    """A reference type (section 5.3.5)."""
    at = reader.pos
    byte = reader.source[at] if at < reader.end else -1
    found = VAL_TYPES.get(byte)
    if found is not None and not isinstance(found, RefType):
        raise reader.malformed(f"malformed reference type: {found} is not one")
    if byte == 0x70:  # tables of funcref are older than reference types
        reader.pos = at + 1
        return ref_type("func")
    result = read_val_type(reader)
    assert isinstance(result, RefType)
    return result


def read_heap_type(reader: Reader) -> RefType:
    """A heap type, as the nullable reference to it (section 5.3.4)."""
    return ref_type(_read_heap(reader))


def _read_heap(reader: Reader) -> str | int:
    """An abstract heap type's name or a canonical type index."""
    at = reader.pos
    byte = reader.byte()
    abstract = HEAP_TYPES.get(byte)
    if abstract is not None:
        if reader.features is not None:
            _need(reader, byte, at)
        return abstract
    if byte in _LATER_TYPES:
        raise reader.unsupported(*_LATER_TYPES[byte], at)
    reader.pos = at
    index = reader.s33()
    if index < 0:
        raise reader.malformed("malformed heap type", at)
    if reader.features is not None:
        reader.need("function-references", f"a reference to type {index}", at)
    return reader.defined_type(index, at)


def read_block_type(reader: Reader) -> FuncType | int:
    """A block type (section 5.4.1): the function type it abbreviates, or a type index."""
    at = reader.pos
    byte = reader.byte()
    simple = BLOCK_TYPES.get(byte)
    if simple is not None:
        if reader.features is not None and simple.results:
            _need(reader, byte, at)
        return simple
    reader.pos = at
    if byte in (_REF, _REF_NULL) or byte in _LATER_TYPES:
        return FuncType((), (read_val_type(reader),))
    index = reader.s33()
    if index < 0:
        raise reader.malformed("malformed block type", at)
    reader.need("multi-value", f"a block of type {index}", at)
    return reader.defined_type(index, at)


#: Block types of one byte.
BLOCK_TYPES: Final[dict[int, FuncType]] = {
    0x40: FuncType((), ()),
    **{byte: FuncType((), (t,)) for byte, t in VAL_TYPES.items()},
}


def read_result_type(reader: Reader, what: str, limit: int) -> tuple[ValType, ...]:
    """A vector of value types (section 5.3.7)."""
    count = reader.count(what, limit)
    return tuple([read_val_type(reader) for _ in range(count)])


def read_composite_type(reader: Reader) -> FuncType | StructType | ArrayType:
    """A function, struct or array type (section 5.3.8)."""
    at = reader.pos
    form = reader.byte()
    if form == 0x60:
        params = read_result_type(reader, "parameters", limits.MAX_PARAMS)
        results = read_result_type(reader, "results", limits.MAX_RESULTS)
        if len(results) > 1:
            reader.need("multi-value", "a function with several results", at)
        return FuncType(params, results)
    if form == 0x5F:
        reader.need("gc", "a struct type", at)
        count = reader.count("fields", limits.MAX_FIELDS, 2)
        return StructType(tuple([_read_field_type(reader) for _ in range(count)]))
    if form == 0x5E:
        reader.need("gc", "an array type", at)
        return ArrayType(_read_field_type(reader))
    if form in _LATER_TYPE_FORMS:
        raise reader.unsupported(*_LATER_TYPE_FORMS[form], at)
    raise reader.malformed(f"malformed type form 0x{form:02x}", at)


def _read_field_type(reader: Reader) -> FieldType:
    byte = reader.source[reader.pos] if reader.pos < reader.end else -1
    storage: ValType
    if byte in (0x78, 0x77):
        reader.pos += 1
        storage = I8 if byte == 0x78 else I16
    else:
        storage = read_val_type(reader)
    return FieldType(storage, _read_mutability(reader))


def _read_mutability(reader: Reader) -> bool:
    at = reader.pos
    mutable = reader.byte()
    if mutable > 1:
        raise reader.malformed(f"malformed mutability 0x{mutable:02x}", at)
    return bool(mutable)


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
    if flags & 8:
        reader.need("custom-page-sizes", "a memory with its own page size", at)
    if flags & 4:
        reader.need("memory64", "a memory with 64-bit indices", at)
    if flags & 2:
        reader.need("threads", "a shared memory", at)
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
    if flags & 4:
        reader.need("memory64", "a table with 64-bit indices", at)
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
