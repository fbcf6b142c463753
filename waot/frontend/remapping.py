"""From the index spaces of one instance to those of the program that it is linked into.

A body is decoded and validated by the instance's own module, then its immediates, types and byte offsets are rewritten.
What an immediate refers to is told by the operator table, so a new operator needs nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from waot.frontend.module import (
    Body,
    ConstExpr,
    ExternType,
    Facts,
    FieldType,
    FuncType,
    GlobalType,
    Import,
    Instance,
    MemoryType,
    RefType,
    TableType,
    ValType,
    ref_type,
)
from waot.frontend.opcodes import OPERATORS, Operator


def remap_ref(types: Sequence[int], type_: RefType) -> RefType:
    """A reference type whose type index, if it has one, is a position in `types`."""
    return ref_type(types[type_.heap], type_.nullable) if isinstance(type_.heap, int) else type_


def remap_value(types: Sequence[int], type_: ValType) -> ValType:
    """`remap_ref` of any value or storage type."""
    return remap_ref(types, type_) if isinstance(type_, RefType) else type_


def remap_func_type(types: Sequence[int], type_: FuncType) -> FuncType:
    """`remap_value` of parameters and results; most types have nothing to change and stay the same object."""
    if not any(isinstance(t, RefType) and isinstance(t.heap, int) for t in type_.params + type_.results):
        return type_
    return FuncType(
        tuple([remap_value(types, t) for t in type_.params]), tuple([remap_value(types, t) for t in type_.results])
    )


def remap_field(types: Sequence[int], field: FieldType) -> FieldType:
    """`remap_value` of a field of a struct or array."""
    return replace(field, storage=remap_value(types, field.storage))


_Extern = TypeVar("_Extern", FuncType, TableType, MemoryType, GlobalType, ExternType)


def remap_extern_type(types: Sequence[int], type_: _Extern) -> _Extern:
    """The type of an import or definition, with the types in it remapped."""
    if isinstance(type_, FuncType):
        return remap_func_type(types, type_)
    if isinstance(type_, TableType):
        return replace(type_, element=remap_ref(types, type_.element))
    if isinstance(type_, GlobalType):
        return replace(type_, value=remap_value(types, type_.value))
    return type_


def remap_import(types: Sequence[int], bias: int, item: Import) -> Import:
    """An import that stays one."""
    index = None if item.type_index is None else types[item.type_index]
    return replace(item, type=remap_extern_type(types, item.type), type_index=index, offset=item.offset + bias)


# ---------------------------------------------------------------------- immediates

_Remap = Callable[[Instance, Any], Any]

#: Immediates that are an index, by their name in the operator table.
_INDICES: Final[dict[str, _Remap]] = {
    "func": lambda instance, index: instance.funcs[index],
    "type": lambda instance, index: instance.types[index],
    "table": lambda instance, index: instance.tables[index],
    "memory": lambda instance, index: instance.memories[index],
    "global": lambda instance, index: instance.globals[index],
    "tag": lambda instance, index: instance.tags[index],
    "elem": lambda instance, index: instance.elements[index],
    "data": lambda instance, index: instance.datas[index],
}


def _types(instance: Instance, immediate: Any) -> Any:
    """Whatever types are in the immediate; validation puts them where the encoding has none (`drop`) or an index."""
    if isinstance(immediate, ValType):
        return remap_value(instance.types, immediate)
    if isinstance(immediate, FuncType):
        return remap_func_type(instance.types, immediate)
    if isinstance(immediate, tuple):
        return tuple([_types(instance, part) for part in immediate])
    return immediate


def _memarg(instance: Instance, immediate: tuple[int, ...]) -> tuple[int, ...]:
    align, offset, memory, *lane = immediate
    return (align, offset, instance.memories[memory], *lane)


def _catches(instance: Instance, immediate: tuple[FuncType, tuple[tuple[str, int | None, int], ...]]) -> Any:
    type_, clauses = immediate
    return (
        remap_func_type(instance.types, type_),
        tuple([(kind, None if tag is None else instance.tags[tag], label) for kind, tag, label in clauses]),
    )


def _remap_for(operator: Operator) -> _Remap | None:
    kinds = operator.immediates
    if "memarg" in kinds:
        return _memarg
    if "catches" in kinds:
        return _catches
    indices = [_INDICES.get(kind) for kind in kinds]
    if any(indices):
        if len(indices) == 1:
            return indices[0]
        return lambda instance, immediate: tuple(
            [remap(instance, x) if remap else x for remap, x in zip(indices, immediate, strict=True)]
        )
    if operator.params is None and not set(kinds) & {"label", "labels", "local"}:
        return _types
    return _types if "heaptypes" in kinds else None


_REMAP: Final[tuple[_Remap | None, ...]] = tuple(map(_remap_for, OPERATORS))


def remap_code(instance: Instance, code: list[tuple[int, Any, int]] | ConstExpr) -> list[tuple[int, Any, int]]:
    """Code of `instance`, a body's or a constant expression's, as code of the linked module."""
    table, bias = _REMAP, instance.bias
    return [
        (
            index,
            immediate if (remap := table[index]) is None or immediate is None else remap(instance, immediate),
            at + bias,
        )
        for index, immediate, at in code
    ]


def remap_expr(instance: Instance, expr: ConstExpr) -> ConstExpr:
    """A constant expression."""
    return tuple(remap_code(instance, expr))


def remap_body(instance: Instance, body: Body) -> Body:
    """A validated body of `instance`."""
    return Body(
        index=instance.funcs[body.index],
        type=remap_func_type(instance.types, body.type),
        locals=tuple([remap_value(instance.types, t) for t in body.locals]),
        code=remap_code(instance, body.code),
        start=body.start + instance.bias,
        assigned=body.assigned,
    )


def remap_facts(instance: Instance, facts: Facts) -> Facts:
    """Facts about functions of `instance`."""
    funcs, types, tables = instance.funcs, instance.types, instance.tables

    def functions(of: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
        return {funcs[index]: tuple(sorted([funcs[callee] for callee in callees])) for index, callees in of.items()}

    return Facts(
        callees=functions(facts.callees),
        sizes={funcs[index]: size for index, size in facts.sizes.items()},
        written_tables={tables[index] for index in facts.written_tables},
        written_globals={instance.globals[index] for index in facts.written_globals},
        grown_memories={instance.memories[index] for index in facts.grown_memories},
        indirect_types={(types[type_index], tables[table]) for type_index, table in facts.indirect_types},
        proposals=facts.proposals,
        tail_calls=facts.tail_calls,
        wide_atomics=facts.wide_atomics,
        throwing={funcs[index] for index in facts.throwing},
        referred={funcs[index] for index in facts.referred},
        escaping_callees=functions(facts.escaping_callees),
        escaping_types={
            funcs[index]: tuple(sorted({types[t] for t in called})) for index, called in facts.escaping_types.items()
        },
    )
