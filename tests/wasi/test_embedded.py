"""An embedded directory is to a guest what the same directory is when it is granted for reading only."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wasi.guest import (
    APPEND,
    CREAT,
    DATA,
    DIRECTORY,
    DSYNC,
    IOVS,
    NONBLOCK,
    OUT,
    READ,
    RSYNC,
    SUCCESS,
    SYNC,
    WRITE,
    Calls,
    NativeGuest,
    WasmtimeGuest,
    architectures,
    clock_subscription,
    directory_record,
    embedded_records,
    endian_of,
    fd_subscription,
    functions,
)
from tests.wasi.test_paths_like_wasmtime import OPERATIONS, PATHS, differs_on_purpose, fill
from waot.linker import embed
from waot.linker.embed import BLOCK, make_image
from waot.options import EmbedGrant

Start = Callable[..., Calls]
COMPRESSED = pytest.mark.parametrize("compress", [False, True], ids=["as it is", "compressed"])
GRANTED, EMBEDDED = 3, 4


@pytest.fixture
def both(start: Start, architecture: str) -> Callable[..., Calls]:
    """A guest that has a directory granted for reading (3) and embedded (4)."""

    def start_one(root: Path, *, compress: bool = False) -> Calls:
        endian = endian_of(architecture)
        image = make_image([EmbedGrant(str(root), "/embedded")], compress=compress, endian=endian)
        records, data = embedded_records(image)
        return start([directory_record(root, "/granted", read_only=True), *records], embedded=data)

    return start_one


def test_paths_give_what_a_granted_directory_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where links lead out: no build lets those through, but nothing may depend on that."""
    pytest.importorskip("wasmtime")
    monkeypatch.setattr(embed, "_check_link", lambda root, link: None)
    root = tmp_path / "root"
    root.mkdir()
    fill(root)
    records, data = embedded_records(make_image([EmbedGrant(str(root), "/")], compress=False))
    architecture = architectures()[0]
    embedded = Calls(NativeGuest(architecture, records=records, embedded=data))
    granted = Calls(NativeGuest(architecture, records=[directory_record(root, "/", read_only=True)]))
    theirs = Calls(WasmtimeGuest([(root, "/", True)]))
    wrong = []
    for name, operation in OPERATIONS.items():
        for path in PATHS:
            ours, expected = operation(embedded, path), operation(granted, path)
            if ours != expected:
                wrong.append(f"{name} {path[:40]!r}: granted {expected}, embedded {ours}")
            wasmtime = operation(theirs, path)
            if ours != wasmtime and not differs_on_purpose(name, path, True):
                wrong.append(f"{name} {path[:40]!r}: wasmtime {wasmtime}, embedded {ours}")
    for calls in (embedded, granted, theirs):
        calls.guest.close()
    assert not wrong, "\n".join(wrong)


def test_below_a_directory_nothing_above_it_is_reached(both: Callable[..., Calls], root: Path) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "a/up").symlink_to("../file")
    (root / "a/b/near").symlink_to("../inner")
    (root / "a/inner").write_text("inner")
    (root / "file").write_text("file")
    calls = both(root)
    for top in (GRANTED, EMBEDDED):
        below = calls.opened(top, "a", oflags=DIRECTORY)
        assert calls.open(below, "..")[0] == "perm"
        assert calls.open(below, "b/../../file")[0] == "perm"
        assert calls.open(below, "up", follow=True)[0] == "perm"
        assert calls.path_stat(below, "up", follow=True)[0] == "perm"
        assert calls.read(calls.opened(below, "b/near", follow=True), 10) == (SUCCESS, b"inner")
        assert calls.readlink(below, "up") == (SUCCESS, b"../file")
        deeper = calls.opened(below, "b")
        assert calls.open(deeper, "near", follow=True)[0] == "perm"


def test_links_are_followed_up_to_forty(both: Callable[..., Calls], root: Path) -> None:
    (root / "0").write_text("end")
    for i in range(1, 42):
        (root / f"{i}").symlink_to(f"{i - 1}")
    (root / "d").mkdir()
    (root / "d/d").symlink_to("../d")
    calls = both(root)
    for top in (GRANTED, EMBEDDED):
        assert calls.open(top, "40", follow=True)[0] == SUCCESS
        assert calls.open(top, "41", follow=True)[0] == "loop"
        assert calls.open(top, "d" + "/d" * 41, follow=True)[0] == "loop"
        assert calls.open(top, "d" + "/d" * 40, follow=True)[0] == SUCCESS


