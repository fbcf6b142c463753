"""A right that was given up is missed by every function that needs it, and by no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import CREAT, DIRECTORY, READ, SUCCESS, TRUNC, WRITE, Calls, fd_subscription

RIGHTS = """
fd_datasync fd_read fd_seek fd_fdstat_set_flags fd_sync fd_tell fd_write fd_advise fd_allocate
path_create_directory path_create_file path_link_source path_link_target path_open fd_readdir path_readlink
path_rename_source path_rename_target path_filestat_get path_filestat_set_size path_filestat_set_times fd_filestat_get
fd_filestat_set_size fd_filestat_set_times path_symlink path_remove_directory path_unlink_file poll_fd_readwrite
sock_shutdown sock_accept
"""
BIT = {name: 1 << bit for bit, name in enumerate(RIGHTS.split())}  # in the order of typenames.witx

Use = Callable[[Calls, int], str]


def call(name: str, *arguments: int) -> Use:
    return lambda calls, fd: calls.guest.call(name, fd, *arguments)


# What needs a right of a file, by the rights that it needs; each works with them.
ON_FILES: list[tuple[str, set[str], Use]] = [
    ("datasync", {"fd_datasync"}, call("fd_datasync")),
    ("sync", {"fd_sync"}, call("fd_sync")),
    ("read", {"fd_read"}, lambda calls, fd: calls.read(fd, 1)[0]),
    ("read at", {"fd_read", "fd_seek"}, lambda calls, fd: calls.read(fd, 1, offset=0)[0]),
    ("write", {"fd_write"}, lambda calls, fd: calls.write(fd, b"x")[0]),
    ("write at", {"fd_write", "fd_seek"}, lambda calls, fd: calls.write(fd, b"x", offset=0)[0]),
    ("seek", {"fd_seek"}, lambda calls, fd: calls.seek(fd, 1, 0)[0]),
    ("ask by seeking", {"fd_tell"}, lambda calls, fd: calls.seek(fd, 0, 1)[0]),
    ("tell", {"fd_tell"}, lambda calls, fd: calls.tell(fd)[0]),
    ("flags", {"fd_fdstat_set_flags"}, call("fd_fdstat_set_flags", 0)),
    ("advise", {"fd_advise"}, call("fd_advise", 0, 1, 0)),
    ("allocate", {"fd_allocate"}, call("fd_allocate", 0, 1)),
    ("stat", {"fd_filestat_get"}, lambda calls, fd: calls.stat(fd)[0]),
    ("size", {"fd_filestat_set_size"}, call("fd_filestat_set_size", 3)),
    ("times", {"fd_filestat_set_times"}, call("fd_filestat_set_times", 1, 1, 5)),
    ("status", set(), lambda calls, fd: calls.fdstat(fd)[0]),
]


def polled(calls: Calls, fd: int) -> str:
    ((_, error, *_),) = calls.poll(fd_subscription(1, 1, fd))[1]
    return {0: SUCCESS, 76: "notcapable"}[error]


def opening(rights: int = READ, oflags: int = 0, name: str = "file") -> Use:
    return lambda calls, fd: calls.open(fd, name, rights=rights, oflags=oflags)[0]


ON_DIRECTORIES: list[tuple[str, set[str], Use]] = [
    ("open", {"path_open"}, opening()),
    ("create", {"path_open", "path_create_file"}, opening(WRITE, CREAT, "created")),
    ("truncate", {"path_open", "path_filestat_set_size"}, opening(WRITE, TRUNC)),
    ("list", {"fd_readdir"}, lambda calls, fd: calls.readdir_once(fd, 100, 0)[0]),
    ("mkdir", {"path_create_directory"}, lambda calls, fd: calls.mkdir(fd, "made")),
    ("rmdir", {"path_remove_directory"}, lambda calls, fd: calls.rmdir(fd, "empty")),
    ("unlink", {"path_unlink_file"}, lambda calls, fd: calls.unlink(fd, "other")),
    ("symlink", {"path_symlink"}, lambda calls, fd: calls.symlink("file", fd, "new link")),
    ("readlink", {"path_readlink"}, lambda calls, fd: calls.readlink(fd, "link")[0]),
    ("link from", {"path_link_source"}, lambda calls, fd: calls.link(fd, "file", 3, "linked")),
    ("link to", {"path_link_target"}, lambda calls, fd: calls.link(3, "outer", fd, "linked")),
    ("rename from", {"path_rename_source"}, lambda calls, fd: calls.rename(fd, "file", 3, "renamed")),
    ("rename to", {"path_rename_target"}, lambda calls, fd: calls.rename(3, "outer", fd, "renamed")),
    ("stat path", {"path_filestat_get"}, lambda calls, fd: calls.path_stat(fd, "file")[0]),
    ("times of path", {"path_filestat_set_times"}, lambda calls, fd: calls.set_times(fd, "file", 1, 1, 5)),
    ("stat", {"fd_filestat_get"}, lambda calls, fd: calls.stat(fd)[0]),
    ("times", {"fd_filestat_set_times"}, call("fd_filestat_set_times", 1, 1, 5)),
]


def without(calls: Calls, fd: int, rights: set[str]) -> None:
    """Gives up the rights of that descriptor."""
    _, (_, _, base, inheriting) = calls.fdstat(fd)
    bits = sum(BIT[name] for name in rights)
    assert base & bits == bits
    assert calls.guest.call("fd_fdstat_set_rights", fd, base & ~bits, inheriting) == SUCCESS


def fill(root: Path) -> None:
    (root / "outer").write_text("o")
    (root / "dir").mkdir()
    (root / "dir/empty").mkdir()
    (root / "dir/file").write_text("abc")
    (root / "dir/other").write_text("abc")
    (root / "dir/link").symlink_to("file")


@pytest.mark.parametrize("what", [*ON_FILES, ("poll", {"poll_fd_readwrite"}, polled)], ids=lambda what: what[0])
def test_rights_of_a_file(at_root: Calls, root: Path, what: tuple[str, set[str], Use]) -> None:
    _, needed, use = what
    (root / "file").write_text("abc")
    every = at_root.fdstat(at_root.opened(3, "file", rights=READ | WRITE))[1][2]
    others = {name for name, bit in BIT.items() if every & bit} - needed
    fd = at_root.opened(3, "file", rights=READ | WRITE)
    without(at_root, fd, others)
    assert use(at_root, fd) == SUCCESS
    for right in needed:
        fd = at_root.opened(3, "file", rights=READ | WRITE)
        without(at_root, fd, {right})
        assert use(at_root, fd) == "notcapable"


@pytest.mark.parametrize("what", ON_DIRECTORIES, ids=lambda what: what[0])
def test_rights_of_a_directory(at_root: Calls, root: Path, what: tuple[str, set[str], Use]) -> None:
    _, needed, use = what
    fill(root)
    for right in needed - {"path_filestat_set_size"}:  # which wasmtime reports of no directory, so that it is not kept
        fd = at_root.opened(3, "dir", oflags=DIRECTORY)
        without(at_root, fd, {right})
        assert use(at_root, fd) == "notcapable"
    fd = at_root.opened(3, "dir", oflags=DIRECTORY)
    every = at_root.fdstat(fd)[1][2]
    without(at_root, fd, {name for name, bit in BIT.items() if every & bit} - needed)
    assert use(at_root, fd) == SUCCESS


def test_rights_given_up_for_what_is_opened(at_root: Calls, root: Path) -> None:
    fill(root)
    call = at_root.guest.call
    fd = at_root.opened(3, "dir", oflags=DIRECTORY)
    _, (_, _, base, inheriting) = at_root.fdstat(fd)
    assert call("fd_fdstat_set_rights", fd, base, inheriting & ~(BIT["fd_tell"] | BIT["fd_readdir"])) == SUCCESS
    assert at_root.readdir_once(fd, 100, 0)[0] == SUCCESS  # its own right stays
    file, below = at_root.opened(fd, "file"), at_root.opened(fd, "empty", oflags=DIRECTORY)
    assert at_root.tell(file)[0] == "notcapable"
    assert at_root.read(file, 3) == (SUCCESS, b"abc")
    assert at_root.readdir_once(below, 100, 0)[0] == "notcapable"
    again = at_root.opened(below, ".", oflags=DIRECTORY)
    assert at_root.readdir_once(again, 100, 0)[0] == "notcapable"
    assert call("fd_renumber", below, again) == SUCCESS  # another number has no more
    assert at_root.readdir_once(again, 100, 0)[0] == "notcapable"
