"""Embedded directories: one image of them all, which an executable carries behind everything else and maps.

The layout is `waot_abi.h`'s (struct waot_embed_image): contents and link targets, each compressed file with a table of
its blocks behind it, then the nodes, then the names. It goes through a temporary file and never as a whole
through memory: a directory of assets may well have a gigabyte.

The same directory gives the same bytes: entries are sorted, and of times only the last modification counts, in whole
seconds (Python compares those of a source file with its .pyc), none of them after SOURCE_DATE_EPOCH where that is set.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import stat
import struct
import tempfile
import zlib
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import FileIO
from typing import IO, BinaryIO

from waot.errors import CacheError, UsageError, WaotError
from waot.options import EmbedGrant, default_jobs

MAXIMUM_ENTRIES = 1_000_000  # files, directories and links of a program
MAXIMUM_BYTES = 8 << 30  # of the image
BLOCK = 1 << 16  # WAOT_EMBED_BLOCK
_LEVEL = 9  # of compression: decoding is no slower for it
_LONGEST_NAME, _LONGEST_PATH, _LONGEST_TARGET, _LINKS = 255, 4095, 4095, 40
_DIRECTORY, _FILE, _LINK = 3, 4, 7  # WAOT_WASI_FILETYPE_*
_CHUNK = 1 << 20  # bytes read at once
_ALIGN = 16  # bytes, of contents
_WAITING = 64  # files, of at most _CHUNK bytes, that are compressed at a time
_LEAST = 16  # a file that does not lose a sixteenth is not compressed


@dataclass(frozen=True, slots=True)
class Embedded:
    """What the manifest says of a directory in the executable. `bytes` are those of its files as the guest sees them,
    `stored` what they take, equal contents counted once."""

    guest: str
    root: int  # its node
    directories: int  # itself included
    files: int
    links: int
    bytes: int
    stored: int
    compressed: bool = False


class EmbeddedImage:
    """The image, `size` bytes in a temporary file, and what it holds."""

    def __init__(self, file: IO[bytes], size: int, directories: tuple[Embedded, ...]) -> None:
        self._file = file
        self.size = size
        self.directories = directories

    def read(self) -> bytes:
        """All of it, for formats in which something follows it. Raises OSError."""
        self._file.seek(0)
        return self._file.read(self.size)

    def write(self, to: BinaryIO) -> None:
        """Appends the image to a file. Raises OSError."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, to, _CHUNK)


@dataclass(slots=True, eq=False)
class _Contents:
    """Where contents are in the image, known when they have been written; shared by all files that have the same."""

    at: int = 0  # of the table of blocks, where they are compressed
    compressed: bool = False


@dataclass(slots=True, eq=False)
class _Node:
    name: bytes
    filetype: int
    modified: int  # seconds
    path: bytes  # of the host, to read and for messages
    size: int = 0
    target: bytes = b""
    entries: list[_Node] = field(default_factory=list)
    parent: _Node | None = None
    number: int = 0
    contents: _Contents = field(default_factory=_Contents)

    def find(self, name: bytes) -> _Node | None:
        """The entry of that name in a directory whose entries are sorted."""
        index = bisect_left(self.entries, name, key=lambda entry: entry.name)
        return self.entries[index] if index < len(self.entries) and self.entries[index].name == name else None


def make_image(embeds: Sequence[EmbedGrant], *, compress: bool, endian: str = "little") -> EmbeddedImage:
    """Reads what is to be embedded. Raises WaotError, which names the file, for what cannot be."""
    roots = _read_trees(embeds)
    order = "<" if endian == "little" else ">"
    try:
        file = tempfile.TemporaryFile(prefix="waot-embed-")  # noqa: SIM115
        writer = _Writer(file, order, compress, list(roots.values()))
        directories = writer.write(list(roots))
        file.flush()
    except OSError as error:
        raise _no_room(error) from None
    return EmbeddedImage(file, writer.at, directories)


# ------------------------------------------------------------------------------------------------------ reading trees


