"""Linear memories and tables: growth, bulk operations at the edges, and the image that the linker maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.programs import PAGE, at, build, function, run, targets, with_strategies
from waot.targets import Target

TARGETS = [pytest.param(target, id=target.name) for target in targets()]
both = pytest.mark.parametrize("target", TARGETS)
every_strategy = pytest.mark.parametrize(
    ("target", "strategy"), [pytest.param(*pair, id=f"{pair[0].name}-{pair[1]}") for pair in with_strategies()]
)

MEMORY = "ptr @waot_memory.0"


def exits_with(value: str) -> str:
    return f"  call void @waot_wasi_proc_exit({MEMORY}, i32 {value}) #0\n  unreachable"


@every_strategy
def test_growing_gives_the_size_before_and_stops_at_the_maximum(target: Target, strategy: str, tmp_path: Path) -> None:
    body = f"""\
  %first = call i64 @waot_memory_grow({MEMORY}, i64 2), {at(0x110)}
  %last = call ptr @address(i32 {4 * PAGE - 4})
  store volatile i32 7, ptr %last, {at(0x111)}
  %now = call i64 @waot_memory_grow({MEMORY}, i64 0), {at(0x112)}
  %over = call i64 @waot_memory_grow({MEMORY}, i64 1), {at(0x113)}
  %wrap = call i64 @waot_memory_grow({MEMORY}, i64 -1), {at(0x114)}
  %a = icmp eq i64 %first, 2
  %b = icmp eq i64 %now, 4
  %c = icmp eq i64 %over, -1
  %d = icmp eq i64 %wrap, -1
  %ab = and i1 %a, %b
  %cd = and i1 %c, %d
  %abcd = and i1 %ab, %cd
  %status = select i1 %abcd, i32 42, i32 1
{exits_with("%status")}"""
    outcome = run(target, build(target, strategy, function(0, "void ()", body)), tmp_path)
    assert (outcome.status, outcome.errors) == (42, "")


OUTSIDE = [
    (2 * PAGE - 1, 2),
    (2 * PAGE + 1, 0),
    (8, 2**64 - 8),  # the sum is 0
]
BULK = {
    "fill": "@waot_memory_fill({m}, i64 {at}, i32 1, i64 {count})",
    "copy to": "@waot_memory_copy({m}, {m}, i64 {at}, i64 0, i64 {count})",
    "copy from": "@waot_memory_copy({m}, {m}, i64 0, i64 {at}, i64 {count})",
    "init": "@waot_memory_init({m}, ptr @segment, i64 {at}, i64 0, i64 {count})",
}


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


@both
@pytest.mark.parametrize("operation", BULK)
@pytest.mark.parametrize(("place", "count"), OUTSIDE)
def test_bulk_operations_trap_outside(target: Target, operation: str, place: int, count: int, tmp_path: Path) -> None:
    call = BULK[operation].format(m=MEMORY, at=place, count=signed(count))
    code = "@segment = global %waot.data { ptr @waot_memory.0, i64 -1 }\n"
    code += function(0, "void ()", f"  call void {call}, {at(0x130)}\n  ret void")
    outcome = run(target, build(target, target.memory_default, code), tmp_path)
    assert outcome.status == 134
    assert outcome.errors == "waot: trap: out of bounds memory access\n    at main (function 7, offset 0x130)\n"


@both
def test_bulk_operations_of_nothing_at_the_very_end_do_nothing(target: Target, tmp_path: Path) -> None:
    calls = [BULK[name].format(m=MEMORY, at=2 * PAGE, count=0) for name in BULK]
    code = "@segment = global %waot.data zeroinitializer\n"
    body = "".join(f"  call void {call}, {at(0x130)}\n" for call in calls) + exits_with("42")
    outcome = run(target, build(target, target.memory_default, code + function(0, "void ()", body)), tmp_path)
    assert (outcome.status, outcome.errors) == (42, "")


def table(target: Target, maximum: int) -> str:
    """The descriptor of a table of three elements at @storage."""
    word = f"i{target.pointer_bits}"
    return f"%waot.table {{ ptr @storage, {word} 3, {word} {maximum} }}"


@both
def test_tables_grow_keep_their_elements_and_copy_with_overlap(target: Target, tmp_path: Path) -> None:
    code = f"""\
