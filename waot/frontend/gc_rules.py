"""The operators of garbage collection: structs, arrays, i31, casts, conversions (core specification, section 3.3)."""

from __future__ import annotations

from typing import Any

from waot.frontend import limits
from waot.frontend.module import (
    ANYREF,
    ARRAYREF,
    EQREF,
    EXTERNREF,
    I31REF,
    I32,
    ArrayType,
    FieldType,
    RefType,
    StructType,
    ref_type,
)
from waot.frontend.rules import check_data, element_type
from waot.frontend.subtyping import is_defaultable, matches_ref, matches_val, top_of
from waot.frontend.validator import Validator, checks

# ---------------------------------------------------------------------- types


def _struct(v: Validator, index: int) -> StructType:
    type_ = v.module.types[index]
    if not isinstance(type_, StructType):
        raise v.invalid(f"type mismatch: type {index} is not a struct type")
    return type_


def _field(v: Validator, immediate: tuple[int, int]) -> FieldType:
    fields = _struct(v, immediate[0]).fields
    if immediate[1] >= len(fields):
        raise v.invalid(f"unknown field {immediate[1]}: type {immediate[0]} has {len(fields)}")
    return fields[immediate[1]]


def _element(v: Validator, index: int) -> FieldType:
    """The elements of array type `index`."""
    type_ = v.module.types[index]
    if not isinstance(type_, ArrayType):
        raise v.invalid(f"type mismatch: type {index} is not an array type")
    return type_.field


def _mutable_element(v: Validator, index: int) -> FieldType:
    field = _element(v, index)
    if not field.mutable:
        raise v.invalid(f"immutable array: the elements of type {index} cannot be changed")
    return field


def _check_packing(v: Validator, field: FieldType) -> None:
    """``_s`` and ``_u`` are for packed fields, and only they are."""
    packed = field.value is not field.storage
    if packed and v.operator.name.endswith(".get"):
        raise v.invalid(f"type mismatch: the field is packed ({field.storage}): use {v.operator.name}_s or _u")
    if not packed and not v.operator.name.endswith(".get"):
        raise v.invalid(f"type mismatch: the field is not packed, but has type {field.storage}")


def _check_bytes(v: Validator, field: FieldType) -> None:
    if isinstance(field.storage, RefType):
        raise v.invalid(f"type mismatch: array elements of type {field.storage} cannot come from a data segment")


def _check_elements(v: Validator, field: FieldType, segment: int) -> None:
    type_ = element_type(v, segment)
    if not matches_val(v.module, type_, field.storage):
        raise v.invalid(f"type mismatch: a segment of {type_} in an array of {field.storage}")


def _push_new(v: Validator, index: int) -> None:
    v.push(ref_type(index, nullable=False))


# ---------------------------------------------------------------------- structs


@checks("struct.new")
def _struct_new(v: Validator, index: int, live: bool) -> int:
    v.pop_all(_struct(v, index).values)
    _push_new(v, index)
    return index


@checks("struct.new_default")
def _struct_new_default(v: Validator, index: int, live: bool) -> int:
    if not _struct(v, index).defaultable:
        raise v.invalid(f"type {index} has a field without a default value")
    _push_new(v, index)
    return index


