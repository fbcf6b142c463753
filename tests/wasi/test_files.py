"""Files, directories and descriptors behave as preview 1 says, on each architecture and way of resolving paths."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import pty
import resource
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import (
    APPEND,
    CREAT,
    DIRECTORY,
    DSYNC,
    EXCL,
    NONBLOCK,
    READ,
    RSYNC,
    SUCCESS,
    SYNC,
    TRUNC,
    WRITE,
    Calls,
    NativeGuest,
    directory_record,
)

BOTH = READ | WRITE
SEEK, TELL = 1 << 2, 1 << 5
Start = Callable[..., Calls]


def test_what_is_written_is_read(at_root: Calls, root: Path) -> None:
    calls = at_root
    fd = calls.opened(3, "file", oflags=CREAT, rights=BOTH)
    assert calls.write(fd, b"hello world") == (SUCCESS, 11)
    assert calls.tell(fd) == (SUCCESS, 11)
    assert calls.seek(fd, 0, 0) == (SUCCESS, 0)
    assert calls.read(fd, 5) == (SUCCESS, b"hello")
    assert calls.seek(fd, 1, 1) == (SUCCESS, 6)
    assert calls.read(fd, 100) == (SUCCESS, b"world")
    assert calls.read(fd, 100) == (SUCCESS, b"")
    assert calls.seek(fd, -5, 2) == (SUCCESS, 6)
    assert calls.seek(fd, -7, 1)[0] == "inval"
    assert calls.seek(fd, -1, 0)[0] == "inval"
    assert calls.seek(fd, 0, 3)[0] == "inval"
    assert calls.write(fd, b"W", offset=0) == (SUCCESS, 1)
    assert calls.read(fd, 3, offset=0) == (SUCCESS, b"Wel")
    assert calls.tell(fd) == (SUCCESS, 6)
    assert calls.read(fd, 1, offset=1 << 63)[0] == "inval"
    assert calls.write(fd, b"x", offset=1 << 63)[0] == "inval"
    assert calls.close(fd) == SUCCESS
    assert calls.close(fd) == "badf"
    assert (root / "file").read_text() == "Wello world"


def test_scattered_data_keeps_its_order(at_root: Calls, root: Path) -> None:
    calls, guest = at_root, at_root.guest
    fd = calls.opened(3, "file", oflags=CREAT, rights=BOTH)
    data = bytes(i % 251 for i in range(3000))
    guest.write(0x10000, data)
    many = b"".join((0x10000 + i).to_bytes(4, "little") + (1).to_bytes(4, "little") for i in range(3000))
    guest.write(0x20000, many)
    written = 0
    while written < 3000:  # more pieces than the system takes at once: a short write, as for a file of any kind
        assert guest.call("fd_write", fd, 0x20000 + 8 * written, 3000 - written, 0x800) == SUCCESS
        written += int.from_bytes(guest.read(0x800, 4), "little")
    assert (root / "file").read_bytes() == data
    guest.write(0x10000, bytes(3000))
    assert calls.seek(fd, 0, 0)[0] == SUCCESS
    assert guest.call("fd_read", fd, 0x20000, 7, 0x800) == SUCCESS
    assert guest.read(0x10000, 8) == data[:7] + b"\0"


def test_appending_ignores_the_position(at_root: Calls, root: Path) -> None:
    (root / "file").write_text("abc")
    calls = at_root
    fd = calls.opened(3, "file", rights=BOTH, fdflags=APPEND)
    assert calls.fdstat(fd)[1][1] == APPEND
    calls.seek(fd, 0, 0)
    assert calls.write(fd, b"d") == (SUCCESS, 1)
    assert calls.guest.call("fd_fdstat_set_flags", fd, 0) == SUCCESS
    calls.seek(fd, 0, 0)
    assert calls.write(fd, b"A") == (SUCCESS, 1)
    assert calls.guest.call("fd_fdstat_set_flags", fd, APPEND | NONBLOCK) == SUCCESS
    assert calls.fdstat(fd)[1][1] == APPEND | NONBLOCK
    assert calls.write(fd, b"e") == (SUCCESS, 1)
    assert (root / "file").read_text() == "Abcde"
    assert calls.guest.call("fd_fdstat_set_flags", fd, SYNC) == "inval"
    assert calls.guest.call("fd_fdstat_set_flags", fd, 32) == "inval"


@pytest.mark.parametrize(
    ("asked", "told"), [(DSYNC, DSYNC), (SYNC, SYNC), (RSYNC, SYNC), (SYNC | APPEND, SYNC | APPEND)]
)
def test_synchronous_writing_is_told(at_root: Calls, asked: int, told: int) -> None:
    calls = at_root
    fd = calls.opened(3, "file", oflags=CREAT, rights=BOTH, fdflags=asked)
    assert calls.fdstat(fd)[1][1] == told
    assert calls.guest.call("fd_fdstat_set_flags", fd, told | NONBLOCK) == SUCCESS  # as fcntl hands back what it got
    assert calls.write(fd, b"x") == (SUCCESS, 1)


def test_open_flags(at_root: Calls, root: Path) -> None:
    calls = at_root
    (root / "file").write_text("abc")
    (root / "dir").mkdir()
    assert calls.open(3, "file", oflags=CREAT | EXCL, rights=WRITE)[0] == "exist"
    assert calls.open(3, "file", oflags=DIRECTORY)[0] == "notdir"
    assert calls.open(3, "dir", rights=BOTH)[0] == "isdir"
    assert calls.open(3, "dir", oflags=DIRECTORY | CREAT)[0] == "inval"
    assert calls.open(3, "dir", oflags=DIRECTORY | TRUNC)[0] == "inval"
    assert calls.open(3, "file", oflags=16)[0] == "inval"
    assert calls.open(3, "file", fdflags=32)[0] == "inval"
    assert calls.guest.call("path_open", 3, 2, 0x1000, 4, 0, 2, 0, 0, 0x9000) == "inval"
    fd = calls.opened(3, "file", oflags=TRUNC, rights=WRITE)
    assert (root / "file").read_text() == ""
    assert calls.read(fd, 1)[0] == "badf"
    fd = calls.opened(3, "file", rights=READ)
    assert calls.write(fd, b"x")[0] == "badf"
    assert calls.open(fd, "x")[0] == "notdir"
    assert calls.open(0, "x")[0] == "badf"
    assert calls.open(99, "x")[0] == "badf"


def test_new_files_obey_the_umask(at_root: Calls, root: Path) -> None:
    at_root.opened(3, "file", oflags=CREAT, rights=WRITE)
    assert at_root.mkdir(3, "dir") == SUCCESS
    old = os.umask(0)
    os.umask(old)
    assert (root / "file").stat().st_mode & 0o777 == 0o666 & ~old
    assert (root / "dir").stat().st_mode & 0o777 == 0o777 & ~old


def test_a_directory_is_no_file(at_root: Calls) -> None:
    """The codes of wasmtime's tests: BADF for all of them."""
    calls, call = at_root, at_root.guest.call
    for fd in (3, calls.opened(3, ".", oflags=DIRECTORY)):
        assert calls.read(fd, 1)[0] == "badf"
        assert calls.read(fd, 1, offset=0)[0] == "badf"
        assert calls.write(fd, b"x")[0] == "badf"
        assert calls.write(fd, b"x", offset=0)[0] == "badf"
        assert calls.seek(fd, 0, 1)[0] == "badf"
        assert calls.tell(fd)[0] == "badf"
        assert call("fd_advise", fd, 0, 0, 4) == "badf"
        assert call("fd_allocate", fd, 0, 0) == "badf"
        assert call("fd_datasync", fd) == "badf"
        assert call("fd_sync", fd) == "badf"
        assert call("fd_fdstat_set_flags", fd, NONBLOCK) == "badf"
        assert call("fd_filestat_set_size", fd, 0) == "badf"


