"""Test programs as data, and the two ways of running one: under wasmtime (the oracle) and as a native program by waot.

A program is a source file in a folder of its language. A TOML file of the same name beside it may say

    flags = ["-O1", "-msimd128"]        # to the compiler, in place of the usual ones
    quick = ["x86_64-linux-static-O0"]  # the builds that are quick enough for `make test`; [] for none
    compare_stderr = false              # standard error is not the same twice
    stack_size = "64MiB"                # of waot build
    features = ["multi-value"]          # what, at least, `waot inspect` finds that the module uses
    symbolic_links = true               # it makes some

    [env]                               # granted variables
    NAME = "value"
    [dirs."/guest"]                     # a granted directory and what is in it at the start
    "sub/file.txt" = "text"
    "name" = { link = "sub/file.txt" }
    "file.bin" = { hex = "00ff" }
    [grants]
    read_only = ["/guest"]

    [[variant]]                         # compiled several ways
    name = "fast"
    flags = ["-O", "ReleaseFast"]
    quick = []                          # in place of the program's
    features = ["custom-page-sizes"]    # likewise
    relaxed_simd = "deterministic"      # of waot build
    wasm_ld = ["--page-size=1"]         # compiled to an object with `flags`, then linked by wasm-ld with these
    oracle = "other"                    # wasmtime cannot run this one: it runs that variant in its place

    [[run]]                             # run several ways, each from the same build
    name = "two"
    args = ["x"]
    stdin = "text"
    status = 3                          # what wasmtime itself must give; 0 if not said
    trap = "integer divide by zero"     # or the trap it must end in, ...
    function = "divide"                 # ... and where

What is said of status, trap and function is checked against wasmtime's own outcome, so that a program that no longer
does what it was written for is noticed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import wasmtime

from tests import tools
from waot.frontend import decode_module, inspect
from waot.targets import find_target

HERE = Path(__file__).resolve().parent
ABI_HEADER = tools.ROOT / "runtime-support/include/waot_abi.h"
TRAP_STATUS = 134
RUN_TIMEOUT = 300  # seconds

TARGETS = ("x86_64-linux", "aarch64-linux", "riscv64-linux", "x86_64-windows")
SLOW_TARGETS = (
    *("i686-linux", "armv7-linux", "riscv32-linux", "ppc64le-linux", "s390x-linux", "loongarch64-linux"),
    "i686-windows",
)
MEMORIES = ("static", "guarded", "checked")
LEVELS = ("0", "2")


@dataclass(frozen=True)
class Run:
    """One way of running a program, and what must come of it."""

    name: str = ""
    args: tuple[str, ...] = ()
    stdin: bytes = b""
    status: int = 0
    trap: str | None = None
    function: str | None = None


@dataclass(frozen=True)
class Entry:
    """A file or symbolic link that a granted directory holds at the start."""

    path: str
    data: bytes = b""
    link: str | None = None


@dataclass(frozen=True)
class Program:
    """A source file, one way of compiling it, and every way of running it."""

    source: Path
    variant: str = ""
    flags: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    dirs: tuple[tuple[str, tuple[Entry, ...]], ...] = ()
    read_only: frozenset[str] = frozenset()
    runs: tuple[Run, ...] = (Run(),)
    quick: tuple[str, ...] | None = None  # None: the test chooses
    compare_stderr: bool = True
    stack_size: str | None = None
    features: frozenset[str] = frozenset()
    symbolic_links: bool = False
    relaxed_simd: str | None = None
    wasm_ld: tuple[str, ...] | None = None
    oracle_flags: tuple[str, ...] | None = None  # of the module that wasmtime runs, if it is another one

    @property
    def name(self) -> str:
        variant = f"-{self.variant}" if self.variant else ""
        return f"{self.source.parent.name}/{self.source.stem}{variant}"

    def wasm(self) -> Path:
        """The module, compiled if need be. Raises ToolMissing or CompilationFailed."""
        if self.source.parent.name == "python":
            return tools.python_wasm()
        if self.wasm_ld is not None:
            return tools.compile_and_link(self.source, self.flags or (), self.wasm_ld)
        return tools.compile_to_wasm(self.source, self.flags)

    def oracle(self) -> Path:
        """The module that wasmtime runs. Raises as `wasm` does."""
        if self.oracle_flags is None:
            return self.wasm()
        return tools.compile_to_wasm(self.source, self.oracle_flags)


@dataclass(frozen=True)
class Configuration:
    """One cell of the matrix of builds."""

    target: str
    memory: str
    level: str
    profiled: bool = False  # what is judged was compiled by the profile of a program that did the same before

    def __str__(self) -> str:
        return f"{self.target}-{self.memory}-O{self.level}{'-profiled' * self.profiled}"


MATRIX = tuple(
    Configuration(t, m, o) for t in TARGETS for m in MEMORIES for o in LEVELS if m in find_target(t).memory_supported
)
# No program of `make test` is built for these alone; macOS, Android and FreeBSD have tests of their own.
SLOW_MATRIX = tuple(Configuration(t, find_target(t).memory_default, o) for t in SLOW_TARGETS for o in LEVELS)


# A backtrace, innermost first: function name, byte offset in the module.
Frames = tuple[tuple[str | None, int | None], ...]


@dataclass(frozen=True)
class Outcome:
    """What a run did: all that a user could tell two programs apart by."""

    stdout: bytes
    stderr: bytes
    status: int | None  # None: wasmtime does not let a status above 125 through
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    trap: str | None = None
    frames: Frames = ()


# ------------------------------------------------------------------------------------------------------------ discovery


def discover() -> list[Program]:
    """Every program in the folders of the languages, each variant of it on its own."""
    programs = []
    for source in sorted(HERE.glob("*/*")):
        if source.suffix in tools.LANGUAGES and source.parent.name == tools.LANGUAGES[source.suffix]:
            programs += load(source)
    return [*programs, cpython()]


def cpython() -> Program:
    """CPython with the scripts in the folder python, each a run; python.toml says what some of them need."""
    folder = HERE / "python"
    (program,) = load(folder / "python.py")
    scripts = sorted(folder.glob("*.py"))
    special = {run.name for run in program.runs}
    plain = tuple(Run(s.name, (f"/app/{s.name}",)) for s in scripts if s.name not in special)
    app = ("/app", tuple(Entry(script.name, script.read_bytes()) for script in scripts))
    return replace(program, dirs=(*program.dirs, app), runs=(*program.runs, *plain))


def load(source: Path) -> list[Program]:
    """The program in `source`, as its TOML file describes it."""
    sidecar = source.with_suffix(".toml")
    if not sidecar.exists():
        return [Program(source)]
    data = tomllib.loads(sidecar.read_text())
    program = Program(
        source,
        flags=_strings(data, "flags"),
        env=tuple(data.pop("env", {}).items()),
        dirs=tuple((guest, _entries(files)) for guest, files in data.pop("dirs", {}).items()),
        read_only=frozenset(data.pop("grants", {}).get("read_only", ())),
        runs=tuple(_run(table, sidecar) for table in data.pop("run", [{}])),
        quick=_strings(data, "quick"),
        compare_stderr=data.pop("compare_stderr", True),
        stack_size=data.pop("stack_size", None),
        features=frozenset(data.pop("features", ())),
        symbolic_links=data.pop("symbolic_links", False),
    )
    variants = data.pop("variant", None)
    if data:
        raise ValueError(f"{sidecar.name} says {', '.join(data)}, which means nothing")
    if variants is None:
        return [program]
    flags = {variant["name"]: _strings(variant, "flags") for variant in variants}
    return [
        replace(
            program,
            variant=v["name"],
            flags=flags[v["name"]],
            oracle_flags=flags.get(v.get("oracle")),
            quick=_strings(v, "quick") if "quick" in v else program.quick,
            features=frozenset(v["features"]) if "features" in v else program.features,
            relaxed_simd=v.get("relaxed_simd"),
            wasm_ld=_strings(v, "wasm_ld"),
        )
        for v in variants
    ]


def _strings(table: dict[str, Any], key: str) -> tuple[str, ...] | None:
    values = table.pop(key, None)
    return None if values is None else tuple(values)


def _entries(files: dict[str, Any]) -> tuple[Entry, ...]:
    entries = []
    for path, content in files.items():
        if isinstance(content, str):
            entries.append(Entry(path, content.encode()))
        elif "link" in content:
            entries.append(Entry(path, link=content["link"]))
        else:
            entries.append(Entry(path, bytes.fromhex(content["hex"])))
    return tuple(entries)


def _run(table: dict[str, Any], sidecar: Path) -> Run:
    unknown = set(table) - {"name", "args", "stdin", "status", "trap", "function"}
    if unknown:
        raise ValueError(f"{sidecar.name}: a run says {', '.join(unknown)}, which means nothing")
    return Run(
        name=table.get("name", ""),
        args=tuple(table.get("args", ())),
        stdin=table.get("stdin", "").encode(),
        status=table.get("status", 0),
        trap=table.get("trap"),
        function=table.get("function"),
    )


# ----------------------------------------------------------------------------------------------- what both ways share


def host_directory(guest: str) -> str:
    """The name, below the directory of a run, of the directory that the guest sees as `guest`."""
    return "granted" + guest.replace("/", "_").rstrip("_")


def lay_out(program: Program, directory: Path) -> None:
    """Makes the granted directories of `program`, as they are at the start, below `directory`."""
    for guest, entries in program.dirs:
        root = directory / host_directory(guest)
        root.mkdir()
        for entry in entries:
            path = root / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.link is not None:
                path.symlink_to(entry.link)
            else:
                path.write_bytes(entry.data)


def tree(root: Path) -> dict[str, str]:
    """Everything below `root`: relative path to what it is (a directory, a link's target, a file's bytes)."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = Path(directory, name)
            if path.is_symlink():
                content = f"link to {os.readlink(path)}"
            elif path.is_dir():
                content = "directory"
            else:
                data = path.read_bytes()
                content = f"{len(data)} bytes: " + (repr(data) if len(data) < 200 else hashlib.sha256(data).hexdigest())
            found[str(path.relative_to(root))] = content
    return found


