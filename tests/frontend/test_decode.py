"""Decoding: preamble, sections, and what is malformed, invalid or not compiled yet (chapter 5)."""

from __future__ import annotations

import gzip
import time

import pytest

from tests.frontend.building import (
    END,
    PREAMBLE,
    body,
    custom,
    func_type,
    function_module,
    module,
    name,
    op,
    s,
    section,
    u,
    validate,
    vec,
    wat,
)
from waot.errors import InvalidError, MalformedError, UnsupportedError, WaotError
from waot.frontend import decode_module
from waot.frontend.module import EXTERNREF, F64, FUNCREF, I32, I64, Code, FuncType, GlobalType, Limits
from waot.frontend.opcodes import BY_NAME

SMALL = wat("""
(module $small
  (type $t (func (param i32) (result i32)))
  (import "env" "f" (func $f (type $t)))
  (import "env" "g" (global $g i32))
  (table $table 2 4 funcref)
  (memory 1 2)
  (global $m (mut i64) (i64.const -5))
  (export "run" (func $run))
  (export "memory" (memory 0))
  (start $init)
  (elem (i32.const 0) $f $run)
  (elem declare func $init)
  (func $run (type $t) (local f64 f64) (call $f (local.get 0)))
  (func $init)
  (data (global.get $g) "hello")
  (data "passive"))
""")


def test_everything_of_a_module_is_there() -> None:
    decoded = decode_module(SMALL, "small.wasm")
    assert (decoded.source, decoded.file, decoded.name) == (SMALL, "small.wasm", "small")
    assert decoded.types == [FuncType((I32,), (I32,)), FuncType((), ())]
    assert [(i.module, i.name, i.kind, i.type_index) for i in decoded.imports] == [
        ("env", "f", "func", 0),
        ("env", "g", "global", None),
    ]
    assert decoded.imports[0].type == decoded.types[0]
    assert decoded.funcs == [0, 0, 1]
    assert decoded.imported_func_count == 1
    assert (decoded.tables[0].limits, decoded.tables[0].element) == (Limits(2, 4), FUNCREF)
    assert decoded.memories[0].limits == Limits(1, 2)
    assert decoded.globals == [GlobalType(I32, False), GlobalType(I64, True)]
    (defined,) = decoded.defined_globals
    assert [(i, value) for i, value, _ in defined.init] == [(BY_NAME["i64.const"].index, -5)]
    assert [(e.name, e.kind, e.index) for e in decoded.exports] == [("run", "func", 1), ("memory", "memory", 0)]
    assert decoded.start == 2
    assert [(e.mode, e.table, e.functions, e.exprs, len(e)) for e in decoded.elements] == [
        ("active", 0, (0, 1), None, 2),
        ("declarative", 0, (2,), None, 1),
    ]
    assert [(d.mode, SMALL[d.start : d.end]) for d in decoded.datas] == [("active", b"hello"), ("passive", b"passive")]
    assert decoded.declared_funcs == {0, 1, 2}
    assert [decoded.function_name(i) for i in range(4)] == ["f", "run", "init", "func[3]"]
    starts = [start for _, start, _ in decoded.sections]
    assert starts == sorted(starts)
    assert all(isinstance(code, Code) and SMALL[code.end - 1] == END[0] for code in decoded.codes)


def test_offsets_point_at_what_they_say() -> None:
    decoded = decode_module(SMALL)
    for imported in decoded.imports:
        assert SMALL[imported.offset :].startswith(name(imported.module) + name(imported.name))
    for export in decoded.exports:
        assert SMALL[export.offset :].startswith(name(export.name))
    (constant,) = decoded.defined_globals[0].init
    assert SMALL[constant[2]] == BY_NAME["i64.const"].code


def test_a_function_without_a_name_is_called_by_its_export_or_import() -> None:
    decoded = decode_module(
        module(
            section(1, vec([func_type("->")])),
            section(2, vec([name("env") + name("f") + b"\0\0"])),
            section(3, vec([u(0), u(0)])),
            section(7, vec([name("run") + b"\0" + u(1), name("again") + b"\0" + u(1)])),
            section(10, vec([body(END), body(END)])),
        )
    )
    assert [decoded.function_name(i) for i in range(3)] == ["env.f", "run", "func[2]"]


def test_the_empty_module_is_a_module() -> None:
    assert decode_module(PREAMBLE).funcs == []


def test_truncation_at_every_byte_is_malformed_or_a_shorter_module() -> None:
    whole = decode_module(SMALL)
    ends = {end for _, _, end in whole.sections} | {8}
    for size in range(len(SMALL)):
        try:
            validate(SMALL[:size])
        except MalformedError:
            continue
        assert size in ends


