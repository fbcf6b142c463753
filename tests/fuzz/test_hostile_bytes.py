"""Mutated modules: the decoder and the validator give a `Module` or a `WaotError`, and agree with wasmtime on which."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.frontend.building import wat
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


def _harm(source: bytes) -> str:
    """A decoder that goes wrong at some bytes."""
    if b"loop" in source:
        while True:
            pass
    if b"memory" in source:
        raise MemoryError
    if b"error" in source:
        raise KeyError("key")
    return "Module"


def test_harm_is_seen_and_its_input_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "verdict", _harm)
    monkeypatch.setattr(hostile, "SECONDS", 0.1)
    before = signal.getsignal(signal.SIGALRM)
    hostile.listen()
    try:
        for cause, said in (
            ("loop", "takes more than 0.1 s"),
            ("memory", "takes more than"),
            ("error", "KeyError: 'key'"),
        ):
            source = b"x" * 100 + cause.encode() + b"y" * 100
            _, what = hostile.judge(source)
            assert what is not None
            assert said in what
            if cause != "loop":
                assert hostile.reduce(source, what, agree=False) == cause.encode()
        assert hostile.judge(b"well") == ("Module", None)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_wasmtime_says_otherwise_is_told() -> None:
    good = wat("(module (func (result i32) (i32.const 1)))")
    bad = good.replace(b"\x41\x01", b"\x42\x01")
    assert hostile.disagreement(good, "Module") is None
    assert hostile.disagreement(bad, "InvalidError") is None
    assert "wasmtime accepts" in str(hostile.disagreement(good, "InvalidError"))
    assert "wasmtime says" in str(hostile.disagreement(bad, "Module"))


@pytest.mark.skipif(not SAVED, reason="no input has done harm so far")
@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_inputs_that_once_did_harm(path: Path) -> None:
    _, what = hostile.judge(path.read_bytes())
    assert what is None, what
