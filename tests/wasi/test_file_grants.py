"""Granted files: a directory that holds them and nothing else, and nothing that reaches what stands beside them."""

from __future__ import annotations

import os
import random
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.wasi.guest import (
    CREAT,
    DIRECTORY,
    EXCL,
    OUT,
    READ,
    SUCCESS,
    TRUNC,
    WRITE,
    Calls,
    directory_record,
    file_record,
)

Start = Callable[..., Calls]
FILE, DIR = 4, 3  # file types


@pytest.fixture
def host(root: Path) -> Path:
    """A directory with a file to grant and one that is not."""
    (root / "granted").write_text("granted\n")
    (root / "secret").write_text("secret\n")
    return root


def content(calls: Calls, fd: int, path: str) -> bytes:
    opened = calls.opened(fd, path)
    error, data = calls.read(opened, 100)
    assert error == SUCCESS
    assert calls.close(opened) == SUCCESS
    return data


def preopen_name(calls: Calls, fd: int) -> str | None:
    if calls.guest.call("fd_prestat_get", fd, 0x9000) != SUCCESS:
        return None
    size = int.from_bytes(calls.guest.read(0x9004, 4), "little")
    assert calls.guest.call("fd_prestat_dir_name", fd, 0x9000, size) == SUCCESS
    return calls.guest.read(0x9000, size).decode()


def preopens(calls: Calls) -> list[str]:
    names: list[str] = []
    while (name := preopen_name(calls, 3 + len(names))) is not None:
        names.append(name)
    return names


def test_each_open_of_a_granted_file_is_one_of_its_own(start: Start, host: Path) -> None:
    calls = start([file_record(host / "granted", "/etc/config")])
    first, second = calls.opened(3, "config", rights=READ | WRITE), calls.opened(3, "./config")
    assert calls.read(first, 3) == (SUCCESS, b"gra")
    assert calls.read(second, 100) == (SUCCESS, b"granted\n")
    assert calls.write(first, b"DDLE") == (SUCCESS, 4)
    assert (host / "granted").read_text() == "graDDLE\n"
    assert calls.read(second, 10, 0) == (SUCCESS, b"graDDLE\n")
    assert calls.write(second, b"x")[0] != SUCCESS
    truncated = calls.opened(3, "config", oflags=TRUNC, rights=WRITE)
    assert calls.stat(truncated)[1].size == 0
    assert calls.path_stat(3, "config")[1].inode == (host / "granted").stat().st_ino


def test_the_directory_holds_nothing_else(start: Start, host: Path) -> None:
    calls = start([file_record(host / "granted", "/etc/config")])
    assert [(entry.name, entry.filetype) for entry in calls.readdir(3)] == [
        (b".", DIR),
        (b"..", DIR),
        (b"config", FILE),
    ]
    assert calls.readdir(3)[2].inode == (host / "granted").stat().st_ino
    for path in ("secret", "granted", "config2", "conf", "secret/..", "secret/../config", ".config", "..config"):
        assert calls.open(3, path)[0] == "noent", path
        assert calls.open(3, path, follow=True)[0] == "noent", path
        assert calls.path_stat(3, path)[0] == "noent", path
        assert calls.readlink(3, path)[0] == "noent", path


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("..", "perm"),
        ("../secret", "perm"),
        (".//../secret", "perm"),
        ("/etc/config", "perm"),
        ("/", "perm"),
        ("", "noent"),
        ("config/", "notdir"),
        ("config/.", "notdir"),
        ("config/../config", "notdir"),
        ("config/x", "notdir"),
    ],
)
def test_paths_that_lead_out_or_through_a_file(start: Start, host: Path, path: str, error: str) -> None:
    calls = start([file_record(host / "granted", "/etc/config")])
    assert calls.open(3, path)[0] == error
    assert calls.path_stat(3, path)[0] == error
    assert calls.readlink(3, path)[0] == error
    assert calls.set_times(3, path, 0, 0, 0) == error


