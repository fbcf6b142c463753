"""Hostile modules: the IR that a module becomes stays in proportion to its size, and so does the time that it takes.

As in tests/frontend/test_hostile.py, no test asserts a time; where the cost were the product of two sizes, it would not
end. Optimisation by LLVM is not looked at here, but for what is kept from it.
"""

from __future__ import annotations

import pytest

from tests.frontend.building import END, func_type, module, name, op, s, section, u, vec
from tests.lowering.golden import lower
from waot.codegen.llvm import compile_unit
from waot.codegen.options import CodegenOptions, Effort
from waot.errors import UnsupportedError

VOID = b"\x40"
I32, ANYREF = b"\x7f", b"\x6e"
TAG = b"\0\0"
THROW = op("throw", u(0)) + END


def _module(
    code: bytes, *more: bytes, locals_: bytes = b"\0", types: tuple[bytes, ...] = (), sections: tuple[bytes, ...] = ()
) -> bytes:
    """A module whose `_start` has that code; `more` are other functions of type [] -> [], `sections` follow those."""
    before = b"".join(part for part in sections if part[0] == 13) + b"".join(part for part in sections if part[0] == 6)
    bodies = [locals_ + code, *(b"\0" + other for other in more)]
    return module(
        section(1, vec([func_type("->"), *types])),
        section(3, vec([u(0)] * len(bodies))),
        before,
        section(7, vec([name("_start") + b"\0\0"])),
        section(10, vec([u(len(contents)) + contents for contents in bodies])),
    )


def _locals(count: int, type_: bytes = I32) -> bytes:
    return vec([u(count) + type_])


def _tags(*tags: bytes) -> bytes:
    return section(13, vec(tags))


def test_calls_in_a_try_with_many_locals() -> None:
    many = 20_000
    calls = b"".join(op("call", u(1)) + op("i32.const", s(1)) + op("local.set", u(i)) for i in range(many))
    code = op("block", VOID) + op("try_table", VOID, vec([b"\2\0"])) + calls + END * 3
    text = lower(_module(code, THROW, locals_=_locals(many), sections=(_tags(TAG),)))
    assert "%local0 = alloca i32" in text


def test_clauses_with_many_locals() -> None:
    clauses = op("try_table", VOID, vec([b"\0" + u(i) + b"\0" for i in range(10_000)]))
    sets = b"".join(op("i32.const", s(1)) + op("local.set", u(i)) for i in range(5000))
    code = op("block", VOID) + clauses + op("call", u(1)) + END + END + sets + END
    text = lower(_module(code, THROW, locals_=_locals(5000), sections=(_tags(*[TAG] * 10_000),)))
    assert "%local0 = alloca i32" in text


def test_clauses_that_catch_nothing_more() -> None:
    clauses = op("try_table", VOID, vec([b"\0\0\0"] * 10_000))
    code = op("block", VOID) + (clauses + op("call", u(1)) + END) * 30 + END + END
    assert len(lower(_module(code, THROW, sections=(_tags(TAG),)))) < 100_000


def test_a_try_with_too_many_clauses_is_refused() -> None:
    code = op("try", VOID) + op("call", u(1)) + op("catch", u(0)) * 10_001 + END + END
    with pytest.raises(UnsupportedError, match="more than 10,000 catch clauses"):
        lower(_module(code, THROW, sections=(_tags(TAG),)))


def test_branches_on_null_with_many_locals() -> None:
    many = 20_000
    one = op("ref.null", ANYREF) + op("br_on_null", u(0)) + op("drop") + op("i32.const", s(1))
    code = op("block", VOID) + b"".join(one + op("local.set", u(i)) for i in range(many)) + END + END
    assert "%local0 = alloca i32" in lower(_module(code, locals_=_locals(many)))


def test_calls_that_may_throw_deep_in_blocks() -> None:
    depth = 90_000
    code = op("block", VOID) * depth + op("call", u(1)) * 90_000 + END * (depth + 1)
    assert lower(_module(code, THROW, sections=(_tags(TAG),))).count("label %unwind, ") == 90_000


def test_br_tables_that_begin_loops_in_each_other() -> None:
    many = 20_000
    begin = op("loop", VOID) + op("block", VOID) + op("local.get", u(0)) + op("br_table", vec([u(0)]), u(0)) + END
    again = op("i32.const", s(0)) + op("local.set", u(0)) + op("br", u(0)) + END
    code = (begin + op("i32.const", s(0)) + op("local.set", u(0))) * many + again * many + END
    text = lower(_module(code, locals_=_locals(1)))
    assert text.count("switch i32") == many


def test_a_br_table_into_loops_in_loops_with_many_locals() -> None:
    """Its ways would lead through sixteen headers, each with all locals."""
    many, deep, some = 3000, 16, 60
    set_ = b"".join(op("i32.const", s(1)) + op("local.set", u(i)) for i in range(1, some))
    table = op("local.get", u(0)) + op("br_table", vec([u(i) for i in range(many)]), u(0))
    back = b"".join(
        op("local.get", u(1)) + op("if", VOID) + op("i32.const", s(i)) + op("local.set", u(0)) + op("br", u(1)) + END
        for i in range(deep)
    )
    code = op("loop", VOID) + op("block", VOID) * many + table + (END + op("nop")) * many + set_ + back + END + END
    text = lower(_module(code, locals_=_locals(some)))
    assert text.count(", %") < 3 * many * some  # two ways into each of the segments


