"""Exception handling, sections 4.4.8 and 4.4.9 of the core specification, and its legacy form.

A throw makes an exception object on the heap: the number of its tag, the place of the throw, then the payload. Inside
its own function it then branches to the handler; out of the function it leaves the object in the instance's state
(`waot_exception`) and returns. After a call of a function that may throw (`Plan.throws`) the caller looks there, which
is one comparison with memory and a branch never taken.
docs/rationale.md has the alternatives with their figures.

Each try keeps the edges that lead to its handler (`Frame.handler_edges`), each with the exception as its operand; they
are joined where its clauses are, which is the `end` of a try_table and the first `catch` of a legacy try.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from waot.errors import UnsupportedError
from waot.frontend.limits import MAX_CATCHES
from waot.frontend.module import EXNREF, FuncType
from waot.lowering.frame import Frame
from waot.lowering.function import FunctionLowering, lowers
from waot.lowering.heap_types import ObjectLayout
from waot.lowering.types import ir_type

Clause = tuple[str, "int | None", int]  # kind, tag, label depth


def _payload(f: FunctionLowering, tag: int) -> tuple[FuncType, ObjectLayout]:
    type_index = f.unit.module.tags[tag]
    return f.unit.module.signature(type_index), f.unit.object_layout(type_index)


def _push_payload(f: FunctionLowering, tag: int, exception: str) -> None:
    t, layout = _payload(f, tag)
    f.count_carried(len(t.params))
    tbaa = f.unit.tbaa_tag(f"exception {tag}")
    for at, param in zip(layout.offsets, t.params, strict=True):
        place = f.emit(f"getelementptr inbounds i8, ptr {exception}, i64 {at}", exception)
        f.stack.append(f.emit(f"load {ir_type(param)}, ptr {place}, align 8, !tbaa {tbaa}", place))


@dataclass(slots=True)
class Decision:
    """The instruction by which a handler goes to the clause of the exception's tag. Written when all are known."""

    number: str  # the tag's
    place: int  # in the lines of the function
    otherwise: str  # the label for an exception that no clause names
    cases: dict[int, str] = field(default_factory=dict)  # the labels of the clauses by tag


def _decide(f: FunctionLowering, exception: str) -> Decision:
    """Ends the handler's block with a decision."""
    number = f.emit(f"load i32, ptr {exception}, !tbaa {f.unit.layout.object_tbaa}", exception)
    decision = Decision(number, len(f.out), f.new_label("n"))
    f.effect("unreachable", number)
    return decision


def _begin_clause(f: FunctionLowering, decision: Decision, tag: int) -> None:
    """Places the clause for `tag`; where an earlier one has that tag nothing leads here."""
    label = f.new_label("c")
    decision.cases.setdefault(tag, label)
    f.place(label)


def _otherwise(f: FunctionLowering, decision: Decision | None) -> None:
    """Places what follows when no clause is the exception's; stays in the block where there was none."""
    if decision is None:
        return
    first = f.unit.plan.type_numbers.first_tag
    # One switch and not a chain of comparisons: ten thousand clauses are a table, and half as many blocks.
    cases = " ".join(f"i32 {first + tag}, label %{label}" for tag, label in decision.cases.items())
    f.out[decision.place] = f"  switch i32 {decision.number}, label %{decision.otherwise} [{cases}]"
    f.place(decision.otherwise)


@lowers("throw")
def _throw(f: FunctionLowering, tag: int, offset: int) -> None:
    f.profile.count(f, offset, 0)
    t, layout = _payload(f, tag)
    values = f.operands(len(t.params))
    del f.stack[len(f.stack) - len(values) :]
    exception = f.unit.heap.new_object(f, f.unit.plan.type_numbers.first_tag + tag, layout.size, offset)
    # Where it was thrown, for the one who finds that nobody catches it.
    place = f.emit(f"getelementptr inbounds i8, ptr {exception}, i64 4", exception)
    thrown_at = f.unit.place(f, offset)
    f.effect(f"store i32 {thrown_at}, ptr {place}, align 4, !tbaa {f.unit.layout.object_tbaa}", place)
    tbaa = f.unit.tbaa_tag(f"exception {tag}")
    for at, param, value in zip(layout.offsets, t.params, values, strict=True):
        place = f.emit(f"getelementptr inbounds i8, ptr {exception}, i64 {at}", exception)
        f.effect(f"store {ir_type(param)} {value}, ptr {place}, align 8, !tbaa {tbaa}", value, place)
    f.throw(exception)


@lowers("throw_ref")
def _throw_ref(f: FunctionLowering, immediate: None, offset: int) -> None:
    f.profile.count(f, offset, 0)
    exception = f.stack.pop()
    f.trap_if(f.emit(f"icmp eq ptr {exception}, null", exception), "null_exception_reference", offset)
    f.throw(exception)


def _begin_handler(f: FunctionLowering, frame: Frame) -> str:
    """Places the handler of `frame` and gives the exception, which is no longer pending."""
    f.join(frame.handler_label, frame.handler_edges, (EXNREF,), frame.height)
    exception = f.stack.pop()
    state = f.unit.layout.exception()
    f.effect(f"store ptr null, ptr {state}, !tbaa {f.unit.layout.exception_tbaa}")
    return exception