def test_a_file_is_no_directory(at_root: Calls, root: Path) -> None:
    calls = at_root
    (root / "file").write_text("abc")
    for fd in (calls.opened(3, "file"), 0, 99):
        assert calls.mkdir(fd, "x") == "badf"
        assert calls.rmdir(fd, "x") == "badf"
        assert calls.unlink(fd, "x") == "badf"
        assert calls.symlink("x", fd, "x") == "badf"
        assert calls.link(fd, "x", 3, "y") == "badf"
        assert calls.link(3, "file", fd, "y") == "badf"
        assert calls.rename(fd, "x", 3, "y") == "badf"
        assert calls.rename(3, "file", fd, "y") == "badf"
        assert calls.readlink(fd, "x")[0] == "badf"
        assert calls.path_stat(fd, "x")[0] == "badf"
        assert calls.set_times(fd, "x", 0, 0, 0) == "badf"
        assert calls.readdir_once(fd, 100, 0)[0] == "badf"


def test_size_and_room(at_root: Calls, root: Path) -> None:
    calls, call = at_root, at_root.guest.call
    fd = calls.opened(3, "file", oflags=CREAT, rights=BOTH)
    assert call("fd_filestat_set_size", fd, 100) == SUCCESS
    assert (root / "file").read_bytes() == bytes(100)
    assert call("fd_filestat_set_size", fd, 10) == SUCCESS
    assert (root / "file").stat().st_size == 10
    assert call("fd_filestat_set_size", fd, (1 << 64) - 1) == "inval"
    assert call("fd_allocate", fd, 5, 20) == SUCCESS
    assert (root / "file").stat().st_size == 25
    assert call("fd_allocate", fd, 0, 0) == "inval"
    assert call("fd_allocate", fd, 1, (1 << 63) - 1) == "fbig"
    for advice in range(6):
        assert call("fd_advise", fd, 0, 10, advice) == SUCCESS
    assert call("fd_advise", fd, 0, 10, 6) == "inval"
    assert call("fd_advise", fd, 1 << 63, 10, 0) == SUCCESS  # as wasmtime: it is advice
    assert call("fd_advise", fd, 0, 1 << 63, 0) == "inval"
    assert call("fd_sync", fd) == SUCCESS
    assert call("fd_datasync", fd) == SUCCESS