@checks("struct.get", "struct.get_s", "struct.get_u")
def _struct_get(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    field = _field(v, immediate)
    _check_packing(v, field)
    v.pop(ref_type(immediate[0]))
    v.push(field.value)
    return immediate


@checks("struct.set")
def _struct_set(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    field = _field(v, immediate)
    if not field.mutable:
        raise v.invalid(f"immutable field: field {immediate[1]} of type {immediate[0]} cannot be changed")
    v.pop(field.value)
    v.pop(ref_type(immediate[0]))
    return immediate


# ---------------------------------------------------------------------- arrays


@checks("array.new")
def _array_new(v: Validator, index: int, live: bool) -> int:
    v.pop_all((_element(v, index).value, I32))
    _push_new(v, index)
    return index


@checks("array.new_default")
def _array_new_default(v: Validator, index: int, live: bool) -> int:
    field = _element(v, index)
    if not is_defaultable(field.storage):
        raise v.invalid(f"an element of type {field.storage} has no default value")
    v.pop(I32)
    _push_new(v, index)
    return index


@checks("array.new_fixed")
def _array_new_fixed(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    index, count = immediate
    value = _element(v, index).value
    if count > limits.MAX_ARRAY_OPERANDS:
        raise v.reader.too_many("operands of array.new_fixed", count, limits.MAX_ARRAY_OPERANDS, v.at)
    v.pop_all((value,) * count)
    _push_new(v, index)
    return immediate


@checks("array.new_data")
def _array_new_data(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    _check_bytes(v, _element(v, immediate[0]))
    check_data(v, immediate[1])
    v.pop_all((I32, I32))
    _push_new(v, immediate[0])
    return immediate


@checks("array.new_elem")
def _array_new_elem(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    _check_elements(v, _element(v, immediate[0]), immediate[1])
    v.pop_all((I32, I32))
    _push_new(v, immediate[0])
    return immediate


@checks("array.get", "array.get_s", "array.get_u")
def _array_get(v: Validator, index: int, live: bool) -> int:
    field = _element(v, index)
    _check_packing(v, field)
    v.pop_all((ref_type(index), I32))
    v.push(field.value)
    return index


@checks("array.set")
def _array_set(v: Validator, index: int, live: bool) -> int:
    field = _mutable_element(v, index)
    v.pop_all((ref_type(index), I32, field.value))
    return index


@checks("array.len")
def _array_len(v: Validator, immediate: Any, live: bool) -> None:
    v.pop(ARRAYREF)
    v.push(I32)


@checks("array.fill")
def _array_fill(v: Validator, index: int, live: bool) -> int:
    field = _mutable_element(v, index)
    v.pop_all((ref_type(index), I32, field.value, I32))
    return index


@checks("array.copy")
def _array_copy(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    to, from_ = immediate
    target = _mutable_element(v, to)
    source = _element(v, from_)
    if not matches_val(v.module, source.storage, target.storage):
        raise v.invalid(f"type mismatch: from an array of {source.storage} to one of {target.storage}")
    v.pop_all((ref_type(to), I32, ref_type(from_), I32, I32))
    return immediate


@checks("array.init_data")
def _array_init_data(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    _check_bytes(v, _mutable_element(v, immediate[0]))
    check_data(v, immediate[1])
    v.pop_all((ref_type(immediate[0]), I32, I32, I32))
    return immediate


@checks("array.init_elem")
def _array_init_elem(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    _check_elements(v, _mutable_element(v, immediate[0]), immediate[1])
    v.pop_all((ref_type(immediate[0]), I32, I32, I32))
    return immediate


# ---------------------------------------------------------------------- i31, equality, conversions


@checks("ref.eq")
def _ref_eq(v: Validator, immediate: Any, live: bool) -> None:
    v.pop_all((EQREF, EQREF))
    v.push(I32)


@checks("ref.i31")
def _ref_i31(v: Validator, immediate: Any, live: bool) -> None:
    v.pop(I32)
    v.push(ref_type("i31", nullable=False))


@checks("i31.get_s", "i31.get_u")
def _i31_get(v: Validator, immediate: Any, live: bool) -> None:
    v.pop(I31REF)
    v.push(I32)


@checks("any.convert_extern")
def _any_convert_extern(v: Validator, immediate: Any, live: bool) -> None:
    v.push(ref_type("any", v.pop_ref(EXTERNREF).nullable))


@checks("extern.convert_any")
def _extern_convert_any(v: Validator, immediate: Any, live: bool) -> None:
    v.push(ref_type("extern", v.pop_ref(ANYREF).nullable))


# ---------------------------------------------------------------------- casts


def _cast(v: Validator, heap: RefType) -> tuple[RefType, RefType]:
    """(the type tested for, the operand's type), which has to be of the same hierarchy."""
    type_ = heap if v.operator.name.endswith("null") else ref_type(heap.heap, nullable=False)
    return type_, v.pop_ref(ref_type(top_of(v.module, heap.heap)))


@checks("ref.test", "ref.test null")
def _ref_test(v: Validator, heap: RefType, live: bool) -> tuple[RefType, RefType]:
    types = _cast(v, heap)
    v.push(I32)
    return types


@checks("ref.cast", "ref.cast null")
def _ref_cast(v: Validator, heap: RefType, live: bool) -> tuple[RefType, RefType]:
    types = _cast(v, heap)
    v.push(types[0])
    return types


@checks("br_on_cast", "br_on_cast_fail")
def _br_on_cast(
    v: Validator, immediate: tuple[int, int, tuple[RefType, RefType]], live: bool
) -> tuple[int, RefType, RefType]:
    flags, depth, heaps = immediate
    operand = ref_type(heaps[0].heap, bool(flags & 1))
    wanted = ref_type(heaps[1].heap, bool(flags & 2))
    if not matches_ref(v.module, wanted, operand):
        raise v.invalid(f"type mismatch: {wanted} is not a subtype of {operand}")
    # What is left when the cast fails: null is, unless the type tested for has it.
    rest = ref_type(operand.heap, operand.nullable and not wanted.nullable)
    branch, falls = (wanted, rest) if v.operator.name == "br_on_cast" else (rest, wanted)
    label = v.label(depth)
    if not label or not matches_val(v.module, branch, label[-1]):
        raise v.invalid(f"type mismatch: label {depth} takes {list(label)}, but the branch gives {branch} last")
    v.pop(operand)
    v.pop_all(label[:-1])
    v.push_all(label[:-1])
    v.push(falls)
    return depth, operand, wanted
