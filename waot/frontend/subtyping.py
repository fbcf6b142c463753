"""When one type may stand for another (core specification, section 3.3).

All types are those of one module, with canonical indices, so that equal types are the same object or number: every
question is answered by `is` first. A chain of supertypes is at most `limits.MAX_SUBTYPING_DEPTH` long.
"""

from __future__ import annotations

from typing import Final

from waot.frontend.module import ArrayType, CompositeType, FieldType, FuncType, Module, RefType, StructType, ValType

#: The heap type of references that unreachable code made up: it matches every other.
BOTTOM_HEAP: Final = "bottom"

# The heap types above each abstract one.
_ABOVE: Final[dict[str, frozenset[str]]] = {
    "any": frozenset(),
    "eq": frozenset({"any"}),
    "i31": frozenset({"eq", "any"}),
    "struct": frozenset({"eq", "any"}),
    "array": frozenset({"eq", "any"}),
    "none": frozenset({"i31", "struct", "array", "eq", "any"}),
    "func": frozenset(),
    "nofunc": frozenset({"func"}),
    "extern": frozenset(),
    "noextern": frozenset({"extern"}),
    "exn": frozenset(),
    "noexn": frozenset({"exn"}),
}

_BOTTOMS: Final = {"any": "none", "func": "nofunc", "extern": "noextern", "exn": "noexn"}
_TOPS: Final = {heap: next((top for top in _BOTTOMS if top in above), heap) for heap, above in _ABOVE.items()}


def abstract_heap(module: Module, heap: str | int) -> str:
    """The least abstract heap type that `heap` matches: for a defined type "func", "struct" or "array"."""
    if isinstance(heap, str):
        return heap
    type_ = module.types[heap]
    if isinstance(type_, FuncType):
        return "func"
    return "struct" if isinstance(type_, StructType) else "array"


def top_of(module: Module, heap: str | int) -> str:
    """The top of the hierarchy of a heap type: "any", "func", "extern" or "exn" (section 3.3.3)."""
    return _TOPS[abstract_heap(module, heap)]


def matches_heap(module: Module, a: str | int, b: str | int) -> bool:
    """Whether heap type `a` is a subtype of `b`."""
    if a in (b, BOTTOM_HEAP):
        return True
    if isinstance(b, str):
        above = abstract_heap(module, a)
        return above == b or b in _ABOVE[above]
    if isinstance(a, str):
        return a == _BOTTOMS[top_of(module, b)]
    above_a: int | None = a
    while above_a is not None and above_a > b:  # a supertype is always defined earlier
        above_a = module.supertypes[above_a]
    return above_a == b


def matches_ref(module: Module, a: RefType, b: RefType) -> bool:
    """Whether reference type `a` is a subtype of `b`."""
    return a is b or ((b.nullable or not a.nullable) and matches_heap(module, a.heap, b.heap))


def matches_val(module: Module, a: ValType, b: ValType) -> bool:
    """Whether value type `a` is a subtype of `b`."""
    return a is b or (isinstance(a, RefType) and isinstance(b, RefType) and matches_ref(module, a, b))


def matches_result(module: Module, a: tuple[ValType, ...], b: tuple[ValType, ...]) -> bool:
    """Whether result type `a` is a subtype of `b`: as long, and each type is."""
    if a is b:
        return True
    return len(a) == len(b) and all(x is y or matches_val(module, x, y) for x, y in zip(a, b, strict=True))


def matches_func(module: Module, a: FuncType, b: FuncType) -> bool:
    """Whether a function of type `a` may be used as one of `b`: it takes as much and gives no more."""
    return a is b or (matches_result(module, b.params, a.params) and matches_result(module, a.results, b.results))


def matches_field(module: Module, a: FieldType, b: FieldType) -> bool:
    """Whether field type `a` is a subtype of `b`: a mutable field has no subtype but itself."""
    if a is b:
        return True
    if a.mutable or b.mutable:
        return a.mutable == b.mutable and a.storage is b.storage
    return matches_val(module, a.storage, b.storage)


def matches_composite(module: Module, a: CompositeType, b: CompositeType) -> bool:
    """Whether `a` may be declared a subtype of `b` (section 3.3.8)."""
    if isinstance(a, FuncType):
        return isinstance(b, FuncType) and matches_func(module, a, b)
    if isinstance(a, ArrayType):
        return isinstance(b, ArrayType) and matches_field(module, a.field, b.field)
    # A struct may have more fields than its supertype.
    return (
        isinstance(b, StructType)
        and len(a.fields) >= len(b.fields)
        and all(matches_field(module, x, y) for x, y in zip(a.fields, b.fields, strict=False))
    )


def is_defaultable(type_: ValType) -> bool:
    """Whether the type has a default value: all but references that are never null (section 3.2.4)."""
    return not isinstance(type_, RefType) or type_.nullable