def test_stat_tells_what_the_system_tells(at_root: Calls, root: Path) -> None:
    calls = at_root
    (root / "file").write_text("abc")
    (root / "dir").mkdir()
    (root / "link").symlink_to("file")
    os.link(root / "file", root / "hard")
    os.mkfifo(root / "fifo")
    os.utime(root / "file", ns=(1_234_567_890_123_456_789, 987_654_321))
    for name, follow in (
        ("file", False),
        ("dir", False),
        ("link", False),
        ("link", True),
        ("fifo", False),
        (".", True),
    ):
        expected = os.stat(root / name, follow_symlinks=follow)
        error, stat = calls.path_stat(3, name, follow=follow)
        assert error == SUCCESS
        assert (stat.inode, stat.links, stat.size) == (expected.st_ino, expected.st_nlink, expected.st_size)
        assert (stat.atim, stat.mtim, stat.ctim) == (expected.st_atime_ns, expected.st_mtime_ns, expected.st_ctime_ns)
    assert [calls.path_stat(3, name)[1].filetype for name in ("file", "dir", "link", "fifo")] == [4, 3, 7, 0]
    fd = calls.opened(3, "file")
    assert calls.stat(fd) == calls.path_stat(3, "hard")
    assert calls.stat(3)[1].inode == root.stat().st_ino


def test_times_are_set(at_root: Calls, root: Path) -> None:
    calls = at_root
    file = root / "file"
    file.write_text("abc")
    (root / "link").symlink_to("file")
    fd = calls.opened(3, "file", rights=BOTH)

    def set_both(atim: int, mtim: int, flags: int) -> str:
        first = calls.guest.call("fd_filestat_set_times", fd, atim, mtim, flags)
        assert calls.set_times(3, "file", atim, mtim, flags) == first
        return first

    assert set_both(1_000_000_001, 2_000_000_002, 5) == SUCCESS
    assert (file.stat().st_atime_ns, file.stat().st_mtime_ns) == (1_000_000_001, 2_000_000_002)
    assert set_both(5, 7, 4) == SUCCESS
    assert (file.stat().st_atime_ns, file.stat().st_mtime_ns) == (1_000_000_001, 7)
    assert set_both(5, 9, 1) == SUCCESS
    assert (file.stat().st_atime_ns, file.stat().st_mtime_ns) == (5, 7)
    assert set_both(0, 0, 2) == SUCCESS
    assert file.stat().st_atime_ns > 10**18
    assert file.stat().st_mtime_ns == 7
    assert set_both(0, 0, 3) == "inval"
    assert set_both(0, 0, 12) == "inval"
    assert set_both(0, 0, 16) == "inval"
    assert set_both(0, 0, 0) == SUCCESS
    assert calls.set_times(3, "link", 100, 200, 5) == SUCCESS
    assert (root / "link").lstat().st_mtime_ns == 200
    assert file.stat().st_mtime_ns == 7
    assert calls.set_times(3, "link", 100, 300, 5, follow=True) == SUCCESS
    assert file.stat().st_mtime_ns == 300
    assert calls.set_times(3, "absent", 1, 1, 5) == "noent"


