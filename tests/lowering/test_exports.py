"""`waot_exports`: what a module offers to code outside of it (`LoweringOptions.exports`).

That the thunks do what they are for is seen in tests/spec, where every call goes through one.
"""

from __future__ import annotations

import re

from tests.lowering.golden import lower

MODULE = """
(memory (export "memory") 1)
(table (export "table") 2 funcref)
(global (export "constant") i32 (i32.const 7))
(global (export "variable") (mut i64) (i64.const 8))
(func (export "_start"))
(func $other (export "other") (export "the \\"other\\" again") (result i32) (memory.size))
"""


def test_a_program_with_a_start_has_no_exports() -> None:
    text = lower(MODULE)
    assert "waot_export" not in text
    assert "@wasm.1" not in text


def test_everything_exported_is_there() -> None:
    text = lower(MODULE, exports="yes")
    table = re.search(r"^@waot_exports = hidden constant \[7 x %waot.export\] (.*)$", text, re.MULTILINE)
    assert table
    items = re.findall(r"i32 (\d+), i32 (\d+), i32 0, i32 \d+, ptr @([\w.]+) }", table[1])
    assert items == [
        ("6", "2", "waot_memory.0"),
        ("5", "1", "waot_table.0"),
        ("8", "3", "waot_export.global.0"),
        ("8", "3", "waot_export.global.1"),
        ("6", "0", "waot_export.func.0"),
        ("5", "0", "waot_export.func.1"),
        ("17", "0", "waot_export.func.1"),
    ]
    assert len(re.findall(r"^define internal ptr @waot_export", text, re.MULTILINE)) == 4


def test_what_the_outside_may_change_is_not_constant() -> None:
    text = lower(MODULE, exports="yes")
    assert "@waot_global.1 = internal global i64 8" in text  # nobody in the module sets it
    assert "@waot_global.0" not in text
    size = text[text.index("define internal fastcc i32 @wasm.1") :]
    assert "load i64, ptr getelementptr inbounds (%waot.memory" in size[: size.index("}")]


def test_start_is_an_export_like_others() -> None:
    assert "@waot_entry" not in lower(MODULE, exports="yes")