def _trees(program: Program, directory: Path) -> dict[str, dict[str, str]]:
    return {guest: tree(directory / host_directory(guest)) for guest, _ in program.dirs}


# ------------------------------------------------------------------------------------------------------- under wasmtime


@functools.cache
def trap_texts() -> dict[str, str]:
    """The names of the traps in the ABI header and what a user sees for each."""
    return dict(re.findall(r'T\((\w+), "([^"]+)"\)', ABI_HEADER.read_text()))


# wasmtime's codes by ours. It tells fewer apart: a call through the end of a table from any other access beyond it, and
# what was null.
TRAP_CODES = {
    "STACK_OVERFLOW": ("call_stack_exhausted",),
    "MEMORY_OUT_OF_BOUNDS": ("memory_out_of_bounds",),
    "TABLE_OUT_OF_BOUNDS": ("undefined_element", "table_out_of_bounds"),
    "INDIRECT_CALL_TO_NULL": ("uninitialized_element",),
    "BAD_SIGNATURE": ("indirect_call_type_mismatch",),
    "INTEGER_OVERFLOW": ("integer_overflow",),
    "INTEGER_DIVISION_BY_ZERO": ("integer_divide_by_zero",),
    "BAD_CONVERSION_TO_INTEGER": ("invalid_conversion_to_integer",),
    "UNREACHABLE": ("unreachable",),
    "NULL_REFERENCE": (
        "null_reference",
        *(f"null_{what}_reference" for what in ("function", "structure", "array", "i31", "exception")),
    ),
    "CAST_FAILURE": ("cast_failure",),
    "ARRAY_OUT_OF_BOUNDS": ("array_out_of_bounds",),
    "HEAP_MISALIGNED": ("unaligned_atomic",),
    "ATOMIC_WAIT_NON_SHARED_MEMORY": ("expected_shared_memory",),
}

