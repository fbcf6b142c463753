"""The reader of the official suite's scripts."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spec.wast import (
    Action,
    ActionCommand,
    Assertion,
    Atom,
    Form,
    InstanceCommand,
    ModuleCommand,
    Register,
    Text,
    Thread,
    Value,
    Wait,
    WastError,
    float_bits,
    int_bits,
    parse,
    parse_value,
    read_script,
)


def value(text: str) -> Value:
    (node,) = parse(text.encode())
    return parse_value(node)


def test_expressions_have_atoms_strings_and_forms() -> None:
    source = rb"""(a "b\00\ff\u{20ac}\n" $c;;comment
      (; block (; nested ;) "(" ;) (d)(@note (x) ";") e) f"""
    form, last = parse(source)
    assert isinstance(form, Form)
    assert source[form.start : form.end].startswith(b"(a ")
    assert form.head == "a"
    text = form.items[1]
    assert isinstance(text, Text)
    assert text.value == b"b\0\xff\xe2\x82\xac\n"
    assert [item.text for item in form.items if isinstance(item, Atom)] == ["a", "$c", "e"]
    assert sum(isinstance(item, Form) for item in form.items) == 1  # the annotation is dropped
    assert last == Atom("f", len(source) - 1)


@pytest.mark.parametrize("source", [b"(a", b"a)", b"(; a", b'"a', b"(a (; b ;) "])
def test_what_is_not_closed_is_an_error_with_its_line(source: bytes) -> None:
    with pytest.raises(WastError, match="line 1"):
        parse(source)


def test_deep_nesting_is_read() -> None:
    assert len(parse(b"(" * 100_000 + b")" * 100_000)) == 1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_are_read_exactly(number: float) -> None:
    (bits,) = struct.unpack("<Q", struct.pack("<d", number))
    assert float_bits(repr(number), "f64") == bits
    assert float_bits(number.hex(), "f64") == bits


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_singles_are_read_exactly(number: float) -> None:
    (bits,) = struct.unpack("<I", struct.pack("<f", number))
    assert float_bits(number.hex(), "f32") == bits
    assert float_bits(f"{number:.60e}", "f32") == bits


@pytest.mark.parametrize(
    ("text", "type_", "bits"),
    [
        ("0", "f32", 0),
        ("-0x0.0p+0", "f32", 1 << 31),
        ("inf", "f32", 0x7F800000),
        ("-inf", "f64", 0xFFF << 52),
        ("nan", "f32", 0x7FC00000),
        ("-nan:0x200000", "f32", 0xFFA00000),
        ("nan:0xf_ffff_ffff_ffff", "f64", 0x7FFFFFFFFFFFFFFF),
        ("0x1.fffffefffffff8p127", "f32", 0x7F7FFFFF),
        ("0x0.000001p-126", "f32", 0),  # a tie goes to even
        ("0x0.00000100000000001p-126", "f32", 1),
        ("+0x1.00000100000000001p-50", "f32", 0x26800001),  # rounding by way of double would be wrong
        ("1_000.5", "f64", struct.unpack("<Q", struct.pack("<d", 1000.5))[0]),
        ("1e-400", "f64", 0),
        (str(math.pi), "f64", 0x400921FB54442D18),
    ],
)
def test_float_literals(text: str, type_: str, bits: int) -> None:
    assert float_bits(text, type_) == bits


@pytest.mark.parametrize("text", ["1e39", "0x1p128", "x", "nan:canonical", ""])
def test_what_is_no_float_is_an_error(text: str) -> None:
    with pytest.raises(WastError):
        float_bits(text, "f32")


def test_integer_literals_are_unsigned_bits() -> None:
    assert int_bits("-1", 32) == 2**32 - 1
    assert int_bits("0xFFFF_FFFF", 32) == 2**32 - 1
    assert int_bits("-0x8000_0000", 32) == 2**31
    assert int_bits("+010", 64) == 10
    with pytest.raises(WastError):
        int_bits("0x1_0000_0000", 32)


def test_values() -> None:
    assert value("(i32.const -2)") == Value("i32", 2**32 - 2)
    assert value("(f32.const nan:canonical)") == Value("f32", 0, nan=("canonical",))
    assert value("(v128.const i16x8 1 2 3 4 5 6 7 -1)").bits == 0xFFFF_0007_0006_0005_0004_0003_0002_0001
    lanes = value("(v128.const f32x4 1 nan:arithmetic 0 nan:canonical)")
    assert (lanes.shape, lanes.nan, lanes.bits) == ("f32x4", (None, "arithmetic", None, "canonical"), 0x3F800000)
    assert value("(ref.extern 7)") == Value("ref.extern", 7)
    assert value("(ref.func)") == Value("ref.func")
    assert value("(ref.null func)") == Value("ref.null", heap="func")
    assert value("(either (i32.const 1) (i32.const 2))").either == (Value("i32", 1), Value("i32", 2))


def test_commands() -> None:
    script = rb"""
    (module $m (func (export "f")))
    (module $b binary "\00asm" "\01\00\00\00")
    (module quote "(func" ")")
    (module definition $d (memory 1))
    (module instance $i $d)
    (register "lib" $m)
    (invoke $m "f" (i32.const 1))
    (assert_return (get "g") (i64.const 2))
    (assert_trap (invoke "f") "unreachable")
    (assert_trap (module (start 0)) "boom")
    (assert_exhaustion (invoke "f") "call stack exhausted")
    (assert_exception (invoke "f"))
    (assert_invalid (module (func (drop))) "type mismatch")
    (assert_malformed (module quote "(") "unexpected")
    (assert_unlinkable (module) "unknown import")
    (thread $t (shared (module $m)) (invoke "f"))
    (wait $t)
    """
    found = read_script(script)
    assert [command.line for command in found] == list(range(2, 19))
    module, binary, quote, definition = found[:4]
    assert isinstance(module, ModuleCommand)
    assert (module.module.kind, module.module.name) == ("text", "$m")
    assert module.module.source == b'(module $m (func (export "f")))'
    assert isinstance(binary, ModuleCommand)
    assert (binary.module.source, binary.module.name) == (b"\0asm\1\0\0\0", "$b")
    assert isinstance(quote, ModuleCommand)
    assert (quote.module.kind, quote.module.source) == ("quote", b"(func\n)")
    assert isinstance(definition, ModuleCommand)
    assert definition.definition_only
    assert definition.module.source == b"(module  $d (memory 1))"
    assert found[4] == InstanceCommand("$i", "$d", 6)
    assert found[5] == Register("lib", "$m", 7)
    assert found[6] == ActionCommand(Action("invoke", "$m", "f", (Value("i32", 1),), 8), 8)
    assert found[7] == Assertion("assert_return", 9, action=Action("get", None, "g", (), 9), results=(Value("i64", 2),))
    assertions = [command for command in found if isinstance(command, Assertion)]
    assert [(a.kind, a.message, a.module is not None) for a in assertions[1:]] == [
        ("assert_trap", "unreachable", False),
        ("assert_trap", "boom", True),
        ("assert_exhaustion", "call stack exhausted", False),
        ("assert_exception", "", False),
        ("assert_invalid", "type mismatch", True),
        ("assert_malformed", "unexpected", True),
        ("assert_unlinkable", "unknown import", True),
    ]
    thread = found[15]
    assert isinstance(thread, Thread)
    assert (thread.name, thread.shared, len(thread.commands)) == ("$t", ("$m",), 1)
    assert found[16] == Wait("$t", 18)


def test_a_script_may_be_the_fields_of_one_module() -> None:
    (command,) = read_script(b'(func $f) (memory 1)\n(export "f" (func $f))')
    assert isinstance(command, ModuleCommand)
    assert command.module.source == b'(module\n(func $f) (memory 1)\n(export "f" (func $f))\n)'


def test_modules_become_binary() -> None:
    pytest.importorskip("wasmtime")
    for command in read_script(rb'(module) (module quote "(memory 1)") (module quote "(module (memory 1))")'):
        assert isinstance(command, ModuleCommand)
        assert command.module.to_binary().startswith(b"\0asm")


def test_unknown_commands_are_errors() -> None:
    with pytest.raises(WastError, match="line 2: unknown command 'hello'"):
        read_script(b"\n(hello)")
