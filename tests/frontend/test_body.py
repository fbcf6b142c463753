"""Function bodies: what is valid, what is not and why, and what `Body` says of it (sections 3.3 and 5.4)."""

from __future__ import annotations

import pytest

from tests.frontend.building import END, body, func_type, function_module, listing, module, op, s, section, u, vec, wat
from tests.frontend.checker import check_body
from tests.frontend.comparing import facts_plainly, validate_both_ways
from waot.errors import InvalidError, MalformedError, UnsupportedError
from waot.frontend import collect_facts, decode_module
from waot.frontend.module import EXTERNREF, F32, F64, FUNCREF, I32, I64, V128, Body, FuncType
from waot.frontend.opcodes import BY_NAME, OPERATORS

_ENVIRONMENT = """
  (type $t (func (param i32) (result i32)))
  (func $f (export "f") (param i32) (result i64) (i64.const 0))
  (func $hidden)
  (table $funcs 1 funcref) (table $externs 1 externref)
  (memory 1) (memory $second 1)
  (global $const i32 (i32.const 1)) (global $var (mut f64) (f64.const 1))
  (elem func $f) (data "abc")
"""


def validated(text: str) -> Body:
    """The body of the last function of a module of the environment above and `text`."""
    decoded = decode_module(wat(f"(module {_ENVIRONMENT} {text})"))
    result = validate_both_ways(decoded, len(decoded.funcs) - 1)
    check_body(decoded, result)
    return result


def code(text: str) -> list[str]:
    """The listing of a function with `text` inside, without its last `end`."""
    result = listing(validated(f"(func {text})"))
    assert result[-1] == "end"
    return result[:-1]


def refused(text: str) -> str:
    """The message about an invalid function."""
    with pytest.raises(InvalidError) as error:
        validated(text)
    assert error.value.section == "code"
    assert error.value.offset is not None
    assert error.value.function is not None
    return str(error.value)


# ---------------------------------------------------------------------- what Body says