# ---------------------------------------------------------------------- try_table


@lowers("try_table")
def _try_table(f: FunctionLowering, immediate: tuple[FuncType, tuple[Clause, ...]], offset: int) -> None:
    t, clauses = immediate
    frame = Frame("try_table", f.new_label("b"), t, len(f.stack) - len(t.params))
    frame.handler_label = f.new_label("h")
    frame.clauses = clauses
    f.enter_try(frame)


def end_try_table(f: FunctionLowering, frame: Frame, offset: int) -> None:
    """The handler of a try_table whose body has ended, at `offset`, and whose frame is off the stack of frames."""
    f.tries.pop()
    if not frame.handler_edges:
        return
    exception = _begin_handler(f, frame)
    locals_, f.locals_shared = f.locals, True
    for k, (kind, tag, depth) in enumerate(frame.clauses, 1):
        if tag is None:
            _otherwise(f, frame.decision)
        elif frame.decision and tag in frame.decision.cases:
            continue  # an earlier clause has caught it
        else:
            frame.decision = frame.decision or _decide(f, exception)
            _begin_clause(f, frame.decision, tag)
            _push_payload(f, tag, exception)
        if kind.endswith("_ref"):
            f.stack.append(exception)
        f.profile.count(f, offset, k)
        f.branch_to(f.frames[-1 - depth], 0)
        if tag is None:
            return  # catches everything
        del f.stack[frame.height :]
        f.locals, f.locals_shared = locals_, True
    _otherwise(f, frame.decision)
    f.throw(exception)


# ---------------------------------------------------------------------- the legacy form


@lowers("try")
def _try(f: FunctionLowering, immediate: tuple[FuncType], offset: int) -> None:
    (t,) = immediate
    frame = Frame("try", f.new_label("b"), t, len(f.stack) - len(t.params))
    frame.handler_label = f.new_label("h")
    f.enter_try(frame)


def _end_part(f: FunctionLowering, frame: Frame, offset: int) -> None:
    """Ends the body of a try or of a clause."""
    if f.label is not None:
        f.profile.count(f, offset, 0)
        f.add_edge(frame)
        f.out.append(f"  br label %{frame.label}")


def _next_part(f: FunctionLowering, frame: Frame, offset: int) -> None:
    """Ends the body or a clause of `frame`; after the body comes its handler. Sets up what the next begins with."""
    _end_part(f, frame, offset)
    if frame.kind == "try":
        f.tries.pop()
        frame.exception = _begin_handler(f, frame)
        frame.catch_locals = f.locals
        frame.kind = "catch"
    else:
        del f.stack[frame.height :]
        assert frame.catch_locals is not None
        f.locals = frame.catch_locals
    f.locals_shared = True


def _begin_rest(f: FunctionLowering, frame: Frame, offset: int) -> None:
    """Places what catches, or throws again, the exceptions that no `catch` of `frame` did."""
    _next_part(f, frame, offset)
    _otherwise(f, frame.decision)


@lowers("catch")
def _catch(f: FunctionLowering, tag: int, offset: int) -> None:
    frame = f.frames[-1]
    frame.catches += 1
    if frame.catches > MAX_CATCHES:
        raise UnsupportedError(
            f"a try has more than {MAX_CATCHES:,} catch clauses, which is waot's limit",
            function=f.unit.module.function_name(f.body.index),
            offset=offset,
        )
    _next_part(f, frame, offset)
    frame.decision = frame.decision or _decide(f, frame.exception)
    _begin_clause(f, frame.decision, tag)
    f.profile.count(f, offset, 1)
    _push_payload(f, tag, frame.exception)


@lowers("catch_all")
def _catch_all(f: FunctionLowering, immediate: None, offset: int) -> None:
    frame = f.frames[-1]
    _begin_rest(f, frame, offset)
    f.profile.count(f, offset, 1)
    frame.kind = "catch_all"


def end_try(f: FunctionLowering, frame: Frame, offset: int) -> None:
    """At the `end` of a legacy try, whose frame is off the stack of frames: what no clause caught goes on."""
    if frame.kind == "catch_all":
        _end_part(f, frame, offset)
        return
    if frame.kind == "try" and not frame.handler_edges:
        f.tries.pop()
        _end_part(f, frame, offset)
        return
    _begin_rest(f, frame, offset)
    f.throw(frame.exception)


@lowers("delegate")
def _delegate(f: FunctionLowering, depth: int, offset: int) -> None:
    """Ends a try: its exceptions are as if thrown at the label that it names, counted from outside."""
    frame = f.frames.pop()
    f.tries.pop()
    _end_part(f, frame, offset)
    if frame.handler_edges:
        exception = _begin_handler(f, frame)
        f.throw(exception, skip=depth)
    f.join(frame.label, frame.edges, frame.types, frame.height)


@lowers("rethrow")
def _rethrow(f: FunctionLowering, depth: int, offset: int) -> None:
    f.profile.count(f, offset, 0)
    f.throw(f.frames[-1 - depth].exception)
