"""A granted directory on top of an embedded one is to a guest what an ordinary directory of the same contents is."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import struct
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.wasi.guest import (
    CREAT,
    DIRECTORY,
    EXCL,
    OUT,
    PATH,
    READ,
    SUCCESS,
    TRUNC,
    WRITE,
    Calls,
    NativeGuest,
    architectures,
    directory_record,
    embedded_records,
    record,
)
from tests.wasi.test_paths_like_wasmtime import OPERATIONS, PATHS, fill
from waot.linker import embed
from waot.linker.embed import make_image
from waot.options import EmbedGrant

BOTH = READ | WRITE


def overlay(
    tree: Path, top: Path, *, compress: bool = False, architecture: str | None = None, walk: bool = False
) -> Calls:
    """A guest with `tree` embedded, and `top` on top of it, as descriptor 3."""
    records, data = embedded_records(make_image([EmbedGrant(str(tree), "/")], compress=compress))
    records.append(record(17, os.fsencode(top) + b"\0/\0"))
    return Calls(NativeGuest(architecture or architectures()[0], records=records, embedded=data, walk=walk))


def granted(tree: Path) -> Calls:
    return Calls(NativeGuest(architectures()[0], records=[directory_record(tree, "/")]))


def seen(calls: Calls, fd: int = 3) -> dict[str, object]:
    """All that the guest finds: paths with types, contents and targets."""
    found: dict[str, object] = {}
    entries = calls.readdir(fd, 300)
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries[2:]:
        name = os.fsdecode(entry.name)
        error, stat = calls.path_stat(fd, entry.name)
        assert (error, stat.filetype, stat.inode) == (SUCCESS, entry.filetype, entry.inode), name
        if entry.filetype == 3:
            below = calls.opened(fd, entry.name, oflags=DIRECTORY)
            found[name] = "directory"
            found |= {f"{name}/{path}": what for path, what in seen(calls, below).items()}
            assert calls.close(below) == SUCCESS
        elif entry.filetype == 7:
            found[name] = calls.readlink(fd, entry.name)
        else:
            file = calls.opened(fd, entry.name)
            found[name] = calls.read(file, 100_000)
            assert calls.stat(file)[1].size == stat.size
            assert calls.close(file) == SUCCESS
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What is embedded."""
    path = tmp_path / "tree"
    (path / "dir/deep").mkdir(parents=True)
    (path / "empty").mkdir()
    (path / "file").write_text("embedded")
    (path / "dir/inner").write_text("x" * 70_000)
    (path / "dir/deep/most").write_text("most")
    (path / "link").symlink_to("dir/inner")
    (path / "dir/up").symlink_to("../file")
    return path


@pytest.fixture
def top(tmp_path: Path) -> Path:
    path = tmp_path / "top"
    path.mkdir()
    return path


def files(top: Path) -> list[str]:
    # Not by rglob, which asks of each link whether it leads to a directory.
    found = [os.path.join(place, name) for place, *below in os.walk(top) for names in below for name in names]
    return sorted(os.path.relpath(path, top) for path in found)


@pytest.mark.parametrize("compress", [False, True], ids=["as it is", "compressed"])
@pytest.mark.parametrize("architecture", architectures())
def test_what_is_written_goes_on_top(tree: Path, top: Path, architecture: str, compress: bool) -> None:
    calls = overlay(tree, top, compress=compress, architecture=architecture)
    before = seen(calls)
    assert files(top) == []
    fd = calls.opened(3, "link", rights=BOTH, follow=True)
    assert calls.write(fd, b"changed") == (SUCCESS, 7)
    assert calls.close(fd) == SUCCESS
    assert (top / "dir/inner").read_text() == "changed" + "x" * (70_000 - 7)
    assert calls.mkdir(3, "new") == SUCCESS
    fd = calls.opened(3, "new/file", oflags=CREAT | EXCL, rights=BOTH)
    assert calls.write(fd, b"new") == (SUCCESS, 3)
    assert calls.unlink(3, "file") == SUCCESS
    assert calls.unlink(3, "file") == "noent"
    assert calls.rename(3, "dir/deep/most", 3, "moved") == SUCCESS
    assert files(top) == [
        *(".wh.file", "dir", "dir/deep", "dir/deep/.wh.most", "dir/inner", "moved", "new", "new/file"),
    ]
    expected = dict(before)
    del expected["file"], expected["dir/deep/most"]
    expected |= {
        "dir/inner": (SUCCESS, b"changed" + b"x" * (70_000 - 7)),
        "new": "directory",
        "new/file": (SUCCESS, b"new"),
        "moved": (SUCCESS, b"most"),
    }
    assert seen(calls) == expected
    calls.guest.close()
    again = overlay(tree, top, architecture=architecture)  # the next time it is run
    assert seen(again) == expected
    again.guest.close()


