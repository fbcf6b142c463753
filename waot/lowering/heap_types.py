"""Defined types at run time: their numbers, and where the fields of objects are.

The build sees every module of a program, so types can be numbered in preorder of the subtype forest: struct types
first, then arrays, then functions. The subtypes of a type are then an interval of numbers, and a cast is one
subtraction and one unsigned comparison whatever the depth. Exceptions have numbers after all types, one a tag.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import ClassVar

from waot.frontend.module import (
    F64,
    I8,
    I16,
    I64,
    V128,
    ArrayType,
    CompositeType,
    FieldType,
    FuncType,
    Module,
    RefType,
    StructType,
    ValType,
)

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


@dataclass(frozen=True, slots=True)
class CalledTypes:
    """The types that indirect calls name, numbered again so that 16 bits do; 0 is null and `OTHER` any other type."""

    intervals: dict[int, tuple[int, int]]  # canonical type index -> its own number and the last of its subtypes
    # Of each, from number 1 on: the `TypeNumbers` interval that its subtypes have, and its nearest supertype here or 0.
    starts: tuple[int, ...]
    lasts: tuple[int, ...]
    parents: tuple[int, ...]

    OTHER: ClassVar[int] = 65535

    @classmethod
    def of(cls, called: set[int], numbers: TypeNumbers) -> CalledTypes:
        """Numbers the canonical types in `called`, from 1 on, in preorder too."""
        order = sorted(called, key=numbers.number)
        starts = tuple(numbers.intervals[t][0] for t in order)
        lasts = tuple(numbers.intervals[t][1] for t in order)
        intervals = {t: (k, bisect_right(starts, lasts[k - 1])) for k, t in enumerate(order, 1)}
        parents: list[int] = []
        for k, start in enumerate(starts):
            parent = k  # the one before, or else one of that one's supertypes
            while parent and lasts[parent - 1] < start:
                parent = parents[parent - 1]
            parents.append(parent)
        return cls(intervals, starts, lasts, tuple(parents))

    def number(self, type_number: int) -> int:
        """The number of the nearest supertype that is called, for the type with that number in `TypeNumbers`."""
        k = bisect_right(self.starts, type_number)
        while k and self.lasts[k - 1] < type_number:
            k = self.parents[k - 1]
        return k or self.OTHER


def holds_objects(module: Module, type_: ValType) -> bool:
    """Whether a value of that type may be a reference to an object on the heap: whatever is no function."""
    if not isinstance(type_, RefType) or type_.heap in ("func", "nofunc"):
        return False
    return isinstance(type_.heap, str) or not isinstance(module.types[type_.heap], FuncType)


def storage_bytes(storage: ValType, pointer_bytes: int) -> int:
    """The size of a field or element, which is also its alignment."""
    if storage is I8:
        return 1
    if storage is I16:
        return 2
    if storage is V128:
        return 16
    if isinstance(storage, RefType):
        return pointer_bytes
    return 8 if storage is I64 or storage is F64 else 4


@dataclass(frozen=True, slots=True)
class ObjectLayout:
    """A struct or an exception: its bytes with the header, and the offset of each field."""

    size: int
    offsets: tuple[int, ...]
    references: tuple[int, ...]  # offsets of the fields that are references


def object_layout(type_: CompositeType, pointer_bytes: int) -> ObjectLayout:
    """The layout of a struct, or of an exception whose tag has that type. It takes as long as there are fields.

    Fields in order, each at its natural alignment, so that a subtype begins with its supertype's layout.
    """
    offsets, references = [], []
    at = HEADER_BYTES
    if isinstance(type_, StructType):
        storages = tuple([field.storage for field in type_.fields])
    else:
        assert isinstance(type_, FuncType)
        storages = type_.params
    for storage in storages:
        size = storage_bytes(storage, pointer_bytes)
        at = -(-at // size) * size
        offsets.append(at)
        if isinstance(storage, RefType):
            references.append(at)
        at += size
    return ObjectLayout(-(-at // 8) * 8, tuple(offsets), tuple(references))


def first_element(field: FieldType, pointer_bytes: int) -> int:
    """The offset of element 0 of an array of such elements."""
    return max(HEADER_BYTES, storage_bytes(field.storage, pointer_bytes))
