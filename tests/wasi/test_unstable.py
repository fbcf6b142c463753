"""``wasi_unstable``, WASI's snapshot 0: where its numbers and layouts differ from preview 1's.

The numbers are those of the published ``wasi_unstable.witx`` and ``typenames.witx``: github.com/WebAssembly/WASI,
branch wasi-0.1, folder preview0/witx.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools import runner
from tests.wasi.guest import READ, SUCCESS, WRITE, Calls, clock_subscription, directory_record
from waot import api
from waot.errors import LinkError

Start = Callable[..., Calls]
CUR, END, SET = 0, 1, 2
SOCK_ACCEPT = 1 << 29


def test_whence_counts_from_the_current_position(at_root: Calls, root: Path) -> None:
    (root / "file").write_bytes(bytes(100))
    guest, fd = at_root.guest, at_root.opened(3, "file")

    def seek(offset: int, whence: int) -> tuple[str, int]:
        error = guest.call("unstable_fd_seek", fd, offset, whence, 0x9000)
        return error, int.from_bytes(guest.read(0x9000, 8), "little")

    assert seek(10, SET) == (SUCCESS, 10)
    assert seek(5, CUR) == (SUCCESS, 15)
    assert seek(-1, END) == (SUCCESS, 99)
    for whence in (3, 4, 255, 256, 0xFFFFFFFF):
        assert seek(0, whence)[0] == "inval"
    assert at_root.tell(fd) == (SUCCESS, 99)


def test_a_filestat_has_32_bits_for_links(at_root: Calls, root: Path) -> None:
    (root / "file").write_text("abc")
    os.link(root / "file", root / "other")
    (root / "link").symlink_to("file")
    os.utime(root / "file", ns=(1_000_000_001, 2_000_000_002))
    guest, fd = at_root.guest, at_root.opened(3, "file")
    guest.write(0x1000, b"link")
    by_fd = ("unstable_fd_filestat_get", fd, 0x9000)
    for call in (by_fd, ("unstable_path_filestat_get", 3, 1, 0x1000, 4, 0x9000)):
        guest.write(0x9000, b"\xaa" * 64)
        assert guest.call(*call) == SUCCESS
        status, data = (root / "file").stat(), guest.read(0x9000, 64)
        device, inode, filetype, links, size, atim, mtim, ctim = struct.unpack_from("<QQB3xIQQQQ", data)
        assert (inode, filetype, links, size) == (status.st_ino, 4, 2, 3)
        assert (atim, mtim, ctim) == (1_000_000_001, 2_000_000_002, status.st_ctime_ns)
        assert device == at_root.stat(fd)[1].device
        assert data[56:] == b"\xaa" * 8  # preview 1's has 64 bytes
    guest.write(0x1000, b"link")
    assert guest.call("unstable_path_filestat_get", 3, 0, 0x1000, 4, 0x9000) == SUCCESS
    assert guest.read(0x9010, 1) == b"\x07"
    assert guest.call("unstable_path_filestat_get", 3, 2, 0x1000, 4, 0x9000) == "inval"
    assert guest.call("unstable_fd_filestat_get", 99, 0x9000) == "badf"
    end = (1 << 21) - 56
    assert guest.call("unstable_fd_filestat_get", fd, end) == SUCCESS
    assert guest.call("unstable_fd_filestat_get", fd, end + 1) == "fault"
    assert guest.call("fd_filestat_get", fd, end) == "fault"


def clock(userdata: int, identifier: int, clock_id: int, timeout: int, flags: int = 0) -> bytes:
    return struct.pack("<QB7xQI4xQQH6x", userdata, 0, identifier, clock_id, timeout, 0, flags)


def readable(userdata: int, kind: int, fd: int) -> bytes:
    return struct.pack("<QB7xI36x", userdata, kind, fd)


def test_a_subscription_to_a_clock_has_an_identifier(start: Start, root: Path) -> None:
    (root / "file").write_text("12345")
    calls = start([directory_record(root, "/")])
    guest, fd = calls.guest, calls.opened(3, "file", rights=READ | WRITE)

    def poll(*subscriptions: bytes) -> tuple[str, list[tuple[int, int, int]]]:
        assert {len(s) for s in subscriptions} <= {56}
        guest.write(0x10000, b"".join(subscriptions))
        error = guest.call("unstable_poll_oneoff", 0x10000, 0x20000, len(subscriptions), 0x9000)
        (count,) = struct.unpack("<I", guest.read(0x9000, 4))
        data = guest.read(0x20000, 32 * count)
        return error, [struct.unpack_from("<QHB", data, 32 * i) for i in range(count)]

    assert poll(clock(7, 1 << 60, 1, 1_000_000)) == (SUCCESS, [(7, 0, 0)])
    assert poll(clock(7, 0, 1, 10**15), clock(8, 5, 0, 0, 1)) == (SUCCESS, [(8, 0, 0)])
    assert poll(clock(7, 0, 1, 10**15), readable(8, 1, fd), readable(9, 2, fd)) == (SUCCESS, [(8, 0, 1), (9, 0, 2)])
    assert poll(clock(7, 0, 2, 0))[0] == "inval"
    assert poll(clock(7, 0, 0, 0, 2))[0] == "inval"
    assert poll()[0] == "inval"
    assert calls.poll(clock_subscription(7, 1, 1_000_000)) == (SUCCESS, [(7, 0, 0, 0, 0)])


def test_there_is_no_right_to_accept(at_root: Calls, root: Path) -> None:
    (root / "file").write_text("12345")
    guest, fd = at_root.guest, at_root.opened(3, "file", rights=READ | WRITE)
    assert at_root.fdstat(fd)[1][2] & SOCK_ACCEPT
    assert guest.call("unstable_fd_fdstat_get", fd, 0x9000) == SUCCESS
    _, flags, base, inheriting = struct.unpack("<BxH4xQQ", guest.read(0x9000, 24))
    assert (flags, base, inheriting) == (0, *(right & ~SOCK_ACCEPT for right in at_root.fdstat(fd)[1][2:]))
    assert guest.call("unstable_fd_fdstat_get", 99, 0x9000) == "badf"


# Opens a file, goes to three bytes before its end and prints the rest, then exits with the file's number of links.
PROGRAM = """(module
  (import "wasi_unstable" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_filestat_get" (func $stat (param i32 i32) (result i32)))
  (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "file")
  (data (i32.const 32) "\\00\\01\\00\\00\\03\\00\\00\\00")
  (func $check (param i32) (if (local.get 0) (then unreachable)))
  (func (export "_start") (local $fd i32)
    (call $check (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
    (local.set $fd (i32.load (i32.const 8)))
    (call $check (call $seek (local.get $fd) (i64.const -3) (i32.const 1) (i32.const 64)))
    (call $check (call $read (local.get $fd) (i32.const 32) (i32.const 1) (i32.const 8)))
    (call $check (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 8)))
    (call $check (call $stat (local.get $fd) (i32.const 512)))
    (call $exit (i32.load (i32.const 532)))))
"""


@pytest.mark.parametrize("target", ["x86_64-linux", "aarch64-linux"])
def test_a_program_for_snapshot_0_runs(tmp_path: Path, target: str) -> None:
    module, program, root = tmp_path / "old.wat", tmp_path / "old", tmp_path / "root"
    module.write_text(PROGRAM)
    root.mkdir()
    (root / "file").write_text("abcdefghi")
    os.link(root / "file", root / "second")
    os.link(root / "file", root / "third")
    api.build(module, program, [target], opt_level="1", dirs=[f"{root}::/"])
    done = subprocess.run([*runner(target), str(program)], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"ghi", b"")


def test_what_came_later_is_not_there(tmp_path: Path) -> None:
    module = tmp_path / "later.wat"
    module.write_text('(module (import "wasi_unstable" "sock_accept" (func (param i32 i32 i32) (result i32))))')
    with pytest.raises(LinkError, match=r"wasi_unstable\.sock_accept.*snapshot 0"):
        api.build(module, tmp_path / "later")
