"""One command for several machines: what is written, what is told, and that a failure writes nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import waot as package
from tests.cli.helpers import ROOT, Run, assemble, error_line
from waot import api
from waot.errors import WaotError
from waot.options import BuildOptions
from waot.progress import Progress
from waot.targets import find_target, find_targets, host_target, load_targets

LINUX = ["aarch64-linux", "riscv64-linux", "x86_64-linux"]
SOME = ",".join(LINUX)


def program(path: Path) -> str:
    return subprocess.run([path], capture_output=True, text=True, check=True).stdout


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_group_is_all_its_targets(waot: Run, hello: Path, tmp_path: Path) -> None:
    waot("build", "hello.wasm", "--target", "linux", "--emit", "obj", "-O0", "-o", "dist/", check=True)
    assert set(os.listdir(tmp_path / "dist")) == {f"hello-{target.name}.o" for target in find_targets("linux")}


@pytest.mark.slow
def test_all_are_built_in_one_command(waot: Run, hello: Path, tmp_path: Path) -> None:
    told = json.loads(waot("build", "hello.wasm", "--target", "all", "-o", "dist/", "--json", check=True).stdout)
    everything = find_targets("all")
    assert [each["target"] for each in told["targets"]] == [target.name for target in everything]
    for target in everything:
        assert (tmp_path / "dist" / f"hello-{target.name}{target.executable_suffix}").is_file()
    assert program(tmp_path / "dist" / f"hello-{host_target().name}") == "hello\n"


def test_several_go_to_a_directory_that_is_made(waot: Run, hello: Path, tmp_path: Path) -> None:
    run = waot("build", "hello.wasm", "--target", SOME, "-o", "new/dist/", check=True)
    files = {path.name: path for path in (tmp_path / "new" / "dist").iterdir()}
    assert set(files) == {f"hello-{name}" for name in LINUX}
    heading, *lines = (line.split() for line in run.stdout.splitlines())
    assert heading == ["TARGET", "FILE", "SIZE", "TIME", "SHA-256"]
    assert [line[0] for line in lines] == LINUX
    for line in lines:
        path = tmp_path / line[1]
        assert path == files[f"hello-{line[0]}"]
        assert line[-1] == sha256(path)
        assert f"{path.stat().st_size / 1024:.1f}" == line[2]
    assert not any(line != line.rstrip() for line in run.stdout.splitlines())


def test_names_with_commas_and_repeated_ones_are_one_list(waot: Run, hello: Path, tmp_path: Path) -> None:
    options = ("--target", "linux/arm64,x86_64-linux", "--target", "LINUX-AMD64", "-o", "{target}")
    waot("build", "hello.wasm", *options, check=True)
    assert sorted(os.listdir(tmp_path)) == ["aarch64-linux", "hello.wasm", "x86_64-linux"]


def test_json_tells_all_for_programs(waot: Run, hello: Path, tmp_path: Path) -> None:
    first = json.loads(waot("build", "hello.wasm", "--target", SOME, "-o", "a/", "--json", check=True).stdout)
    again = json.loads(waot("build", "hello.wasm", "--target", SOME, "-o", "a/", "--json", check=True).stdout)
    assert first["version"] == package.__version__
    described = waot("build", "--help", check=True).stdout
    for key in [*first, *first["module"], *first["targets"][0]]:
        assert re.search(rf"\b{key}\b", described)
    assert first["module"] == {"file": "hello.wasm", "sha256": sha256(hello)}
    assert [each["target"] for each in first["targets"]] == LINUX
    for each, later in zip(first["targets"], again["targets"], strict=True):
        target = load_targets()[each["target"]]
        assert (each["tier"], each["checked"]) == (target.tier, target.checked)
        assert each["sha256"] == sha256(tmp_path / each["file"])
        assert each["size"] == (tmp_path / each["file"]).stat().st_size
        assert (later["cached"], later["sha256"]) == (True, each["sha256"])
        assert isinstance(each["seconds"], float)
    [only] = json.loads(waot("build", "hello.wasm", "--emit", "obj", "--json", check=True).stdout)["targets"]
    assert only["file"] == "hello.o"


def test_a_terminal_gets_a_table_with_lines(hello: Path, tmp_path: Path, shared_cache: Path) -> None:
    ours, theirs = pty.openpty()
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "WAOT_CACHE_DIR": str(shared_cache),
        "COLUMNS": "150",
        "TERM": "xterm",
    }
    command = [sys.executable, "-m", "waot", "build", "hello.wasm", "--target", SOME, "-o", "dist/"]
    done = subprocess.run(command, cwd=tmp_path, env=env, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: what the end of a terminal is
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert done.returncode == 0, done.stderr
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert "─" in text
    for name in LINUX:
        assert re.search(rf"{name} +dist/hello-{name} .*{sha256(tmp_path / 'dist' / f'hello-{name}')}", text)


def test_one_target_that_fails_fails_all_and_is_named(tmp_path: Path, shared_cache: Path) -> None:
    assemble(tmp_path / "hello.wasm", '(module (func (export "_start")))')
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / f"hello-{LINUX[0]}").write_text("old")
    code = f"""
