"""Fixed arguments, and what whoever runs a program adds to its grants by variables; sealed programs do not listen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import (
    INHERIT_ENVIRONMENT,
    READ,
    SEALED,
    SUCCESS,
    WRITE,
    Calls,
    argument_record,
    directory_record,
    file_record,
    record,
    variable_record,
)
from tests.wasi.test_file_grants import content, preopens

Start = Callable[..., Calls]


def refusal(calls: Calls) -> str:
    """What a program that ends before it begins says."""
    process = calls.guest.process  # type: ignore[attr-defined]
    assert process.wait() == 1
    text: str = process.stderr.read().decode()
    assert text.startswith("waot: ")
    assert text.count("\n") == 1
    return text.removeprefix("waot: ").rstrip("\n")


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    for name in ("one", "two", "a:b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    return tmp_path


# ---------------------------------------------------------------- arguments


def test_fixed_arguments_stand_before_the_given(start: Start) -> None:
    records = [argument_record("--fixed"), argument_record(""), argument_record("ü b")]
    calls = start(records, arguments=["program", "given", "x"])
    found = calls.strings("args_sizes_get", "args_get")
    assert found == [b"program", b"--fixed", b"", "ü b".encode(), b"given", b"x"]


def test_fixed_arguments_alone(start: Start) -> None:
    calls = start([argument_record("--fixed")], arguments=["program"])
    assert calls.strings("args_sizes_get", "args_get") == [b"program", b"--fixed"]


# ---------------------------------------------------------------- directories and files


def test_directories_are_added_behind_the_builders(start: Start, trees: Path) -> None:
    environment = {"WAOT_DIR": f"{trees}/two::/two:ro;{trees}/a:b;{trees}/a:b::/c:d"}
    calls = start([directory_record(trees / "one", "/one")], environment=environment)
    assert preopens(calls) == ["/one", "/two", f"{trees}/a:b", "/c:d"]
    assert [content(calls, fd, "file") for fd in (3, 4, 5, 6)] == [b"one", b"two", b"a:b", b"a:b"]
    assert calls.open(3, "file", rights=READ | WRITE)[0] == SUCCESS
    assert calls.open(4, "file", rights=READ | WRITE)[0] == "perm"
    assert calls.open(5, "file", rights=READ | WRITE)[0] == SUCCESS


def test_files_are_added(start: Start, trees: Path) -> None:
    calls = start(environment={"WAOT_FILE": f"{trees}/one/file::/x/1;{trees}/two/file::/x/2:ro;{trees}/a:b/file"})
    assert preopens(calls) == ["/x", f"{trees}/a:b"]
    assert (content(calls, 3, "1"), content(calls, 3, "2"), content(calls, 4, "file")) == (b"one", b"two", b"a:b")
    assert calls.open(3, "1", rights=WRITE)[0] == SUCCESS
    assert calls.open(3, "2", rights=WRITE)[0] == "perm"


def test_the_builders_directories_keep_their_numbers(start: Start, trees: Path) -> None:
    records = [file_record(trees / "one" / "file", "/x/1"), directory_record(trees / "one", "/one")]
    environment = {
        "WAOT_DIR": f"{trees}/two::/two",
        "WAOT_FILE": ";".join(f"{trees}/two/file::/{where}/{i}" for i in range(2, 9) for where in ("x", "y")),
    }
    calls = start(records, environment=environment)
    assert preopens(calls) == ["/one", "/x", "/two", "/y"]
    assert [entry.name for entry in calls.readdir(4)] == [b".", b"..", *(b"%d" % i for i in range(1, 9))]
    assert (content(calls, 4, "1"), content(calls, 4, "8"), content(calls, 6, "8")) == (b"one", b"two", b"two")


def test_one_name_for_two_files_ends_the_program(start: Start, trees: Path) -> None:
    records = [file_record(trees / "one" / "file", "/x/1")]
    environment = {"WAOT_FILE": f"{trees}/two/file::/x//1"}
    calls = start(records, environment=environment, stderr=subprocess.PIPE)
    assert refusal(calls) == "cannot grant file '/x//1': something is granted under that name already"


@pytest.mark.parametrize("variable", ["WAOT_DIR", "WAOT_FILE", "WAOT_LISTEN", "WAOT_ENV", "WAOT_INHERIT_ENV"])
def test_an_empty_variable_grants_nothing(start: Start, variable: str) -> None:
    calls = start(environment={variable: "", "X": "y"})
    assert preopens(calls) == []
    assert calls.strings("environ_sizes_get", "environ_get") == []


FORMS = "use HOST[::GUEST][:ro], and ; between them"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("one::", f"WAOT_DIR 'one::': {FORMS}"),
        ("::/x", f"WAOT_DIR '::/x': {FORMS}"),
        (":ro", f"WAOT_DIR ':ro': {FORMS}"),
        ("a::b::c", f"WAOT_DIR 'a::b::c': {FORMS}"),
        ("two::b;one::::/x", f"WAOT_DIR 'one::::/x': {FORMS}"),
        ("one:::ro", f"WAOT_DIR 'one:::ro': {FORMS}"),
        (";", "WAOT_DIR ';': an item between ; is empty"),
        ("one;", "WAOT_DIR 'one;': an item between ; is empty"),
        ("one;;two", "WAOT_DIR ';two': an item between ; is empty"),
        ("absent", "cannot open granted directory 'absent': no such directory"),
        ("one/file", "cannot open granted directory 'one/file': not a directory"),
        ("one;two::one/", "cannot open granted directory 'two': something is granted under that name already"),
        ("one::/", "cannot open granted directory 'one': something is granted under that name already"),
    ],
)
def test_a_bad_value_ends_the_program(start: Start, trees: Path, value: str, said: str) -> None:
    calls = start(
        [directory_record(trees, "/")],
        environment={"WAOT_DIR": value},
        stderr=subprocess.PIPE,
        prepare=lambda: os.chdir(trees),
    )
    assert refusal(calls) == said


# ---------------------------------------------------------------- environment


@pytest.mark.parametrize(
    ("records", "host", "expected"),
    [
        ([], {"WAOT_ENV": "A=1;B"}, ["A=1", "B=b"]),
        ([], {"WAOT_ENV": "A=;ABSENT;A=x=y"}, ["A=x=y"]),
        ([], {"WAOT_ENV": "A=1;A"}, ["A=a"]),
        ([variable_record("A=fixed")], {"WAOT_ENV": "A=1;B=2"}, ["A=fixed", "B=2"]),
        ([variable_record("ABSENT")], {"WAOT_ENV": "ABSENT=there"}, []),
        ([], {"WAOT_INHERIT_ENV": "1"}, ["A=a", "B=b"]),
        ([], {"WAOT_INHERIT_ENV": "0"}, []),
        ([], {"WAOT_INHERIT_ENV": "1", "WAOT_ENV": "B=2;C=3"}, ["A=a", "B=2", "C=3"]),
        ([variable_record("A=fixed")], {"WAOT_INHERIT_ENV": "1"}, ["A=fixed", "B=b"]),
        ([INHERIT_ENVIRONMENT], {"WAOT_OTHER": "x", "WAOT_": "x"}, ["A=a", "B=b"]),
        ([INHERIT_ENVIRONMENT, variable_record("WAOT_OTHER")], {"WAOT_OTHER": "x"}, ["A=a", "B=b", "WAOT_OTHER=x"]),
        ([SEALED], {"WAOT_ENV": "A;C=1", "WAOT_INHERIT_ENV": "1"}, []),
        ([SEALED, variable_record("A")], {"WAOT_ENV": "=", "WAOT_INHERIT_ENV": "nonsense"}, ["A=a"]),
    ],
)
def test_variables_are_added_and_none_is_changed(
    start: Start, records: list[bytes], host: dict[str, str], expected: list[str]
) -> None:
    calls = start(records, environment={"A": "a", "B": "b", **host})
    found = calls.strings("environ_sizes_get", "environ_get")
    assert sorted(found) == sorted(text.encode() for text in expected)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("WAOT_INHERIT_ENV", "yes", "WAOT_INHERIT_ENV 'yes': use 1 or 0"),
        ("WAOT_INHERIT_ENV", "11", "WAOT_INHERIT_ENV '11': use 1 or 0"),
        ("WAOT_INFO", "yes", "WAOT_INFO 'yes': use 1 or 0"),
        ("WAOT_FORCE_WALK", "yes", "WAOT_FORCE_WALK 'yes': use 1 or 0"),
        ("WAOT_ENV", "=x", "WAOT_ENV '=x': use NAME or NAME=VALUE, and ; between them"),
        ("WAOT_ENV", "A=1;=x", "WAOT_ENV '=x': use NAME or NAME=VALUE, and ; between them"),
        ("WAOT_ENV", "A=1;;B", "WAOT_ENV ';B': an item between ; is empty"),
    ],
)
def test_a_bad_variable_ends_the_program(start: Start, variable: str, value: str, said: str) -> None:
    assert refusal(start(environment={variable: value}, stderr=subprocess.PIPE)) == said


# ---------------------------------------------------------------- sealed, and asked


def test_a_sealed_program_takes_no_grants(start: Start, trees: Path) -> None:
    environment = {"WAOT_DIR": str(trees / "two"), "WAOT_FILE": str(trees / "absent"), "WAOT_LISTEN": "nonsense"}
    calls = start([directory_record(trees / "one", "/one"), SEALED], environment=environment)
    assert preopens(calls) == ["/one"]
    assert calls.fdstat(4)[0] == "badf"


INFO = record(19, b"what it is\n")


@pytest.mark.parametrize("seal", [[], [SEALED]])
def test_a_program_that_is_asked_answers_and_does_not_run(start: Start, trees: Path, seal: list[bytes]) -> None:
    environment = {"WAOT_INFO": "1", "WAOT_DIR": f"{trees}/one;{trees}/two", "WAOT_INHERIT_ENV": "1", "WAOT_ENV": ""}
    calls = start([INFO, *seal], environment=environment, stdout=subprocess.PIPE)
    process = calls.guest.process  # type: ignore[attr-defined]
    assert process.wait() == 0
    added = f"granted by WAOT_DIR: {trees}/one;{trees}/two\ngranted by WAOT_INHERIT_ENV: 1\n"
    assert process.stdout.read().decode() == "what it is\n" + ("" if seal else added)


def test_nobody_listens_to_the_answer(start: Start) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    calls = start([INFO], environment={"WAOT_INFO": "1"}, stdout=writing)
    os.close(writing)
    assert calls.guest.process.wait() == 1  # type: ignore[attr-defined]


def test_a_program_that_is_not_asked_runs(start: Start) -> None:
    for value in ("0", ""):
        assert start([INFO], environment={"WAOT_INFO": value}).guest.call("sched_yield") == SUCCESS
