"""Threads of wasi-threads: what programs do with them, how they end, and which programs are refused."""

from __future__ import annotations

import functools
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import wasmtime

import waot
from tests import tools
from tests.programs.harness import MEMORIES, TRAP_STATUS, Configuration, told_trap
from tests.threads.oracle import run_under_wasmtime
from waot import pipeline
from waot.targets import load_targets

HERE = Path(__file__).resolve().parent
TIMEOUT = 120

# What zig's driver passes on to wasm-ld.
SHARED = ("-Wl,--shared-memory", "-Wl,--import-memory", "-Wl,--export-memory", "-Wl,--max-memory=67108864")
C_FLAGS = ("-O2", "-mcpu=lime1+atomics+bulk_memory", *SHARED)
ZIG_FLAGS = (
    *("-O", "ReleaseSafe", "-mcpu=generic+atomics+bulk_memory", "-fno-single-threaded", "--export=wasi_thread_start"),
    *("--import-memory", "--export-memory", "--shared-memory", "--max-memory=67108864"),
)

QUICK = Configuration("x86_64-linux", "static", "2")
OTHERS = (
    Configuration("x86_64-linux", "guarded", "0"),
    Configuration("x86_64-linux", "checked", "2"),
    Configuration("x86_64-windows", "guarded", "2"),
    Configuration("x86_64-windows", "checked", "0"),
    Configuration("i686-windows", "checked", "2"),
    Configuration("aarch64-windows", "guarded", "2"),
    Configuration("x86_64-macos", "guarded", "2"),
    Configuration("x86_64-macos", "checked", "0"),
    Configuration("aarch64-macos", "guarded", "2"),
    Configuration("aarch64-linux", "static", "2"),
    Configuration("aarch64-linux", "checked", "0"),
    Configuration("riscv64-linux", "static", "2"),
    Configuration("riscv64-linux", "guarded", "2"),
    Configuration("s390x-linux", "static", "2"),
    Configuration("ppc64le-linux", "guarded", "2"),
    Configuration("loongarch64-linux", "checked", "2"),
    Configuration("i686-linux", "checked", "2"),
    Configuration("armv7-linux", "checked", "2"),
    Configuration("riscv32-linux", "checked", "2"),
    Configuration("x86_64-freebsd", "guarded", "2"),
)
EMULATED = [
    target.name
    for target in load_targets().values()
    if target.system in ("linux", "freebsd", "windows", "darwin")
    and not target.parts
    and "threads" not in target.lacks
    and target.name != QUICK.target
]
everywhere = pytest.mark.parametrize(
    "configuration",
    [pytest.param(QUICK, id=str(QUICK)), *(pytest.param(c, id=str(c), marks=pytest.mark.slow) for c in OTHERS)],
)


@functools.cache
def compiled(name: str) -> Path:
    """The module of a source below this directory, named like ``c/counter``."""
    language, _, stem = name.partition("/")
    source = HERE / language / f"{stem}.{language}"
    if language == "wat":
        return _kept(f"{stem}.wasm", bytes(wasmtime.wat2wasm(source.read_text())))
    return tools.compile_to_wasm(source, C_FLAGS if language == "c" else ZIG_FLAGS)


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="threads-")


def _kept(name: str, data: bytes) -> Path:
    path = Path(_scratch().name, name)
    path.write_bytes(data)
    return path


@functools.cache
def built(name: str, configuration: Configuration, dirs: tuple[str, ...] = ()) -> Path:
    """The program that waot makes of a module. Skips where it cannot be compiled or run here."""
    try:
        tools.runner(configuration.target)
        wasm = compiled(name)
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    suffix = load_targets()[configuration.target].executable_suffix
    output = Path(_scratch().name, f"{name.replace('/', '-')}-{configuration}-{len(dirs)}{suffix}")
    waot.build(
        wasm,
        output,
        [configuration.target],
        opt_level=configuration.level,
        memory=configuration.memory,
        jobs=1,
        dirs=list(dirs),
    )
    return output