def test_a_body_has_its_type_its_declared_locals_and_the_offsets_of_its_operators() -> None:
    source = function_module(
        op("local.get", u(0)) + op("i64.extend_i32_u") + END, "i32 -> i64", local_groups=[(2, "f64"), (1, "i32")]
    )
    decoded = decode_module(source)
    result = validate_both_ways(decoded, 0)
    check_body(decoded, result)
    assert (result.index, result.type) == (0, FuncType((I32,), (I64,)))
    assert result.locals == (F64, F64, I32)
    assert result.start == decoded.codes[0].start
    for index, _, offset in result.code:
        assert source[offset] == OPERATORS[index].code
    assert [offset - result.start for _, _, offset in result.code] == [5, 7, 8]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i32.const -1 drop", ["i32.const -1", "drop i32"]),
        ("i32.const 0x80000000 drop", ["i32.const -2147483648", "drop i32"]),
        ("i64.const 0xffffffffffffffff drop", ["i64.const -1", "drop i64"]),
        ("i64.const -9223372036854775808 drop", ["i64.const -9223372036854775808", "drop i64"]),
        ("f32.const -0 drop", [f"f32.const {1 << 31}", "drop f32"]),
        ("f64.const nan:0x4 drop", [f"f64.const {0x7FF0000000000004}", "drop f64"]),
        ("(drop (v128.const i32x4 1 0 0 0))", [f"v128.const {bytes([1] + [0] * 15)!r}", "drop v128"]),
        ("(drop (i32.load offset=300 align=2 (i32.const 0)))", ["i32.const 0", "i32.load (1, 300, 0)", "drop i32"]),
        ("(drop (i64.load8_u 1 (i32.const 0)))", ["i32.const 0", "i64.load8_u (0, 0, 1)", "drop i64"]),
        ("(f64.store (i32.const 0) (f64.const 0))", ["i32.const 0", "f64.const 0", "f64.store (3, 0, 0)"]),
        ("(drop (memory.grow 1 (memory.size 1)))", ["memory.size 1", "memory.grow 1", "drop i32"]),
        (
            "(memory.copy 1 0 (i32.const 1) (i32.const 2) (i32.const 3))",
            ["i32.const 1", "i32.const 2", "i32.const 3", "memory.copy (1, 0)"],
        ),
        (
            "(memory.init 1 0 (i32.const 1) (i32.const 2) (i32.const 3)) (data.drop 0)",
            ["i32.const 1", "i32.const 2", "i32.const 3", "memory.init (0, 1)", "data.drop 0"],
        ),
        (
            "(table.init $funcs 0 (i32.const 1) (i32.const 2) (i32.const 3)) (elem.drop 0)",
            ["i32.const 1", "i32.const 2", "i32.const 3", "table.init (0, 0)", "elem.drop 0"],
        ),
        (
            "(table.copy $externs 1 (i32.const 1) (i32.const 2) (i32.const 3))",
            ["i32.const 1", "i32.const 2", "i32.const 3", "table.copy (1, 1)"],
        ),
        (
            "(drop (table.grow $externs (ref.null extern) (i32.const 1)))",
            ["ref.null externref", "i32.const 1", "table.grow 1", "drop i32"],
        ),
        ("(drop (ref.is_null (ref.func $f)))", ["ref.func 0", "ref.is_null", "drop i32"]),
        (
            "(drop (select (i64.const 1) (i64.const 2) (i32.const 0)))",
            ["i64.const 1", "i64.const 2", "i32.const 0", "select i64", "drop i64"],
        ),
        (
            "(drop (select (result funcref) (ref.null func) (ref.func $f) (i32.const 0)))",
            ["ref.null funcref", "ref.func 0", "i32.const 0", "select t funcref", "drop funcref"],
        ),
        (
            "(drop (call_indirect $funcs (type $t) (i32.const 1) (i32.const 2)))",
            ["i32.const 1", "i32.const 2", "call_indirect (0, 0)", "drop i32"],
        ),
        ("(global.set $var (f64.convert_i32_s (global.get 0)))", ["global.get 0", "f64.convert_i32_s", "global.set 1"]),
        (
            "(drop (i8x16.extract_lane_u 15 (v128.load8_lane offset=1 3 (i32.const 0) (i32x4.splat (i32.const 1)))))",
            [
                "i32.const 0",
                "i32.const 1",
                "i32x4.splat",
                "v128.load8_lane (0, 1, 0, 3)",
                "i8x16.extract_lane_u 15",
                "drop i32",
            ],
        ),
    ],
)
def test_immediates_are_as_documented(text: str, expected: list[str]) -> None:
    assert code(text) == expected


def test_block_types() -> None:
    result = validated(
        "(func (drop (block (result f32) (loop (result f32) (if (result f32) (i32.const 1) "
        "(then (f32.const 1)) (else (f32.const 2)))))))"
    )
    immediates = {OPERATORS[i].name: immediate for i, immediate, _ in result.code if immediate is not None}
    assert immediates["block"] == immediates["if"] == (FuncType((), (F32,)),)
    assert immediates["loop"] == (FuncType((), (F32,)), ())


def test_a_block_with_parameters_takes_them_from_the_stack() -> None:
    result = validated("(func (result i32 i64) i32.const 1 (block (param i32) (result i32 i64) i64.const 2) )")
    assert result.code[1][1] == (FuncType((I32,), (I32, I64)),)


