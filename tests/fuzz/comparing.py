"""Random modules compiled, run, and compared with what wasmtime makes of them.

A case is a seed and a module: from these two follows all else, what surrounds the module and the arguments of its
exports. Several cases are linked side by side into one native program, because to link and to start one costs more
than to run it. Its steps are performed by the official suite's driver (tests/spec/driver.c).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz import oracle
from tests.fuzz.assembling import with_exports
from tests.fuzz.corpus import valid, verdict
from tests.fuzz.generating import Generator, with_tail_calls
from tests.fuzz.mutating import mutate, vary
from tests.fuzz.processes import perform
from tests.fuzz.surroundings import RANDOM, SUPPORT, Observer, Uninhabited, make_observer, make_support
from tests.programs.harness import Configuration
from tests.spec.suite import build_program, run_program
from tests.spec.table import CALL, INSTANTIATE, Step
from tests.spec.wast import Value
from waot.errors import UnsupportedError, WaotError
from waot.frontend import collect_facts, decode_module, validate_function
from waot.frontend.linking import Linker
from waot.frontend.module import Module
from waot.frontend.opcodes import BY_NAME, OPERATORS

STRESS = Path(__file__).resolve().parent / "stress.c"
UNIT_OPERATORS = 2000
ORACLE_SECONDS = 60.0
ROUNDS = 4  # calls of each export
_ALL = (1 << 64) - 1

#: What depends on the engine: a case ends there.
_FAULT = "trap: out of bounds memory access"
_LIMITS = ("trap: call stack exhausted", "trap: out of memory")


# Waiting for another thread, of which there is none.
_WAITS = frozenset(BY_NAME[f"memory.atomic.wait{width}"].index for width in (32, 64))
_TAIL_CALLS = frozenset(operator.index for operator in OPERATORS if operator.proposal == "tail-call")


class Skipped(Exception):
    """A module that cannot be compared; says why."""


@dataclass(frozen=True)
class Build(Configuration):
    """How a program is built and run."""

    stress: bool = False  # the collector runs all the time
    units: bool = False  # of a few functions each

    @property
    def exact(self) -> bool:
        """Whether what a program wrote before it left a memory is there after the trap.

        Where the trap is a fault, LLVM may have moved what was to be written before past it, or left it out because it
        is overwritten behind it. Nobody sees that of an executable, which ends with the trap.
        """
        return self.level == "0" or self.memory == "checked"

    def __str__(self) -> str:
        return super().__str__() + "-stress" * self.stress + "-units" * self.units


@dataclass(frozen=True, slots=True)
class Case:
    """A module to compare, and what came of it under wasmtime."""

    seed: str
    wasm: bytes
    support: bytes
    observer: Observer
    expected: list[str]

    @property
    def is_cut(self) -> bool:
        """Whether there are steps that were not performed, though all modules have their instances."""
        return 3 <= len(self.expected) < 3 + len(self.observer.calls)

    def modules(self) -> list[tuple[bytes, str | None]]:
        """The modules in the order of their instantiation, and what they are called."""
        return [(self.support, SUPPORT), (self.wasm, RANDOM), (self.observer.wasm, None)]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as wasmtime has it, and where."""

    seed: str
    configuration: str
    what: str
    wasm: bytes = field(repr=False)


@dataclass
class Report:
    """What came of some cases; added up over all."""

    compared: Counter[str] = field(default_factory=Counter)  # modules by configuration
    outcomes: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.compared += other.compared
        self.outcomes += other.outcomes
        self.skipped += other.skipped
        self.differences += other.differences


def _decode(wasm: bytes, name: str) -> Module:
    module = decode_module(wasm, name)
    collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    return module


def export_all(wasm: bytes, number: random.Random) -> bytes:
    """The module with its memories and tables exported, often its globals too: so they are looked at in the end."""
    module = decode_module(wasm)
    more = [(f"+memory {i}", "memory", i) for i in range(len(module.memories))]
    more += [(f"+table {i}", "table", i) for i in range(len(module.tables))]
    if number.random() < 0.7:  # a global that is not exported may be a constant
        more += [(f"+global {i}", "global", i) for i in range(len(module.globals))]
    return with_exports(wasm, more)


def _reference(wasm: bytes) -> bytes:
    """The module as wasmtime takes it, which has not the exceptions of before."""
    module = decode_module(wasm)
    facts = collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    if "legacy-exceptions" not in facts.proposals:
        return wasm
    with Generator() as generator:
        return generator.optimize(wasm, ["--emit-exnref"])


