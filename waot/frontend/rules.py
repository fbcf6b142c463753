"""The operators that have rules of their own: control, parametric, variable, reference, table and memory (section 3.3).

Those of garbage collection are in `gc_rules`.

A handler is registered with `@checks`. It gets the state, the immediate as the bytes have it and whether the operator
can be reached, and returns the immediate as `Body` documents it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from waot.frontend import limits
from waot.frontend.constexpr import func_ref
from waot.frontend.module import EXNREF, FUNCREF, I32, I64, V128, FuncType, RefType, ValType, ref_type
from waot.frontend.opcodes import BY_NAME, OPERATORS
from waot.frontend.subtyping import is_defaultable, matches_ref, matches_result
from waot.frontend.validator import (
    ANY_TAG,
    BLOCK,
    BOTTOM,
    CATCH,
    CATCH_ALL,
    ELSE,
    HANDLERS,
    IF,
    LOOP,
    TRY,
    TRY_TABLE,
    Catcher,
    Handler,
    Scope,
    Validator,
)


def checks(*names: str) -> Callable[[Handler], Handler]:
    """Registers a handler for the operators of these names."""

    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[BY_NAME[name].index] = handler
        return handler

    return register


def func_type(v: Validator, index: int) -> FuncType:
    """Type `index`, which has to be a function type."""
    type_ = v.module.types[index]
    if not isinstance(type_, FuncType):
        raise v.invalid(f"type mismatch: type {index} is not a function type")
    return type_


def _block_type(v: Validator, immediate: FuncType | int) -> FuncType:
    if isinstance(immediate, FuncType):
        return immediate
    type_ = func_type(v, immediate)
    if type_.params or len(type_.results) > 1:
        v.proposals.add("multi-value")
    return type_


@checks("unreachable")
def _unreachable(v: Validator, immediate: Any, live: bool) -> None:
    v.set_unreachable()


@checks("block")
def _block(v: Validator, immediate: Any, live: bool) -> tuple[FuncType]:
    type_ = _block_type(v, immediate)
    v.pop_all(type_.params)
    v.enter(BLOCK, type_, live)
    return (type_,)


@checks("loop")
def _loop(v: Validator, immediate: Any, live: bool) -> tuple[FuncType, tuple[int, ...]]:
    type_ = _block_type(v, immediate)
    v.pop_all(type_.params)
    v.enter(LOOP, type_, live)
    if live:
        if len(v.scopes) <= limits.MAX_LOOP_SCOPES:
            v.scopes.append(Scope())
            v.controls[-1].has_scope = True
        v.scopes[-1].loops.append(len(v.code))
    return (type_, ())  # the locals are filled in at the end of the loop


def _close_scope(v: Validator) -> None:
    """At the end of a loop: fills in which locals it assigns, and tells the loop around it."""
    scope = v.scopes.pop()
    assigned = tuple(sorted(scope.assigned))
    for at in scope.loops:
        operator, (type_, _), offset = v.code[at]
        v.code[at] = (operator, (type_, assigned), offset)
    v.scopes[-1].assigned |= scope.assigned


@checks("if")
def _if(v: Validator, immediate: Any, live: bool) -> tuple[FuncType]:
    type_ = _block_type(v, immediate)
    v.pop(I32)
    v.pop_all(type_.params)
    v.enter(IF, type_, live)
    return (type_,)


@checks("else")
def _else(v: Validator, immediate: Any, live: bool) -> None:
    if v.controls[-1].kind != IF:
        raise v.malformed("there is no 'if' that it could belong to")
    frame = v.leave()
    frame.kind = ELSE
    frame.unreachable = False
    v.push_all(frame.params)


@checks("end")
def _end(v: Validator, immediate: Any, live: bool) -> None:
    frame = v.leave()
    if frame.kind == IF and not matches_result(v.module, frame.params, frame.results):
        raise v.invalid(
            f"type mismatch: an if without else must have the same results as parameters, "
            f"but has {FuncType(frame.params, frame.results)}"
        )
    if frame.has_scope:
        _close_scope(v)
    v.stack.pop()  # the None
    v.controls.pop()
    v.push_all(frame.results)
    if frame.kind in _CATCHING and frame.catcher is not None:
        if frame.kind in (TRY, TRY_TABLE):
            _close_catcher(v)
        _settle(v, frame.catcher, v.catchers[-1])


@checks("br")
def _br(v: Validator, depth: int, live: bool) -> int:
    v.pop_all(v.label(depth))
    v.set_unreachable()
    return depth


@checks("br_if")
def _br_if(v: Validator, depth: int, live: bool) -> int:
    label = v.label(depth)
    v.pop(I32)
    v.pop_all(label)
    v.push_all(label)
    return depth


@checks("br_table")
def _br_table(v: Validator, depths: tuple[int, ...], live: bool) -> tuple[int, ...]:
    v.pop(I32)
    arity = len(v.label(depths[-1]))
    # Most labels repeat and many share a type; each is checked once, or a table of 65,520 labels with 1,000 types
    # each would cost what it has no bytes for.
    seen: dict[int, tuple[ValType, ...]] = {}
    for depth in dict.fromkeys(depths):
        label = v.label(depth)
        if id(label) in seen:
            continue
        seen[id(label)] = label
        if len(label) != arity:
            raise v.invalid(f"type mismatch: label {depth} takes {len(label)} operands, the default takes {arity}")
        v.expect(label)
    v.set_unreachable()
    return depths


@checks("return")
def _return(v: Validator, immediate: Any, live: bool) -> None:
    v.pop_all(v.type.results)
    v.set_unreachable()


def _callee(v: Validator, index: int) -> FuncType:
    if index >= len(v.module.funcs):
        raise v.invalid(f"unknown function {index}")
    return v.module.func_type(index)


@checks("call")
def _call(v: Validator, index: int, live: bool) -> int:
    type_ = _callee(v, index)
    v.pop_all(type_.params)
    v.push_all(type_.results)
    if live:
        v.calls.add(index)
    return index


def _indirect_callee(v: Validator, immediate: tuple[int, int], live: bool) -> FuncType:
    type_index, table = immediate
    if not matches_ref(v.module, _table(v, table), FUNCREF):
        raise v.invalid(f"type mismatch: table {table} holds {v.module.tables[table].element}, not funcref")
    type_ = func_type(v, type_index)
    if live:
        v.indirect_types.add((type_index, table))
    v.pop(_table_index(v, table))
    return type_


@checks("call_indirect")
def _call_indirect(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    type_ = _indirect_callee(v, immediate, live)
    v.pop_all(type_.params)
    v.push_all(type_.results)
    if live:
        v.catchers[-1].types.add(immediate[0])
    return immediate


@checks("call_ref")
def _call_ref(v: Validator, index: int, live: bool) -> int:
    type_ = func_type(v, index)
    v.pop(ref_type(index))
    v.pop_all(type_.params)
    v.push_all(type_.results)
    if live:
        v.catchers[-1].types.add(index)
    return index


# A tail call leaves the function first: no block in it catches what the callee throws.


def _tail_call(v: Validator, type_: FuncType, live: bool) -> None:
    if not v.matches(type_.results, v.type.results):
        raise v.invalid(f"type mismatch: the callee is {type_}, the function itself {v.type}")
    v.pop_all(type_.params)
    v.set_unreachable()
    if live:
        v.tail_calls = True


@checks("return_call")
def _return_call(v: Validator, index: int, live: bool) -> int:
    _tail_call(v, _callee(v, index), live)
    if live:
        v.catchers[0].calls.add(index)
    return index


@checks("return_call_indirect")
def _return_call_indirect(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    _tail_call(v, _indirect_callee(v, immediate, live), live)
    if live:
        v.catchers[0].types.add(immediate[0])
    return immediate


@checks("return_call_ref")
def _return_call_ref(v: Validator, index: int, live: bool) -> int:
    type_ = func_type(v, index)
    v.pop(ref_type(index))
    _tail_call(v, type_, live)
    if live:
        v.catchers[0].types.add(index)
    return index


# ---------------------------------------------------------------------- exceptions

_CATCHING = frozenset({TRY_TABLE, TRY, CATCH, CATCH_ALL})

_EXN = ref_type("exn", nullable=False)


def _tag(v: Validator, index: int) -> FuncType:
    if index >= len(v.module.tags):
        raise v.invalid(f"unknown tag {index}")
    return v.module.signature(v.module.tags[index])


def _open_catcher(v: Validator, live: bool) -> Catcher | None:
    """Says that the block just entered catches exceptions."""
    catcher = v.controls[-1].catcher = Catcher(len(v.controls) - 1) if live else None
    if catcher is not None:
        catcher.caught = set()
        catcher.catches_all = False
        v.catchers.append(catcher)
        v.calls = catcher.calls
    return catcher


def _close_catcher(v: Validator) -> None:
    """Says that what follows is not caught by the innermost block that catches."""
    v.catchers.pop()
    v.calls = v.catchers[-1].calls


def _settle(v: Validator, catcher: Catcher, outer: Catcher) -> None:
    """At the end of a block that catches: tells `outer` what comes through."""
    if catcher.catches_all:
        v.callees |= catcher.calls
    else:
        catcher.let_through(outer)
    v.calls = v.catchers[-1].calls


@checks("throw")
def _throw(v: Validator, index: int, live: bool) -> int:
    v.pop_all(_tag(v, index).params)
    v.set_unreachable()
    if live:
        v.catchers[-1].tags.add(index)
    return index


@checks("throw_ref")
def _throw_ref(v: Validator, immediate: Any, live: bool) -> None:
    v.pop(EXNREF)
    v.set_unreachable()
    if live:
        v.catchers[-1].tags.add(ANY_TAG)


@checks("try_table")
def _try_table(
    v: Validator, immediate: tuple[FuncType | int, tuple[tuple[str, int | None, int], ...]], live: bool
) -> tuple[FuncType, tuple[tuple[str, int | None, int], ...]]:
    type_ = _block_type(v, immediate[0])
    clauses = immediate[1]
    # A clause takes three bytes and compares up to 1,000 types: many of the same two types are compared once.
    seen: set[tuple[bool, int, int]] = set()
    for kind, tag, depth in clauses:
        thrown = () if tag is None else _tag(v, tag).params
        label = v.label(depth)
        with_ref = kind in ("catch_ref", "catch_all_ref")
        what = (with_ref, id(thrown), id(label))
        if what in seen:
            continue
        seen.add(what)
        if with_ref:
            thrown = (*thrown, _EXN)
        if not v.matches(thrown, label):
            raise v.invalid(f"type mismatch: {kind} gives {FuncType((), thrown)}, label {depth} takes {list(label)}")
    v.pop_all(type_.params)
    v.enter(TRY_TABLE, type_, live)
    catcher = _open_catcher(v, live)
    if catcher is not None:
        catcher.caught = {tag for _, tag, _ in clauses if tag is not None}
        catcher.catches_all = any(tag is None for _, tag, _ in clauses)
    return type_, clauses


@checks("try")
def _try(v: Validator, immediate: Any, live: bool) -> tuple[FuncType]:
    type_ = _block_type(v, immediate)
    v.pop_all(type_.params)
    v.enter(TRY, type_, live)
    _open_catcher(v, live)
    return (type_,)


def _begin_catch(v: Validator, kind: int) -> Catcher | None:
    """From the body of a `try`, or from one of its catch clauses, to the next."""
    if v.controls[-1].kind not in (TRY, CATCH):
        raise v.malformed("there is no 'try' that it could belong to")
    frame = v.leave()
    if frame.kind == TRY and frame.catcher is not None:
        _close_catcher(v)
    frame.kind = kind
    frame.unreachable = False
    return frame.catcher


@checks("catch")
def _catch(v: Validator, index: int, live: bool) -> int:
    catcher = _begin_catch(v, CATCH)
    v.push_all(_tag(v, index).params)
    if catcher is not None:
        catcher.caught.add(index)
    return index


@checks("catch_all")
def _catch_all(v: Validator, immediate: Any, live: bool) -> None:
    catcher = _begin_catch(v, CATCH_ALL)
    if catcher is not None:
        catcher.catches_all = True


@checks("rethrow")
def _rethrow(v: Validator, depth: int, live: bool) -> int:
    v.label(depth)
    if v.controls[-1 - depth].kind not in (CATCH, CATCH_ALL):
        raise v.invalid(f"invalid rethrow label: label {depth} is not that of a catch clause")
    v.set_unreachable()
    if live:
        v.catchers[-1].tags.add(ANY_TAG)
    return depth


@checks("delegate")
def _delegate(v: Validator, depth: int, live: bool) -> int:
    if v.controls[-1].kind != TRY:
        raise v.malformed("there is no 'try' that it could belong to")
    frame = v.leave()
    v.stack.pop()  # the None
    v.controls.pop()
    v.label(depth)
    v.push_all(frame.results)
    if frame.catcher is not None:
        _close_catcher(v)
        target = len(v.controls) - 1 - depth
        outer = bisect_right(v.catchers, target, key=lambda catcher: catcher.frame) - 1
        _settle(v, frame.catcher, v.catchers[outer])
    return depth


# ---------------------------------------------------------------------- parametric and variable operators


@checks("drop")
def _drop(v: Validator, immediate: Any, live: bool) -> ValType:
    return v.pop()


@checks("select")
def _select(v: Validator, immediate: Any, live: bool) -> ValType:
    v.pop(I32)
    second = v.pop()
    first = v.pop()
    for type_ in (first, second):
        if isinstance(type_, RefType):
            raise v.invalid(f"type mismatch: operands of type {type_} need a select with a type")
    if first is not second and first is not BOTTOM and second is not BOTTOM:
        raise v.invalid(f"type mismatch: operands of the types {first} and {second}")
    result = second if first is BOTTOM else first
    v.push(result)
    return result


@checks("select t")
def _select_t(v: Validator, types: tuple[ValType, ...], live: bool) -> ValType:
    if len(types) != 1:
        raise v.invalid(f"invalid result arity: one type expected, found {len(types)}")
    type_ = types[0]
    v.pop(I32)
    v.pop(type_)
    v.pop(type_)
    v.push(type_)
    return type_


def _local(v: Validator, index: int) -> ValType:
    if index >= len(v.locals):
        raise v.invalid(f"unknown local {index}")
    return v.locals[index]


@checks("local.get")
def _local_get(v: Validator, index: int, live: bool) -> int:
    type_ = _local(v, index)
    if (
        v.initialised is not None
        and index not in v.initialised
        and index >= len(v.type.params)
        and not is_defaultable(type_)
    ):
        raise v.invalid(f"uninitialized local {index}: it has type {type_}, which has no default value")
    v.push(type_)
    return index


@checks("local.set", "local.tee")
def _local_set(v: Validator, index: int, live: bool) -> int:
    type_ = _local(v, index)
    v.pop(type_)
    if v.operator.name == "local.tee":
        v.push(type_)
    if v.initialised is not None and not is_defaultable(type_):
        v.initialised.setdefault(index)
    if live:
        v.scopes[-1].assigned.add(index)
    return index


@checks("global.get")
def _global_get(v: Validator, index: int, live: bool) -> int:
    if index >= len(v.module.globals):
        raise v.invalid(f"unknown global {index}")
    v.push(v.module.globals[index].value)
    return index


@checks("global.set")
def _global_set(v: Validator, index: int, live: bool) -> int:
    if index >= len(v.module.globals):
        raise v.invalid(f"unknown global {index}")
    global_ = v.module.globals[index]
    if not global_.mutable:
        raise v.invalid(f"global {index} is immutable")
    v.pop(global_.value)
    if live:
        v.written_globals.add(index)
    return index


# ---------------------------------------------------------------------- references and tables


@checks("ref.null")
def _ref_null(v: Validator, type_: RefType, live: bool) -> RefType:
    v.push(type_)
    return type_


@checks("ref.is_null")
def _ref_is_null(v: Validator, immediate: Any, live: bool) -> None:
    v.pop_ref()
    v.push(I32)


@checks("ref.as_non_null")
def _ref_as_non_null(v: Validator, immediate: Any, live: bool) -> None:
    v.push(ref_type(v.pop_ref().heap, nullable=False))


@checks("br_on_null")
def _br_on_null(v: Validator, depth: int, live: bool) -> int:
    label = v.label(depth)
    operand = v.pop_ref()
    v.pop_all(label)
    v.push_all(label)
    v.push(ref_type(operand.heap, nullable=False))
    return depth


@checks("br_on_non_null")
def _br_on_non_null(v: Validator, depth: int, live: bool) -> int:
    label = v.label(depth)
    last = label[-1] if label else None
    if not isinstance(last, RefType):
        raise v.invalid(f"type mismatch: label {depth} takes {list(label)}, but a reference has to be the last")
    v.pop(ref_type(last.heap))
    v.pop_all(label[:-1])
    v.push_all(label[:-1])
    return depth


@checks("ref.func")
def _ref_func(v: Validator, index: int, live: bool) -> int:
    _callee(v, index)
    if index not in v.module.declared_funcs:
        raise v.invalid(f"undeclared function reference: function {index} is in no element segment, global or export")
    v.push(func_ref(v.module, index))
    if live:
        v.callees.add(index)
    return index


def _table(v: Validator, index: int) -> RefType:
    if index >= len(v.module.tables):
        raise v.invalid(f"unknown table {index}")
    return v.module.tables[index].element


def _table_index(v: Validator, table: int) -> ValType:
    """The type of an index into a table that exists."""
    limits_ = v.module.tables[table].limits
    if limits_.index64:
        v.proposals.add("memory64")
    return limits_.index


def _smaller(first: ValType, second: ValType) -> ValType:
    """The type of the count that a copy between two takes (3.3.6, 3.3.7)."""
    return I32 if I32 in (first, second) else I64


@checks("table.get")
def _table_get(v: Validator, index: int, live: bool) -> int:
    type_ = _table(v, index)
    v.pop(_table_index(v, index))
    v.push(type_)
    return index


@checks("table.size")
def _table_size(v: Validator, index: int, live: bool) -> int:
    _table(v, index)
    v.push(_table_index(v, index))
    return index


@checks("table.set", "table.grow", "table.fill")
def _table_write(v: Validator, index: int, live: bool) -> int:
    type_ = _table(v, index)
    at = _table_index(v, index)
    name = v.operator.name
    if name != "table.set":
        v.pop(at)  # the number of elements
    v.pop(type_)
    if name == "table.grow":
        v.push(at)
    else:
        v.pop(at)
    if live:
        v.written_tables.add(index)
    return index


@checks("table.copy")
def _table_copy(v: Validator, tables: tuple[int, int], live: bool) -> tuple[int, int]:
    to, from_ = tables
    if not matches_ref(v.module, _table(v, from_), _table(v, to)):
        raise v.invalid(f"type mismatch: from a table of {_table(v, from_)} to one of {_table(v, to)}")
    index, from_index = _table_index(v, to), _table_index(v, from_)
    v.pop_all((index, from_index, _smaller(index, from_index)))
    if live:
        v.written_tables.add(to)
    return tables


@checks("table.init")
def _table_init(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    segment, table = immediate
    type_ = _table(v, table)
    if not matches_ref(v.module, element_type(v, segment), type_):
        raise v.invalid(f"type mismatch: a segment of {element_type(v, segment)} in a table of {type_}")
    v.pop_all((_table_index(v, table), I32, I32))
    if live:
        v.written_tables.add(table)
    return immediate


@checks("elem.drop")
def _elem_drop(v: Validator, index: int, live: bool) -> int:
    element_type(v, index)
    return index


def element_type(v: Validator, index: int) -> RefType:
    """The type of element segment `index`."""
    if index >= len(v.module.elements):
        raise v.invalid(f"unknown elem segment {index}")
    return v.module.elements[index].type


# ---------------------------------------------------------------------- memory


def _memory(v: Validator, index: int) -> ValType:
    """The type of an address in a memory."""
    if index >= len(v.module.memories):
        raise v.invalid(f"unknown memory {index}")
    if index:
        v.proposals.add("multi-memory")
    memory = v.module.memories[index]
    if memory.limits.index64:
        v.proposals.add("memory64")
    return memory.limits.index


def _access(v: Validator, immediate: Any, live: bool) -> Any:
    """Loads and stores (3.3.7): the memory, the alignment, the offset, and a lane where there is one."""
    operator = v.operator
    align, offset, memory = immediate[:3]
    address = _memory(v, memory)
    assert operator.align is not None
    if align > operator.align:
        raise v.invalid(f"alignment must not be larger than natural: 2^{align}, at most 2^{operator.align}")
    if align != operator.align and operator.proposal == "threads":
        raise v.invalid(f"alignment must be natural: 2^{align}, not 2^{operator.align}")
    if offset >= 2**32 and address is I32:
        raise v.invalid(f"offset out of range: {offset} in a memory with 32-bit addresses")
    if len(immediate) > 3:
        _lane(v, immediate[3])
    assert operator.params is not None
    assert operator.results is not None
    v.pop_all((address, *operator.params[1:]))
    v.push_all(operator.results)
    return immediate


def _lane(v: Validator, lane: int) -> None:
    lanes = int(v.operator.immediates[-1].removeprefix("lane"))
    if lane >= lanes:
        raise v.invalid(f"invalid lane index {lane}: there are {lanes}")


def _with_lane(v: Validator, lane: int, live: bool) -> int:
    _lane(v, lane)
    assert v.operator.params is not None
    assert v.operator.results is not None
    v.pop_all(v.operator.params)
    v.push_all(v.operator.results)
    return lane


@checks("i8x16.shuffle")
def _shuffle(v: Validator, lanes: bytes, live: bool) -> bytes:
    if max(lanes) >= 32:
        raise v.invalid(f"invalid lane index {max(lanes)}: there are 32")
    v.pop_all((V128, V128))
    v.push(V128)
    return lanes


for _operator in OPERATORS:
    if _operator.supported and _operator.width is not None:
        HANDLERS[_operator.index] = _access
    elif _operator.supported and len(_operator.immediates) == 1 and _operator.immediates[0].startswith("lane"):
        HANDLERS[_operator.index] = HANDLERS[_operator.index] or _with_lane


@checks("memory.size", "memory.grow", "memory.fill")
def _memory_index(v: Validator, index: int, live: bool) -> int:
    address = _memory(v, index)
    name = v.operator.name
    if name == "memory.fill":
        v.pop_all((address, I32, address))
        return index
    if name == "memory.grow":
        v.pop(address)
        if live:
            v.grown_memories.add(index)
    v.push(address)
    return index


@checks("memory.copy")
def _memory_copy(v: Validator, memories: tuple[int, int], live: bool) -> tuple[int, int]:
    to, from_ = _memory(v, memories[0]), _memory(v, memories[1])
    v.pop_all((to, from_, _smaller(to, from_)))
    return memories


@checks("memory.init")
def _memory_init(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    address = _memory(v, immediate[1])
    check_data(v, immediate[0])
    v.pop_all((address, I32, I32))
    return immediate


@checks("data.drop")
def _data_drop(v: Validator, index: int, live: bool) -> int:
    check_data(v, index)
    return index


def check_data(v: Validator, index: int) -> None:
    """Checks that there is a data segment `index`."""
    if v.module.data_count is None:
        raise v.malformed("data count section required")  # 5.5.16: so that bodies can be validated before the data
    if index >= v.module.data_count:
        raise v.invalid(f"unknown data segment {index}")