def test_delegates_out_of_thousands_of_tries_and_blocks() -> None:
    depth = 40_000
    inner = op("try", VOID) + op("call", u(1)) + op("delegate", u(depth))
    code = op("try", VOID) + op("block", VOID) * depth + inner * depth + END * (depth + 1) + END
    assert lower(_module(code, THROW, sections=(_tags(TAG),))).count("br label %h2\n") == depth


def _nested_tries(depth: int) -> str:
    code = op("try", VOID) * depth + op("call", u(1)) + (op("catch", u(0)) + END) * depth + END
    return lower(_module(code, THROW, sections=(_tags(TAG),)))


def test_deeply_nested_tries_are_not_optimised_and_too_deep_ones_refused() -> None:
    assert "optnone" not in _nested_tries(250)
    assert "optnone" in _nested_tries(2_500)
    with pytest.raises(UnsupportedError, match="tries are nested more than 2,500 deep"):
        _nested_tries(2_501)


def test_payloads_that_no_code_pushes_are_counted() -> None:
    clauses = (op("catch", u(1)) + op("unreachable")) * 10_000
    code = op("try", VOID) + op("call", u(1)) + clauses + END + END
    source = _module(code, THROW, types=(func_type("i32 " * 1000 + "->"),), sections=(_tags(TAG, b"\0\1"),))
    with pytest.raises(UnsupportedError, match="carry more than 300,000 operands"):
        lower(source)


def test_fields_of_a_large_struct() -> None:
    struct = b"\x5f" + vec([b"\x7f\1"] * 10_000)
    gets = (op("local.get", u(0)) + op("struct.get", u(1), u(9_999)) + op("drop")) * 60_000
    assert lower(_module(gets + END, locals_=_locals(1, b"\x63\1"), types=(struct,))).count(", i64 40004\n") == 60_000


def test_many_tags_of_one_large_type() -> None:
    type_ = b"\x60" + vec([ANYREF] * 1000) + b"\0"
    text = lower(_module(THROW, types=(type_,), sections=(_tags(TAG, *[b"\0\1"] * 100_000),)))
    assert len(text) < 100_000 * 200


def _boxes(count: int) -> str:
    struct = b"\x5f" + vec([b"\x7f\1"])
    init = b"\x64\1\0" + op("i32.const", s(7)) + op("struct.new", u(1)) + END
    return lower(_module(END, types=(struct,), sections=(section(6, vec([init] * count)),)))


def test_thousands_of_objects_are_made_by_functions_of_bounded_length() -> None:
    assert "@waot_instantiate.part" not in _boxes(100)
    parts = _boxes(20_000).split("define internal void @waot_instantiate")[1:]
    assert len(parts) > 5
    assert max(part.partition("\n}")[0].count("\n") for part in parts) < 5_000


def test_arrays_of_many_constants_are_compiled() -> None:
    array = op("i32.const", s(5)) * 10_000 + op("array.new_fixed", u(1), u(10_000))
    init = b"\x64\1\0" + array + END
    source = _module(END, types=(b"\x5e\x7f\1",), sections=(section(6, vec([init] * 40)),))
    assert lower(source).count("store i32 5") == 400_000


def _many_calls(count: int, *, tail: bool) -> str:
    last = op("return_call" if tail else "call", u(1))
    return lower(_module(op("call", u(1)) * count + last + END, THROW, sections=(_tags(TAG),)))


def _casts_to_one_label(count: int) -> str:
    struct = b"\x5f" + vec([b"\x7f\1"])
    casts = op("br_on_cast", b"\3", u(0), ANYREF, s(1)) * count
    code = op("block", b"\x63\1") + op("local.get", u(0)) + casts + op("drop") + op("ref.null", s(1)) + END + op("drop")
    return lower(_module(code + END, locals_=_locals(1, ANYREF), types=(struct,)))


def test_long_functions_are_not_optimised() -> None:
    assert "optnone" not in _casts_to_one_label(5_000)
    assert "optnone" in _casts_to_one_label(40_000)


def test_functions_of_many_calls_are_not_optimised() -> None:
    assert '"waot-many-calls"' not in _many_calls(40_000, tail=False)
    text = _many_calls(50_000, tail=False)
    assert text.count('noinline optnone "waot-many-calls"') == 1
    assert '"waot-many-calls"' in _many_calls(60_000, tail=True)
    with pytest.raises(UnsupportedError, match="more than 100,000 calls"):
        _many_calls(100_001, tail=True)


@pytest.mark.parametrize(("level", "effort"), [("2", "full"), ("1", "full"), ("1", "least")])
def test_registers_around_many_calls_are_allocated_fast(level: str, effort: Effort) -> None:
    function = (
        "declare void @g()\ndefine i32 @f(i32 %a) {} {{\n  %b = add i32 %a, 3\n  call void @g()\n  ret i32 %b\n}}"
    )
    options = CodegenOptions("x86_64-unknown-linux-gnu", "x86-64", "", "", level, "asm", effort=effort)
    listings = [
        compile_unit(function.format(attributes), None, frozenset(), options).decode()
        for attributes in ("noinline optnone", 'noinline optnone "waot-many-calls"')
    ]
    assert "(%rsp)" not in listings[0]
    assert "(%rsp)" in listings[1]
