"""The suite's runner itself: it finds what is wrong, whatever it is, and goes on after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.programs.harness import Configuration
from tests.spec import suite, table
from tests.spec.conformance import PROPOSALS, proposal
from tests.spec.suite import Outcome
from tests.spec.wast import Value, parse, parse_value

CONFIGURATION = Configuration("x86_64-linux", "guarded", "0")

MODULE = r"""
(module $m
  (memory 1)
  (table 1 funcref)
  (tag $e)
  (global (export "g") i64 (i64.const -2))
  (global $changed (export "changed") (mut i32) (i32.const 1))
  (type $void (func))
  (func (export "change") (global.set $changed (i32.const 5)))
  (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
  (func (export "many") (param i64) (result i64 i32 v128 i64)
    (local.get 0) (i32.const 7) (v128.const i64x2 1 2) (i64.const 9))
  (func (export "nan") (result f32) (f32.const -nan:0x400001))
  (func (export "unreachable") (unreachable))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "call null") (call_indirect (type $void) (i32.const 0)))
  (func $forever (export "forever") (call $forever))
  (func (export "throw") (throw $e))
  (func (export "extern") (param externref) (result externref) (local.get 0))
  (func (export "i31") (result anyref) (ref.i31 (i32.const 1)))
  (func (export "a\00b\"") (result i32) (i32.const 3)))
