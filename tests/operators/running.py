"""Runs modules of cases under wasmtime (the oracle) and as native programs by waot.

A file in cases/ holds the fields of a module. Every function in it that is exported as "case NAME" is a case: it takes
nothing, returns nothing, may trap, and writes what it finds with these functions, which the fields may call:

    $put_i32 $put_i64 $put_f32 $put_f64 $put_v128   write the bytes of a value to standard output at once
    $zero                                           an i32 that is 0, which no compiler can know

The module that is built has a `_start` that runs the case whose number standard input says, so one build serves
hundreds of runs. Its memory for input and output comes last, so that the file's own memories are 0, 1, ...
"""

from __future__ import annotations

import functools
import os
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wasmtime

from tests import tools
from tests.programs.harness import TRAP_STATUS, Configuration, engine, told_trap, trap_of
from waot.frontend import decode_module, validate_function
from waot.frontend.opcodes import OPERATORS, Operator
from waot.options import BuildOptions
from waot.pipeline import build as build_artifacts
from waot.progress import Progress
from waot.targets import find_target

CASES = Path(__file__).resolve().parent / "cases"
RUN_TIMEOUT = 60  # seconds
ENDLESS = "endless"
LEFT_RUNNING = 1  # seconds after which an endless loop has been shown to be one


@dataclass(frozen=True)
class Outcome:
    """What a case did. `function` and `offset` say where it trapped; `trap` is ENDLESS if it had to be ended."""

    stdout: bytes
    status: int
    trap: str | None = None
    function: str | None = None
    offset: int | None = None
    stderr: str = ""

    def __str__(self) -> str:
        where = f" in {self.function} at {self.offset}" if self.trap else ""
        return f"status {self.status}, {self.trap or 'no trap'}{where}, wrote {self.stdout.hex(' ', 8) or 'nothing'}"


# ---------------------------------------------------------------------------------------------------------- the module

_CASE = re.compile(r'\(func (\$[^\s()]+)\s+\(export "case ([^"]+)"\)')

_IMPORTS = """
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
"""

_SUPPORT = """
(memory $io (export "memory") 1)
(func $flush (param $size i32)
  (i32.store $io (i32.const 0) (i32.const 64))
  (i32.store $io (i32.const 4) (local.get $size))
  (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
(func $put_i32 (param i32) (i32.store $io (i32.const 64) (local.get 0)) (call $flush (i32.const 4)))
(func $put_i64 (param i64) (i64.store $io (i32.const 64) (local.get 0)) (call $flush (i32.const 8)))
(func $put_f32 (param f32) (f32.store $io (i32.const 64) (local.get 0)) (call $flush (i32.const 4)))
(func $put_f64 (param f64) (f64.store $io (i32.const 64) (local.get 0)) (call $flush (i32.const 8)))
(func $put_v128 (param v128) (v128.store $io (i32.const 64) (local.get 0)) (call $flush (i32.const 16)))
(func $zero (result i32) (i32.load $io (i32.const 20)))
"""

# Through a table, so that cases are not inlined into one function, where LLVM merges equal parts of them.
_START = """
(type $case (func))
(table $cases funcref (elem {functions}))
(func $_start (export "_start")
  ;; eight bytes from standard input: the number of the case, and a zero
  (i32.store $io (i32.const 0) (i32.const 16))
  (i32.store $io (i32.const 4) (i32.const 8))
  (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
  (call_indirect $cases (type $case) (i32.load $io (i32.const 16))))
"""


@dataclass(frozen=True)
class CaseModule:
    """A file of cases as a module: its binary form and the names of its cases, whose numbers are their places."""

    name: str
    wasm: bytes
    cases: tuple[str, ...]


@functools.cache
def case_module(name: str) -> CaseModule:
    """The module of cases/`name`.wat."""
    return make_case_module(name, (CASES / f"{name}.wat").read_text())


