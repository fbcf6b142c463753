"""What is put into an image: what of a directory counts, what is refused, and that it is the same each time."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from waot.errors import CacheError, UsageError, WaotError
from waot.linker import embed
from waot.linker.embed import BLOCK, Embedded, make_image
from waot.options import EmbedGrant


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory to embed."""
    path = tmp_path / "tree"
    path.mkdir()
    return path


def image(*paths: tuple[Path, str], compress: bool = False) -> tuple[tuple[Embedded, ...], bytes]:
    """What the image of those (host, guest) is said to hold, and its bytes."""
    made = make_image([EmbedGrant(str(host), guest) for host, guest in paths], compress=compress)
    file = io.BytesIO()
    made.write(file)
    assert len(file.getvalue()) == made.size
    return made.directories, file.getvalue()


@pytest.mark.parametrize("compress", [False, True])
def test_equal_directories_give_equal_bytes(tmp_path: Path, compress: bool) -> None:
    names = [f"file {i}" for i in range(300)]
    images = []
    for place, order in (("one", names), ("another", names[::-1])):
        root = tmp_path / place
        root.mkdir()
        for name in order:
            (root / name).write_text(f"{name} " * 5000)
            os.utime(root / name, (0, 1_000_000_000.75 if place == "one" else 1_000_000_000.25))
        (root / "link").symlink_to("file 1")
        os.utime(root / "link", (0, 7), follow_symlinks=False)
        os.utime(root, (0, 9))
        images.append(image((root, "/data"), compress=compress))
    assert images[0] == images[1]


def test_what_is_said_of_a_directory(tree: Path, tmp_path: Path) -> None:
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/file").write_bytes(bytes(1000))
    (tree / "other").write_bytes(b"x" * 500)
    (tree / "link").symlink_to("a")
    single = tmp_path / "single"
    single.write_text("12345")
    (of_tree, of_single), data = image((tree, "/tree"), (single, "/s/file"))
    assert (of_tree.guest, of_tree.directories, of_tree.files, of_tree.links, of_tree.bytes) == ("/tree", 3, 2, 1, 1500)
    assert (of_single.guest, of_single.directories, of_single.files, of_single.bytes) == ("/s", 1, 1, 5)
    assert 1500 <= of_tree.stored < 1600
    assert not of_tree.compressed
    assert len(data) < 2500


def test_equal_contents_are_stored_once(tree: Path, tmp_path: Path) -> None:
    contents = os.urandom(100_000)
    for name in ("one", "two"):
        (tree / name).write_bytes(contents)
    os.link(tree / "one", tree / "linked")
    (tree / "as long").write_bytes(os.urandom(100_000))
    other = tmp_path / "other"
    other.write_bytes(contents)
    (of_tree, of_other), data = image((tree, "/tree"), (other, "/other/file"))
    assert of_tree.bytes == 400_000
    assert 200_000 <= of_tree.stored < 201_000
    assert of_other.stored < 1000
    assert len(data) < 202_000


def test_compression_is_for_what_gets_smaller(tree: Path) -> None:
    (tree / "text").write_bytes(b"all work and no play " * 50_000)
    noise = os.urandom(5 * BLOCK)
    (tree / "noise").write_bytes(noise)
    (tree / "large noise").write_bytes(noise * 5)  # read in pieces; no block is like another within 32 KiB
    (tree / "tiny").write_bytes(b"aaaaaaaaaaaaaaaaaaaa")
    (directory,), data = image((tree, "/tree"), compress=True)
    assert directory.compressed
    assert noise in data
    assert b"all work and no play all work" not in data
    assert directory.stored < len(noise) * 6 + 20_000
    (directory,), _ = image((tree / "noise", "/tree/noise"), compress=True)
    assert not directory.compressed


def test_times_end_at_source_date_epoch(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "file").write_text("x")
    images = []
    for now in (2_000_000_000, 2_000_000_005):
        os.utime(tree / "file", (now, now))
        os.utime(tree, (now, now))
        images.append(image((tree, "/"))[1])
    assert images[0] != images[1]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    images = []
    for now in (2_000_000_000, 2_000_000_005):
        os.utime(tree / "file", (now, now))
        os.utime(tree, (now, now))
        images.append(image((tree, "/"))[1])
    assert images[0] == images[1]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH is 'yesterday'"):
        image((tree, "/"))


def test_times_that_cannot_be_told_are_the_nearest(tree: Path) -> None:
    for time in (-5, (1 << 33) + 1):
        (tree / f"{time}").write_text("x")
        os.utime(tree / f"{time}", (time, time))
    assert len(image((tree, "/"))[1]) > 0