UNCAUGHT = "thrown Wasm exception\n"  # has no code


def trap_of(trap: wasmtime.Trap) -> str:
    """What waot calls a trap of wasmtime's, in the words that a user sees."""
    if trap.message.endswith(UNCAUGHT):
        return trap_texts()["uncaught_exception"]
    code = trap.trap_code
    name, *others = TRAP_CODES[code.name if code is not None else ""]
    # Its message tells these two apart where the code does not.
    if name == "undefined_element" and "undefined element" not in trap.message:
        (name,) = others
    return trap_texts()[name]


@functools.cache
def engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.max_wasm_stack = 1 << 20  # bytes; wasmtime aborts if it is over 2 MiB
    config.wasm_custom_page_sizes = config.wasm_wide_arithmetic = True
    config.wasm_threads = config.shared_memory = True
    config.wasm_gc = config.wasm_function_references = True
    config.wasm_exceptions = config.wasm_memory64 = config.wasm_tail_call = True
    config.wasm_relaxed_simd_deterministic = True  # with fused multiply-adds, unlike the deterministic profile
    return wasmtime.Engine(config)


@functools.lru_cache(maxsize=4)
def compiled_module(wasm: Path) -> wasmtime.Module:
    """`wasm` as wasmtime compiled it; large ones are kept on disk, because that takes seconds."""
    if wasm.stat().st_size < 4 << 20:
        return wasmtime.Module.from_file(engine(), str(wasm))
    digest = hashlib.sha256(wasm.read_bytes() + version("wasmtime").encode()).hexdigest()[:16]
    kept = tools.cache_directory() / "programs" / f"{wasm.stem}-{digest}.cwasm"
    if kept.exists():
        with contextlib.suppress(wasmtime.WasmtimeError):  # what an engine with other settings compiled
            return wasmtime.Module.deserialize_file(engine(), str(kept))
    module = wasmtime.Module.from_file(engine(), str(wasm))
    kept.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
        file.write(module.serialize())
    os.replace(file.name, kept)
    return module