def _read_trees(embeds: Sequence[EmbedGrant]) -> dict[str, _Node]:
    """The root of each guest directory. Single files stand in a root of their own, or in an embedded directory."""
    latest = _source_date()
    roots: dict[str, _Node] = {}
    singles: list[tuple[EmbedGrant, os.stat_result]] = []
    count = 0
    for embed in embeds:
        status = _stat(os.fsencode(embed.host), follow=True)
        if stat.S_ISREG(status.st_mode):
            singles.append((embed, status))
            continue
        if not stat.S_ISDIR(status.st_mode):
            raise _refused(os.fsencode(embed.host), "neither a file nor a directory")
        if embed.guest in roots:
            raise UsageError(f"two directories are embedded as {embed.guest!r}", hint="give each a name of its own")
        root = _Node(b"", _DIRECTORY, _seconds(status, latest), os.fsencode(embed.host))
        count += _fill(root, latest, count)
        roots[embed.guest] = root
    for embed, status in singles:
        directory, name = posixpath.split(embed.guest)
        if name in ("", ".", ".."):
            raise UsageError(f"the file {embed.host!r} needs a name: {embed.guest!r} has none", hint="use FILE::GUEST")
        file = _Node(os.fsencode(name), _FILE, _seconds(status, latest), os.fsencode(embed.host), status.st_size)
        root = roots.setdefault(directory or ".", _Node(b"", _DIRECTORY, file.modified, file.path))
        if any(entry.name == file.name for entry in root.entries):
            raise UsageError(f"two files are embedded as {embed.guest!r}", hint="give each a name of its own")
        file.parent = root
        root.entries.append(file)
    for root in roots.values():
        root.parent = root
        for node in _walk(root):
            node.entries.sort(key=lambda entry: entry.name)
        for node in _walk(root):
            if node.filetype == _LINK:
                _check_link(root, node)
    return roots


def _fill(root: _Node, latest: int, before: int) -> int:
    """Reads everything below `root`: how many entries there are. `before` have been read for other roots."""
    count = 0
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(directory.path) as found:
                entries = list(found)
        except OSError as error:
            raise _unreadable(directory.path, error) from None
        count += len(entries)
        if before + count > MAXIMUM_ENTRIES:
            raise _refused(root.path, f"more than {MAXIMUM_ENTRIES:,} files, the most that a program can embed")
        for entry in entries:
            if len(entry.path) - len(root.path) > _LONGEST_PATH or len(entry.name) > _LONGEST_NAME:
                raise _refused(entry.path, "a name too long to be embedded")
            _check_utf8(entry.path, entry.name, "name")
            node = _read_entry(entry.path, entry.name, latest)
            node.parent = directory
            directory.entries.append(node)
            if node.filetype == _DIRECTORY:
                waiting.append(node)
    return count


