"""`--link`: what works, and every kind of bad input."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import waot as package
from tests.cli.helpers import HELLO, Run, assemble, error_line
from waot.options import Link

LIBRARY = r"""
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\06\00\00\00")
  (data (i32.const 16) "hello\n")
  (func (export "hello") (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
"""
MAIN = '(module (import "lib" "hello" (func $hello)) (func (export "_start") (call $hello)))'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    assemble(tmp_path / "lib.wasm", LIBRARY)
    assemble(tmp_path / "main.wasm", MAIN)
    return tmp_path


def test_a_linked_module_is_part_of_the_program(waot: Run, files: Path) -> None:
    run = waot("build", "main.wasm", "--link", "lib=lib.wasm", check=True)
    assert (run.stdout, run.stderr) == ("", "")
    assert subprocess.run([files / "main"], capture_output=True, check=True).stdout == b"hello\n"
    shown = waot("inspect", "main", check=True).stdout.splitlines()
    assert shown[1].startswith("from: main.wasm, SHA-256 ")
    assert shown[2].startswith("linked: lib from lib.wasm, SHA-256 ")


def test_run_links_too_and_what_is_linked_counts_for_the_cache(waot: Run, files: Path) -> None:
    assert waot("run", "main.wasm", "--link", "lib=lib.wasm", check=True).stdout == "hello\n"
    assemble(files / "lib.wasm", LIBRARY.replace("hello\\n", "HELLO\\n"))
    assert waot("run", "main.wasm", "--link", "lib=lib.wasm", check=True).stdout == "HELLO\n"


def test_the_text_format_links(waot: Run, tmp_path: Path) -> None:
    (tmp_path / "lib.wat").write_text(LIBRARY)
    (tmp_path / "main.wat").write_text(MAIN)
    assert waot("run", "main.wat", "--link", "lib=lib.wat", check=True).stdout == "hello\n"
    assert waot("run", "main.wat", "--link", "lib=-", stdin=LIBRARY.encode(), check=True).stdout == "hello\n"


def test_the_api_links(files: Path) -> None:
    links: tuple[str | Link, ...] = (f"lib={files / 'lib.wasm'}", Link("lib", str(files / "lib.wasm")))
    for number, link in enumerate(links):
        package.build(files / "main.wasm", files / str(number), links=[link])
        assert subprocess.run([files / str(number)], capture_output=True, check=True).stdout == b"hello\n"


def test_validate_looks_at_all_modules_and_their_imports(waot: Run, files: Path) -> None:
    assert waot("validate", "main.wasm", "--link", "lib=lib.wasm", check=True).stdout == "main.wasm: valid\n"
    assemble(files / "lib.wasm", '(module (func (export "hello") (param i32)))')
    line = error_line(waot("validate", "main.wasm", "--link", "lib=lib.wasm"))
    assert line == (
        "main.wasm: incompatible import type: 'lib.hello' is imported as func [] -> [], but module 'lib' (lib.wasm) "
        "exports func [i32] -> [] (offset 0x11)"
    )


def test_a_name_that_nobody_imports_from_is_warned_of(waot: Run, files: Path) -> None:
    assemble(files / "hello.wasm", HELLO)
    run = waot("build", "hello.wasm", "--link", "lib=lib.wasm", check=True)
    assert run.stderr == "waot: warning: lib.wasm: no module imports from 'lib', the name it is linked under\n"


@pytest.mark.parametrize("text", ["lib", "lib=", "=lib.wasm", ""])
def test_a_link_needs_a_name_and_a_file(waot: Run, files: Path, text: str) -> None:
    assert (
        error_line(waot("build", "main.wasm", "--link", text), 2) == f"{text!r} does not link a module; use NAME=FILE"
    )


def test_a_name_is_linked_once(waot: Run, files: Path) -> None:
    line = error_line(waot("build", "main.wasm", "--link", "lib=lib.wasm", "--link", "lib=main.wasm"), 2)
    assert line == "two modules are linked as 'lib'; give each --link a name of its own"


def test_standard_input_is_one_module(waot: Run, files: Path) -> None:
    line = error_line(waot("build", "-", "-o", "out", "--link", "lib=-", stdin=b""), 2)
    assert line == "two modules cannot both come from standard input"


def test_a_file_that_is_not_there(waot: Run, files: Path) -> None:
    line = error_line(waot("build", "main.wasm", "--link", "lib=none.wasm"))
    assert line == "none.wasm: cannot be read: No such file or directory"


def test_a_linked_file_that_is_no_module(waot: Run, files: Path) -> None:
    (files / "lib.wasm").write_bytes(b"\x7fELF")
    assert error_line(waot("build", "main.wasm", "--link", "lib=lib.wasm")).startswith("lib.wasm: is not a WebAssembly")


def test_a_linked_module_with_an_invalid_body(waot: Run, files: Path) -> None:
    (files / "lib.wasm").write_bytes(b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\x09\1\5hello\0\0\x0a\5\1\3\0\x1a\x0b")
    line = error_line(waot("build", "main.wasm", "--link", "lib=lib.wasm"))
    assert line.startswith("lib.wasm: drop: type mismatch")


def test_an_import_that_nobody_provides_names_the_file_and_says_how(waot: Run, files: Path) -> None:
    assemble(files / "lib.wasm", '(module (import "deep" "f" (func)) (func (export "hello")))')
    line = error_line(waot("build", "main.wasm", "--link", "lib=lib.wasm"))
    assert line.startswith("lib.wasm: the module imports func 'deep.f', which is not WASI's; ")
    assert line.endswith("or link the module that has it with --link deep=FILE")
    assert not (files / "main").exists()


def test_modules_in_the_wrong_order(waot: Run, files: Path) -> None:
    assemble(files / "a.wasm", '(module (import "b" "f" (func)) (func (export "hello")))')
    assemble(files / "b.wasm", '(module (func (export "f")))')
    line = error_line(waot("build", "main.wasm", "--link", "lib=a.wasm", "--link", "b=b.wasm"))
    assert line == (
        "a.wasm: the module imports func 'b.f', which is not WASI's; "
        "modules import only from those linked before them; give --link b=FILE first"
    )


def test_a_memory_that_nothing_makes_large_enough(waot: Run, files: Path) -> None:
    assemble(files / "main.wasm", '(module (import "lib" "memory" (memory 2)) (func (export "_start")))')
    line = error_line(waot("build", "main.wasm", "--link", "lib=lib.wasm"))
    assert line.startswith("main.wasm: incompatible import type: 'lib.memory' is imported as memory 2, but what ")
    assert "has fewer than 2 pages, and nothing makes it grow" in line
