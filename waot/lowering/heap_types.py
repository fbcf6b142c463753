"""Defined types at run time: their numbers, and where the fields of objects are.

The build sees every module of a program, so types can be numbered in preorder of the subtype forest: struct types first,
then arrays, then functions. The subtypes of a type are then an interval of numbers, and a cast is one subtraction and one
unsigned comparison whatever the depth. Exceptions have numbers after all types, one a tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from waot.frontend.module import F64, I8, I16, I64, V128, ArrayType, FieldType, Module, RefType, StructType, ValType

HEADER_BYTES = 8  # of %waot.object
OBJECT_ALIGNMENT = 16
LARGEST_WINDOW = 512  # bytes; larger objects are allocated by the shim


@dataclass(frozen=True, slots=True)
class TypeNumbers:
    """The numbers of a module's types. An interval is (first, last), both included; empty where last < first."""

    intervals: dict[int, tuple[int, int]]  # canonical type index -> its own number and the last of its subtypes
    structs: tuple[int, int]
    arrays: tuple[int, int]
    first_tag: int  # the number of tag 0
    order: tuple[int, ...]  # canonical type index by number

    def number(self, type_index: int) -> int:
        """The number of the type with that canonical index."""
        return self.intervals[type_index][0]

    def is_leaf(self, type_index: int) -> bool:
        """Whether the type has no subtypes but itself."""
        first, last = self.intervals[type_index]
        return first == last


def number_types(module: Module) -> TypeNumbers:
    """Numbers the canonical types of `module`."""
    children: dict[int, list[int]] = {}
    roots: list[list[int]] = [[], [], []]
    for index, type_ in enumerate(module.types):
        if module.canonical[index] != index:
            continue
        parent = module.supertypes[index]
        if parent is not None:
            children.setdefault(parent, []).append(index)
        else:
            roots[0 if isinstance(type_, StructType) else 1 if isinstance(type_, ArrayType) else 2].append(index)
    intervals: dict[int, tuple[int, int]] = {}
    order: list[int] = []
    bounds = []
    for kind in roots:
        start = len(order)
        # (type, whether its subtypes are numbered already)
        work = [(index, False) for index in reversed(kind)]
        while work:
            index, done = work.pop()
            if done:
                intervals[index] = (intervals[index][0], len(order) - 1)
                continue
            intervals[index] = (len(order), len(order))
            order.append(index)
            work.append((index, True))
            work.extend((child, False) for child in reversed(children.get(index, ())))
        bounds.append((start, len(order) - 1))
    return TypeNumbers(intervals, bounds[0], bounds[1], len(order), tuple(order))


def storage_bytes(storage: ValType) -> int:
    """The size of a field or element, which is also its alignment."""
    if storage is I8:
        return 1
    if storage is I16:
        return 2
    if storage is V128:
        return 16
    return 8 if isinstance(storage, RefType) or storage is I64 or storage is F64 else 4


@dataclass(frozen=True, slots=True)
class ObjectLayout:
    """A struct or an exception: its bytes with the header, and the offset of each field."""

    size: int
    offsets: tuple[int, ...]
    references: tuple[int, ...]  # offsets of the fields that are references


@cache
def object_layout(storages: tuple[ValType, ...]) -> ObjectLayout:
    """Fields in order, each at its natural alignment, so that a subtype begins with its supertype's layout."""
    offsets, references = [], []
    at = HEADER_BYTES
    for storage in storages:
        size = storage_bytes(storage)
        at = -(-at // size) * size
        offsets.append(at)
        if isinstance(storage, RefType):
            references.append(at)
        at += size
    return ObjectLayout(-(-at // 8) * 8, tuple(offsets), tuple(references))


def struct_layout(type_: StructType) -> ObjectLayout:
    """Where the fields of a struct are."""
    return object_layout(tuple(field.storage for field in type_.fields))


def first_element(field: FieldType) -> int:
    """The offset of element 0 of an array of such elements."""
    return max(HEADER_BYTES, storage_bytes(field.storage))
