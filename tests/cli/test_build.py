"""Building and running from the command line, and every kind of bad input: one line, a status, nothing written."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime

import waot as package
from tests.cli.helpers import HELLO, ROOT, Run, assemble, error_line
from waot.errors import UsageError
from waot.targets import find_target, host_target

HOST = host_target().name


def module(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def program(path: Path) -> str:
    """What the native program at `path` prints."""
    return subprocess.run([path], capture_output=True, text=True, check=True).stdout


# -------------------------------------------------------------------------------------------------------- what works


def test_a_module_becomes_a_program(waot: Run, hello: Path) -> None:
    run = waot("build", "hello.wasm", check=True)
    assert (run.stdout, run.stderr) == ("", "")
    output = hello.with_suffix("")
    assert program(output) == "hello\n"
    assert sorted(os.listdir(hello.parent)) == ["hello", "hello.wasm"]


def test_the_mode_is_that_of_an_executable_within_the_umask(waot: Run, hello: Path) -> None:
    mask = os.umask(0o027)
    try:
        waot("build", "hello.wasm", check=True)
        waot("build", "hello.wasm", "--emit", "asm", check=True)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(hello.with_suffix("").stat().st_mode) == 0o750
    assert stat.S_IMODE(hello.with_suffix(".s").stat().st_mode) == 0o640


def test_verbose_tells_steps_and_result(waot: Run, hello: Path) -> None:
    run = waot("build", "hello.wasm", "-v", "--no-cache", check=True)
    lines = run.stderr.splitlines()
    assert len(lines) > 2
    assert lines[-1].startswith(f"hello: {HOST}, ")
    assert all(line.startswith("waot: ") for line in lines[:-1])


def test_several_targets_in_one_call(waot: Run, hello: Path, tmp_path: Path) -> None:
    names = ["aarch64-linux", "riscv64-linux", "x86_64-linux"]
    options = [option for name in names for option in ("--target", name)]
    waot("build", "hello.wasm", *options, check=True)
    (tmp_path / "dist").mkdir()
    waot("build", "hello.wasm", *options, "-o", "dist", check=True)
    waot("build", "hello.wasm", *options, "-o", "h.{target}.bin", check=True)
    for name in names:
        data = (tmp_path / f"hello-{name}").read_bytes()
        assert data.startswith(b"\x7fELF")
        assert data == (tmp_path / "dist" / f"hello-{name}").read_bytes()
        assert data == (tmp_path / f"h.{name}.bin").read_bytes()
    assert program(tmp_path / f"hello-{HOST}") == "hello\n"


def test_one_target_named_twice_is_built_once(waot: Run, hello: Path) -> None:
    waot("build", "hello.wasm", "--target", HOST, "--target", "native", check=True)
    assert sorted(os.listdir(hello.parent)) == ["hello", "hello.wasm"]


def test_a_directory_takes_the_result_under_the_modules_name(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    waot("build", "hello.wasm", "-o", "dist/", check=True)
    assert program(tmp_path / "dist" / "hello") == "hello\n"


@pytest.mark.parametrize(
    ("emit", "suffix", "start"), [("obj", ".o", b"\x7fELF"), ("asm", ".s", b""), ("llvm-ir", ".ll", b"")]
)
def test_earlier_stages_can_be_written(
    waot: Run, hello: Path, tmp_path: Path, emit: str, suffix: str, start: bytes
) -> None:
    waot("build", "hello.wasm", "--emit", emit, check=True)
    data = (tmp_path / f"hello{suffix}").read_bytes()
    assert data.startswith(start)
    assert not os.access(tmp_path / f"hello{suffix}", os.X_OK) or os.geteuid() == 0
    if emit != "obj":
        assert waot("build", "hello.wasm", "--emit", emit, "-o", "-", check=True).stdout == data.decode()


def test_standard_input_is_a_module(waot: Run, tmp_path: Path) -> None:
    waot("build", "-", "-o", "out", stdin=module(HELLO), check=True)
    assert program(tmp_path / "out") == "hello\n"
    assert waot("validate", "-", stdin=module(HELLO), check=True).stdout == "<stdin>: valid\n"


def test_the_text_format_is_a_module(waot: Run, tmp_path: Path) -> None:
    (tmp_path / "hello.wat").write_text(HELLO)
    waot("build", "hello.wat", check=True)
    assert program(tmp_path / "hello") == "hello\n"
    assert waot("validate", "hello.wat", check=True).stdout == "hello.wat: valid\n"


def test_the_text_format_without_its_extra_says_how_to_get_it(waot: Run, tmp_path: Path) -> None:
    (tmp_path / "hello.wat").write_text(HELLO)
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "wasmtime.py").write_text("raise ImportError\n")
    run = waot("build", "hello.wat", env={"PYTHONPATH": f"{tmp_path / 'without'}:{ROOT}"})
    assert run.returncode in (1, 2)
    assert "pip install 'waot[wat]'" in error_line(run, run.returncode)


def test_options_do_not_stand_in_each_others_way(waot: Run, hello: Path) -> None:
    waot(
        *(
            "build",
            "hello.wasm",
            "-Oz",
            "--cpu",
            "native",
            "--memory",
            "checked",
            "--stack-size",
            "512KiB",
            "--jobs",
            "1",
        ),
        *("--dir", "/tmp::/t:ro", "--env", "A=b", "--env", "HOME", "--inherit-env"),
        check=True,
    )
    assert program(hello.with_suffix("")) == "hello\n"
    shown = waot("inspect", "hello", check=True).stdout
    for text in (HOST, "checked", "/tmp", "/t", "A", "HOME"):
        assert text in shown


def test_an_existing_output_is_replaced_and_a_link_followed(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    waot("build", "hello.wasm", "-o", "link", check=True)
    assert (tmp_path / "link").is_symlink()
    assert program(tmp_path / "real") == "hello\n"


def test_a_program_that_is_running_can_be_replaced(waot: Run, tmp_path: Path) -> None:
    assemble(tmp_path / "spin.wasm", '(module (func (export "_start") (loop br 0)))')
    waot("build", "spin.wasm", check=True)
    child = subprocess.Popen([tmp_path / "spin"])
    try:
        waot("build", "spin.wasm", "-O0", check=True)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_a_device_is_written_to_and_stays_a_device(waot: Run, hello: Path) -> None:
    waot("build", "hello.wasm", "-o", "/dev/null", check=True)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_run_passes_streams_arguments_and_status(waot: Run, tmp_path: Path, hello: Path) -> None:
    assert waot("run", "hello.wasm", check=True).stdout == "hello\n"
    assemble(
        tmp_path / "count.wasm",
        """(module
          (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "_start")
            (drop (call $sizes (i32.const 0) (i32.const 4)))
            (call $exit (i32.load (i32.const 0)))))""",
    )
    assert waot("run", "count.wasm").returncode == 1
    assert waot("run", "count.wasm", "--", "a", "--help").returncode == 3
    assert waot("run", "-", "--", "a", stdin=(tmp_path / "count.wasm").read_bytes()).returncode == 2
    assert sorted(os.listdir(tmp_path)) == ["count.wasm", "hello.wasm"]


def test_run_reports_a_trap_by_status(waot: Run, tmp_path: Path) -> None:
    assemble(tmp_path / "trap.wasm", '(module (func (export "_start") unreachable))')
    run = waot("run", "trap.wasm")
    assert run.returncode == 134
    assert "unreachable" in run.stderr


def test_run_uses_an_emulator_for_another_machine(waot: Run, hello: Path) -> None:
    foreign = next(t for t in map(find_target, ("aarch64-linux", "riscv64-linux")) if not t.is_host())
    if not foreign.emulator or not shutil.which(foreign.emulator):
        pytest.skip(f"{foreign.emulator} is not installed")
    assert waot("run", "hello.wasm", "--target", foreign.name, check=True).stdout == "hello\n"
    line = error_line(waot("run", "hello.wasm", "--target", foreign.name, env={"PATH": "/nonexistent"}))
    assert foreign.emulator in line


def test_inspect_shows_a_module_and_an_executable(waot: Run, hello: Path) -> None:
    shown = waot("inspect", "hello.wasm", check=True).stdout
    for text in ("fd_write", "wasi_snapshot_preview1", "_start"):
        assert text in shown
    assert "fd_write" in json.dumps(json.loads(waot("inspect", "--json", "hello.wasm", check=True).stdout))
    waot("build", "hello.wasm", "--dir", "data::/data:ro", check=True)
    for arguments in (["hello"], ["hello", "--json"]):
        shown = waot("inspect", *arguments, check=True).stdout
        for text in (HOST, "/data", "fd_write", "static"):
            assert text in shown


def test_the_api_does_what_the_commands_do(
    hello: Path, tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAOT_CACHE_DIR", str(shared_cache))
    package.validate(hello)
    [result] = package.build(hello, tmp_path / "out", ["native"], opt_level=1, stack_size="1MiB", dirs=["."])
    assert (result.target, result.output) == (HOST, tmp_path / "out")
    assert result.size == (tmp_path / "out").stat().st_size
    assert program(tmp_path / "out") == "hello\n"
    assert HOST in repr(package.inspect(tmp_path / "out"))
    assert "fd_write" in repr(package.inspect(hello))
    with pytest.raises(package.UsageError):
        package.build(hello, tmp_path / "out", opt_level="fast")
    with pytest.raises(package.WaotError, match="cannot be read"):
        package.validate(tmp_path / "missing.wasm")
    assert capfd.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------------------- bad input

NO_START = '(module (memory (export "memory") 1))'
UNKNOWN_IMPORT = '(module (import "env" "frob" (func $f)) (func (export "_start") (call $f)))'
UNKNOWN_WASI = """(module (import "wasi_snapshot_preview1" "frob" (func $f)) (func (export "_start") (call $f)))"""
WRONG_TYPE = """(module (import "wasi_snapshot_preview1" "fd_close" (func $f)) (func (export "_start") (call $f)))"""
# A function of type [] -> [i32] whose body is empty.
INVALID = bytes.fromhex("0061736d 01000000 0105016000017f 03020100 0a040102000b")
COMPONENT = bytes.fromhex("0061736d 0d000100")

BAD = {
    "empty": (b"", ["empty"]),
    "not wasm": (b"hello, world", ["not a WebAssembly module"]),
    "an executable": (b"\x7fELF" + bytes(100), ["not a WebAssembly module"]),
    "only a magic": (b"\0asm", ["cut off"]),
    "truncated": (module(HELLO)[:-5], ["offset 0x", "unexpected end"]),
    "malformed": (module(HELLO)[:8] + b"\x7f\x00", ["offset 0x8", "section"]),
    "invalid": (INVALID, ["function", "offset 0x"]),
    "a component": (COMPONENT, ["component"]),
    "an unknown import": (module(UNKNOWN_IMPORT), ["env", "frob"]),
    "an unknown WASI function": (module(UNKNOWN_WASI), ["wasi_snapshot_preview1", "frob"]),
    "an import of another type": (module(WRONG_TYPE), ["fd_close"]),
    "no _start": (module(NO_START), ["_start"]),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["build", "run"])
def test_a_bad_module_is_one_line_and_nothing_is_written(waot: Run, tmp_path: Path, command: str, name: str) -> None:
    data, texts = BAD[name]
    (tmp_path / "bad.wasm").write_bytes(data)
    line = error_line(waot(command, "bad.wasm"))
    assert line.startswith("bad.wasm: ")
    assert line.count("bad.wasm") == 1
    for text in texts:
        assert text in line
    assert os.listdir(tmp_path) == ["bad.wasm"]


@pytest.mark.parametrize("name", BAD)
def test_validate_says_what_build_says_where_the_module_itself_is_at_fault(
    waot: Run, tmp_path: Path, name: str
) -> None:
    data, texts = BAD[name]
    (tmp_path / "bad.wasm").write_bytes(data)
    run = waot("validate", "bad.wasm")
    if name in ("an unknown import", "an unknown WASI function", "an import of another type", "no _start"):
        assert (run.returncode, run.stdout) == (0, "bad.wasm: valid\n")
        return
    line = error_line(run)
    assert line.startswith("bad.wasm: ")
    for text in texts:
        assert text in line


@pytest.mark.parametrize("command", ["build", "run", "validate", "inspect"])
def test_a_file_that_cannot_be_read_is_named(waot: Run, tmp_path: Path, command: str) -> None:
    assert error_line(waot(command, "no.wasm")) == "no.wasm: cannot be read: No such file or directory"
    assert error_line(waot(command, "/")) == "/: cannot be read: Is a directory"


def test_a_truncated_executable_cannot_be_inspected(waot: Run, hello: Path, tmp_path: Path) -> None:
    waot("build", "hello.wasm", check=True)
    data = (tmp_path / "hello").read_bytes()
    for length in (4, 40, 100, len(data) // 2):
        (tmp_path / "cut").write_bytes(data[:length])
        assert error_line(waot("inspect", "cut")).startswith("cut: ")
    error_line(waot("inspect", sys.executable))


@pytest.mark.parametrize("output", ["missing/hello", "/proc/hello", "/dev/full", "hello.wasm", "link", "name" * 100])
def test_an_output_that_cannot_be_written_is_named(waot: Run, hello: Path, tmp_path: Path, output: str) -> None:
    (tmp_path / "link").symlink_to("hello.wasm")
    before = hello.read_bytes()
    line = error_line(waot("build", "hello.wasm", "-o", output))
    assert line.startswith(f"{output}: cannot be written: ")
    assert hello.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["hello.wasm", "link"]


def test_an_output_that_is_a_directory_is_named(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "hello").mkdir()
    assert error_line(waot("build", "hello.wasm")).startswith("hello: cannot be written: it is a directory")
    assert os.listdir(tmp_path / "hello") == []


def test_a_module_without_a_suffix_is_not_overwritten(waot: Run, hello: Path, tmp_path: Path) -> None:
    hello.rename(tmp_path / "hello")
    assert "it is the module itself" in error_line(waot("build", "hello"))
    assert (tmp_path / "hello").read_bytes().startswith(b"\0asm")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB."""
    path = tmp_path / "disk"
    path.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", path], check=False).returncode
    ):
        pytest.skip("only root can make a small disk")
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_full_disk_leaves_the_old_output(waot: Run, hello: Path, small_disk: Path) -> None:
    (small_disk / "hello").write_text("old")
    (small_disk / "filler").write_bytes(bytes(8 << 10))
    line = error_line(waot("build", hello, "-o", small_disk / "hello"))
    assert line == f"{small_disk / 'hello'}: cannot be written: No space left on device"
    assert sorted(os.listdir(small_disk)) == ["filler", "hello"]
    assert (small_disk / "hello").read_text() == "old"