@pytest.mark.parametrize("walk", [False, True])
def test_every_path_means_what_it_does_in_a_directory_of_that_file(start: Start, root: Path, walk: bool) -> None:
    (root / "config").write_text("the same\n")
    calls = start([directory_record(root, "/dir"), file_record(root / "config", "/etc/config")], walk=walk)
    choice = random.Random(10)
    parts = ["config", "other", ".", "..", "", "..config", "config.", "x" * 255, "x" * 256]
    seen = set()
    for _ in range(120):
        path = "/".join(choice.choices(parts, [6, 2, 4, 1, 3, 1, 1, 1, 1], k=choice.randint(1, 4)))
        for oflags in (0, DIRECTORY, TRUNC, EXCL):
            for follow in (False, True):
                options: dict[str, Any] = {
                    "oflags": oflags,
                    "rights": READ if oflags != TRUNC else WRITE,
                    "follow": follow,
                }
                (real, fd), (ours, other) = calls.open(3, path, **options), calls.open(4, path, **options)
                assert ours == real, (path, options)
                seen.add(real)
                if real == SUCCESS:
                    assert calls.stat(fd)[1].filetype == calls.stat(other)[1].filetype
                    assert calls.close(fd) == calls.close(other) == SUCCESS
        for follow in (False, True):
            real, stat = calls.path_stat(3, path, follow=follow)
            ours, other_stat = calls.path_stat(4, path, follow=follow)
            assert (ours, other_stat.filetype) == (real, stat.filetype), path
        assert calls.readlink(4, path)[0] == calls.readlink(3, path)[0], path
    assert seen == {SUCCESS, "noent", "notdir", "isdir", "perm", "nametoolong"}


def test_nothing_in_the_directory_is_made_or_removed(start: Start, host: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "own").write_text("own")
    calls = start([directory_record(other, "/other"), file_record(host / "granted", "/etc/config")])
    assert preopens(calls) == ["/other", "/etc"]
    for name in ("config", "new"):
        assert calls.mkdir(4, name) == "perm"
        assert calls.rmdir(4, name) == "perm"
        assert calls.unlink(4, name) == "perm"
        assert calls.symlink("config", 4, name) == "perm"
        assert calls.link(3, "own", 4, name) == "perm"
        assert calls.link(4, name, 3, "leaked") == "perm"
        assert calls.rename(3, "own", 4, name) == "perm"
        assert calls.rename(4, name, 3, "leaked") == "perm"
        assert calls.rename(4, name, 4, "newer") == "perm"
    assert calls.open(4, "new", oflags=CREAT, rights=WRITE)[0] == "perm"
    assert calls.open(4, "config", oflags=CREAT | EXCL, rights=WRITE)[0] == "exist"
    assert calls.set_times(4, ".", 5, 5, 5) == "perm"
    assert calls.guest.call("fd_filestat_set_times", 4, 5, 5, 5) == "perm"
    assert sorted(os.listdir(host)) == ["granted", "secret"]
    assert os.listdir(other) == ["own"]


def test_a_file_granted_for_reading_only(start: Start, host: Path) -> None:
    before = (host / "granted").stat()
    calls = start([file_record(host / "granted", "/config", read_only=True)])
    assert content(calls, 3, "config") == b"granted\n"
    assert calls.open(3, "config", rights=READ | WRITE)[0] == "perm"
    assert calls.open(3, "config", oflags=TRUNC)[0] == "perm"
    assert calls.open(3, "config", oflags=CREAT)[0] == "perm"
    assert calls.set_times(3, "config", 5, 5, 5) == "perm"
    fd = calls.opened(3, "config")
    assert calls.guest.call("fd_filestat_set_times", fd, 5, 5, 5) == "perm"
    assert calls.guest.call("fd_filestat_set_size", fd, 0) == "perm"
    assert (host / "granted").stat().st_mtime_ns == before.st_mtime_ns


def test_times_of_a_granted_file(start: Start, host: Path) -> None:
    calls = start([file_record(host / "granted", "/config")])
    assert calls.set_times(3, "config", 1_000_000_007, 2_000_000_009, 1 | 4) == SUCCESS
    assert calls.path_stat(3, "config")[1].mtim == 2_000_000_009
    assert (host / "granted").stat().st_mtime_ns == 2_000_000_009
    assert calls.set_times(3, "config", 0, 0, 1 | 2) == "inval"


def test_files_of_one_directory_share_it(start: Start, host: Path, tmp_path: Path) -> None:
    (tmp_path / "third").write_text("third\n")
    records = [
        file_record(host / "granted", "/a/one"),
        file_record(tmp_path / "third", "/b/one"),
        file_record(host / "secret", "/a//./two", read_only=True),
        file_record(host / "granted", "plain"),
        file_record(host / "granted", "/top"),
        directory_record(tmp_path, "/last of the list, first of the numbers"),
    ]
    calls = start(records)
    assert preopens(calls) == ["/last of the list, first of the numbers", "/a", "/b", ".", "/"]
    assert [entry.name for entry in calls.readdir(4)][2:] == [b"one", b"two"]
    assert [entry.name for entry in calls.readdir(5)][2:] == [b"one"]
    assert content(calls, 4, "one") == content(calls, 6, "plain") == content(calls, 7, "top") == b"granted\n"
    assert content(calls, 4, "two") == b"secret\n"
    assert content(calls, 5, "one") == b"third\n"
    assert calls.open(5, "two")[0] == "noent"
    assert calls.open(4, "two", rights=WRITE)[0] == "perm"