def test_links_and_renames(at_root: Calls, root: Path) -> None:
    calls = at_root
    (root / "file").write_text("abc")
    assert calls.mkdir(3, "dir") == SUCCESS
    below = calls.opened(3, "dir", oflags=DIRECTORY)
    assert calls.link(3, "file", below, "hard") == SUCCESS
    assert calls.symlink("../file", below, "soft") == SUCCESS
    assert calls.readlink(below, "soft") == (SUCCESS, b"../file")
    assert calls.readlink(3, "dir/soft", 4) == (SUCCESS, b"../f")
    assert calls.readlink(3, "dir/soft", 0) == (SUCCESS, b"")
    assert calls.link(3, "dir/soft", 3, "soft") == SUCCESS
    assert os.readlink(root / "soft") == "../file"
    assert calls.rename(below, "hard", 3, "moved") == SUCCESS
    assert (root / "moved").read_text() == "abc"
    assert calls.rename(3, "dir", 3, "dir2") == SUCCESS
    assert calls.rmdir(3, "dir2") == "notempty"
    assert calls.unlink(below, "soft") == SUCCESS
    assert calls.unlink(3, "dir2") == "isdir"
    assert calls.rmdir(3, "dir2/") == SUCCESS
    assert calls.rmdir(3, "moved") == "notdir"


def test_a_directory_is_listed_once_and_whole(at_root: Calls, root: Path) -> None:
    names = {f"name-{'x' * (i % 200)}-{i}" for i in range(700)}
    for i, name in enumerate(sorted(names)):
        if i % 3 == 0:
            (root / name).mkdir()
        else:
            (root / name).write_text("")
    calls = at_root
    for size in (256, 1000, 4096, 60000):
        entries = calls.readdir(3, size)
        assert [entry.name for entry in entries[:2]] == [b".", b".."]
        assert sorted(entry.name.decode() for entry in entries[2:]) == sorted(names)
        for entry in entries[2:20]:
            status = (root / entry.name.decode()).stat()
            assert (entry.inode, entry.filetype) == (
                status.st_ino,
                3 if os.path.isdir(root / entry.name.decode()) else 4,
            )
    # Every cookie is good for continuing behind it, in any order, as long as the descriptor lives.
    for i in range(len(entries) - 1, 0, -97):
        assert [e.name for e in calls.readdir(3, 4096, entries[i].next)] == [e.name for e in entries[i + 1 :]]


def test_removing_while_listing_misses_nothing(at_root: Calls, root: Path) -> None:
    for i in range(500):
        (root / f"file{i}").write_text("")
    seen, cookie = set(), 0
    while True:
        error, data = at_root.readdir_once(3, 300, cookie)
        assert error == SUCCESS
        at = 0
        while at + 24 <= len(data):
            size = int.from_bytes(data[at + 16 : at + 20], "little")
            if at + 24 + size > len(data):
                break
            name = data[at + 24 : at + 24 + size].decode()
            cookie = int.from_bytes(data[at : at + 8], "little")
            at += 24 + size
            if name not in (".", ".."):
                seen.add(name)
                assert at_root.unlink(3, name) == SUCCESS
        if len(data) < 300:
            break
    assert len(seen) == 500
    assert not list(root.iterdir())


def test_a_small_buffer_gets_a_part_of_an_entry(at_root: Calls, root: Path) -> None:
    (root / "a-name").write_text("")
    whole = at_root.readdir_once(3, 4096, 0)[1]
    for size in range(len(whole) + 1):
        assert at_root.readdir_once(3, size, 0) == (SUCCESS, whole[:size])
    assert at_root.readdir_once(3, 4096, 2) == (SUCCESS, whole[-30:])
    assert at_root.readdir_once(3, 4096, at_root.readdir(3)[-1].next) == (SUCCESS, b"")


def test_descriptors_take_the_lowest_number(at_root: Calls, root: Path) -> None:
    calls = at_root
    (root / "file").write_text("abc")
    assert [calls.opened(3, "file") for _ in range(4)] == [4, 5, 6, 7]
    assert [calls.close(fd) for fd in (6, 4, 0)] == [SUCCESS] * 3
    assert [calls.opened(3, "file") for _ in range(4)] == [4, 6, 8, 9]
    assert calls.read(4, 3) == (SUCCESS, b"abc")