# ---------------------------------------------------------------------- code that cannot be reached


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unreachable i32.const 1 drop", ["unreachable"]),
        ("return nop nop", ["return"]),
        ("(block (br 0) (nop)) (nop)", ["block ([] -> [])", "br 0", "end", "nop"]),
        # A block that begins in dead code goes as a whole, its else and ends too.
        (
            "(block (br 0) (block (nop)) (loop (br 0)) (if (i32.const 1) (then (nop)) (else (nop)))) (nop)",
            ["block ([] -> [])", "br 0", "end", "nop"],
        ),
        # The else of a live if is live again.
        (
            "(if (i32.const 1) (then (unreachable) (nop)) (else (nop)))",
            ["i32.const 1", "if ([] -> [])", "unreachable", "else", "nop", "end"],
        ),
        (
            "(if (i32.const 1) (then (nop)) (else (return) (nop))) (nop)",
            ["i32.const 1", "if ([] -> [])", "nop", "else", "return", "end", "nop"],
        ),
        (
            "(block (br_table 0 0 1 (i32.const 5)) (drop) (i32.add) (drop))",
            ["block ([] -> [])", "i32.const 5", "br_table (0, 0, 1)", "end"],
        ),
        ("(return_call $hidden) (nop)", ["return_call 1"]),
        # What a block's type says follows it, though nothing ever comes out of it.
        (
            "(drop (block (result i32) (br 0 (i32.const 1)) (unreachable)))",
            ["block ([] -> [i32])", "i32.const 1", "br 0", "end", "drop i32"],
        ),
    ],
)
def test_only_what_can_be_reached_is_in_the_code(text: str, expected: list[str]) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "unreachable i32.add drop",
        "unreachable select drop",
        "unreachable (select (i32.const 1)) drop",
        "unreachable (select (f32.const 1) (i32.const 0)) i32.const 0 select drop",
        "unreachable ref.is_null drop",
        "unreachable (block (param i64) drop)",
        "unreachable br_if 0",
        "(block (result i32) unreachable br_table 0 0) drop",
        "unreachable table.set $externs",
        "unreachable call_indirect $funcs (type $t) drop",
        "unreachable return_call $hidden",
        "unreachable f64.store",
        "unreachable i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 drop",
    ],
)
def test_unreachable_code_may_take_what_is_not_there(text: str) -> None:
    assert "unreachable" in code(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unreachable i64.const 0 i32.eqz drop", "i32.eqz: type mismatch: expected i32, found i64"),
        ("unreachable (i32.const 1) (f32.const 1) (i32.const 0) select drop", "operands of the types i32 and f32"),
        ("unreachable (block i32.add drop)", "i32.add: type mismatch: expected i32, but the stack is empty"),
        ("unreachable call 99", "call: unknown function 99"),
        ("unreachable local.get 99", "local.get: unknown local 99"),
        ("(drop (block (result i64) unreachable br_if 0 (i32.eqz)))", "expected i32, found i64"),
        ("unreachable i32.const 1", "1 more operands than the block's results"),
        ("(block (result i32) (br 0 (i32.const 1)) (nop) (i64.const 1)) drop", "end: type mismatch: expected i32"),
    ],
)
def test_unreachable_code_is_validated(text: str, message: str) -> None:
    assert message in refused(f"(func {text})")


def test_unreachable_code_does_not_count_as_fact_or_assignment() -> None:
    text = """(func (param i32) (local i64)
      (loop (local.set 0 (i32.const 1)) (return) (local.set 1 (i64.const 1)) (call $f (i32.const 0)) (drop)
        (global.set $var (f64.const 0)) (table.set $funcs (i32.const 0) (ref.null func))
        (drop (memory.grow (i32.const 1))) (drop (call_indirect (type $t) (i32.const 0) (i32.const 0)))))"""
    result = validated(text)
    assert result.assigned == (0,)
    assert result.code[0][1] == (FuncType((), ()), (0,))
    facts = collect_facts(decode_module(wat(f"(module {_ENVIRONMENT} {text})")), [2])
    assert (facts.callees, facts.written_globals, facts.written_tables, facts.grown_memories, facts.indirect_types) == (
        {2: ()},
        set(),
        set(),
        set(),
        set(),
    )
    assert facts.sizes == {2: len(result.code)}


# ---------------------------------------------------------------------- locals that loops assign


def test_loops_know_which_locals_they_assign() -> None:
    result = validated(
        """(func (param i32 i32 i32 i32 i32)
          (local.set 4 (i32.const 0))
          (loop
            (drop (local.tee 2 (local.get 0)))
            (loop (local.set 1 (i32.const 0)))
            (block (loop))
            (loop (if (i32.const 1) (then (local.set 1 (i32.const 1)) (local.set 3 (i32.const 1)))))))"""
    )
    loops = [immediate[1] for i, immediate, _ in result.code if OPERATORS[i].name == "loop"]
    assert loops == [(1, 2, 3), (1,), (), (1, 3)]
    assert result.assigned == (1, 2, 3, 4)


