"""The build as a whole: modules that are split into units, reproducible output, and the order of the layers."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
from pathlib import Path

import pytest
import wasmtime

import waot
from tests import tools
from waot import pipeline
from waot.errors import UnsupportedError
from waot.targets import find_target

PACKAGE = Path(waot.__file__).resolve().parent
PROGRAMS = tools.ROOT / "tests" / "programs"


def _wasm(name: str) -> Path:
    try:
        return tools.compile_to_wasm(PROGRAMS / name, ["-O2"])
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


def _split(monkeypatch: pytest.MonkeyPatch) -> None:
    # The workers inherit both. Small enough that functions, tables, globals and traps are reached across units.
    monkeypatch.setattr(pipeline, "SINGLE_UNIT_OPERATORS", 100)
    monkeypatch.setattr(pipeline, "UNIT_OPERATORS", 700)


@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
@pytest.mark.parametrize("name", ["c/function_pointers.c", "c/trap_call_null.c", "c/tail_calls.c"])
def test_a_module_in_many_units_does_what_it_does_in_one(
    name: str, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (PROGRAMS / name).exists():
        pytest.fail(f"there is no program {name}")
    flags = ["-O2", "-mtail-call"] if "tail" in name else ["-O2"]
    try:
        wasm = tools.compile_to_wasm(PROGRAMS / name, flags)
        runner = tools.runner("x86_64-linux")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))

    def outcome(output: Path) -> tuple[int, bytes, bytes]:
        waot.build(wasm, output, ["x86_64-linux"], memory=memory, opt_level="1", cache=False)
        done = subprocess.run([*runner, str(output)], capture_output=True, timeout=60)
        # Which frames are there depends on what was inlined; the trap's name does not.
        return done.returncode, done.stdout, done.stderr.partition(b"\n")[0]

    whole = outcome(tmp_path / "whole")
    _split(monkeypatch)
    assert outcome(tmp_path / "split") == whole


def test_the_same_input_makes_the_same_bytes_whatever_the_jobs_and_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _split(monkeypatch)
    wasm = _wasm("c/sorting.c")
    images = []
    for jobs, name in ((1, "a"), (2, "b" * 40)):
        directory = tmp_path / name
        directory.mkdir()
        copy = directory / "program.wasm"
        copy.write_bytes(wasm.read_bytes())
        monkeypatch.chdir(directory)
        monkeypatch.setenv("WAOT_CACHE_DIR", str(directory / "cache"))
        waot.build(copy, directory / "out", ["x86_64-linux"], jobs=jobs)
        images.append((directory / "out").read_bytes())
    assert images[0] == images[1]


class _Counted:
    """Counts calls in all processes: a line for each in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def wrap(self, monkeypatch: pytest.MonkeyPatch, place: object, name: str) -> None:
        function = getattr(place, name)

        def counted(*arguments: object) -> object:
            with open(self.path, "a") as file:
                file.write(f"{name}\n")
            return function(*arguments)

        monkeypatch.setattr(place, name, counted)

    def __call__(self, name: str) -> int:
        return self.path.read_text().splitlines().count(name) if self.path.exists() else 0


def test_targets_that_differ_in_the_triple_alone_share_the_lowered_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import waot.frontend
    import waot.lowering

    _split(monkeypatch)
    functions = [f"(func $f{n} (param i32) (result i32) (i32.mul (local.get 0) (i32.const {n})))" for n in range(600)]
    calls = "".join(f"(call $f{n})" for n in range(600))
    wat = f'(module {" ".join(functions)} (func (export "_start") (i32.const 7) {calls} drop))'
    wasm = tmp_path / "a.wasm"
    wasm.write_bytes(bytes(wasmtime.wat2wasm(wat)))
    linux = find_target("x86_64-linux")
    # Two that LLVM makes the same of but for the name in the triple, one that is told something else.
    other = dataclasses.replace(linux, name="x86_64-other", triple="x86_64-unknown-linux-gnu")
    targets = [linux, other, find_target("aarch64-linux")]
    alone = [waot.build(wasm, tmp_path / "alone-{target}", [each], opt_level="0", cache=False)[0] for each in targets]

    count = _Counted(tmp_path / "calls")
    count.wrap(monkeypatch, waot.lowering, "lower_unit")
    count.wrap(monkeypatch, waot.lowering, "make_plan")
    count.wrap(monkeypatch, waot.frontend, "decode_module")
    count.wrap(monkeypatch, waot.frontend, "collect_facts")
    waot.build(wasm, tmp_path / "one", [linux], opt_level="0", cache=False, jobs=1)
    units = count("lower_unit")
    assert units > 1
    assert (count("make_plan"), count("decode_module"), count("collect_facts")) == (1, 1, 1)

    count.path.unlink()
    together = waot.build(wasm, tmp_path / "all-{target}", targets, opt_level="0", cache=False, jobs=1)
    assert count("lower_unit") == 2 * units
    assert (count("make_plan"), count("decode_module"), count("collect_facts")) == (2, 1, 1)
    assert [each.sha256 for each in together] == [each.sha256 for each in alone]


def test_targets_whose_images_are_mapped_otherwise_do_not_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import waot.lowering

    wat = f'(module (memory 4) (data (i32.const 4096) "{"x" * 20000}") (func (export "_start")))'
    (tmp_path / "a.wasm").write_bytes(bytes(wasmtime.wat2wasm(wat)))
    linux = find_target("x86_64-linux")
    large = dataclasses.replace(linux, name="x86_64-large", page_size=65536)  # 20 KB are copied there, see `make_plan`
    alone = [waot.build(tmp_path / "a.wasm", tmp_path / "{target}", [each], cache=False)[0] for each in (linux, large)]
    count = _Counted(tmp_path / "calls")
    count.wrap(monkeypatch, waot.lowering, "make_plan")
    together = waot.build(tmp_path / "a.wasm", tmp_path / "all-{target}", [linux, large], cache=False)
    assert count("make_plan") == 2
    assert [each.sha256 for each in together] == [each.sha256 for each in alone]


LAYERS = ("frontend", "lowering", "codegen", "linker")
ABOVE = ("workers", "units", "pipeline", "api", "cli")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_no_layer_imports_one_to_its_right(layer: str) -> None:
    right = LAYERS[LAYERS.index(layer) + 1 :]
    for path in (PACKAGE / layer).rglob("*.py"):
        for name in _imports(path):
            parts = name.split(".")
            assert parts[0] != "waot" or len(parts) < 2 or parts[1] not in (*right, *ABOVE), (
                f"{path.name} imports {name}"
            )


def test_zig_is_run_from_one_place() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).as_posix() != "zig.py":
            assert "ziglang" not in {name.split(".")[0] for name in _imports(path)}, path


@pytest.mark.parametrize("name", ["armv7-linux", "loongarch64-linux", "thumbv7em-none"])
def test_a_frame_may_pass_the_guard_nowhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """These back ends make no probes of the stack, so it is functions that are bounded."""
    module = tmp_path / "long.wasm"
    module.write_bytes(
        wasmtime.wat2wasm('(module (func (export "_start") (drop (i32.div_u (i32.const 1) (i32.const 2)))))')
    )
    waot.build(module, tmp_path / "program", [name], cache=False, jobs=1)
    monkeypatch.setattr("waot.lowering.function.LONGEST_WITHOUT_PROBES", 1)
    with pytest.raises(UnsupportedError, match="more than 1 instructions, waot's limit on this processor"):
        waot.build(module, tmp_path / "program", [name], cache=False, jobs=1)