def test_links_within_stay(tree: Path) -> None:
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/up").symlink_to("../../file")
    (tree / "dangling").symlink_to("nowhere/../../..")  # ends at the first name
    (tree / "loop").symlink_to("loop")
    (tree / "through").symlink_to("a/b/up/../../..")  # `up` is a file, so the walk ends there
    (tree / "file").write_text("x")
    assert image((tree, "/"))[0][0].links == 4


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "..", "../tree/file", "a/../../x", "in/../../file", "over/x", "././/../tree"]
)
def test_a_link_that_leads_out_is_refused_by_name(tree: Path, target: str) -> None:
    (tree / "a").mkdir()
    (tree / "file").write_text("x")
    (tree / "in").symlink_to("a")
    (tree / "over").symlink_to("a/../..") if target.startswith("over") else None
    (tree / "bad").symlink_to(target)
    with pytest.raises(WaotError, match=r"a symbolic link to .*, outside of the directory") as raised:
        image((tree, "/"))
    assert raised.value.file in (str(tree / "bad"), str(tree / "over"))


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [_fifo, _socket])
def test_what_is_no_file_is_refused_by_name(tree: Path, make: Callable[[Path], None]) -> None:
    make(tree / "special")
    with pytest.raises(WaotError, match="special: cannot be embedded: neither a file, a directory nor a symbolic link"):
        image((tree, "/"))
    with pytest.raises(WaotError, match="special: cannot be embedded: neither a file nor a directory"):
        image((tree / "special", "/x"))


def test_what_cannot_be_read_is_told_by_name(tree: Path) -> None:
    with pytest.raises(WaotError, match="missing: cannot be embedded: No such file"):
        image((tree / "missing", "/x"))
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    (tree / "file").write_text("x")
    (tree / "file").chmod(0)
    with pytest.raises(WaotError, match="file: cannot be embedded: Permission denied"):
        image((tree, "/"))
    (tree / "file").unlink()
    (tree / "directory").mkdir(mode=0)
    with pytest.raises(WaotError, match="directory: cannot be embedded: Permission denied"):
        image((tree, "/"))


def test_names_that_wasi_cannot_tell_are_refused(tree: Path) -> None:
    (tree / "link").symlink_to(os.fsdecode(b"\xff"))
    with pytest.raises(WaotError, match="link: cannot be embedded: its target is not UTF-8"):
        image((tree, "/"))
    (tree / "link").unlink()
    (tree / os.fsdecode(b"a\xff")).touch()
    with pytest.raises(WaotError, match="cannot be embedded: its name is not UTF-8"):
        image((tree, "/"))


def test_a_file_that_changes_meanwhile_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "file").write_text("x" * 100)
    read = embed._read_trees

    def read_and_change(embeds: list[EmbedGrant]) -> object:
        roots = read(embeds)
        (tree / "file").write_text("shorter")
        return roots

    monkeypatch.setattr(embed, "_read_trees", read_and_change)
    with pytest.raises(WaotError, match="file: cannot be embedded: it changes while it is read"):
        image((tree, "/"))


def test_limits_are_errors(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(5):
        (tree / f"{i}").write_bytes(bytes([i]) * 1000)
    monkeypatch.setattr(embed, "MAXIMUM_ENTRIES", 4)
    with pytest.raises(WaotError, match="more than 4 files"):
        image((tree, "/"))
    monkeypatch.setattr(embed, "MAXIMUM_ENTRIES", 5)
    monkeypatch.setattr(embed, "MAXIMUM_BYTES", 4000)
    with pytest.raises(UsageError, match="cannot be embedded"):
        image((tree, "/"))


def test_no_room_for_the_temporary_file_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    with pytest.raises(CacheError, match="No space left on device; set TMPDIR"):
        image((tree, "/"))


def test_names_in_the_guest_are_unambiguous(tree: Path, tmp_path: Path) -> None:
    (tree / "file").write_text("x")
    single = tmp_path / "single"
    single.write_text("y")
    with pytest.raises(UsageError, match="two directories are embedded as '/t'"):
        image((tree, "/t"), (tree, "/t"))
    with pytest.raises(UsageError, match="two files are embedded as '/t/file'"):
        image((tree, "/t"), (single, "/t/file"))
    for guest in ("/t/", "/", "..", "/t/."):
        with pytest.raises(UsageError, match="needs a name"):
            image((single, guest))
    directories, _ = image((tree, "/t"), (single, "/t/new"), (single, "/u/a"), (single, "/u/b"))
    assert [(d.guest, d.files) for d in directories] == [("/t", 2), ("/u", 2)]


def test_the_embedded_directory_itself_may_be_reached_by_a_link(tree: Path, tmp_path: Path) -> None:
    (tree / "file").write_text("x")
    (tmp_path / "link").symlink_to(tree)
    assert image((tmp_path / "link", "/"))[0][0].files == 1
