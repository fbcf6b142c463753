"""What `inspect_module` says of a module."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.frontend.building import custom, name, u, vec, wat
from waot.frontend import decode_module
from waot.frontend.inspect import ModuleInfo, inspect_module

_TEXT = """
(module $app
  (type $t (func (param i32) (result i64)))
  (import "env" "f" (func $f (type $t)))
  (import "env" "memory" (memory 1 2))
  (import "env" "counter" (global (mut i32)))
  (table 3 funcref)
  (memory 5)
  (global f64 (f64.const 1))
  (export "run" (func $run))
  (export "table" (table 0))
  (export "memory" (memory 1))
  (export "one" (global 1))
  (start $begin)
  (elem (i32.const 0) $f)
  (func $run (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))
  (func $begin)
  (data (i32.const 8) "hello"))
"""


def inspected(text: str, *more: bytes) -> ModuleInfo:
    return inspect_module(decode_module(wat(text) + b"".join(more)))


def test_a_module_is_described() -> None:
    info = inspected(_TEXT)
    assert (info.name, info.functions, info.imported_functions, info.start) == ("app", 2, 1, "begin")
    assert (info.types, info.globals, info.element_segments, info.data_segments, info.data_bytes) == (3, 2, 1, 1, 5)
    assert info.operators == 4
    assert [(m.index, m.minimum, m.maximum, m.imported) for m in info.memories] == [
        (0, 1, 2, True),
        (1, 5, None, False),
    ]
    assert [(t.element, t.minimum, t.maximum, t.imported) for t in info.tables] == [("funcref", 3, None, False)]
    assert [(i.module, i.name, i.kind, i.type) for i in info.imports] == [
        ("env", "f", "func", "[i32] -> [i64]"),
        ("env", "memory", "memory", "1 2 pages"),
        ("env", "counter", "global", "(mut i32)"),
    ]
    assert [(e.name, e.kind, e.index, e.type) for e in info.exports] == [
        ("run", "func", 1, "[f32] -> [i32]"),
        ("table", "table", 0, "3 funcref"),
        ("memory", "memory", 1, "5 pages"),
        ("one", "global", 1, "f64"),
    ]
    assert [s.name for s in info.sections][:3] == ["type", "import", "function"]
    assert info.features == ["multi-memory", "mutable-global", "saturating-float-to-int"]


def test_it_is_plain_data() -> None:
    info = inspected(_TEXT)
    assert json.loads(json.dumps(dataclasses.asdict(info)))["exports"][0]["name"] == "run"


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("(module)", []),
        ("(module (func))", []),
        ("(module (func (result i32 i32) (i32.const 1) (i32.const 2)))", ["multi-value"]),
        ("(module (func (param externref)))", ["reference-types"]),
        ("(module (func (drop (i32.extend8_s (i32.const 0)))))", ["sign-extension"]),
        ("(module (global v128 (v128.const i64x2 0 0)))", ["simd"]),
        ("(module (global i32 (i32.add (i32.const 1) (i32.const 1))))", ["extended-const"]),
        ('(module (data "x"))', ["bulk-memory"]),
        ("(module (func return_call 0))", ["tail-call"]),
        ("(module (memory 1) (memory 1))", ["multi-memory"]),
        ("(module (memory i64 1))", ["memory64"]),
        ("(module (table i64 1 funcref))", ["memory64"]),
        ("(module (memory 1 1 shared))", ["threads"]),
        ("(module (memory 1 (pagesize 1)))", ["custom-page-sizes"]),
        ('(module (import "a" "b" (global (mut i32))))', ["mutable-global"]),
        ("(module (table 1 funcref) (func $f) (elem (i32.const 0) $f))", []),
        ("(module (type (struct (field i32))))", ["gc"]),
        ("(module (type (sub (func))))", ["gc"]),
        ("(module (rec (type (func)) (type (func))))", ["gc"]),
        ("(module (func (param anyref)))", ["gc"]),
        ("(module (func (param (ref extern))))", ["function-references"]),
        ("(module (type $t (func)) (func (param (ref null $t))))", ["function-references"]),
        ("(module (table 1 funcref (ref.null func)))", ["function-references", "reference-types"]),
        ("(module (table 1 exnref))", ["exception-handling"]),
        ("(module (tag))", ["exception-handling"]),
        ("(module (tag) (func throw 0))", ["exception-handling"]),
        (
            "(module (elem (ref i31) (ref.i31 (i32.const 0))))",
            ["bulk-memory", "function-references", "gc", "reference-types"],
        ),
    ],
)
def test_features_are_found(text: str, features: list[str]) -> None:
    assert inspected(text).features == features


def test_producers_and_target_features_are_read() -> None:
    producers = custom(
        "producers",
        vec([name("language") + vec([name("Rust") + name("")]), name("sdk") + vec([name("x") + name("1.2")])]),
    )
    features = custom("target_features", vec([b"+" + name("simd128"), b"-" + name("atomics")]))
    info = inspected("(module)", producers, features)
    assert info.producers == {"language": ["Rust"], "sdk": ["x 1.2"]}
    assert info.target_features == ["+simd128", "-atomics"]


def test_bad_producers_and_target_features_count_as_absent() -> None:
    info = inspected("(module)", custom("producers", u(5)), custom("target_features", b"\1+\x7f"))
    assert (info.producers, info.target_features) == ({}, [])
