"""The programs compiled from one source for every contestant: made, run by turns, compared with native code."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import contestants
from benchmarks.bench import Bench
from benchmarks.catalogue import Program
from benchmarks.contestants import PEERS, SCALAR_ONLY, Command
from benchmarks.measure import Absent, Contest, Failed, Row, contest, geometric_mean
from tests.tools import CompilationFailed, ToolMissing

NATIVE, VECTOR, SCALAR, GLIBC = "native", "waot", "waot scalar", "glibc"
COLUMNS = (VECTOR, SCALAR, *PEERS, GLIBC)
QUICK_SHARE = 5  # of the repetitions, one in so many


@dataclass(frozen=True)
class Comparison:
    """One program and what came of it."""

    program: Program
    contest: Contest


@dataclass
class Results:
    """All comparisons of a run, and who was not there."""

    comparisons: list[Comparison] = field(default_factory=list)
    absent: dict[str, None] = field(default_factory=dict)  # reasons, in their order
    failures: list[str] = field(default_factory=list)

    def groups(self) -> dict[str, list[Comparison]]:
        result: dict[str, list[Comparison]] = {}
        for comparison in self.comparisons:
            result.setdefault(comparison.program.group, []).append(comparison)
        return result


def mean(comparisons: Sequence[Comparison], name: str) -> float | None:
    """The geometric mean of a contestant's ratios to native, over the programs that it ran."""
    ratios = (comparison.contest.ratio(name) for comparison in comparisons)
    return geometric_mean(ratio for ratio in ratios if ratio is not None)


# ------------------------------------------------------------------------------------------------------------ measuring


def measure(bench: Bench, programs: Sequence[Program]) -> Results:
    """Compiles the sources of `programs`, each once for every contestant, and runs the programs one after the other."""
    results = Results()
    sources = {program.source: program.libc for program in programs}
    if sources:
        bench.say(f"compiling {len(sources)} sources")
    makers = {source: _makers(bench, source, libc) for source, libc in sources.items()}
    jobs = [(source, name) for source in sources for name in makers[source]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the work is that of the processes that the threads wait for
        made = list(pool.map(lambda job: _made(makers[job[0]][job[1]]), jobs))
    commands: dict[Path, dict[str, Command]] = {source: {} for source in sources}
    for (source, name), outcome in zip(jobs, made, strict=True):
        if isinstance(outcome, list):
            commands[source][name] = outcome
        elif isinstance(outcome, (Absent, ToolMissing)):
            results.absent[str(outcome)] = None
        else:
            results.failures.append(f"{source.name}, {name}: {outcome}")
    for program in programs:
        if NATIVE not in commands[program.source]:
            continue
        repeats = -(-program.repeats // QUICK_SHARE) if bench.quick else program.repeats
        less = [program.name, "1"] if bench.processor_time else None
        told = contest(commands[program.source], [program.name, str(repeats + 1)], bench.rounds, less)
        results.comparisons.append(Comparison(program, told))
        ratios = (f"{name} {ratio:.2f}" for name in COLUMNS if (ratio := told.ratio(name)) is not None)
        bench.say(f"{program}: {', '.join(ratios)}")
        results.failures += [f"{program}, {name}: {reason}" for name, reason in told.failures.items()]
    return results


def _makers(bench: Bench, source: Path, libc: bool) -> dict[str, Callable[[], Command]]:
    """How each contestant's command for the programs of `source` is made, native code first."""

    def module(simd: bool) -> Path:
        return contestants.compile_module(source, simd)

    makers: dict[str, Callable[[], Command]] = {NATIVE: lambda: contestants.native(bench, source)}
    makers[VECTOR] = lambda: contestants.waot(bench, module(True), ())
    if source.suffix != ".go":  # whose compiler knows no vectors: its modules would be the same
        makers[SCALAR] = lambda: contestants.waot(bench, module(False), ())
    if libc:
        makers[GLIBC] = lambda: contestants.native_with_glibc(bench, source)
    for name, maker in PEERS.items():
        makers[name] = lambda name=name, maker=maker: maker(bench, module(name not in SCALAR_ONLY), ())  # type: ignore[misc]
    return makers


def _made(maker: Callable[[], Command]) -> Command | Exception:
    try:
        return maker()
    except (Absent, Failed, ToolMissing, CompilationFailed) as reason:
        return reason


# ------------------------------------------------------------------------------------------------------------- judging


def rows(results: Results) -> list[Row]:
    """What the comparisons should reach, and whatever went wrong."""
    found = [Row("absent", reason) for reason in results.absent]
    found += [Row("failed", failure, met=False, failed=True) for failure in results.failures]
    everything = results.comparisons
    for name, what, goal in ((VECTOR, "with vectors", 1.03), (SCALAR, "scalar", 1.08)):
        value = mean(everything, name)
        if value is None:
            continue
        ratios = [(c.contest.ratio(name) or 0, str(c.program)) for c in everything]
        worst, program = max(ratios)
        found.append(Row(f"waot / native, {what}, geometric mean", f"{value:.3f}", f"at most {goal}", value <= goal))
        found.append(Row(f"waot / native, {what}, worst", f"{worst:.2f} ({program})", "at most 1.5", worst <= 1.5))
    best = geometric_mean(ratio for c in everything if (ratio := _to_best(c.contest)) is not None)
    if best is not None and any(GLIBC in c.contest.series for c in everything):
        found.append(Row("waot / native, by the faster of musl and glibc, geometric mean", f"{best:.3f}"))
    for peer in PEERS:
        ours = SCALAR if peer in SCALAR_ONLY else VECTOR
        ratios = [(r, str(c.program)) for c in everything if (r := c.contest.ratio(ours, peer)) is not None]
        if ratios:
            behind = [f"{program} {ratio:.2f}" for ratio, program in sorted(ratios, reverse=True) if ratio >= 1]
            text = f"{len(ratios) - len(behind)} of {len(ratios)}" + (f"; not {', '.join(behind)}" if behind else "")
            found.append(Row(f"programs on which {ours} is ahead of {peer}", text, "all", not behind))
    return found


def _to_best(contest: Contest) -> float | None:
    """waot's ratio to the faster of the native contestants."""
    ratios = [ratio for name in (NATIVE, GLIBC) if (ratio := contest.ratio(VECTOR, name)) is not None]
    return max(ratios, default=None)