def test_what_is_hidden_comes_back_as_something_else(tree: Path, top: Path) -> None:
    calls = overlay(tree, top)
    assert calls.unlink(3, "dir/inner") == SUCCESS
    assert calls.unlink(3, "dir/up") == SUCCESS
    assert calls.unlink(3, "dir/deep/most") == SUCCESS
    assert calls.rmdir(3, "dir") == "notempty"
    assert calls.rmdir(3, "dir/deep") == SUCCESS
    assert calls.rmdir(3, "dir") == SUCCESS
    assert calls.path_stat(3, "dir")[0] == "noent"
    assert files(top) == [".wh.dir"]
    assert calls.mkdir(3, "dir") == SUCCESS  # nothing of the embedded one is in it
    below = calls.opened(3, "dir", oflags=DIRECTORY)
    assert [entry.name for entry in calls.readdir(below)] == [b".", b".."]
    assert calls.rename(3, "dir", 3, "elsewhere") == SUCCESS
    assert calls.path_stat(3, "dir")[0] == "noent"
    assert calls.unlink(3, "file") == SUCCESS
    assert calls.mkdir(3, "file") == SUCCESS
    assert calls.rmdir(3, "file") == SUCCESS
    assert calls.path_stat(3, "file")[0] == "noent"
    calls.guest.close()


def test_names_of_whiteouts_are_not_the_guests(tree: Path, top: Path) -> None:
    calls = overlay(tree, top)
    assert calls.unlink(3, "file") == SUCCESS
    for name in (".wh.file", ".wh.x", ".wh..wh..opq", "dir/.wh.inner"):
        assert calls.path_stat(3, name)[0] == "noent"
        assert calls.open(3, name)[0] == "noent"
        assert calls.unlink(3, name) == "noent"
        assert calls.open(3, name, oflags=CREAT, rights=WRITE)[0] == "perm"
        assert calls.mkdir(3, name) == "perm"
        assert calls.symlink("x", 3, name) == "perm"
        assert calls.rename(3, "link", 3, name) == "perm"
        assert calls.link(3, "link", 3, name) == "perm"
    assert b".wh.file" not in {entry.name for entry in calls.readdir(3)}
    calls.guest.close()


def test_an_embedded_directory_is_not_renamed(tree: Path, top: Path) -> None:
    calls = overlay(tree, top)
    assert calls.rename(3, "dir", 3, "other") == "xdev"
    assert calls.rename(3, "empty", 3, "other") == "xdev"
    assert calls.mkdir(3, "mine") == SUCCESS
    assert calls.rename(3, "mine", 3, "dir") == "notempty"
    assert calls.rename(3, "mine", 3, "empty") == SUCCESS
    assert calls.rename(3, "empty", 3, "other") == SUCCESS
    calls.guest.close()


def test_a_descriptor_of_a_removed_directory_finds_nothing(tree: Path, top: Path) -> None:
    calls = overlay(tree, top)
    fd = calls.opened(3, "dir/deep", oflags=DIRECTORY)
    assert calls.unlink(fd, "most") == SUCCESS
    assert calls.rmdir(3, "dir/deep") == SUCCESS
    assert [entry.name for entry in calls.readdir(fd)] == [b".", b".."]
    assert calls.open(fd, "most")[0] == "noent"
    assert calls.open(fd, "new", oflags=CREAT, rights=WRITE)[0] == "noent"
    assert calls.mkdir(3, "dir/deep") == SUCCESS
    assert calls.open(fd, "new", oflags=CREAT, rights=WRITE)[0] == "noent"
    calls.guest.close()


