"""A module that was edited becomes, with what is kept of its earlier builds, the same to the byte as without."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import waot
from tests import tools
from tests.incremental.edits import EDITS, module
from waot import pipeline, units

wasmtime = pytest.importorskip("wasmtime")

TARGET = "x86_64-linux"


class Builds:
    """Builds of modules in one directory: `kept` with a cache that all of them share, `clean` without."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.compiled = directory / "compiled"  # a byte for each unit that LLVM has compiled for `kept`
        self._count = 0

    def _build(self, text: str, cache: bool, target: str = TARGET, **options: object) -> bytes:
        wasm = self.directory / "program.wasm"
        wasm.write_bytes(wasmtime.wat2wasm(text))
        self._count += 1
        output = self.directory / f"program.{self._count}"
        waot.build(wasm, output, [target], cache=cache, **{"opt_level": "1", **options})  # type: ignore[arg-type]
        data = output.read_bytes()
        output.unlink()
        return data

    def clean(self, text: str, target: str = TARGET, **options: object) -> bytes:
        return self._build(text, False, target, **options)

    def kept(self, text: str, target: str = TARGET, **options: object) -> tuple[bytes, int]:
        """The program, and how many units LLVM compiled."""
        self.compiled.write_bytes(b"")
        return self._build(text, True, target, **options), self.compiled.stat().st_size


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    import waot.codegen.llvm

    made = Builds(tmp_path_factory.mktemp("builds"))
    compile_unit = waot.codegen.llvm.compile_unit

    def counted(*arguments: object) -> bytes:
        with open(made.compiled, "ab") as file:
            file.write(b".")
        return compile_unit(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAOT_CACHE_DIR", str(made.directory / "cache"))
        # The workers inherit these. Functions are validated in several chunks and lowered in several units.
        patch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 100)
        patch.setattr(pipeline, "UNIT_OPERATORS", 60)
        patch.setattr(units, "PARALLEL_CODE_BYTES", 0)
        patch.setattr(units, "CHUNK_BYTES", 150)
        patch.setattr(waot.codegen.llvm, "compile_unit", counted)
        for level in ("1", "2"):
            made.kept(module(), opt_level=level)
        yield made


