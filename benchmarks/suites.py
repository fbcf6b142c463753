"""The measurements, one function each: from a `Bench` to rows of the table."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import (
    Absent,
    Failed,
    Process,
    Row,
    Series,
    by_turns,
    execute,
    milliseconds,
    output_of,
    seconds,
)
from tests import tools

PROGRAMS = Path(__file__).resolve().parent / "programs"
HOST = "x86_64-linux"
NATIVE_CPU = "-mcpu=x86_64_v2"  # waot's baseline for x86-64
KIB = 1 << 10
MIB = 1 << 20


@dataclass(frozen=True)
class Bench:
    """Where to work, how often to repeat, and how to say what is going on."""

    directory: Path
    quick: bool
    say: Callable[[str], None]

    def repeats(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual

    def waot(self, *arguments: str | Path, cache: str = "cache", directory: Path | None = None) -> Process:
        """One `waot` command in a process of its own, with a cache of the benchmarks' own."""
        environment = dict(os.environ, WAOT_CACHE_DIR=str(self.directory / cache), PYTHONPATH=str(tools.ROOT))
        command = [sys.executable, "-m", "waot", *map(str, arguments)]
        return execute(command, environment)

    def build(self, wasm: Path, name: str, *options: str, cache: str = "cache") -> Path:
        """The executable that `waot build` makes of `wasm`."""
        output = self.directory / name
        self.waot("build", wasm, "-o", output, "--target", HOST, *options, cache=cache)
        return output


def _wasm(name: str, *flags: str) -> Path:
    try:
        return tools.compile_to_wasm(PROGRAMS / name, flags)
    except tools.ToolMissing as missing:
        raise Absent(str(missing)) from None


def _seconds_told(output: str) -> float:
    match = re.search(r"^seconds ([\d.]+)$", output, re.MULTILINE)
    if match is None:
        raise Failed(f"a benchmark did not say its time: {output[-200:]!r}")
    return float(match[1])


def _data(series: dict[str, Series]) -> dict[str, list[float]]:
    return {name: list(s.values) for name, s in series.items()}


# ---------------------------------------------------------------------------------------------------------------- hello


def hello(bench: Bench) -> list[Row]:
    """Size of hello, and the time of its whole process against the same program linked statically."""
    ours = bench.build(_wasm("hello.c", "-O2"), "hello", "-O2")
    native = tools.compile_natively(PROGRAMS / "hello.c", ("-O2", NATIVE_CPU))
    size = ours.stat().st_size
    rows = [
        Row(
            "hello, size of the executable",
            f"{size / KIB:.1f} KiB (static native: {native.stat().st_size / KIB:.1f} KiB)",
            "at most 24 KiB",
            size <= 24 * KIB,
            {"bytes": size, "native_bytes": native.stat().st_size},
        )
    ]
    times = by_turns(
        {"waot": lambda: execute([str(ours)]).wall, "native": lambda: execute([str(native)]).wall},
        bench.repeats(500, 100),
    )
    ratio = times["waot"].minimum / times["native"].minimum
    rows.append(
        Row(
            "hello, whole process / static native",
            f"{ratio:.2f} ({milliseconds(times['waot'])} / {milliseconds(times['native'])})",
            "within 1.2 times",
            ratio <= 1.2,
            {"ratio": ratio, **_data(times)},
        )
    )
    return rows


def hello_build(bench: Bench) -> list[Row]:
    """`waot build` of hello, every time another module (warm runtime), then the same one again (from cache)."""
    original = _wasm("hello.c", "-O2").read_bytes()
    assert original.count(b"Hello, world!") == 1
    output = bench.directory / "built"
    modules = []
    for number in range(bench.repeats(10, 3) + 1):
        wasm = bench.directory / f"hello-{number}.wasm"
        wasm.write_bytes(original.replace(b"Hello, world!", b"Hello, wor%03d" % number))
        modules.append(wasm)
    scratch, cached = [], []
    for number, wasm in enumerate(modules):
        first = bench.waot("build", wasm, "-o", output).wall
        again = bench.waot("build", wasm, "-o", output).wall
        if number:  # the first one warms the runtime
            scratch.append(first)
            cached.append(again)
    rows = []
    for what, values, limit in (("from scratch", scratch, 0.6), ("from cache", cached, 0.3)):
        series = Series(tuple(values))
        rows.append(
            Row(
                f"hello, waot build, warm runtime, {what}",
                seconds(series),
                f"{limit} s",
                series.minimum <= limit,
                {"seconds": values},
            )
        )
    return rows