def _expected(modules: tuple[bytes, bytes, Observer]) -> list[str]:
    return list(oracle.run(*modules))


def make_case(seed: str, wasm: bytes, rounds: int = ROUNDS, *, apart: bool = False) -> Case:
    """Surrounds a module and runs it under wasmtime, `apart` in a process of its own: wasmtime may end that.

    Raises Skipped, or WaotError where the module is not taken here.
    """
    try:
        reference = _reference(wasm)
    except RuntimeError as reason:
        raise Skipped(f"wasm-opt: {str(reason).strip().splitlines()[-1][-80:]}") from None
    module = _decode(reference, f"{seed}.wasm")
    try:
        support = make_support(module, seed)
        observer = make_observer(module, seed, rounds)
    except Uninhabited as reason:
        raise Skipped(f"an import of a type without values: {reason}") from None
    try:
        if apart:
            (ended,) = perform(_expected, [(support, reference, observer)], 1, ORACLE_SECONDS)
            if ended.result is None:
                raise Skipped(f"wasmtime: {(ended.failure or '').strip().splitlines()[-1]}")
            expected = ended.result
        else:
            expected = _expected((support, reference, observer))
    except oracle.Refused as reason:
        raise Skipped(f"wasmtime: {str(reason).splitlines()[0]}") from None
    return Case(seed, wasm, support, observer, expected)


def generated_module(generator: Generator, seed: str) -> bytes:
    """The module of a seed: one that wasm-opt makes up, or one of the corpus, changed. Raises RuntimeError."""
    number = random.Random(f"kind {seed}")
    if valid() and number.random() < 0.4:
        wasm = generator.optimize(_variation(number, with_tail_calls(seed)), ["--denan"])
    else:
        wasm = generator.module(seed)
    return export_all(wasm, number)


def _variation(number: random.Random, tail_calls: bool) -> bytes:
    for _ in range(100):
        wasm = number.choice(valid())
        changed = vary(wasm, number) if number.random() < 0.7 else mutate(wasm, valid(), number)
        if verdict(changed) == "Module" and not _operators(changed) & (_WAITS if tail_calls else _WAITS | _TAIL_CALLS):
            return changed
    raise RuntimeError("no valid variation in 100")


def _operators(wasm: bytes) -> set[int]:
    """The operators of a module that can be reached."""
    module = decode_module(wasm)
    bodies = (validate_function(module, i) for i in range(module.imported_func_count, len(module.funcs)))
    return {op for body in bodies for op, _, _ in body.code}


def _link(cases: Sequence[Case]) -> tuple[Module, list[Step]]:
    """All cases as one program, and its steps: as many a case as there are outcomes expected."""
    linker = Linker(())
    steps: list[Step] = []
    exports = 0  # of the instances so far
    for case in cases:
        own: list[Step] = []
        for wasm, name in case.modules():
            module = decode_module(wasm, f"{case.seed}.{name or 'observer'}.wasm")
            places = {e.name: exports + i for i, e in enumerate(module.exports)}
            exports += len(module.exports)
            number = linker.add(module, name)
            own.append(Step(INSTANTIATE, number, 0))
            if name == SUPPORT:
                for other in {item.module for item in decode_module(case.wasm).imports}:
                    linker.register(other, number)
        for call, expected in zip(case.observer.calls, case.expected[3:], strict=False):
            # A result that cannot be, so that the driver tells what there is.
            wanted = _ALL ^ int(expected.removeprefix("result 0: "), 16) if expected.startswith("result") else 0
            arguments = tuple(Value(t, bits) for t, bits in call.arguments)
            own.append(Step(CALL, places[call.name], 0, arguments, (Value("i64", wanted),)))
        steps += own[: len(case.expected)]
    return linker.finish(None), steps


def run_cases(cases: Sequence[Case], configuration: Build) -> tuple[list[list[str]], str]:
    """What came of each step of each case, natively, and how the program ended ("" for well). Raises WaotError."""
    program, steps = _link(cases)
    executable = build_program(
        program,
        steps,
        configuration,
        relaxed_simd="deterministic",
        with_heap=STRESS if configuration.stress else None,
        unit_operators=UNIT_OPERATORS if configuration.units else 1 << 62,
    )
    lines, ending = run_program(executable, configuration.target)
    told, at = [], 0
    for case in cases:
        told.append(lines[at : at + len(case.expected)])
        at += len(case.expected)
    return told, ending


