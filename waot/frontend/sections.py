"""The sections of a module, one function each (core specification, section 5.5).

Only what the binary format demands is checked here, except where a later step needs an index to exist (the type of an
imported function); the rest of chapter 3 is in `validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from waot.frontend import limits
from waot.frontend.constexpr import REF_FUNC, read_const_expr
from waot.frontend.module import (
    FUNCREF,
    KINDS,
    Code,
    ConstExpr,
    Data,
    Element,
    Export,
    ExternType,
    FuncType,
    Global,
    Import,
    MemoryType,
    Module,
    Table,
    TableType,
    ref_type,
)
from waot.frontend.reader import Reader
from waot.frontend.type_section import read_type_section
from waot.frontend.types import read_global_type, read_memory_type, read_ref_type, read_table_type

# Elements that are given as function indices (section 5.5.12).
_FUNCTION: Final = ref_type("func", nullable=False)


def _kind(reader: Reader, what: str) -> str:
    at = reader.pos
    byte = reader.byte()
    if byte >= len(KINDS):
        raise reader.malformed(f"malformed {what} kind 0x{byte:02x}", at)
    if byte == 4:
        reader.need("exception-handling", f"the {what} of a tag", at)
    return KINDS[byte]


def _import_section(reader: Reader, module: Module) -> None:
    count = reader.count("imports", limits.MAX_IMPORTS, 4)
    for _ in range(count):
        offset = reader.pos
        from_module = reader.name()
        name = reader.name()
        if name == "" and reader.source[reader.pos : reader.pos + 1] in (b"\x7e", b"\x7f"):
            raise reader.unsupported("a group of imports", "compact-import-section", reader.pos)
        kind = _kind(reader, "import")
        type_index = None
        type_: ExternType
        if kind == "func":
            type_index, type_ = _func_type(reader, module)
            module.funcs.append(type_index)
        elif kind == "table":
            type_ = read_table_type(reader)
            _add_table(reader, module, type_, offset)
        elif kind == "memory":
            type_ = read_memory_type(reader)
            _add_memory(reader, module, type_, offset)
        elif kind == "tag":
            type_index, type_ = _tag_type(reader, module)
            module.tags.append(type_index)
        else:
            type_ = read_global_type(reader)
            if type_.mutable:
                reader.need("mutable-global", "the import of a mutable global", offset)
            module.globals.append(type_)
        module.imports.append(Import(from_module, name, kind, type_, type_index, offset))


def _add_table(reader: Reader, module: Module, type_: TableType, at: int) -> None:
    module.tables.append(type_)
    if len(module.tables) > 1:
        reader.need("reference-types", "a second table", at)


def _add_memory(reader: Reader, module: Module, type_: MemoryType, at: int) -> None:
    module.memories.append(type_)
    if len(module.memories) > 1:
        reader.need("multi-memory", "a second memory", at)


def _func_type(reader: Reader, module: Module) -> tuple[int, FuncType]:
    """A type index that has to be a function type's, and that type."""
    at = reader.pos
    index = reader.u32()
    if index >= len(module.types):
        raise reader.invalid(f"unknown type {index}", at)
    type_ = module.types[index]
    if not isinstance(type_, FuncType):
        raise reader.invalid(f"type {index} is not a function type", at)
    return index, type_


def _tag_type(reader: Reader, module: Module) -> tuple[int, FuncType]:
    """A tag type (section 5.3.13): a zero byte and the type of what is thrown."""
    at = reader.pos
    attribute = reader.byte()
    if attribute != 0:
        raise reader.malformed(f"malformed tag attribute 0x{attribute:02x}", at)
    at = reader.pos
    index, type_ = _func_type(reader, module)
    if type_.results:
        raise reader.invalid(f"non-empty tag result type: a tag has the type {type_}", at)
    return index, type_


def _function_section(reader: Reader, module: Module) -> None:
    count = reader.count("functions", limits.MAX_FUNCTIONS)
    module.funcs.extend([reader.u32() for _ in range(count)])


def _table_section(reader: Reader, module: Module) -> None:
    count = reader.count("tables", limits.MAX_TABLES, 3)
    for _ in range(count):
        offset = reader.pos
        has_init = reader.pos < reader.end and reader.source[reader.pos] == 0x40
        if has_init:
            reader.need("function-references", "a table with an initial value", offset)
            reader.pos += 1
            if reader.byte() != 0:
                raise reader.malformed("malformed table: a zero byte has to follow 0x40", offset + 1)
        type_ = read_table_type(reader)
        init = read_const_expr(reader) if has_init else None
        _add_table(reader, module, type_, offset)
        module.defined_tables.append(Table(type_, init, offset))


def _memory_section(reader: Reader, module: Module) -> None:
    count = reader.count("memories", limits.MAX_MEMORIES, 2)
    for _ in range(count):
        offset = reader.pos
        _add_memory(reader, module, read_memory_type(reader), offset)


def _global_section(reader: Reader, module: Module) -> None:
    count = reader.count("globals", limits.MAX_GLOBALS, 3)
    for _ in range(count):
        offset = reader.pos
        type_ = read_global_type(reader)
        init = read_const_expr(reader)
        module.globals.append(type_)
        module.defined_globals.append(Global(type_, init, offset))