def test_nothing_outside_is_reached(tree: Path, top: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (top / "out").symlink_to("../secret")
    (top / "absolute").symlink_to(tmp_path / "secret")
    (top / "host").mkdir()
    (top / "host/out").symlink_to("../../secret")
    (top / "dir").mkdir()
    (top / "dir/out").symlink_to("../..")
    calls = overlay(tree, top)
    for path in ("out", "absolute", "host/out", "../secret", "dir/../../secret", "dir/out/secret", "host/../../secret"):
        assert calls.open(3, path, follow=True)[0] == "perm", path
        assert calls.open(3, path, oflags=CREAT, rights=WRITE, follow=True)[0] == "perm", path
        assert calls.path_stat(3, path, follow=True)[0] == "perm", path
    below = calls.opened(3, "dir", oflags=DIRECTORY)
    for path in ("..", "up", "deep/../../file"):
        assert calls.open(below, path, follow=True)[0] == "perm", path
    # A link among what was written leads to what is embedded, and the other way around.
    (top / "host/in").symlink_to("../dir/deep/most")
    assert calls.read(calls.opened(3, "host/in", follow=True), 9) == (SUCCESS, b"most")
    (top / "file").write_text("on top")
    assert calls.read(calls.opened(3, "dir/up", follow=True), 9) == (SUCCESS, b"on top")
    assert (tmp_path / "secret").read_text() == "secret"
    calls.guest.close()


def test_a_file_is_copied_whole_or_not_at_all(tree: Path, top: Path) -> None:
    """A limit on the size of files ends the copy in the middle."""
    import resource

    records, data = embedded_records(make_image([EmbedGrant(str(tree), "/")], compress=False))
    records.append(record(17, os.fsencode(top) + b"\0/\0"))
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (68_000, 68_000))  # noqa: E731
    calls = Calls(NativeGuest(architectures()[0], records=records, embedded=data, prepare=limit))
    assert calls.open(3, "dir/inner", rights=BOTH)[0] == "fbig"
    assert files(top) == ["dir"]
    assert calls.read(calls.opened(3, "dir/inner"), 10) == (SUCCESS, b"x" * 10)
    assert calls.open(3, "dir/inner", oflags=TRUNC, rights=BOTH)[0] == SUCCESS
    calls.guest.close()


def test_two_that_copy_a_file_at_once_write_to_the_same(tree: Path, top: Path) -> None:
    for number in range(150):
        (tree / f"{number}").write_text("." * 300_000)
    guests = [overlay(tree, top), overlay(tree, top)]
    for number in range(150):
        path = f"{number}".encode()
        for calls in guests:
            calls.guest.write(PATH, path)
            assert isinstance(calls.guest, NativeGuest)
            calls.guest.start("path_open", 3, 0, PATH, len(path), 0, BOTH, BOTH, 0, OUT)
        for place, calls in enumerate(guests):
            assert isinstance(calls.guest, NativeGuest)
            assert calls.guest.finish() == SUCCESS
            (fd,) = struct.unpack("<I", calls.guest.read(OUT, 4))
            assert calls.write(fd, b"ab"[place : place + 1], offset=place) == (SUCCESS, 1)
            assert calls.close(fd) == SUCCESS
        assert (top / f"{number}").read_bytes()[:3] == b"ab."
    assert files(top) == sorted(f"{number}" for number in range(150))
    for calls in guests:
        calls.guest.close()


def test_times_are_kept_and_set(tree: Path, top: Path) -> None:
    os.utime(tree / "file", (5, 5))
    os.utime(tree / "dir", (6, 6))
    calls = overlay(tree, top)
    assert calls.path_stat(3, "file")[1].mtim == 5 * 10**9
    calls.close(calls.opened(3, "file", rights=BOTH))
    assert calls.path_stat(3, "file")[1].mtim == 5 * 10**9
    assert calls.set_times(3, "dir/deep/most", 1, 7 * 10**9, 4) == SUCCESS
    assert calls.path_stat(3, "dir/deep/most")[1].mtim == 7 * 10**9
    assert calls.set_times(3, "dir", 1, 8 * 10**9, 4) == SUCCESS
    assert calls.path_stat(3, "dir")[1].mtim == 8 * 10**9
    fd = calls.opened(3, "dir", oflags=DIRECTORY)
    assert calls.guest.call("fd_filestat_set_times", fd, 0, 9 * 10**9, 4) == SUCCESS
    assert calls.stat(fd)[1].mtim == calls.path_stat(3, "dir")[1].mtim == 9 * 10**9
    calls.guest.close()


# ------------------------------------------------------------------------------------------- as an ordinary directory


def renames_merged(operation: str, path: str | bytes) -> bool:
    """A directory that is embedded is not renamed: XDEV, which programs answer by copying."""
    if operation == "rename directory to":
        return True
    return operation == "rename" and isinstance(path, str)


