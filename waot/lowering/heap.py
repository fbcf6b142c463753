"""Structs, arrays and i31 (core specification, sections 4.4.5 and 4.2.16): the operators of garbage collection.

An object begins with the number of its type and, for an array, its length (`%waot.object`). Allocation takes the next
bytes of a window of zeroed memory of the object's size class and asks the shim where the window is used up; what is
inlined is in `Allocator`. A null check is an explicit comparison, whose branch LLVM drops where it knows better.

TBAA. A field is its own alias class, shared with the supertype that has it, and so are the elements of each kind of
array. An object's memory may be another object's later, but a collection lies between, and that is an opaque call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waot.frontend.module import I8, I16, ArrayType, FieldType, RefType, StructType, ValType
from waot.lowering.abi import WINDOWS, WINDOWS_SYMBOL
from waot.lowering.function import FunctionLowering, lowers
from waot.lowering.heap_types import (
    LARGEST_WINDOW,
    OBJECT_ALIGNMENT,
    first_element,
    storage_bytes,
)
from waot.lowering.layout import UNLIKELY
from waot.lowering.memory import widen
from waot.lowering.types import ir_type, zero

if TYPE_CHECKING:
    from waot.lowering.unit import UnitLowering

_STORAGE_IR = {I8: "i8", I16: "i16"}


def storage_ir(storage: ValType) -> str:
    """The LLVM type of a field in memory."""
    return _STORAGE_IR.get(storage) or ir_type(storage)


class Allocator:
    """What a unit needs to make objects: functions that LLVM inlines where that pays, one a kind of object."""

    def __init__(self, unit: UnitLowering) -> None:
        self.unit = unit

    def new_object(self, f: FunctionLowering, number: int, size: int, offset: int) -> str:
        """A zeroed struct or exception of `size` bytes whose type has that number."""
        arguments = f"(i32 {number}){f.location(offset)}"
        rounded = -(-size // OBJECT_ALIGNMENT) * OBJECT_ALIGNMENT
        if rounded > LARGEST_WINDOW:
            self.unit.runtime_function("waot_heap_allocate")
            return f.effect_value(f"call nonnull ptr @waot_heap_allocate{arguments}")
        name = f"@waot_new.{rounded}"
        self.unit.helper(name, lambda: self._new_object(name, rounded))
        return f.effect_value(f"call nonnull ptr {name}{arguments}")

    def _new_object(self, name: str, size: int) -> str:
        self._windows()
        self.unit.runtime_function("waot_heap_allocate")
        pointer = self.unit.plan.pointer_bytes
        at = size // OBJECT_ALIGNMENT * 2 * pointer
        window = f"getelementptr inbounds (i8, ptr @{WINDOWS_SYMBOL}, i64 {at})"
        end = f"getelementptr inbounds (i8, ptr @{WINDOWS_SYMBOL}, i64 {at + pointer})"
        descriptor, header = self.unit.layout.descriptor_tbaa, self.unit.layout.object_tbaa
        return f"""\
define internal nonnull ptr {name}(i32 %type) #5 {{
  %object = load ptr, ptr {window}, !tbaa {descriptor}
  %next = getelementptr i8, ptr %object, i64 {size}
  %end = load ptr, ptr {end}, !tbaa {descriptor}
  %full = icmp ugt ptr %next, %end
  br i1 %full, label %slow, label %fast, !prof {UNLIKELY}
fast:
  store ptr %next, ptr {window}, !tbaa {descriptor}
  store i32 %type, ptr %object, align 16, !tbaa {header}
  ret ptr %object