def test_renumbering_replaces_an_open_descriptor(at_root: Calls, root: Path) -> None:
    calls, call = at_root, at_root.guest.call
    (root / "a").write_text("a")
    (root / "b").write_text("b")
    a, b = calls.opened(3, "a"), calls.opened(3, "b")
    assert call("fd_renumber", a, b) == SUCCESS
    assert calls.read(b, 1) == (SUCCESS, b"a")
    assert calls.read(a, 1)[0] == "badf"
    assert call("fd_renumber", b, a) == "badf"
    assert call("fd_renumber", a, b) == "badf"
    assert call("fd_renumber", b, b) == SUCCESS
    assert call("fd_renumber", 3, 0) == SUCCESS
    assert call("fd_prestat_get", 0, 0x9000) == SUCCESS
    assert calls.opened(0, "a") == 3


def test_thousands_of_descriptors(start: Start, root: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 5000 if hard == resource.RLIM_INFINITY else min(5000, hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + 100, hard))
    try:
        calls = start([directory_record(root, "/")])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (root / "file").write_text("abc")
    last = [calls.opened(3, "file") for _ in range(wanted)][-1]
    assert last == wanted + 3
    assert calls.read(last, 3) == (SUCCESS, b"abc")
    assert "mfile" in {calls.open(3, "file")[0] for _ in range(200)}
    for fd in range(4, last):
        assert calls.close(fd) == SUCCESS
    assert calls.opened(3, "file") == 4


def test_rights_are_as_wasmtime_reports_them(at_root: Calls, root: Path) -> None:
    wasmtime = pytest.importorskip("wasmtime")
    assert wasmtime
    from tests.wasi.guest import WasmtimeGuest

    (root / "file").write_text("abc")
    (root / "dir").mkdir()
    theirs = Calls(WasmtimeGuest([(root, "/", False)]))
    assert at_root.fdstat(3) == theirs.fdstat(3)
    for name, rights in (("file", READ), ("file", WRITE), ("file", BOTH), ("file", 0), ("dir", READ)):
        ours = at_root.fdstat(at_root.opened(3, name, rights=rights))
        assert ours == theirs.fdstat(theirs.opened(3, name, rights=rights)), (name, rights)


def test_rights_given_up_stay_given_up(at_root: Calls, root: Path) -> None:
    calls, call = at_root, at_root.guest.call
    (root / "file").write_text("abc")
    fd = calls.opened(3, "file", rights=BOTH)
    base, inheriting = calls.fdstat(fd)[1][2:]
    assert call("fd_fdstat_set_rights", fd, base & ~WRITE, inheriting) == SUCCESS
    assert calls.write(fd, b"x")[0] == "notcapable"
    assert calls.read(fd, 3) == (SUCCESS, b"abc")
    assert call("fd_fdstat_set_rights", fd, base, inheriting) == "notcapable"
    assert calls.fdstat(fd)[1][2:] == (base & ~WRITE, inheriting)
    base, inheriting = calls.fdstat(3)[1][2:]
    assert call("fd_fdstat_set_rights", 3, base, inheriting & ~WRITE) == SUCCESS
    assert calls.open(3, "file", rights=WRITE)[0] == "notcapable"
    assert calls.open(3, "file", rights=READ)[0] == SUCCESS


def test_setting_the_rights_that_are_there_changes_nothing(at_root: Calls, root: Path) -> None:
    (root / "dir").mkdir()
    fd = at_root.opened(3, "dir", oflags=DIRECTORY)
    assert at_root.guest.call("fd_fdstat_set_rights", fd, *at_root.fdstat(fd)[1][2:]) == SUCCESS
    new = at_root.opened(fd, "new", oflags=CREAT, rights=BOTH)
    assert at_root.write(new, b"x") == (SUCCESS, 1)


