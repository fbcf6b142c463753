"""Nothing outside a granted directory can be reached, read, made, changed or removed."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.wasi.guest import CREAT, DIRECTORY, READ, SUCCESS, TRUNC, WRITE, Calls, directory_record

# What a way through a magic link is answered with: refused, or not there where the emulator shows no such thing.
MAGIC = ("perm", "loop", "noent", "notdir")

ESCAPES = [
    "../secret",
    "dir/../../secret",
    "dir/../..",
    "./../secret",
    "dir/./../../secret",
    "/etc/passwd",
    "//etc/passwd",
    "up/secret",
    "up/../x",
    "absolute/passwd",
    "outlink",
    "./outlink",
    ".//.///outlink",
    "dir/outlink",
    "chain/secret",
    "linked-dir/../../secret",
]


@pytest.fixture
def escapes(root: Path) -> Path:
    """Every way out that a tree can hold."""
    (root.parent / "secret").write_text("secret")
    (root.parent / "x").mkdir()
    (root / "dir").mkdir()
    (root / "dir/deep").mkdir()
    (root / "up").symlink_to("..")
    (root / "absolute").symlink_to("/etc")
    (root / "outlink").symlink_to("../secret")
    (root / "dir/outlink").symlink_to("../../secret")
    (root / "chain").symlink_to("dir/../up")
    (root / "linked-dir").symlink_to("dir")
    return root


def snapshot(directory: Path) -> list[tuple[str, int, int]]:
    found = []
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        found.append((str(path), status.st_size, status.st_mtime_ns if not path.is_dir() else 0))
    return found


@pytest.mark.parametrize("path", ESCAPES)
def test_no_path_leads_out(at_root: Calls, escapes: Path, path: str) -> None:
    before = snapshot(escapes.parent)
    calls = at_root
    assert calls.open(3, path, follow=True)[0] == "perm"
    assert calls.open(3, path, follow=True, rights=READ | WRITE)[0] == "perm"
    assert calls.open(3, path, follow=True, oflags=CREAT, rights=WRITE)[0] == "perm"
    assert calls.open(3, path, follow=True, oflags=DIRECTORY)[0] == "perm"
    assert calls.path_stat(3, path, follow=True)[0] == "perm"
    assert calls.set_times(3, path, 1, 1, 5, follow=True) == "perm"
    last_is_link = path.endswith("outlink")
    if not last_is_link:  # as names these are inside, and links like any other
        assert calls.mkdir(3, path) == "perm"
        assert calls.rmdir(3, path) == "perm"
        assert calls.unlink(3, path) == "perm"
        assert calls.symlink("x", 3, path) == "perm"
        assert calls.rename(3, path, 3, "here") == "perm"
        assert calls.link(3, path, 3, "here") == "perm"
        assert calls.readlink(3, path)[0] == "perm"
        assert calls.path_stat(3, path)[0] == "perm"
    for place in (path, path + "/new"):
        if last_is_link and place == path:
            continue
        assert calls.rename(3, "dir/deep", 3, place) == "perm"
        assert calls.link(3, "dir/outlink", 3, place) == "perm"
    assert snapshot(escapes.parent) == before


def test_a_trailing_slash_follows_no_link_out(at_root: Calls, escapes: Path) -> None:
    before = snapshot(escapes.parent)
    calls = at_root
    for path in ("up/", "absolute/", "up/.", "absolute/.", "chain/", "up/x/"):
        assert calls.open(3, path)[0] == "perm", path
        assert calls.path_stat(3, path)[0] == "perm", path
        assert calls.set_times(3, path, 1, 1, 5) == "perm", path
        assert calls.readlink(3, path)[0] == "perm", path
        assert calls.link(3, path, 3, "here") == "perm", path
    for path in ("up/", "absolute/", "chain/"):
        assert calls.rmdir(3, path) != SUCCESS
        assert calls.unlink(3, path) != SUCCESS
        assert calls.mkdir(3, path) != SUCCESS
    assert snapshot(escapes.parent) == before


def test_a_descriptor_below_reaches_up_to_itself_only(at_root: Calls, root: Path) -> None:
    (root / "dir").mkdir()
    (root / "file").write_text("x")
    fd = at_root.opened(3, "dir", oflags=DIRECTORY)
    assert at_root.open(fd, "../file")[0] == "perm"
    assert at_root.open(fd, "..")[0] == "perm"
    assert at_root.path_stat(fd, "..")[0] == "perm"
    assert at_root.open(fd, ".")[0] == SUCCESS


def test_the_entry_above_is_the_directory_itself(at_root: Calls, root: Path) -> None:
    entries = {entry.name: entry.inode for entry in at_root.readdir(3)}
    assert entries == {b".": root.stat().st_ino, b"..": root.stat().st_ino}


def test_an_absolute_link_is_neither_made_nor_read(at_root: Calls, root: Path) -> None:
    assert at_root.symlink("/etc/passwd", 3, "link") == "perm"
    assert not os.path.lexists(root / "link")
    (root / "link").symlink_to("/etc/passwd")
    assert at_root.readlink(3, "link") == ("perm", b"")


@pytest.mark.skipif(not os.path.exists("/proc/self/root"), reason="no /proc")
def test_magic_links_are_not_followed(start: Callable[..., Calls]) -> None:
    for walk in (False, True):
        calls = start([directory_record("/proc", "/proc")], walk=walk)
        for path in ("self/root/etc/passwd", "self/cwd", "self/fd/3", "self/exe", "thread-self/root"):
            assert calls.open(3, path, follow=True)[0] in ("perm", "loop", "noent"), path
            assert calls.path_stat(3, path, follow=True)[0] in ("perm", "loop", "noent"), path


@pytest.mark.skipif(not os.path.exists("/proc/self/root"), reason="no /proc")
@pytest.mark.parametrize("walk", [False, True], ids=["openat2", "walk"])
def test_no_function_goes_through_a_magic_link(start: Callable[..., Calls], tmp_path: Path, walk: bool) -> None:
    (tmp_path / "file").write_text("outside")
    before = snapshot(tmp_path)
    with (tmp_path / "file").open() as file:
        calls = start(
            [directory_record("/proc", "/proc"), directory_record(tmp_path, "/")], stdin=file.fileno(), walk=walk
        )
        process = calls.guest.process  # type: ignore[attr-defined]
        inside = str(tmp_path).lstrip("/")
        for link in ("root", "cwd"):
            for path in (f"{process.pid}/{link}/{inside}/file", f"self/{link}/{inside}/file", f"self/{link}/."):
                for follow in (False, True):
                    for rights, oflags in ((READ, 0), (WRITE, 0), (WRITE, CREAT), (READ, DIRECTORY)):
                        assert calls.open(3, path, follow=follow, rights=rights, oflags=oflags)[0] in MAGIC, path
                    assert calls.path_stat(3, path, follow=follow)[0] in MAGIC, path
                    assert calls.set_times(3, path, 1, 1, 5, follow=follow) in MAGIC, path
                new = path + "x"
                assert calls.mkdir(3, new) in MAGIC
                assert calls.rmdir(3, path) in MAGIC
                assert calls.unlink(3, path) in MAGIC
                assert calls.symlink("x", 3, new) in MAGIC
                assert calls.readlink(3, path)[0] in MAGIC
                assert calls.link(3, path, 4, "new") in MAGIC
                assert calls.link(4, "file", 3, new) in MAGIC
                assert calls.rename(3, path, 4, "new") in MAGIC
                assert calls.rename(4, "file", 3, new) in MAGIC
        for path in ("self/fd/0", f"{process.pid}/fd/0", "self/exe", "thread-self/fd/0"):
            assert calls.open(3, path, follow=True, rights=READ)[0] in (*MAGIC, "acces")
            assert calls.open(3, path, follow=True, rights=WRITE, oflags=TRUNC)[0] in (*MAGIC, "isdir", "acces")
            assert calls.readlink(3, path)[0] in (*MAGIC, "inval", "acces")
    assert snapshot(tmp_path) == before


def test_a_granted_directory_that_is_renamed_stays_the_one_that_was_granted(at_root: Calls, root: Path) -> None:
    calls = at_root
    (root / "dir").mkdir()
    (root / "dir/file").write_text("granted")
    below = calls.opened(3, "dir", oflags=DIRECTORY)
    elsewhere = root.parent / "elsewhere/deep"
    elsewhere.parent.mkdir()
    (elsewhere.parent / "secret").write_text("secret")
    root.rename(elsewhere)
    root.mkdir()
    (root / "dir").mkdir()
    (root / "dir/file").write_text("another")
    (root / "only here").write_text("another")
    for fd, path in ((3, "dir/file"), (below, "file")):
        assert calls.read(calls.opened(fd, path), 10) == (SUCCESS, b"granted")
        assert calls.path_stat(fd, path)[1].inode == (elsewhere / "dir/file").stat().st_ino
    assert calls.open(3, "only here")[0] == "noent"
    for path in ("../secret", "dir/../../secret", ".."):
        assert calls.open(3, path, follow=True)[0] == "perm"
        assert calls.path_stat(3, path)[0] == "perm"
    assert calls.mkdir(3, "made") == SUCCESS
    assert (elsewhere / "made").is_dir()
    assert sorted(path.name for path in root.iterdir()) == ["dir", "only here"]
    # One below that is moved out of the grant is held as it was: itself, and nothing above.
    (elsewhere / "dir").rename(root.parent / "moved")
    assert calls.read(calls.opened(below, "file"), 10) == (SUCCESS, b"granted")
    assert calls.open(below, "../elsewhere")[0] == "perm"
    assert calls.open(3, "dir/file")[0] == "noent"


def test_a_number_that_is_given_again_has_nothing_of_the_one_before(
    start: Callable[..., Calls], tmp_path: Path
) -> None:
    for name in ("ro", "rw"):
        (tmp_path / name / "dir").mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    calls = start([directory_record(tmp_path / "ro", "/ro", read_only=True), directory_record(tmp_path / "rw", "/rw")])
    call = calls.guest.call
    # Rights given up, a read-only grant, a preopen's name and a position: all go with the descriptor.
    fd = calls.opened(4, "file", rights=READ | WRITE)
    _, (_, _, base, inheriting) = calls.fdstat(fd)
    assert call("fd_fdstat_set_rights", fd, base & ~(READ | WRITE), inheriting) == SUCCESS
    assert calls.close(fd) == SUCCESS
    for _ in range(3):
        assert calls.read(fd, 1)[0] == "badf"
    assert calls.opened(4, "file", rights=READ | WRITE) == fd
    assert calls.read(fd, 9) == (SUCCESS, b"rw")
    assert calls.close(fd) == SUCCESS
    assert calls.opened(4, "dir", oflags=DIRECTORY) == fd
    assert calls.read(fd, 1)[0] == "badf"
    assert calls.open(fd, "../file")[0] == "perm"
    assert calls.close(3) == SUCCESS
    assert calls.opened(4, "dir", oflags=DIRECTORY) == 3
    assert call("fd_prestat_get", 3, 0x9000) == "badf"
    assert calls.open(3, "new", oflags=CREAT, rights=WRITE)[0] == SUCCESS  # it is not the read-only one any more
    assert (tmp_path / "rw/dir/new").exists()
    assert calls.open(3, "../file")[0] == "perm"


def test_a_read_only_grant_stays_one_under_any_number(start: Callable[..., Calls], tmp_path: Path) -> None:
    for name in ("ro", "rw"):
        (tmp_path / name / "dir").mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    before = snapshot(tmp_path / "ro")
    calls = start([directory_record(tmp_path / "ro", "/ro", read_only=True), directory_record(tmp_path / "rw", "/rw")])
    below = calls.opened(3, "dir", oflags=DIRECTORY)
    file = calls.opened(3, "file")
    writable = [calls.opened(4, "file", rights=WRITE) for _ in range(3)]
    for fd, to in zip((3, below, file), writable, strict=True):
        assert calls.guest.call("fd_renumber", fd, to) == SUCCESS
    directory, inner, data = writable
    assert calls.open(directory, "file", rights=WRITE)[0] == "perm"
    assert calls.mkdir(inner, "new") == "perm"
    assert calls.guest.call("fd_filestat_set_size", data, 0) == "perm"
    assert calls.write(data, b"x")[0] == "badf"
    assert calls.guest.call("fd_renumber", 4, 0) == SUCCESS
    assert calls.rename(0, "file", directory, "new") == "perm"
    assert calls.link(directory, "file", 0, "new") == "perm"
    assert snapshot(tmp_path / "ro") == before


def test_descriptors_are_the_ones_of_a_plain_model(start: Callable[..., Calls], root: Path) -> None:
    """Thousands of opens, closes and renumberings: each number is what the model says, and nothing is left open."""
    chance = random.Random(4)
    for i in range(40):
        (root / f"file{i}").write_text(f"{i}")
    calls = start([directory_record(root, "/")])
    process = calls.guest.process  # type: ignore[attr-defined]
    assert calls.fdstat(3)[0] == SUCCESS  # it has begun
    open_at_start = len(os.listdir(f"/proc/{process.pid}/fd"))
    model: dict[int, int] = {}
    for _ in range(3000):
        kind = chance.random()
        if kind < 0.5 or not model:
            which = chance.randrange(40)
            fd = calls.opened(3, f"file{which}")
            assert fd == min(set(range(4, 5000)) - set(model))
            model[fd] = which
        elif kind < 0.8:
            fd = chance.choice([*model, 999])
            assert calls.close(fd) == (SUCCESS if model.pop(fd, None) is not None else "badf")
        else:
            fd, to = chance.choice([*model]), chance.choice([*model, 999])
            assert calls.guest.call("fd_renumber", fd, to) == (SUCCESS if to in model else "badf")
            if to in model and fd != to:
                model[to] = model.pop(fd)
        if model:
            fd = chance.choice([*model])
            assert calls.read(fd, 9, offset=0) == (SUCCESS, str(model[fd]).encode())
    for fd in range(4, 200):
        assert (calls.tell(fd)[0] == SUCCESS) == (fd in model)
    assert len(os.listdir(f"/proc/{process.pid}/fd")) == open_at_start + len(model)


def test_loops_end(at_root: Calls, root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    (root / "self").symlink_to("self/x")
    (root / "0").write_text("x")
    for i in range(50):
        (root / str(i + 1)).symlink_to(str(i))
    for path in ("a", "a/x", "self", "self/y", "50"):
        assert at_root.open(3, path, follow=True)[0] == "loop", path
        assert at_root.path_stat(3, path, follow=True)[0] == "loop", path
        assert at_root.set_times(3, path, 1, 1, 5, follow=True) == "loop", path
    assert at_root.open(3, "40", follow=True)[0] == SUCCESS
    assert at_root.open(3, "a")[0] == "loop"


def test_long_and_deep_paths_are_bounded(at_root: Calls, root: Path) -> None:
    calls = at_root
    assert calls.open(3, "x" * 5000)[0] == "nametoolong"
    assert calls.open(3, "./" * 2047 + "x")[0] == "noent"
    (root / "d").mkdir()
    assert calls.open(3, "d/../" * 800 + "d", oflags=DIRECTORY)[0] == SUCCESS
    (root / "big").symlink_to("d/../" * 700 + "d")
    (root / "bigger").symlink_to("d/../" * 700 + "big")
    assert calls.open(3, "bigger/../big", oflags=DIRECTORY, follow=True)[0] == SUCCESS


@contextmanager
def busy(change: Callable[[], None]) -> Iterator[None]:
    """Runs ``change`` again and again beside the body."""
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            change()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_swapping_a_directory_for_a_link_opens_no_way_out(at_root: Calls, root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    (root / "dir").mkdir()
    (root / "dir/file").write_text("inside")
    (root / "link").symlink_to("../outside")

    def swap() -> None:
        os.rename(root / "dir", root / "spare")
        os.rename(root / "link", root / "dir")
        os.rename(root / "dir", root / "link")
        os.rename(root / "spare", root / "dir")

    seen = set()
    with busy(swap):
        for i in range(1500):
            error, fd = at_root.open(3, "dir/file", follow=True)
            seen.add(error)
            if error == SUCCESS:
                assert at_root.read(fd, 10) == (SUCCESS, b"inside")
                at_root.close(fd)
            at_root.open(3, f"dir/new{i % 7}", oflags=CREAT, rights=WRITE)
            at_root.mkdir(3, f"dir/made{i % 7}")
            at_root.unlink(3, "dir/absent")
    assert seen <= {SUCCESS, "perm", "noent", "notdir", "loop"}
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_moving_a_directory_out_while_climbing_opens_no_way_out(at_root: Calls, root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "file").write_text("inside")
    (root.parent / "file").write_text("secret")

    def move() -> None:
        os.rename(root / "a/b", root.parent / "b")
        os.rename(root.parent / "b", root / "a/b")

    with busy(move):
        for _ in range(1500):
            error, fd = at_root.open(3, "a/b/../../file")
            if error == SUCCESS:
                assert at_root.read(fd, 10) == (SUCCESS, b"inside")
                at_root.close(fd)


READ_ONLY_TREE = ["file", "dir/inner"]


@pytest.mark.parametrize("walk", [False, True], ids=["openat2", "walk"])
def test_a_read_only_grant_changes_nothing(start: Callable[..., Calls], root: Path, walk: bool) -> None:
    (root / "dir").mkdir()
    (root / "dir/inner").write_text("x")
    (root / "file").write_text("hello")
    calls = start([directory_record(root, "/", read_only=True)], walk=walk)
    before = snapshot(root)
    below = calls.opened(3, "dir", oflags=DIRECTORY)
    fd = calls.opened(3, "file")
    assert calls.read(fd, 10) == (SUCCESS, b"hello")
    assert calls.write(fd, b"x")[0] == "badf"
    assert calls.guest.call("fd_filestat_set_size", fd, 0) == "perm"
    assert calls.guest.call("fd_filestat_set_times", fd, 1, 1, 5) == "perm"
    assert calls.guest.call("fd_filestat_set_times", below, 1, 1, 5) == "perm"
    assert calls.guest.call("fd_allocate", fd, 0, 100) == "badf"
    for directory, name in ((3, "file"), (below, "inner")):
        assert calls.open(directory, name, rights=WRITE)[0] == "perm"
        assert calls.open(directory, name, oflags=8)[0] == "perm"
        assert calls.open(directory, "new", oflags=CREAT)[0] == "perm"
        assert calls.mkdir(directory, "new") == "perm"
        assert calls.rmdir(directory, "new") == "perm"
        assert calls.unlink(directory, name) == "perm"
        assert calls.rename(directory, name, directory, "new") == "perm"
        assert calls.link(directory, name, directory, "new") == "perm"
        assert calls.symlink("x", directory, "new") == "perm"
        assert calls.set_times(directory, name, 1, 1, 5) == "perm"
    assert snapshot(root) == before


def test_between_a_read_only_and_a_writable_grant_nothing_moves_the_wrong_way(
    start: Callable[..., Calls], tmp_path: Path
) -> None:
    for name in ("ro", "rw"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    calls = start([directory_record(tmp_path / "ro", "/ro", read_only=True), directory_record(tmp_path / "rw", "/rw")])
    assert calls.rename(3, "file", 4, "new") == "perm"
    assert calls.rename(4, "file", 3, "new") == "perm"
    assert calls.link(3, "file", 4, "new") == "perm"  # or its content could be changed through the new name
    assert calls.link(4, "file", 3, "new") == "perm"
    assert calls.rename(4, "file", 4, "new") == SUCCESS


def test_descriptors_of_the_host_are_not_the_guests(start: Callable[..., Calls]) -> None:
    calls = start()  # its orders travel on 100 and 101
    for fd in (3, 4, 5, 100, 101, 1 << 20, (1 << 31) - 1, (1 << 32) - 1):
        assert calls.read(fd, 1)[0] == "badf"
        assert calls.write(fd, b"x")[0] == "badf"
        assert calls.close(fd) == "badf"
        assert calls.guest.call("sock_shutdown", fd, 3) == "badf"