def test_loops_nested_deeper_than_the_limit_share_the_locals_of_their_ancestor() -> None:
    depth = 40
    loops = b"".join(op("loop", b"\x40") + op("i32.const", s(0)) + op("local.set", u(i)) for i in range(depth))
    decoded = decode_module(function_module(loops + END * (depth + 1), local_groups=[(depth, "i32")]))
    result = validate_both_ways(decoded, 0)
    check_body(decoded, result)
    claimed = [immediate[1] for i, immediate, _ in result.code if OPERATORS[i].name == "loop"]
    assert claimed[:32] == [tuple(range(i, depth)) for i in range(32)]
    assert set(claimed[32:]) == {tuple(range(31, depth))}


# ---------------------------------------------------------------------- what is invalid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(func (result i32) (i64.const 0))", "end: type mismatch: expected i32, found i64"),
        ("(func (result i32))", "end: type mismatch: expected i32, but the stack is empty"),
        ("(func i32.const 1)", "end: type mismatch: 1 more operands than the block's results are left"),
        ("(func (i32.add (i32.const 1) (f64.const 1)) drop)", "i32.add: type mismatch: expected i32, found f64"),
        ("(func i32.const 1 i32.add drop)", "i32.add: type mismatch: expected i32, but the stack is empty"),
        ("(func drop)", "drop: type mismatch: expected an operand, but the stack is empty"),
        ("(func i32.const 1 (block drop))", "drop: type mismatch: expected an operand, but the stack is empty"),
        ("(func (local.set 0 (i32.const 1)))", "local.set: unknown local 0"),
        ("(func (param i64) (local.set 0 (i32.const 1)))", "local.set: type mismatch: expected i64, found i32"),
        ("(func (local f32) (drop (local.tee 0 (i32.const 1))))", "local.tee: type mismatch: expected f32, found i32"),
        ("(func (drop (global.get 9)))", "global.get: unknown global 9"),
        ("(func (global.set $const (i32.const 1)))", "global.set: global 0 is immutable"),
        ("(func (global.set $var (i32.const 1)))", "global.set: type mismatch: expected f64, found i32"),
        ("(func (call $f (f32.const 1)) drop)", "call: type mismatch: expected i32, found f32"),
        ("(func (call 77))", "call: unknown function 77"),
        ("(func (call_indirect $externs (type $t) (i32.const 0) (i32.const 0)) drop)", "holds externref, not funcref"),
        ("(func (call_indirect 9 (type $t) (i32.const 0) (i32.const 0)) drop)", "call_indirect: unknown table 9"),
        ("(func (br 1))", "br: unknown label 1"),
        ("(func (block (result i32) (br 0)) drop)", "br: type mismatch: expected i32, but the stack is empty"),
        ("(func (br_if 0 (i64.const 0)))", "br_if: type mismatch: expected i32, found i64"),
        ("(func (block (block (br_table 0 3 (i32.const 0)))))", "br_table: unknown label 3"),
        (
            "(func (block (result i32) (block (br_table 0 1 (i32.const 0) (i32.const 0))) (i32.const 0)) drop)",
            "br_table: type mismatch: label 0 takes 0 operands, the default takes 1",
        ),
        ("(func (result i32) (if (result i32) (i32.const 1) (then (i32.const 1))))", "an if without else"),
        ("(func (if (i64.const 1) (then)))", "if: type mismatch: expected i32, found i64"),
        ("(func (if (i32.const 1) (then (i32.const 2)) (else)))", "else: type mismatch: 1 more operands"),
        ("(func (select (i32.const 1) (i64.const 1) (i32.const 0)) drop)", "operands of the types i32 and i64"),
        ("(func (select (ref.null func) (ref.null func) (i32.const 0)) drop)", "need a select with a type"),
        (
            "(func (drop (i32.load align=8 (i32.const 0))))",
            "must not be larger than natural: 2^3, at most 2^2",
        ),
        ("(func (drop (i32.load 7 (i32.const 0))))", "i32.load: unknown memory 7"),
        ("(func (drop (memory.size 7)))", "memory.size: unknown memory 7"),
        ("(func (drop (table.size 7)))", "table.size: unknown table 7"),
        ("(func (table.set $funcs (i32.const 0) (ref.null extern)))", "expected funcref, found externref"),
        ("(func (table.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0)))", "from a table of externref to one of"),
        ("(func (table.init 1 0 (i32.const 0) (i32.const 0) (i32.const 0)))", "a segment of (ref func) in a table of"),
        ("(func (elem.drop 7))", "elem.drop: unknown elem segment 7"),
        ("(func (data.drop 7))", "data.drop: unknown data segment 7"),
        ("(func (drop (ref.func $hidden)))", "undeclared function reference: function 1"),
        ("(func (drop (ref.is_null (i32.const 0))))", "ref.is_null: type mismatch: expected a reference, found i32"),
        ("(func (return_call $f (i32.const 0)))", "the callee is [i32] -> [i64], the function itself [] -> []"),
        ("(func (drop (i16x8.extract_lane_s 8 (v128.const i64x2 0 0))))", "invalid lane index 8: there are 8"),
        ("(func (result i32) (return))", "return: type mismatch: expected i32, but the stack is empty"),
    ],
)
def test_invalid_bodies_are_refused_with_operator_and_reason(text: str, message: str) -> None:
    assert message in refused(text)