def test_paths_give_what_a_directory_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "_check_link", lambda root, link: None)
    wrong = []
    ours: Calls | None = None
    theirs: Calls | None = None
    untouched: dict[str, object] = {}
    trees = [tmp_path / "a" / "root", tmp_path / "b" / "root"]  # names that are as long as each other
    top = tmp_path / "top"
    for name, operation in OPERATIONS.items():
        for path in PATHS:
            if ours is None or theirs is None:  # made anew after what has changed something
                for root in trees:
                    shutil.rmtree(root.parent, ignore_errors=True)
                    root.mkdir(parents=True)
                    fill(root)
                shutil.rmtree(top, ignore_errors=True)
                top.mkdir()
                ours, theirs = overlay(trees[0], top), granted(trees[1])
                untouched = without_host_paths(seen(ours))
            results = [(operation(calls, path), without_host_paths(seen(calls))) for calls in (ours, theirs)]
            allowed = renames_merged(name, path) and results[0][0] == "xdev"
            if results[0] != results[1] and not allowed:
                wrong.append(f"{name} {path[:40]!r}: a directory {results[1][0]}, ours {results[0][0]}")
            if files(top) or results[0][1] != untouched or results[1][1] != untouched:
                for calls in (ours, theirs):
                    calls.guest.close()
                ours = theirs = None
    for left in (ours, theirs):
        if left is not None:
            left.guest.close()
    assert not wrong, "\n".join(wrong)


def without_host_paths(tree: dict[str, object]) -> dict[str, object]:
    """Without the link whose target holds the directory's own name."""
    return {path: what for path, what in tree.items() if path != "inside-by-host-path"}


NAMES = ["a", "b", "c", "d", "e"]


def random_tree(chance: random.Random, root: Path, depth: int = 0) -> None:
    root.mkdir()
    for name in NAMES:
        kind = chance.randrange(5)
        if kind == 0:
            (root / name).write_text(f"{chance.random()}")
        elif kind == 1:
            (root / name).symlink_to(chance.choice(["a", "b/c", "../a", "c", "../b/d", "d/"]))
        elif kind <= 3 and depth < 2:
            random_tree(chance, root / name, depth + 1)


def random_path(chance: random.Random) -> str:
    path = "/".join(chance.choices([*NAMES, ".."], [5] * 5 + [1], k=chance.choice([1, 1, 2, 2, 3])))
    return path + "/" * (chance.random() < 0.1)


def step(chance: random.Random, calls: Sequence[Calls], fds: Sequence[Sequence[int]]) -> tuple[str, list[object]]:
    """One operation for each of the guests, and what came of it."""
    kind = chance.randrange(12)
    path, other = random_path(chance), random_path(chance)
    at, to = chance.randrange(len(fds[0])), chance.randrange(len(fds[0]))
    follow = chance.random() < 0.5
    text = f"{chance.random()}".encode()
    oflags = chance.choice([0, CREAT, CREAT | EXCL, TRUNC, CREAT | TRUNC, DIRECTORY])
    rights = chance.choice([READ, BOTH, WRITE])
    done: list[object] = []
    what = ""
    for guest, numbers in zip(calls, fds, strict=True):
        fd, new = numbers[at], numbers[to]
        result: object
        if kind <= 3:
            what = f"open {path} {oflags} {rights} {follow}"
            error, opened = guest.open(fd, path, oflags=oflags, rights=rights, follow=follow)
            result = error
            if error == SUCCESS:
                written = guest.write(opened, text)[0] if rights & WRITE else ""
                result = (error, guest.fdstat(opened)[1][0], written, guest.close(opened))
        elif kind == 4:
            what, result = f"mkdir {path}", guest.mkdir(fd, path)
        elif kind == 5:
            what, result = f"rmdir {path}", guest.rmdir(fd, path)
        elif kind <= 7:
            what, result = f"unlink {path}", guest.unlink(fd, path)
        elif kind == 8:
            what, result = f"symlink {other} {path}", guest.symlink(other, fd, path)
        elif kind == 9:
            what, result = f"link {path} {other}", guest.link(fd, path, new, other)
        elif kind == 10:
            what, result = f"rename {path} {other}", guest.rename(fd, path, new, other)
        else:
            error, stat = guest.path_stat(fd, path, follow=follow)
            what, result = f"stat {path} {follow}", (error, stat.filetype) if error == SUCCESS else error
        done.append(result)
    return f"{at} {to} {what}", done


