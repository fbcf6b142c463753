"""The rules of control operators: blocks, branches, calls and exceptions (section 3.3.8, and the legacy form)."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from waot.frontend import limits
from waot.frontend.module import EXNREF, FUNCREF, I32, FuncType, RefType, ValType, ref_type
from waot.frontend.rules import callee, table_index, table_type
from waot.frontend.subtyping import matches_ref, matches_result
from waot.frontend.validator import (
    ANY_TAG,
    BLOCK,
    CATCH,
    CATCH_ALL,
    ELSE,
    IF,
    LOOP,
    TRY,
    TRY_TABLE,
    Catcher,
    Scope,
    Validator,
    checks,
)


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


@checks("return")
def _return(v: Validator, immediate: Any, live: bool) -> None:
    v.pop_all(v.type.results)
    v.set_unreachable()


@checks("call")
def _call(v: Validator, index: int, live: bool) -> int:
    type_ = callee(v, index)
    v.pop_all(type_.params)
    v.push_all(type_.results)
    if live:
        v.calls.add(index)
    return index


def _indirect(v: Validator, immediate: tuple[int, int], live: bool) -> FuncType:
    type_index, table = immediate
    if not matches_ref(v.module, table_type(v, table), FUNCREF):
        raise v.invalid(f"type mismatch: table {table} holds {v.module.tables[table].element}, not funcref")
    type_ = func_type(v, type_index)
    if live:
        v.indirect_types.add((type_index, table))
    v.pop(table_index(v, table))
    return type_


@checks("call_indirect")
def _call_indirect(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    type_ = _indirect(v, immediate, live)
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
    _tail_call(v, callee(v, index), live)
    if live:
        v.catchers[0].calls.add(index)
    return index


@checks("return_call_indirect")
def _return_call_indirect(v: Validator, immediate: tuple[int, int], live: bool) -> tuple[int, int]:
    _tail_call(v, _indirect(v, immediate, live), live)
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