# -------------------------------------------------------------------------------------------------------------- CPython


def cpython_build(bench: Bench) -> list[Row]:
    """Building CPython at -O2 with nothing cached: time, and memory of the largest process."""
    wasm = tools.python_wasm()
    level = "-O1" if bench.quick else "-O2"
    bench.say(f"waot build {level} of CPython takes minutes")
    output = bench.directory / "python"
    shutil.rmtree(bench.directory / "cold", ignore_errors=True)
    cost = bench.waot("build", wasm, "-o", output, "--target", HOST, level, "--dir", "programs::/app", cache="cold")
    met = None if bench.quick else cost.wall <= 120 and cost.peak <= 2 * 10**9
    return [
        Row(
            f"CPython, waot build {level}, nothing cached",
            f"{cost.wall:.0f} s, {cost.cpu:.0f} s of CPU, {cost.peak / 1e9:.2f} GB a process, "
            f"executable {output.stat().st_size / MIB:.1f} MiB",
            "120 s and 2 GB a process (two cores, -O2)",
            met,
            {"wall": cost.wall, "cpu": cost.cpu, "peak_bytes": cost.peak, "cores": os.cpu_count()},
        )
    ]


def cpython_parts(bench: Bench) -> list[Row]:
    """A script's parts, each timed inside the script, under waot's CPython and under wasmtime's."""
    wasm = tools.python_wasm()
    ours = bench.directory / "python"
    if not ours.exists():
        raise Failed("CPython was not built")
    compiled = bench.directory / "python.cwasm"
    if not compiled.exists():
        _compile_for_wasmtime(wasm, compiled)
    scale = "100"
    commands = {
        "waot": [str(ours), "/app/python_parts.py", scale],
        "wasmtime": [*_under_wasmtime(compiled), "programs::/app", "--", "/app/python_parts.py", scale],
    }
    taken: dict[str, dict[str, list[float]]] = {name: {} for name in commands}
    results: set[tuple[str, ...]] = set()
    for _ in range(bench.repeats(5, 2)):
        for name, command in commands.items():
            lines = [line.split() for line in output_of(command, cwd=PROGRAMS.parent).splitlines()]
            results.add(tuple(result for _, _, result in lines))
            for part, value, _ in lines:
                taken[name].setdefault(part, []).append(float(value))
    if len(results) != 1:
        raise Failed(f"the two disagree about the results: {results}")
    rows = []
    for part in taken["waot"]:
        series = {name: Series(tuple(taken[name][part])) for name in commands}
        ratio = series["waot"].minimum / series["wasmtime"].minimum
        rows.append(
            Row(
                f"CPython, {part} / wasmtime",
                f"{ratio:.2f} ({seconds(series['waot'])} / {seconds(series['wasmtime'])})",
                "faster than wasmtime",
                ratio < 1,
                {"ratio": ratio, **_data(series)},
            )
        )
    return rows


def _compile_for_wasmtime(wasm: Path, output: Path) -> None:
    try:
        from benchmarks.under_wasmtime import compile_ahead
    except ImportError:
        raise Absent("wasmtime (pip install wasmtime)") from None
    compile_ahead(str(wasm), str(output))


def _under_wasmtime(compiled: Path) -> list[str]:
    return [sys.executable, str(PROGRAMS.parent / "under_wasmtime.py"), str(compiled)]


# ---------------------------------------------------------------------------------------------------------- integer mix