def _read_entry(path: bytes, name: bytes, latest: int) -> _Node:
    status = _stat(path, follow=False)
    modified = _seconds(status, latest)
    if stat.S_ISDIR(status.st_mode):
        return _Node(name, _DIRECTORY, modified, path)
    if stat.S_ISREG(status.st_mode):
        return _Node(name, _FILE, modified, path, status.st_size)
    if not stat.S_ISLNK(status.st_mode):
        raise _refused(path, "neither a file, a directory nor a symbolic link")
    try:
        target = os.readlink(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    _check_utf8(path, target, "target")
    return _Node(name, _LINK, modified, path, len(target), target)


def _check_utf8(path: bytes, text: bytes, what: str) -> None:
    """WASI has no other names: the program could not open the file, nor list the directory."""
    try:
        text.decode()
    except UnicodeDecodeError:
        raise _refused(path, f"its {what} is not UTF-8") from None


def _source_date() -> int:
    """The latest time that is kept: SOURCE_DATE_EPOCH (reproducible-builds.org), or none."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return 1 << 33  # seconds: nanoseconds in 64 bits go a little further
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}", hint="it must be a number of seconds since 1970")
    return int(text)


def _seconds(status: os.stat_result, latest: int) -> int:
    return max(0, min(int(status.st_mtime_ns // 1_000_000_000), latest))


def _stat(path: bytes, *, follow: bool) -> os.stat_result:
    try:
        return os.stat(path, follow_symlinks=follow)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: bytes, error: Exception) -> WaotError:
    return WaotError(f"cannot be embedded: {getattr(error, 'strerror', None) or error}", file=os.fsdecode(path))


def _refused(path: bytes, what: str, hint: str | None = None) -> WaotError:
    return WaotError(f"cannot be embedded: {what}", file=os.fsdecode(path), hint=hint)


def _walk(root: _Node) -> Iterator[_Node]:
    """Breadth first, so that the entries of a directory stand side by side."""
    level = [root]
    while level:
        yield from level
        level = [entry for node in level for entry in node.entries]


def _check_link(root: _Node, link: _Node) -> None:
    """Raises if a link leads out of what is embedded: there it would stand for nothing. One may lead nowhere."""
    at, links = link.parent, 0
    parts = [link.name]
    while parts:
        name = parts.pop()
        assert at is not None
        if name in (b"", b"."):
            continue
        if name == b"..":
            if at is root:
                raise _leads_out(link)
            at = at.parent
            continue
        found = at.find(name)
        if found is None or found.filetype == _FILE:
            return
        if found.filetype == _DIRECTORY:
            at = found
            continue
        links += 1
        if links > _LINKS:
            return
        if found.target.startswith(b"/"):
            raise _leads_out(link)
        parts += reversed(found.target.split(b"/"))


def _leads_out(link: _Node) -> WaotError:
    return _refused(
        link.path,
        f"a symbolic link to {os.fsdecode(link.target)!r}, outside of the directory",
        "embed a copy with what it stands for (cp -rL)",
    )


# ------------------------------------------------------------------------------------------------------- writing it

_HEADER = "QQQQ"  # struct waot_embed_image
_NODE = "QQQIIIIIBBBx"  # struct waot_embed_node


def _no_room(error: OSError) -> WaotError:
    return CacheError(
        f"the temporary file for what is embedded: {error.strerror}", hint="set TMPDIR to where there is room"
    )


class _Writer:
    """The image as far as it is written: `at` bytes of `file`."""

    def __init__(self, file: IO[bytes], order: str, compress: bool, roots: Sequence[_Node]) -> None:
        self._file = file
        self._order = order
        self._compress = compress
        self._roots = roots
        self.at = 0
        sizes = Counter(node.size for root in roots for node in _walk(root) if node.filetype == _FILE)
        self._shared_sizes = frozenset(size for size, count in sizes.items() if count > 1)
        self._known: dict[bytes, _Contents] = {}  # by digest
        # Small files that are being compressed, in their order.
        self._waiting: deque[tuple[_Contents, bytes, Future[list[bytes]]]] = deque()

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise _no_room(error) from None
        self.at += len(data)
        if self.at > MAXIMUM_BYTES:
            raise UsageError(f"more than {MAXIMUM_BYTES >> 30} GiB cannot be embedded")

    def _pad(self, multiple: int) -> None:
        self._put(bytes(-self.at % multiple))

    def write(self, guests: Sequence[str]) -> tuple[Embedded, ...]:
        """Everything; what there is in each root."""
        self._put(bytes(struct.calcsize("<" + _HEADER)))
        nodes: list[_Node] = []
        directories = []
        with ThreadPoolExecutor(default_jobs() if self._compress else 1) as pool:
            for guest, root in zip(guests, self._roots, strict=True):
                own = list(_walk(root))
                for node in own:
                    nodes.append(node)
                    node.number = len(nodes)
                before = self.at
                for node in own:
                    if node.filetype == _LINK:
                        node.contents = _Contents(self.at)
                        self._put(node.target + b"\0")
                    elif node.filetype == _FILE:
                        self._add_file(node, pool)
                self._drain()
                kinds = Counter(node.filetype for node in own)
                size = sum(node.size for node in own if node.filetype == _FILE)
                compressed = any(node.contents.compressed for node in own)
                directories.append(
                    Embedded(
                        guest=guest,
                        root=root.number,
                        directories=kinds[_DIRECTORY],
                        files=kinds[_FILE],
                        links=kinds[_LINK],
                        bytes=size,
                        stored=self.at - before,
                        compressed=compressed,
                    )
                )
        self._write_index(nodes)
        return tuple(directories)

    def _add_file(self, node: _Node, pool: ThreadPoolExecutor) -> None:
        try:
            with open(node.path, "rb", buffering=0) as file:
                if os.fstat(file.fileno()).st_size != node.size:
                    raise _refused(node.path, "it changes while it is read")
                if node.size in self._shared_sizes:
                    digest = hashlib.file_digest(file, "sha256").digest()
                    if digest in self._known:
                        node.contents = self._known[digest]
                        return
                    self._known[digest] = node.contents
                    file.seek(0)
                self._add_contents(node, file, pool)
        except OSError as error:
            raise _unreadable(node.path, error) from None

    def _add_contents(self, node: _Node, file: FileIO, pool: ThreadPoolExecutor) -> None:
        if self._compress and node.size <= _CHUNK:
            data = _read(node, file, node.size)
            if len(self._waiting) >= _WAITING:
                self._drain(_WAITING // 2)
            self._waiting.append((node.contents, data, pool.submit(_compress, data)))
            return
        self._drain()
        start = self.at
        self._pad(_ALIGN)
        node.contents.at = self.at
        if self._compress:
            blocks: list[int] = []
            for size in _pieces(node.size):
                data = _read(node, file, size)
                parts = [data[at : at + BLOCK] for at in range(0, size, BLOCK)]
                for part in pool.map(_compress, parts):
                    blocks.append(self.at)
                    self._put(part[0])
            if self._finish_blocks(node.contents, blocks, node.size):
                return
            file.seek(0)
            self._go_back(start)
            self._pad(_ALIGN)
        for size in _pieces(node.size):
            self._put(_read(node, file, size))

    def _drain(self, left: int = 0) -> None:
        """Writes the files that wait, but for the last few."""
        while len(self._waiting) > left:
            contents, data, future = self._waiting.popleft()
            start = self.at
            blocks = []
            for part in future.result():
                blocks.append(self.at)
                self._put(part)
            if not self._finish_blocks(contents, blocks, len(data)):
                self._go_back(start)
                self._pad(_ALIGN)
                contents.at = self.at
                self._put(data)

    def _finish_blocks(self, contents: _Contents, blocks: list[int], size: int) -> bool:
        """Writes the table of blocks; false where all of it saves so little that reading costs more."""
        blocks.append(self.at)
        if blocks[-1] - blocks[0] + 8 * len(blocks) > size - size // _LEAST:
            return False
        self._pad(8)
        contents.at, contents.compressed = self.at, True
        self._put(struct.pack(f"{self._order}{len(blocks)}Q", *blocks))
        return True

    def _go_back(self, at: int) -> None:
        self._file.seek(at)
        self._file.truncate()
        self.at = at

    def _write_index(self, nodes: Sequence[_Node]) -> None:
        self._pad(8)
        nodes_at = self.at
        names = bytearray()
        places: dict[bytes, int] = {}
        layout = struct.Struct(self._order + _NODE)
        self._put(bytes(layout.size))
        for node in nodes:
            if node.name not in places:
                places[node.name] = len(names)
                names += node.name
            assert node.parent is not None
            directories = sum(entry.filetype == _DIRECTORY for entry in node.entries)
            self._put(
                layout.pack(
                    node.modified * 1_000_000_000,
                    node.size,
                    node.contents.at,
                    places[node.name],
                    node.parent.number,
                    node.entries[0].number if node.entries else 0,
                    len(node.entries),
                    2 + directories if node.filetype == _DIRECTORY else 1,
                    len(node.name),
                    node.filetype,
                    node.contents.compressed,
                )
            )
        names_at = self.at
        self._put(bytes(names))
        self._file.seek(0)
        self._file.write(struct.pack(self._order + _HEADER, self.at, nodes_at, names_at, len(nodes) + 1))


def _pieces(size: int) -> Iterator[int]:
    """The sizes of the pieces in which a file is read."""
    while size > 0:
        yield min(size, _CHUNK)
        size -= _CHUNK


def _read(node: _Node, file: FileIO, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = file.read(size - len(data))
        if not part:
            raise _refused(node.path, "it changes while it is read")
        data = data + part if data else part
    return data


def _compress(data: bytes) -> list[bytes]:
    """Blocks in raw deflate (RFC 1951), or as they are where they get no smaller."""
    blocks = []
    for at in range(0, len(data), BLOCK):
        block = data[at : at + BLOCK]
        work = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
        compressed = work.compress(block) + work.flush()
        blocks.append(compressed if len(compressed) < len(block) else block)
    return blocks