slow:
  %made = call nonnull ptr @waot_heap_allocate(i32 %type)
  ret ptr %made
}}"""

    def new_array(self, f: FunctionLowering, type_index: int, length: str, offset: int) -> str:
        """A zeroed array of that type with `length` elements, an i32."""
        array = _array(f, type_index)
        size, first = _bytes(f, array.field), first_element(array.field, f.unit.plan.pointer_bytes)
        name = f"@waot_new_array.{size}.{first}"
        self.unit.helper(name, lambda: self._new_array(name, size, first))
        number = self.unit.plan.type_numbers.number(type_index)
        return f.effect_value(f"call nonnull ptr {name}(i32 {number}, i32 {length}){f.location(offset)}", length)

    def _new_array(self, name: str, size: int, first: int) -> str:
        self._windows()
        self.unit.runtime_function("waot_heap_allocate_array")
        descriptor, header = self.unit.layout.descriptor_tbaa, self.unit.layout.object_tbaa
        pointer = self.unit.plan.pointer_bytes
        # A window, one a multiple of OBJECT_ALIGNMENT, is as large as two pointers.
        scaling, place = "", "%rounded"
        if 2 * pointer < OBJECT_ALIGNMENT:
            place = "%place.of"
            scaling = f"  {place} = udiv exact i64 %rounded, {OBJECT_ALIGNMENT // (2 * pointer)}\n"
        return f"""\
define internal nonnull ptr {name}(i32 %type, i32 %length) #5 {{
  %wide = zext i32 %length to i64
  %elements = mul nuw nsw i64 %wide, {size}
  %bytes = add nuw nsw i64 %elements, {first + OBJECT_ALIGNMENT - 1}
  %rounded = and i64 %bytes, -{OBJECT_ALIGNMENT}
  %large = icmp ugt i64 %rounded, {LARGEST_WINDOW}
  br i1 %large, label %slow, label %small
small:
{scaling}  %window = getelementptr inbounds i8, ptr @{WINDOWS_SYMBOL}, i64 {place}
  %last = getelementptr inbounds i8, ptr %window, i64 {pointer}
  %object = load ptr, ptr %window, !tbaa {descriptor}
  %next = getelementptr i8, ptr %object, i64 %rounded
  %end = load ptr, ptr %last, !tbaa {descriptor}
  %full = icmp ugt ptr %next, %end
  br i1 %full, label %slow, label %fast, !prof {UNLIKELY}
fast:
  store ptr %next, ptr %window, !tbaa {descriptor}
  store i32 %type, ptr %object, align 16, !tbaa {header}
  %place = getelementptr inbounds i8, ptr %object, i64 4
  store i32 %length, ptr %place, align 4, !tbaa {header}
  ret ptr %object
slow:
  %made = call nonnull ptr @waot_heap_allocate_array(i32 %type, i32 %length)
  ret ptr %made
}}"""

    def _windows(self) -> None:
        self.unit.declare_global(WINDOWS_SYMBOL, f"[{WINDOWS} x %waot.window]")

    def fill(self, f: FunctionLowering, field: FieldType, at: str, value: str, count: str) -> None:
        """Stores `value` to the `count` (an i64) elements from `at` on."""
        ir = storage_ir(field.storage)
        name = f"@waot_fill.{_bytes(f, field)}.{ir if ir.isalnum() else 'v128'}"
        self.unit.helper(name, lambda: _fill(name, ir, _bytes(f, field)))
        f.effect(f"call void {name}(ptr {at}, {ir} {_to_storage(f, field, value)}, i64 {count})", at, value, count)

    def to_native_order(self, f: FunctionLowering, field: FieldType, at: str, count: str) -> None:
        """Exchanges the bytes of the `count` elements from `at` on, which come from a data segment, where need be."""
        size = _bytes(f, field)
        if size in (1, 16) or not self.unit.plan.options.big_endian:  # a v128 is bytes
            return
        name = f"@waot_swap.{size}"
        self.unit.declare(f"llvm.bswap.i{8 * size}", f"i{8 * size}", (f"i{8 * size}",))
        self.unit.helper(name, lambda: _swap(name, f"i{8 * size}", size))
        f.effect(f"call void {name}(ptr {at}, i64 {count})", at, count)


def _swap(name: str, ir: str, size: int) -> str:
    return f"""\
define internal void {name}(ptr %at, i64 %count) #5 {{
entry:
  %none = icmp eq i64 %count, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %place = getelementptr inbounds {ir}, ptr %at, i64 %i
  %value = load {ir}, ptr %place, align {size}
  %swapped = call {ir} @llvm.bswap.{ir}({ir} %value)
  store {ir} %swapped, ptr %place, align {size}
  %next = add nuw i64 %i, 1
  %end = icmp eq i64 %next, %count
  br i1 %end, label %done, label %loop
