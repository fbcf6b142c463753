"""Random modules do under waot what they do under wasmtime: a few new ones, and all that once did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tools
from tests.frontend.building import wat
from tests.fuzz import generating, reducing
from tests.fuzz.__main__ import LEVELS, REGRESSIONS, batches, fuzz
from tests.fuzz.comparing import Build, Report, compare_cases, make_case
from tests.fuzz.surroundings import Uninhabited, make_support
from tests.spec.suite import build_program, run_program
from tests.spec.table import INSTANTIATE, Step
from waot.frontend import decode_module
from waot.frontend.linking import Linker
from waot.frontend.opcodes import BY_NAME
from waot.lowering import function

MODULES = 20
REGRESSION_FILES = sorted(path for path in REGRESSIONS.glob("*") if path.suffix in (".wat", ".wasm"))
ALL = (*LEVELS, Build("x86_64-linux", "checked", "2"))


def _differences(report: Report) -> str:
    return "\n".join(f"{d.seed} {d.configuration}: {d.what}" for d in report.differences)


def test_random_modules_do_what_they_do_under_wasmtime() -> None:
    try:
        generating.wasm_opt()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    report = fuzz(batches("test", MODULES, MODULES // 2, LEVELS), 1)
    assert not report.differences, _differences(report)
    assert not report.skipped, report.skipped
    assert set(report.compared.values()) == {MODULES}


@pytest.mark.skipif(not REGRESSION_FILES, reason="no random module has been compiled wrongly so far")
@pytest.mark.parametrize("configuration", ALL, ids=str)
def test_modules_that_were_compiled_wrongly(configuration: Build) -> None:
    cases = [make_case(path.stem, reducing.read_module(path)) for path in REGRESSION_FILES]
    report = Report()
    compare_cases(cases, configuration, report)
    assert not report.differences, _differences(report)


_EVERYTHING = """
(module
  (rec (type $pair (struct (field (mut i32)) (field (ref null $pair)))))
  (type $bytes (array (mut i8)))
  (import "fuzzing-support" "log-i32" (func $log (param i32)))
  (import "fuzzing-support" "throw" (func $throw (param i32)))
  (import "fuzzing-support" "wasmtag" (tag $tag (param i32)))
  (memory (export "m") 1)
  (table (export "t") 2 funcref)
  (global $g (export "g") (mut f64) (f64.const 1))
  (func (export "float") (param f64) (result f64) (f64.add (local.get 0) (global.get $g)))
  (func (export "vector") (param v128) (result v128) (i8x16.neg (local.get 0)))
  (func (export "log") (param i32) (call $log (local.get 0)))
  (func (export "store") (param i32 i32)
    (i32.store8 (i32.and (local.get 0) (i32.const 65535)) (local.get 1)))
  (func (export "throw") (param i32) (call $throw (local.get 0)))
  (func (export "pair") (param i32) (result (ref $pair))
    (struct.new $pair (local.get 0) (struct.new $pair (i32.const 5) (ref.null $pair))))
  (func (export "bytes") (param i32) (result anyref) (array.new $bytes (local.get 0) (i32.const 9)))
  (func (export "trap") (param i32) (result i32)
    (i32.div_u (i32.const 1) (i32.and (local.get 0) (i32.const 1))))
  (func (export "set") (param f64) (global.set $g (local.get 0)))
)
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("f64.add (local.get 0)", "f64.sub (local.get 0)"),
        ("i8x16.neg", "v128.not"),
        ("(call $log (local.get 0))", "(call $log (i32.const 7))"),
        ("(i32.store8 (i32.and", "(i32.store16 (i32.and"),
        ("(call $throw (local.get 0))", "(call $throw (i32.const 7))"),
        ("(i32.const 5) (ref.null $pair)", "(i32.const 6) (ref.null $pair)"),
        ("(local.get 0) (i32.const 9)", "(local.get 0) (i32.const 8)"),
        ("i32.div_u (i32.const 1)", "i32.div_u (i32.const 0)"),
        ("(global.set $g (local.get 0))", "(global.set $g (f64.const 2))"),
    ],
)
def test_a_module_that_does_something_else_is_told_from_the_right_one(right: str, wrong: str) -> None:
    """What wasmtime makes of the right module is not what it makes of the wrong one: nothing gets lost on the way."""
    assert _EVERYTHING.count(right) == 1
    seen = make_case("test", wat(_EVERYTHING), 20).expected
    assert len(seen) == 3 + 1 + 20 * 10  # three instances, and ten calls in each round: none is left out
    other = make_case("test", wat(_EVERYTHING.replace(right, wrong)), 20).expected
    assert len(seen) == len(other)
    assert seen != other