@functools.lru_cache(maxsize=256)
def run_under_wasmtime(program: Program, run: Run) -> Outcome:
    """What `run` does when wasmtime executes the module, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as name:
        directory = Path(name)
        lay_out(program, directory)
        streams = {stream: directory / stream for stream in ("stdin", "stdout", "stderr")}
        streams["stdin"].write_bytes(run.stdin)
        wasi = wasmtime.WasiConfig()
        wasi.argv = [program.source.stem, *run.args]
        wasi.env = list(program.env)
        wasi.stdin_file = str(streams["stdin"])
        wasi.stdout_file = str(streams["stdout"])
        wasi.stderr_file = str(streams["stderr"])
        for guest, _ in program.dirs:
            wasi.preopen_dir(str(directory / host_directory(guest)), guest, guest not in program.read_only)
        store = wasmtime.Store(engine())
        store.set_wasi(wasi)
        linker = wasmtime.Linker(engine())
        linker.define_wasi()
        trap: str | None = None
        frames: Frames = ()
        status: int | None = 0
        try:
            start = linker.instantiate(store, compiled_module(program.oracle())).exports(store)["_start"]
            assert isinstance(start, wasmtime.Func)
            start(store)
        except wasmtime.ExitTrap as ended:
            status = ended.code
        except wasmtime.Trap as error:
            trap, status = trap_of(error), TRAP_STATUS
            frames = tuple((frame.func_name, frame.module_offset) for frame in error.frames)
        except wasmtime.WasmtimeError as error:
            if "invalid exit status" not in str(error):
                raise
            status = None
        store.close()  # flushes and closes the streams
        written = streams["stdout"].read_bytes(), streams["stderr"].read_bytes()
        return Outcome(*written, status, _trees(program, directory), trap, frames)


def check_features(program: Program) -> None:
    """That the module uses what it was written to use."""
    if program.features:
        found = inspect.inspect_module(decode_module(program.wasm().read_bytes()))
        assert program.features <= set(found.features)


def check_oracle(run: Run, outcome: Outcome) -> None:
    """That wasmtime's outcome is the one `run` was written for."""
    assert outcome.trap == run.trap, outcome.stderr.decode(errors="replace")
    if run.trap is None and outcome.status is not None:
        assert outcome.status == run.status, outcome.stderr.decode(errors="replace")
    if run.function is not None:
        assert outcome.frames[0][0] == run.function


# -------------------------------------------------------------------------------------------------------------- by waot


