"""Checks a `Body` without the validator: runs its code over a stack of types and sees that everything fits.

An independent reading of what `Body` promises. There are no unknown types here, because there is no code that cannot be
reached: after br and the like the next entry has to be the `else` or `end` of the same block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from waot.frontend.module import (
    FUNCREF,
    I8,
    I16,
    I32,
    I64,
    V128,
    ArrayType,
    Body,
    FieldType,
    FuncType,
    Module,
    RefType,
    StructType,
    ValType,
    ref_type,
)
from waot.frontend.opcodes import OPERATORS, Operator

_TERMINATORS = frozenset(
    {
        "br",
        "br_table",
        "return",
        "unreachable",
        "return_call",
        "return_call_indirect",
        "return_call_ref",
        "throw",
        "throw_ref",
        "rethrow",
    }
)
_CLOSERS = frozenset({"else", "end", "catch", "catch_all", "delegate"})

# Every abstract heap type and the one right above it.
_PARENTS = {
    "none": "i31 struct array",
    "i31": "eq",
    "struct": "eq",
    "array": "eq",
    "eq": "any",
    "nofunc": "func",
    "noextern": "extern",
    "noexn": "exn",
}


def _ancestors(module: Module, heap: str | int) -> set[str | int]:
    """All heap types that `heap` matches, but for defined ones that a bottom type matches."""
    found: set[str | int] = set()
    left: list[str | int] = [heap]
    while left:
        one = left.pop()
        found.add(one)
        if isinstance(one, str):
            left.extend(_PARENTS.get(one, "").split())
            continue
        above = module.supertypes[one]
        kind = {FuncType: "func", StructType: "struct", ArrayType: "array"}[type(module.types[one])]
        left.append(kind if above is None else above)
    return found


def _is_subtype(module: Module, a: ValType, b: ValType) -> bool:
    if a is b:
        return True
    if not isinstance(a, RefType) or not isinstance(b, RefType) or (a.nullable and not b.nullable):
        return False
    if isinstance(b.heap, int) and a.heap in ("none", "nofunc"):
        return ("func" in _ancestors(module, b.heap)) == (a.heap == "nofunc")
    return b.heap in _ancestors(module, a.heap)


@dataclass
class _Open:
    kind: str
    type: FuncType
    height: int
    initialised: set[int] = field(default_factory=set)  # locals that are at its start
    claimed: tuple[int, ...] = ()  # what the loop says that its body assigns
    assigned: set[int] = field(default_factory=set)

    @property
    def label(self) -> tuple[ValType, ...]:
        return self.type.params if self.kind == "loop" else self.type.results


class Checker:
    """`Checker(module, body).run()` raises AssertionError where the body breaks a promise."""

    def __init__(self, module: Module, body: Body) -> None:
        self.module = module
        self.body = body
        self.locals = body.type.params + body.locals
        self.stack: list[ValType] = []
        self.open: list[_Open] = []
        self.initialised = {
            i
            for i, t in enumerate(self.locals)
            if i < len(body.type.params) or not isinstance(t, RefType) or t.nullable
        }

    def take(self, *types: ValType) -> None:
        for type_ in reversed(types):
            assert len(self.stack) > self.open[-1].height, "a block takes what is not its own"
            found = self.stack.pop()
            assert _is_subtype(self.module, found, type_), f"{found} is no {type_}"

    def take_ref(self) -> RefType:
        assert len(self.stack) > self.open[-1].height, "a block takes what is not its own"
        type_ = self.stack.pop()
        assert isinstance(type_, RefType)
        return type_

    def give(self, *types: ValType) -> None:
        self.stack.extend(types)

    def run(self) -> None:
        body, module = self.body, self.module
        assert body.type == module.func_type(body.index)
        code = module.codes[body.index - module.imported_func_count]
        assert body.start == code.start
        self.open = [_Open("function", FuncType((), body.type.results), 0)]
        function = self.open[0]
        last = code.start
        dead = False
        for index, immediate, offset in body.code:
            operator = OPERATORS[index]
            assert last < offset < code.end, "offsets rise, within the body"
            last = offset
            assert self.open, "something follows the end of the function"
            if dead:
                assert operator.name in _CLOSERS, "code that cannot be reached"
                del self.stack[self.open[-1].height :]
                self.give(*self.open[-1].type.results)
                dead = False
            self.step(operator, immediate)
            dead = operator.name in _TERMINATORS
        assert not self.open, "the function has no end"
        assert body.code
        assert body.code[-1][2] == code.end - 1
        assert set(body.assigned) == function.assigned
        assert body.assigned == tuple(sorted(body.assigned))

    def step(self, operator: Operator, immediate: Any) -> None:
        name = operator.name
        special = getattr(self, "do_" + name.replace(".", "_").replace(" ", "_"), None)
        if special is not None:
            special(immediate)
        elif operator.width is not None:
            self.access(operator, immediate)
        else:
            self.plain(operator, immediate)

    def plain(self, operator: Operator, immediate: Any) -> None:
        assert operator.params is not None, f"{operator.name} is unknown here"
        assert operator.results is not None
        if operator.name in ("i32.const", "i64.const"):
            bits = int(operator.name[1:3])
            assert -(1 << (bits - 1)) <= immediate < 1 << (bits - 1)
        elif operator.name in ("f32.const", "f64.const"):
            assert 0 <= immediate < 1 << int(operator.name[1:3])
        elif operator.name in ("v128.const", "i8x16.shuffle"):
            assert isinstance(immediate, bytes)
            assert len(immediate) == 16
        elif operator.immediates:
            self.indices(operator, immediate)
        else:
            assert immediate is None
        self.take(*operator.params)
        self.give(*operator.results)

    def indices(self, operator: Operator, immediate: Any) -> None:
        values = immediate if isinstance(immediate, tuple) else (immediate,)
        spaces = {
            "memory": len(self.module.memories),
            "table": len(self.module.tables),
            "data": self.module.data_count or 0,
            "elem": len(self.module.elements),
        }
        assert len(values) == len(operator.immediates)
        for value, kind in zip(values, operator.immediates, strict=True):
            limit = int(kind[4:]) if kind.startswith("lane") else spaces[kind]
            assert 0 <= value < limit

    def access(self, operator: Operator, immediate: Any) -> None:
        align, offset, memory, *lane = immediate
        assert operator.align is not None
        assert 0 <= align <= operator.align
        assert memory < len(self.module.memories)
        index64 = self.module.memories[memory].limits.index64
        assert 0 <= offset < 2 ** (64 if index64 else 32)
        if operator.proposal == "threads":
            assert align == operator.align
        assert len(lane) == len(operator.immediates) - 1
        assert all(0 <= number < int(operator.immediates[1][4:]) for number in lane)
        assert operator.params is not None
        assert operator.results is not None
        self.take(I64 if index64 else I32, *operator.params[1:])
        self.give(*operator.results)

    # ------------------------------------------------------------------ memories and tables, by the bits of indices

    def memory(self, index: int) -> ValType:
        return I64 if self.module.memories[index].limits.index64 else I32

    def table(self, index: int) -> ValType:
        return I64 if self.module.tables[index].limits.index64 else I32

    def do_memory_size(self, index: int) -> None:
        self.give(self.memory(index))

    def do_memory_grow(self, index: int) -> None:
        self.take(self.memory(index))
        self.give(self.memory(index))

    def do_memory_fill(self, index: int) -> None:
        self.take(self.memory(index), I32, self.memory(index))

    def do_memory_copy(self, immediate: tuple[int, int]) -> None:
        to, source = map(self.memory, immediate)
        self.take(to, source, I64 if to is source is I64 else I32)

    def do_memory_init(self, immediate: tuple[int, int]) -> None:
        data, memory = immediate
        assert data < (self.module.data_count or 0)
        self.take(self.memory(memory), I32, I32)

    def do_table_size(self, index: int) -> None:
        self.give(self.table(index))

    def do_table_copy(self, immediate: tuple[int, int]) -> None:
        to, source = map(self.table, immediate)
        tables = self.module.tables
        assert _is_subtype(self.module, tables[immediate[1]].element, tables[immediate[0]].element)
        self.take(to, source, I64 if to is source is I64 else I32)

    def do_table_init(self, immediate: tuple[int, int]) -> None:
        element, table = immediate
        assert _is_subtype(self.module, self.module.elements[element].type, self.module.tables[table].element)
        self.take(self.table(table), I32, I32)

    def do_atomic_fence(self, immediate: None) -> None:
        assert immediate is None

    # ------------------------------------------------------------------ control

    def enter(self, kind: str, type_: FuncType, claimed: tuple[int, ...] = ()) -> None:
        self.take(*type_.params)
        self.open.append(_Open(kind, type_, len(self.stack), set(self.initialised), claimed))
        self.give(*type_.params)

    def do_block(self, immediate: Any) -> None:
        (type_,) = immediate
        self.enter("block", type_)

    def do_loop(self, immediate: Any) -> None:
        type_, claimed = immediate
        assert claimed == tuple(sorted(claimed))
        self.enter("loop", type_, claimed)

    def do_if(self, immediate: Any) -> None:
        (type_,) = immediate
        self.take(I32)
        self.enter("if", type_)

    def leave(self) -> _Open:
        block = self.open[-1]
        self.take(*block.type.results)
        assert len(self.stack) == block.height, "operands are left over"
        self.initialised = set(block.initialised)
        return block

    def do_else(self, immediate: Any) -> None:
        block = self.leave()
        assert block.kind == "if"
        block.kind = "else"
        self.give(*block.type.params)

    def do_end(self, immediate: Any) -> None:
        block = self.leave()
        if block.kind == "if":
            self.give(*block.type.params)
            self.take(*block.type.results)
        self.open.pop()
        self.give(*block.type.results)
        if self.open:
            self.open[-1].assigned |= block.assigned
        if block.kind == "loop":
            loops = sum(b.kind == "loop" for b in self.open)
            if loops < 32:
                assert set(block.claimed) == block.assigned
            else:
                assert set(block.claimed) >= block.assigned

    def branch(self, depth: int) -> None:
        assert 0 <= depth < len(self.open)
        label = self.open[-1 - depth].label
        self.take(*label)
        self.give(*label)

    def do_br(self, depth: int) -> None:
        self.branch(depth)

    def do_br_if(self, depth: int) -> None:
        self.take(I32)
        self.branch(depth)

    def do_br_table(self, depths: tuple[int, ...]) -> None:
        self.take(I32)
        for depth in dict.fromkeys(depths):
            operands = self.stack[len(self.stack) - len(self.open[-1 - depth].label) :]
            self.branch(depth)
            self.stack[len(self.stack) - len(operands) :] = operands  # each label looks at what is there

    def do_return(self, immediate: Any) -> None:
        self.take(*self.body.type.results)
        self.give(*self.body.type.results)

    def do_unreachable(self, immediate: Any) -> None:
        assert immediate is None

    def call(self, type_: FuncType) -> None:
        self.take(*type_.params)
        self.give(*type_.results)

    def do_call(self, index: int) -> None:
        self.call(self.module.func_type(index))

    def do_call_indirect(self, immediate: tuple[int, int]) -> None:
        type_index, table = immediate
        assert _is_subtype(self.module, self.module.tables[table].element, FUNCREF)
        self.take(self.table(table))
        self.call(self.func_type(type_index))

    def do_return_call(self, index: int) -> None:
        self.do_call(index)
        self.do_return(None)

    def do_return_call_indirect(self, immediate: tuple[int, int]) -> None:
        self.do_call_indirect(immediate)
        self.do_return(None)

    def func_type(self, index: int) -> FuncType:
        assert self.module.canonical[index] == index
        return self.module.signature(index)

    def do_call_ref(self, index: int) -> None:
        self.take(ref_type(index))
        self.call(self.func_type(index))

    def do_return_call_ref(self, index: int) -> None:
        self.do_call_ref(index)
        self.do_return(None)

    # ------------------------------------------------------------------ exceptions

    def tag(self, index: int) -> tuple[ValType, ...]:
        type_ = self.module.signature(self.module.tags[index])
        assert not type_.results
        return type_.params

    def do_throw(self, index: int) -> None:
        self.take(*self.tag(index))

    def do_throw_ref(self, immediate: Any) -> None:
        assert immediate is None
        self.take(ref_type("exn"))

    def do_rethrow(self, depth: int) -> None:
        assert self.open[-1 - depth].kind in ("catch", "catch_all")

    def do_try_table(self, immediate: Any) -> None:
        type_, clauses = immediate
        self.take(*type_.params)
        height = len(self.stack)
        for kind, tag, depth in clauses:
            assert (tag is None) == kind.startswith("catch_all")
            self.open.append(_Open("catch", FuncType((), ()), height))
            if tag is not None:
                self.give(*self.tag(tag))
            if kind.endswith("_ref"):
                self.give(ref_type("exn", nullable=False))
            self.take(*self.open[-2 - depth].label)
            assert len(self.stack) == height
            self.open.pop()
        self.give(*type_.params)
        self.enter("try_table", type_)

    def do_try(self, immediate: Any) -> None:
        (type_,) = immediate
        self.enter("try", type_)

    def do_catch(self, index: int) -> None:
        block = self.leave()
        assert block.kind in ("try", "catch")
        block.kind = "catch"
        self.give(*self.tag(index))

    def do_catch_all(self, immediate: Any) -> None:
        assert immediate is None
        block = self.leave()
        assert block.kind in ("try", "catch")
        block.kind = "catch_all"

    def do_delegate(self, depth: int) -> None:
        assert self.open[-1].kind == "try"
        assert depth < len(self.open) - 1
        self.do_end(None)

    # ------------------------------------------------------------------ references that may be to defined types

    def do_ref_as_non_null(self, immediate: Any) -> None:
        assert immediate is None
        self.give(ref_type(self.take_ref().heap, nullable=False))

    def do_br_on_null(self, depth: int) -> None:
        type_ = self.take_ref()
        self.branch(depth)
        self.give(ref_type(type_.heap, nullable=False))

    def do_br_on_non_null(self, depth: int) -> None:
        type_ = self.take_ref()
        self.give(ref_type(type_.heap, nullable=False))
        self.branch(depth)
        self.stack.pop()

    def do_br_on_cast(self, immediate: Any, fail: bool = False) -> None:
        depth, operand, wanted = immediate
        assert _is_subtype(self.module, wanted, operand)
        self.take(operand)
        rest = operand if not wanted.nullable else ref_type(operand.heap, nullable=False)
        self.give(rest if fail else wanted)
        self.branch(depth)
        self.stack.pop()
        self.give(wanted if fail else rest)

    def do_br_on_cast_fail(self, immediate: Any) -> None:
        self.do_br_on_cast(immediate, fail=True)

    def cast(self, immediate: Any, nullable: bool) -> RefType:
        wanted, operand = immediate
        assert isinstance(wanted, RefType)
        assert wanted.nullable == nullable
        assert self.take_ref() is operand
        tops = {"any", "func", "extern", "exn"}
        assert _ancestors(self.module, wanted.heap) & tops == _ancestors(self.module, operand.heap) & tops
        return wanted

    def do_ref_test(self, immediate: Any) -> None:
        self.cast(immediate, nullable=False)
        self.give(I32)

    def do_ref_test_null(self, immediate: Any) -> None:
        self.cast(immediate, nullable=True)
        self.give(I32)

    def do_ref_cast(self, immediate: Any) -> None:
        self.give(self.cast(immediate, nullable=False))

    def do_ref_cast_null(self, immediate: Any) -> None:
        self.give(self.cast(immediate, nullable=True))

    def do_ref_eq(self, immediate: Any) -> None:
        self.take(ref_type("eq"), ref_type("eq"))
        self.give(I32)

    def do_ref_i31(self, immediate: Any) -> None:
        self.take(I32)
        self.give(ref_type("i31", nullable=False))

    def do_i31_get_s(self, immediate: Any) -> None:
        self.take(ref_type("i31"))
        self.give(I32)

    do_i31_get_u = do_i31_get_s

    def do_any_convert_extern(self, immediate: Any) -> None:
        self.give(ref_type("any", self.take_ref().nullable))

    def do_extern_convert_any(self, immediate: Any) -> None:
        self.give(ref_type("extern", self.take_ref().nullable))

    # ------------------------------------------------------------------ structs and arrays

    def struct(self, index: int) -> tuple[FieldType, ...]:
        assert self.module.canonical[index] == index
        type_ = self.module.types[index]
        assert isinstance(type_, StructType)
        return type_.fields

    def array(self, index: int) -> FieldType:
        assert self.module.canonical[index] == index
        type_ = self.module.types[index]
        assert isinstance(type_, ArrayType)
        return type_.field

    def do_struct_new(self, index: int) -> None:
        self.take(*(_unpacked(field) for field in self.struct(index)))
        self.give(ref_type(index, nullable=False))

    def do_struct_new_default(self, index: int) -> None:
        assert all(_has_default(field) for field in self.struct(index))
        self.give(ref_type(index, nullable=False))

    def do_struct_get(self, immediate: tuple[int, int], packed: bool = False) -> None:
        field_ = self.struct(immediate[0])[immediate[1]]
        assert (field_.storage in (I8, I16)) == packed
        self.take(ref_type(immediate[0]))
        self.give(_unpacked(field_))

    def do_struct_get_s(self, immediate: tuple[int, int]) -> None:
        self.do_struct_get(immediate, packed=True)

    do_struct_get_u = do_struct_get_s

    def do_struct_set(self, immediate: tuple[int, int]) -> None:
        field_ = self.struct(immediate[0])[immediate[1]]
        assert field_.mutable
        self.take(ref_type(immediate[0]), _unpacked(field_))

    def do_array_new(self, index: int) -> None:
        self.take(_unpacked(self.array(index)), I32)
        self.give(ref_type(index, nullable=False))

    def do_array_new_default(self, index: int) -> None:
        assert _has_default(self.array(index))
        self.take(I32)
        self.give(ref_type(index, nullable=False))

    def do_array_new_fixed(self, immediate: tuple[int, int]) -> None:
        self.take(*[_unpacked(self.array(immediate[0]))] * immediate[1])
        self.give(ref_type(immediate[0], nullable=False))

    def do_array_new_data(self, immediate: tuple[int, int]) -> None:
        assert not isinstance(self.array(immediate[0]).storage, RefType)
        assert immediate[1] < (self.module.data_count or 0)
        self.take(I32, I32)
        self.give(ref_type(immediate[0], nullable=False))

    def do_array_new_elem(self, immediate: tuple[int, int]) -> None:
        type_ = self.module.elements[immediate[1]].type
        assert _is_subtype(self.module, type_, self.array(immediate[0]).storage)
        self.take(I32, I32)
        self.give(ref_type(immediate[0], nullable=False))

    def do_array_get(self, index: int, packed: bool = False) -> None:
        assert (self.array(index).storage in (I8, I16)) == packed
        self.take(ref_type(index), I32)
        self.give(_unpacked(self.array(index)))

    def do_array_get_s(self, index: int) -> None:
        self.do_array_get(index, packed=True)

    do_array_get_u = do_array_get_s

    def do_array_set(self, index: int) -> None:
        assert self.array(index).mutable
        self.take(ref_type(index), I32, _unpacked(self.array(index)))

    def do_array_len(self, immediate: Any) -> None:
        self.take(ref_type("array"))
        self.give(I32)

    def do_array_fill(self, index: int) -> None:
        assert self.array(index).mutable
        self.take(ref_type(index), I32, _unpacked(self.array(index)), I32)

    def do_array_copy(self, immediate: tuple[int, int]) -> None:
        to, from_ = immediate
        assert self.array(to).mutable
        assert _is_subtype(self.module, self.array(from_).storage, self.array(to).storage)
        self.take(ref_type(to), I32, ref_type(from_), I32, I32)

    def do_array_init_data(self, immediate: tuple[int, int]) -> None:
        self.do_array_new_data(immediate)
        self.init_array(immediate[0])

    def do_array_init_elem(self, immediate: tuple[int, int]) -> None:
        self.do_array_new_elem(immediate)
        self.init_array(immediate[0])

    def init_array(self, index: int) -> None:
        """What is left of array.init_* after what it has in common with array.new_*."""
        assert self.array(index).mutable
        self.stack.pop()
        self.take(ref_type(index), I32)

    # ------------------------------------------------------------------ the others that the table has no signature for

    def do_drop(self, type_: ValType) -> None:
        self.take(type_)

    def do_select(self, type_: ValType) -> None:
        assert not isinstance(type_, RefType)
        self.do_select_t(type_)

    def do_select_t(self, type_: ValType) -> None:
        self.take(type_, type_, I32)
        self.give(type_)

    def do_local_get(self, index: int) -> None:
        assert index in self.initialised
        self.give(self.locals[index])

    def do_local_set(self, index: int) -> None:
        self.take(self.locals[index])
        self.open[-1].assigned.add(index)
        self.initialised.add(index)

    def do_local_tee(self, index: int) -> None:
        self.do_local_set(index)
        self.give(self.locals[index])

    def do_global_get(self, index: int) -> None:
        self.give(self.module.globals[index].value)

    def do_global_set(self, index: int) -> None:
        assert self.module.globals[index].mutable
        self.take(self.module.globals[index].value)

    def do_table_get(self, index: int) -> None:
        self.take(self.table(index))
        self.give(self.module.tables[index].element)

    def do_table_set(self, index: int) -> None:
        self.take(self.table(index), self.module.tables[index].element)

    def do_table_grow(self, index: int) -> None:
        self.take(self.module.tables[index].element, self.table(index))
        self.give(self.table(index))

    def do_table_fill(self, index: int) -> None:
        self.take(self.table(index), self.module.tables[index].element, self.table(index))

    def do_ref_null(self, type_: RefType) -> None:
        assert isinstance(type_, RefType)
        self.give(type_)

    def do_ref_is_null(self, immediate: Any) -> None:
        assert isinstance(self.stack.pop(), RefType)
        assert len(self.stack) >= self.open[-1].height
        self.give(I32)

    def do_ref_func(self, index: int) -> None:
        assert index in self.module.declared_funcs
        self.give(ref_type(self.module.canonical[self.module.funcs[index]], nullable=False))

    def do_i8x16_shuffle(self, lanes: bytes) -> None:
        assert len(lanes) == 16
        assert max(lanes) < 32
        self.take(V128, V128)
        self.give(V128)


def _unpacked(field_: FieldType) -> ValType:
    return I32 if field_.storage in (I8, I16) else field_.storage


def _has_default(field_: FieldType) -> bool:
    return not isinstance(field_.storage, RefType) or field_.storage.nullable


def check_body(module: Module, body: Body) -> None:
    """Raises AssertionError where the body breaks a promise of its documentation."""
    Checker(module, body).run()
