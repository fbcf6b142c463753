"""References: null tests, function references, tests and casts (core specification, section 4.4.5).

How a reference looks is in runtime-support/include/waot_abi.h: null, a heap object, an i31 with bit 0 set, a host's
value with bit 1 set, or a funcref outside of the heap. A type test is a subtraction and a comparison with the interval
of the numbers of the type's subtypes (heap_types.py).
"""

from __future__ import annotations

from functools import partial

from waot.frontend.module import FuncType, RefType
from waot.frontend.subtyping import matches_heap
from waot.lowering.control import out_of_interval
from waot.lowering.frame import Frame
from waot.lowering.function import FunctionLowering, lowers
from waot.lowering.heap import check_null
from waot.lowering.profiled import Guard, guarded_call


@lowers("ref.as_non_null")
def _ref_as_non_null(f: FunctionLowering, immediate: None, offset: int) -> None:
    check_null(f, f.stack[-1], "null_reference", offset)


@lowers("ref.eq")
def _ref_eq(f: FunctionLowering, immediate: None, offset: int) -> None:
    b, a = f.stack.pop(), f.stack.pop()
    f.push_bool(f.emit(f"icmp eq ptr {a}, {b}", a, b))


@lowers("any.convert_extern", "extern.convert_any")
def _convert(f: FunctionLowering, immediate: None, offset: int) -> None:
    pass


# ---------------------------------------------------------------------- calls


def _callee(f: FunctionLowering, offset: int, guard: Guard | None = None) -> str:
    funcref = f.stack.pop()
    if guard is not None:
        guard(funcref, True)
    check_null(f, funcref, "null_function_reference", offset)
    code = f.emit(f"load ptr, ptr {funcref}, !invariant.load !0", funcref)
    f.roots.append(code)
    return code


@lowers("call_ref")
def _call_ref(f: FunctionLowering, type_index: int, offset: int) -> None:
    may_throw = type_index in f.unit.plan.throwing_types
    t = f.unit.module.signature(type_index)
    likely = f.profile.likely(f, offset, f.unit.module.canonical[type_index])
    if likely:
        guarded_call(f, t, likely, partial(_callee, f, offset), offset, may_throw=may_throw)
        return
    callee = _callee(f, offset)
    f.profile.count_callee(f, offset, callee)
    f.call(t, callee, offset, may_throw=may_throw)


@lowers("return_call_ref")
def _return_call_ref(f: FunctionLowering, type_index: int, offset: int) -> None:
    f.profile.count(f, offset, 0)
    f.tail_call(f.unit.module.signature(type_index), _callee(f, offset), offset)


# ---------------------------------------------------------------------- tests


def _in_interval(f: FunctionLowering, number: str, ir: str, interval: tuple[int, int]) -> str:
    outside = out_of_interval(f, number, ir, interval)
    return f.emit(f"xor i1 {outside}, true", outside)


def _has_type(f: FunctionLowering, value: str, source: RefType, target: RefType) -> str:
    """An i1: whether `value`, of type `source` and not null, is of the heap type of `target`."""
    module, numbers = f.unit.module, f.unit.plan.type_numbers
    heap = target.heap
    if matches_heap(module, source.heap, heap):
        return "true"
    if source.heap == "i31" or heap in ("none", "nofunc", "noextern", "noexn"):
        return "false"  # an i31 least of all: it has no header to look at
    if source.heap == "func" or (isinstance(source.heap, int) and isinstance(module.types[source.heap], FuncType)):
        assert isinstance(heap, int)
        place = f.emit(f"getelementptr inbounds %waot.funcref, ptr {value}, i32 0, i32 1", value)
        number_type = f.unit.plan.word
        number = f.emit(f"load {number_type}, ptr {place}, !invariant.load !0", place)
        return _in_interval(f, number, number_type, numbers.intervals[heap])
    t = f.unit.plan.word
    word = f.emit(f"ptrtoint ptr {value} to {t}", value)
    if heap == "i31":
        return f.emit(f"trunc {t} {word} to i1", word)
    if heap == "eq":  # all but a host's values
        bit = f.emit(f"and {t} {word}, 3", word)
        return f.emit(f"icmp ne {t} {bit}, 2", bit)
    interval = {"struct": numbers.structs, "array": numbers.arrays}.get(str(heap)) or numbers.intervals.get(heap)  # type: ignore[arg-type]
    assert interval is not None
    if interval[1] < interval[0]:
        return "false"
    if source.heap not in ("any", "eq"):
        return _in_interval(f, _number(f, value), "i32", interval)
    # Only an object has a header.
    tag = f.emit(f"and {t} {word}, 3", word)
    is_object = f.emit(f"icmp eq {t} {tag}, 0", tag)
    before, object_, done = f.label, f.new_label("o"), f.new_label("n")
    f.effect(f"br i1 {is_object}, label %{object_}, label %{done}", is_object)
    f.place(object_)
    found = _in_interval(f, _number(f, value), "i32", interval)
    behind = f.label
    f.out.append(f"  br label %{done}")
    f.place(done)
    return f.emit(f"phi i1 [ false, %{before} ], [ {found}, %{behind} ]", found)


