"""Files over 4 GiB, and directories that change while they are listed."""

from __future__ import annotations

from pathlib import Path

from tests.wasi.guest import APPEND, CREAT, READ, SUCCESS, WRITE, Calls, fd_subscription

FAR = 5 << 30  # its pages are holes


def test_positions_past_4_gib(at_root: Calls, root: Path) -> None:
    calls = at_root
    fd = calls.opened(3, "file", oflags=CREAT, rights=READ | WRITE)
    assert calls.seek(fd, FAR, 0) == (SUCCESS, FAR)
    assert calls.write(fd, b"far away") == (SUCCESS, 8)
    assert calls.tell(fd) == (SUCCESS, FAR + 8)
    assert calls.seek(fd, -8, 2) == (SUCCESS, FAR)
    assert calls.read(fd, 100) == (SUCCESS, b"far away")
    assert calls.write(fd, b"FAR", offset=FAR) == (SUCCESS, 3)
    assert calls.read(fd, 8, offset=FAR) == (SUCCESS, b"FAR away")
    assert calls.read(fd, 8, offset=FAR - (4 << 30)) == (SUCCESS, bytes(8))  # not the low half of the offset
    assert calls.stat(fd)[1].size == FAR + 8
    assert calls.path_stat(3, "file")[1].size == FAR + 8
    assert calls.seek(fd, 8, 0) == (SUCCESS, 8)
    assert calls.poll(fd_subscription(1, 1, fd)) == (SUCCESS, [(1, 0, 1, FAR, 0)])
    assert calls.guest.call("fd_advise", fd, FAR, 8, 4) == SUCCESS
    assert calls.guest.call("fd_filestat_set_size", fd, 6 << 30) == SUCCESS
    assert calls.seek(fd, 0, 2) == (SUCCESS, 6 << 30)
    assert calls.seek(fd, -(6 << 30), 1) == (SUCCESS, 0)
    log = calls.opened(3, "file", rights=WRITE, fdflags=APPEND)
    assert calls.write(log, b"end") == (SUCCESS, 3)
    status = (root / "file").stat()
    assert status.st_size == (6 << 30) + 3
    assert status.st_blocks < 1000
    with (root / "file").open("rb") as file:
        file.seek(FAR)
        assert file.read(8) == b"FAR away"


def test_listing_goes_on_where_it_was_while_others_come_and_go(at_root: Calls, root: Path) -> None:
    for i in range(300):
        (root / f"old{i}").write_text("")
    entries = at_root.readdir(3)
    assert len(entries) == 302
    middle = entries[150]
    behind = [entry.name for entry in entries[151:]]
    # What was there all along and stands behind the cookie is told exactly once.
    for entry in entries[2:150:2]:
        (root / entry.name.decode()).unlink()
    for entry in entries[151::3]:
        (root / entry.name.decode()).unlink()
    for i in range(200):
        (root / f"new{i}").write_text("")
    found = [entry.name for entry in at_root.readdir(3, 300, middle.next)]
    assert [name for name in found if not name.startswith(b"new")] == [n for n in behind if n not in behind[::3]]
    # From the start everything that is there now, each once.
    assert sorted(entry.name.decode() for entry in at_root.readdir(3, 300)[2:]) == sorted(
        p.name for p in root.iterdir()
    )
    # A cookie whose entry has gone is as good as before.
    gone = entries[151]
    assert not (root / gone.name.decode()).exists()
    assert [e.name for e in at_root.readdir(3, 300, gone.next)][-1:] == found[-1:]


def test_two_descriptors_of_a_directory_are_listed_apart(at_root: Calls, root: Path) -> None:
    for i in range(100):
        (root / f"file{i}").write_text("")
    other = at_root.opened(3, ".", oflags=2)
    cookies = {3: 0, other: 0}
    seen: dict[int, list[bytes]] = {3: [], other: []}
    for _ in range(400):
        for fd in cookies:
            _, data = at_root.readdir_once(fd, 60, cookies[fd])
            size = int.from_bytes(data[16:20], "little")
            if 24 + size <= len(data):
                cookies[fd] = int.from_bytes(data[:8], "little")
                seen[fd].append(data[24 : 24 + size])
    assert seen[3] == seen[other]
    assert len(seen[3]) == len(set(seen[3])) == 102