def test_every_byte_changed_is_a_module_or_an_error_of_ours() -> None:
    for at in range(len(SMALL)):
        for value in (0, 1, 0x7F, 0x80, 0xFF, SMALL[at] ^ 1):
            try:
                validate(SMALL[:at] + bytes([value]) + SMALL[at + 1 :])
            except WaotError:
                continue


# ---------------------------------------------------------------------- not a module


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "is not a WebAssembly module: the file is empty"),
        (b"\0as", "unexpected end"),
        (b"\0asm\1\0", "unexpected end"),
        (b"(module)", "it is the text format"),
        (b";; hello\n(module $x)", "it is the text format"),
        (b"\x7fELF\2\1\1", "it looks like an ELF file"),
        (gzip.compress(PREAMBLE, mtime=0), "it looks like gzip data"),
        (b"MZ\x90\0", "it looks like a Windows program"),
        (b"<!DOCTYPE html>", "it looks like HTML"),
        (b"!<arch>\n", "it looks like an archive"),
        (b"BC\xc0\xde", "it looks like LLVM bitcode"),
        (b"hello world", "it starts with the bytes 68 65 6c 6c"),
        (b"\0asm\2\0\0\0", "unknown binary version 2"),
        (b"msa\0\1\0\0\0", "it starts with the bytes 6d 73 61 00"),
    ],
)
def test_what_is_not_a_module_is_malformed_and_described(source: bytes, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        decode_module(source, "x.wasm")
    assert message in str(error.value)
    assert str(error.value).startswith("x.wasm: ")


@pytest.mark.parametrize("version", [0x0D, 0x0A, 0x01])
def test_a_component_is_recognised(version: int) -> None:
    with pytest.raises(MalformedError, match=r"is a component, not a core module.*wasm32-wasip1"):
        decode_module(b"\0asm" + bytes([version, 0, 1, 0]) + b"\0" * 8)


# ---------------------------------------------------------------------- sections


def test_sections_out_of_order_or_twice_are_malformed() -> None:
    types = section(1, vec([func_type("->")]))
    memory = section(5, vec([b"\0\1"]))
    for source in (module(types, types), module(memory, types), module(memory, section(4, vec([b"\x70\0\1"])))):
        with pytest.raises(MalformedError, match="section out of order, or a second one of its kind"):
            decode_module(source)


def test_custom_sections_stand_anywhere_and_are_kept() -> None:
    decoded = decode_module(module(custom("a", b"xy"), section(1, vec([])), custom("b"), custom("a")))
    assert [(c.name, decoded.source[c.start : c.end]) for c in decoded.custom_sections] == [
        ("a", b"xy"),
        ("b", b""),
        ("a", b""),
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (module(b"\x0e\0"), "malformed section id 14"),
        (module(b"\x80\0"), "malformed section id 128"),
        (module(b"\1\x05\0"), "the section has 5 bytes, the file 1"),
        (module(section(1, vec([func_type("->")]) + b"\0")), "section size mismatch: 1 bytes are left over"),
        (module(section(1, u(2) + func_type("->"))), "2 types do not fit"),
        (module(section(1, vec([b"\x61\0\0"]))), "malformed type form 0x61"),
        (module(section(1, vec([b"\x60\1\x40\0"]))), "malformed value type 0x40"),
        (module(section(0, b"")), "unexpected end"),
        (module(section(0, b"\1\xff")), "a name is not UTF-8"),
        (module(section(2, vec([name("a") + name("b") + b"\5\0"]))), "malformed import kind 0x05"),
        (module(section(7, vec([name("b") + b"\7\0"]))), "malformed export kind 0x07"),
        (module(section(4, vec([b"\x7f\0\1"]))), "malformed reference type"),
        (module(section(4, vec([b"\x70\x08\1"]))), "malformed limits flags 0x08"),
        (module(section(5, vec([b"\x10\1"]))), "malformed limits flags 0x10"),
        (module(section(6, vec([b"\x7f\x04\x41\0\x0b"]))), "malformed mutability 0x04"),
        (module(section(6, vec([b"\x7f\0\xff\0\x0b"]))), "illegal opcode 0xff"),
        (module(section(6, vec([b"\x7f\0\x41\0"]))), "unexpected end"),
        (module(section(9, vec([b"\x08\0"]))), "malformed element segment kind 8"),
        (module(section(9, vec([b"\1\1\0"]))), "malformed element kind 0x01"),
        (module(section(11, vec([b"\3\0"]))), "malformed data segment kind 3"),
        (module(section(11, vec([b"\1\x05a"]))), "a data segment reaches past the end"),
        (module(section(12, u(1))), "data count and data section have inconsistent lengths: 1 and 0"),
        (module(section(1, vec([func_type("->")])), section(3, vec([u(0)]))), "inconsistent lengths"),
        (module(section(10, vec([body(END)]))), "inconsistent lengths"),
        (
            module(section(1, vec([func_type("->")])), section(3, vec([u(0)])), section(10, u(1) + u(9) + END)),
            "a function body reaches past the end of the section",
        ),
    ],
)
def test_malformed_sections(source: bytes, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        decode_module(source)
    assert message in str(error.value)
    assert error.value.offset is not None


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (
            module(section(2, vec([b"\0\0\x7f\0"]))),
            "a group of imports belongs to the proposal compact-import-section",
        ),
        (module(section(1, vec([b"\x5d\0\0"]))), "a continuation type belongs to the proposal stack-switching"),
        (module(section(1, vec([b"\x65\x5f\0"]))), "a shared type belongs to the proposal shared-everything-threads"),
        (module(section(1, vec([b"\x60\1\x68\0"]))), "contref belongs to the proposal stack-switching"),
        (module(section(1, vec([b"\x60\1\x64\x65\x6e\0"]))), "shared-everything-threads"),
    ],
)
def test_what_later_proposals_add_is_named(source: bytes, what: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        decode_module(source)
    assert what in str(error.value)
    assert "which waot cannot compile yet" in str(error.value)
    assert error.value.offset is not None


# ---------------------------------------------------------------------- rules of the module


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(memory 65537)", "memory size must be at most 65536 pages"),
        ("(memory 0 65537)", "memory size must be at most 65536 pages"),
        ("(memory 2 1)", "size minimum must not be greater than maximum"),
        ("(table 2 1 funcref)", "size minimum must not be greater than maximum"),
        ('(import "a" "b" (memory 2 1))', "size minimum must not be greater than maximum"),
        ('(func (export "a")) (memory (export "a") 1)', "duplicate export name 'a'"),
        ('(export "a" (func 0))', "unknown function 0"),
        ('(export "a" (table 0))', "unknown table 0"),
        ('(export "a" (memory 0))', "unknown memory 0"),
        ('(export "a" (global 0))', "unknown global 0"),
        ("(start 0)", "unknown function 0"),
        ("(func (param i32)) (start 0)", "its type must be [] -> [], but is [i32] -> []"),
        ("(global i32 (i64.const 0))", "type mismatch: expected [i32], found [i64]"),
        ("(global i32)", "type mismatch: expected [i32], found []"),
        ("(global i32 (i32.const 0) (i32.const 0))", "type mismatch: expected [i32], found [i32 i32]"),
        ("(global i32 (i32.add (i32.const 0) (i64.const 0)))", "type mismatch"),
        ("(global i32 (i32.ctz (i32.const 0)))", "constant expression required: 'i32.ctz' is not constant"),
        ("(global i32 (global.get 0))", "unknown global 0"),
        ("(global i32 (global.get 1)) (global i32 (i32.const 1))", "unknown global 1"),
        ("(global (mut i32) (i32.const 0)) (global i32 (global.get 0))", "global 0 is mutable"),
        ("(global funcref (ref.func 3))", "unknown function 3"),
        ("(global funcref (ref.null extern))", "type mismatch: expected [funcref], found [externref]"),
        ("(elem (i32.const 0))", "unknown table 0"),
        ("(table 1 externref) (elem (i32.const 0) func)", "a segment of (ref func) in a table of externref"),
        ("(table 1 funcref) (elem (i64.const 0) func)", "type mismatch: expected [i32], found [i64]"),
        ("(elem func 0)", "unknown function 0"),
        ("(elem funcref (ref.null extern))", "type mismatch: expected [funcref], found [externref]"),
        ('(data (i32.const 0) "")', "unknown memory 0"),
        ('(memory 1) (data (f32.const 0) "")', "type mismatch: expected [i32], found [f32]"),
        ("(func (type 3))", "unknown type 3"),
        ('(import "a" "b" (func (type 3)))', "unknown type 3"),
    ],
)
def test_invalid_modules(text: str, message: str) -> None:
    source = wat(f"(module {text})")
    with pytest.raises(InvalidError) as error:
        decode_module(source)
    assert message in str(error.value)
    assert error.value.offset is not None
    assert error.value.section is not None


