"""Mutated modules: the decoder and the validator give a `Module` or a `WaotError`, and agree with wasmtime on which."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import hostile
from tests.spec.suite import SUITE

INPUTS = 4000
SAVED = sorted((Path(__file__).resolve().parent / "inputs").glob("*.wasm"))


@pytest.mark.skipif(not SUITE.is_dir(), reason=f"no test suite at {SUITE}; set WAOT_SPEC_TESTSUITE")
def test_mutated_modules_are_taken_or_refused_as_wasmtime_does() -> None:
    report = hostile.run("test", INPUTS, 1, lambda text: None, agree=True)
    assert not report.failures, "\n".join(f"{name}: {source.hex()}\n{what}" for name, source, what in report.failures)
    assert report.verdicts.total() == INPUTS
    # The mutations are neither too coarse nor too fine.
    assert min(report.verdicts[kind] for kind in ("Module", "InvalidError", "MalformedError")) > INPUTS // 50


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_inputs_that_once_did_harm(path: Path) -> None:
    ((_, what),) = [hostile.judge(path.read_bytes())]
    assert what is None, what
