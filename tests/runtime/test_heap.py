"""The collector (core/gc): heap.c stands for generated code, linked with the shim as that is."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests import tools
from tests.runtime.programs import at, function, manifest, module, movable, run, runtime, targets
from waot.codegen import make_codegen_options
from waot.codegen.llvm import compile_unit
from waot.linker import link_executable
from waot.linker.runtime import include_flags, machine_flags
from waot.options import Cpu
from waot.resources import runtime_support_dir
from waot.targets import Target, find_target
from waot.zig import run_zig

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
    body = f"  notail call void @test_main(), {at(0x123)}\n  ret void"
    code = function(0, "void ()", body) + "declare void @test_main()\n"
    options = make_codegen_options(target, Cpu(), "2", "exe")
    keep = frozenset({*shim.entry_points, "waot_table_grow"})
    unit = compile_unit(module(target, movable(target), code), shim.bitcode, keep, options)
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIE", "-g0", "-fno-strict-aliasing"]
    flags += ["-fno-sanitize=all", "-fno-stack-protector", "-fvisibility=hidden"]
    root = runtime_support_dir()
    flags += ["-fasynchronous-unwind-tables", *include_flags(root, target.runtime)]
    cache = tools.cache_directory() / "runtime"
    with tempfile.TemporaryDirectory() as name:
        source = str(Path(__file__).with_name("heap.c"))
        command = ["cc", *machine_flags(target), *flags, "-c", source, "-o", "heap.o"]
        run_zig(command, cache_dir=cache, directory=Path(name), what="compiling heap.c")
        objects = [unit, Path(name, "heap.o").read_bytes()]
    return link_executable(
        objects,
        target=target,
        memory=movable(target),
        runtime=shim,
        manifest=manifest(target, movable(target), facilities=("objects",)),
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
    overflows = 0
    for seed in range(1, 3 if tools.runner(target.name) else 6):
        said = found(target, tmp_path, "graph", seed, 20000, mark_stack, budget)
        assert said["reached"] > 2000
        assert said["collections"] > 10
        # What words left on the stack keep is little of it.
        assert said["excess"] * 4 < said["reached"]
        overflows += said["overflows"]
    assert bool(overflows) == (mark_stack == 0)


@both
def test_cycles_die(target: Target, tmp_path: Path) -> None:
    assert found(target, tmp_path, "cycles")["live"] < 100


@both
def test_memory_stays_flat_under_short_lived_objects(target: Target, tmp_path: Path) -> None:
    said = found(target, tmp_path, "flat", 3_000_000 if tools.runner(target.name) else 50_000_000)
    assert said["collections"] >= 20
    assert said["extent"] < 24 * MIB


@both
def test_memory_goes_back_to_the_system_after_a_peak(target: Target, tmp_path: Path) -> None:
    said = found(target, tmp_path, "peak")
    assert said["high"] > 100 * MIB
    assert said["low"] < 16 * MIB


@both
def test_long_lists_and_wide_arrays_are_marked(target: Target, tmp_path: Path) -> None:
    assert found(target, tmp_path, "deep", 1_000_000, MIB)["overflows"] == 0


@both
def test_a_mark_stack_that_overflows_loses_nothing(target: Target, tmp_path: Path) -> None:
    assert found(target, tmp_path, "deep", 300_000, 0)["overflows"] > 0


@both
def test_a_word_keeps_what_it_points_into_and_arrays_beside_it(target: Target, tmp_path: Path) -> None:
    found(target, tmp_path, "interior")


@both
def test_a_reference_in_a_register_keeps_its_object(target: Target, tmp_path: Path) -> None:
    found(target, tmp_path, "registers")


@both
def test_words_that_look_like_references_do_no_harm(target: Target, tmp_path: Path) -> None:
    assert found(target, tmp_path, "fake")["extent"] < 64 * MIB


@both
def test_values_that_are_no_objects_are_passed_over(target: Target, tmp_path: Path) -> None:
    found(target, tmp_path, "values")


@both
def test_memory_of_dead_objects_is_used_again_by_all_types(target: Target, tmp_path: Path) -> None:
    outcome = run(target, program(target.name), tmp_path, ["reuse"])
    extents = outcome.errors.splitlines()
    assert len(extents) == 40
    assert extents[4:] == extents[4:5] * 36


# With what the list of them takes: a PAIR each, and the type's size class.
@both
@pytest.mark.parametrize(
    ("limit", "type_", "length", "size"),
    [
        (8 * MIB, SMALL, 0, 16),
        (8 * MIB, EDGE, 0, 512),
        (8 * MIB, LARGEST_CELL, 0, 32768),
        (8 * MIB, LARGE, 0, 143360),
        (8 * MIB, REFERENCES, 1000, 8192),
        (2 * MIB, NODE, 0, 32),
        (100_000, SMALL, 0, 100_000),  # not two blocks
        (1, SMALL, 0, 1),
    ],
)
def test_a_limit_is_reached_and_not_passed(
    target: Target, limit: int, type_: int, length: int, size: int, tmp_path: Path
) -> None:
    if type_ == REFERENCES:
        size = size * target.pointer_bits // 64
    most = limit // (32 + size)
    step = most // 50 + 1
    outcome = run(target, program(target.name), tmp_path, [str(a) for a in ("limit", limit, type_, length, step)])
    assert outcome.status == 134
    assert "waot: trap: out of memory" in outcome.errors.splitlines()
    assert outcome.backtrace[-1] == "at main (function 7, offset 0x123)"
    told = [int(line.split()[1]) for line in outcome.errors.splitlines() if line.startswith("allocated ")][-1]
    assert most * 0.8 - step <= told <= most


@both
def test_garbage_is_no_matter_near_the_limit(target: Target, tmp_path: Path) -> None:
    for limit in (2 * MIB, 16 * MIB):
        said = found(target, tmp_path, "below_limit", limit, 200_000)
        assert said["used"] <= limit
        # More than in a row may give next to nothing.
        assert said["collections"] > 70 or limit > 2 * MIB


@both
def test_large_arrays(target: Target, tmp_path: Path) -> None:
    assert found(target, tmp_path, "array", BYTES, 100_000_000) == {"length": 100_000_000}
    assert found(target, tmp_path, "array", VECTORS, 5_000_000) == {"length": 5_000_000}
    for type_ in (REFERENCES, VECTORS):  # 32 and 64 GiB; the limit decides, not the machine
        for length in (0xFFFFFFFF, 0xFFFFFFFE, 0x80000000, 0x20000000, 0x1FFFFFFF):
            assert trap(target, tmp_path, "array", type_, length, MIB) == "out of memory"


@both
def test_recursion_that_collects_exhausts_the_stack(target: Target, tmp_path: Path) -> None:
    assert trap(target, tmp_path, "exhaust") == "call stack exhausted"


@both
def test_a_collection_is_not_begun_on_too_little_stack(target: Target, tmp_path: Path) -> None:
    assert trap(target, tmp_path, "short_of_stack") == "call stack exhausted"


@both
def test_collections_that_give_next_to_nothing_are_out_of_memory(target: Target, tmp_path: Path) -> None:
    assert trap(target, tmp_path, "thrash") == "out of memory"


def test_little_address_space_is_enough_and_not_all_taken(tmp_path: Path) -> None:
    target = next((t for t in targets() if "guarded" in t.memory_supported and not tools.runner(t.name)), None)
    if target is None:
        pytest.skip("the limit would be the emulator's")
    path = tmp_path / "program"
    path.write_bytes(program(target.name))
    path.chmod(0o755)
    # Beside the 8 GiB of a guarded memory; the stack and its guard take 17 MiB.
    for mib in (20, *range(40, 104, 4), 4096):
        command = f'ulimit -v {(8 << 20) + (mib << 10)}; exec "$0" space {1 << 30}'
        done = subprocess.run(["sh", "-c", command, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == (134 if mib == 20 else 0), (mib, done.stderr)


@both
def test_a_program_without_objects_has_no_collector(target: Target) -> None:
    shim = runtime(target.name)
    code = module(target, movable(target), function(0, "void ()", "  ret void"))
    options = make_codegen_options(target, Cpu(), "2", "exe")
    unit = compile_unit(code, shim.bitcode, frozenset(shim.entry_points), options)
    with_it, without = (
        link_executable(
            [unit],
            target=target,
            memory=movable(target),
            runtime=linked,
            manifest=manifest(target, movable(target), facilities=("objects",)),
            cache_dir=tools.cache_directory() / "runtime",
        )
        for linked in (shim, replace(shim, on_demand=()))
    )
    assert with_it == without
