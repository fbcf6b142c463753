"""What is measured beside programs that are compiled for all: start-up, builds, exceptions, files, CPython.

One function for each, from a `Bench` to rows of the table.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import contestants
from benchmarks.bench import HOST, PROGRAMS, Bench
from benchmarks.contestants import PEERS, Command
from benchmarks.measure import (
    Absent,
    Contest,
    Row,
    Series,
    by_turns,
    contest,
    milliseconds,
    result_and_seconds,
    run,
    seconds,
)
from benchmarks.yosys import yosys_build
from tests import tools

KIB = 1 << 10
MIB = 1 << 20


def _native(bench: Bench, name: str, *flags: str) -> Path:
    return tools.compile_natively(PROGRAMS / name, (*flags, "-mcpu=" + contestants.zig_cpu(bench.cpu)))


def _wasm(name: str, *flags: str) -> Path:
    return tools.compile_to_wasm(PROGRAMS / name, flags)


def _with_peers(
    bench: Bench, commands: dict[str, Command], wasm: Path, grants: Sequence[str], names: Sequence[str]
) -> list[Row]:
    """Adds to `commands` those of the peers `names` for `wasm`; rows for those that are absent."""
    rows = []
    for name in names:
        try:
            commands[name] = PEERS[name](bench, wasm, grants)
        except Absent as reason:
            rows.append(Row("absent", str(reason)))
    return rows


def _failures(what: str, outcome: Contest) -> list[Row]:
    return [Row(f"{what}, {name}", reason, met=False, failed=True) for name, reason in outcome.failures.items()]


def _data(series: dict[str, Series]) -> dict[str, list[float]]:
    return {name: list(s.values) for name, s in series.items()}


# ------------------------------------------------------------------------------------------------------------- start-up


def start_up(bench: Bench) -> list[Row]:
    """Size of hello; time of its whole process, and (unless quick) of CPython's to its first line."""
    wasm = _wasm("hello.c", "-O2")
    ours = bench.build(wasm, "hello", "-O2")
    native = _native(bench, "hello.c", "-O2")
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
    commands: dict[str, Command] = {"waot": [str(ours)], "native": [str(native)]}
    times = by_turns({name: _whole_process(c) for name, c in commands.items()}, bench.repeats(500, 100))
    ratio = times["waot"].minimum / times["native"].minimum
    measured = f"{ratio:.2f} ({milliseconds(times['waot'])} / {milliseconds(times['native'])})"
    rows.append(
        Row("hello, whole process / native", measured, "at most 1.1", ratio <= 1.1, {"ratio": ratio, **_data(times)})
    )
    commands = {}
    rows += _with_peers(bench, commands, wasm, (), list(PEERS))
    rows += _starts("hello", times["waot"], commands, bench.repeats(20, 5))
    if bench.quick:  # building CPython takes minutes
        return rows
    try:
        python = _python(bench)
    except tools.ToolMissing as missing:
        return [*rows, Row("CPython's first line", f"absent: {missing}")]
    grants = [f"{PROGRAMS}::/app"]
    script = "/app/first_line.py"
    commands = {}
    rows += _with_peers(bench, commands, tools.python_wasm(), grants, ("wasmtime", "V8"))
    times = by_turns({"waot": _whole_process([str(python), script])}, bench.repeats(20, 5))
    return [*rows, *_starts("CPython's first line", times["waot"], commands, bench.repeats(5, 2), script)]


def _whole_process(command: Command) -> Callable[[], float]:
    return lambda: run(command, quiet=True)[0].wall


def _starts(what: str, ours: Series, commands: dict[str, Command], repeats: int, *arguments: str) -> list[Row]:
    """The start-up of peers beside our own. wasmtime's is without the start of the Python process that it runs in."""
    contenders: dict[str, Callable[[], float]] = {}
    for name, command in commands.items():
        full = [*command, *arguments]
        if name == "wasmtime":
            full.insert(2, "--time")
            contenders[name] = lambda full=full: result_and_seconds(run(full)[1])[1]  # type: ignore[misc]
        else:
            contenders[name] = _whole_process(full)
    rows = []
    for name, series in by_turns(contenders, repeats).items():
        ratio = series.minimum / ours.minimum
        goal = name == "wasmtime" and what != "hello"
        rows.append(
            Row(
                f"{what}, {name} / waot",
                f"{ratio:.1f} ({milliseconds(series)} / {milliseconds(ours)})",
                "at least 3" if goal else "",
                ratio >= 3 if goal else None,
                {"ratio": ratio, **_data({name: series, "waot": ours})},
            )
        )
    return rows