def test_an_error_names_the_function_and_the_byte() -> None:
    decoded = decode_module(wat('(module (func (export "run") i32.const 1 f64.const 1 i32.add drop))'), "a.wasm")
    with pytest.raises(InvalidError) as error:
        validate_both_ways(decoded, 0)
    offset = error.value.offset
    assert offset is not None
    assert decoded.source[offset] == BY_NAME["i32.add"].code
    assert str(error.value) == (
        f"a.wasm: i32.add: type mismatch: expected i32, found f64 (code section, function run, offset 0x{offset:x})"
    )


def test_select_with_other_than_one_type_is_invalid() -> None:
    for types in (b"", b"\x7f\x7f"):
        operands = op("i32.const", s(0)) * 3
        source = function_module(operands + op("select t", u(len(types)) + types) + op("drop") + END)
        with pytest.raises(InvalidError, match="invalid result arity"):
            validate_both_ways(decode_module(source), 0)


def test_an_offset_beyond_32_bits_is_invalid() -> None:
    memory = section(5, vec([b"\0\1"]))
    load = op("i32.const", s(0)) + op("i32.load", u(2) + u(2**32)) + op("drop") + END
    with pytest.raises(InvalidError, match="offset out of range"):
        validate_both_ways(decode_module(function_module(load, more=[memory])), 0)


# ---------------------------------------------------------------------- what is malformed


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "unexpected end"),
        (op("nop"), "unexpected end"),
        (op("block", b"\x40") + END, "unexpected end"),
        (END + op("nop"), "1 bytes follow the end of the body"),
        (END + END, "1 bytes follow the end of the body"),
        (op("else") + END, "else: there is no 'if' that it could belong to"),
        (op("i32.const", s(1)) + op("if", b"\x40") + op("else") * 2 + END * 2, "there is no 'if'"),
        (b"\xff" + END, "illegal opcode 0xff"),
        (b"\x1d" + END, "illegal opcode 0x1d"),
        (b"\xfc\x7f" + END, "illegal opcode 0xfc 0x7f"),
        (b"\xfd\x9a\x01" + END, "illegal opcode 0xfd 0x9a"),
        (op("block", b"\x41") + END * 2, "malformed block type"),
        (op("ref.null", b"\x7f") + op("drop") + END, "malformed heap type"),
        (op("i32.const", b"\xff\xff\xff\xff\x4f") + op("drop") + END, "integer too large"),
        (op("i32.const", b"\x80\x80\x80\x80\x80\x00") + op("drop") + END, "integer representation too long"),
        (op("i64.const", b"\x80" * 100 + b"\0") + op("drop") + END, "integer representation too long"),
        (op("local.get", b"\x80"), "unexpected end"),
        (op("br_table", u(5) + b"\0\0"), "5 labels in br_table do not fit"),
        (op("i32.const", s(0)) + op("i32.load", u(0x80) + u(0)) + op("drop") + END, "malformed memop flags"),
        (op("data.drop", u(0)) + END, "data count section required"),
        (op("f64.const", b"\0\0\0\0"), "unexpected end"),
    ],
)
def test_malformed_bodies(source: bytes, message: str) -> None:
    decoded = decode_module(function_module(source, more=[section(5, vec([b"\0\1"]))]))
    with pytest.raises(MalformedError) as error:
        validate_both_ways(decoded, 0)
    assert message in str(error.value)
    assert error.value.function == "func[0]"


