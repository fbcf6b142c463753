"""Checks a `Body` without the validator: runs its code over a stack of types and sees that everything fits.

An independent reading of what `Body` promises. There are no unknown types here, because there is no code that cannot be
reached: after br and the like the next entry has to be the `else` or `end` of the same block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from waot.frontend.module import FUNCREF, I32, I64, V128, Body, FuncType, Module, RefType, ValType
from waot.frontend.opcodes import OPERATORS, Operator

_TERMINATORS = frozenset({"br", "br_table", "return", "unreachable", "return_call", "return_call_indirect"})


@dataclass
class _Open:
    kind: str
    type: FuncType
    height: int
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

    def take(self, *types: ValType) -> None:
        for type_ in reversed(types):
            assert len(self.stack) > self.open[-1].height, "a block takes what is not its own"
            assert self.stack.pop() is type_

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
                assert operator.name in ("else", "end"), "code that cannot be reached"
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
        self.take(to, source, I64 if to is source is I64 else I32)

    def do_table_init(self, immediate: tuple[int, int]) -> None:
        element, table = immediate
        assert self.module.elements[element].type is self.module.tables[table].element
        self.take(self.table(table), I32, I32)

    def do_atomic_fence(self, immediate: None) -> None:
        assert immediate is None

    # ------------------------------------------------------------------ control

    def enter(self, kind: str, type_: FuncType, claimed: tuple[int, ...] = ()) -> None:
        self.take(*type_.params)
        self.open.append(_Open(kind, type_, len(self.stack), claimed))
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
        return block

    def do_else(self, immediate: Any) -> None:
        block = self.leave()
        assert block.kind == "if"
        block.kind = "else"
        self.give(*block.type.params)

    def do_end(self, immediate: Any) -> None:
        block = self.leave()
        if block.kind == "if":
            assert block.type.params == block.type.results
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
        for depth in depths:
            self.branch(depth)

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
        assert self.module.tables[table].element is FUNCREF
        self.take(self.table(table))
        self.call(self.module.types[type_index])

    def do_return_call(self, index: int) -> None:
        self.do_call(index)
        self.do_return(None)

    def do_return_call_indirect(self, immediate: tuple[int, int]) -> None:
        self.do_call_indirect(immediate)
        self.do_return(None)

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
        self.give(self.locals[index])

    def do_local_set(self, index: int) -> None:
        self.take(self.locals[index])
        self.open[-1].assigned.add(index)

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
        self.give(FUNCREF)

    def do_i8x16_shuffle(self, lanes: bytes) -> None:
        assert len(lanes) == 16
        assert max(lanes) < 32
        self.take(V128, V128)
        self.give(V128)


def check_body(module: Module, body: Body) -> None:
    """Raises AssertionError where the body breaks a promise of its documentation."""
    Checker(module, body).run()
