"""Every cast: each kind of reference, seen as each type that it has, tested for each type that it may be asked for.

One module holds them all. What it finds is one bit a test, printed as text; wasmtime must find the same.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import wasmtime

from tests.objects.running import natively, under_wasmtime

# Name of a type -> the types directly above it, in one hierarchy each. A name with $ is a defined type.
_ANY = {
    "any": (),
    "eq": ("any",),
    "i31": ("eq",),
    "struct": ("eq",),
    "array": ("eq",),
    "$top": ("struct",),
    "$left": ("$top",),
    "$leftmost": ("$left",),
    "$right": ("$top",),
    "$alone": ("struct",),
    "$bytes": ("array",),
    "$base": ("array",),
    "$derived": ("$base",),
    "none": ("i31", "$leftmost", "$right", "$alone", "$bytes", "$derived"),
}
_FUNC = {
    "func": (),
    "$f": ("func",),
    "$g": ("$f",),
    "$h": ("$g",),
    "$other": ("func",),
    "nofunc": ("$h", "$other"),
}
_EXTERN: dict[str, tuple[str, ...]] = {"extern": (), "noextern": ("extern",)}

_TYPES = """
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(type $top (sub (struct (field i32))))
(type $left (sub $top (struct (field i32 i64))))
(type $leftmost (sub final $left (struct (field i32 i64 f32))))
(type $right (sub $top (struct (field i32 f64))))
(type $alone (struct (field i8)))
(type $bytes (array (mut i8)))
(type $base (sub (array (ref null $top))))
(type $derived (sub $base (array (ref null $left))))
(type $f (sub (func (result anyref))))
(type $g (sub $f (func (result eqref))))
(type $h (sub $g (func (result i31ref))))
(type $other (func (param i32)))
(func $ff (type $f) (ref.null any))
(func $fg (type $g) (ref.null eq))
(func $fh (type $h) (ref.null i31))
(func $fother (type $other))
(elem declare func $ff $fg $fh $fother)
"""

# What makes a value that is not null, by its least type.
_VALUES = {
    "i31": ("(ref.i31 (i32.const 0))", "(ref.i31 (i32.const -1))", "(ref.i31 (i32.const 0x15555554))"),
    "$top": ("(struct.new $top (i32.const 1))",),
    "$left": ("(struct.new $left (i32.const 1) (i64.const 2))",),
    "$leftmost": ("(struct.new_default $leftmost)",),
    "$right": ("(struct.new_default $right)",),
    "$alone": ("(struct.new_default $alone)",),
    "$bytes": ("(array.new_default $bytes (i32.const 3))",),
    "$base": ("(array.new_default $base (i32.const 0))",),
    "$derived": ("(array.new_fixed $derived 1 (ref.null $left))",),
    "$f": ("(ref.func $ff)",),
    "$g": ("(ref.func $fg)",),
    "$h": ("(ref.func $fh)",),
    "$other": ("(ref.func $fother)",),
    "extern": ("(extern.convert_any (ref.i31 (i32.const 7)))", "(extern.convert_any (struct.new_default $right))"),
}


def _above(hierarchy: dict[str, tuple[str, ...]], name: str) -> set[str]:
    return {name}.union(*(_above(hierarchy, parent) for parent in hierarchy[name]))


@functools.cache
def _module() -> str:
    functions: list[str] = []
    calls: list[str] = []
    for hierarchy in (_ANY, _FUNC, _EXTERN):
        targets = list(hierarchy)
        for source in hierarchy:
            below = [t for t in hierarchy if source in _above(hierarchy, t)]
            for null in ("", "null "):
                type_ = f"(ref {null}{source})"
                name = f"$test{len(functions)}"
                body = []
                for target in targets:
                    for target_null in ("", "null "):
                        wanted = f"(ref {target_null}{target})"
                        body.append(f"(call $put (ref.test {wanted} (local.get $v)))")
                        if target not in below or (target_null and not null):
                            continue  # br_on_cast goes down only
                        rest = f"(ref {'' if target_null else null}{source})"
                        branch = f"{type_} {wanted} (local.get $v)"
                        body.append(
                            f"(block $no (block $yes (result {wanted}) (br_on_cast $yes {branch})"
                            " drop (call $put (i32.const 0)) (br $no)) drop (call $put (i32.const 1)))"
                            f"(block $yes (block $no (result {rest}) (br_on_cast_fail $no {branch})"
                            " drop (call $put (i32.const 1)) (br $yes)) drop (call $put (i32.const 0)))"
                        )
                functions.append(f"(func {name} (param $v {type_}) {' '.join(body)} (call $line))")
                values = [v for least in below for v in _VALUES.get(least, ())]
                values += [f"(ref.null {targets[-1]})"] if null else []
                calls += [f"(call {name} {value})" for value in values]
    return f"""(module {_TYPES}
(memory (export "memory") 1)
(global $at (mut i32) (i32.const 16))
(func $byte (param i32)
  (i32.store8 (global.get $at) (local.get 0)) (global.set $at (i32.add (global.get $at) (i32.const 1))))
(func $put (param i32) (call $byte (i32.add (i32.const 48) (local.get 0))))
(func $line (call $byte (i32.const 10))
  (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.sub (global.get $at) (i32.const 16)))
  (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
  (global.set $at (i32.const 16)))
{chr(10).join(functions)}
(func (export "_start") {" ".join(calls)}))"""


@functools.cache
def _expected() -> bytes:
    return under_wasmtime(wasmtime.wat2wasm(_module())).stdout


@pytest.mark.parametrize("level", ["0", "2"])
def test_every_cast(level: str, tmp_path: Path) -> None:
    outcome = natively(wasmtime.wat2wasm(_module()), tmp_path, level)
    assert (outcome.stderr, outcome.status) == ("", 0)
    assert outcome.stdout.count(b"\n") > 100
    assert outcome.stdout == _expected()
