"""Others change the tree while a path is resolved: no call ever reaches anything outside of the granted directory.

A process of its own swaps what a name stands for as fast as it can, and the guest makes each call a hundred thousand
times. That both are seen, the inside and refusals, shows that the calls did run into the swaps.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.wasi.guest import (
    CREAT,
    DIRECTORY,
    OUT,
    PATH,
    PATH2,
    READ,
    SUCCESS,
    TRUNC,
    WRITE,
    Calls,
    NativeGuest,
    architectures,
    directory_record,
)

TRIES = 100_000
LINK = {"perm", "loop", "notdir"}  # what a link that leads out is answered with
REFUSALS = {"perm", "noent", "notdir", "loop", "exist", "notempty", "isdir"}

SWAP = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
here, there = (os.fsencode(path) for path in sys.argv[1:])
exchange = libc.renameat2  # both names at once
print("begun", flush=True)
while os.getppid() == int(os.environ["PARENT"]):
    for _ in range(1000):
        exchange(-100, here, -100, there, 2)
"""
MOVE = """
import os, sys
inside, outside = sys.argv[1:]
print("begun", flush=True)
while os.getppid() == int(os.environ["PARENT"]):
    for _ in range(1000):
        os.rename(inside, outside)
        os.rename(outside, inside)
"""


@contextmanager
def busy(script: str, *paths: Path) -> Iterator[None]:
    """Runs the script beside the body."""
    command = [sys.executable, "-c", script, *map(str, paths)]
    environment = os.environ | {"PARENT": str(os.getpid())}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        try:
            yield
        finally:
            process.kill()


@pytest.fixture(params=["openat2", "walk"])
def calls(request: pytest.FixtureRequest, root: Path) -> Iterator[Calls]:
    """A guest of this machine's own architecture: an emulated one is slow, and its system calls are the same."""
    guest = NativeGuest(architectures()[0], records=[directory_record(root, "/")], walk=request.param == "walk")
    yield Calls(guest)
    guest.close()


@pytest.fixture
def outside(root: Path) -> Path:
    """What must not be reached, beside a directory and a link to it that change places."""
    path = root.parent / "outside"
    path.mkdir()
    (path / "file").write_text("secret")
    (path / "gone").mkdir()
    os.utime(path / "file", ns=(10**9, 10**9))
    (root / "dir").mkdir()
    (root / "dir/file").write_text("inside")
    (root / "link").symlink_to("../outside")
    (root / "source").write_text("source")
    return path


def contents(directory: Path) -> list[tuple[str, int, int]]:
    return sorted((path.name, path.stat().st_mtime_ns, path.stat().st_nlink) for path in directory.iterdir())


def guest_of(calls: Calls) -> NativeGuest:
    assert isinstance(calls.guest, NativeGuest)
    return calls.guest


def race(calls: Calls, met: set[str], inode: int, name: str, *arguments: int) -> dict[str, int]:
    """How often the call gave each errno, in at least TRIES, and in as many more as it takes to see one of `met` and
    something else, where the two processes seldom run at once. Never is the file with that inode reached."""
    guest = guest_of(calls)
    total: dict[str, int] = {}
    for _ in range(50):
        counts, reached = guest.repeat(TRIES, inode, name, *arguments)
        assert reached == 0
        assert sum(counts.values()) == TRIES
        total = {error: total.get(error, 0) + counts.get(error, 0) for error in total | counts}
        if total.keys() & met and total.keys() - met:
            return total
    raise AssertionError(f"only one side of the race was seen: {total}")


