"""The collector (core/gc): heap.c stands for generated code, linked with the shim as that is."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest

from tests import tools
from tests.runtime.programs import function, manifest, module, run, runtime, targets
from waot.codegen import make_codegen_options
from waot.codegen.llvm import compile_unit
from waot.linker import link_executable
from waot.linker.zig import run_zig
from waot.options import Cpu
from waot.resources import runtime_support_dir
from waot.targets import Target, find_target

TARGETS = [pytest.param(target, id=target.name) for target in targets()]
both = pytest.mark.parametrize("target", TARGETS)

# The order is heap.c's.
SMALL, NODE, PAIR, MIXED, WIDE, EDGE, ABOVE, BIG, LARGEST_CELL, LARGE, BYTES, WORDS, REFERENCES, VECTORS = range(14)
MIB = 1 << 20


@functools.cache
def program(target_name: str) -> bytes:
    """heap.c and the shim, as an executable."""
    target = find_target(target_name)
    shim = runtime(target.name)
    code = function(0, "void ()", "  call void @test_main()\n  ret void") + "declare void @test_main()\n"
    options = make_codegen_options(target, Cpu(), "2", "exe")
    unit = compile_unit(module(target, "guarded", code), shim.bitcode, frozenset(shim.entry_points), options)
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIE", "-g0", "-fno-strict-aliasing"]
    flags += ["-fno-sanitize=all", "-fno-stack-protector", "-fvisibility=hidden", f"-I{runtime_support_dir()}"]
    cache = tools.cache_directory() / "runtime"
    with tempfile.TemporaryDirectory() as name:
        source = str(Path(__file__).with_name("heap.c"))
        command = ["cc", "-target", target.zig_target, *flags, "-c", source, "-o", "heap.o"]
        run_zig(command, cache_dir=cache, directory=Path(name), what="compiling heap.c")
        objects = [unit, Path(name, "heap.o").read_bytes()]
    return link_executable(
        objects,
        target=target,
        memory="guarded",
        runtime=shim,
        manifest=manifest(target, "guarded"),
        cache_dir=cache,
    )


def found(target: Target, directory: Path, *arguments: str | int) -> dict[str, int]:
    """Runs heap.c with those arguments, to its end; what it said."""
    outcome = run(target, program(target.name), directory, [str(a) for a in arguments])
    assert outcome.status == 0, outcome.errors
    return {name: int(value) for name, value in (line.rsplit(" ", 1) for line in outcome.errors.splitlines())}


def trap(target: Target, directory: Path, *arguments: str | int) -> str:
    """Runs heap.c with those arguments, to a trap; its name."""
    outcome = run(target, program(target.name), directory, [str(a) for a in arguments])
    assert outcome.status == 134, outcome.errors
    return next(line for line in outcome.errors.splitlines() if line.startswith("waot: ")).removeprefix("waot: trap: ")


@both
@pytest.mark.parametrize("mark_stack", [0, MIB])
@pytest.mark.parametrize("budget", [1 << 17, 8 * MIB])
def test_random_graphs_are_what_a_model_of_them_says(
    target: Target, mark_stack: int, budget: int, tmp_path: Path
) -> None:
    for seed in range(1, 6):
        said = found(target, tmp_path, "graph", seed, 30000, mark_stack, budget)
        assert said["reached"] > 1000
        # What words left on the stack keep is little of it.
        assert said["excess"] * 4 < said["reached"]


@both
def test_cycles_die(target: Target, tmp_path: Path) -> None:
    assert found(target, tmp_path, "cycles")["live"] < 100
