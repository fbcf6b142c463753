"""A module of a few dozen functions that reaches everything a unit can know of others, and edits to it.

Each edit leaves most functions' bytes as they are, though what they mean may have changed.
"""

from __future__ import annotations

from collections.abc import Callable

FUNCTIONS = 40

# Parts that an edit may replace. `$fN` are the functions; those from 30 on are called by their neighbours.
PARTS = {
    "types": """
  (type $unary (func (param i32) (result i32)))
  (type $binary (func (param i32 i32) (result i32)))""",
    "imports": """
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))""",
    "memory": """(memory (export "memory") 2 4)""",
    "table": "(table $table 20 20 funcref)",
    "own table": "(table $own 4 8 funcref)",
    "tag": "(tag $tag (param i32))",
    "constant": "(global $constant i32 (i32.const 11))",
    "unwritten": "(global $unwritten (mut i32) (i32.const 12))",
    "written": "(global $written (mut i32) (i32.const 13))",
    "elements": "(elem (table $table) (i32.const 1) func $f3 $f4 $f5 $f6 $f7)",
    "declared": "(elem declare func $f9)",
    "passive": '(data $passive "passive")',
    "data": '(data (i32.const 100) "some data")',
    "exports": "",
    "start": "",
    "before": "",  # functions before all others
    "middle": "",  # and amid them
    "thrower": "(i32.add (local.get 0) (i32.const 1))",  # the body of $thrower
    "result": "i32",  # of $result, which others drop
    "hint": "",  # on a branch in $f15
    "body": "(i32.const 1)",  # in $f10
    "writer": "(nop)",  # in $f11
    "name": "$f12",  # of a function that others call
}


def module(**changes: str) -> str:
    """The module as text, with `changes` of parts."""
    p = {**PARTS, **{name.replace("_", " "): text for name, text in changes.items()}}
    functions = []
    for n in range(FUNCTIONS):
        called = f"$f{n + 1}" if n + 1 < FUNCTIONS else "$last"
        name = f"$f{n}"
        if n == 12:
            name = p["name"]
        if n + 1 == 12:
            called = p["name"]
        own = {
            0: "(global.get $constant)",
            1: "(global.get $unwritten)",
            2: "(global.get $written)",
            3: "(call_indirect $table (type $unary) (i32.const 5) (i32.const 3))",
            4: "(call_indirect $own (type $unary) (i32.const 5) (i32.const 0))",
            5: "(i32.load offset=65600 (local.get 0))",
            6: "(memory.size)",
            7: "(block (result i32) (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1)) (i32.const 2))",
            8: "(block $c (result i32) (try_table (result i32) (catch $tag $c) (call $thrower (i32.const 1))))",
            9: "(block (result i32) (drop (ref.func $f9)) (table.size $own))",
            10: p["body"],
            11: f"(block (result i32) {p['writer']} (i32.const 0))",
            13: "(block (result i32) (drop (call $result)) (i32.const 1))",
            14: "(call $thrower (i32.const 2))",
            15: f"(block $b (result i32) (drop {p['hint']}(br_if $b (i32.const 1) (local.get 0))) (i32.const 9))",
            16: "(block (result i32) (call $exit (i32.const 3)) (i32.const 1))",
        }.get(n, f"(i32.mul (local.get 0) (i32.const {n}))")
        stop = "(if (i32.gt_u (local.get 0) (i32.const 1000)) (then (unreachable)))"
        rest = f"(call {called} (i32.add (local.get 0) (i32.const 1)))"
        functions.append(f"  (func {name} (type $unary) {stop}\n    (i32.add {own} {rest}))")
        if n == FUNCTIONS // 2:
            functions.append(p["middle"])
    return f"""(module
  {p["types"]} {p["imports"]} {p["memory"]} {p["table"]} {p["own table"]} {p["tag"]}
  {p["constant"]} {p["unwritten"]} {p["written"]}
  (export "_start" (func $start)) {p["exports"]} {p["start"]}
  {p["elements"]} {p["declared"]}
  {p["before"]}
  (func $start (drop (call $f0 (i32.const 1))))
{chr(10).join(functions)}
  (func $last (type $unary) (local.get 0))
  (func $thrower (type $unary) {p["thrower"]})
  (func $result (result {p["result"]}) ({p["result"]}.const 0))
  {p["passive"]} {p["data"]}
)"""


def _nothing(text: str) -> str:
    return text


Edit = tuple[str, dict[str, str], Callable[[str], str]]

