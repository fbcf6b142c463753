"""Programs of several modules as data, and the two ways of running one: under wasmtime's Linker and built by waot.

A file in cases/ holds cases in this form:

    [case start_functions_run_in_order]
    [trap unreachable]                  what it must end in, if it must
    [link a]                            a module to link, in the text format
    (module ...)
    [link b = a]                        another instance of a module above
    [main]
    (module ...)

Before the first module stands one more, `out`, whose function `out.number` prints an i64 on a line of its own.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import wasmtime

import waot
from tests import tools
from tests.programs.harness import TRAP_CODES, TRAP_STATUS, Configuration, Outcome, told_trap, trap_texts

HERE = Path(__file__).resolve().parent

OUT = r"""
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "number") (param $n i64) (local $at i32) (local $negative i32)
    (local.set $at (i32.const 99))
    (i32.store8 (i32.const 99) (i32.const 10))
    (if (i64.lt_s (local.get $n) (i64.const 0))
      (then (local.set $negative (i32.const 1)) (local.set $n (i64.sub (i64.const 0) (local.get $n)))))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
      (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
      (br_if $digits (i64.ne (local.get $n) (i64.const 0))))
    (if (local.get $negative)
      (then (local.set $at (i32.sub (local.get $at) (i32.const 1))) (i32.store8 (local.get $at) (i32.const 45))))
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.sub (i32.const 100) (local.get $at)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""


@dataclass(frozen=True)
class Linked:
    """A program: the modules to link, in order, each with its name, and the main one."""

    name: str
    links: tuple[tuple[str, bytes], ...]
    main: bytes
    trap: str | None = None


def discover() -> list[Linked]:
    """Every case of every file."""
    cases = []
    for path in sorted((HERE / "cases").glob("*.test")):
        for text in re.split(r"^\[case ", path.read_text(), flags=re.MULTILINE)[1:]:
            cases.append(_case(text))
    return cases


def _case(text: str) -> Linked:
    name, _, rest = text.partition("]\n")
    pieces = re.split(r"^\[(.*)\]\n", rest, flags=re.MULTILINE)[1:]
    modules = {"out": bytes(wasmtime.wat2wasm(OUT))}
    trap = None
    for heading, body in zip(pieces[::2], pieces[1::2], strict=True):
        word, _, argument = heading.partition(" ")
        if word == "trap":
            trap = argument
        elif word == "main":
            return Linked(name, tuple(modules.items()), bytes(wasmtime.wat2wasm(body)), trap)
        elif word == "link":
            title, _, same = argument.partition(" = ")
            modules[title] = modules[same] if same else bytes(wasmtime.wat2wasm(body))
        else:
            raise ValueError(f"[{heading}] means nothing")
    raise ValueError(f"case {name} has no [main]")


def engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.wasm_gc = config.wasm_function_references = config.wasm_exceptions = config.wasm_tail_call = True
    config.wasm_memory64 = config.wasm_multi_memory = config.wasm_threads = config.shared_memory = True
    return wasmtime.Engine(config)


def run_under_wasmtime(program: Linked) -> Outcome:
    """What the program does when wasmtime links and executes it."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as name:
        stdout = Path(name, "stdout")
        wasi = wasmtime.WasiConfig()
        wasi.stdout_file = str(stdout)
        found = engine()
        store = wasmtime.Store(found)
        store.set_wasi(wasi)
        linker = wasmtime.Linker(found)
        linker.define_wasi()
        trap: str | None = None
        compiled: dict[bytes, wasmtime.Module] = {}
        try:
            for title, source in program.links:
                module = compiled.setdefault(source, wasmtime.Module(found, source))
                linker.define_instance(store, title, linker.instantiate(store, module))
            start = linker.instantiate(store, wasmtime.Module(found, program.main)).exports(store)["_start"]
            assert isinstance(start, wasmtime.Func)
            start(store)
        except wasmtime.Trap as error:
            code = error.trap_code
            # A table accessed out of bounds is either of two traps of ours; the case knows which.
            texts = [trap_texts()[name] for name in TRAP_CODES[code.name if code is not None else ""]]
            trap = program.trap if program.trap in texts else texts[0]
        except wasmtime.WasmtimeError as error:
            if "incompatible import type" not in str(error):
                raise
            trap = "incompatible import type"
        store.close()
        return Outcome(stdout.read_bytes(), b"", TRAP_STATUS if trap else 0, trap=trap)


def run_as_program(program: Linked, configuration: Configuration, directory: Path) -> Outcome:
    """What the program does when waot has built it."""
    links = []
    for title, source in program.links:
        (directory / f"{title}.wasm").write_bytes(source)
        links.append(f"{title}={directory / title}.wasm")
    main = directory / "main program.wasm"
    main.write_bytes(program.main)
    waot.build(
        main,
        directory / "program",
        [configuration.target],
        opt_level=configuration.level,
        memory=configuration.memory,
        jobs=1,
        links=links,
    )
    words = [*tools.runner(configuration.target), str(directory / "program")]
    done = subprocess.run(words, capture_output=True, env={}, timeout=60, check=False)
    trap, frames = told_trap(done.stderr)
    return Outcome(done.stdout, done.stderr, done.returncode, trap=trap, frames=frames)