def build(program: Program, configuration: Configuration, output: Path, **more: Any) -> Path:
    """Builds `program` with waot as `configuration` says, with the grants it needs, and `more` options."""
    import waot

    given = {"stack_size": program.stack_size, "relaxed_simd": program.relaxed_simd}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    waot.build(
        program.wasm(),
        output,
        [configuration.target],
        opt_level=configuration.level,
        memory=configuration.memory,
        jobs=1 if "PYTEST_XDIST_WORKER" in os.environ else None,
        dirs=[f"{host_directory(guest)}::{guest}{':ro' * (guest in program.read_only)}" for guest, _ in program.dirs],
        env=[f"{name}={value}" for name, value in program.env],
        **options,
        **more,
    )
    return output


def run_natively(program: Program, run: Run, executable: Path, target: str) -> Outcome:
    """What `run` does when the executable that waot built runs, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="native-") as name:
        directory = Path(name)
        lay_out(program, directory)
        emulator = tools.runner(target)
        name_of_program = program.source.stem  # argv[0], as under wasmtime
        words: Sequence[str | Path] = [*emulator, *(["-0", name_of_program] if emulator else []), executable]
        if not emulator:
            words = [name_of_program]
        elif target.endswith("-windows"):
            words = [*emulator, tools.named_under_wine(target.partition("-")[0]), executable, name_of_program]
        done = subprocess.run(
            [*words, *run.args],
            executable=None if emulator else executable,
            input=run.stdin,
            capture_output=True,
            cwd=directory,
            env={},
            timeout=RUN_TIMEOUT,
            check=False,
        )
        return Outcome(done.stdout, done.stderr, done.returncode, _trees(program, directory), *told_trap(done.stderr))


_TRAP = re.compile(rb"^waot: trap: (.*)$", re.MULTILINE)
_FRAME = re.compile(rb"^    at (?:(.*) \()?function (\d+), offset 0x([0-9a-f]+)", re.MULTILINE)


def told_trap(stderr: bytes) -> tuple[str | None, Frames]:
    """The trap and the backtrace that a program built by waot writes to standard error."""
    match = _TRAP.search(stderr)
    if match is None:
        return None, ()
    frames = tuple(
        (frame[1].decode() if frame[1] is not None else None, int(frame[3], 16))
        for frame in _FRAME.finditer(stderr, match.end())
    )
    return match[1].decode(), frames


def check_like_wasmtime(program: Program, configuration: Configuration, directory: Path) -> None:
    """That the program, built in `directory`, does in all its runs what the module does under wasmtime."""
    executable = build(program, configuration, directory / "program")
    for run in program.runs:
        expected = run_under_wasmtime(program, run)
        actual = run_natively(program, run, executable, configuration.target)
        compare(program, run, expected, actual)


def compare(program: Program, run: Run, expected: Outcome, actual: Outcome) -> None:
    """That a native run did all that the oracle did, and nothing else."""
    what = f"run {run.name!r}; standard error:\n{actual.stderr.decode(errors='replace')[-2000:]}"
    assert actual.stdout == expected.stdout, what
    assert actual.status == (run.status if expected.status is None else expected.status), what
    assert actual.trees == expected.trees, what
    assert actual.trap == expected.trap, what
    if expected.trap is None:
        if program.compare_stderr:
            assert actual.stderr == expected.stderr, what
        return
    assert actual.stderr.startswith(expected.stderr), what
    if expected.trap == trap_texts()["uncaught_exception"]:
        return  # waot tells the place of the throw, and no frames around it
    assert actual.frames, what
    if expected.trap == trap_texts()["call_stack_exhausted"]:
        # Where exactly the stack ends is the machine's affair: only who was using it up is compared.
        assert actual.frames[0][0] == expected.frames[0][0], what
    elif expected.trap == trap_texts()["unreachable"]:
        # wasmtime tells the branch around an `unreachable`, not the operator itself (opcode 0x00).
        assert actual.frames[0][0] == expected.frames[0][0], what
        assert program.wasm().read_bytes()[actual.frames[0][1] or 0] == 0, what
    else:
        assert actual.frames[0] == expected.frames[0], what
