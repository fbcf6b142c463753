"""Control instructions, section 4.4.8 of the core specification."""

from __future__ import annotations

from waot.frontend.module import FuncType, ValType
from waot.lowering.exceptions import end_try, end_try_table
from waot.lowering.function import Frame, FunctionLowering, lowers
from waot.lowering.layout import LIKELY, UNLIKELY
from waot.lowering.memory import word_as, word_index
from waot.lowering.types import ir_type


@lowers("nop")
def _nop(f: FunctionLowering, immediate: None, offset: int) -> None:
    pass


@lowers("unreachable")
def _unreachable(f: FunctionLowering, immediate: None, offset: int) -> None:
    f.trap("unreachable", offset)


@lowers("block")
def _block(f: FunctionLowering, immediate: tuple[FuncType], offset: int) -> None:
    (t,) = immediate
    f.frames.append(Frame("block", f.new_label("b"), t, len(f.stack) - len(t.params)))


@lowers("loop")
def _loop(f: FunctionLowering, immediate: tuple[FuncType, tuple[int, ...]], offset: int) -> None:
    t, assigned = immediate
    frame = Frame("loop", f.new_label("l"), t, len(f.stack) - len(t.params))
    f.frames.append(frame)
    f.begin_loop(frame, assigned)


def _weights(f: FunctionLowering, offset: int) -> str:
    """The metadata of a conditional branch that a branch hint is about."""
    hint = f.unit.module.branch_hints.get(offset)
    return "" if hint is None else f", !prof {LIKELY if hint else UNLIKELY}"


@lowers("if")
def _if(f: FunctionLowering, immediate: tuple[FuncType], offset: int) -> None:
    (t,) = immediate
    condition = f.pop_bool()
    number = f.new_label("")
    frame = Frame("if", f"b{number}", t, len(f.stack) - len(t.params))
    frame.else_params = f.operands(len(t.params))
    _, frame.else_locals = f.edge()
    f.frames.append(frame)
    f.effect(f"br i1 {condition}, label %i{number}, label %e{number}{_weights(f, offset)}", condition)
    f.place(f"i{number}")


def _begin_else(f: FunctionLowering, frame: Frame) -> None:
    if f.label is not None:
        f.add_edge(frame)
        f.out.append(f"  br label %{frame.label}")
    f.place("e" + frame.label[1:])
    del f.stack[frame.height :]
    f.stack.extend(frame.else_params)
    assert frame.else_locals is not None
    f.locals = frame.else_locals
    f.locals_shared = True
    frame.kind = "else"


@lowers("else")
def _else(f: FunctionLowering, immediate: None, offset: int) -> None:
    _begin_else(f, f.frames[-1])


@lowers("end")
def _end(f: FunctionLowering, immediate: None, offset: int) -> None:
    frame = f.frames[-1]
    if frame.kind == "if":  # no else: its parameters are its results
        _begin_else(f, frame)
    f.frames.pop()
    if frame.kind in ("try", "catch", "catch_all"):
        end_try(f, frame)
        f.join(frame.label, frame.edges, frame.types, frame.height)
    elif frame.kind == "function":
        if f.label is not None:
            f.emit_return(f.operands(len(frame.types)))
    elif frame.kind == "loop":
        f.end_loop(frame)
        if f.label is None:
            f.join(f.new_label("d"), [], frame.results, frame.height)
    else:
        if f.label is not None:
            f.add_edge(frame)
            f.out.append(f"  br label %{frame.label}")
        if frame.kind == "try_table":
            end_try_table(f, frame)
        f.join(frame.label, frame.edges, frame.types, frame.height)


def _frame(f: FunctionLowering, depth: int) -> Frame:
    return f.frames[-1 - depth]


@lowers("br")
def _br(f: FunctionLowering, depth: int, offset: int) -> None:
    f.branch_to(_frame(f, depth), offset)


def _branch_label(f: FunctionLowering, frame: Frame, pending: list[str]) -> str:
    """The label that a conditional branch to `frame` goes to; where that is a return, a new block put on `pending`."""
    if frame.kind == "function":
        label = f.new_label("r")
        pending.append(label)
        return label
    f.add_edge(frame)
    return frame.label


def _place_returns(f: FunctionLowering, pending: list[str], types: tuple[ValType, ...]) -> None:
    for label in pending:
        f.place(label)
        f.emit_return(f.operands(len(types)))


