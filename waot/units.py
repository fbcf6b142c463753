"""What is done in workers, function by function and unit by unit: validation, fingerprints, lowering, codegen.

What is known from an earlier build is not done again (reuse.py): the facts about functions, the object of each unit.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from waot import workers
from waot.cache import Cache, compiler_digest, digest
from waot.errors import CodegenError
from waot.options import BuildOptions
from waot.progress import Progress
from waot.targets import Target
from waot.workers import run_all

if TYPE_CHECKING:
    from waot.codegen import CodegenOptions
    from waot.frontend.module import Facts, Module
    from waot.linker import Runtime
    from waot.lowering import LoweredUnit, Plan

# Below this many bytes of code, validating in this process is quicker than starting workers.
PARALLEL_CODE_BYTES = 400_000

# What is validated at once, in bytes of code on average, where there is more than that: facts are kept for so much.
CHUNK_BYTES = 128 << 10


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be made for one target."""

    target: Target
    strategy: str
    plan: Plan
    origin: int  # the number of the first job whose units are lowered to the same but for the triple
    codegen: CodegenOptions
    runtime: Callable[[], Runtime] | None  # waits for it
    waits: bool  # the program may wait for other threads, or wake them
    merged: bool = True  # the shim is merged into unit 0; not where there are several versions of the code


@dataclass(slots=True)
class _Shared:
    """What every worker has: set by the initializer, inherited where the process was forked."""

    module: Module
    jobs: Sequence[_WorkerJob]
    store: Cache
    lowered: dict[tuple[int, int], _Lowered] = field(default_factory=dict)  # by the origin's number and the unit's


@dataclass(frozen=True, slots=True)
class _WorkerJob:
    target: Target
    plan: Plan
    origin: int
    codegen: CodegenOptions
    # Bitcode, the hash of all that it was made of, and the symbols that must stay visible.
    runtime: tuple[Path, str, frozenset[str]] | None


