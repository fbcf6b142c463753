"""Small things in which a program could tell waot from wasmtime: what both answer is here, and both are asked."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("wasmtime")

from tests.wasi.conftest import EACH_WAY, WAYS
from tests.wasi.guest import (
    APPEND,
    CREAT,
    DATA,
    IOVS,
    OUT,
    READ,
    SUCCESS,
    WRITE,
    Calls,
    NativeGuest,
    WasmtimeGuest,
    build,
    directory_record,
)

ROOT, FIXED, CLOSED = 3, 4, 1000  # the second is granted to be read only
NO_UTF8 = b"a\xff"


@pytest.fixture(
    params=["wasmtime", *EACH_WAY],
    ids=lambda way: way if isinstance(way, str) else f"{way[0]}-{'walk' if way[1] else 'openat2'}",
)
def calls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Calls]:
    root, fixed = tmp_path / "root", tmp_path / "fixed"
    for directory in (root, fixed, root / "d"):
        directory.mkdir()
    (root / "a").write_bytes(b"text")
    (root / "slash").symlink_to("d/new/")
    (root / "above").symlink_to("../")
    (fixed / "a").write_bytes(b"text")
    guest: NativeGuest | WasmtimeGuest
    if request.param == "wasmtime":
        guest = WasmtimeGuest([(root, "/", False), (fixed, "/fixed", True)])
    else:
        architecture, walk = request.param
        records = [directory_record(root, "/"), directory_record(fixed, "/fixed", read_only=True)]
        guest = NativeGuest(architecture, records=records, walk=walk)
    yield Calls(guest)
    guest.close()


CHECKS: dict[str, tuple[Callable[[Calls], str], str]] = {
    "both descriptors before the grants": (lambda c: c.rename(FIXED, "a", CLOSED, "b"), "badf"),
    "both descriptors before the paths": (lambda c: c.link(ROOT, NO_UTF8, CLOSED, "b"), "badf"),
    "both paths before the grants": (lambda c: c.rename(FIXED, "a", ROOT, NO_UTF8), "ilseq"),
    "grants before the flags of a link": (lambda c: c.link(FIXED, "a", ROOT, "b", follow=True), "perm"),
    "a link's target before the grant": (lambda c: c.symlink(NO_UTF8, FIXED, "b"), "ilseq"),
    "a path before the descriptor it is opened at": (lambda c: c.open(CLOSED, NO_UTF8)[0], "ilseq"),
}


@pytest.mark.parametrize("what", CHECKS)
def test_checks_come_in_one_order(calls: Calls, what: str) -> None:
    operation, expected = CHECKS[what]
    assert operation(calls) == expected


def test_setting_no_times_still_looks_for_the_file(calls: Calls) -> None:
    assert calls.set_times(ROOT, "a", 1, 2, 0, follow=True) == SUCCESS
    assert calls.set_times(ROOT, "missing", 1, 2, 0, follow=True) == "noent"


def test_a_directory_has_no_flags(calls: Calls) -> None:
    error, fd = calls.open(ROOT, "d", fdflags=APPEND)
    assert error == SUCCESS
    assert calls.guest.call("fd_fdstat_get", fd, OUT) == SUCCESS
    assert struct.unpack("<H", calls.guest.read(OUT + 2, 2)) == (0,)


def test_no_file_is_made_through_a_link_that_ends_in_a_slash(calls: Calls) -> None:
    assert calls.open(ROOT, "slash", oflags=CREAT, rights=WRITE, follow=True)[0] == "isdir"
    assert calls.path_stat(ROOT, "d/new")[0] == "noent"
    assert calls.open(ROOT, "above", oflags=CREAT, rights=WRITE, follow=True)[0] == "perm"


def test_what_is_missing_is_told_before_a_name_that_is_too_long(calls: Calls) -> None:
    assert calls.link(ROOT, "missing", ROOT, "d/" + "n" * 256) == "noent"
    assert calls.rename(ROOT, "missing", ROOT, "d/" + "n" * 256) == "noent"
    assert calls.rename(ROOT, "a", ROOT, "d/" + "n" * 256) == "nametoolong"
    assert calls.path_stat(ROOT, "d/" + "n" * 256)[0] == "nametoolong"


def test_a_directory_that_was_removed_is_empty(calls: Calls) -> None:
    error, fd = calls.open(ROOT, "d")
    assert error == SUCCESS
    assert calls.rmdir(ROOT, "d") == SUCCESS
    assert [entry.name for entry in calls.readdir(fd)] == [b".", b".."]


@pytest.mark.parametrize("function", ["fd_read", "fd_pread"])
def test_reading_nothing_needs_a_file_that_can_be_read(calls: Calls, function: str) -> None:
    offset = [0] if function == "fd_pread" else []
    calls.guest.write(IOVS, struct.pack("<II", DATA, 0))
    for rights, expected in ((READ, SUCCESS), (WRITE, "badf")):
        error, fd = calls.open(ROOT, "a", rights=rights)
        assert error == SUCCESS
        assert calls.guest.call(function, fd, IOVS, 1, *offset, OUT) == expected


@pytest.mark.parametrize(("architecture", "walk"), WAYS)
def test_a_directory_is_searched_only_for_a_name_in_it(tmp_path: Path, architecture: str, walk: bool) -> None:
    """path_resolution(7): that takes a permission, for `.` and `..` too; a slash at the end of a path is no name."""
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (root / "a").write_bytes(b"text")
    (root / "slash").symlink_to("d/")
    for path in (tmp_path, root, build(architecture).parent):
        path.chmod(0o777)
    (root / "d").chmod(0o666)
    if os.geteuid() == 0:
        os.chown(root / "a", 65534, 65534)
        os.chown(root / "d", 65534, 65534)

    def become_nobody() -> None:
        os.chdir(tmp_path)
        if os.geteuid() == 0:
            os.setresuid(65534, 65534, 65534)

    guest = NativeGuest(architecture, records=[directory_record("root", "/")], walk=walk, prepare=become_nobody)
    calls = Calls(guest)
    try:
        for name in ("d/../a", "d/..", "d/."):
            assert calls.path_stat(ROOT, name)[0] == "acces"
            assert calls.set_times(ROOT, name, 1, 2, 5, follow=True) == "acces"
        assert calls.open(ROOT, "d/../a", follow=True)[0] == "acces"
        error, fd = calls.open(ROOT, "d")
        assert error == SUCCESS
        assert calls.path_stat(fd, "..")[0] == "acces"
        for name in ("d/", "slash/"):
            assert calls.path_stat(ROOT, name)[1].filetype == 3
            assert calls.set_times(ROOT, name, 1, 2, 5) == "acces"  # as wasmtime
            assert calls.set_times(ROOT, name, 1, 2, 5, follow=True) == SUCCESS
        assert calls.set_times(ROOT, "slash", 3, 4, 5, follow=True) == SUCCESS
        assert calls.path_stat(ROOT, "d")[1].mtim == 4
    finally:
        guest.close()
        (root / "d").chmod(0o777)