def _describe(case: Case, step: int) -> str:
    if step < 3:
        return f"instantiation of {('what it imports', 'the module', 'the observer')[step]}"
    call = case.observer.calls[step - 3]
    return f"step {step}: {call.name}({', '.join(f'{bits:#x}' for _, bits in call.arguments)})"


def _first_difference(case: Case, told: Sequence[str], *, exact: bool) -> int | None:
    """The first step that does not end as under wasmtime, or None; `exact` is `Build.exact`."""
    for step, expected in enumerate(case.expected):
        if step >= len(told):
            return step
        line = told[step]
        if line in _LIMITS:
            return None
        right = line == ("ok" if expected == "returned" else expected)
        if expected.startswith("trap: ") and line.startswith("trap: "):
            right = line.removeprefix("trap: ") in expected.removeprefix("trap: ").split("|")
        if step < 3 and expected == "exception":  # there is nobody to catch what a start function throws
            right = line == "trap: uncaught exception"
        if right and line == _FAULT and not exact:
            return None
        if not right:
            return step
    return None


def compare(case: Case, told: Sequence[str], ending: str, *, exact: bool) -> str | None:
    """The first difference in words, or None; `ending` says why there is nothing more told."""
    step = _first_difference(case, told, exact=exact)
    if step is None:
        return None
    if step >= len(told):
        return f"{_describe(case, step)}: {ending or 'nothing told'}"
    return f"{_describe(case, step)}: {told[step]!r}, under wasmtime {case.expected[step]!r}"


def _is_lost_load(case: Case, told: Sequence[str], configuration: Build) -> bool:
    """Whether the first difference is a fault under wasmtime that an optimised build without checks goes on from.

    That is so where LLVM finds out that the value of a load cannot matter. With checks there must be no difference.
    """
    first = _first_difference(case, told, exact=configuration.exact)
    if configuration.exact or first is None or first >= len(told):
        return False
    if case.expected[first] != _FAULT or told[first] == _FAULT:
        return False
    (lines,), ending = run_cases([case], Build(configuration.target, "checked", configuration.level))
    return compare(case, lines, ending, exact=True) is None


def compare_cases(cases: Sequence[Case], configuration: Build, report: Report) -> None:
    """Adds to the report what came of the cases."""
    if not cases:
        return
    try:
        told, ending = run_cases(cases, configuration)
    except WaotError as error:
        told, ending = [[] for _ in cases], f"cannot be built: {error}"
    whole = all(len(lines) == len(case.expected) for case, lines in zip(cases, told, strict=True))
    if not whole and len(cases) > 1:  # which one it is
        for case in cases:
            compare_cases([case], configuration, report)
        return
    for case, lines in zip(cases, told, strict=True):
        report.compared[str(configuration)] += 1
        report.outcomes.update(line.partition(": ")[0] if line.startswith("result") else line for line in lines)
        what = compare(case, lines, ending, exact=configuration.exact)
        if what is not None and _is_lost_load(case, lines, configuration):
            report.skipped["(the rest of a module, behind a load that went with its trap: docs/rationale.md)"] += 1
        elif what is not None:
            report.differences.append(Difference(case.seed, str(configuration), what, case.wasm))


@dataclass(frozen=True, slots=True)
class Batch:
    """Seeds whose modules are compared together, in each of the configurations."""

    seeds: tuple[str, ...]
    configurations: tuple[Build, ...]


def run_batch(batch: Batch) -> Report:
    """Generates, compiles, runs and compares."""
    report = Report()
    cases: list[Case] = []
    with Generator(valid()) as generator:
        for seed in batch.seeds:
            try:
                wasm = generated_module(generator, seed)
                case = make_case(seed, wasm, apart=len(batch.seeds) == 1)
                cases.append(case)
                if case.is_cut:
                    report.skipped["(only the rest of a module, behind what exhausts wasmtime)"] += 1
            except Skipped as reason:
                report.skipped[str(reason)] += 1
            except RuntimeError as reason:
                report.skipped[f"wasm-opt: {str(reason).strip().splitlines()[-1][-80:]}"] += 1
            except UnsupportedError as error:
                report.skipped[error.what] += 1
            except WaotError as error:
                report.differences.append(Difference(seed, "", f"is refused: {error}", b""))
    for configuration in batch.configurations:
        compare_cases(cases, configuration, report)
    return report