"""


def run(tmp_path: Path, text: str) -> Outcome:
    script = tmp_path / "script.wast"
    script.write_text(text)
    return suite.run_script(str(script), CONFIGURATION)


RIGHT = [
    '(assert_return (invoke "swap" (i32.const 3) (f64.const 0.5)) (f64.const 0.5) (i32.const 3))',
    '(assert_return (invoke "many" (i64.const 4)) (i64.const 4) (i32.const 7) (v128.const i64x2 1 2) (i64.const 9))',
    '(assert_return (invoke "nan") (f32.const nan:arithmetic))',
    '(assert_return (invoke "nan") (either (f32.const 1) (f32.const nan:arithmetic)))',
    '(assert_trap (invoke "unreachable") "unreachable")',
    '(assert_trap (invoke "divide" (i32.const 0)) "integer divide by zero")',
    '(assert_trap (invoke "load" (i32.const 65536)) "out of bounds memory access")',
    '(assert_trap (invoke "call null") "uninitialized element 0")',
    '(assert_exhaustion (invoke "forever") "call stack exhausted")',
    '(assert_exhaustion (invoke "forever") "call stack exhausted")',
    '(assert_trap (invoke "load" (i32.const -1)) "out of bounds memory access")',
    '(assert_exception (invoke "throw"))',
    '(assert_return (invoke "divide" (i32.const 1)) (i32.const 1))',
    '(assert_return (get "g") (i64.const -2))',
    '(assert_return (get "changed") (i32.const 1))',
    '(invoke "change")',
    '(assert_return (get $m "changed") (i32.const 5))',
    '(assert_return (invoke "extern" (ref.extern 6)) (ref.extern 6))',
    '(assert_return (invoke "extern" (ref.extern 0)) (ref.extern))',
    '(assert_return (invoke "extern" (ref.null extern)) (ref.null))',
    '(assert_return (invoke "i31") (ref.i31))',
    '(assert_return (invoke "i31") (ref.eq))',
    r'(assert_return (invoke "a\00b\"") (i32.const 3))',
    '(assert_trap (module (func $f (unreachable)) (start $f)) "unreachable")',
    '(assert_unlinkable (module (import "m" "nothing" (func))) "unknown import")',
    '(assert_invalid (module (func (result i32))) "type mismatch")',
    '(assert_malformed (module quote "(func") "unexpected token")',
]

# (command, what its verdict must say)
WRONG = [
    (
        '(assert_return (invoke "swap" (i32.const 3) (f64.const 0)) (f64.const 0) (i32.const 4))',
        r"result 1: .*00000003$",
    ),
    ('(assert_return (invoke "nan") (f32.const nan:canonical))', r"result 0: .*ffc00001$"),
    ('(assert_return (invoke "nan") (either (f32.const 1) (f32.const 2)))', r"result 0: .*ffc00001$"),
    ('(assert_return (invoke "unreachable"))', r"^trap: unreachable$"),
    ('(assert_trap (invoke "unreachable") "integer overflow")', r"^trap: unreachable$"),
    ('(assert_trap (invoke "divide" (i32.const 1)) "integer divide by zero")', r"^returned$"),
    ('(assert_return (invoke "throw"))', r"^exception$"),
    ('(assert_trap (invoke "throw") "unreachable")', r"^exception$"),
    ('(assert_exception (invoke "unreachable"))', r"^trap: unreachable$"),
    ('(assert_exception (invoke "change"))', r"^returned$"),
    ('(invoke "unreachable")', r"^trap: unreachable$"),
    ('(assert_return (invoke "extern" (ref.extern 6)) (ref.extern 5))', r"result 0: 0*1a$"),
    ('(assert_return (invoke "extern" (ref.null extern)) (ref.extern))', r"result 0: 0*$"),
    ('(assert_return (invoke "i31") (ref.struct))', r"result 0: .*00000003$"),
    ('(assert_return (invoke "i31") (ref.null any))', r"result 0: .*00000003$"),
    ('(assert_return (invoke "no such function"))', r"exports no func"),
    ('(assert_return (invoke $nobody "swap"))', r"no such instance"),
    ('(assert_trap (module (func $f) (start $f)) "unreachable")', r"^returned$"),
    ('(assert_unlinkable (module (func)) "unknown import")', r"^returned$"),
    ('(assert_unlinkable (module (import "spectest" "print" (global i32))) "unknown import")', r"incompatible import"),
    ('(assert_invalid (module (func)) "type mismatch")', r"the module is accepted"),
    ('(assert_malformed (module (func (result i32))) "unexpected token")', r"InvalidError"),
    ('(module (import "nobody" "f" (func)))', r"unknown import"),
]


def test_what_is_right_passes(tmp_path: Path) -> None:
    outcome = run(tmp_path, "\n".join([MODULE, *RIGHT]))
    assert outcome.failures == []
    assert outcome.passed == outcome.total == sum(command.startswith("(assert") for command in RIGHT)


def test_what_is_wrong_fails_alone(tmp_path: Path) -> None:
    commands = [command for command, _ in WRONG[:-1]]  # the last one leaves no current module
    right = '(assert_return (invoke $m "divide" (i32.const 1)) (i32.const 1))'
    text = MODULE.strip() + "\n" + "".join(f"{command}\n{right}\n" for command in [*commands, WRONG[-1][0]])
    outcome = run(tmp_path, text)
    first = MODULE.strip().count("\n") + 2
    failed = {verdict.line: verdict.failure for verdict in outcome.verdicts if verdict.failure is not None}
    assert sorted(failed) == [first + 2 * number for number in range(len(WRONG))]
    for number, (command, said) in enumerate(WRONG):
        failure = failed[first + 2 * number]
        assert failure is not None
        assert re.search(said, failure), (command, failure)
    assert outcome.passed == len(WRONG)


def test_each_assertion_has_a_verdict_where_the_program_cannot_be_built(tmp_path: Path) -> None:
    tables = "".join("(table 9000000 funcref)" for _ in range(2))
    outcome = run(tmp_path, f'(module {tables} (func (export "f")))\n(assert_return (invoke "f"))')
    assert (outcome.passed, outcome.total) == (0, 2)
    assert all("cannot be built" in failure for failure in outcome.failures)


def test_instances_of_a_script_share_what_they_export(tmp_path: Path) -> None:
    outcome = run(
        tmp_path,
        """(module $a (memory (export "m") 1) (func (export "get") (result i32) (i32.load8_u (i32.const 1))))
        (assert_return (invoke "get") (i32.const 0))
        (register "a")
        (assert_trap (module (import "a" "m" (memory 1)) (data (i32.const 1) "x") (func $f (unreachable)) (start $f))
          "unreachable")
        (assert_return (invoke $a "get") (i32.const 120))""",
    )
    assert (outcome.failures, outcome.passed) == ([], 3)


@pytest.mark.skipif(not suite.SCRIPTS, reason=f"no test suite at {suite.SUITE}; set WAOT_SPEC_TESTSUITE")
def test_every_proposal_has_scripts() -> None:
    assert {proposal(name) for name in suite.SCRIPTS} == {name for name, _ in PROPOSALS}


def test_a_step_is_a_whole_number_of_slots() -> None:
    values = parse(b"(i32.const 1) (v128.const i32x4 1 2 3 4) (f64.const nan:canonical)")
    results = tuple(parse_value(value) for value in values)
    for message in ("", "unreachable", "0123456789abcde"):
        data = table.encode([table.Step(table.CALL, 1, 1, results[:2], results, table.TRAPS, message)])
        assert len(data) % 16 == 0
        assert int.from_bytes(data[12:16], "little") == len(data)


def test_values_that_a_driver_cannot_make_are_refused() -> None:
    with pytest.raises(table.Inexpressible):
        table.argument_bits(Value("ref.func", bits=1))
