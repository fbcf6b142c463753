"""Validity of a module apart from its function bodies (core specification, section 3.4)."""

from __future__ import annotations

from waot.frontend import limits
from waot.frontend.constexpr import REF_FUNC, check_const_expr, func_ref
from waot.frontend.module import ConstExpr, Element, FuncType, MemoryType, Module, TableType, ValType
from waot.frontend.reader import Reader
from waot.frontend.subtyping import is_defaultable, matches_ref


def validate_module(module: Module) -> None:
    """Checks what section 3.4 demands, in section order, and sets `module.declared_funcs`.

    Raises `InvalidError`.
    """
    _check_functions(module)
    _check_sizes(module)
    _check_tables(module)
    _check_globals(module)
    _check_exports(module)
    _check_start(module)
    _check_elements(module)
    _check_datas(module)
    module.declared_funcs = _declared_funcs(module)


def _at(module: Module, section: str, offset: int | None = None) -> Reader:
    """A reader that is only asked for errors in that section."""
    start = next((start for name, start, _ in module.sections if name == section), 0)
    pos = start if offset is None else offset
    return Reader(module.source, pos, len(module.source), file=module.file, section=section)


def _check_functions(module: Module) -> None:
    for type_index in module.funcs:
        if type_index >= len(module.types):
            raise _at(module, "function").invalid(f"unknown type {type_index}")
        if not isinstance(module.types[type_index], FuncType):
            raise _at(module, "function").invalid(f"type {type_index} is not a function type")


def _check_sizes(module: Module) -> None:
    """Limits of tables and memories, imported and defined (3.2.4, 3.2.15, 3.2.16)."""
    for imported in module.imports:
        _check_size(module, "import", imported.type, imported.offset)
    for table in module.defined_tables:
        _check_size(module, "table", table.type, table.offset)
    for memory in module.memories:
        _check_size(module, "memory", memory, None)


def _check_size(module: Module, section: str, type_: object, offset: int | None) -> None:
    if not isinstance(type_, MemoryType | TableType):
        return
    range_ = type_.limits
    bits = 64 if range_.index64 else 32
    if isinstance(type_, MemoryType):
        if type_.page_size_log2 not in (0, 16):
            raise _at(module, section, offset).invalid(
                f"invalid custom page size {1 << type_.page_size_log2}: it must be 1 or 65536"
            )
        # The number of pages must itself be an index.
        most = min(limits.MAX_MEMORY_BYTES[bits] >> type_.page_size_log2, 2**bits - 1)
        message = f"memory size must be at most {most} pages"
        if range_.shared and range_.maximum is None:
            raise _at(module, section, offset).invalid("shared memory must have maximum")
    else:
        most = limits.MAX_TABLE_ELEMENTS[bits]
        message = f"table size must be at most 2^{bits}-1"
    if range_.minimum > most or (range_.maximum is not None and range_.maximum > most):
        raise _at(module, section, offset).invalid(message)
    if range_.maximum is not None and range_.minimum > range_.maximum:
        raise _at(module, section, offset).invalid("size minimum must not be greater than maximum")


def _check_tables(module: Module) -> None:
    """Initial values of tables (3.4.3); imported globals are all that they see."""
    reader = _at(module, "table")
    imported = len(module.globals) - len(module.defined_globals)
    for table in module.defined_tables:
        element = table.type.element
        if table.init is not None:
            check_const_expr(module, reader, table.init, element, imported, table.offset)
        elif not is_defaultable(element):
            raise reader.invalid(f"type mismatch: a table of {element} needs an initial value", table.offset)


def _check_globals(module: Module) -> None:
    index = len(module.globals) - len(module.defined_globals)
    reader = _at(module, "global")
    for global_ in module.defined_globals:
        check_const_expr(module, reader, global_.init, global_.type.value, index, global_.offset)
        index += 1


def _check_exports(module: Module) -> None:
    spaces = {
        "func": len(module.funcs),
        "table": len(module.tables),
        "memory": len(module.memories),
        "global": len(module.globals),
        "tag": len(module.tags),
    }
    seen: set[str] = set()
    for export in module.exports:
        if export.index >= spaces[export.kind]:
            kind = "function" if export.kind == "func" else export.kind
            raise _at(module, "export", export.offset).invalid(f"unknown {kind} {export.index}")
        if export.name in seen:
            raise _at(module, "export", export.offset).invalid(f"duplicate export name {export.name!r}")
        seen.add(export.name)


def _check_start(module: Module) -> None:
    if module.start is None:
        return
    if module.start >= len(module.funcs):
        raise _at(module, "start").invalid(f"unknown function {module.start}")
    type_ = module.func_type(module.start)
    if type_ != FuncType((), ()):
        raise _at(module, "start").invalid(f"start function: its type must be [] -> [], but is {type_}")


def _check_elements(module: Module) -> None:
    reader = _at(module, "element")
    for element in module.elements:
        if element.mode == "active":
            if element.table >= len(module.tables):
                raise reader.invalid(f"unknown table {element.table}", element.offset)
            table = module.tables[element.table]
            if not matches_ref(module, element.type, table.element):
                raise reader.invalid(
                    f"type mismatch: a segment of {element.type} in a table of {table.element}", element.offset
                )
            assert element.offset_expr is not None
            _check_offset(module, reader, element.offset_expr, table.limits.index, element.offset)
        _check_functions_of(module, reader, element)
        for expr in element.exprs or ():
            check_const_expr(module, reader, expr, element.type, len(module.globals), element.offset)


def _check_functions_of(module: Module, reader: Reader, element: Element) -> None:
    for function in element.functions or ():
        if function >= len(module.funcs):
            raise reader.invalid(f"unknown function {function}", element.offset)
        if element.type.heap != "func":
            type_ = func_ref(module, function)
            if not matches_ref(module, type_, element.type):
                raise reader.invalid(f"type mismatch: expected {element.type}, found {type_}", element.offset)


def _check_datas(module: Module) -> None:
    reader = _at(module, "data")
    for data in module.datas:
        if data.mode == "active":
            if data.memory >= len(module.memories):
                raise reader.invalid(f"unknown memory {data.memory}", data.offset)
            assert data.offset_expr is not None
            index = module.memories[data.memory].limits.index
            _check_offset(module, reader, data.offset_expr, index, data.offset)


def _check_offset(module: Module, reader: Reader, expr: ConstExpr, index: ValType, at: int) -> None:
    check_const_expr(module, reader, expr, index, len(module.globals), at)


def _declared_funcs(module: Module) -> frozenset[int]:
    """The functions named outside of bodies and the start section: `refs` of section 3.4.10."""
    declared = {export.index for export in module.exports if export.kind == "func"}
    for element in module.elements:
        declared.update(element.functions or ())
    for expr in module.const_exprs():
        declared.update(immediate for index, immediate, _ in expr if index == REF_FUNC)
    return frozenset(declared)
