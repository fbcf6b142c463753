"""The operators that have rules of their own: control, parametric, variable, reference, table and memory (section 3.3).

A handler is registered with `@_checks`. It gets the state, the immediate as the bytes have it and whether the operator
can be reached, and returns the immediate as `Body` documents it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waot.frontend import limits
from waot.frontend.module import FUNCREF, I32, I64, V128, FuncType, RefType, ValType
from waot.frontend.opcodes import BY_NAME, OPERATORS
from waot.frontend.validator import BLOCK, BOTTOM, ELSE, HANDLERS, IF, LOOP, Handler, Scope, Validator


def _checks(*names: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[BY_NAME[name].index] = handler
        return handler

    return register


def _block_type(v: Validator, immediate: FuncType | int) -> FuncType:
    if isinstance(immediate, FuncType):
        return immediate
    if immediate >= len(v.module.types):
        raise v.invalid(f"unknown type {immediate}")
    type_ = v.module.types[immediate]
    if type_.params or len(type_.results) > 1:
        v.proposals.add("multi-value")
    return type_


@_checks("unreachable")
def _unreachable(v: Validator, immediate: Any, live: bool) -> None:
    v.set_unreachable()


@_checks("block")
def _block(v: Validator, immediate: Any, live: bool) -> tuple[FuncType]:
    type_ = _block_type(v, immediate)
    v.pop_all(type_.params)
    v.enter(BLOCK, type_, live)
    return (type_,)


@_checks("loop")
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


@_checks("if")
def _if(v: Validator, immediate: Any, live: bool) -> tuple[FuncType]:
    type_ = _block_type(v, immediate)
    v.pop(I32)
    v.pop_all(type_.params)
    v.enter(IF, type_, live)
    return (type_,)


@_checks("else")
def _else(v: Validator, immediate: Any, live: bool) -> None:
    if v.controls[-1].kind != IF:
        raise v.malformed("there is no 'if' that it could belong to")
    frame = v.leave()
    frame.kind = ELSE
    frame.unreachable = False
    v.push_all(frame.params)


@_checks("end")
def _end(v: Validator, immediate: Any, live: bool) -> None:
    frame = v.leave()
    if frame.kind == IF and frame.params != frame.results:
        raise v.invalid(
            f"type mismatch: an if without else must have the same results as parameters, "
            f"but has {FuncType(frame.params, frame.results)}"
        )
    if frame.has_scope:
        _close_scope(v)
    v.stack.pop()  # the None
    v.controls.pop()
    v.push_all(frame.results)


@_checks("br")
def _br(v: Validator, depth: int, live: bool) -> int:
    v.pop_all(v.label(depth))
    v.set_unreachable()
    return depth


@_checks("br_if")
def _br_if(v: Validator, depth: int, live: bool) -> int:
    label = v.label(depth)
    v.pop(I32)
    v.pop_all(label)
    v.push_all(label)
    return depth


@_checks("br_table")
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


@_checks("return")
def _return(v: Validator, immediate: Any, live: bool) -> None:
    v.pop_all(v.type.results)
    v.set_unreachable()


def _callee(v: Validator, index: int) -> FuncType:
    if index >= len(v.module.funcs):
        raise v.invalid(f"unknown function {index}")
    return v.module.types[v.module.funcs[index]]


@_checks("call")
def _call(v: Validator, index: int, live: bool) -> int:
    type_ = _callee(v, index)
    v.pop_all(type_.params)
    v.push_all(type_.results)
    if live:
        v.callees.add(index)
    return index


def _indirect_callee(v: Validator, immediate: tuple[int, int], live: bool) -> FuncType:
    type_index, table = immediate
    if _table(v, table) is not FUNCREF:
        raise v.invalid(f"type mismatch: table {table} holds {v.module.tables[table].element}, not funcref")
    if type_index >= len(v.module.types):
        raise v.invalid(f"unknown type {type_index}")
    if live:
        v.indirect_types.add((type_index, table))
    v.pop(_table_index(v, table))
    return v.module.types[type_index]


@_checks("call_indirect")
def _call_indirect(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    type_ = _indirect_callee(v, immediate, live)
    v.pop_all(type_.params)
    v.push_all(type_.results)
    return immediate


def _tail_call(v: Validator, type_: FuncType, live: bool) -> None:
    if type_.results != v.type.results:
        raise v.invalid(f"type mismatch: the callee is {type_}, the function itself {v.type}")
    v.pop_all(type_.params)
    v.set_unreachable()
    if live:
        v.tail_calls = True


@_checks("return_call")
def _return_call(v: Validator, index: int, live: bool) -> int:
    _tail_call(v, _callee(v, index), live)
    if live:
        v.callees.add(index)
    return index


@_checks("return_call_indirect")
def _return_call_indirect(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    _tail_call(v, _indirect_callee(v, immediate, live), live)
    return immediate


# ---------------------------------------------------------------------- parametric and variable operators


@_checks("drop")
def _drop(v: Validator, immediate: Any, live: bool) -> ValType:
    return v.pop()


@_checks("select")
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


@_checks("select t")
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


@_checks("local.get")
def _local_get(v: Validator, index: int, live: bool) -> int:
    v.push(_local(v, index))
    return index


@_checks("local.set", "local.tee")
def _local_set(v: Validator, index: int, live: bool) -> int:
    type_ = _local(v, index)
    v.pop(type_)
    if v.operator.name == "local.tee":
        v.push(type_)
    if live:
        v.scopes[-1].assigned.add(index)
    return index


@_checks("global.get")
def _global_get(v: Validator, index: int, live: bool) -> int:
    if index >= len(v.module.globals):
        raise v.invalid(f"unknown global {index}")
    v.push(v.module.globals[index].value)
    return index


@_checks("global.set")
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


@_checks("ref.null")
def _ref_null(v: Validator, type_: RefType, live: bool) -> RefType:
    v.push(type_)
    return type_


@_checks("ref.is_null")
def _ref_is_null(v: Validator, immediate: Any, live: bool) -> None:
    type_ = v.pop()
    if type_ is not BOTTOM and not isinstance(type_, RefType):
        raise v.invalid(f"type mismatch: expected a reference, found {type_}")
    v.push(I32)


@_checks("ref.func")
def _ref_func(v: Validator, index: int, live: bool) -> int:
    _callee(v, index)
    if index not in v.module.declared_funcs:
        raise v.invalid(f"undeclared function reference: function {index} is in no element segment, global or export")
    v.push(FUNCREF)
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


@_checks("table.get")
def _table_get(v: Validator, index: int, live: bool) -> int:
    type_ = _table(v, index)
    v.pop(_table_index(v, index))
    v.push(type_)
    return index


@_checks("table.size")
def _table_size(v: Validator, index: int, live: bool) -> int:
    _table(v, index)
    v.push(_table_index(v, index))
    return index


@_checks("table.set", "table.grow", "table.fill")
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


@_checks("table.copy")
def _table_copy(v: Validator, tables: tuple[int, int], live: bool) -> tuple[int, int]:
    to, from_ = tables
    if _table(v, to) is not _table(v, from_):
        raise v.invalid(f"type mismatch: from a table of {_table(v, from_)} to one of {_table(v, to)}")
    index, from_index = _table_index(v, to), _table_index(v, from_)
    v.pop_all((index, from_index, _smaller(index, from_index)))
    if live:
        v.written_tables.add(to)
    return tables


@_checks("table.init")
def _table_init(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    segment, table = immediate
    type_ = _table(v, table)
    if _element(v, segment) is not type_:
        raise v.invalid(f"type mismatch: a segment of {_element(v, segment)} in a table of {type_}")
    v.pop_all((_table_index(v, table), I32, I32))
    if live:
        v.written_tables.add(table)
    return immediate


@_checks("elem.drop")
def _elem_drop(v: Validator, index: int, live: bool) -> int:
    _element(v, index)
    return index


def _element(v: Validator, index: int) -> RefType:
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


@_checks("i8x16.shuffle")
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


@_checks("memory.size", "memory.grow", "memory.fill")
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


@_checks("memory.copy")
def _memory_copy(v: Validator, memories: tuple[int, int], live: bool) -> tuple[int, int]:
    to, from_ = _memory(v, memories[0]), _memory(v, memories[1])
    v.pop_all((to, from_, _smaller(to, from_)))
    return memories


@_checks("memory.init")
def _memory_init(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    address = _memory(v, immediate[1])
    _data(v, immediate[0])
    v.pop_all((address, I32, I32))
    return immediate


@_checks("data.drop")
def _data_drop(v: Validator, index: int, live: bool) -> int:
    _data(v, index)
    return index


def _data(v: Validator, index: int) -> None:
    if v.module.data_count is None:
        raise v.malformed("data count section required")  # 5.5.16: so that bodies can be validated before the data
    if index >= v.module.data_count:
        raise v.invalid(f"unknown data segment {index}")