def test_listing_goes_on_where_it_stopped(start: Start, host: Path) -> None:
    names = [f"file {i}" for i in range(20)]
    for name in names:
        (host / name).write_text(name)
    calls = start([file_record(host / name, f"/d/{name}") for name in names])
    entries = calls.readdir(3, 100)
    assert [entry.name.decode() for entry in entries] == [".", "..", *names]
    assert len({entry.next for entry in entries}) == len(entries)
    for number, entry in enumerate(entries):
        assert [e.name for e in calls.readdir(3, 4096, entry.next)] == [e.name for e in entries[number + 1 :]]
    (host / names[3]).unlink()
    assert [entry.name.decode() for entry in calls.readdir(3)][2:] == names[:3] + names[4:]
    assert calls.readdir(3, 4096, 1 << 63) == []


def test_the_directory_is_like_one(start: Start, host: Path) -> None:
    calls = start([directory_record(host, "/dir"), file_record(host / "granted", "/etc/config")])
    assert calls.fdstat(4) == calls.fdstat(3)
    assert calls.stat(4)[1].filetype == calls.path_stat(4, ".")[1].filetype == DIR
    again = calls.opened(4, ".", oflags=DIRECTORY)
    assert calls.stat(again)[1] == calls.stat(4)[1]
    assert calls.fdstat(again)[1][0] == DIR
    assert calls.readdir(again) == calls.readdir(4)
    assert content(calls, again, "config") == b"granted\n"
    assert preopen_name(calls, again) is None
    assert calls.open(4, ".", rights=WRITE)[0] == "isdir"
    assert calls.open(4, "./", oflags=CREAT)[0] == "isdir"
    assert calls.open(4, "config", oflags=DIRECTORY)[0] == "notdir"
    assert calls.readlink(4, "config")[0] == "inval"
    for function in ("fd_sync", "fd_datasync"):
        assert calls.guest.call(function, 4) == calls.guest.call(function, 3) == "badf"
    assert calls.read(4, 1)[0] == calls.read(3, 1)[0]
    assert calls.write(4, b"x")[0] == calls.write(3, b"x")[0]
    for name, arguments in (
        ("accept", (0, OUT)),
        ("recv", (0, 0, 0, OUT, OUT)),
        ("send", (0, 0, 0, OUT)),
        ("shutdown", (1,)),
    ):
        of_directory = calls.guest.call(f"sock_{name}", 3, *arguments)
        assert calls.guest.call(f"sock_{name}", 4, *arguments) == of_directory == "notsock"
    assert calls.guest.call("fd_renumber", 4, again) == SUCCESS
    assert content(calls, again, "config") == b"granted\n"
    assert calls.close(again) == SUCCESS
    assert calls.stat(again)[0] == "badf"
    assert calls.close(3) == SUCCESS


def test_rights_that_were_given_up_stay_so(start: Start, host: Path) -> None:
    calls = start([file_record(host / "granted", "/config")])
    _, (_, _, base, inheriting) = calls.fdstat(3)
    assert calls.guest.call("fd_fdstat_set_rights", 3, base, inheriting & ~WRITE) == SUCCESS
    assert calls.open(3, "config", rights=READ | WRITE)[0] == "notcapable"
    assert content(calls, 3, "config") == b"granted\n"
    assert calls.guest.call("fd_fdstat_set_rights", 3, base & ~(1 << 13), inheriting & ~WRITE) == SUCCESS
    assert calls.open(3, "config")[0] == "notcapable"


# ---------------------------------------------------------------- what HOST names


@pytest.mark.parametrize("absolute", [False, True])
def test_links_are_followed_when_the_program_starts(start: Start, host: Path, tmp_path: Path, absolute: bool) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "second").symlink_to(host / "granted" if absolute else "../root/granted")
    (links / "first").symlink_to("second")
    (tmp_path / "directory").symlink_to("links")
    calls = start([file_record(tmp_path / "directory" / "first", "/config")])
    assert content(calls, 3, "config") == b"granted\n"
    (links / "first").unlink()
    (links / "first").symlink_to(host / "secret")
    (links / "second").unlink()
    (links / "second").symlink_to(host / "secret")
    assert content(calls, 3, "config") == b"granted\n"