def test_preopens_in_the_order_of_the_manifest(start: Start, tmp_path: Path) -> None:
    names = ["/", "/data", ".", "a" * 300]
    records = []
    for i, name in enumerate(names):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / f"mark{i}").write_text("")
        records.append(directory_record(tmp_path / str(i), name))
    calls = start(records)
    call, guest = calls.guest.call, calls.guest
    for i, name in enumerate(names):
        assert call("fd_prestat_get", 3 + i, 0x9000) == SUCCESS
        assert guest.read(0x9000, 8) == bytes(4) + len(name).to_bytes(4, "little")
        guest.write(0x10000, b"#" * 400)
        assert call("fd_prestat_dir_name", 3 + i, 0x10000, len(name)) == SUCCESS
        assert guest.read(0x10000, len(name) + 1) == name.encode() + b"#"
        assert call("fd_prestat_dir_name", 3 + i, 0x10000, len(name) - 1) == "nametoolong"
        assert calls.path_stat(3 + i, f"mark{i}")[0] == SUCCESS
    assert call("fd_prestat_get", 3 + len(names), 0x9000) == "badf"
    assert call("fd_prestat_dir_name", 3 + len(names), 0x9000, 9) == "badf"
    assert call("fd_prestat_get", 1, 0x9000) == "badf"
    assert call("fd_prestat_dir_name", 1, 0x9000, 9) == "notdir"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("absent", "no such directory"), ("file", "not a directory"), ("loop", "too many symbolic links")],
)
def test_a_grant_that_cannot_be_opened_ends_the_start(start: Start, tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    calls = start([directory_record(tmp_path / path, "/")], stderr=subprocess.PIPE)
    process = calls.guest.process  # type: ignore[attr-defined]
    assert process.wait() == 1
    assert process.stderr.read().decode() == f"waot: cannot open granted directory '{tmp_path / path}': {reason}\n"
    process.stderr.close()


# ---------------------------------------------------------------- standard streams


def test_a_terminal_is_known_by_its_rights(start: Start) -> None:
    master, slave = pty.openpty()
    calls = start(stdin=slave, stdout=slave)
    for fd in (0, 1):
        _, (filetype, _, rights, _) = calls.fdstat(fd)
        assert filetype == 2
        assert rights & (SEEK | TELL) == 0
        assert rights & BOTH
    assert calls.stat(0)[1].filetype == 2
    os.close(slave)
    os.close(master)


def test_the_null_device_is_no_terminal(start: Start) -> None:
    calls = start()
    _, (filetype, _, rights, _) = calls.fdstat(0)
    assert filetype == 2
    assert rights & (SEEK | TELL)


def test_pipes_and_files_as_standard_streams(start: Start, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("input")
    with (tmp_path / "in").open() as stdin:
        calls = start(stdin=stdin.fileno(), stdout=subprocess.PIPE)
        assert calls.fdstat(0)[1][0] == 4
        assert calls.fdstat(1)[1][0] == 0
        assert calls.read(0, 3) == (SUCCESS, b"inp")
        assert calls.tell(0) == (SUCCESS, 3)
        assert calls.seek(1, 0, 1)[0] == "spipe"
        assert calls.read(1, 1, offset=0)[0] in ("spipe", "badf")
        assert calls.write(1, b"x", offset=0)[0] == "spipe"
        assert calls.write(0, b"x")[0] == "badf"
        assert calls.guest.call("fd_filestat_set_times", 0, 1, 1, 5) == "badf"
        assert calls.write(1, b"out") == (SUCCESS, 3)
        stdout = calls.guest.process.stdout  # type: ignore[attr-defined]
        assert stdout.read(3) == b"out"
        stdout.close()
        assert calls.write(1, b"out")[0] == "pipe"  # and no SIGPIPE
        assert calls.write(1, b"out")[0] == "pipe"


def test_closed_standard_streams_are_not_taken_by_files(start: Start, root: Path) -> None:
    calls = start([directory_record(root, "/")], stderr=subprocess.PIPE)
    for fd in (0, 1, 2):
        assert calls.close(fd) == SUCCESS
        assert calls.read(fd, 1)[0] == "badf"
    for fd in (4, 5, 6):
        assert calls.opened(3, f"file{fd}", oflags=CREAT, rights=WRITE) == fd
        assert calls.write(fd, b"data") == (SUCCESS, 4)
        assert calls.write(fd - 4, b"printed")[0] == "badf"
    assert {path.read_text() for path in root.iterdir()} == {"data"}
    process = calls.guest.process  # type: ignore[attr-defined]
    links = {fd: os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in (2,)}
    assert links[2].startswith("pipe:")  # for what the shim itself has to say
    process.stderr.close()


def test_reading_without_waiting(start: Start) -> None:
    reading, writing = os.pipe()
    calls = start(stdin=reading)
    assert calls.guest.call("fd_fdstat_set_flags", 0, NONBLOCK) == SUCCESS
    assert calls.read(0, 1)[0] == "again"
    os.write(writing, b"x")
    assert calls.read(0, 10) == (SUCCESS, b"x")
    os.close(writing)
    assert calls.read(0, 10) == (SUCCESS, b"")
    os.close(reading)


def test_what_a_log_holds_stays(start: Start, tmp_path: Path) -> None:
    """Standard streams are streams: a guest neither cuts nor overwrites the file that it was to append to."""
    log = tmp_path / "log"
    log.write_text("kept ")
    with log.open("ab") as stream:
        calls = start(stdout=stream.fileno())
        assert calls.guest.call("fd_filestat_set_size", 1, 0) == "notcapable"
        assert calls.guest.call("fd_allocate", 1, 0, 1000) == "notcapable"
        assert calls.guest.call("fd_fdstat_set_flags", 1, 0) == "perm"
        assert calls.guest.call("fd_fdstat_set_flags", 1, APPEND) == SUCCESS
        assert calls.seek(1, 0, 0)[0] == SUCCESS
        assert calls.write(1, b"and ") == (SUCCESS, 4)
        assert calls.write(1, b"more", 0) == (SUCCESS, 4)
        assert log.read_text() == "kept and more"
        # Nor through another number.
        other = calls.guest.call("fd_renumber", 1, 2)
        assert other == SUCCESS
        assert calls.guest.call("fd_filestat_set_size", 2, 0) == "notcapable"
        assert calls.guest.call("fd_fdstat_set_flags", 2, 0) == "perm"


def test_a_limit_on_the_size_of_files_is_an_error(start: Start, root: Path) -> None:
    calls = start([directory_record(root, "/")])
    process = calls.guest.process  # type: ignore[attr-defined]
    fd = calls.opened(3, "file", oflags=CREAT, rights=READ | WRITE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
    assert calls.guest.call("fd_filestat_set_size", fd, 2000) == "fbig"
    assert calls.write(fd, b"x" * 1000) == (SUCCESS, 1000)
    assert calls.write(fd, b"x")[0] == "fbig"
    assert calls.write(fd, b"x", 5000)[0] == "fbig"
    assert calls.guest.call("fd_allocate", fd, 0, 5000) in ("fbig", "notsup")


def forbid(number: int, error: int) -> None:
    """From here on the system call is answered with that error: seccomp(2), with a filter of four instructions."""
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | error), (0x06, 0, 0, 0x7FFF0000)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    program = struct.pack("@HP", len(code), ctypes.addressof(text))
    libc = ctypes.CDLL(None)
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    assert libc.prctl(set_seccomp, filter_mode, program, 0, 0) == 0


STATX, OPENAT2 = 332, 437  # of x86-64


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of system calls are those of x86-64")
@pytest.mark.parametrize("number", [STATX, OPENAT2])
@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM], ids=["old", "filtered"])
def test_calls_that_old_systems_lack_are_made_up_for(root: Path, number: int, error: int) -> None:
    (root / "dir").mkdir()
    (root / "dir/file").write_text("hello")
    (root / "link").symlink_to("dir/file")
    (root / "out").symlink_to("../out")
    os.utime(root / "dir/file", ns=(1_000_000_001, 2_000_000_002))
    guests = [
        NativeGuest(records=[directory_record(root, "/")], prepare=prepare)
        for prepare in (lambda: None, lambda: forbid(number, error))
    ]
    known, other = (Calls(guest) for guest in guests)
    for path in (".", "dir", "dir/file", "link", "out", "dir/../../x", "absent"):
        for follow in (False, True):
            assert other.path_stat(3, path, follow=follow) == known.path_stat(3, path, follow=follow), path
            assert other.open(3, path, follow=follow)[0] == known.open(3, path, follow=follow)[0], path
    fd = other.opened(3, "link", follow=True)
    assert other.read(fd, 10) == (SUCCESS, b"hello")
    assert other.stat(fd)[1].mtim == 2_000_000_002
    for guest in guests:
        guest.close()


def test_a_refused_grant_that_nobody_reads_has_its_status(start: Start, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    calls = start([directory_record(tmp_path / "absent", "/")], stderr=writing)
    os.close(writing)
    assert calls.guest.process.wait(30) == 1  # type: ignore[attr-defined]
