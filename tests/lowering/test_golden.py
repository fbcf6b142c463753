"""Small modules become exactly the IR that is written beside them; data/*.test."""

from __future__ import annotations

import pytest

pytest.importorskip("wasmtime")

from tests.lowering.golden import Case, files, lower, read, shown

CASES = [pytest.param(case, id=f"{path.stem}-{case.name}") for path in files() for case in read(path)]


@pytest.mark.parametrize("case", CASES)
def test_module_becomes_the_ir_beside_it(case: Case) -> None:
    assert shown(case) == case.ir


def test_locals_beyond_the_limit_are_in_stack_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = f"""(func (export "_start") (local {"i32 " * 64})
      (if (local.get 1) (then (local.set 63 (i32.const 1)))))"""
    assert "alloca" not in lower(fields)
    monkeypatch.setattr("waot.lowering.function.SSA_WORK_LIMIT", 0)
    text = lower(fields)
    assert text.count("alloca i32") == 2  # only those that the code names
    assert " phi " not in text