def integer_mix(bench: Bench) -> list[Row]:
    """The integer mix: native, waot at two levels, wasmtime and wasm2c, all from the same source at -O3."""
    source = PROGRAMS / "integer_mix.c"
    native = tools.compile_natively(source, ("-O3", NATIVE_CPU))
    wasm = _wasm("integer_mix.c", "-O3")
    commands: dict[str, list[str]] = {"native -O3": [str(native)]}
    absent = []
    for level in ("-O2", "-O3"):
        commands[f"waot {level}"] = [str(bench.build(wasm, f"mix{level}", level))]
    makers: dict[str, Callable[[], list[str]]] = {
        "wasmtime": lambda: _mix_for_wasmtime(bench, wasm),
        "wasm2c": lambda: _mix_for_wasm2c(bench),
    }
    for name, maker in makers.items():
        try:
            commands[name] = maker()
        except Absent as reason:
            absent.append(Row(f"integer mix, {name}", f"absent: {reason}"))
    rounds = "15000"

    def contestant(command: list[str]) -> Callable[[], float]:
        return lambda: _seconds_told(output_of([*command, rounds]))

    hashes = {name: output_of([*command, rounds]).splitlines()[0] for name, command in commands.items()}
    if len(set(hashes.values())) != 1:
        raise Failed(f"the contestants disagree: {hashes}")
    times = by_turns({name: contestant(c) for name, c in commands.items()}, bench.repeats(9, 3))
    best = times["native -O3"].minimum
    rows = [Row("integer mix, native zig cc -O3 " + NATIVE_CPU, seconds(times["native -O3"]), data=_data(times))]
    for name, series in times.items():
        if name == "native -O3":
            continue
        speed = best / series.minimum
        goal = name.startswith("waot")
        rows.append(
            Row(
                f"integer mix, {name}, speed of native",
                f"{speed:.3f} ({seconds(series)})",
                "at least 0.95" if goal else "",
                speed >= 0.95 if goal else None,
                {"speed": speed},
            )
        )
    return rows + absent


def _mix_for_wasmtime(bench: Bench, wasm: Path) -> list[str]:
    compiled = bench.directory / "mix.cwasm"
    _compile_for_wasmtime(wasm, compiled)
    return [*_under_wasmtime(compiled), "--"]


def _mix_for_wasm2c(bench: Bench) -> list[str]:
    translator = shutil.which("wasm2c")
    runtime = Path("/usr/share/wabt/wasm2c")
    if translator is None or not (runtime / "wasm-rt-impl.c").exists():
        raise Absent("wasm2c with its runtime (apt-get install wabt)")
    directory = bench.directory / "wasm2c"
    directory.mkdir(exist_ok=True)
    flags = ["-O3", "-DMIX_LIBRARY", "-nostdlib", "-Wl,--no-entry", "-Wl,--export=mix_run"]
    _run(
        *tools.zig(),
        "cc",
        "-target",
        "wasm32-freestanding",
        *flags,
        PROGRAMS / "integer_mix.c",
        "-o",
        directory / "mix.wasm",
    )
    _run(translator, directory / "mix.wasm", "-n", "mix", "-o", directory / "mix.c")
    if "Z_mixZ_mix_run" not in (directory / "mix.h").read_text():
        raise Absent("a wasm2c whose interface the benchmark knows (wabt 1.0.32)")
    output = directory / "mix"
    sources = [PROGRAMS / "integer_mix_wasm2c.c", directory / "mix.c", runtime / "wasm-rt-impl.c"]
    target = ["-target", "x86_64-linux-gnu", "-O3", NATIVE_CPU, "-fno-sanitize=undefined", "-w"]
    # An old wasm2c finds its signal handler's parts behind these.
    includes = ["-D_GNU_SOURCE", f"-I{directory}", f"-I{runtime}", "-idirafter", "/usr/include"]
    _run(*tools.zig(), "cc", *target, *includes, *sources, "-lm", "-o", output)
    return [str(output)]


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: {done.stderr[-800:]}")