def test_table_size_is_below_two_to_the_32() -> None:
    assert decode_module(module(section(4, vec([b"\x70\0" + u(2**32 - 1)])))).tables[0].limits.minimum == 2**32 - 1
    with pytest.raises(InvalidError, match="table size must be at most"):
        decode_module(module(section(4, vec([b"\x70\0" + u(2**32)]))))


def test_constant_expressions_may_compute_and_read_earlier_globals() -> None:
    decoded = decode_module(
        wat("""(module
          (import "a" "b" (global i32))
          (global i32 (i32.add (global.get 0) (i32.mul (i32.const 2) (i32.const 3))))
          (global i64 (i64.sub (i64.const 2) (i64.const 3)))
          (global i32 (global.get 1))
          (memory 1)
          (data (i32.sub (global.get 3) (i32.const 1)) "a"))""")
    )
    assert len(decoded.defined_globals[0].init) == 5
    assert decoded.datas[0].offset_expr is not None


def test_elements_that_are_all_functions_are_kept_as_such() -> None:
    decoded = decode_module(
        wat("""(module (func) (table 3 funcref) (table 3 externref)
          (elem (i32.const 0) funcref (ref.func 0) (ref.func 0))
          (elem (i32.const 0) funcref (ref.func 0) (ref.null func))
          (elem (table 1) (i32.const 0) externref (ref.null extern)))""")
    )
    first, second, third = decoded.elements
    assert (first.functions, first.exprs, len(first)) == ((0, 0), None, 2)
    assert second.functions is None
    assert [expr[0][:2] for expr in second.exprs or ()] == [
        (BY_NAME["ref.func"].index, 0),
        (BY_NAME["ref.null"].index, FUNCREF),
    ]
    assert (third.type, third.table, len(third)) == (EXTERNREF, 1, 1)
    assert decoded.declared_funcs == {0}