import waot.cli as cli, waot.linker as linker
from waot.errors import ToolError
whole = linker.link_executable
def link(parts, *, target, **rest):
    if target.name == {LINUX[1]!r}:
        raise ToolError(f"linking for {{target.name}}: no")
    return whole(parts, target=target, **rest)
linker.link_executable = link
cli.main(["build", "hello.wasm", "--target", "{SOME}", "-o", "dist/", "--no-cache"])
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(shared_cache)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=False
    )
    assert error_line(run) == f"linking for {LINUX[1]}: no"
    assert os.listdir(tmp_path / "dist") == [f"hello-{LINUX[0]}"]
    assert (tmp_path / "dist" / f"hello-{LINUX[0]}").read_text() == "old"


def test_a_failure_of_llvm_names_the_target(tmp_path: Path, shared_cache: Path) -> None:
    assemble(tmp_path / "hello.wasm", '(module (func (export "_start")))')
    code = f"""
import waot.cli as cli, waot.codegen.llvm as llvm
from waot.errors import CodegenError
whole = llvm.compile_unit
def compile_unit(text, runtime, keep, options):
    if options.triple == {find_target(LINUX[1]).triple!r}:
        raise CodegenError("LLVM refused it")
    return whole(text, runtime, keep, options)
llvm.compile_unit = compile_unit
cli.main(["build", "hello.wasm", "--target", "{SOME}", "-o", "dist/", "--no-cache"])
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(shared_cache)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=False
    )
    assert error_line(run) == f"hello.wasm: for {LINUX[1]}: LLVM refused it"
    assert os.listdir(tmp_path) == ["hello.wasm"]


def test_an_output_that_cannot_be_written_leaves_the_others_unwritten(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "dist" / f"hello-{LINUX[-1]}").mkdir(parents=True)
    line = error_line(waot("build", "hello.wasm", "--target", SOME, "-o", "dist"))
    assert line.startswith(f"dist/hello-{LINUX[-1]}: cannot be written: it is a directory")
    assert os.listdir(tmp_path / "dist") == [f"hello-{LINUX[-1]}"]


def test_two_outputs_that_are_one_file_are_refused(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / f"hello-{LINUX[0]}").write_text("old")
    (tmp_path / f"hello-{LINUX[1]}").symlink_to(f"hello-{LINUX[0]}")
    line = error_line(waot("build", "hello.wasm", "--target", SOME))
    assert line.startswith(f"hello-{LINUX[1]}: cannot be written: it is the same file as 'hello-{LINUX[0]}'")
    assert (tmp_path / f"hello-{LINUX[0]}").read_text() == "old"


def test_a_directory_for_a_build_that_fails_is_not_made(waot: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.wasm").write_bytes(b"\0asm\1\0\0\0\x7f")
    error_line(waot("build", "bad.wasm", "--target", SOME, "-o", "new/dist/"))
    assert os.listdir(tmp_path) == ["bad.wasm"]


@pytest.mark.parametrize(
    ("output", "count", "emit", "names"),
    [
        (None, 1, "exe", ["app.exe"]),
        (None, 2, "exe", ["app-x86_64-linux", "app-x86_64-dos.exe"]),
        ("out/", 1, "exe", ["out/app.exe"]),
        ("out/", 2, "exe", ["out/app-x86_64-linux", "out/app-x86_64-dos.exe"]),
        ("{target}/app", 2, "exe", ["x86_64-linux/app", "x86_64-dos/app.exe"]),
        ("{target}.exe", 1, "exe", ["x86_64-dos.exe"]),
        ("program", 1, "exe", ["program"]),
        (None, 2, "obj", ["app-x86_64-linux.o", "app-x86_64-dos.o"]),
        ("{target}.obj", 2, "obj", ["x86_64-linux.obj", "x86_64-dos.obj"]),
    ],
)
def test_names_end_as_the_system_has_it(output: str | None, count: int, emit: str, names: list[str]) -> None:
    linux = find_target("x86_64-linux")
    other = dataclasses.replace(linux, name="x86_64-dos", executable_suffix=".exe")
    paths = api.output_paths("some/app.wasm", output, [linux, other][-count:], emit)
    assert [str(path) for path in paths] == names


def test_an_option_that_one_target_cannot_honour_is_refused_before_anything_is_compiled(hello: Path) -> None:
    linux = find_target("x86_64-linux")
    other = dataclasses.replace(linux, name="x86_64-dos", memory_supported=("guarded", "checked"))
    with pytest.raises(
        WaotError, match="target x86_64-dos has no memory strategy 'static'; use auto or one of guarded"
    ):
        api.build_files(hello, "{target}", [linux, other], BuildOptions(memory="static"), Progress(display=False))
    assert os.listdir(hello.parent) == ["hello.wasm"]


LIBRARIES = ["aarch64-none", "x86_64-none"]
DOUBLE = '(module (func (export "double") (param i32) (result i32) (i32.add (local.get 0) (local.get 0))))'


def test_a_library_appears_with_its_header(waot: Run, tmp_path: Path) -> None:
    assemble(tmp_path / "twice.wasm", DOUBLE)
    run = waot("build", "twice.wasm", "--target", ",".join(LIBRARIES), "-o", "dist/", "--json", check=True)
    told = json.loads(run.stdout)
    headers = [f"dist/twice-{name}.h" for name in LIBRARIES]
    assert [each["file"] for each in told["targets"]] == [f"dist/twice-{name}.a" for name in LIBRARIES]
    assert [each["file"] for each in told["files"]] == headers
    for each in [*told["targets"], *told["files"]]:
        assert each["sha256"] == sha256(tmp_path / each["file"])
    assert "twice_double(" in (tmp_path / headers[0]).read_text()
    again = json.loads(waot("build", "twice.wasm", "--target", LIBRARIES[0], "-o", "{target}-1.2", "--json").stdout)
    assert [again["targets"][0]["file"], again["files"][0]["file"]] == ["aarch64-none-1.2.a", "aarch64-none-1.2.h"]
    assert (tmp_path / "aarch64-none-1.2.h").read_bytes() == (tmp_path / headers[0]).read_bytes()  # from the cache
    waot("build", "twice.wasm", "--target", LIBRARIES[0], "-o", "twice-2.0", check=True)
    assert {"twice-2.0", "twice-2.0.h"} < set(os.listdir(tmp_path))


def test_a_header_that_cannot_be_written_leaves_the_library_unwritten(waot: Run, tmp_path: Path) -> None:
    assemble(tmp_path / "twice.wasm", DOUBLE)
    (tmp_path / "twice.h").mkdir()
    line = error_line(waot("build", "twice.wasm", "--target", LIBRARIES[0]))
    assert line.startswith("twice.h: cannot be written: it is a directory")
    line = error_line(waot("build", "twice.wasm", "--target", LIBRARIES[0], "-o", "app.h"), 2)
    assert "'app.h' is the name of the header that goes with it" in line
    assert sorted(os.listdir(tmp_path)) == ["twice.h", "twice.wasm"]


def test_what_is_not_a_program_is_not_among_all_and_cannot_be_released(waot: Run, hello: Path, tmp_path: Path) -> None:
    assert not {target.name for target in find_targets("all")} & set(LIBRARIES)
    line = error_line(waot("release", "hello.wasm", "--version", "1", "--target", LIBRARIES[0]), 2)
    assert line.startswith(f"target {LIBRARIES[0]} makes no executables to release; those that do: ")
    assert os.listdir(tmp_path) == ["hello.wasm"]
