"""Linking: index spaces merged, imports matched as section 3.3 says, and errors that name who and what."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest
import wasmtime

from waot.errors import LinkError
from waot.frontend import collect_facts, decode_module, validate_function
from waot.frontend.linking import Linker, Part, instances_of, link_modules, locate, source_place
from waot.frontend.module import I32, I64, Facts, FuncType, Instance, Module, ref_type
from waot.frontend.opcodes import BY_NAME, OPERATORS
from waot.frontend.remapping import remap_code, remap_facts


def module(fields: str, file: str | None = None) -> Module:
    return decode_module(bytes(wasmtime.wat2wasm(f"(module {fields})")), file)


def linked(*parts: tuple[str | None, str], **options: Any) -> Module:
    return link_modules([Part(name, module(fields, f"{name or 'main'}.wasm")) for name, fields in parts], **options)


def refused(exported: str, imported: str) -> str:
    """The error where a module that exports `x` meets one that imports it."""
    with pytest.raises(LinkError) as caught:
        linked(("lib", exported), (None, imported))
    assert caught.value.file == "main.wasm"
    assert caught.value.offset is not None
    return caught.value.what


# ---------------------------------------------------------------------------------------------------- what is merged


def test_a_call_across_modules_is_a_direct_call() -> None:
    program = linked(
        ("lib", '(import "wasi" "f" (func)) (func $own) (func (export "f") (param i64))'),
        (None, '(import "wasi" "g" (func)) (import "lib" "f" (func $f (param i64))) (func (call $f (i64.const 1)))'),
    )
    assert [(i.module, i.name) for i in program.imports] == [("wasi", "f"), ("wasi", "g")]
    assert program.imported_func_count == 2
    assert len(program.funcs) == 5
    body = validate_function(program, 4)
    assert (BY_NAME["call"].index, 3) in [(op, immediate) for op, immediate, _ in body.code]
    assert program.func_type(3) == FuncType((I64,), ())
    assert collect_facts(program, range(2, 5)).callees == {2: (), 3: (), 4: (3,)}


def test_offsets_are_those_of_the_concatenated_sources() -> None:
    program = linked(("a", '(memory 1) (data "aa")'), ("b", '(memory 1) (data "bbb") (func (drop (i32.const 1)))'))
    assert [program.source[d.start : d.end] for d in program.datas] == [b"aa", b"bbb"]
    (code,) = program.codes
    body = validate_function(program, 0)
    assert body.start == code.start
    assert program.source[body.code[0][2]] == 0x41
    bias = program.instances[1].bias
    assert source_place(program, bias - 1) == ("a.wasm", bias - 1)
    assert source_place(program, bias + 5) == ("b.wasm", 5)


def test_instances_know_what_is_theirs() -> None:
    program = linked(
        ("a", '(memory (export "m") 1) (table 1 funcref) (global (export "g") i32 (i32.const 1)) (func $s) (start $s)'),
        (
            "b",
            '(import "a" "m" (memory 1)) (import "a" "g" (global i32)) (memory 2) (global i32 (global.get 0)) (func)',
        ),
        (None, '(import "a" "m" (memory 1)) (memory (export "own") 3) (elem func) (data "x")'),
    )
    a, b, main = program.instances
    assert (a.start, b.start, main.start) == (0, None, None)
    assert (a.memories, b.memories, main.memories) == ((0,), (0, 1), (0, 2))
    assert (a.own_memories, b.own_memories, main.own_memories) == (range(1), range(1, 2), range(2, 3))
    assert (a.own_tables, b.own_tables) == (range(1), range(1, 1))
    assert (b.globals, b.own_globals) == ((0, 1), range(1, 2))
    assert (main.elements, main.datas) == (range(1), range(1))
    assert a.exports == {"m": ("memory", 0), "g": ("global", 0)}
    assert main.exports == {"own": ("memory", 2)}
    assert [(e.name, e.index) for e in program.exports] == [("own", 2)]
    assert program.defined_globals[1].init[0][1] == 0
    assert [locate(program, index) for index in range(2)] == [(0, 0), (1, 0)]


def test_without_a_main_module_everything_is_exported() -> None:
    program = linked(("a", '(func (export "f"))'), ("b", '(func) (func (export "f"))'), main=None)
    assert [(e.name, e.index) for e in program.exports] == [("0.f", 0), ("1.f", 2)]


def test_a_module_may_be_several_instances() -> None:
    one = module('(global (export "g") (mut i32) (i32.const 0)) (func (export "f") (global.set 0 (i32.const 1)))')
    program = link_modules([Part("a", one), Part("b", one)])
    assert collect_facts(program, range(2)).written_globals == {0, 1}
    assert len(program.types) == 1
    assert collect_facts(program, range(1)).written_globals == {0}


def test_a_linked_module_crosses_processes() -> None:
    program = linked(("a", '(func (export "f"))'), (None, '(import "a" "f" (func $f)) (func (call $f))'))
    copy = pickle.loads(pickle.dumps(program))
    assert validate_function(copy, 1).code == validate_function(program, 1).code


def test_a_module_alone_is_its_own_instance() -> None:
    alone = module('(import "wasi" "m" (memory 1)) (memory 1) (func (export "f"))')
    (instance,) = instances_of(alone)
    assert alone.instances == []
    assert (instance.memories, instance.own_memories) == ((0, 1), range(1, 2))
    assert instance.exports == {"f": ("func", 0)}


def test_types_of_all_modules_are_one_space_by_rec_groups() -> None:
    group = "(rec (type $a (sub (struct (field (ref null $b))))) (type $b (sub (struct (field (ref null $a))))))"
    program = linked(
        ("lib", f"(type $u (func)) {group}"),
        (None, f"(type $v (struct (field i64))) {group} (type $c (sub $a (struct (field (ref null $b)) (field i32))))"),
    )
    lib, main = program.instances
    assert main.types[1:3] == lib.types[1:3]
    assert program.canonical == list(range(5))
    assert program.supertypes[main.types[3]] == main.types[1]
    assert program.types[main.types[1]].fields[0].storage is ref_type(main.types[2])  # type: ignore[union-attr]


def test_types_that_two_modules_group_differently_are_not_the_same() -> None:
    program = linked(
        ("lib", "(type $a (struct)) (type $b (struct (field i32)))"),
        (None, "(rec (type $a (struct)) (type $b (struct (field i32))))"),
    )
    assert not set(program.instances[0].types) & set(program.instances[1].types)


def test_a_refused_module_changes_nothing() -> None:
    linker = Linker(hosts=())
    linker.add(module('(memory (export "m") 1)'), "a")
    for fields in ('(import "a" "m" (memory 1)) (import "a" "n" (func))', '(import "b" "f" (func)) (memory 1)'):
        with pytest.raises(LinkError, match="unknown import"):
            linker.add(module(f"{fields} (func) (global i32 (i32.const 1))"))
    assert linker.add(module('(import "a" "m" (memory 1)) (func)')) == 1
    linker.register("c", 0)
    linker.add(module('(import "c" "m" (memory 1))'))
    program = linker.finish()
    assert (len(program.funcs), len(program.memories), len(program.globals), len(program.imports)) == (1, 1, 0, 0)
    assert [i.memories for i in program.instances] == [(0,), (0,), (0,)]


def test_a_reactor_is_initialised_unless_a_module_does_it() -> None:
    reactor = '(func (export "_initialize")) (func $s) (start $s)'
    program = linked(("a", reactor), ("b", reactor), (None, '(import "b" "_initialize" (func))'), reactors=True)
    assert [i.starts for i in program.instances] == [(1, 0), (3,), ()]
    assert linked(("a", reactor), (None, reactor)).instances[0].starts == (1,)
    alone = linked(("a", '(func $s (export "_initialize")) (start $s)'), (None, reactor), reactors=True)
    assert [i.starts for i in alone.instances] == [(0,), (2,)]
    other = linked(("a", '(func (export "_initialize") (param i32))'), (None, ""), reactors=True)
    assert other.instances[0].starts == ()


def test_a_module_that_wraps_the_host_goes_by_its_name() -> None:
    program = linked(
        ("wasi", '(import "wasi" "f" (func $f)) (func (export "f") (call $f))'),
        (None, '(import "wasi" "f" (func $f)) (func (call $f))'),
    )
    assert [(i.module, i.name) for i in program.imports] == [("wasi", "f")]
    assert [i.funcs for i in program.instances] == [(0, 1), (1, 2)]


# ------------------------------------------------------------------------------------------------------- what matches

MATCHES = [
    ('(func (export "x") (param i32))', '(import "lib" "x" (func (param i32)))'),
    ('(table (export "x") 3 funcref)', '(import "lib" "x" (table 2 funcref))'),
    ('(table (export "x") 3 5 funcref)', '(import "lib" "x" (table 3 6 funcref))'),
    ('(memory (export "x") 1)', '(import "lib" "x" (memory 0))'),
    ('(memory (export "x") 1 2)', '(import "lib" "x" (memory 1 2))'),
    ('(memory (export "x") i64 1 2)', '(import "lib" "x" (memory i64 1))'),
    ('(memory (export "x") 1 2 shared)', '(import "lib" "x" (memory 1 2 shared))'),
    ('(memory (export "x") 1 (pagesize 1))', '(import "lib" "x" (memory 1 (pagesize 1)))'),
    ('(global (export "x") (mut i32) (i32.const 1))', '(import "lib" "x" (global (mut i32)))'),
    ('(global (export "x") (ref func) (ref.func 0)) (func)', '(import "lib" "x" (global funcref))'),
    ('(global (export "x") (ref i31) (ref.i31 (i32.const 0)))', '(import "lib" "x" (global anyref))'),
    ('(tag (export "x") (param i32))', '(import "lib" "x" (tag (param i32)))'),
    (
        '(type $a (sub (func))) (type $b (sub $a (func))) (func (export "x") (type $b))',
        '(type $a (sub (func))) (import "lib" "x" (func (type $a)))',
    ),
]


@pytest.mark.parametrize(("exported", "imported"), MATCHES)
def test_a_type_that_matches_is_taken(exported: str, imported: str) -> None:
    program = linked(("lib", exported), (None, imported))
    assert program.imports == []
    assert program.instances[1].demands == ()


MISMATCHES = [
    (
        '(func (export "x") (param i32))',
        '(import "lib" "x" (func (param i64)))',
        "func [i64] -> []",
        "func [i32] -> []",
    ),
    ('(func (export "x"))', '(import "lib" "x" (memory 1))', "memory 1", "func [] -> []"),
    ('(global (export "x") i32 (i32.const 1))', '(import "lib" "x" (func))', "func [] -> []", "global i32"),
    (
        '(global (export "x") (mut i32) (i32.const 1))',
        '(import "lib" "x" (global i32))',
        "global i32",
        "global (mut i32)",
    ),
    (
        '(global (export "x") i32 (i32.const 1))',
        '(import "lib" "x" (global (mut i32)))',
        "global (mut i32)",
        "global i32",
    ),
    (
        '(global (export "x") (mut (ref func)) (ref.func 0)) (func)',
        '(import "lib" "x" (global (mut funcref)))',
        "global (mut funcref)",
        "global (mut (ref func))",
    ),
    (
        '(table (export "x") 3 funcref)',
        '(import "lib" "x" (table 3 externref))',
        "table 3 externref",
        "table 3 funcref",
    ),
    (
        '(table (export "x") 3 funcref)',
        '(import "lib" "x" (table 3 9 funcref))',
        "table 3 9 funcref",
        "table 3 funcref",
    ),
    (
        '(table (export "x") 3 4 funcref)',
        '(import "lib" "x" (table 5 funcref))',
        "table 5 funcref",
        "table 3 4 funcref",
    ),
    ('(table (export "x") i64 3 funcref)', '(import "lib" "x" (table 3 funcref))', "table 3 funcref", "table i64 3"),
    (
        '(table (export "x") 1 (ref null func))',
        '(import "lib" "x" (table 1 nullfuncref))',
        "table 1 nullfuncref",
        "table 1 funcref",
    ),
    ('(memory (export "x") 1 3)', '(import "lib" "x" (memory 1 2))', "memory 1 2", "memory 1 3"),
    ('(memory (export "x") 1 3)', '(import "lib" "x" (memory 4))', "memory 4", "memory 1 3"),
    ('(memory (export "x") i64 1)', '(import "lib" "x" (memory 1))', "memory 1", "memory i64 1"),
    ('(memory (export "x") 1 2 shared)', '(import "lib" "x" (memory 1 2))', "memory 1 2", "memory 1 2 shared"),
    ('(memory (export "x") 1)', '(import "lib" "x" (memory 1 (pagesize 1)))', "memory 1 (pagesize 1)", "memory 1"),
    ('(tag (export "x") (param i32))', '(import "lib" "x" (tag (param i64)))', "tag [i64] -> []", "tag [i32] -> []"),
    (
        '(type $a (sub (func))) (func (export "x") (type $a))',
        '(type $a (sub (func))) (type $b (sub $a (func))) (import "lib" "x" (func (type $b)))',
        "func [] -> []",
        "func [] -> []",
    ),
]


@pytest.mark.parametrize(("exported", "imported", "wanted", "found"), MISMATCHES)
def test_a_mismatch_is_told_with_both_types(exported: str, imported: str, wanted: str, found: str) -> None:
    what = refused(exported, imported)
    assert what.startswith(f"incompatible import type: 'lib.x' is imported as {wanted}, but module 'lib' (lib.wasm) ")
    assert f" exports {found}" in what


def test_an_unknown_export_is_told() -> None:
    what = refused('(func (export "y"))', '(import "lib" "x" (func))')
    assert what == "unknown import: 'lib.x': module 'lib' (lib.wasm) exports no 'x'"


def test_a_module_imports_only_from_those_before_it() -> None:
    parts = [Part("a", module('(import "b" "f" (func))', "a.wasm")), Part("b", module('(func (export "f"))'))]
    assert [(i.module, i.name) for i in link_modules(parts).imports] == [("b", "f")]
    with pytest.raises(LinkError, match=r"unknown import: 'b.f' \(func\): there is no module 'b'") as caught:
        link_modules(parts, hosts=())
    assert caught.value.file == "a.wasm"


def test_a_memory_that_may_have_grown_is_demanded() -> None:
    program = linked(
        ("lib", '(memory (export "m") 1 4) (table (export "t") 1 funcref)'),
        (None, '(import "lib" "m" (memory 3)) (import "lib" "t" (table 2 funcref))'),
    )
    demands = program.instances[1].demands
    assert [(d.kind, d.index, d.minimum, d.item.name) for d in demands] == [("memory", 0, 3, "m"), ("table", 0, 2, "t")]


def test_what_is_exported_again_has_the_type_of_its_definition() -> None:
    program = linked(
        ("a", '(memory (export "m") 5)'),
        ("b", '(import "a" "m" (memory 1)) (export "n" (memory 0))'),
        (None, '(import "b" "n" (memory 5))'),
    )
    assert program.instances[2].demands == ()


# -------------------------------------------------------------------------------------------------------- immediates

SHIFT = {"type": 100, "func": 200, "table": 300, "memory": 400, "global": 500, "tag": 600, "elem": 700, "data": 800}
BIAS = 5000


def shifted() -> Instance:
    """An instance of which every index is moved by `SHIFT`."""

    def space(kind: str) -> tuple[int, ...]:
        return tuple(range(SHIFT[kind], SHIFT[kind] + 10))

    return Instance(
        name=None,
        module=Module(b""),
        bias=BIAS,
        types=space("type"),
        funcs=space("func"),
        tables=space("table"),
        memories=space("memory"),
        globals=space("global"),
        tags=space("tag"),
        elements=range(SHIFT["elem"], SHIFT["elem"] + 10),
        datas=range(SHIFT["data"], SHIFT["data"] + 10),
        own_funcs=range(0),
        own_tables=range(0),
        own_memories=range(0),
        own_globals=range(0),
        own_tags=range(0),
        start=None,
        exports={},
        demands=(),
    )


OWN, MOVED = ref_type(3), ref_type(3 + SHIFT["type"])


def immediate(name: str, kinds: tuple[str, ...]) -> tuple[Any, Any]:
    """An immediate as `Body` documents it, and what must become of it."""
    before, after = FuncType((OWN, I32), (ref_type("any"), OWN)), FuncType((MOVED, I32), (ref_type("any"), MOVED))
    if name == "loop":
        return (before, (1, 2)), (after, (1, 2))
    if name in ("block", "if", "try"):
        return (before,), (after,)
    if name == "try_table":
        clauses = (("catch", 2, 1), ("catch_all_ref", None, 0))
        return (before, clauses), (after, (("catch", 602, 1), ("catch_all_ref", None, 0)))
    if name in ("drop", "select", "select t", "ref.null"):
        return OWN, MOVED
    if kinds == ("heaptype",):
        return (OWN, ref_type("any")), (MOVED, ref_type("any"))
    if "heaptypes" in kinds:
        return (1, ref_type("any"), OWN), (1, ref_type("any"), MOVED)
    if "memarg" in kinds:
        lane = (7,) * (len(kinds) - 1)
        return (2, 16, 1, *lane), (2, 16, 401, *lane)
    if name == "i8x16.shuffle":
        return bytes(16), bytes(16)
    if kinds == ("labels",):
        return (1, 2, 3), (1, 2, 3)
    if not kinds or kinds == ("zero",):
        return None, None
    values = tuple(range(1, len(kinds) + 1))
    moved = tuple(value + SHIFT.get(kind, 0) for kind, value in zip(kinds, values, strict=True))
    return (values, moved) if len(kinds) > 1 else (values[0], moved[0])


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_every_operators_immediate_is_remapped(operator: Any) -> None:
    before, after = immediate(operator.name, operator.immediates)
    assert remap_code(shifted(), [(operator.index, before, 7)]) == [(operator.index, after, 7 + BIAS)]


def test_every_fact_is_remapped() -> None:
    facts = Facts(
        callees={1: (2, 3)},
        sizes={1: 10},
        written_tables={1},
        written_globals={1},
        grown_memories={1},
        indirect_types={(1, 2)},
        proposals={"gc"},
        tail_calls=True,
        wide_atomics=True,
        throwing={1},
        escaping_callees={1: (2,)},
        escaping_types={1: (4,)},
        referred={1},
    )
    untouched = [f.name for f in dataclasses.fields(Facts) if getattr(facts, f.name) == getattr(Facts(), f.name)]
    assert untouched == []  # a new field has to be thought of here and in `remap_facts`
    assert remap_facts(shifted(), facts) == Facts(
        callees={201: (202, 203)},
        sizes={201: 10},
        written_tables={301},
        written_globals={501},
        grown_memories={401},
        indirect_types={(101, 302)},
        proposals={"gc"},
        tail_calls=True,
        wide_atomics=True,
        throwing={201},
        escaping_callees={201: (202,)},
        escaping_types={201: (104,)},
        referred={201},
    )


def test_an_invalid_body_is_told_of_its_own_file() -> None:
    bad = decode_module(b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x1a\x0b", "bad.wasm")
    program = link_modules([Part("lib", module("(func)", "lib.wasm")), Part(None, bad)])
    with pytest.raises(Exception, match="drop") as caught:
        validate_function(program, 1)
    assert (caught.value.file, caught.value.offset) == ("bad.wasm", 23)  # type: ignore[attr-defined]
