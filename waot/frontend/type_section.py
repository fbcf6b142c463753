"""The type section: recursion groups, subtypes, and which types are the same (core specification, 5.5.4 and 3.1.6).

Types are the same if their recursion groups are, as wholes, where a reference into its own group counts by its place
in the group. So a group is read with such references as ``~place`` and all others as canonical indices; read so, equal
groups are equal tuples, and a dictionary finds the first one. All of it takes time linear in the section.
"""

from __future__ import annotations

from typing import Final

from waot.frontend import limits
from waot.frontend.module import (
    ArrayType,
    CompositeType,
    FieldType,
    FuncType,
    Module,
    RefType,
    StructType,
    ValType,
    ref_type,
)
from waot.frontend.reader import Reader
from waot.frontend.subtyping import matches_composite
from waot.frontend.types import read_composite_type

_REC: Final = 0x4E
_SUB: Final = 0x50
_SUB_FINAL: Final = 0x4F

# A type as it is read: whether it is final, its supertype, its structure.
_SubType = tuple[bool, int | None, CompositeType]


def read_type_section(reader: Reader, module: Module) -> None:
    """Sets `types`, `canonical`, `supertypes`, `finals` and `rec_groups` of the module."""
    known: dict[tuple[_SubType, ...], int] = {}
    depths: list[int] = []  # of each type, the number of its supertypes
    for _ in range(reader.count("types", limits.MAX_TYPES, 2)):
        at = reader.pos
        if _peek(reader) == _REC:
            reader.need("gc", "a recursive type group", at)
            reader.pos = at + 1
            size = reader.count("types in a group", limits.MAX_TYPES, 2)
        else:
            size = 1
        if len(module.types) + size > limits.MAX_TYPES:
            raise reader.too_many("types", len(module.types) + size, limits.MAX_TYPES, at)
        _read_group(reader, module, size, known, depths)


def _peek(reader: Reader) -> int:
    return reader.source[reader.pos] if reader.pos < reader.end else -1


def _read_group(
    reader: Reader, module: Module, size: int, known: dict[tuple[_SubType, ...], int], depths: list[int]
) -> None:
    start = len(module.types)
    module.canonical.extend(range(-1, -1 - size, -1))
    module.rec_groups.extend([start] * size)
    group: list[_SubType] = []
    offsets: list[int] = []
    for index in range(start, start + size):
        offsets.append(reader.pos)
        group.append(_read_sub_type(reader, index))
    first = known.setdefault(tuple(group), start)
    module.canonical[start:] = range(first, first + size)
    if first != start:
        same = slice(first, first + size)
        module.types += module.types[same]
        module.supertypes += module.supertypes[same]
        module.finals += module.finals[same]
        depths += depths[same]
        return
    for final, supertype, type_ in group:
        above = start + ~supertype if supertype is not None and supertype < 0 else supertype
        module.types.append(_resolve(type_, start))
        module.supertypes.append(above)
        module.finals.append(final)
        depths.append(0 if above is None else depths[above] + 1)
    for index in range(start, start + size):
        _check_supertype(reader, module, index, depths[index], offsets[index - start])


def _read_sub_type(reader: Reader, index: int) -> _SubType:
    """Type `index` (section 5.3.8); without 0x50 or 0x4F it is final and has no supertype."""
    at = reader.pos
    form = _peek(reader)
    if form not in (_SUB, _SUB_FINAL):
        return True, None, read_composite_type(reader)
    reader.need("gc", "a subtype", at)
    reader.pos = at + 1
    supertypes = []
    for _ in range(reader.count("supertypes", limits.MAX_TYPES)):
        at = reader.pos
        above = reader.u32()
        if above >= index:
            raise reader.invalid(f"unknown type {above}: the supertype of type {index} has to stand before it", at)
        supertypes.append(reader.canonical[above])
    if len(supertypes) > 1:
        raise reader.invalid(f"type {index} has {len(supertypes)} supertypes, but one is the most", at)
    return form == _SUB_FINAL, supertypes[0] if supertypes else None, read_composite_type(reader)


def _check_supertype(reader: Reader, module: Module, index: int, depth: int, at: int) -> None:
    above = module.supertypes[index]
    if above is None:
        return
    if depth > limits.MAX_SUBTYPING_DEPTH:
        raise reader.too_many("supertypes above one another", depth, limits.MAX_SUBTYPING_DEPTH, at)
    if module.finals[above]:
        raise reader.invalid(f"sub type: type {above}, the supertype of type {index}, is final", at)
    if not matches_composite(module, module.types[index], module.types[above]):
        raise reader.invalid(f"sub type: type {index} does not match its supertype {above}", at)


def _resolve(type_: CompositeType, start: int) -> CompositeType:
    """The type with canonical indices, for the ``~place`` of references into its own group, which starts at `start`."""
    if isinstance(type_, FuncType):
        params = tuple([_resolve_val(t, start) for t in type_.params])
        results = tuple([_resolve_val(t, start) for t in type_.results])
        return FuncType(params, results)
    if isinstance(type_, ArrayType):
        return ArrayType(_resolve_field(type_.field, start))
    return StructType(tuple([_resolve_field(field, start) for field in type_.fields]))


def _resolve_field(field: FieldType, start: int) -> FieldType:
    return FieldType(_resolve_val(field.storage, start), field.mutable)


def _resolve_val(type_: ValType, start: int) -> ValType:
    if isinstance(type_, RefType) and isinstance(type_.heap, int) and type_.heap < 0:
        return ref_type(start + ~type_.heap, type_.nullable)
    return type_