# ---------------------------------------------------------------------- the name section


def _named(*subsections: bytes) -> bytes:
    return function_module(END) + custom("name", b"".join(subsections))


def test_names_are_read_from_the_name_section() -> None:
    decoded = decode_module(_named(section(0, name("m")), section(1, vec([u(0) + name("f"), u(9) + name("far")]))))
    assert (decoded.name, decoded.function_names) == ("m", {0: "f"})


@pytest.mark.parametrize(
    "bad",
    [
        b"\1\x05",
        b"\1",
        section(1, u(1000)),
        section(1, vec([u(0) + b"\1\xff"])),
        section(1, vec([b"\x80\x80\x80\x80\x80\x80"])),
    ],
)
def test_a_bad_name_section_is_ignored_as_a_whole(bad: bytes) -> None:
    decoded = decode_module(_named(section(0, name("m")), bad))
    assert (decoded.name, decoded.function_names) == (None, {})
    assert decoded.function_name(0) == "func[0]"


# ---------------------------------------------------------------------- limits and hostile input


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 9, 10, 11])
def test_a_huge_count_costs_nothing(number: int) -> None:
    start = time.process_time()
    with pytest.raises(MalformedError, match=r"do not fit|inconsistent"):
        decode_module(module(section(number, u(2**32 - 1) + b"\0" * 100)))
    assert time.process_time() - start < 5  # not a measurement: allocating what the count says would take far longer


def test_limits_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="1001 parameters, but waot's limit is 1000"):
        decode_module(module(section(1, vec([func_type(" ".join(["i32"] * 1001) + " ->")]))))
    with pytest.raises(UnsupportedError, match="1001 results, but waot's limit is 1000"):
        decode_module(module(section(1, vec([func_type("-> " + " ".join(["i32"] * 1001))]))))
    with pytest.raises(UnsupportedError, match="101 memories, but waot's limit is 100"):
        decode_module(module(section(5, vec([b"\0\0"] * 101))))


def test_a_long_constant_expression_is_read() -> None:
    code = op("i32.const", s(1)) + (op("i32.const", s(1)) + op("i32.add")) * 100_000 + END
    decoded = decode_module(module(section(6, vec([b"\x7f\0" + code]))))
    assert len(decoded.defined_globals[0].init) == 200_001


def test_a_float_constant_keeps_its_bits() -> None:
    nan = bytes.fromhex("010000000000f47f")
    decoded = decode_module(module(section(6, vec([b"\x7c\0" + op("f64.const", nan) + END]))))
    assert decoded.globals[0] == GlobalType(F64, False)
    assert decoded.defined_globals[0].init[0][1] == 0x7FF4000000000001
