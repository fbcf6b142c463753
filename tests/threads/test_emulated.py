"""Variables of each thread where functions find them (waot/codegen/emulated.py): what becomes of a module's text."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import llvmlite.binding as llvm
import pytest
import wasmtime

import waot
from tests import tools
from tests.programs.harness import Configuration
from tests.threads.oracle import run_under_wasmtime
from tests.threads.test_threads import compiled, run
from waot import pipeline
from waot.codegen import emulated
from waot.errors import CodegenError

OWN = "thread_local(localexec) global"
MODULE = f"""\
@number = internal {OWN} i32 7
@table = hidden {OWN} {{ ptr, i64 }} {{ ptr null, i64 3 }}, align 16
@elsewhere = external hidden {OWN} [33 x {{ ptr, ptr }}]
@zeros = internal {OWN} [4 x i128] zeroinitializer
@shared = internal global i32 1
declare void @"ptr @number, getelementptr inbounds (i8, ptr @table, i64 8)"(ptr)
define i32 @many(i32 %by) {{
  %size = load i64, ptr getelementptr inbounds ({{ ptr, i64 }}, ptr @table, i32 0, i32 1)
  store i64 0, ptr getelementptr inbounds ({{ ptr, i64 }}, ptr @table, i32 0, i32 1)
  %end = load ptr, ptr getelementptr inbounds (i8, ptr @elsewhere, i64 24)
  call void @"ptr @number, getelementptr inbounds (i8, ptr @table, i64 8)"(ptr @number)
  store i128 1, ptr getelementptr (i128, ptr @zeros, i64 2)
  %shared = load i32, ptr @shared
  %narrow = trunc i64 %size to i32
  %sum = add i32 %narrow, %shared
  ret i32 %sum
}}
define void @one() {{
entry:
  br label %next
next:
  %value = load i32, ptr @number
  store i32 %value, ptr @shared
  ret void
}}
define i32 @none() {{
  %value = load i32, ptr @shared
  ret i32 %value
}}
"""


def body(text: str, function: str) -> str:
    found = re.search(rf"^define [^\n]*@{function}\(.*?^}}$", text, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


def test_each_variable_becomes_a_descriptor_and_what_it_begins_as() -> None:
    text = emulated.with_descriptors(emulated.with_addresses(MODULE))
    llvm.parse_assembly(text).verify()
    assert not emulated.has_own(text)
    assert "@__emutls_t.number = internal constant i32 7" in text
    assert "@__emutls_t.table = internal constant { ptr, i64 } { ptr null, i64 3 }, align 16" in text
    assert "@__emutls_v.elsewhere = external hidden global" in text
    assert "@__emutls_t.zeros" not in text  # what begins as zeros needs nothing to begin as
    assert re.findall(r"@__emutls_v\.(\w+) = (\w+) global", text) == [
        ("number", "internal"),
        ("table", "hidden"),
        ("zeros", "internal"),
    ]


def test_a_function_asks_for_its_threads_block_at_most_once() -> None:
    text = emulated.with_descriptors(emulated.with_addresses(MODULE))
    asked = "call ptr @waot_own_variables()"
    assert [body(text, name).count(asked) for name in ("many", "one", "none")] == [1, 1, 0]


def test_names_of_functions_stay_whatever_is_in_them() -> None:
    text = emulated.with_descriptors(emulated.with_addresses(MODULE))
    name = '@"ptr @number, getelementptr inbounds (i8, ptr @table, i64 8)"'
    assert text.count(name) == MODULE.count(name)


def test_what_shares_an_address_and_what_does_not_stay_as_they_are() -> None:
    module = "@number = internal global i32 7\ndefine ptr @f() {\n  ret ptr @number\n}\n"
    assert emulated.with_addresses(module).startswith(module)
    assert body(emulated.with_descriptors(module), "f") == body(module, "f")


def test_a_use_that_is_not_known_is_an_error() -> None:
    module = f"@number = internal {OWN} i32 7\ndefine i64 @f() {{\n  ret i64 ptrtoint (ptr @number to i64)\n}}\n"
    with pytest.raises(CodegenError, match="number"):
        emulated.with_descriptors(module)


@pytest.mark.parametrize("name", ["c/counter", "wat/instances", "wat/objects"])
def test_units_find_each_others_variables(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration, program = Configuration("x86_64-macos", "guarded", "1"), tmp_path / "program"
    tools.runner_or_skip(configuration.target)
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 0)
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 50)
    waot.build(compiled(name), program, [configuration.target], opt_level=1, cache=False)
    done = run(program, configuration)
    assert (done.returncode, done.stdout.decode()) == run_under_wasmtime(compiled(name))


@pytest.mark.parametrize("level", ["0", "2"])
def test_a_module_may_call_its_functions_as_it_likes(level: str, tmp_path: Path) -> None:
    words = tools.runner_or_skip("x86_64-macos")
    wasm, program = tmp_path / "names.wasm", tmp_path / "names"
    wasm.write_bytes(
        wasmtime.wat2wasm("""(module
          (import "wasi" "thread-spawn" (func (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (import "env" "memory" (memory 1 1 shared)) (export "memory" (memory 0))
          (global $g (mut i32) (i32.const 40))
          (func $add (@name "ptr @waot_global.0") (param i32)
            (global.set $g (i32.add (global.get $g) (local.get 0))))
          (func $again (@name "= call ptr @llvm.threadlocal.address.p0(ptr @waot_global.0)") (call $add (i32.const 1)))
          (table 2 2 funcref) (elem (i32.const 0) $again $add)
          (func (export "wasi_thread_start") (param i32 i32))
          (func (export "_start")
            (call $add (i32.const 1)) (call_indirect (i32.const 0)) (call $exit (global.get $g))))""")
    )
    waot.build(wasm, program, ["x86_64-macos"], opt_level=level)
    done = subprocess.run([*words, program], capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (42, b"")