def test_exceptions_that_nothing_catches_are_outcomes() -> None:
    text = "(module (tag $t) (func $f {} (throw $t)) {})"
    functions = " ".join(f'(export "{n}" (func $f))' for n in range(50))  # some of the callers do not catch
    case = make_case("test", wat(text.format("", functions)))
    assert case.expected.count("exception") > 4
    started = make_case("test", wat(text.format("", "(start $f)")))
    assert started.expected == ["returned", "exception"]
    report = Report()
    compare_cases([case, started], LEVELS[0], report)
    assert not report.differences, _differences(report)


def _compiled_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on f64.add is compiled to a subtraction."""
    handlers = list(function.HANDLERS)
    handlers[BY_NAME["f64.add"].index] = handlers[BY_NAME["f64.sub"].index]
    monkeypatch.setattr(function, "HANDLERS", handlers)


def test_a_wrong_compilation_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case("test", wat(_EVERYTHING))
    for wrong in (False, True):
        if wrong:
            _compiled_wrongly(monkeypatch)
        report = Report()
        compare_cases([case], LEVELS[0], report)
        assert bool(report.differences) == wrong, _differences(report)


def test_a_difference_is_made_smaller_and_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        generating.wasm_opt()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    _compiled_wrongly(monkeypatch)
    wasm = wat("""(module
      (func (export "right") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
      (func (export "wrong") (param f64) (result f64) (local f64)
        (local.set 1 (f64.mul (local.get 0) (f64.const 2)))
        (f64.add (local.get 1) (f64.neg (f64.const 3)))))""")
    smaller = reducing.reduce("test", wasm, LEVELS[0], 60, lambda text: None)
    assert len(smaller) < len(wasm)
    assert b"right" not in smaller
    path = reducing.save("test", smaller, LEVELS[0], tmp_path)
    assert "f64.add" in path.read_text()
    assert reducing.difference(("test", reducing.read_module(path), LEVELS[0])) is not None


@pytest.mark.parametrize("memory", ["guarded", "static"])
def test_the_part_of_the_driver_for_programs_with_a_heap_has_its_say(memory: str, tmp_path: Path) -> None:
    """If it had not, the collector would hardly ever run."""
    part = tmp_path / "part.c"
    part.write_text(
        '#include "core/process.h"\nvoid waot_suite_begin(void);\nvoid waot_suite_begin(void) { waot_exit(7); }\n'
    )
    for text, ending in (("(struct)", "the program ended with status 7: no word"), ("(func)", "")):
        linker = Linker(())
        new = "(drop (struct.new 0))" if "struct" in text else ""
        linker.add(decode_module(wat(f'(module (memory 1) (type {text}) (func (export "f") {new}))')))
        step = Step(INSTANTIATE, 0, 0)
        build = Build("x86_64-linux", memory, "2")
        executable = build_program(linker.finish(None), [step], build, with_heap=part)
        assert run_program(executable, "x86_64-linux") == ([] if ending else ["ok"], ending)


def test_imports_of_types_without_values_are_told() -> None:
    module = decode_module(wat('(module (import "m" "g" (global (ref none))))'))
    with pytest.raises(Uninhabited):
        make_support(module, "test")