@COMPRESSED
def test_contents_are_read_as_from_a_file(both: Callable[..., Calls], root: Path, compress: bool) -> None:
    chance = random.Random(1)
    text = b"".join(b"%d lines\n" % chance.randrange(1 << 16) for _ in range(60_000))
    contents = {
        "empty": b"",
        "one": b"x",
        "block": text[:BLOCK],
        "more": text[: BLOCK + 1],
        "text": text,
        "noise": chance.randbytes(3 * BLOCK + 5),
        "mixed": text[:BLOCK] + chance.randbytes(BLOCK) + text[: BLOCK // 2],
        "zeros": bytes(5 * BLOCK),
    }
    for name, data in contents.items():
        (root / name).write_bytes(data)
    calls = both(root, compress=compress)
    fds = {name: calls.opened(EMBEDDED, name) for name in contents}
    for name, data in contents.items():
        fd = fds[name]
        got = b""
        while piece := calls.read(fd, chance.choice([1, 100, 4096, BLOCK, BLOCK + 7, 900_000]))[1]:
            got += piece
        assert got == data, name
        assert calls.tell(fd) == (SUCCESS, len(data))
    for _ in range(300):
        name = chance.choice(list(contents))
        data, at, size = contents[name], chance.randrange(len(contents[name]) + 10), chance.choice([1, 70, 5000, 70000])
        assert calls.read(fds[name], size, offset=at) == (SUCCESS, data[at : at + size])


def test_a_read_fills_several_buffers(both: Callable[..., Calls], root: Path) -> None:
    (root / "file").write_bytes(bytes(range(100)))
    calls = both(root)
    for top in (GRANTED, EMBEDDED):
        fd = calls.opened(top, "file")
        calls.guest.write(IOVS, struct.pack("<IIIIIIII", DATA, 7, 0, 0, DATA + 50, 90, DATA + 500, 10))
        assert calls.guest.call("fd_read", fd, IOVS, 4, OUT) == SUCCESS
        assert calls.guest.read(OUT, 4) == struct.pack("<I", 100)
        assert calls.guest.read(DATA, 7) == bytes(range(7))
        assert calls.guest.read(DATA + 50, 90) == bytes(range(7, 97))
        assert calls.guest.read(DATA + 500, 3) == bytes(range(97, 100))


def test_seeking_is_that_of_a_file(both: Callable[..., Calls], root: Path) -> None:
    (root / "file").write_bytes(bytes(100))
    calls = both(root)
    results = []
    for top in (GRANTED, EMBEDDED):
        fd = calls.opened(top, "file")
        found: list[object] = []
        for offset, whence in [(5, 0), (-2, 1), (0, 1), (-100, 2), (-101, 2), (1 << 40, 0), (1, 1), (-1, 0), (0, 3)]:
            error, at = calls.seek(fd, offset, whence)
            found += [error, at if error == SUCCESS else None, calls.tell(fd)]
        found.append(calls.read(fd, 10))
        found += [calls.read(fd, 10, offset=offset)[0] for offset in (1 << 40, 1 << 63, (1 << 64) - 1)]
        results.append(found)
    assert results[0] == results[1]


def test_what_would_change_something_fails_as_in_a_granted_directory(both: Callable[..., Calls], root: Path) -> None:
    (root / "file").write_text("x")
    (root / "dir").mkdir()
    calls = both(root)
    results = []
    for top in (GRANTED, EMBEDDED):
        fd, directory = calls.opened(top, "file"), calls.opened(top, "dir")
        call = calls.guest.call
        calls.guest.write(IOVS, struct.pack("<II", DATA, 1))
        results.append(
            [
                calls.write(fd, b"x")[0],
                calls.write(fd, b"x", offset=0)[0],
                call("fd_allocate", fd, 0, 10),
                call("fd_allocate", fd, 0, 0),
                call("fd_filestat_set_size", fd, 0),
                call("fd_filestat_set_times", fd, 1, 1, 5),
                call("fd_filestat_set_times", directory, 1, 1, 5),
                call("fd_sync", fd),
                call("fd_datasync", fd),
                call("fd_sync", directory),
                call("fd_advise", fd, 0, 10, 3),
                call("fd_advise", fd, 0, 10, 9),
                call("fd_advise", fd, 1 << 63, 10, 0),
                call("sock_accept", fd, 0, OUT),
                call("sock_send", fd, IOVS, 1, 0, OUT),
                call("sock_recv", fd, IOVS, 1, 0, OUT, OUT + 8),
                call("sock_shutdown", fd, 1),
                calls.read(directory, 10),
                calls.readdir_once(fd, 100, 0),
                calls.open(fd, "x")[0],
                calls.open(top, "new", oflags=CREAT, rights=WRITE)[0],
            ]
        )
    assert results[0] == results[1]


def test_a_descriptor_says_what_a_granted_one_says(both: Callable[..., Calls], root: Path) -> None:
    (root / "file").write_text("x")
    calls = both(root)
    results = []
    for top in (GRANTED, EMBEDDED):
        found: list[object] = [calls.fdstat(top)]
        for fdflags in (0, APPEND, NONBLOCK, DSYNC, SYNC, RSYNC, DSYNC | RSYNC, APPEND | NONBLOCK):
            for path in ("file", "."):
                fd = calls.opened(top, path, fdflags=fdflags)
                found.append((path, fdflags, calls.fdstat(fd)))
                if path == "file":
                    for flags in (APPEND, NONBLOCK, SYNC, 0, fdflags):
                        found.append((flags, calls.guest.call("fd_fdstat_set_flags", fd, flags), calls.fdstat(fd)))
                found.append(calls.guest.call("fd_fdstat_set_rights", fd, READ, READ))
                found += [calls.fdstat(fd), calls.tell(fd), calls.stat(fd)[0]]
        results.append(found)
    assert results[0] == results[1]


def test_rights_that_were_given_up_are_not_there_below(both: Callable[..., Calls], root: Path) -> None:
    (root / "file").write_text("x")
    calls = both(root)
    for top in (GRANTED, EMBEDDED):
        base, inheriting = calls.fdstat(top)[1][2:]
        assert calls.guest.call("fd_fdstat_set_rights", top, base, inheriting & ~(1 << 2)) == SUCCESS
        fd = calls.opened(top, "file")
        assert calls.seek(fd, 1, 0)[0] == "notcapable"
        assert calls.read(fd, 1) == (SUCCESS, b"x")


def test_attributes(both: Callable[..., Calls], root: Path) -> None:
    (root / "dir/below").mkdir(parents=True)
    (root / "file").write_text("hello")
    (root / "link").symlink_to("file")
    os.utime(root / "file", ns=(1, 1_234_567_890_987_654_321))
    os.utime(root / "dir", ns=(1, 5))
    calls = both(root)
    inodes = set()
    devices = set()
    for path in (".", "dir", "dir/below", "file", "link"):
        error, stat = calls.path_stat(EMBEDDED, path)
        expected = calls.path_stat(GRANTED, path)[1]
        assert error == SUCCESS
        assert (stat.filetype, stat.links) == (expected.filetype, expected.links)
        assert stat.size == (expected.size if stat.filetype != 3 else 0)
        # Whole seconds: the same wherever it is built, and what Python compares.
        assert stat.mtim == expected.mtim // 10**9 * 10**9
        assert (stat.atim, stat.ctim) == (stat.mtim, stat.mtim)
        inodes.add(stat.inode)
        devices.add(stat.device)
        if path != "link":
            assert calls.stat(calls.opened(EMBEDDED, path)) == (SUCCESS, stat)
    assert len(inodes) == 5
    assert len(devices) == 1
    assert calls.path_stat(EMBEDDED, "file")[1].mtim == 1_234_567_890 * 10**9


def test_entries_are_listed_once_from_any_cookie(both: Callable[..., Calls], root: Path) -> None:
    for i in range(500):
        (root / f"entry {i}").touch()
    (root / "dir").mkdir()
    (root / "link").symlink_to("dir")
    calls = both(root)
    listed = calls.readdir(EMBEDDED)
    assert [entry.name for entry in listed[:2]] == [b".", b".."]
    assert {(e.name, e.filetype) for e in listed} == {(e.name, e.filetype) for e in calls.readdir(GRANTED)}
    assert len(listed) == len({entry.inode for entry in listed}) + 1  # `..` is the directory itself
    for size in (24 + 20, 100, 4096):
        assert calls.readdir(EMBEDDED, size) == listed
    for index in (0, 1, 2, 250, len(listed) - 1):
        assert calls.readdir(EMBEDDED, cookie=listed[index].next) == listed[index + 1 :]
    assert calls.readdir_once(EMBEDDED, 100, (1 << 64) - 1) == (SUCCESS, b"")
    for entry in listed[2:]:
        assert calls.path_stat(EMBEDDED, entry.name)[1].inode == entry.inode


def test_names_are_found_whatever_stands_beside_them(both: Callable[..., Calls], root: Path) -> None:
    chance = random.Random(2)
    names = {"".join(chance.choices("ab", k=chance.randrange(1, 12))) for _ in range(400)} | {"ä", "z" * 255, "aü"}
    for name in names:
        (root / name).write_text(name)
    calls = both(root)
    for name in sorted(names):
        assert calls.read(calls.opened(EMBEDDED, name), 300) == (SUCCESS, name.encode())
    for _ in range(400):
        name = "".join(chance.choices("abc", k=chance.randrange(1, 12)))
        assert (calls.open(EMBEDDED, name)[0] == SUCCESS) == (name in names)


def test_an_empty_directory_can_be_embedded(both: Callable[..., Calls], root: Path) -> None:
    calls = both(root)
    assert [entry.name for entry in calls.readdir(EMBEDDED)] == [b".", b".."]
    assert calls.open(EMBEDDED, "x")[0] == "noent"


def test_waiting_for_an_embedded_file_is_over_at_once(both: Callable[..., Calls], root: Path) -> None:
    (root / "file").write_bytes(bytes(100))
    calls = both(root)
    found = []
    for top in (GRANTED, EMBEDDED):
        fd = calls.opened(top, "file")
        calls.seek(fd, 40, 0)
        hour = clock_subscription(9, 1, 3600 * 10**9)
        found.append([calls.poll(fd_subscription(1, 1, fd), hour), calls.poll(fd_subscription(2, 2, fd), hour)])
        calls.seek(fd, 0, 2)
        found[-1].append(calls.poll(fd_subscription(3, 1, fd)))
    assert found[0] == found[1]


def test_descriptors_are_numbered_like_any_other(both: Callable[..., Calls], root: Path) -> None:
    (root / "one").write_text("one")
    (root / "two").write_text("two")
    calls = both(root)
    one, two = calls.opened(EMBEDDED, "one"), calls.opened(GRANTED, "two")
    assert calls.guest.call("fd_renumber", one, two) == SUCCESS
    assert calls.read(two, 3) == (SUCCESS, b"one")
    assert calls.close(one) == "badf"
    host, embedded = calls.opened(GRANTED, "two"), calls.opened(EMBEDDED, "one")
    assert calls.guest.call("fd_renumber", host, embedded) == SUCCESS
    assert calls.read(embedded, 3) == (SUCCESS, b"two")
    assert calls.close(embedded) == SUCCESS
    many = [calls.opened(EMBEDDED, "two") for _ in range(5000)]
    assert len(set(many)) == 5000
    assert max(many) < 5010
    assert calls.read(many[-1], 9) == (SUCCESS, b"two")
    for fd in many:
        assert calls.close(fd) == SUCCESS
    assert calls.close(EMBEDDED) == SUCCESS
    assert calls.open(EMBEDDED, "one")[0] == "badf"


def test_the_guest_is_told_the_name_of_each_directory(
    start: Start, architecture: str, root: Path, tmp_path: Path
) -> None:
    (root / "in").write_text("1")
    (tmp_path / "single").write_text("2")
    image = make_image(
        [
            EmbedGrant(str(root), "/one"),
            EmbedGrant(str(tmp_path / "single"), "/two/file"),
            EmbedGrant(str(tmp_path / "single"), "/one/added"),
            EmbedGrant(str(tmp_path / "single"), "alone"),
        ],
        compress=False,
        endian=endian_of(architecture),
    )
    records, data = embedded_records(image)
    calls = start(records, embedded=data)
    names = {}
    for fd in (3, 4, 5):
        assert calls.guest.call("fd_prestat_get", fd, OUT) == SUCCESS
        kind, size = struct.unpack("<II", calls.guest.read(OUT, 8))
        assert kind == 0
        assert calls.guest.call("fd_prestat_dir_name", fd, DATA, size) == SUCCESS
        name = calls.guest.read(DATA, size).decode()
        names[name] = sorted(entry.name for entry in calls.readdir(fd))[2:]
    assert names == {"/one": [b"added", b"in"], "/two": [b"file"], ".": [b"alone"]}
    assert calls.guest.call("fd_prestat_get", 6, OUT) == "badf"


def test_bad_addresses_are_errors(both: Callable[..., Calls], root: Path) -> None:
    (root / "file").write_text("x")
    calls = both(root)
    results = []
    for top in (GRANTED, EMBEDDED):
        fd = calls.opened(top, "file")
        found = []
        for function in functions():
            if function.name in ("proc_exit", "proc_raise", "fd_close", "poll_oneoff", "fd_renumber"):
                continue
            for first in (fd, top):
                arguments = [
                    first if name.endswith("fd") else 1 << 31 if kind == "i32" else 0
                    for name, kind in function.parameters
                ]
                found.append((function.name, calls.guest.call(function.name, *arguments)))
        results.append(found)
    assert results[0] == results[1]


# ---------------------------------------------------------------------------------------- what a damaged image may do


class _Blocks:
    """One file of an image, whose compressed blocks a test puts in place."""

    def __init__(self, start: Start, endian: str, tmp_path: Path) -> None:
        self.start = start
        self.endian = endian
        self.order = "<" if endian == "little" else ">"  # of the numbers in the image
        self.file = tmp_path / "tree" / "file"
        self.file.parent.mkdir()

    def open(self, blocks: list[bytes], size: int) -> tuple[Calls, int]:
        """A guest with a file of `size` bytes that are in `blocks`."""
        self.file.write_bytes(bytes(size))
        image_of_one = make_image([EmbedGrant(str(self.file.parent), "/")], compress=True, endian=self.endian)
        records, data = embedded_records(image_of_one)
        image = bytearray(data)
        _, nodes, _, _ = struct.unpack_from(self.order + "QQQQ", image)
        node = nodes + 2 * 48
        table = [len(image)]
        for block in blocks:
            table.append(table[-1] + len(block))
            image += block
        image += bytes(-len(image) % 8)
        struct.pack_into(self.order + "Q", image, node + 16, len(image))
        assert image[node + 46] == 1
        image += struct.pack(f"{self.order}{len(table)}Q", *table)
        struct.pack_into(self.order + "Q", image, 0, len(image))
        calls = self.start(records, embedded=bytes(image))
        return calls, calls.opened(3, "file")


@pytest.fixture
def blocks(start: Start, architecture: str, tmp_path: Path) -> _Blocks:
    return _Blocks(start, endian_of(architecture), tmp_path)


def _deflate(data: bytes, level: int = 9, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    work = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return work.compress(data) + work.flush()


def _samples() -> list[bytes]:
    chance = random.Random(3)
    words = [chance.randbytes(chance.randrange(1, 20)) for _ in range(50)]
    return [
        b"".join(chance.choice(words) for _ in range(4000))[:BLOCK],
        bytes(BLOCK),
        b"ab" * 20_000,
        bytes(chance.choices(range(256), [1 / (i + 1) ** 2 for i in range(256)], k=BLOCK)),  # long codes
        (bytes(range(256)) * 256)[:BLOCK],
        chance.randbytes(30_000) + bytes(9) + chance.randbytes(20_000),
    ]


def test_every_way_of_deflating_is_read(blocks: _Blocks) -> None:
    """All block types, by zlib at several levels and strategies; several blocks of several types in one stream."""
    strategies = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED, zlib.Z_FILTERED)
    for sample in _samples():
        work = zlib.compressobj(9, zlib.DEFLATED, -15)
        mixed = work.compress(sample[:9000]) + work.flush(zlib.Z_FULL_FLUSH) + work.compress(sample[9000:])
        forms = [mixed + work.flush(zlib.Z_SYNC_FLUSH) + work.flush()]
        forms += [_deflate(sample, level, strategy) for level in (0, 1, 6, 9) for strategy in strategies]
        for form in forms:
            assert zlib.decompress(form, -15) == sample
            if len(form) == len(sample):
                continue
            calls, fd = blocks.open([form], len(sample))
            assert calls.read(fd, len(sample) + 1) == (SUCCESS, sample)
            assert calls.read(fd, 50, offset=777) == (SUCCESS, sample[777:827])
            calls.guest.close()


def test_damaged_blocks_are_an_error(blocks: _Blocks) -> None:
    """Whatever stands in a block: the right contents, wrong ones or `io`, and the guest lives."""
    chance = random.Random(4)
    samples = [sample[:9000] for sample in _samples()]
    damaged, sizes = [], []
    for _ in range(150):
        sample = chance.choice(samples)
        form = bytearray(_deflate(sample, chance.choice([0, 1, 9]), chance.choice([0, 2, 4])))
        kind = chance.randrange(4)
        if kind == 0:
            del form[chance.randrange(len(form)) :]
        elif kind == 1:
            form += chance.randbytes(9)
        elif kind == 2:
            form[:] = chance.randbytes(chance.randrange(1, 300))
        else:
            for _ in range(chance.randrange(1, 9)):
                form[chance.randrange(len(form))] ^= 1 << chance.randrange(8)
        damaged.append(bytes(form))
        sizes.append(len(sample))
    errors = 0
    for block, size in zip(damaged, sizes, strict=True):
        if len(block) == size:
            continue
        calls, fd = blocks.open([block], size)
        error, data = calls.read(fd, size)
        assert error == "io" or (error == SUCCESS and len(data) == size)
        errors += error == "io"
        calls.guest.write(DATA + size, b"untouched")
        calls.read(fd, size)
        assert calls.guest.read(DATA + size, 9) == b"untouched"
        assert calls.read(calls.opened(3, "."), 1)[0] == "badf"
        calls.guest.close()
    assert errors > 50


def test_blocks_that_lie_outside_are_an_error(blocks: _Blocks) -> None:
    size = 5000
    calls, fd = blocks.open([_deflate(bytes(size))], size)
    assert calls.read(fd, size) == (SUCCESS, bytes(size))
    file = io.BytesIO()
    image = make_image([EmbedGrant(str(blocks.file.parent), "/")], compress=True, endian=blocks.endian)
    image.write(file)
    records, data = embedded_records(image)
    _, nodes, *_ = struct.unpack_from(blocks.order + "QQQQ", data)
    (table,) = struct.unpack_from(blocks.order + "Q", data, nodes + 2 * 48 + 16)
    for first, second in ((1 << 63, 1 << 62), (100, 1 << 40), ((1 << 64) - 8, 8), (0, 40), (200, 100)):
        wrong = bytearray(data)
        struct.pack_into(blocks.order + "QQ", wrong, table, first, second)
        other = blocks.start(records, embedded=bytes(wrong))
        assert other.read(other.opened(3, "file"), size)[0] == "io"
        assert other.read(other.opened(3, "file"), 10, offset=3)[0] == "io"


# ------------------------------------------------------------------------------------------------------- random trees

NAMES = ["a", "b", "c", "d"]
TARGETS = ["a", "b/c", "../a", "c", "../b/d", "d/", ".", "..", "../..", "a/../b", "./c//", "/a", "b/./d/.", "../../a/b"]


def random_tree(chance: random.Random, root: Path, depth: int = 0) -> None:
    root.mkdir()
    for name in NAMES:
        kind = chance.randrange(6)
        if kind == 0:
            (root / name).write_text("x" * chance.randrange(9))
        elif kind <= 2:
            (root / name).symlink_to(chance.choice(TARGETS))
        elif kind <= 4 and depth < 3:
            random_tree(chance, root / name, depth + 1)


@pytest.mark.parametrize("seed", range(8))
def test_random_paths_in_random_trees(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same errors and the same files as in a granted directory, below any of its directories."""
    monkeypatch.setattr(embed, "_check_link", lambda root, link: None)
    chance = random.Random(seed)
    random_tree(chance, tmp_path / "tree")
    records, data = embedded_records(make_image([EmbedGrant(str(tmp_path / "tree"), "/")], compress=seed % 2 == 0))
    grants = [directory_record(tmp_path / "tree", "/granted", read_only=True), *records]
    calls = Calls(NativeGuest(architectures()[0], records=grants, embedded=data))
    bases = [(GRANTED, EMBEDDED)]
    outcomes = set()
    for _ in range(1500):
        pieces = chance.choices([*NAMES, ".", "..", ""], [6] * 4 + [1, 2, 1], k=chance.randrange(1, 7))
        path = "/".join(pieces) + "/" * (chance.random() < 0.15)
        follow, oflags = chance.random() < 0.5, chance.choice([0, 0, DIRECTORY])
        results = []
        opened = []
        for base in chance.choice(bases):
            error, stat = calls.path_stat(base, path, follow=follow)
            found: list[object] = [(error, stat.filetype, stat.links) if error == SUCCESS else error]
            found.append(calls.readlink(base, path))
            error, fd = calls.open(base, path, oflags=oflags, follow=follow)
            found.append(error)
            if error == SUCCESS:
                opened.append(fd)
                found += [calls.fdstat(fd), calls.read(fd, 20)]
            outcomes.add(error)
            results.append(found)
        assert results[0] == results[1], (path, follow, oflags)
        if opened and calls.fdstat(opened[0])[1][0] == 3 and len(bases) < 30:
            bases.append((opened[0], opened[1]))
        else:
            for fd in opened:
                calls.close(fd)
    calls.guest.close()
    assert outcomes >= {SUCCESS, "noent", "notdir", "perm", "loop"}