# --------------------------------------------------------------------------------------------------------------- builds


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
    cache = bench.directory / "hello-cache"
    for number, wasm in enumerate(modules):
        first = bench.waot("build", wasm, "-o", output, cache=cache).wall
        again = bench.waot("build", wasm, "-o", output, cache=cache).wall
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


def cpython_build(bench: Bench) -> list[Row]:
    """Building CPython at -O2 (quick: -O1) with nothing cached: time, and memory of the largest process."""
    wasm = tools.python_wasm()
    level = "-O1" if bench.quick else "-O2"
    bench.say(f"waot build {level} of CPython takes minutes")
    output = bench.directory / "python-cold"
    with tempfile.TemporaryDirectory(dir=bench.directory) as cache:
        cost = bench.waot("build", wasm, "-o", output, "--target", HOST, level, cache=Path(cache))
    size = output.stat().st_size
    return [
        Row(
            f"CPython, waot build {level}, nothing cached",
            f"{cost.wall:.0f} s, {cost.cpu:.0f} s of CPU, {cost.peak / 1e9:.2f} GB a process",
            "60 s and 2 GB a process (two cores, -O2)",
            None if bench.quick else cost.wall <= 60 and cost.peak <= 2 * 10**9,
            {"wall": cost.wall, "cpu": cost.cpu, "peak_bytes": cost.peak, "cores": os.cpu_count()},
        ),
        Row(
            f"CPython, executable {level} / module",
            f"{size / wasm.stat().st_size:.2f} ({size / MIB:.1f} MiB)",
            "at most 1.3 (-O2)",
            None if bench.quick else size <= 1.3 * wasm.stat().st_size,
            {"bytes": size, "module_bytes": wasm.stat().st_size},
        ),
    ]


# -------------------------------------------------------------------------------------------------------------- CPython


def _python(bench: Bench) -> Path:
    """CPython built by waot, now or (from the cache) by an earlier run. Raises ToolMissing."""
    output = bench.directory / "python"
    if not output.exists():
        bench.say("waot build of CPython takes minutes, the first time")
        bench.build(tools.python_wasm(), "python", "--dir", f"{PROGRAMS}::/app")
    return output


def cpython(bench: Bench) -> list[Row]:
    """Parts of a script, each timed inside the script, under CPython built by waot and under peers."""
    commands: dict[str, Command] = {"waot": [str(_python(bench))]}
    rows = _with_peers(bench, commands, tools.python_wasm(), [f"{PROGRAMS}::/app"], ("wasmtime", "V8", "WAMR"))
    for part in ("calls", "dicts", "formatting", "lists", "objects"):
        outcome = contest(commands, ["/app/python_parts.py", part, "100"], bench.repeats(5, 2))
        rows += _failures(f"CPython, {part}", outcome)
        for name in commands:
            ratio = outcome.ratio(name, "waot")
            if ratio is None or name == "waot":
                continue
            goal = 1.5 if name == "wasmtime" else 1.0
            rows.append(
                Row(
                    f"CPython, {part}, {name} / waot",
                    f"{ratio:.2f} ({seconds(outcome.series[name])} / {seconds(outcome.series['waot'])})",
                    f"at least {goal}",
                    ratio >= goal,
                    {"ratio": ratio, **_data({n: outcome.series[n] for n in (name, "waot")})},
                )
            )
    return rows


# ----------------------------------------------------------------------------------------------------------- exceptions

_PLAIN = ("-O2", "-mcpu=lime1+exception_handling+reference_types")
_EH = ("-fexceptions", "-fwasm-exceptions", "-mllvm", "-wasm-enable-eh", "-iquote{zig}/libcxx/src")
_NEW = (*_PLAIN, *_EH, "-mllvm", "-wasm-use-legacy-eh=false")