@dataclass(frozen=True, slots=True)
class _Lowered:
    """A unit that several targets share: its text compressed, and all else of it."""

    text: bytes
    unit: LoweredUnit


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a worker made of a unit, and the seconds it took."""

    data: bytes
    seconds: float


def _here() -> _Shared:
    shared: _Shared = workers.shared()
    return shared


# ---------------------------------------------------------------- functions


def validate(module: Module, jobs: int, progress: Progress, store: Cache) -> Facts:
    """Validates every body of which the facts are not known; in workers where there is enough of them."""
    from waot.frontend import collect_facts
    from waot.frontend.module import Facts
    from waot.reuse import facts_keys, unpack_facts

    imported, total = module.imported_func_count, len(module.funcs)
    if sum(code.end - code.start for code in module.codes) < PARALLEL_CODE_BYTES:
        with progress.step("validating"):
            return collect_facts(module, range(imported, total))
    chunks = _chunks(module)
    with progress.step("validating", total=len(chunks)) as step:
        keys = [""] * len(chunks)
        parts: list[Facts | None] = [None] * len(chunks)
        if store.enabled and not module.instances:
            keys = facts_keys(compiler_digest(), module, chunks)
            found = [store.get("facts", key) for key in keys]
            parts = [unpack_facts(data, module) if data is not None else None for data in found]
        missing = [number for number, part in enumerate(parts) if part is None]
        step.advance(len(chunks) - len(missing))
        if missing:
            calls = [(_validate_chunk, (*chunks[number], keys[number])) for number in missing]
            names = [f"that validates functions {chunks[n][0]} to {chunks[n][1] - 1}" for n in missing]
            made = run_all(_Shared(module, (), store), calls, names, jobs, progress, [step] * len(calls))
            for number, facts in zip(missing, made, strict=True):
                parts[number] = facts
        facts = Facts()
        for part in parts:
            assert part is not None
            facts.merge(part)
    return facts


def _chunks(module: Module) -> list[tuple[int, int]]:
    """Ranges of function indices with about `CHUNK_BYTES` of code each."""
    from waot.lowering import function_marks, split

    imported = module.imported_func_count
    sizes = [code.end - code.start for code in module.codes]
    parts = split(sizes, function_marks(module, sizes), CHUNK_BYTES)
    return [(part.start + imported, part.stop + imported) for part in parts]


def _validate_chunk(first: int, last: int, key: str) -> Facts:
    from waot.frontend import collect_facts
    from waot.reuse import pack_facts

    facts = collect_facts(_here().module, range(first, last))
    if key:
        _here().store.put("facts", key, pack_facts(facts))
    return facts


def _fingerprint_chunk(first: int, last: int) -> dict[int, int]:
    from waot.frontend import validate_function
    from waot.lowering.flow import fingerprint

    return {index: fingerprint(validate_function(_here().module, index)) for index in range(first, last)}


def fingerprints(module: Module, jobs: int, progress: Progress) -> dict[int, int]:
    """The fingerprint of each body."""
    chunks = _chunks(module)
    found: dict[int, int] = {}
    with progress.step("comparing with the profile", total=len(chunks)) as step:
        calls = [(_fingerprint_chunk, chunk) for chunk in chunks]
        names = [f"that looks at functions {first} to {last - 1}" for first, last in chunks]
        for part in run_all(_Shared(module, (), Cache(None)), calls, names, jobs, progress, [step] * len(calls)):
            found |= part
    return found


# ---------------------------------------------------------------- units


def compile_units(
    module: Module, facts: Facts, jobs: Sequence[Job], options: BuildOptions, progress: Progress, store: Cache
) -> list[list[Compiled]]:
    """The objects of each job, a unit each (assembly or IR text where that is asked for)."""
    keys = _unit_keys(module, facts, jobs, store)
    known = {unit: data for unit, key in keys.items() if key and (data := _find(store, key)) is not None}
    worker_jobs = []
    for job in jobs:
        runtime = None
        if job.runtime is not None and job.merged:
            shim = job.runtime()
            runtime = (shim.bitcode, shim.digest, frozenset(shim.entry_points))
        worker_jobs.append(_WorkerJob(job.target, job.plan, job.origin, job.codegen, runtime))
    shared = _Shared(module, worker_jobs, store)
    units = [unit for unit in keys if unit not in known]
    shared.lowered = _lower_shared(shared, jobs, units, options, progress)
    # The largest first, so that no worker ends with one alone. What the first refers to is all functions.
    units.sort(key=lambda unit: -_weight(jobs[unit[0]].plan, facts, unit[1]))
    with ExitStack() as stack:
        steps = [
            stack.enter_context(progress.step("compiling", total=len(job.plan.units), target=job.target.name))
            for job in jobs
        ]
        for j, _ in known:
            steps[j].advance()
        calls = [(_compile_unit, (*unit, keys[unit])) for unit in units]
        names = [f"that compiles {_unit_name(jobs[j], u)} for {jobs[j].target.name}" for j, u in units]
        made = run_all(shared, calls, names, options.jobs, progress, [steps[j] for j, _ in units])
    compiled: list[list[Compiled]] = [[Compiled(b"", 0.0)] * len(job.plan.units) for job in jobs]
    for (j, u), data in known.items():
        compiled[j][u] = Compiled(data, 0.0)
    for (j, u), unit in zip(units, made, strict=True):
        compiled[j][u] = unit
    return compiled


def _unit_keys(module: Module, facts: Facts, jobs: Sequence[Job], store: Cache) -> dict[tuple[int, int], str]:
    """The key of each unit of each job by what goes into its text; "" where there is none."""
    from waot.reuse import unit_keys

    keys = {(j, u): "" for j, job in enumerate(jobs) for u in range(len(job.plan.units))}
    if store.enabled and any(len(job.plan.units) > 1 for job in jobs):
        for j, job in enumerate(jobs):
            compiler = digest(compiler_digest(), repr(job.codegen))
            keys |= {(j, u): key for u, key in enumerate(unit_keys(compiler, module, facts, job.plan))}
    return keys


def _find(store: Cache, key: str) -> bytes | None:
    """The object of the unit with that key: what is kept by it is the object's own key."""
    own = store.get("text", key)
    return None if own is None else store.get("unit", own.decode("ascii"))


