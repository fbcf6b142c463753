"""Control instructions, section 4.4.8 of the core specification."""

from __future__ import annotations

from functools import partial

from waot.frontend.module import FuncType, ValType
from waot.lowering.dispatch import begin_segment, enter, leave, switch_weights
from waot.lowering.exceptions import end_try, end_try_table
from waot.lowering.frame import Frame
from waot.lowering.function import FunctionLowering, lowers
from waot.lowering.layout import LIKELY, UNLIKELY
from waot.lowering.memory import word_as, word_index
from waot.lowering.profiled import Guard, guarded_call
from waot.lowering.rounds import note_choice, unroll
from waot.lowering.types import ir_type


@lowers("nop")
def _nop(f: FunctionLowering, immediate: None, offset: int) -> None:
    pass


@lowers("unreachable")
def _unreachable(f: FunctionLowering, immediate: None, offset: int) -> None:
    f.profile.count(f, offset, 0)
    f.trap("unreachable", offset)


@lowers("block")
def _block(f: FunctionLowering, immediate: tuple[FuncType], offset: int) -> None:
    (t,) = immediate
    f.frames.append(Frame("block", f.new_label("b"), t, len(f.stack) - len(t.params)))


@lowers("loop")
def _loop(f: FunctionLowering, immediate: tuple[FuncType, tuple[int, ...]], offset: int) -> None:
    t, assigned = immediate
    frame = Frame("loop", f.new_label("l"), t, len(f.stack) - len(t.params))
    frame.dispatch = f.dispatches.get(offset)
    f.profile.count(f, offset, 0)
    f.frames.append(frame)
    f.begin_loop(frame, assigned)


def _weights(f: FunctionLowering, offset: int) -> str:
    """The metadata of a conditional branch that a profile or else a branch hint is about."""
    counted = f.profile.weights((offset, 0), (offset, 1))
    if counted:
        return counted
    hint = f.unit.module.branch_hints.get(offset)
    return "" if hint is None else f", !prof {LIKELY if hint else UNLIKELY}"


@lowers("if")
def _if(f: FunctionLowering, immediate: tuple[FuncType], offset: int) -> None:
    (t,) = immediate
    condition = f.pop_bool()
    number = f.new_label("")
    frame = Frame("if", f"b{number}", t, len(f.stack) - len(t.params))
    frame.offset = offset
    frame.else_params = f.operands(len(t.params))
    _, frame.else_locals = f.edge()
    f.frames.append(frame)
    f.effect(f"br i1 {condition}, label %i{number}, label %e{number}{_weights(f, offset)}", condition)
    f.place(f"i{number}")
    f.profile.count(f, offset, 0)


def _begin_else(f: FunctionLowering, frame: Frame, offset: int) -> None:
    if f.label is not None:
        f.profile.count(f, offset, 0)
        f.add_edge(frame)
        f.out.append(f"  br label %{frame.label}")
    f.place("e" + frame.label[1:])
    del f.stack[frame.height :]
    f.stack.extend(frame.else_params)
    assert frame.else_locals is not None
    f.locals = frame.else_locals
    f.locals_shared = True
    f.profile.count(f, frame.offset, 1)
    frame.kind = "else"


@lowers("else")
def _else(f: FunctionLowering, immediate: None, offset: int) -> None:
    _begin_else(f, f.frames[-1], offset)


@lowers("end")
def _end(f: FunctionLowering, immediate: None, offset: int) -> None:
    frame = f.frames[-1]
    way = 0
    if frame.kind == "if":  # no else: its parameters are its results
        _begin_else(f, frame, offset)
        way = 1
    f.frames.pop()
    if frame.kind in ("try", "catch", "catch_all"):
        end_try(f, frame, offset)
        f.join(frame.label, frame.edges, frame.types, frame.height)
    elif frame.kind == "function":
        if f.label is not None:
            f.profile.count(f, offset, 0)
            f.emit_return(f.operands(len(frame.types)))
    elif frame.kind == "loop":
        f.end_loop(frame)
        unroll(f, frame)
        if f.label is None:
            f.join(f.new_label("d"), [], frame.results, frame.height)
    else:
        if f.label is not None:
            f.profile.count(f, offset, way)
            f.add_edge(frame)
            f.out.append(f"  br label %{frame.label}")
        if frame.kind == "try_table":
            end_try_table(f, frame, offset)
        if frame.header_of is not None:
            begin_segment(f, frame, offset)
            return
        f.join(frame.label, frame.edges, frame.types, frame.height)


def _frame(f: FunctionLowering, depth: int) -> Frame:
    """What a branch goes to: of a loop that sends each on to some place (dispatch.py) that, where it is known."""
    frame = f.frames[-1 - depth]
    if frame.dispatch is None:
        return frame
    return frame.dispatch.frames.get(f.locals[frame.dispatch.local], frame)