# Name, changes of parts, and how the text is changed beside that.
EDITS: list[Edit] = [
    (name, changes, _nothing)
    for name, changes in (
        ("a function's body", {"body": "(i32.const 2)"}),
        ("a longer body", {"body": "(i32.sub (i32.const 200) (i32.clz (local.get 0)))"}),
        ("a body that calls another function", {"body": "(call $f20 (i32.const 1))"}),
        ("a body that calls an imported function", {
            "body": "(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))"}),
        ("a function in the middle", {
            "middle": '(func $new (export "new") (param i32) (result i32) (call $f3 (local.get 0)))'}),
        ("an unreachable function in the middle", {"middle": "(func $new (param i32) (result i32) (local.get 0))"}),
        ("a function before all others", {"before": "(func $new (result f32) (f32.const 1))"}),
        ("a function without a name", {"before": "(func (result i64) (i64.const 1))"}),
        ("a second function of that name", {"before": '(func (@name "f20") (result i64) (i64.const 1))'}),
        ("another name", {"name": "$renamed"}),
        ("a type before all others", {"types": "(type (func (param f64))) " + PARTS["types"]}),
        ("a type that is also called", {
            "types": "(type $new (func (param f64))) " + PARTS["types"],
            "writer": "(call_indirect $table (type $new) (f64.const 0) (i32.const 1))",
        }),
        ("another type in the place of one", {
            "types": PARTS["types"].replace("(param i32 i32)", "(param i32 i64)")}),
        ("an import", {
            "imports": PARTS["imports"] + '(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))'}),
        ("another import in the place of one", {"imports": PARTS["imports"].replace(
            '"proc_exit" (func $exit (param i32))', '"proc_raise" (func $raise (param i32) (result i32))')
            + '(func $exit (param i32))'}),
        ("a larger memory", {"memory": PARTS["memory"].replace("2 4", "3 4")}),
        ("a smaller memory", {"memory": PARTS["memory"].replace("2 4", "1 4")}),
        ("a lower limit of memory", {"memory": PARTS["memory"].replace("2 4", "2 3")}),
        ("a memory that grows", {"writer": "(drop (memory.grow (i32.const 1)))"}),
        ("a larger table", {"table": "(table $table 30 30 funcref)"}),
        ("a larger table with limits", {"own table": "(table $own 5 8 funcref)"}),
        ("a table that is exported", {"exports": '(export "table" (table $table))'}),
        ("a table that changes", {"writer": "(table.set $table (i32.const 2) (ref.null func))"}),
        ("a table that grows", {"writer": "(drop (table.grow $own (ref.null func) (i32.const 1)))"}),
        ("other functions in a table", {"elements": PARTS["elements"].replace("$f3 $f4", "$f4 $f3")}),
        ("more functions in a table", {"elements": PARTS["elements"].replace("$f7", "$f7 $f8 $f14 $f20")}),
        ("functions elsewhere in a table", {"elements": PARTS["elements"].replace("i32.const 1", "i32.const 2")}),
        ("functions in another table", {"elements": PARTS["elements"].replace("$table", "$own").replace("$f6 $f7", "")
            .replace("i32.const 1", "i32.const 0")}),
        ("a declared function more", {"declared": "(elem declare func $f9 $f21)"}),
        ("a constant's value", {"constant": "(global $constant i32 (i32.const 14))"}),
        ("a constant that may change", {"constant": "(global $constant (mut i32) (i32.const 11))"}),
        ("a constant that changes", {
            "constant": "(global $constant (mut i32) (i32.const 11))",
            "writer": "(global.set $constant (i32.const 1))"}),
        ("the value of a global that nobody sets", {"unwritten": "(global $unwritten (mut i32) (i32.const 15))"}),
        ("a global that somebody sets", {"writer": "(global.set $unwritten (i32.const 1))"}),
        ("the first value of a global", {"written": "(global $written (mut i32) (i32.const 16))"}),
        ("a global before all others", {"constant": "(global i64 (i64.const 1)) " + PARTS["constant"]}),
        ("a function that throws", {"thrower": "(throw $tag (local.get 0))"}),
        ("a function that throws elsewhere", {"writer": "(throw $tag (i32.const 1))"}),
        ("what a tag carries", {"tag": "(tag $tag (param i32)) (tag $other (param i64))"}),
        ("a tag before all others", {"tag": "(tag $other (param i64)) " + PARTS["tag"]}),
        ("a callee's result", {"result": "f32"}),
        ("a wider callee's result", {"result": "i64"}),
        ("a start function", {"start": "(start $start2)", "before": "(func $start2)"}),
        ("an export", {"exports": '(export "last" (func $last))'}),
        ("data", {"data": '(data (i32.const 100) "other data")'}),
        ("data elsewhere", {"data": '(data (i32.const 60000) "some data")'}),
        ("a segment's size", {"passive": '(data $passive "passive, and longer")'}),
        ("a segment before all others", {"passive": '(data "other") ' + PARTS["passive"]}),
        ("a likely branch", {"hint": '(@metadata.code.branch_hint "\\01") '}),
        ("an unlikely branch", {"hint": '(@metadata.code.branch_hint "\\00") '}),
        ("a tail call", {"writer": "(return_call $f20 (i32.const 1))"}),
        ("an operator of another proposal", {"writer": "(drop (f32x4.splat (f32.const 1)))"}),
        ("a second memory", {
            "memory": PARTS["memory"] + " (memory $second 1)", "writer": "(drop (i32.load $second (i32.const 0)))"}),
        ("a memory before the first", {"memory": "(memory $first 1) " + PARTS["memory"]}),
        ("a memory of 64 bits beside it", {"memory": PARTS["memory"] + " (memory i64 1)"}),
    )
] + [
    ("functions in another order", {}, lambda text: text.replace("(func $last (type $unary) (local.get 0))", "")
        .replace("(func $start ", "(func $last (type $unary) (local.get 0)) (func $start ")),
    ("two functions that change places", {}, lambda text: text.replace("$f17 ", "$x ").replace("$f18 ", "$f17 ")
        .replace("$x ", "$f18 ")),
]  # fmt: skip