def _weight(plan: Plan, facts: Facts, unit: int) -> int:
    return sum([facts.sizes[index] for index in plan.units[unit]]) + (0 if unit else len(plan.reachable))


def _unit_name(job: Job, unit: int) -> str:
    indices = job.plan.units[unit]
    return f"unit {unit} ({f'functions {indices[0]} to {indices[-1]}' if indices else 'the instance state'})"


def _lower_shared(
    shared: _Shared,
    jobs: Sequence[Job],
    wanted: Sequence[tuple[int, int]],
    options: BuildOptions,
    progress: Progress,
) -> dict[tuple[int, int], _Lowered]:
    """Those of `wanted` that several jobs have the same, lowered once; others are lowered where they are compiled."""
    origins = {job.origin for number, job in enumerate(jobs) if job.origin != number}
    units = sorted({(jobs[j].origin, u) for j, u in wanted if jobs[j].origin in origins})
    if not units:
        return {}
    with progress.step("lowering", total=len(units)) as step:
        calls = [(_lower_unit, unit) for unit in units]
        names = [f"that lowers {_unit_name(jobs[j], u)}" for j, u in units]
        made = run_all(shared, calls, names, options.jobs, progress, [step] * len(units))
    return dict(zip(units, made, strict=True))


def _lower(job: _WorkerJob, unit_index: int) -> LoweredUnit:
    from waot.frontend import validate_function
    from waot.lowering import lower_unit

    module = _here().module
    return lower_unit(module, job.plan, unit_index, lambda index: validate_function(module, index))


def _lower_unit(job_index: int, unit_index: int) -> _Lowered:
    """In a worker: validated bodies to IR."""
    unit = _lower(_here().jobs[job_index], unit_index)
    return _Lowered(zlib.compress(unit.text.encode("utf-8", "surrogatepass"), 1), replace(unit, text=""))


def _compile_unit(job_index: int, unit_index: int, known_key: str) -> Compiled:
    """In a worker: validated bodies to IR to an object, or from the cache."""
    from waot.codegen.llvm import compile_unit
    from waot.linker import with_places
    from waot.lowering import line_distances, with_triple

    started = time.monotonic()
    job, store = _here().jobs[job_index], _here().store
    lowered = _here().lowered.get((job.origin, unit_index))
    if lowered is None:
        unit = _lower(job, unit_index)
    else:
        text = zlib.decompress(lowered.text).decode("utf-8", "surrogatepass")
        unit = with_triple(replace(lowered.unit, text=text), job.plan.options.triple)
    runtime, shim, keep = None, "", frozenset[str]()
    if job.runtime is not None and unit.has_state:
        runtime, shim, keep = job.runtime
        keep |= unit.keep
    codegen = replace(job.codegen, effort="full") if unit.has_state else job.codegen
    key = digest(compiler_digest(), unit.text, repr(codegen), shim, " ".join(sorted(keep)))
    data = store.get("unit", key)
    if data is None:
        try:
            data = compile_unit(unit.text, runtime, keep, codegen)
        except CodegenError as error:
            raise CodegenError(f"for {job.target.name}: {error.what}") from None
        distances = line_distances(_here().module, job.plan, unit_index)
        if distances:
            data = with_places(data, len(distances) - 1, job.target)
        store.put("unit", key, data)
    if known_key:
        store.put("text", known_key, key.encode("ascii"))
    return Compiled(data, time.monotonic() - started)