@pytest.mark.parametrize("seed", range(12))
def test_random_sequences_are_as_in_a_directory(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories are granted from the start too: descriptors of some below the top, which may be removed."""
    monkeypatch.setattr(embed, "_check_link", lambda root, link: None)
    chance = random.Random(seed)
    for turn in range(6):
        place = tmp_path / f"{turn}"
        place.mkdir()
        random_tree(chance, place / "tree")
        shutil.copytree(place / "tree", place / "copy", symlinks=True)
        (place / "top").mkdir()
        calls = [overlay(place / "tree", place / "top", walk=seed % 3 == 0), granted(place / "copy")]
        fds = [[3], [3]]
        log: list[str] = []
        for number in range(120):
            if number % 40 == 20:  # the next time it is run
                calls[0].guest.close()
                calls[0] = overlay(place / "tree", place / "top", walk=seed % 3 == 0)
                fds = [[3], [3]]
            if chance.random() < 0.1:
                path = chance.choice(NAMES)
                opened = [guest.open(3, path, oflags=DIRECTORY) for guest in calls]
                assert opened[0][0] == opened[1][0], (path, log)
                if opened[0][0] == SUCCESS:
                    for numbers, (_, fd) in zip(fds, opened, strict=True):
                        numbers.append(fd)
            what, (ours, theirs) = step(chance, calls, fds)
            log.append(f"{what}: {ours} {theirs}")
            if ours == "xdev":
                break  # from here on they differ: the directory was not renamed
            # Where several things are wrong with a call, either may be told: links and names in two layers are looked
            # at in another order.
            both_failed = all(isinstance(result, str) and result != SUCCESS for result in (ours, theirs))
            assert ours == theirs or both_failed, "\n".join(log)
            if number % 10 == 9:
                assert seen(calls[0]) == seen(calls[1]), "\n".join(log)
        else:
            assert seen(calls[0]) == seen(calls[1]), "\n".join(log)
        for guest in calls:
            guest.guest.close()


def test_listing_goes_on_where_it_was(tree: Path, top: Path) -> None:
    for i in range(50):
        (tree / f"embedded {i}").touch()
        (top / f"written {i}").touch()
    for i in range(0, 50, 7):
        (top / f"embedded {i}").write_text("both")
        (top / f".wh.embedded {i + 1}").touch()
    calls = overlay(tree, top)
    listed = calls.readdir(3)
    names = [entry.name for entry in listed]
    assert len(names) == len(set(names))
    expected = {b".", b"..", b"dir", b"empty", b"file", b"link"}
    expected |= {f"written {i}".encode() for i in range(50)}
    expected |= {f"embedded {i}".encode() for i in range(50) if i % 7 != 1}
    assert set(names) == expected
    for size in (24 + 20, 130, 1000):
        assert calls.readdir(3, size) == listed
    for index in range(0, len(listed), 9):
        assert calls.readdir(3, cookie=listed[index].next) == listed[index + 1 :]
    calls.guest.close()


def test_a_directory_swapped_for_a_link_meanwhile_leads_nowhere(tree: Path, top: Path, tmp_path: Path) -> None:
    """Somebody else exchanges a directory on top for a link that leads out, again and again, during the calls."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inner").write_text("secret")
    (top / "dir").mkdir()
    (top / "spare").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
        one, other = os.fsencode(top / "dir"), os.fsencode(top / "spare")
        while not stop.is_set():
            exchange(-100, one, -100, other, 2)  # AT_FDCWD, RENAME_EXCHANGE

    calls = overlay(tree, top)
    thread = threading.Thread(target=swap)
    thread.start()
    met: set[str] = set()
    try:
        for number in range(3000):
            error, fd = calls.open(3, "dir/inner", rights=BOTH if number % 3 == 0 else READ)
            met.add(error)
            if error == SUCCESS:
                assert b"secret" not in calls.read(fd, 10)[1]
                calls.close(fd)
            error, fd = calls.open(3, "dir/made", oflags=CREAT, rights=BOTH)
            met.add(error)
            if error == SUCCESS:
                calls.close(fd)
            met.add(calls.unlink(3, "dir/made"))
            met.add(calls.unlink(3, "dir/inner"))
            met.add(calls.path_stat(3, "dir/inner", follow=True)[0])
    finally:
        stop.set()
        thread.join()
        calls.guest.close()
    assert os.listdir(outside) == ["inner"]
    assert (outside / "inner").read_text() == "secret"
    assert {SUCCESS, "perm"} <= met
