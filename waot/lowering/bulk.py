"""Instructions that fill, copy and initialise tables (section 4.4.6) and memories (4.4.7) alike."""

from __future__ import annotations

from waot.lowering.function import FunctionLowering, Handler, lowers
from waot.lowering.memory import widen


def _descriptor(f: FunctionLowering, kind: str, index: int) -> str:
    return f.unit.layout.memory(index) if kind == "memory" else f.unit.layout.table(index)


def _is_64(f: FunctionLowering, kind: str, index: int) -> bool:
    plan = f.unit.plan
    return plan.memories[index].index64 if kind == "memory" else plan.tables[index].index64


def _segment(f: FunctionLowering, segments: str, index: int) -> str:
    return f.unit.state_symbol(f"waot_{segments}.{index}", f"%waot.{segments}")


def _fill(kind: str) -> Handler:
    def lower(f: FunctionLowering, index: int, offset: int) -> None:
        count, value, to = f.stack.pop(), f.stack.pop(), f.stack.pop()
        wide = _is_64(f, kind, index)
        arguments = (_descriptor(f, kind, index), widen(f, to, wide), value, widen(f, count, wide))
        f.call_runtime(f"waot_{kind}_fill", *arguments, offset=offset)

    return lower


def _copy(kind: str) -> Handler:
    def lower(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
        destination, source = immediate
        count, from_, to = f.stack.pop(), f.stack.pop(), f.stack.pop()
        descriptors = (_descriptor(f, kind, destination), _descriptor(f, kind, source))
        wide_to, wide_from = _is_64(f, kind, destination), _is_64(f, kind, source)
        indices = (widen(f, to, wide_to), widen(f, from_, wide_from), widen(f, count, wide_to and wide_from))
        f.call_runtime(f"waot_{kind}_copy", *descriptors, *indices, offset=offset)

    return lower


def _init(kind: str, segments: str) -> Handler:
    def lower(f: FunctionLowering, immediate: tuple[int, int], offset: int) -> None:
        segment, index = immediate
        count, from_, to = f.stack.pop(), f.stack.pop(), f.stack.pop()
        descriptors = (_descriptor(f, kind, index), _segment(f, segments, segment))
        indices = (widen(f, to, _is_64(f, kind, index)), widen(f, from_), widen(f, count))
        f.call_runtime(f"waot_{kind}_init", *descriptors, *indices, offset=offset)

    return lower


def _drop(segments: str) -> Handler:
    def lower(f: FunctionLowering, segment: int, offset: int) -> None:
        symbol = _segment(f, segments, segment)
        f.effect(f"store i64 0, ptr getelementptr inbounds (%waot.{segments}, ptr {symbol}, i32 0, i32 1)")

    return lower


for _kind, _segments in (("memory", "data"), ("table", "elem")):
    lowers(f"{_kind}.fill")(_fill(_kind))
    lowers(f"{_kind}.copy")(_copy(_kind))
    lowers(f"{_kind}.init")(_init(_kind, _segments))
    lowers(f"{_segments}.drop")(_drop(_segments))