def run(
    program: Path,
    configuration: Configuration,
    arguments: Sequence[str] = (),
    *,
    cwd: Path | None = None,
    prepare: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    done = _run_once(program, configuration, arguments, cwd, prepare)
    # Debian's Wine for AArch64 loses register 18, which Windows keeps, where a thread ends, and faults if the program
    # ends just then: a program of nothing but CreateThread and TerminateProcess shows it.
    for _ in range(9 if configuration.target == "aarch64-windows" else 0):
        if done.returncode != -signal.SIGSEGV or b"waot" in done.stderr:
            break
        done = _run_once(program, configuration, arguments, cwd, prepare)
    return done


def _run_once(
    program: Path,
    configuration: Configuration,
    arguments: Sequence[str],
    cwd: Path | None,
    prepare: Callable[[], None] | None,
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*tools.runner(configuration.target), program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        cwd=cwd,
        preexec_fn=prepare,
        check=False,
    )


# ------------------------------------------------------------------------------------------------ what they compute


@everywhere
@pytest.mark.parametrize("name", ["c/counter", "c/mixed", "c/queue", "c/grow", "wat/instances", "wat/objects"])
def test_programs_do_what_they_do_under_wasmtime(name: str, configuration: Configuration) -> None:
    program = built(name, configuration)
    done = run(program, configuration)
    status, output = run_under_wasmtime(compiled(name))
    assert (done.returncode, done.stdout.decode()) == (status, output), done.stderr.decode()
    assert output


@everywhere
def test_the_heaps_of_many_threads_have_room_beside_each_other(configuration: Configuration) -> None:
    done = run(built("wat/heaps", configuration), configuration)
    assert (done.returncode, done.stderr) == (7, b"")
    assert run_under_wasmtime(compiled("wat/heaps")) == (7, "")


@everywhere
def test_the_vectors_of_each_thread_are_its_own(configuration: Configuration) -> None:
    done = run(built("wat/vectors", configuration), configuration)
    assert (done.returncode, done.stderr) == (0, b"")


@everywhere
def test_zigs_own_threads_run(configuration: Configuration) -> None:
    done = run(built("zig/library", configuration), configuration)
    assert (done.returncode, done.stderr) == (0, b"counter 10020 own 5\n")


@pytest.mark.parametrize("count", [1, 2, 7])
def test_work_that_is_shared_out_comes_to_the_same(count: int) -> None:
    program = built("c/sum", QUICK)
    start = time.perf_counter()
    done = run(program, QUICK, [str(count)])
    print(f"{count} threads: {time.perf_counter() - start:.3f} s")
    status, output = run_under_wasmtime(compiled("c/sum"), [str(count)])
    assert (done.returncode, done.stdout.decode()) == (status, output)
    assert output == run_under_wasmtime(compiled("c/sum"), ["1"])[1]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("c/counter", QUICK.target),
        ("wat/instances", QUICK.target),
        ("wat/objects", QUICK.target),
        ("wat/instances", "armv7-linux"),
        ("c/counter", "riscv32-linux"),
        ("c/counter", "x86_64-macos"),
        ("wat/instances", "x86_64-macos"),
        ("wat/objects", "x86_64-macos"),
    ],
)
def test_a_module_of_several_units_has_the_same_threads(
    name: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tools.runner_or_skip(target)
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 0)
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 50)
    program = tmp_path / "program"
    waot.build(compiled(name), program, [target], opt_level=1, cache=False)
    done = subprocess.run([*words, program], capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert (done.returncode, done.stdout) == run_under_wasmtime(compiled(name))


# ------------------------------------------------------------------------------------------------ how they end


@everywhere
@pytest.mark.parametrize(
    ("way", "trap", "function"),
    [
        ("trap", "integer divide by zero", "divide"),
        ("memory", "out of bounds memory access", "reach"),
        ("stack", "call stack exhausted", "dive"),
        ("main", "integer divide by zero", "divide"),
        ("race", "integer divide by zero", "divide"),
    ],
)
def test_a_trap_in_one_thread_ends_all(way: str, trap: str, function: str, configuration: Configuration) -> None:
    done = run(built("c/ends", configuration), configuration, [way])
    assert done.returncode == TRAP_STATUS
    told, frames = told_trap(done.stderr)
    assert (told, frames[0][0]) == (trap, function)
    # The backtrace is that of the thread, down to where it begins, and there is one, however many trap.
    last = done.stderr.splitlines()[-1]
    assert (b"wasi_thread_start" in last) == (way != "main"), done.stderr
    assert done.stderr.count(b"waot:") == 1


@everywhere
@pytest.mark.parametrize(("way", "status", "output"), [("exit", 42, b""), ("return", 0, b"returns\n")])
def test_an_exit_of_one_thread_ends_all(way: str, status: int, output: bytes, configuration: Configuration) -> None:
    done = run(built("c/ends", configuration), configuration, [way])
    assert (done.returncode, done.stdout, done.stderr) == (status, output, b"")


@everywhere
def test_a_signal_that_a_thread_raises_ends_all(configuration: Configuration) -> None:
    done = run(built("wat/raises", configuration), configuration)
    windows = load_targets()[configuration.target].system == "windows"  # which has the status that shells give it
    ends = 128 + signal.SIGTERM if windows else -signal.SIGTERM
    assert (done.returncode, done.stdout, done.stderr) == (ends, b"", b"")


# ------------------------------------------------------------------------------------------------ what they cost


@pytest.mark.parametrize("memory", MEMORIES)
def test_ten_thousand_threads_leave_nothing_behind(memory: str) -> None:
    """Each takes more than 24 MiB of address space, of which the whole program has 16 GiB."""
    configuration = Configuration("x86_64-linux", memory, "2")
    limit = 16 << 30
    program = built("c/many", configuration)
    done = run(program, configuration, prepare=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert (done.returncode, done.stdout) == (0, b"10000\n"), done.stderr


def test_what_a_threads_instance_has_taken_goes_with_it() -> None:
    """Tables that have grown and heaps of objects, of which the first few would be all that fits."""
    configuration = Configuration("x86_64-linux", "checked", "2")
    limit = 1 << 30
    program = built("wat/churn", configuration)
    done = run(program, configuration, prepare=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert done.returncode == 7, done.stderr


@pytest.mark.parametrize("target", EMULATED)
def test_a_thread_runs_and_traps_under_an_emulator(target: str) -> None:
    configuration = Configuration(target, load_targets()[target].memory_default, "2")
    done = run(built("wat/instances", configuration), configuration)
    assert (done.returncode, done.stdout.decode()) == run_under_wasmtime(compiled("wat/instances"))
    done = run(built("c/ends", configuration), configuration, ["stack"])
    assert (done.returncode, told_trap(done.stderr)[0]) == (TRAP_STATUS, "call stack exhausted")


@pytest.mark.slow
@pytest.mark.parametrize("target", EMULATED)
def test_ten_thousand_threads_run_under_an_emulator(target: str) -> None:
    configuration = Configuration(target, "checked", "2")
    done = run(built("c/many", configuration), configuration)
    assert (done.returncode, done.stdout) == (0, b"10000\n"), done.stderr


def test_a_limit_on_threads_is_an_error_that_the_program_sees() -> None:
    """RLIMIT_NPROC, which does not hold for root: so the program runs as somebody of whom there is nothing else."""
    nobody = 64321
    program = built("c/limit", QUICK)
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        copy = Path(name, "program")
        copy.write_bytes(program.read_bytes())
        copy.chmod(0o755)

        def prepare() -> None:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(nobody)
                os.setuid(nobody)
                resource.setrlimit(resource.RLIMIT_NPROC, (11, 11))
            else:
                resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

        done = run(copy, QUICK, prepare=prepare)
    assert done.returncode == 0, done.stderr
    first, left, *again = done.stdout.decode().splitlines()
    started = 10 if os.geteuid() == 0 else 0
    assert first == f"started {started}, then -6"  # EAGAIN of WASI
    assert left == f"left {started}"
    assert again == (["again"] if started else [])


def test_want_of_address_space_is_an_error_that_the_program_sees() -> None:
    configuration = Configuration("x86_64-linux", "checked", "2")
    limit = 512 << 20
    done = run(
        built("c/limit", configuration),
        configuration,
        prepare=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert done.returncode == 0, done.stderr
    first, left, again = done.stdout.decode().splitlines()
    words = first.replace(",", "").split()
    assert 0 < int(words[1]) < 64
    assert int(words[3]) < 0
    assert (left, again) == (f"left {words[1]}", "again")


@pytest.mark.slow
def test_want_of_address_space_is_an_error_where_a_thread_takes_much_of_it() -> None:
    """72 MiB each, of the 4 GiB of a processor of 32 bits."""
    configuration = Configuration("armv7-linux", "checked", "2")
    done = run(built("c/limit", configuration), configuration)
    assert done.returncode == 0, done.stderr
    first, left, again = done.stdout.decode().splitlines()
    started = int(first.split()[1].rstrip(","))
    assert 16 < started < 4096 // 72
    assert first == f"started {started}, then -6"  # EAGAIN of WASI
    assert (left, again) == (f"left {started}", "again")


def test_want_of_address_space_for_stacks_on_windows_is_an_error_that_the_program_sees(tmp_path: Path) -> None:
    """64 stacks of 128 MiB are more than 32 bits address."""
    configuration, program = Configuration("i686-windows", "checked", "1"), tmp_path / "program.exe"
    tools.runner_or_skip(configuration.target)
    waot.build(compiled("c/limit"), program, [configuration.target], opt_level=1, stack_size=128 << 20)
    done = run(program, configuration)
    assert done.returncode == 0, done.stderr
    first, left, again = done.stdout.decode().splitlines()
    started = int(first.split()[1].rstrip(","))
    assert 0 < started < 32
    assert (first, left, again) == (f"started {started}, then -6", f"left {started}", "again")


# ------------------------------------------------------------------------------------------------ descriptors


@everywhere
def test_descriptors_are_shared_and_stay_what_was_checked(configuration: Configuration, tmp_path: Path) -> None:
    writable, read_only = tmp_path / "rw", tmp_path / "ro"
    writable.mkdir()
    read_only.mkdir()
    for digit in "0123":
        (writable / digit).write_text(digit * 16)
    program = built("c/files", configuration, ("rw::/rw", "ro::/ro:ro"))
    words = [*tools.runner(configuration.target), str(program)]
    with subprocess.Popen(
        words, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # With something to read there, standard input is ready for the polls.
        process.stdin.write(b"ready")
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(4)]
        handles = len(os.listdir(f"/proc/{process.pid}/fd"))
        process.stdin.close()
        assert process.wait(TIMEOUT) == 0
    assert lines == [
        b"own files: 0 wrong\n",
        b"closed by others: 0 wrong\n",
        b"next number 0 5\n",
        b"directories swapped: 0 wrong\n",
    ]
    assert list(read_only.iterdir()) == []
    if not tools.runner(configuration.target):  # an emulator has handles of its own
        assert handles == 6  # three streams, two grants, and what the last number stands for


@everywhere
def test_where_a_file_stands_and_what_a_directory_lists_is_no_other_threads(
    configuration: Configuration, tmp_path: Path
) -> None:
    (tmp_path / "rw").mkdir()
    (tmp_path / "rw/numbers").write_bytes(b"".join(number.to_bytes(4, "little") for number in range(3000)))
    for number in range(60):
        (tmp_path / f"rw/{number}").touch()
    done = run(built("c/positions", configuration, ("rw::/rw",)), configuration, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"in order: 0 wrong\nlisted: 0 wrong\n", b"")


# ------------------------------------------------------------------------------------------------ what is refused

SPAWN = '(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))'
MEMORY = '(import "env" "memory" (memory 1 2 shared))'
THREAD = '(func (export "wasi_thread_start") (param i32 i32))'
START = '(func (export "_start") (drop (call $spawn (i32.const 0))))'


@pytest.mark.parametrize(
    ("module", "error"),
    [
        (SPAWN + MEMORY + START, "exports no function 'wasi_thread_start', which has type [i32 i32] -> []"),
        (
            SPAWN + MEMORY + START + '(func (export "wasi_thread_start") (param i32))',
            "exports another type ([i32] -> []) of function 'wasi_thread_start'",
        ),
        (
            '(import "wasi" "thread-spawn" (func $spawn (param i64) (result i32)))'
            + MEMORY
            + THREAD
            + '(func (export "_start") (drop (call $spawn (i64.const 0))))',
            "'wasi.thread-spawn' is imported with type [i64] -> [i32]",
        ),
        (SPAWN + '(memory (export "memory") 1 2 shared)' + START + THREAD, "memory 0 is its own"),
        (SPAWN + MEMORY + "(memory 1)" + START + THREAD, "memory 1 is its own"),
        (SPAWN + MEMORY + MEMORY + START + THREAD, "the memory 'env.memory' is imported twice"),
        ('(import "env" "memory" (memory 1 2))(func (export "_start"))', "imports memory 'env.memory'"),
        ('(import "wasi" "thread-join" (func))(func (export "_start"))', "imports func 'wasi.thread-join'"),
    ],
)
def test_what_cannot_have_threads_is_refused_in_a_line(module: str, error: str, tmp_path: Path) -> None:
    with pytest.raises(waot.WaotError) as caught:
        waot.build(_kept("refused.wasm", bytes(wasmtime.wat2wasm(f"(module {module})"))), tmp_path / "program")
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "program").exists()


def test_a_program_of_several_modules_cannot_have_threads(tmp_path: Path) -> None:
    other = _kept("other.wasm", bytes(wasmtime.wat2wasm('(module (func (export "f")))')))
    main = f'(module {SPAWN}{MEMORY}(import "other" "f" (func)){START}{THREAD})'
    with pytest.raises(waot.WaotError, match="several modules"):
        waot.build(_kept("main.wasm", bytes(wasmtime.wat2wasm(main))), tmp_path / "program", links=[f"other={other}"])


def test_a_shared_memory_is_made_also_where_nobody_starts_a_thread(tmp_path: Path) -> None:
    module = f"""(module {MEMORY} (data (i32.const 3) "x")
      (func (export "_start")
        (if (i32.ne (memory.grow (i32.const 1)) (i32.const 1)) (then unreachable))
        (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
        (if (i32.ne (i32.load8_u (i32.const 3)) (i32.const 0x78)) (then unreachable))
        (i32.atomic.store (i32.const 131068) (i32.const 1))
        (drop (i32.load (i32.const 131072)))))"""
    for memory in MEMORIES:
        program = tmp_path / memory
        waot.build(_kept("shared.wasm", bytes(wasmtime.wat2wasm(module))), program, memory=memory, opt_level=0)
        done = run(program, QUICK)
        assert (done.returncode, told_trap(done.stderr)[0]) == (TRAP_STATUS, "out of bounds memory access")