@pytest.mark.parametrize("walk", [False, True])
def test_what_is_put_in_the_place_of_the_file(start: Start, host: Path, walk: bool) -> None:
    granted = host / "granted"
    calls = start([file_record(granted, "/config")], walk=walk)
    (host / "new").write_text("new\n")
    (host / "new").rename(granted)
    assert content(calls, 3, "config") == b"new\n"
    granted.unlink()
    assert calls.open(3, "config")[0] == "noent"
    assert calls.path_stat(3, "config")[0] == "noent"
    assert [entry.name for entry in calls.readdir(3)] == [b".", b".."]
    made = calls.opened(3, "config", oflags=CREAT, rights=WRITE)
    assert calls.write(made, b"made") == (SUCCESS, 4)
    assert granted.read_text() == "made"
    granted.unlink()
    for target in ("secret", str(host / "secret")):
        granted.symlink_to(target)
        for follow in (False, True):
            assert calls.open(3, "config", follow=follow)[0] == "loop"
            assert calls.open(3, "config", rights=WRITE, oflags=TRUNC | CREAT, follow=follow)[0] == "loop"
            assert calls.path_stat(3, "config", follow=follow)[1].filetype == 7
            assert calls.set_times(3, "config", 5, 5, 5, follow=follow) == SUCCESS  # of the link
        granted.unlink()
    assert (host / "secret").read_text() == "secret\n"
    assert (host / "secret").stat().st_mtime_ns > 5
    granted.mkdir()
    (granted / "inside").write_text("")
    assert calls.open(3, "config")[0] == "isdir"
    assert calls.open(3, "config", oflags=DIRECTORY)[0] == "notdir"
    assert calls.open(3, "config/inside")[0] == "notdir"


@pytest.mark.parametrize("walk", [False, True])
def test_a_link_swapped_in_during_the_call_leads_nowhere(
    start: Start, architecture: str, host: Path, walk: bool
) -> None:
    calls = start([file_record(host / "granted", "/config")], walk=walk)
    assert content(calls, 3, "config") == b"granted\n"  # it has started
    (host / "link").symlink_to("secret")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(host / "link", host / "aside")
            os.rename(host / "granted", host / "link")
            os.rename(host / "aside", host / "granted")
            os.rename(host / "granted", host / "aside")
            os.rename(host / "link", host / "granted")
            os.rename(host / "aside", host / "link")

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes: dict[str, int] = {}
    try:
        for _ in range(5000 if architecture == "x86_64" else 500):
            error, fd = calls.open(3, "config", follow=True)
            outcomes[error] = outcomes.get(error, 0) + 1
            if error == SUCCESS:
                assert calls.read(fd, 100) == (SUCCESS, b"granted\n")
                calls.close(fd)
    finally:
        stop.set()
        thread.join()
    assert set(outcomes) <= {SUCCESS, "loop", "noent"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("absent", "no such file"),
        ("root", "it is a directory"),
        ("root/", "it is a directory"),
        (".", "it is a directory"),
        ("dangling", "no such file"),
        ("loop", "too many symbolic links"),
        ("to the directory", "it is a directory"),
        ("root/granted/x", "not a directory"),
        ("x" * 300, "name too long"),
    ],
)
def test_a_file_that_cannot_be_granted_ends_the_program(
    start: Start, host: Path, tmp_path: Path, path: str, reason: str
) -> None:
    (tmp_path / "dangling").symlink_to("absent")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to the directory").symlink_to("root")
    process = start([file_record(f"{tmp_path}/{path}", "/x")], stderr=subprocess.PIPE).guest.process  # type: ignore[attr-defined]
    assert process.wait() == 1
    assert process.stderr.read().decode() == f"waot: cannot open granted file '{tmp_path}/{path}': {reason}\n"


@pytest.mark.parametrize(
    ("guests", "directory", "shown"),
    [
        (["/etc/x", "/etc//x"], "/d", "/etc//x"),
        (["/etc/x"], "/etc/", "{host}"),
        (["x"], ".", "{host}"),
    ],
)
def test_two_grants_of_one_name_end_the_program(
    start: Start, host: Path, guests: list[str], directory: str, shown: str
) -> None:
    records = [directory_record(host, directory), *(file_record(host / "granted", guest) for guest in guests)]
    process = start(records, stderr=subprocess.PIPE).guest.process  # type: ignore[attr-defined]
    assert process.wait() == 1
    name = shown.format(host=host / "granted")
    reason = "something is granted under that name already"
    assert process.stderr.read().decode() == f"waot: cannot grant file '{name}': {reason}\n"


@pytest.mark.parametrize("guest", ["/etc/", "/", ".", "..", "/etc/.."])
def test_a_guest_path_without_a_name_ends_the_program(start: Start, host: Path, guest: str) -> None:
    process = start([file_record(host / "granted", guest)], stderr=subprocess.PIPE).guest.process  # type: ignore[attr-defined]
    assert process.wait() == 1
    assert process.stderr.read().decode() == f"waot: cannot grant file '{guest}': not a name\n"
