"""Random sequences of calls do natively what they do under wasmtime, and what tells differences apart does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

pytest.importorskip("wasmtime")

from tests import tools
from tests.wasi.guest import CREAT, READ, WRITE
from tests.wasi.sequences.__main__ import Batch, run_batch
from tests.wasi.sequences.comparing import compare
from tests.wasi.sequences.generating import generate
from tests.wasi.sequences.reducing import differences, reduce, without
from tests.wasi.sequences.running import VARIANTS, Native, Oracle, Outcome, Variant
from tests.wasi.sequences.scripts import INPUT, RESULT, SAVE_DESCRIPTOR, Call, Entry, Register, Script


def variant(name: str) -> Variant:
    """That variant, or the test skips and says what is missing."""
    tools.runner_or_skip(VARIANTS[name].target)
    return VARIANTS[name]


@pytest.mark.parametrize(("name", "count"), [("openat2", 250), ("walk", 250), ("aarch64", 25)])
def test_sequences_do_what_they_do_under_wasmtime(name: str, count: int) -> None:
    variant(name)
    report = run_batch(Batch(tuple(f"test-{number}" for number in range(count)), (name,)))
    assert not report.differing, f"python -m tests.wasi.sequences --variant {name} --case SEED tells more"
    assert report.scripts == count
    assert report.errors["path_open", "success"] > count


def test_the_command_runs_where_permissions_hold() -> None:
    variant("openat2")
    command = [sys.executable, "-m", "tests.wasi.sequences", "--count", "260", "--jobs", "1", "--seed", "command"]
    done = subprocess.run(command, cwd=tools.ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n260/260 sequences, 0 differ" in done.stdout
    assert re.search(r"^under wasmtime: success [0-9]+, .*\bacces [0-9]", done.stdout, re.MULTILINE)


def opening(path: bytes, register: Register) -> Call:
    """Opens a file of the first granted directory to read and write, making it if need be."""
    arguments = (3, 0, INPUT, len(path), CREAT, READ | WRITE, 0, 0, RESULT)
    return Call("path_open", arguments, "open", path, saves=((SAVE_DESCRIPTOR, register, RESULT),), output=8)


TELL = Call("fd_tell", (Register(0), RESULT), "tell", output=8)
CLOSE = Call("fd_close", (Register(0),), "close")
SCRIPT = Script(
    "by hand",
    (Entry("tree/a", "file", b"text"), Entry("tree/d", "directory"), Entry("tree/d/l", "link", b"../a")),
    ((opening(b"a", Register(0)),), (TELL,), (opening(b"d/n", Register(1)),), (CLOSE,)),
)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.close()


@pytest.fixture(scope="module")
def native() -> Iterator[Native]:
    native = Native(variant("openat2"))
    yield native
    native.close()


def node(path: str, **values: object) -> Callable[[Outcome], Outcome]:
    def change(outcome: Outcome) -> Outcome:
        return replace(outcome, tree=outcome.tree | {path: replace(outcome.tree[path], **values)})  # type: ignore[arg-type]

    return change


CHANGES: dict[str, Callable[[Outcome], Outcome]] = {
    "an errno": lambda outcome: replace(outcome, results=b"\x08" + outcome.results[1:]),
    "a result": lambda outcome: replace(outcome, results=outcome.results[:16] + b"\x01" + outcome.results[17:]),
    "what a call has not written": lambda outcome: replace(
        outcome, results=outcome.results[:11] + b"\0" + outcome.results[12:]
    ),
    "a name": lambda outcome: replace(outcome, tree=outcome.tree | {"tree/new": outcome.tree["tree/a"]}),
    "the end": lambda outcome: replace(outcome, ended="status 134"),
    "content": node("tree/a", content=b"else"),
    "a mode": node("tree/d", mode="drwx------"),
    "a link": node("tree/d/l", content="../b"),
    "a time": node("tree/a", modified=1),
    "links": node("tree/a", number=0),
    "the file beside": node("secret", content=b"told"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_difference_is_seen(oracle: Oracle, native: Native, what: str) -> None:
    expected, actual = oracle.run(SCRIPT), native.run(SCRIPT)
    assert not compare(SCRIPT, expected, actual).differences
    assert compare(SCRIPT, expected, CHANGES[what](actual)).differences


def test_a_difference_is_reduced_to_what_makes_it(oracle: Oracle) -> None:
    class Forgetful(Native):
        """Closes what it is told to, and says that it has not."""

        def run(self, script: Script) -> Outcome:
            outcome = super().run(script)
            if CLOSE not in script.calls:
                return outcome
            return replace(outcome, results=outcome.results[:-4] + b"\x1d\0\0\0")

    native = Forgetful(variant("openat2"))
    try:
        smaller = reduce(SCRIPT, oracle, native)
        assert smaller.calls == (CLOSE,)
        assert smaller.entries == ()
        assert [difference.number for difference in differences(smaller, oracle, native)] == [0]
    finally:
        native.close()


def test_reducing_leaves_what_belongs_together() -> None:
    assert without(range(100), lambda left: {17, 56, 57} <= set(left)) == [17, 56, 57]


def test_a_seed_gives_one_script() -> None:
    assert generate("7-1") == generate("7-1")
    assert generate("7-1") != generate("7-2")
