"""The operators that have rules of their own: parametric, variable, reference, table and memory (section 3.3).

Those of control are in `control_rules`, those of garbage collection in `gc_rules`.

A handler is registered with `@checks`. It gets the state, the immediate as the bytes have it and whether the operator
can be reached, and returns the immediate as `Body` documents it.
"""

from __future__ import annotations

from typing import Any, Final

from waot.frontend.constexpr import func_ref
from waot.frontend.module import I32, I64, V128, FuncType, RefType, ValType, ref_type
from waot.frontend.opcodes import OPERATORS
from waot.frontend.subtyping import is_defaultable, matches_ref
from waot.frontend.validator import (
    BOTTOM,
    HANDLERS,
    Validator,
    checks,
)

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


def callee(v: Validator, index: int) -> FuncType:
    """The type of function `index`."""
    if index >= len(v.module.funcs):
        raise v.invalid(f"unknown function {index}")
    return v.module.func_type(index)


@checks("ref.func")
def _ref_func(v: Validator, index: int, live: bool) -> int:
    callee(v, index)
    if index not in v.module.declared_funcs:
        raise v.invalid(f"undeclared function reference: function {index} is in no element segment, global or export")
    v.push(func_ref(v.module, index))
    v.referred.add(index)
    if live:
        v.callees.add(index)
    return index


def table_type(v: Validator, index: int) -> RefType:
    """The type of the elements of table `index`."""
    if index >= len(v.module.tables):
        raise v.invalid(f"unknown table {index}")
    return v.module.tables[index].element


def table_index(v: Validator, table: int) -> ValType:
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
    type_ = table_type(v, index)
    v.pop(table_index(v, index))
    v.push(type_)
    return index


@checks("table.size")
def _table_size(v: Validator, index: int, live: bool) -> int:
    table_type(v, index)
    v.push(table_index(v, index))
    return index


@checks("table.set", "table.grow", "table.fill")
def _table_write(v: Validator, index: int, live: bool) -> int:
    type_ = table_type(v, index)
    at = table_index(v, index)
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
    if not matches_ref(v.module, table_type(v, from_), table_type(v, to)):
        raise v.invalid(f"type mismatch: from a table of {table_type(v, from_)} to one of {table_type(v, to)}")
    index, from_index = table_index(v, to), table_index(v, from_)
    v.pop_all((index, from_index, _smaller(index, from_index)))
    if live:
        v.written_tables.add(to)
    return tables


@checks("table.init")
def _table_init(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    segment, table = immediate
    type_ = table_type(v, table)
    if not matches_ref(v.module, element_type(v, segment), type_):
        raise v.invalid(f"type mismatch: a segment of {element_type(v, segment)} in a table of {type_}")
    v.pop_all((table_index(v, table), I32, I32))
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


_WIDE: Final = 3  # the alignment of 64 bits


def _access(v: Validator, immediate: Any, live: bool) -> Any:
    """Loads and stores (3.3.7): the memory, the alignment, the offset, and a lane where there is one."""
    operator = v.operator
    align, offset, memory = immediate[:3]
    address = _memory(v, memory)
    assert operator.align is not None
    if align > operator.align:
        raise v.invalid(f"alignment must not be larger than natural: 2^{align}, at most 2^{operator.align}")
    if operator.proposal == "threads":
        if align != operator.align:
            raise v.invalid(f"alignment must be natural: 2^{align}, not 2^{operator.align}")
        v.wide_atomics |= align == _WIDE
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