def exceptions(bench: Bench) -> list[Row]:
    """A C++ program with and without exceptions where none is thrown, and the time of a throw."""
    rows = []
    commands: dict[str, dict[str, Command]] = {}
    for kind, flags in (("with", _NEW), ("without", _PLAIN)):
        wasm = _wasm("exceptions.cpp", *flags)
        commands[kind] = {"waot": [str(bench.build(wasm, f"exceptions-{kind}"))]}
        rows += _with_peers(bench, commands[kind], wasm, (), ("wasmtime",))  # node 20 has not these exceptions
    both = {f"{name} {kind}": command for kind in commands for name, command in commands[kind].items()}
    outcome = contest(both, ["formulas", "200"], bench.repeats(15, 3))
    rows += _failures("C++ parser that throws nothing", outcome)
    for name in commands["with"]:
        if (ratio := outcome.ratio(f"{name} with", f"{name} without")) is not None:
            ours, base = outcome.series[f"{name} with"], outcome.series[f"{name} without"]
            rows.append(
                Row(
                    f"C++ parser that throws nothing, {name}, time / with -fno-exceptions",
                    f"{ratio:.3f} ({seconds(ours)} / {seconds(base)})",
                    data=_data({"with": ours, "without": base}),
                )
            )
    for depth in (1, 10, 100):
        count = 1_000_000 // depth
        outcome = contest(commands["with"], ["errors", str(depth), str(count)], bench.repeats(15, 3))
        rows += _failures(f"C++ throw and catch through {depth} frames", outcome)
        told = (f"{name} {s.minimum / count * 1e9:.0f} ns" for name, s in outcome.series.items())
        rows.append(Row(f"C++ throw and catch through {depth} frames", ", ".join(told), data=_data(outcome.series)))
    return rows


# ---------------------------------------------------------------------------------------------------------------- files

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


def files(bench: Bench) -> list[Row]:
    """Calls on files in memory (tmpfs) and on clocks: the same C natively, by waot and under its peers."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        raise Absent("a writable /dev/shm, which keeps disks out of the measurement")
    wasm = _wasm("io.c", "-O3")
    with tempfile.TemporaryDirectory(prefix="waot-bench-", dir=memory) as directory:
        grants = [f"{directory}::{directory}"]
        commands: dict[str, Command] = {"native": [str(_native(bench, "io.c", "-O3"))]}
        commands["waot"] = [str(bench.build(wasm, "io", "-O3", "--dir", grants[0]))]
        rows = _with_peers(bench, commands, wasm, grants, ("wasmtime", "V8", "WAMR"))
        run([*commands["native"], "make", directory])
        for what, description in _IO.items():
            # wasmtime reads a directory anew for each part of it, which takes minutes.
            takers = {n: c for n, c in commands.items() if (what, n) != ("list", "wasmtime")}
            outcome = contest(takers, [what, directory], bench.repeats(9, 3))
            rows += _failures(description, outcome)
            ratio = outcome.ratio("waot")
            if ratio is None:
                continue
            times = outcome.series
            median = times["waot"].median / times["native"].median
            measured = (
                f"{ratio:.2f} (median {median:.2f}; {milliseconds(times['waot'])} / {milliseconds(times['native'])})"
            )
            peers = {n: r for n in times if n not in ("native", "waot") and (r := outcome.ratio(n)) is not None}
            measured += "".join(f"; {name} {value:.2f}" for name, value in peers.items())
            met = ratio <= 1.1 and all(ratio < value for value in peers.values())
            reach = "within 1.1 of native, less than peers"
            rows.append(Row(f"{description} / native", measured, reach, met, {"ratio": ratio, **_data(times)}))
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
        environment = dict(os.environ, PYTHONPATH=str(tools.ROOT))
        return int(run([sys.executable, "-c", _FRONT_END, str(wasm), mode], environment)[1])

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
    "start-up": start_up,
    "hello-build": hello_build,
    "exceptions": exceptions,
    "io": files,
    "front-end": front_end_memory,
    "cpython-build": cpython_build,
    "cpython": cpython,
    "yosys-build": yosys_build,
}