# ----------------------------------------------------------------------------------------------------------- exceptions

_PLAIN = ("-O2", "-mcpu=lime1+exception_handling+reference_types")
_EH = ("-fexceptions", "-fwasm-exceptions", "-mllvm", "-wasm-enable-eh", "-iquote{zig}/libcxx/src")
_NEW = (*_PLAIN, *_EH, "-mllvm", "-wasm-use-legacy-eh=false")


def exceptions(bench: Bench) -> list[Row]:
    """A C++ program with and without exceptions where none is thrown, and the time of a throw."""
    modules = {"with": _wasm("exceptions.cpp", *_NEW), "without": _wasm("exceptions.cpp", *_PLAIN)}
    commands: dict[str, list[str]] = {}
    for name, wasm in modules.items():
        commands[f"waot {name}"] = [str(bench.build(wasm, f"exceptions-{name}", "-O2"))]
    rows = []
    try:
        for name, wasm in modules.items():
            compiled = bench.directory / f"exceptions-{name}.cwasm"
            _compile_for_wasmtime(wasm, compiled)
            commands[f"wasmtime {name}"] = [*_under_wasmtime(compiled), "--"]
    except Absent as reason:
        rows.append(Row("exceptions under wasmtime", f"absent: {reason}"))

    def series(arguments: list[str], names: list[str]) -> dict[str, Series]:
        results = {output_of([*commands[name], *arguments]).splitlines()[0] for name in names}
        if len(results) != 1:
            raise Failed(f"the contestants disagree: {results}")

        def contestant(name: str) -> Callable[[], float]:
            return lambda: _seconds_told(output_of([*commands[name], *arguments]))

        return by_turns({name: contestant(name) for name in names}, bench.repeats(15, 3))

    times = series(["formulas", "200"], list(commands))
    for engine in [name.removesuffix(" with") for name in commands if name.endswith(" with")]:
        ours, base = times[f"{engine} with"], times[f"{engine} without"]
        rows.append(
            Row(
                f"C++ parser that throws nothing, {engine}, time / with -fno-exceptions",
                f"{ours.minimum / base.minimum:.3f} ({seconds(ours)} / {seconds(base)})",
                data=_data({"with": ours, "without": base}),
            )
        )
    for depth in (1, 10, 100):
        count = 1_000_000 // depth
        times = series(["errors", str(depth), str(count)], [name for name in commands if name.endswith(" with")])
        told = (f"{name.removesuffix(' with')} {s.minimum / count * 1e9:.0f} ns" for name, s in times.items())
        rows.append(Row(f"C++ throw and catch through {depth} frames", ", ".join(told), data=_data(times)))
    return rows


# --------------------------------------------------------------------------------------------------------------- files

_IO = {
    "read-4k": "reading 1 GiB by 4 KiB",
    "read-1m": "reading 1 GiB by 1 MiB",
    "write-4k": "writing 1 GiB by 4 KiB",
    "write-1m": "writing 1 GiB by 1 MiB",
    "open": "100,000 files opened and closed",
    "stat": "100,000 files asked for their status",
    "clock": "1,000,000 readings of the clock",
    "list": "listing 100,000 entries",
}
_IO_LIMIT = 60  # seconds for one run; what takes longer is told as that