def make_case_module(name: str, fields: str) -> CaseModule:
    """A module of `fields`; see the top of this file."""
    found = _CASE.findall(fields)
    fields = re.sub(r'\(export "case [^"]+"\)', "", fields)  # wasmtime takes its time for each export
    start = _START.format(functions=" ".join(function for function, _ in found))
    text = f"(module {_IMPORTS}{fields}{_SUPPORT}{start})"
    return CaseModule(name, bytes(wasmtime.wat2wasm(text)), tuple(case for _, case in found))


# ------------------------------------------------------------------------------------------------------------- running


def case_input(case: int) -> bytes:
    return struct.pack("<II", case, 0)


@functools.lru_cache(maxsize=8)
def _compiled(wasm: bytes) -> wasmtime.Module:
    return wasmtime.Module(engine(), wasm)


def under_wasmtime(wasm: bytes, stdin: bytes) -> Outcome:
    """What `wasm` does with that standard input when wasmtime runs it."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as directory:
        streams = [os.path.join(directory, name) for name in ("in", "out")]
        Path(streams[0]).write_bytes(stdin)
        wasi = wasmtime.WasiConfig()
        wasi.stdin_file, wasi.stdout_file = streams
        store = wasmtime.Store(engine())
        store.set_wasi(wasi)
        linker = wasmtime.Linker(engine())
        linker.define_wasi()
        trap = function = offset = None
        status = 0
        try:
            start = linker.instantiate(store, _compiled(wasm)).exports(store)["_start"]
            assert isinstance(start, wasmtime.Func)
            start(store)
        except wasmtime.ExitTrap as ended:
            status = ended.code
        except wasmtime.Trap as error:
            trap, status = trap_of(error), TRAP_STATUS
            frame = error.frames[0]
            function, offset = frame.func_name, frame.module_offset
            # It has one text for both; only a call means the first.
            if trap == "null reference":
                operator = operators_of(wasm).get(offset)
                trap = next((text for text in _NULLS if _can_raise(operator, text)), trap)
            if trap == "undefined element" and not _can_raise(operators_of(wasm).get(offset), trap):
                trap = "out of bounds table access"
        store.close()
        return Outcome(Path(streams[1]).read_bytes(), status, trap, function, offset)


@functools.cache
def oracle(module: CaseModule) -> tuple[Outcome, ...]:
    """What wasmtime does with each case."""
    return tuple(under_wasmtime(module.wasm, case_input(number)) for number in range(len(module.cases)))


def build(wasm: bytes, name: str, configuration: Configuration, directory: Path, **more: Any) -> Path:
    """The native program that waot makes of `wasm`; `more` are arguments of `BuildOptions`."""
    target = find_target(configuration.target)
    options = BuildOptions(opt_level=configuration.level, memory=configuration.memory, jobs=1, cache=False, **more)
    (artifact,) = build_artifacts(wasm, f"{name}.wasm", [target], options, Progress(display=False))
    path = directory / f"{name}-{configuration}"
    path.write_bytes(artifact.data)
    path.chmod(0o755)
    return path


def natively(program: Path, target: str, stdin: bytes, timeout: float = RUN_TIMEOUT) -> Outcome:
    """What `program` does with that standard input."""
    try:
        done = subprocess.run(
            [*tools.runner(target), program], input=stdin, capture_output=True, timeout=timeout, env={}, check=False
        )
    except subprocess.TimeoutExpired as ended:
        return Outcome(ended.stdout or b"", 0, ENDLESS)
    trap, frames = told_trap(done.stderr)
    function, offset = frames[0] if frames else (None, None)
    return Outcome(done.stdout, done.returncode, trap, function, offset, done.stderr.decode(errors="replace"))


def check_cases(
    module: CaseModule,
    configuration: Configuration,
    directory: Path,
    *,
    may_trap: bool = False,
    timeout: float = RUN_TIMEOUT,
    **more: Any,
) -> None:
    """Asserts that each case does natively what it does under wasmtime; where something traps is not compared."""
    tools.runner_or_skip(configuration.target)
    program = build(module.wasm, module.name, configuration, directory, **more)
    for number, expected in enumerate(oracle(module)):
        assert may_trap or expected.trap is None, f"{module.name}, case {number}: {expected}"
        actual = natively(program, configuration.target, case_input(number), timeout)
        same = (actual.stdout, actual.status, actual.trap) == (expected.stdout, expected.status, expected.trap)
        assert same, f"{module.name}, case {number}: {actual}, and under wasmtime {expected}"


# Operators that raise each trap; those that access memory are known from the table.
_RAISED_BY = {
    "unreachable": r"unreachable",
    "out of bounds memory access": r"memory\.(init|copy|fill)|array\.(new|init)_data",
    "out of bounds table access": r"table\.(get|set|init|copy|fill)|array\.(new|init)_elem",
    "integer divide by zero": r"i(32|64)\.(div|rem)_[su]",
    "integer overflow": r"i(32|64)\.(div_s|trunc_f(32|64)_[su])",
    "invalid conversion to integer": r"i(32|64)\.trunc_f(32|64)_[su]",
    "undefined element": r"(return_)?call_indirect",
    "uninitialized element": r"(return_)?call_indirect",
    "indirect call type mismatch": r"(return_)?call_indirect",
    "unaligned atomic": r".*\.atomic\..*",
    "expected shared memory": r"memory\.atomic\.wait(32|64)",
    "null reference": r"ref\.as_non_null",
    "null function reference": r"(return_)?call_ref",
    "null structure reference": r"struct\.(get(_[su])?|set)",
    "null array reference": r"array\.(get(_[su])?|set|len|fill|copy|init_(data|elem))",
    "null i31 reference": r"i31\.get_[su]",
    "null exception reference": r"throw_ref",
    "cast failure": r"ref\.cast( null)?",
    "out of bounds array access": r"array\.(get(_[su])?|set|fill|copy|init_(data|elem))",
}
# wasmtime has one text for all of these.
_NULLS = tuple(text for text in _RAISED_BY if text.startswith("null "))


@functools.cache
def operators_of(wasm: bytes) -> dict[int, Operator]:
    """Every reachable operator of a module by its byte offset."""
    module = decode_module(wasm)
    bodies = (validate_function(module, i) for i in range(module.imported_func_count, len(module.funcs)))
    return {offset: OPERATORS[op] for body in bodies for op, _, offset in body.code}


def _can_raise(operator: Operator | None, trap: str) -> bool:
    if operator is None:
        return False
    if operator.width is not None and trap == "out of bounds memory access":
        return True
    return re.fullmatch(_RAISED_BY[trap], operator.name) is not None


def agree(wasm: bytes, expected: Outcome, actual: Outcome) -> bool:
    """Equal in all that a user sees.

    The offset has to be that of an operator that raises this trap. wasmtime's own may be a neighbour: it merges a load
    with the operator that uses it. Where the stack ends is the machine's affair, so that place is not compared.
    """
    if (expected.stdout, expected.status, expected.trap) != (actual.stdout, actual.status, actual.trap):
        return False
    if expected.trap in (None, "call stack exhausted") or expected.offset == actual.offset:
        return True
    assert expected.trap is not None
    if expected.function != actual.function or actual.offset is None:
        return False
    operators = operators_of(wasm)
    return _can_raise(operators.get(actual.offset), expected.trap)


def differences(module: CaseModule, configuration: Configuration, directory: Path) -> list[str]:
    """Where a native build of `module` does not do what wasmtime does, a line a case."""
    program = build(module.wasm, module.name, configuration, directory)
    found = []
    for number, (case, expected) in enumerate(zip(module.cases, oracle(module), strict=True)):
        actual = natively(program, configuration.target, case_input(number))
        if not agree(module.wasm, expected, actual):
            found.append(f"{module.name}: {case}:\n  wasmtime: {expected}\n  native:   {actual}\n{actual.stderr}")
    return found