done:
  ret void
}}"""


def _fill(name: str, ir: str, size: int) -> str:
    return f"""\
define internal void {name}(ptr %at, {ir} %value, i64 %count) #5 {{
entry:
  %none = icmp eq i64 %count, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %place = getelementptr inbounds {ir}, ptr %at, i64 %i
  store {ir} %value, ptr %place, align {size}
  %next = add nuw i64 %i, 1
  %end = icmp eq i64 %next, %count
  br i1 %end, label %done, label %loop
done:
  ret void
}}"""


# ---------------------------------------------------------------------- fields


def _bytes(f: FunctionLowering, field: FieldType) -> int:
    return storage_bytes(field.storage, f.unit.plan.pointer_bytes)


def _struct(f: FunctionLowering, type_index: int) -> StructType:
    type_ = f.unit.module.types[type_index]
    assert isinstance(type_, StructType)
    return type_


def _array(f: FunctionLowering, type_index: int) -> ArrayType:
    type_ = f.unit.module.types[type_index]
    assert isinstance(type_, ArrayType)
    return type_


def check_null(f: FunctionLowering, value: str, trap: str, offset: int) -> None:
    """Traps where the reference `value` is null."""
    f.trap_if(f.emit(f"icmp eq ptr {value}, null", value), trap, offset)


def _to_storage(f: FunctionLowering, field: FieldType, value: str) -> str:
    """`value` as it is stored: a packed field keeps the low bits."""
    ir = _STORAGE_IR.get(field.storage)
    return f.emit(f"trunc i32 {value} to {ir}", value) if ir else value


def _store(f: FunctionLowering, field: FieldType, place: str, value: str, tbaa: str) -> None:
    f.partly_used(value)
    stored = _to_storage(f, field, value)
    align = _bytes(f, field)
    f.effect(f"store {storage_ir(field.storage)} {stored}, ptr {place}, align {align}, !tbaa {tbaa}", stored, place)


def _load(f: FunctionLowering, field: FieldType, place: str, tbaa: str) -> str:
    """The value of a field; a packed one is zero-extended unless the operator says otherwise."""
    ir = storage_ir(field.storage)
    known = ", !nonnull !0" if isinstance(field.storage, RefType) and not field.storage.nullable else ""
    align = _bytes(f, field)
    return f.emit(f"load {ir}, ptr {place}, align {align}, !tbaa {tbaa}{known}", place)


def _extended(f: FunctionLowering, field: FieldType, value: str, signed: bool) -> str:
    ir = _STORAGE_IR.get(field.storage)
    return f.emit(f"{'sext' if signed else 'zext'} {ir} {value} to i32", value) if ir else value


def _field_tbaa(f: FunctionLowering, type_index: int, field: int) -> str:
    """The alias class of a field: that of the first type in the chain of supertypes that has it."""
    module = f.unit.module
    while True:
        parent = module.supertypes[type_index]
        if parent is None or field >= len(_struct(f, parent).fields):
            return f.unit.tbaa_tag(f"field {type_index}.{field}")
        type_index = parent


def _elements_tbaa(f: FunctionLowering, type_index: int) -> str:
    module = f.unit.module
    while (parent := module.supertypes[type_index]) is not None:
        type_index = parent
    return f.unit.tbaa_tag(f"elements {type_index}")


def _field_place(f: FunctionLowering, object_: str, type_index: int, field: int) -> str:
    offset = f.unit.object_layout(type_index).offsets[field]
    return f.emit(f"getelementptr inbounds i8, ptr {object_}, i64 {offset}", object_)


@lowers("struct.new")
def _struct_new(f: FunctionLowering, type_index: int, offset: int) -> None:
    type_ = _struct(f, type_index)
    values = f.operands(len(type_.fields))
    del f.stack[len(f.stack) - len(values) :]
    number = f.unit.plan.type_numbers.number(type_index)
    object_ = f.unit.heap.new_object(f, number, f.unit.object_layout(type_index).size, offset)
    for index, (field, value) in enumerate(zip(type_.fields, values, strict=True)):
        if value != zero(field.value):
            place = _field_place(f, object_, type_index, index)
            _store(f, field, place, value, _field_tbaa(f, type_index, index))
    f.stack.append(object_)


@lowers("struct.new_default")
def _struct_new_default(f: FunctionLowering, type_index: int, offset: int) -> None:
    number = f.unit.plan.type_numbers.number(type_index)
    f.stack.append(f.unit.heap.new_object(f, number, f.unit.object_layout(type_index).size, offset))


def _struct_get(f: FunctionLowering, immediate: tuple[int, int], offset: int, *, signed: bool) -> None:
    type_index, index = immediate
    type_ = _struct(f, type_index)
    object_ = f.stack.pop()
    check_null(f, object_, "null_structure_reference", offset)
    field = type_.fields[index]
    value = _load(f, field, _field_place(f, object_, type_index, index), _field_tbaa(f, type_index, index))
    f.stack.append(_extended(f, field, value, signed))


@lowers("struct.get", "struct.get_u")
def _struct_get_u(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    _struct_get(f, immediate, offset, signed=False)


@lowers("struct.get_s")
def _struct_get_s(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    _struct_get(f, immediate, offset, signed=True)


@lowers("struct.set")
def _struct_set(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    type_index, index = immediate
    type_ = _struct(f, type_index)
    value, object_ = f.stack.pop(), f.stack.pop()
    check_null(f, object_, "null_structure_reference", offset)
    place = _field_place(f, object_, type_index, index)
    _store(f, type_.fields[index], place, value, _field_tbaa(f, type_index, index))


# ---------------------------------------------------------------------- arrays


def _length(f: FunctionLowering, array: str) -> str:
    """The length as an i32. It never changes, but the header is written after the memory was something else."""
    place = f.emit(f"getelementptr inbounds i8, ptr {array}, i64 4", array)
    return f.emit(f"load i32, ptr {place}, align 4, !tbaa {f.unit.layout.object_tbaa}", place)


def _element_place(f: FunctionLowering, array: str, field: FieldType, index: str) -> str:
    """The address of the element at `index`, an i64."""
    first, ir = first_element(field, f.unit.plan.pointer_bytes), storage_ir(field.storage)
    start = f.emit(f"getelementptr inbounds i8, ptr {array}, i64 {first}", array)
    return f.emit(f"getelementptr inbounds {ir}, ptr {start}, i64 {index}", start, index)


def _checked_element(f: FunctionLowering, array: str, field: FieldType, index: str, offset: int) -> str:
    check_null(f, array, "null_array_reference", offset)
    length = _length(f, array)
    f.trap_if(f.emit(f"icmp uge i32 {index}, {length}", index, length), "array_out_of_bounds", offset)
    return _element_place(f, array, field, widen(f, index))


def _check_range(f: FunctionLowering, at: str, count: str, size: str, trap: str, offset: int) -> None:
    """Traps unless [at, at + count) lies in [0, size); all are i64 below 2^33."""
    end = f.emit(f"add nuw nsw i64 {at}, {count}", at, count)
    f.trap_if(f.emit(f"icmp ugt i64 {end}, {size}", end, size), trap, offset)


def _array_range(f: FunctionLowering, array: str, at: str, count: str, offset: int) -> None:
    check_null(f, array, "null_array_reference", offset)
    _check_range(f, at, count, widen(f, _length(f, array)), "array_out_of_bounds", offset)


@lowers("array.new")
def _array_new(f: FunctionLowering, type_index: int, offset: int) -> None:
    length, value = f.stack.pop(), f.stack.pop()
    field = _array(f, type_index).field
    array = f.unit.heap.new_array(f, type_index, length, offset)
    if value != zero(field.value):
        f.unit.heap.fill(f, field, _element_place(f, array, field, "0"), value, widen(f, length))
    f.stack.append(array)


@lowers("array.new_default")
def _array_new_default(f: FunctionLowering, type_index: int, offset: int) -> None:
    f.stack.append(f.unit.heap.new_array(f, type_index, f.stack.pop(), offset))


@lowers("array.new_fixed")
def _array_new_fixed(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    type_index, count = immediate
    field = _array(f, type_index).field
    values = f.operands(count)
    del f.stack[len(f.stack) - count :]
    array = f.unit.heap.new_array(f, type_index, str(count), offset)
    tbaa = _elements_tbaa(f, type_index)
    for index, value in enumerate(values):
        if value != zero(field.value):
            _store(f, field, _element_place(f, array, field, str(index)), value, tbaa)
    f.stack.append(array)


def _array_get(f: FunctionLowering, type_index: int, offset: int, *, signed: bool) -> None:
    field = _array(f, type_index).field
    index, array = f.stack.pop(), f.stack.pop()
    place = _checked_element(f, array, field, index, offset)
    f.stack.append(_extended(f, field, _load(f, field, place, _elements_tbaa(f, type_index)), signed))


@lowers("array.get", "array.get_u")
def _array_get_u(f: FunctionLowering, type_index: int, offset: int) -> None:
    _array_get(f, type_index, offset, signed=False)


@lowers("array.get_s")
def _array_get_s(f: FunctionLowering, type_index: int, offset: int) -> None:
    _array_get(f, type_index, offset, signed=True)


@lowers("array.set")
def _array_set(f: FunctionLowering, type_index: int, offset: int) -> None:
    field = _array(f, type_index).field
    value, index, array = f.stack.pop(), f.stack.pop(), f.stack.pop()
    place = _checked_element(f, array, field, index, offset)
    _store(f, field, place, value, _elements_tbaa(f, type_index))


@lowers("array.len")
def _array_len(f: FunctionLowering, immediate: None, offset: int) -> None:
    array = f.stack.pop()
    check_null(f, array, "null_array_reference", offset)
    f.stack.append(_length(f, array))


@lowers("array.fill")
def _array_fill(f: FunctionLowering, type_index: int, offset: int) -> None:
    field = _array(f, type_index).field
    count, value = widen(f, f.stack.pop()), f.stack.pop()
    at, array = widen(f, f.stack.pop()), f.stack.pop()
    _array_range(f, array, at, count, offset)
    f.unit.heap.fill(f, field, _element_place(f, array, field, at), value, count)


def _move(f: FunctionLowering, to: str, from_: str, count: str, size: int) -> None:
    """Copies `count` elements of `size` bytes; the places may overlap."""
    bytes_ = f.emit(f"mul nuw nsw i64 {count}, {size}", count)
    f.unit.declare("llvm.memmove.p0.p0.i64", "void", ("ptr", "ptr", "i64", "i1"))
    align = min(size, 8)
    f.effect(
        f"call void @llvm.memmove.p0.p0.i64(ptr align {align} {to}, ptr {from_}, i64 {bytes_}, i1 false)",
        to,
        from_,
        bytes_,
    )


@lowers("array.copy")
def _array_copy(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    field = _array(f, immediate[0]).field
    source_field = _array(f, immediate[1]).field
    count, from_, source = widen(f, f.stack.pop()), widen(f, f.stack.pop()), f.stack.pop()
    to, array = widen(f, f.stack.pop()), f.stack.pop()
    _array_range(f, array, to, count, offset)
    _array_range(f, source, from_, count, offset)
    place = _element_place(f, array, field, to)
    _move(f, place, _element_place(f, source, source_field, from_), count, _bytes(f, field))


# ---------------------------------------------------------------------- arrays and segments


def _segment_elements(f: FunctionLowering, segment: int, at: str, count: str, offset: int) -> str:
    """The address of element `at` of an element segment that has `count` from there."""
    symbol = f.unit.state_symbol(f"waot_elem.{segment}", "%waot.elem")
    return _segment(f, symbol, "%waot.elem", at, count, f.unit.plan.pointer_bytes, "table_out_of_bounds", offset)


def _segment_bytes(f: FunctionLowering, segment: int, at: str, count: str, size: int, offset: int) -> str:
    """The address of byte `at` of a data segment that has `count` elements of `size` bytes from there."""
    symbol = f.unit.state_symbol(f"waot_data.{segment}", "%waot.data")
    return _segment(f, symbol, "%waot.data", at, count, size, "memory_out_of_bounds", offset)


def _segment(f: FunctionLowering, symbol: str, ir: str, at: str, count: str, size: int, trap: str, offset: int) -> str:
    length = f.emit(f"load i64, ptr getelementptr inbounds ({ir}, ptr {symbol}, i32 0, i32 1)")
    is_data = ir == "%waot.data"
    needed = f.emit(f"mul nuw nsw i64 {count}, {size}", count) if is_data else count
    _check_range(f, at, needed, length, trap, offset)
    start = f.emit(f"load ptr, ptr {symbol}")
    return f.emit(f"getelementptr {'i8' if is_data else 'ptr'}, ptr {start}, i64 {at}", start, at)


@lowers("array.new_data")
def _array_new_data(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    type_index, segment = immediate
    field = _array(f, type_index).field
    length, at = f.stack.pop(), widen(f, f.stack.pop())
    count = widen(f, length)
    source = _segment_bytes(f, segment, at, count, _bytes(f, field), offset)
    array = f.unit.heap.new_array(f, type_index, length, offset)
    place = _element_place(f, array, field, "0")
    _move(f, place, source, count, _bytes(f, field))
    f.unit.heap.to_native_order(f, field, place, count)
    f.stack.append(array)


@lowers("array.new_elem")
def _array_new_elem(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    type_index, segment = immediate
    field = _array(f, type_index).field
    length, at = f.stack.pop(), widen(f, f.stack.pop())
    count = widen(f, length)
    source = _segment_elements(f, segment, at, count, offset)
    array = f.unit.heap.new_array(f, type_index, length, offset)
    _move(f, _element_place(f, array, field, "0"), source, count, f.unit.plan.pointer_bytes)
    f.stack.append(array)


@lowers("array.init_data")
def _array_init_data(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    type_index, segment = immediate
    field = _array(f, type_index).field
    count, from_, to = widen(f, f.stack.pop()), widen(f, f.stack.pop()), widen(f, f.stack.pop())
    array = f.stack.pop()
    _array_range(f, array, to, count, offset)
    source = _segment_bytes(f, segment, from_, count, _bytes(f, field), offset)
    place = _element_place(f, array, field, to)
    _move(f, place, source, count, _bytes(f, field))
    f.unit.heap.to_native_order(f, field, place, count)


@lowers("array.init_elem")
def _array_init_elem(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    type_index, segment = immediate
    field = _array(f, type_index).field
    count, from_, to = widen(f, f.stack.pop()), widen(f, f.stack.pop()), widen(f, f.stack.pop())
    array = f.stack.pop()
    _array_range(f, array, to, count, offset)
    source = _segment_elements(f, segment, from_, count, offset)
    _move(f, _element_place(f, array, field, to), source, count, f.unit.plan.pointer_bytes)


# ---------------------------------------------------------------------- i31


@lowers("ref.i31")
def _ref_i31(f: FunctionLowering, immediate: None, offset: int) -> None:
    value = f.stack.pop()
    doubled = f.emit(f"shl i32 {value}, 1", value)
    tagged = f.emit(f"or i32 {doubled}, 1", doubled)
    word = f.unit.plan.word
    wide = tagged if word == "i32" else f.emit(f"zext i32 {tagged} to {word}", tagged)
    f.stack.append(f.emit(f"inttoptr {word} {wide} to ptr", wide))


def _i31_get(f: FunctionLowering, offset: int, shift: str) -> None:
    value = f.stack.pop()
    check_null(f, value, "null_i31_reference", offset)
    word = f.unit.plan.word
    wide = f.emit(f"ptrtoint ptr {value} to {word}", value)
    tagged = wide if word == "i32" else f.emit(f"trunc {word} {wide} to i32", wide)
    f.stack.append(f.emit(f"{shift} i32 {tagged}, 1", tagged))


@lowers("i31.get_s")
def _i31_get_s(f: FunctionLowering, immediate: None, offset: int) -> None:
    _i31_get(f, offset, "ashr")


@lowers("i31.get_u")
def _i31_get_u(f: FunctionLowering, immediate: None, offset: int) -> None:
    _i31_get(f, offset, "lshr")