def _export_section(reader: Reader, module: Module) -> None:
    count = reader.count("exports", limits.MAX_EXPORTS, 3)
    for _ in range(count):
        offset = reader.pos
        name = reader.name()
        kind = _kind(reader, "export")
        index = reader.u32()
        if kind == "global" and index < len(module.globals) and module.globals[index].mutable:
            reader.need("mutable-global", "the export of a mutable global", offset)
        module.exports.append(Export(name, kind, index, offset))


def _start_section(reader: Reader, module: Module) -> None:
    module.start = reader.u32()


def _element_section(reader: Reader, module: Module) -> None:
    count = reader.count("element segments", limits.MAX_ELEMENT_SEGMENTS, 2)
    for _ in range(count):
        module.elements.append(_element(reader))


def _element(reader: Reader) -> Element:
    """Section 5.5.12. Bits: 1 passive or declarative, 2 a table index (active) or declarative, 4 expressions."""
    offset = reader.pos
    flags = reader.u32()
    if flags > 7:
        raise reader.malformed(f"malformed element segment kind {flags}", offset)
    if flags & 1:
        reader.need("bulk-memory", "an element segment that is not active", offset)
    if flags & 4:
        reader.need("reference-types", "an element segment of expressions", offset)
    mode, table, offset_expr = "active", 0, None
    if flags & 1:
        mode = "declarative" if flags & 2 else "passive"
    else:
        if flags & 2:
            table = reader.u32()
        offset_expr = read_const_expr(reader)
    type_ = FUNCREF if flags & 4 else _FUNCTION
    if flags & 3:
        if flags & 4:
            type_ = read_ref_type(reader)
        else:
            at = reader.pos
            kind = reader.byte()
            if kind != 0:
                raise reader.malformed(f"malformed element kind 0x{kind:02x}", at)
    functions: tuple[int, ...] | None
    exprs: tuple[ConstExpr, ...] | None = None
    if flags & 4:
        count = reader.count("elements", limits.MAX_TABLE_SEGMENT, 2)
        exprs = tuple([read_const_expr(reader) for _ in range(count)])
        functions = _only_functions(exprs)
        if functions is not None:
            exprs = None
    else:
        count = reader.count("elements", limits.MAX_TABLE_SEGMENT)
        functions = tuple([reader.u32() for _ in range(count)])
    return Element(type_, mode, table, offset_expr, functions, exprs, offset)


def _only_functions(exprs: tuple[ConstExpr, ...]) -> tuple[int, ...] | None:
    if all(len(expr) == 1 and expr[0][0] == REF_FUNC for expr in exprs):
        return tuple([expr[0][1] for expr in exprs])
    return None


def _data_count_section(reader: Reader, module: Module) -> None:
    reader.need("bulk-memory", "the data count section", reader.pos)
    module.data_count = reader.u32()


def _code_section(reader: Reader, module: Module) -> None:
    at = reader.pos
    count = reader.count("function bodies", limits.MAX_FUNCTIONS)
    if count != len(module.funcs) - sum(i.kind == "func" for i in module.imports):
        raise reader.malformed("function and code section have inconsistent lengths", at)
    for _ in range(count):
        at = reader.pos
        size = reader.u32()
        start = reader.pos
        if size > reader.end - start:
            raise reader.malformed("unexpected end: a function body reaches past the end of the section", at)
        if size > limits.MAX_BODY_BYTES:
            raise reader.too_many("bytes in a function body", size, limits.MAX_BODY_BYTES, at)
        reader.pos = start + size
        module.codes.append(Code(start, start + size))


def _data_section(reader: Reader, module: Module) -> None:
    count = reader.count("data segments", limits.MAX_DATA_SEGMENTS, 2)
    for _ in range(count):
        offset = reader.pos
        flags = reader.u32()
        if flags > 2:
            raise reader.malformed(f"malformed data segment kind {flags}", offset)
        if flags == 1:
            reader.need("bulk-memory", "a passive data segment", offset)
        memory = reader.u32() if flags == 2 else 0
        offset_expr = None if flags == 1 else read_const_expr(reader)
        at = reader.pos
        size = reader.u32()
        start = reader.pos
        if size > reader.end - start:
            raise reader.malformed("unexpected end: a data segment reaches past the end of the section", at)
        reader.pos = start + size
        module.datas.append(
            Data("passive" if flags == 1 else "active", memory, offset_expr, start, start + size, offset)
        )


def _tag_section(reader: Reader, module: Module) -> None:
    reader.need("exception-handling", "the tag section", reader.pos)
    count = reader.count("tags", limits.MAX_TAGS, 2)
    module.tags.extend([_tag_type(reader, module)[0] for _ in range(count)])


#: Sections by id: their name and what reads their contents. In the order in which they may appear, each at most once
#: (5.5.16); custom sections, id 0, may stand anywhere.
SECTIONS: Final[dict[int, tuple[str, Callable[[Reader, Module], None]]]] = {
    1: ("type", read_type_section),
    2: ("import", _import_section),
    3: ("function", _function_section),
    4: ("table", _table_section),
    5: ("memory", _memory_section),
    13: ("tag", _tag_section),
    6: ("global", _global_section),
    7: ("export", _export_section),
    8: ("start", _start_section),
    9: ("element", _element_section),
    12: ("data count", _data_count_section),
    10: ("code", _code_section),
    11: ("data", _data_section),
}