def _number(f: FunctionLowering, object_: str) -> str:
    return f.emit(f"load i32, ptr {object_}, align 16, !tbaa {f.unit.layout.object_tbaa}", object_)


def _matches(f: FunctionLowering, value: str, source: RefType, target: RefType) -> str:
    """An i1: whether `value`, of type `source`, is of type `target`."""
    if not source.nullable:
        return _has_type(f, value, source, target)
    null = f.emit(f"icmp eq ptr {value}, null", value)
    if target.heap in ("none", "nofunc", "noextern", "noexn"):
        return null if target.nullable else "false"
    if matches_heap(f.unit.module, source.heap, target.heap):
        return "true" if target.nullable else f.emit(f"xor i1 {null}, true", null)
    before, some, done = f.label, f.new_label("s"), f.new_label("n")
    f.effect(f"br i1 {null}, label %{done}, label %{some}", null)
    f.place(some)
    found = _has_type(f, value, source, target)
    behind = f.label
    f.out.append(f"  br label %{done}")
    f.place(done)
    return f.emit(f"phi i1 [ {str(target.nullable).lower()}, %{before} ], [ {found}, %{behind} ]", found)


@lowers("ref.test", "ref.test null")
def _ref_test(f: FunctionLowering, immediate: tuple[RefType, RefType], offset: int) -> None:
    target, source = immediate
    f.push_bool(_matches(f, f.stack.pop(), source, target))


@lowers("ref.cast", "ref.cast null")
def _ref_cast(f: FunctionLowering, immediate: tuple[RefType, RefType], offset: int) -> None:
    target, source = immediate
    fits = _matches(f, f.stack[-1], source, target)
    if fits != "true":
        f.trap_if(f.emit(f"xor i1 {fits}, true", fits), "cast_failure", offset)


# ---------------------------------------------------------------------- branches


def _branch(f: FunctionLowering, condition: str, frame: Frame, *, drop: bool, offset: int) -> None:
    """Branches to `frame` with what is on the stack where `condition` holds; `drop` takes one off where it does not."""
    taken, next_ = f.new_label("t"), f.new_label("n")
    weights = f.profile.weights((offset, 0), (offset, 1))
    f.effect(f"br i1 {condition}, label %{taken}, label %{next_}{weights}", condition)
    locals_, stack = f.locals, f.stack[:]
    f.locals_shared = True
    f.place(taken)
    f.profile.count(f, offset, 0)
    f.branch_to(frame, offset)
    f.place(next_)
    f.profile.count(f, offset, 1)
    f.stack = stack
    f.locals, f.locals_shared = locals_, True
    if drop:
        f.stack.pop()


@lowers("br_on_null")
def _br_on_null(f: FunctionLowering, depth: int, offset: int) -> None:
    value = f.stack.pop()
    _branch(f, f.emit(f"icmp eq ptr {value}, null", value), f.frames[-1 - depth], drop=False, offset=offset)
    f.stack.append(value)


@lowers("br_on_non_null")
def _br_on_non_null(f: FunctionLowering, depth: int, offset: int) -> None:
    value = f.stack[-1]
    _branch(f, f.emit(f"icmp ne ptr {value}, null", value), f.frames[-1 - depth], drop=True, offset=offset)


@lowers("br_on_cast")
def _br_on_cast(f: FunctionLowering, immediate: tuple[int, RefType, RefType], offset: int) -> None:
    depth, source, target = immediate
    fits = _matches(f, f.stack[-1], source, target)
    _branch(f, fits, f.frames[-1 - depth], drop=False, offset=offset)


@lowers("br_on_cast_fail")
def _br_on_cast_fail(f: FunctionLowering, immediate: tuple[int, RefType, RefType], offset: int) -> None:
    depth, source, target = immediate
    fits = _matches(f, f.stack[-1], source, target)
    fails = f.emit(f"xor i1 {fits}, true", fits)
    _branch(f, fails, f.frames[-1 - depth], drop=False, offset=offset)