@pytest.mark.parametrize("level", ["1", "2"])  # at which units have copies of each other's functions
@pytest.mark.parametrize(("changes", "change"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
def test_an_edited_module_is_built_as_if_nothing_were_kept(
    builds: Builds, changes: dict[str, str], change: Callable[[str], str], level: str
) -> None:
    text = change(module(**changes))
    assert text != module()
    data, _ = builds.kept(text, opt_level=level)
    assert data == builds.clean(text, opt_level=level)
    again, compiled = builds.kept(text + " ", opt_level=level)
    assert (again, compiled) == (data, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"opt_level": "2"},
        {"memory": "guarded"},
        {"memory": "checked"},
        {"cpu": "x86-64-v3"},
        {"target": "aarch64-linux"},
        {"target": "x86_64-windows"},
        {"target": "x86_64-macos"},
        {"dirs": ["/tmp"]},
        {"env": ["A=B"]},
        {"seccomp": "off"},
        {"stack_size": "4MiB"},
        {"max_heap": "4MiB"},
        {"relaxed_simd": "deterministic"},
    ],
    ids=str,
)
def test_other_options_are_not_those_of_what_is_kept(builds: Builds, options: dict[str, object]) -> None:
    text = module(body="(i32.const 3)")
    builds.kept(text)
    data, _ = builds.kept(text, **options)  # type: ignore[arg-type]
    assert data == builds.clean(text, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", ["1", "2"])
def test_what_a_smaller_module_was_made_of_is_not_taken_for_one_of_less_effort(
    builds: Builds, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = "(i32.shl (local.get 0) (i32.const 2))"
    loop = f"""(loop $l (i32.store {cell} (i32.xor (i32.load {cell}) (i32.const 3)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"""
    text = module(writer=loop)
    builds.kept(text, opt_level=level)
    full = builds.clean(edited := module(writer=loop, body="(i32.const 5)"), opt_level=level)
    monkeypatch.setattr(pipeline, "BRIEF_OPERATORS", 2)
    brief, _ = builds.kept(edited, opt_level=level)
    assert brief == builds.clean(edited, opt_level=level)
    assert brief != full


def test_a_body_that_changes_costs_its_own_unit(builds: Builds) -> None:
    assert builds.kept(module(), opt_level="0")[1] > 6
    assert builds.kept(module(body="(i32.const 4)"), opt_level="0")[1] == 1


def test_a_function_that_grows_costs_its_own_unit_and_the_first(builds: Builds) -> None:
    assert builds.kept(module(body="(i32.sub (i32.const 300) (local.get 0))"))[1] == 2


def test_a_function_amid_others_that_have_names_costs_its_unit_and_its_neighbours(builds: Builds) -> None:
    assert builds.kept(module(middle="(func $amid (result i64) (i64.const 4))"))[1] <= 4


def test_a_grant_costs_no_more_than_the_first_unit(builds: Builds) -> None:
    assert builds.kept(module(), dirs=["/usr"])[1] <= 1


@pytest.mark.parametrize(
    "target", [TARGET, *(pytest.param(t, marks=pytest.mark.slow) for t in ("s390x-linux", "x86_64-windows"))]
)
def test_a_trap_is_where_it_was_and_an_exception_was_thrown_where_it_was(
    builds: Builds, tmp_path: Path, target: str
) -> None:
    runner = tools.runner_or_skip(target)

    def told(data: bytes) -> tuple[int, list[str]]:
        program = tmp_path / "program.exe"
        program.write_bytes(data)
        program.chmod(0o755)
        done = subprocess.run([*runner, str(program)], capture_output=True, text=True, timeout=60)
        program.unlink()
        return done.returncode, re.findall(r".*0x[0-9a-f]+.*", done.stderr)

    long = "(func $before (result i64) (i64.const 4)) " * 3
    for changes in (
        {"body": "(unreachable)"},
        {"body": "(unreachable)", "before": long.replace("$before", "")},
        {"body": "(unreachable)", "before": long.replace("$before", "") * 20},
        {"thrower": "(throw $tag (i32.const 1))", "body": "(call $thrower (i32.const 1))"},
        {"thrower": "(throw $tag (i32.const 1))", "body": "(call $thrower (i32.const 1))", "before": "(func)" * 90},
    ):
        text = module(**changes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 1 << 30)
            whole = told(builds.clean(text, target, opt_level="0"))
        assert whole[1], "the program says nowhere where it ended"
        assert told(builds.kept(text, target, opt_level="0")[0]) == whole


def test_functions_are_split_at_the_same_places_behind_an_edit() -> None:
    from waot.lowering import split

    generator = random.Random(1)
    items = [(generator.randbytes(8), generator.randrange(1, 200)) for _ in range(2_000)]

    def parts(of: list[tuple[bytes, int]], mean: int) -> set[bytes]:
        ranges = split([size for _, size in of], [mark for mark, _ in of], mean)
        assert [i for part in ranges for i in part] == list(range(len(of)))
        for part in ranges[:-1]:
            total = sum(of[i][1] for i in part)
            assert total <= 1.5 * mean or len(part) == 1
            assert total >= 0.5 * mean - 200
        return {b"".join(of[i][0] for i in part) for part in ranges}

    for mean in (1_000, 5_000):
        before = parts(items, mean)
        moved = []
        for _ in range(50):
            place = generator.randrange(len(items))
            edited = [*items[:place], (generator.randbytes(8), generator.randrange(1, 400)), *items[place:]]
            moved.append(len(parts(edited, mean) - before))
        assert max(moved) <= 6, moved
        assert sum(moved) <= 2 * len(moved), moved


def test_what_is_larger_than_a_part_stands_alone() -> None:
    from waot.lowering import split

    marks = [bytes([9 - n]) for n in range(5)]
    assert split([10, 10, 5_000, 10, 10], marks, 100) == [range(2), range(2, 3), range(3, 5)]
    assert split([], [], 100) == []
    assert split([5_000], marks, 100) == [range(1)]
    assert split([1, 1, 1], marks, 1) == [range(1), range(1, 2), range(2, 3)]