@storage = global [3 x ptr] [ptr inttoptr (i64 1 to ptr), ptr inttoptr (i64 2 to ptr), ptr inttoptr (i64 3 to ptr)]
@table = global {table(target, 100000)}
@passive = global %waot.elem {{ ptr @storage, i64 2 }}
define i64 @element(i64 %i) {{
  %elements = load ptr, ptr @table
  %place = getelementptr ptr, ptr %elements, i64 %i
  %value = load ptr, ptr %place
  %number = ptrtoint ptr %value to i64
  ret i64 %number
}}
"""
    # After each step the sum of some elements in base 100 goes into the answer.
    body = f"""\
  %old = call i64 @waot_table_grow(ptr @table, ptr inttoptr (i64 9 to ptr), i64 600), {at(0x110)}
  %older = call i64 @waot_table_grow(ptr @table, ptr null, i64 5000), {at(0x111)}
  %over = call i64 @waot_table_grow(ptr @table, ptr null, i64 100000), {at(0x112)}
  call void @waot_table_copy(ptr @table, ptr @table, i64 1, i64 0, i64 602), {at(0x113)}
  call void @waot_table_fill(ptr @table, i64 5602, ptr inttoptr (i64 5 to ptr), i64 1), {at(0x114)}
  call void @waot_table_init(ptr @table, ptr @passive, i64 5600, i64 0, i64 2), {at(0x115)}
  %e0 = call i64 @element(i64 0)
  %e1 = call i64 @element(i64 1)
  %e3 = call i64 @element(i64 3)
  %e602 = call i64 @element(i64 602)
  %e603 = call i64 @element(i64 603)
  %e5601 = call i64 @element(i64 5601)
  %e5602 = call i64 @element(i64 5602)
  %c0 = icmp eq i64 %old, 3
  %c1 = icmp eq i64 %older, 603
  %c2 = icmp eq i64 %over, -1
  %c3 = icmp eq i64 %e0, 1
  %c4 = icmp eq i64 %e1, 1
  %c5 = icmp eq i64 %e3, 3
  %c6 = icmp eq i64 %e602, 9
  %c7 = icmp eq i64 %e603, 0
  %c8 = icmp eq i64 %e5601, 2
  %c9 = icmp eq i64 %e5602, 5
  %bits0 = select i1 %c0, i32 0, i32 1
"""
    for i in range(1, 10):
        body += f"  %b{i} = select i1 %c{i}, i32 %bits{i - 1}, i32 {i + 1}\n  %bits{i} = add i32 %b{i}, 0\n"
    body += exits_with("%bits9")
    outcome = run(target, build(target, target.memory_default, code + function(0, "void ()", body)), tmp_path)
    assert (outcome.status, outcome.errors) == (0, "")


TABLE = {
    "fill": "@waot_table_fill(ptr @table, i64 {at}, ptr null, i64 {count})",
    "copy to": "@waot_table_copy(ptr @table, ptr @table, i64 {at}, i64 0, i64 {count})",
    "copy from": "@waot_table_copy(ptr @table, ptr @table, i64 0, i64 {at}, i64 {count})",
    "init": "@waot_table_init(ptr @table, ptr @passive, i64 {at}, i64 0, i64 {count})",
}


@both
@pytest.mark.parametrize("operation", TABLE)
@pytest.mark.parametrize(("place", "count"), [(2, 2), (4, 0)])
def test_table_operations_trap_outside(target: Target, operation: str, place: int, count: int, tmp_path: Path) -> None:
    code = f"""\
@storage = global [3 x ptr] zeroinitializer
@table = global {table(target, 10)}
@passive = global %waot.elem {{ ptr @storage, i64 3 }}
"""
    call = TABLE[operation].format(at=place, count=signed(count))
    code += function(0, "void ()", f"  call void {call}, {at(0x130)}\n  ret void")
    outcome = run(target, build(target, target.memory_default, code), tmp_path)
    assert outcome.status == 134
    assert outcome.errors == "waot: trap: out of bounds table access\n    at main (function 7, offset 0x130)\n"


@pytest.mark.parametrize(
    "target", [pytest.param(target, id=target.name) for target in targets() if "static" in target.memory_supported]
)
@pytest.mark.parametrize("start", [0, 1, PAGE + 5])
def test_the_image_is_what_the_memory_starts_with(target: Target, start: int, tmp_path: Path) -> None:
    image = bytes(start) + b"first" + bytes(20000) + b"last" + bytes(100)
    last = image.index(b"last")
    body = f"""\
  %a = call ptr @address(i32 {start})
  %b = call ptr @address(i32 {last + 3})
  %c = call ptr @address(i32 {last + 4})
  %d = call ptr @address(i32 {2 * PAGE - 1})
  %av = load volatile i8, ptr %a
  %bv = load volatile i8, ptr %b
  %cv = load volatile i8, ptr %c
  %dv = load volatile i8, ptr %d
  store volatile i8 1, ptr %b
  %as = sub i8 %av, {ord("f") - 20}
  %bs = sub i8 %bv, {ord("t") - 22}
  %ab = add i8 %as, %bs
  %cd = or i8 %cv, %dv
  %sum = add i8 %ab, %cd
  %status = zext i8 %sum to i32
{exits_with("%status")}"""
    executable = build(target, "static", function(0, "void ()", body), image=image)
    outcome = run(target, executable, tmp_path)
    assert (outcome.status, outcome.errors) == (42, "")
    # Zeros at either end are not in the file.
    assert len(executable) < 32768 + 20109 + 2 * target.page_size