# Each with the path to be written at PATH. FOLLOW is on: the last name may be swapped as well.
Call = tuple[str, str, Callable[[int], tuple[int, ...]]]
CALLS: list[Call] = [
    ("path_open", "dir/file", lambda n: (3, 1, PATH, n, 0, READ, 0, 0, OUT)),
    ("path_open", "dir", lambda n: (3, 1, PATH, n, DIRECTORY, READ, 0, 0, OUT)),
    ("path_open", "dir/../dir/file", lambda n: (3, 1, PATH, n, 0, READ, 0, 0, OUT)),
    ("path_open", "dir/file", lambda n: (3, 1, PATH, n, TRUNC, WRITE, 0, 0, OUT)),
    ("path_open", "dir/new", lambda n: (3, 1, PATH, n, CREAT, WRITE, 0, 0, OUT)),
    ("path_filestat_get", "dir/file", lambda n: (3, 1, PATH, n, OUT)),
    ("path_filestat_get", "dir", lambda n: (3, 1, PATH, n, OUT)),
    ("path_filestat_set_times", "dir/file", lambda n: (3, 1, PATH, n, 5, 5, 5)),
    ("path_create_directory", "dir/new", lambda n: (3, PATH, n)),
    ("path_remove_directory", "dir/gone", lambda n: (3, PATH, n)),
    ("path_unlink_file", "dir/file", lambda n: (3, PATH, n)),
    ("path_symlink", "dir/new", lambda n: (PATH2, 6, 3, PATH, n)),
    ("path_link", "dir/new", lambda n: (3, 0, PATH2, 6, 3, PATH, n)),
    ("path_link", "dir/file", lambda n: (3, 0, PATH, n, 3, PATH2, 5)),
    ("path_rename", "dir/file", lambda n: (3, PATH, n, 3, PATH2, 5)),
    ("path_rename", "dir/new", lambda n: (3, PATH2, 6, 3, PATH, n)),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}-{call[1].replace('/', ' ')}")
def test_a_directory_that_becomes_a_link_leads_nowhere(calls: Calls, root: Path, outside: Path, call: Call) -> None:
    name, path, arguments = call
    guest = guest_of(calls)
    before = contents(outside)
    forbidden = (outside if path == "dir" else outside / "file").stat().st_ino
    guest.write(PATH, path.encode())
    guest.write(PATH2, b"source")
    with busy(SWAP, root / "dir", root / "link"):
        counts = race(calls, LINK, forbidden, name, *arguments(len(path)))
    assert counts.keys() <= REFUSALS | {SUCCESS}
    assert contents(outside) == before
    assert (outside / "file").read_text() == "secret"


@pytest.mark.parametrize("path", ["a/b/../../file", "a/b/c/../../../file", "a/b/../b/../../file"])
def test_a_directory_that_is_moved_out_while_it_is_climbed_out_of(calls: Calls, root: Path, path: str) -> None:
    (root / "a/b/c").mkdir(parents=True)
    (root / "file").write_text("inside")
    (root.parent / "file").write_text("secret")
    guest = guest_of(calls)
    guest.write(PATH, path.encode())
    with busy(MOVE, root / "a/b", root.parent / "b"):
        forbidden = (root.parent / "file").stat().st_ino
        counts = race(calls, {SUCCESS}, forbidden, "path_open", 3, 0, PATH, len(path), 0, READ, 0, 0, OUT)
    assert counts.keys() <= {SUCCESS, "noent", "perm"}


def test_a_file_that_becomes_a_link_is_not_followed(calls: Calls, root: Path, outside: Path) -> None:
    (root / "name").write_text("inside")
    (root / "other").symlink_to("../outside/file")
    guest = guest_of(calls)
    guest.write(PATH, b"name")
    forbidden = (outside / "file").stat().st_ino
    with busy(SWAP, root / "name", root / "other"):
        for follow in (0, 1):
            for oflags, rights in ((0, READ), (TRUNC, WRITE), (CREAT, WRITE)):
                counts = race(calls, LINK, forbidden, "path_open", 3, follow, PATH, 4, oflags, rights, 0, 0, OUT)
                assert counts.keys() <= {SUCCESS, "perm", "loop"}
        assert race(calls, LINK, forbidden, "path_filestat_get", 3, 1, PATH, 4, OUT).keys() == {SUCCESS, "perm"}
        assert race(calls, LINK, 0, "path_filestat_set_times", 3, 1, PATH, 4, 7, 7, 5).keys() == {SUCCESS, "perm"}
    assert (outside / "file").read_text() == "secret"
    assert (outside / "file").stat().st_mtime_ns == 10**9


def test_the_granted_directory_itself_becomes_a_link(calls: Calls, root: Path, outside: Path) -> None:
    """It is held open: what its name stands for now does not matter."""
    (root / "file").write_text("inside")
    link = root.parent / "link to outside"
    link.symlink_to(outside)
    guest = guest_of(calls)
    guest.write(PATH, b"file")
    with busy(SWAP, root, link):
        counts, reached = guest.repeat(
            TRIES, (outside / "file").stat().st_ino, "path_open", 3, 1, PATH, 4, 0, READ, 0, 0, OUT
        )
    assert (counts, reached) == ({SUCCESS: TRIES}, 0)