def test_a_full_disk_under_the_cache_is_a_warning(waot: Run, hello: Path, small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(12 << 10))
    run = waot("build", "hello.wasm", env={"WAOT_CACHE_DIR": str(small_disk)})
    if run.returncode:  # zig's own files had to go there
        assert "No space left" in error_line(run) or "zig" in error_line(run)
    else:
        assert program(tmp_path / "hello") == "hello\n"
        assert run.stderr.count("waot: warning: ") == 1


def test_damaged_cache_entries_are_made_again(waot: Run, hello: Path, tmp_path: Path) -> None:
    env = {"WAOT_CACHE_DIR": str(tmp_path / "cache")}
    waot("build", "hello.wasm", env=env, check=True)
    before = (tmp_path / "hello").read_bytes()
    entries = [p for p in (tmp_path / "cache").rglob("*") if p.is_file() and len(p.name) == 64]
    assert entries
    for number, path in enumerate(entries):
        data = path.read_bytes()
        path.write_bytes([data[:-1], b"", data[:50] + b"?" + data[51:]][number % 3])
    run = waot("build", "hello.wasm", env=env, check=True)
    assert run.stderr == ""
    assert (tmp_path / "hello").read_bytes() == before


def test_a_cache_that_cannot_be_used_is_one_warning(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = waot("build", "hello.wasm", env={"WAOT_CACHE_DIR": str(tmp_path / "file")}, check=True)
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("waot: warning: the cache ")
    assert program(tmp_path / "hello") == "hello\n"


def test_without_a_home_it_works(waot: Run, hello: Path, tmp_path: Path) -> None:
    env = {"WAOT_CACHE_DIR": None, "XDG_CACHE_HOME": None, "HOME": "/nonexistent"}
    run = waot("build", "hello.wasm", env=env, check=True)
    assert run.stderr.count("waot: warning: ") == run.stderr.count("\n") == 1
    assert program(tmp_path / "hello") == "hello\n"


def test_no_cache_writes_none(waot: Run, hello: Path, tmp_path: Path) -> None:
    env = {"WAOT_CACHE_DIR": str(tmp_path / "cache")}
    waot("build", "hello.wasm", "--no-cache", env=env, check=True)
    info = json.loads(waot("cache", "info", "--json", env=env, check=True).stdout)
    assert info["entries"] == 0


def test_the_same_bytes_come_out_cached_or_not_and_wherever(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(hello, tmp_path / "elsewhere" / "hello.wasm")
    waot("build", "hello.wasm", "-o", "a", "--no-cache", "--jobs", "1", check=True)
    waot("build", "hello.wasm", "-o", "b", check=True)
    waot("build", "hello.wasm", "-o", "c", "--jobs", "3", check=True)
    waot("build", "hello.wasm", "-o", "../d", "--no-cache", cwd=tmp_path / "elsewhere", check=True)
    assert len({(tmp_path / name).read_bytes() for name in "abcd"}) == 1


def test_a_signal_while_a_worker_is_forked_ends_the_command_too() -> None:
    """Python drops exceptions of what it calls around a fork."""
    program = """if True:
        import os, signal, time
        from waot.cli import _handle_signals
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _handle_signals()
        os.register_at_fork(before=lambda: os.kill(os.getpid(), signal.SIGTERM))
        if os.fork() == 0:
            os._exit(0)
        time.sleep(60)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (143, b"")


def test_an_interrupt_leaves_nothing(tmp_path: Path, shared_cache: Path) -> None:
    functions = "".join(
        f"(func $f{i} (param i32) (result i32) {'(i32.rotl (local.get 0) ' * 200}(i32.const {i}){')' * 200})"
        for i in range(2000)
    )
    table = f"(table 2000 funcref) (elem (i32.const 0) {' '.join(f'$f{i}' for i in range(2000))})"
    assemble(tmp_path / "big.wasm", f'(module (func (export "_start")) {table} {functions})')
    child = subprocess.Popen(
        [sys.executable, "-m", "waot", "build", "big.wasm", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(shared_cache)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    # Not before it is at work: Python itself may still be starting.
    workers = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    while child.poll() is None and not workers.read_text():
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGINT)  # what a terminal does: everybody gets it
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert b"Traceback" not in errors
    assert os.listdir(tmp_path) == ["big.wasm"]


def test_an_interrupt_amid_the_start_of_the_workers_is_an_interrupt(tmp_path: Path, shared_cache: Path) -> None:
    assemble(tmp_path / "hello.wasm", '(module (func (export "_start")))')
    code = """
import os, signal, sys
from concurrent.futures import process
start = process._ExecutorManagerThread.start
def interrupted(thread):
    os.kill(os.getpid(), signal.SIGINT)
    start(thread)
process._ExecutorManagerThread.start = interrupted
from waot.cli import main
main(["build", "hello.wasm", "--no-cache", "--jobs", "2"])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(shared_cache)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert os.listdir(tmp_path) == ["hello.wasm"]


def _with_compile_unit(body: str, tmp_path: Path, shared_cache: Path) -> subprocess.CompletedProcess[str]:
    """`waot build hello.wasm --no-cache`, where compiling a unit begins with `body`: workers are forked and have it."""
    code = f"""
import os, signal, waot.codegen.llvm as llvm, waot.cli as cli
whole = llvm.compile_unit
def compile_unit(*arguments):
    {body}
    return whole(*arguments)
llvm.compile_unit = compile_unit
cli.main(["build", "hello.wasm", "--no-cache"])
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(shared_cache)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=False
    )


def test_a_killed_worker_is_reported_with_what_it_did(hello: Path, tmp_path: Path, shared_cache: Path) -> None:
    line = error_line(_with_compile_unit("os.kill(os.getpid(), signal.SIGKILL)", tmp_path, shared_cache))
    assert line.startswith("hello.wasm: ")
    assert "unit 0" in line
    assert "died" in line
    assert os.listdir(tmp_path) == ["hello.wasm"]


def test_a_worker_killed_once_is_replaced(hello: Path, tmp_path: Path, shared_cache: Path) -> None:
    body = """
    try:
        os.mkdir("killed")
    except FileExistsError:
        pass
    else:
        os.kill(os.getpid(), signal.SIGKILL)"""
    run = _with_compile_unit(body, tmp_path, shared_cache)
    assert (run.returncode, run.stderr) == (0, "")
    assert program(tmp_path / "hello") == "hello\n"
    assert (tmp_path / "killed").exists()


def test_names_in_a_module_cannot_drive_the_terminal(waot: Run, tmp_path: Path) -> None:
    assemble(tmp_path / "a.wasm", r'(module (import "env" "\1b[31mred\n" (func)) (func (export "_start") (call 0)))')
    for arguments in (["build", "a.wasm"], ["inspect", "a.wasm"]):
        run = waot(*arguments)
        assert "\x1b" not in run.stdout + run.stderr
        assert r"\x1b[31mred" in run.stdout + run.stderr


def test_file_names_need_not_be_unicode(waot: Run, hello: Path, tmp_path: Path) -> None:
    hello.rename(tmp_path / os.fsdecode(b"\xff.wasm"))
    name = os.fsdecode(b"\xff")
    waot("build", f"{name}.wasm", "--dir", f".::/{name}", "--env", f"A={name}", check=True)
    assert program(tmp_path / name) == "hello\n"
    for command in (["validate", f"{name}.wasm"], ["inspect", name], ["inspect", name, "--json"]):
        assert r"\udcff" in waot(*command, check=True).stdout


def test_run_works_where_memory_cannot_be_executed(tmp_path: Path, shared_cache: Path) -> None:
    exit_7 = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                  (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 7))))"""
    assemble(tmp_path / "seven.wasm", exit_7)
    code = 'import os, waot.cli as cli; del os.memfd_create; cli.main(["run", "seven.wasm", "--", "a"])'
    env = {**os.environ, "PYTHONPATH": str(ROOT), "WAOT_CACHE_DIR": str(shared_cache), "TMPDIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (7, "", "")
    assert os.listdir(tmp_path) == ["seven.wasm"]


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ([], "system calls: filtered; it runs where the system refuses the filter"),
        (["--require-seccomp"], "system calls: filtered; it does not run where the system refuses the filter"),
        (["--no-seccomp"], "system calls: not filtered"),
    ],
)
def test_inspect_shows_which_system_calls_are_left(waot: Run, hello: Path, option: list[str], told: str) -> None:
    waot("build", "hello.wasm", "-O0", *option, check=True)
    shown = waot("inspect", "hello", check=True).stdout
    assert f"\n{told}\n" in shown
    [*filters] = json.loads(waot("inspect", "--json", "hello", check=True).stdout)["system_calls"]
    assert ("exit_group" in shown) == bool(filters)
    if filters:
        assert {"write", "writev", "exit_group"} <= set(filters[0]["names"])
        assert not {"read", "openat", "clock_gettime"} & set(filters[0]["names"])


def test_seccomp_is_refused_for_a_system_without_it() -> None:
    other = dataclasses.replace(find_target("x86_64-linux"), system="darwin", name="x86_64-darwin")
    other.check_seccomp("default")
    for choice, option in (("off", "--no-seccomp"), ("required", "--require-seccomp")):
        with pytest.raises(UsageError, match=f"x86_64-darwin has no seccomp, which is Linux's; leave {option} out"):
            other.check_seccomp(choice)