@lowers("br_if")
def _br_if(f: FunctionLowering, depth: int, offset: int) -> None:
    condition = f.pop_bool()
    frame = _frame(f, depth)
    pending: list[str] = []
    taken = _branch_label(f, frame, pending)
    next_ = f.new_label("n")
    f.effect(f"br i1 {condition}, label %{taken}, label %{next_}{_weights(f, offset)}", condition)
    _place_returns(f, pending, frame.types)
    f.place(next_)


@lowers("br_table")
def _br_table(f: FunctionLowering, depths: tuple[int, ...], offset: int) -> None:
    index = f.stack.pop()
    # A block reached twice from one switch needs two entries in each of its phis, so every target gets one block that
    # goes on to it; LLVM removes them.
    targets: dict[int, str] = {}
    for depth in depths:
        if depth not in targets:
            targets[depth] = f.new_label("s")
    cases = " ".join(f"i32 {i}, label %{targets[d]}" for i, d in enumerate(depths[:-1]))
    f.effect(f"switch i32 {index}, label %{targets[depths[-1]]} [ {cases} ]{f.extending_location(index)}", index)
    for depth, label in targets.items():
        f.place(label)
        f.branch_to(_frame(f, depth), offset)
    f.label = None


@lowers("return")
def _return(f: FunctionLowering, immediate: None, offset: int) -> None:
    f.emit_return(f.operands(len(f.type.results)))


@lowers("call")
def _call(f: FunctionLowering, index: int, offset: int) -> None:
    may_throw = index in f.unit.plan.throws
    f.call(f.unit.module.func_type(index), f.unit.function_symbol(index), offset, may_throw=may_throw)


@lowers("return_call")
def _return_call(f: FunctionLowering, index: int, offset: int) -> None:
    f.tail_call(f.unit.module.func_type(index), f.unit.function_symbol(index), offset)


def _callee(f: FunctionLowering, immediate: tuple[int, int], offset: int, *, tail: bool) -> str:
    """Checks an indirect call (section 4.4.8.10) and gives the code pointer.

    An immutable table is two constant arrays, code and type; while it is small, each signature that is called has an
    array of its own in which everything else is a stub that traps, and the call has no check but the bounds. A tail
    call leaves no frame that could tell where the stub was called from, so it checks.
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
            return f.emit(f"load ptr, ptr {place}, !tbaa {unit.layout.table_tbaa}, !invariant.load !0", place)
        place = f.emit(f"getelementptr i16, ptr {unit.layout.table_types(table_index)}, i64 {wide}", wide)
        found = f.emit(f"load i16, ptr {place}, !tbaa {unit.layout.table_tbaa}, !invariant.load !0", place)
        _check_type(f, found, unit.plan.called_types.intervals[type_id], offset)
        place = f.emit(f"getelementptr ptr, ptr {unit.layout.table_code(table_index)}, i64 {wide}", wide)
        return f.emit(f"load ptr, ptr {place}, !tbaa {unit.layout.table_tbaa}, !invariant.load !0", place)
    t, wide = word_index(f, index, table.index64)
    size = word_as(f, unit.layout.table_size(f, table_index), t)
    f.trap_if(f.emit(f"icmp uge {t} {wide}, {size}", wide, size), "undefined_element", offset)
    elements = unit.layout.table_elements(f, table_index)
    place = f.emit(f"getelementptr ptr, ptr {elements}, {t} {wide}", elements, wide)
    funcref = f.emit(f"load ptr, ptr {place}, !tbaa {unit.layout.table_tbaa}", place)
    f.trap_if(f.emit(f"icmp eq ptr {funcref}, null", funcref), "uninitialized_element", offset)
    place = f.emit(f"getelementptr inbounds %waot.funcref, ptr {funcref}, i32 0, i32 1", funcref)
    word = unit.plan.word
    found = f.emit(f"load {word}, ptr {place}, !invariant.load !0", place)
    wrong = out_of_interval(f, found, word, unit.plan.type_numbers.intervals[type_id])
    f.trap_if(wrong, "indirect_call_type_mismatch", offset)
    return f.emit(f"load ptr, ptr {funcref}, !invariant.load !0", funcref)


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
    callee = _callee(f, immediate, offset, tail=False)
    f.roots.append(callee)
    type_index = immediate[0]
    may_throw = f.unit.module.canonical[type_index] in f.unit.plan.throwing_types
    f.call(f.unit.module.signature(type_index), callee, offset, may_throw=may_throw)


@lowers("return_call_indirect")
def _return_call_indirect(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
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