def files(bench: Bench) -> list[Row]:
    """Calls on files in memory (tmpfs) and on clocks: the same C natively, by waot and under wasmtime."""
    source = PROGRAMS / "io.c"
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        raise Absent("a writable /dev/shm, which keeps disks out of the measurement")
    native = tools.compile_natively(source, ("-O3", NATIVE_CPU))
    wasm = _wasm("io.c", "-O3")
    with tempfile.TemporaryDirectory(prefix="waot-bench-", dir=memory) as directory:
        ours = bench.build(wasm, "io", "-O3", "--dir", f"{directory}::{directory}")
        commands = {"native": [str(native)], "waot": [str(ours)]}
        rows = []
        try:
            compiled = bench.directory / "io.cwasm"
            _compile_for_wasmtime(wasm, compiled)
            commands["wasmtime"] = [*_under_wasmtime(compiled), f"{directory}::{directory}", "--"]
        except Absent as reason:
            rows.append(Row("files under wasmtime", f"absent: {reason}"))

        def told(what: str, contestant: str) -> str:
            return output_of([*commands[contestant], what, directory], limit=_IO_LIMIT)

        def contestant(what: str, name: str) -> Callable[[], float]:
            return lambda: _seconds_told(told(what, name))

        told("make", "native")
        for what, description in _IO.items():
            first: dict[str, str] = {}
            for name in commands:
                # wasmtime reads a directory anew for each part of it, which takes minutes.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    first[name] = told(what, name)
            if len({output.splitlines()[0] for output in first.values()}) != 1:
                raise Failed(f"the contestants disagree about {what}: {first}")
            times = by_turns({name: contestant(what, name) for name in first}, bench.repeats(15, 5))
            ratio = times["waot"].minimum / times["native"].minimum
            median = times["waot"].median / times["native"].median
            measured = f"{ratio:.2f} (median {median:.2f}; {milliseconds(times['waot'])} / "
            measured += milliseconds(times["native"])
            met = ratio <= 1.1
            if "wasmtime" in times:
                measured += f"; wasmtime {milliseconds(times['wasmtime'])}"
                met = met and times["waot"].minimum < times["wasmtime"].minimum
            elif "wasmtime" in commands:
                measured += f"; wasmtime over {_IO_LIMIT} s"
            reach = "within 1.1 of native, less than wasmtime"
            rows.append(Row(f"{description} / native", measured + ")", reach, met, {"ratio": ratio, **_data(times)}))
    return rows


# ------------------------------------------------------------------------------------------------------------ front end

_FRONT_END = """
import sys
from waot import frontend
data = open(sys.argv[1], "rb").read() if sys.argv[2] == "work" else b""
if data:
    module = frontend.decode_module(data)
    for index in range(module.imported_func_count, len(module.funcs)):
        frontend.validate_function(module, index)
# Not ru_maxrss: that begins with what the process that started this one had.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) << 10)
"""


def front_end_memory(bench: Bench) -> list[Row]:
    """Peak memory of decoding and validating, over the module's size, less that of an interpreter with waot loaded."""

    def peak(wasm: Path, mode: str) -> int:
        return int(output_of([sys.executable, "-c", _FRONT_END, str(wasm), mode], cwd=tools.ROOT))

    modules = [_wasm("hello.c", "-O2")]
    for source in ("rust/collections.rs", "go/features.go"):
        try:
            modules.append(tools.compile_to_wasm(tools.ROOT / "tests/programs" / source))
        except tools.ToolMissing as missing:
            bench.say(str(missing))
    try:
        modules.append(tools.python_wasm())
    except tools.ToolMissing as missing:
        bench.say(str(missing))
    rows = []
    for wasm in modules:
        size = wasm.stat().st_size
        used = peak(wasm, "work") - peak(wasm, "nothing")
        large = size > MIB  # below that the interpreter's own granularity is what is measured
        name = wasm.stem.rpartition("-")[0] or wasm.stem
        rows.append(
            Row(
                f"front end, peak memory / size of {name} ({size / MIB:.1f} MiB)",
                f"{used / size:.1f} ({used / MIB:.0f} MiB)",
                "under 10" if large else "",
                used < 10 * size if large else None,
                {"bytes": used, "module_bytes": size},
            )
        )
    return rows


SUITES: dict[str, Callable[[Bench], list[Row]]] = {
    "hello": hello,
    "hello-build": hello_build,
    "integer-mix": integer_mix,
    "exceptions": exceptions,
    "io": files,
    "front-end": front_end_memory,
    "cpython-build": cpython_build,
    "cpython-parts": cpython_parts,
}
