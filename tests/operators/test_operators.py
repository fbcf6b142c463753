"""Every supported operator, executed natively and compared with wasmtime.

Operators on numbers and vectors run over edge operands in generated modules; all others are in the files of cases/. The
quick set takes x86-64, optimised and not; the slow one every memory strategy, AArch64, RISC-V and 32-bit processors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tools

pytest.importorskip("wasmtime")

from tests.operators import generated, relaxed
from tests.operators.boundaries import atomic_boundaries, boundaries, boundaries64
from tests.operators.running import (
    CASES,
    ENDLESS,
    LEFT_RUNNING,
    CaseModule,
    build,
    case_input,
    case_module,
    differences,
    natively,
    operators_of,
    under_wasmtime,
)
from tests.programs.harness import Configuration
from waot import pipeline
from waot.frontend.opcodes import OPERATORS
from waot.options import Cpu

X86, ARM, RISCV = "x86_64-linux", "aarch64-linux", "riscv64-linux"
ON_32_BITS = tuple(
    Configuration(target, "checked", level)
    for target in ("i686-linux", "armv7-linux", "riscv32-linux")
    for level in "20"
)
QUICK = (Configuration(X86, "guarded", "2"), Configuration(X86, "checked", "0"))
SLOW = (
    Configuration(X86, "guarded", "0"),
    Configuration(X86, "checked", "2"),
    Configuration(X86, "static", "2"),
    Configuration(X86, "static", "0"),
    Configuration(ARM, "guarded", "2"),
    Configuration(ARM, "checked", "2"),
    Configuration(ARM, "static", "2"),
    Configuration(RISCV, "guarded", "2"),
    Configuration(RISCV, "checked", "0"),
    Configuration(RISCV, "static", "2"),
    *ON_32_BITS,
)
# Numeric operators know nothing of memory strategies.
QUICK_NUMERIC = QUICK[:1]
SLOW_NUMERIC = (
    *QUICK[1:],
    Configuration(ARM, "guarded", "2"),
    Configuration(ARM, "guarded", "0"),
    Configuration(RISCV, "guarded", "2"),
    Configuration(RISCV, "guarded", "0"),
    *ON_32_BITS,
)

# Loads that LLVM deletes with their trap from -O1 on where memory is not checked: docs/rationale.md, "Plain loads, and
# which traps they may lose", says which and why. Exact on x86-64, where the list must be neither longer nor shorter.
ACCEPTED_LOSSES = frozenset(
    """abs of copysign|added to NaN|another lane extracted|argument that the callee uses on one path|byte below 256
    |compared with NaN|condition of a br_if to the next instruction|condition of an if with equal arms
    |condition of an if with equal values|index of a br_table with one target
    |load used only after a division by zero|select between equals|select on a constant local
    |stored and overwritten|unsigned at least zero|unsigned below zero|value on a branch that folding removes
    |value on a branch that is not taken""".replace("\n    ", "").split("|")
)

CASE_FILES = sorted(path.stem for path in CASES.glob("*.wat") if path.stem != "endless")
GROUPS = [*generated.groups(), "folded", "wide"]
# (choice of relaxed.make, target, CPU, what to ask waot for)
RELAXED = (
    ("strict", X86, None, "deterministic"),
    ("x86", X86, None, "fast"),
    ("x86-fma", X86, "x86-64-v3", "fast"),
    ("strict", X86, "x86-64", "deterministic"),
    ("fused", ARM, None, "fast"),
    ("strict", ARM, None, "deterministic"),
)
# Processors for whose vector instructions simd_native.py has less, or LLVM more, than for the baseline.
PROCESSORS = ("x86-64", "core2", "x86-64-v3")
VECTORS = [name for name in generated.groups() if "x" in name or name == "v128"]
BOUNDARIES = {"boundaries": boundaries, "boundaries64": boundaries64, "atomic_boundaries": atomic_boundaries}


def _parameters(names: list[str], quick: tuple[Configuration, ...], slow: tuple[Configuration, ...]) -> list[object]:
    return [
        pytest.param(name, configuration, id=f"{name}-{configuration}", marks=marks)
        for name in names
        for configurations, marks in ((quick, ()), (slow, (pytest.mark.slow,)))
        for configuration in configurations
    ]


def _needs(configuration: Configuration) -> None:
    tools.runner_or_skip(configuration.target)


@pytest.mark.parametrize(("group", "configuration"), _parameters(GROUPS, QUICK_NUMERIC, SLOW_NUMERIC))
def test_operators_on_edge_operands(group: str, configuration: Configuration, tmp_path: Path) -> None:
    _run_on_edge_operands(group, configuration, tmp_path, Cpu())


@pytest.mark.slow
@pytest.mark.parametrize("cpu", PROCESSORS)
@pytest.mark.parametrize("group", VECTORS)
def test_vector_operators_on_edge_operands_for_processors(group: str, cpu: str, tmp_path: Path) -> None:
    _needs_cpu(cpu)
    _run_on_edge_operands(group, QUICK_NUMERIC[0], tmp_path, Cpu(cpu))


def _run_on_edge_operands(group: str, configuration: Configuration, directory: Path, cpu: Cpu) -> None:
    _needs(configuration)
    module, wasm = generated.make(group)
    expected = under_wasmtime(wasm, b"")
    assert (expected.trap, len(expected.stdout)) == (None, module.size)
    actual = natively(build(wasm, group, configuration, directory, cpu=cpu), configuration.target, b"")
    assert actual.status == 0, actual.stderr
    wrong = generated.differences(module, expected.stdout, actual.stdout)
    if configuration.level != "0":
        wrong = [line for line in wrong if not _only_not_quieted(line)]
    assert not wrong, "\n".join([f"{len(wrong)} results differ", *wrong[:40]])


def _needs_cpu(cpu: str | None) -> None:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        flags = ""
    if cpu == "x86-64-v3" and not {" fma ", " avx2 "} <= set(re.findall(r" fma | avx2 ", flags)):
        pytest.skip("this machine has no FMA and AVX2")


def _only_not_quieted(line: str) -> bool:
    """Whether a constant met its operator by inlining, and all that differs is that a NaN is still a signalling one."""
    if not line.startswith("(call "):
        return False
    expected, found = (line.rsplit(word, 1)[1].split(",")[0] for word in ("expected ", "found "))
    quiet, sign = (1 << 22, 1 << 31) if len(expected) == 8 else (1 << 51, 1 << 63)
    return (int(expected, 16) ^ int(found, 16)) & ~sign == quiet


@pytest.mark.parametrize(("name", "configuration"), _parameters(CASE_FILES, QUICK, SLOW))
def test_cases(name: str, configuration: Configuration, tmp_path: Path) -> None:
    _needs(configuration)
    wrong = differences(case_module(name), configuration, tmp_path)
    if name == "dead_loads":
        wrong = _without_accepted(wrong, configuration)
    if configuration in ON_32_BITS:  # which have no room for it: memory.grow says -1
        wrong = [line for line in wrong if not line.startswith("memories64: accesses beyond four gigabytes:")]
    assert not wrong, "\n".join([f"{len(wrong)} cases differ", *wrong])


def _without_accepted(wrong: list[str], configuration: Configuration) -> list[str]:
    if configuration.level == "0" or configuration.memory == "checked":
        return wrong
    lost = {line.split(": ")[1].removesuffix(":\n  wasmtime") for line in wrong}
    if configuration.target == X86:
        assert lost >= ACCEPTED_LOSSES, f"no longer lost: {sorted(ACCEPTED_LOSSES - lost)}"
    return [line for line in wrong if line.split(": ")[1].removesuffix(":\n  wasmtime") not in ACCEPTED_LOSSES]


@pytest.mark.parametrize("name", ["globals", "dead_loads"])
def test_cases_with_locals_in_stack_slots(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What functions with very many locals and joins get; the workers inherit the limit.
    monkeypatch.setattr("waot.lowering.function.SSA_WORK_LIMIT", 0)
    wrong = differences(case_module(name), QUICK[0], tmp_path)
    if name == "dead_loads":
        assert {line.split(": ")[1].removesuffix(":\n  wasmtime") for line in wrong} <= ACCEPTED_LOSSES, wrong
    else:
        assert not wrong, "\n".join([f"{len(wrong)} cases differ", *wrong])


# Little of them at -O1 and with a brief effort; with a full one they have the most copies of each other's functions.
@pytest.mark.parametrize("brief", [1, pipeline.BRIEF_OPERATORS])
@pytest.mark.parametrize("level", ["1", "2"])
@pytest.mark.parametrize("name", ["control", "numeric_traps", "tables"])
def test_cases_in_several_units(
    name: str, level: str, brief: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 100)
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 500)
    monkeypatch.setattr(pipeline, "BRIEF_OPERATORS", brief)
    configuration = Configuration(X86, "checked", level)
    _needs(configuration)
    assert not differences(case_module(name), configuration, tmp_path)


@pytest.mark.parametrize("brief", [1, pipeline.BRIEF_OPERATORS])
def test_dead_loads_in_units_that_no_pass_sees(brief: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 100)
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 500)
    monkeypatch.setattr(pipeline, "BRIEF_OPERATORS", brief)
    configuration = Configuration(X86, "guarded", "1")
    _needs(configuration)
    wrong = differences(case_module("dead_loads"), configuration, tmp_path)
    assert {line.split(": ")[1].removesuffix(":\n  wasmtime") for line in wrong} <= ACCEPTED_LOSSES, wrong


@pytest.mark.parametrize("level", ["2", "0"])
@pytest.mark.parametrize(("choice", "target", "cpu", "wanted"), RELAXED)
def test_relaxed_operators_choose_what_is_documented(
    choice: str, target: str, cpu: str | None, wanted: str, level: str, tmp_path: Path
) -> None:
    configuration = Configuration(target, "guarded", level)
    _needs(configuration)
    _needs_cpu(cpu)
    module, wasm, oracle = relaxed.make(choice)
    expected = under_wasmtime(oracle, b"")
    assert (expected.trap, len(expected.stdout)) == (None, module.size)
    program = build(wasm, "relaxed", configuration, tmp_path, relaxed_simd=wanted, cpu=Cpu(cpu))
    actual = natively(program, target, b"")
    assert actual.status == 0, actual.stderr
    wrong = generated.differences(module, expected.stdout, actual.stdout)
    assert not wrong, "\n".join([f"{len(wrong)} results differ", *wrong[:40]])


@pytest.mark.parametrize(("name", "configuration"), _parameters([*BOUNDARIES], QUICK, SLOW))
def test_accesses_at_the_bounds_of_memory(name: str, configuration: Configuration, tmp_path: Path) -> None:
    _needs(configuration)
    wrong = differences(BOUNDARIES[name](), configuration, tmp_path)
    assert not wrong, "\n".join([f"{len(wrong)} cases differ", *wrong[:40]])


@pytest.mark.parametrize(("name", "configuration"), _parameters(["endless"], QUICK[:1], (*QUICK[1:], *SLOW)))
def test_endless_loops_stay(name: str, configuration: Configuration, tmp_path: Path) -> None:
    _needs(configuration)
    module = case_module(name)
    program = build(module.wasm, name, configuration, tmp_path)
    for number, case in enumerate(module.cases):
        outcome = natively(program, configuration.target, case_input(number), LEFT_RUNNING)
        assert (outcome.trap, outcome.stdout) == (ENDLESS, b""), f"{case}: {outcome}"


def _case_modules() -> Iterator[CaseModule]:
    yield from (case_module(path.stem) for path in sorted(CASES.glob("*.wat")))
    yield from (make() for make in BOUNDARIES.values())


def test_every_supported_operator_is_executed() -> None:
    covered = {operator.name for operators in generated.groups().values() for operator in operators}
    covered.update(operator.name for operator in relaxed.operators())
    covered.update(operator.name for operator in operators_of(generated.make("wide")[1]).values())
    # In the files, only operators that validation finds reachable count.
    for module in _case_modules():
        covered.update(operator.name for operator in operators_of(module.wasm).values())
    # wasmtime does not run the legacy form of exceptions: the official suite (legacy/) and tests/programs do.
    left = [op for op in OPERATORS if op.supported and op.proposal != "legacy-exceptions"]
    missing = [op.name for op in left if op.name not in covered]
    assert not missing, "no case: " + ", ".join(missing)