@lowers("br")
def _br(f: FunctionLowering, depth: int, offset: int) -> None:
    f.profile.count(f, offset, 0)
    f.branch_to(_frame(f, depth), offset)


def _branch_label(f: FunctionLowering, frame: Frame, pending: list[str], *, counts: bool) -> str:
    """The label that a conditional branch to `frame` goes to; where that is a return, or a way that `counts`, a new
    block put on `pending`."""
    if frame.kind == "function" or counts:
        label = f.new_label("r")
        pending.append(label)
        return label
    f.add_edge(frame)
    return frame.label


def _place_pending(f: FunctionLowering, pending: list[str], frame: Frame, offset: int) -> None:
    for label in pending:
        f.place(label)
        f.profile.count(f, offset, 0)
        f.branch_to(frame, offset)


@lowers("br_if")
def _br_if(f: FunctionLowering, depth: int, offset: int) -> None:
    condition = f.pop_bool()
    frame = _frame(f, depth)
    pending: list[str] = []
    taken = _branch_label(f, frame, pending, counts=f.profile.counts(offset, 0))
    next_ = f.new_label("n")
    f.effect(f"br i1 {condition}, label %{taken}, label %{next_}{_weights(f, offset)}", condition)
    _place_pending(f, pending, frame, offset)
    f.place(next_)
    f.profile.count(f, offset, 1)


@lowers("br_table")
def _br_table(f: FunctionLowering, depths: tuple[int, ...], offset: int) -> None:
    index = f.stack.pop()
    note_choice(f, index)
    # A block reached twice from one switch needs two entries in each of its phis, so every target gets one block that
    # goes on to it; LLVM removes them.
    targets: dict[int, str] = {}
    for depth in depths:
        if depth not in targets:
            targets[depth] = f.new_label("s")
    cases = " ".join(f"i32 {i}, label %{targets[d]}" for i, d in enumerate(depths[:-1]))
    weights = f.profile.table_weights(offset, depths)
    dispatch = f.dispatches.get(offset)
    if dispatch is not None:
        enter(f, dispatch, depths)
        if dispatch.known:  # all that comes here is functions that are begun, which are more than those gone on with
            weights = switch_weights(1, len(depths) - 1)
    f.effect(
        f"switch i32 {index}, label %{targets[depths[-1]]} [ {cases} ]{weights}{f.extending_location(index)}", index
    )
    for k, (depth, label) in enumerate(targets.items()):
        f.place(label)
        f.profile.count(f, offset, k)
        if dispatch is not None:
            leave(f, dispatch, depth, offset)
        else:
            f.branch_to(_frame(f, depth), offset)
    f.label = None


@lowers("return")
def _return(f: FunctionLowering, immediate: None, offset: int) -> None:
    f.profile.count(f, offset, 0)
    f.emit_return(f.operands(len(f.type.results)))


@lowers("call")
def _call(f: FunctionLowering, index: int, offset: int) -> None:
    may_throw = index in f.unit.plan.throws
    f.call(f.unit.module.func_type(index), f.unit.function_symbol(index), offset, may_throw=may_throw)


@lowers("return_call")
def _return_call(f: FunctionLowering, index: int, offset: int) -> None:
    f.profile.count(f, offset, 0)
    f.tail_call(f.unit.module.func_type(index), f.unit.function_symbol(index), offset)