def test_a_body_without_end_does_not_borrow_the_next_one() -> None:
    source = module(
        section(1, vec([func_type("->")])),
        section(3, vec([u(0), u(0)])),
        section(10, vec([body(op("nop")), body(op("nop") + END)])),
    )
    decoded = decode_module(source)
    with pytest.raises(MalformedError, match="unexpected end"):
        validate_both_ways(decoded, 0)
    assert listing(validate_both_ways(decoded, 1)) == ["nop", "end"]


def test_too_many_locals_are_malformed_and_many_are_refused() -> None:
    def with_locals(*groups: tuple[int, str]) -> bytes:
        return function_module(END, local_groups=groups)

    assert len(validate_both_ways(decode_module(with_locals((50_000, "i32"))), 0).locals) == 50_000
    with pytest.raises(UnsupportedError, match="50001 locals, but waot's limit is 50000"):
        validate_both_ways(decode_module(with_locals((50_000, "i32"), (1, "f32"))), 0)
    with pytest.raises(UnsupportedError, match="locals, but waot's limit"):
        validate_both_ways(decode_module(with_locals((2**32 - 1, "i32"))), 0)
    with pytest.raises(MalformedError, match="too many locals"):
        validate_both_ways(decode_module(with_locals((2**32 - 1, "i32"), (1, "f32"))), 0)


# ---------------------------------------------------------------------- what later proposals add


@pytest.mark.parametrize(
    ("code_bytes", "what"),
    [
        (op("ref.null", b"\x68"), "contref belongs to the proposal stack-switching"),
        (op("block", b"\x75"), "nullcontref belongs to the proposal stack-switching"),
        (op("block", b"\x64\x65\x6e"), "a shared heap type belongs to the proposal shared-everything-threads"),
    ],
)
def test_types_of_later_proposals_are_refused_by_name(code_bytes: bytes, what: str) -> None:
    with pytest.raises(UnsupportedError, match=what):
        validate_both_ways(decode_module(function_module(code_bytes + END)), 0)


# ---------------------------------------------------------------------- facts


def test_facts_of_all_functions_are_merged() -> None:
    decoded = decode_module(
        wat(f"""(module {_ENVIRONMENT}
          (func $a (drop (call $f (i32.const 0))) (call $hidden) (global.set $var (f64.const 0)))
          (func $b (drop (ref.func $f)) (return_call $hidden))
          (func $c (drop (call_indirect $funcs (type $t) (i32.const 0) (i32.const 0)))
            (drop (memory.grow (i32.const 1)))
            (table.fill $externs (i32.const 0) (ref.null extern) (i32.const 0)))
          (func $d (result i32 i32) (i32.const 1) (i32.extend8_s (i32.const 2)))
          (func $e (drop (i32.trunc_sat_f32_s (f32.const 0))) (drop (v128.const i64x2 0 0)) (drop (memory.size 1)))
        )""")
    )
    indices = range(len(decoded.funcs))
    facts = collect_facts(decoded, indices)
    assert facts.callees == {0: (), 1: (), 2: (0, 1), 3: (0, 1), 4: (), 5: (), 6: ()}
    assert (facts.written_globals, facts.written_tables, facts.grown_memories) == ({1}, {1}, {0})
    assert facts.indirect_types == {(0, 0)}
    assert facts.tail_calls
    assert facts.proposals == {
        "mvp",
        "multi-value",
        "sign-extension",
        "saturating-float-to-int",
        "bulk-memory",
        "reference-types",
        "simd",
        "tail-call",
        "multi-memory",
    } - {"bulk-memory"}
    assert facts.sizes[0] == 2
    for index in indices:
        assert collect_facts(decoded, [index]) == facts_plainly(decoded, index)


def test_collecting_facts_stops_at_the_first_invalid_function() -> None:
    decoded = decode_module(wat("(module (func) (func drop) (func i32.add))"))
    with pytest.raises(InvalidError, match=r"drop: .*function func\[1\]"):
        collect_facts(decoded, range(3))


def test_types_survive_as_the_same_objects() -> None:
    result = validated("(func (param i32 i64 f32 f64 v128 funcref externref))")
    for found, type_ in zip(result.type.params, (I32, I64, F32, F64, V128, FUNCREF, EXTERNREF), strict=True):
        assert found is type_