def _callee(
    f: FunctionLowering, immediate: tuple[int, int], offset: int, *, tail: bool, guard: Guard | None = None
) -> str:
    """Checks an indirect call (section 4.4.8.10) and gives the code pointer.

    An immutable table is two constant arrays, code and type; while it is small, each signature that is called has an
    array of its own in which everything else is a stub that traps, and the call has no check but the bounds. A tail
    call leaves no frame that could tell where the stub was called from, so it checks. `guard` is `guarded_call`'s.
    """
    type_index, table_index = immediate
    unit = f.unit
    table = unit.plan.tables[table_index]
    type_id = unit.module.canonical[type_index]
    index = f.stack.pop()
    if table.immutable:
        t = "i64" if table.index64 else "i32"
        f.trap_if(f.emit(f"icmp uge {t} {index}, {table.size}", index), "undefined_element", offset)
        wide = index if table.index64 else f.emit(f"zext i32 {index} to i64", index)
        if type_id in table.dense_types and not tail:
            place = f.emit(f"getelementptr ptr, ptr {unit.layout.dense_table(table_index, type_id)}, i64 {wide}", wide)
            code = f.emit(f"load ptr, ptr {place}, !tbaa {unit.layout.table_tbaa}, !invariant.load !0", place)
            if guard is not None:
                guard(code, False)
            return code
        code = _code(f, table_index, wide) if guard is not None else ""
        if guard is not None:
            guard(code, False)
        place = f.emit(f"getelementptr i16, ptr {unit.layout.table_types(table_index)}, i64 {wide}", wide)
        found = f.emit(f"load i16, ptr {place}, !tbaa {unit.layout.table_tbaa}, !invariant.load !0", place)
        _check_type(f, found, unit.plan.called_types.intervals[type_id], offset)
        return code or _code(f, table_index, wide)
    t, wide = word_index(f, index, table.index64)
    size = word_as(f, unit.layout.table_size(f, table_index), t)
    f.trap_if(f.emit(f"icmp uge {t} {wide}, {size}", wide, size), "undefined_element", offset)
    elements = unit.layout.table_elements(f, table_index)
    place = f.emit(f"getelementptr ptr, ptr {elements}, {t} {wide}", elements, wide)
    funcref = f.emit(f"load ptr, ptr {place}, !tbaa {unit.layout.table_tbaa}", place)
    if guard is not None:
        guard(funcref, True)
    f.trap_if(f.emit(f"icmp eq ptr {funcref}, null", funcref), "uninitialized_element", offset)
    place = f.emit(f"getelementptr inbounds %waot.funcref, ptr {funcref}, i32 0, i32 1", funcref)
    word = unit.plan.word
    found = f.emit(f"load {word}, ptr {place}, !invariant.load !0", place)
    wrong = out_of_interval(f, found, word, unit.plan.type_numbers.intervals[type_id])
    f.trap_if(wrong, "indirect_call_type_mismatch", offset)
    return f.emit(f"load ptr, ptr {funcref}, !invariant.load !0", funcref)


def _code(f: FunctionLowering, table: int, wide: str) -> str:
    """The code pointer at the index `wide`, in bounds, of an immutable table."""
    place = f.emit(f"getelementptr ptr, ptr {f.unit.layout.table_code(table)}, i64 {wide}", wide)
    return f.emit(f"load ptr, ptr {place}, !tbaa {f.unit.layout.table_tbaa}, !invariant.load !0", place)


def out_of_interval(f: FunctionLowering, number: str, ir: str, interval: tuple[int, int]) -> str:
    """An i1: whether `number` is not in the interval, which includes both its ends."""
    first, last = interval
    if first == last:
        return f.emit(f"icmp ne {ir} {number}, {first}", number)
    distance = f.emit(f"sub {ir} {number}, {first}", number)
    return f.emit(f"icmp ugt {ir} {distance}, {last - first}", distance)


def _check_type(f: FunctionLowering, found: str, wanted: tuple[int, int], offset: int) -> None:
    """Traps unless `found` is in `wanted`; one branch on the way, and which trap it is decided off it."""
    number = f.new_label("")
    wrong = out_of_interval(f, found, "i16", wanted)
    f.effect(f"br i1 {wrong}, label %w{number}, label %y{number}", wrong)
    f.place(f"w{number}")
    is_null = f.emit(f"icmp eq i16 {found}, 0", found)
    f.trap_if(is_null, "uninitialized_element", offset)
    f.trap("indirect_call_type_mismatch", offset)
    f.place(f"y{number}")


@lowers("call_indirect")
def _call_indirect(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    type_index = immediate[0]
    type_id, t = f.unit.module.canonical[type_index], f.unit.module.signature(type_index)
    may_throw = type_id in f.unit.plan.throwing_types
    likely = f.profile.likely(f, offset, type_id)
    if likely:
        find = partial(_guarded_callee, f, immediate, offset)
        guarded_call(f, t, likely, find, offset, may_throw=may_throw)
        return
    callee = _callee(f, immediate, offset, tail=False)
    f.roots.append(callee)
    f.profile.count_callee(f, offset, callee)
    f.call(t, callee, offset, may_throw=may_throw)


def _guarded_callee(f: FunctionLowering, immediate: tuple[int, int], offset: int, guard: Guard) -> str:
    return _callee(f, immediate, offset, tail=False, guard=guard)


@lowers("return_call_indirect")
def _return_call_indirect(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
    f.profile.count(f, offset, 0)
    callee = _callee(f, immediate, offset, tail=True)
    f.roots.append(callee)
    f.tail_call(f.unit.module.signature(immediate[0]), callee, offset)


@lowers("drop")
def _drop(f: FunctionLowering, t: ValType, offset: int) -> None:
    f.stack.pop()


@lowers("select", "select t")
def _select(f: FunctionLowering, t: ValType, offset: int) -> None:
    if f.stack[-1].lstrip("-").isdigit():
        chosen = f.stack[-3] if f.stack[-1] != "0" else f.stack[-2]
        f.stack[-3:] = [chosen]
        return
    condition = f.pop_bool()
    b, a = f.stack.pop(), f.stack.pop()
    ir = ir_type(t)
    f.stack.append(f.emit(f"select i1 {condition}, {ir} {a}, {ir} {b}", condition, a, b))
