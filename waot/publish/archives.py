"""Archives that depend on nothing but their contents: .tar.gz, .zip and .tar.

Entries are sorted, owned by 0:0, with modes 0755 and 0644 and one time for all: SOURCE_DATE_EPOCH, or its beginning.
Nothing says which system or user made them. Compression is `waot.publish.deflate`'s.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from waot.errors import UsageError, WaotError
from waot.publish.deflate import CHUNK, WINDOW, compress_chunk

_GZIP_HEADER = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255])  # RFC 1952: no name, no time, best, unknown system
_ZIP_LIMIT = 0xFFFFFFFF  # without the extension to 64 bits
_ZIP_EARLIEST = 315_532_800  # 1980-01-01
_ZIP_LATEST = 4_354_819_198  # 2107-12-31 23:59:58
_BLOCK, _RECORD = 512, 10240  # of a tar archive
_OCTAL_LIMIT = (1 << 33) - 1
_COPY = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A file for an archive: its path in there, and what writes it."""

    path: str
    write: Callable[[BinaryIO], None]
    executable: bool = False

    @property
    def mode(self) -> int:
        """Permissions."""
        return 0o755 if self.executable else 0o644


class Packed:
    """What was packed, in a temporary file: `size` bytes, and SHA-256s in hexadecimal.

    `content_sha256` is that of the bytes before compression.
    """

    def __init__(self, file: IO[bytes], digest: str, content_sha256: str) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self.sha256 = digest
        self.content_sha256 = content_sha256

    def write(self, to: BinaryIO) -> None:
        """Appends it to a file. Raises OSError."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, to, _COPY)


def source_date_epoch() -> int | None:
    """The seconds of SOURCE_DATE_EPOCH (reproducible-builds.org), None where it is not set. Raises UsageError."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}", hint="it must be a number of seconds since 1970")
    return int(text)


def tar(entries: Sequence[Entry], epoch: int) -> Packed:
    """A tar archive (POSIX.1-2001), not compressed. Raises WaotError."""
    return _packed(lambda file: _write_tar(file, entries, epoch))


def tar_gz(entries: Sequence[Entry], epoch: int, pool: Executor) -> Packed:
    """A tar archive compressed with gzip. Raises WaotError."""
    with _temporary() as plain:
        _write_tar(plain, entries, epoch)
        return _packed(lambda file: _write_gzip(file, plain, pool), plain)


def zip_file(entries: Sequence[Entry], epoch: int, pool: Executor) -> Packed:
    """A zip archive; what unpacks it on Unix makes executables executable. Raises WaotError."""
    return _packed(lambda file: _write_zip(file, entries, epoch, pool))


def _temporary() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(prefix="waot-archive-")
    except OSError as error:
        raise _no_room(error) from None


def _no_room(error: OSError) -> WaotError:
    return WaotError(f"the archive's temporary file: {error.strerror or error}", hint="TMPDIR says where it is")


def _packed(fill: Callable[[IO[bytes]], None], content: IO[bytes] | None = None) -> Packed:
    """What `fill` writes; `content` is what it was made of, where that is another file."""
    file = _temporary()
    try:
        fill(file)
        file.flush()
        digest = _digest(file)
        return Packed(file, digest, digest if content is None else _digest(content))
    except OSError as error:
        raise _no_room(error) from None


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    state = sha256()
    while part := file.read(_COPY):
        state.update(part)
    return state.hexdigest()


def with_directories(entries: Iterable[Entry]) -> list[tuple[str, Entry | None]]:
    """The entries and the directories that they are in (None), sorted by path, a directory before what it holds."""
    found: dict[str, Entry | None] = {}
    for entry in entries:
        for parent in PurePosixPath(entry.path).parents:
            if str(parent) not in (".", "/"):
                found[str(parent)] = None
        found[entry.path] = entry
    return sorted(found.items(), key=lambda item: item[0].split("/"))


# ----------------------------------------------------------------------------------------------------------------- tar


# POSIX.1-2001 (pax), the extended header only where the older one has no room. Python's tarfile would do, but what it
# writes into fields that mean nothing has changed between its versions.


def _write_tar(file: IO[bytes], entries: Sequence[Entry], epoch: int) -> None:
    for path, entry in with_directories(entries):
        if entry is None:
            _write_header(file, f"{path}/", b"5", 0o755, 0, epoch)
            continue
        with _content(entry) as content:
            size = content.seek(0, os.SEEK_END)
            content.seek(0)
            _write_header(file, path, b"0", entry.mode, size, epoch)
            shutil.copyfileobj(content, file, _COPY)
            file.write(bytes(-size % _BLOCK))
    file.write(bytes(2 * _BLOCK))
    file.write(bytes(-file.tell() % _RECORD))


def _write_header(file: IO[bytes], path: str, kind: bytes, mode: int, size: int, epoch: int) -> None:
    name = path.encode()
    extended = {}
    if not path.isascii() or len(name) > 100:
        extended["path"] = path
        name = name.decode("ascii", "ignore").encode()[:100]
    if size > _OCTAL_LIMIT:
        extended["size"] = str(size)
    if extended:
        records = b"".join(_pax_record(key, value) for key, value in extended.items())
        file.write(_header(b"././@PaxHeader", b"x", 0o644, len(records), epoch))
        file.write(records + bytes(-len(records) % _BLOCK))
    file.write(_header(name, kind, mode, min(size, _OCTAL_LIMIT), epoch))


def _header(name: bytes, kind: bytes, mode: int, size: int, epoch: int) -> bytes:
    def octal(value: int, width: int) -> bytes:
        return b"%0*o\0" % (width - 1, value)

    fields = [
        name.ljust(100, b"\0"),
        octal(mode, 8),
        octal(0, 8),  # owner
        octal(0, 8),  # group
        octal(size, 12),
        octal(epoch, 12),
        b" " * 8,  # the sum, which counts itself as spaces
        kind,
        bytes(100),  # of a link
        b"ustar".ljust(6, b"\0"),
        b"00",  # the version
        bytes(32 + 32),  # names of owner and group
        octal(0, 8),  # device
        octal(0, 8),
        bytes(155 + 12),  # prefix, padding
    ]
    header = b"".join(fields)
    assert len(header) == _BLOCK
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def _pax_record(key: str, value: str) -> bytes:
    """``LENGTH KEY=VALUE``, where LENGTH counts itself."""
    rest = f" {key}={value}\n".encode()
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _content(entry: Entry) -> IO[bytes]:
    file = _temporary()
    entry.write(file)  # type: ignore[arg-type]  # a file is one
    file.flush()
    return file


# ---------------------------------------------------------------------------------------------------------------- gzip


def _write_gzip(file: IO[bytes], plain: IO[bytes], pool: Executor) -> None:
    file.write(_GZIP_HEADER)
    crc, size = _deflate(plain, file, pool)
    file.write(struct.pack("<II", crc, size & 0xFFFFFFFF))


def _deflate(plain: IO[bytes], file: IO[bytes], pool: Executor) -> tuple[int, int]:
    """Writes `plain` compressed; its CRC-32 and its size. Workers compress several chunks at a time."""
    crc = size = 0
    waiting: deque[Future[bytes]] = deque()
    for data, window, last in _chunks(plain):
        new = data[window:]
        crc = zlib.crc32(new, crc)
        size += len(new)
        waiting.append(pool.submit(compress_chunk, data, window, last))
        if len(waiting) > 64:  # a bound on what is in memory
            file.write(waiting.popleft().result())
    for each in waiting:
        file.write(each.result())
    return crc, size


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, bool]]:
    """As `deflate.chunks`, from a file."""
    file.seek(0)
    window, chunk = b"", file.read(CHUNK)
    while True:
        following = file.read(CHUNK)
        yield window + chunk, len(window), not following
        if not following:
            return
        window, chunk = chunk[-WINDOW:], following


# ----------------------------------------------------------------------------------------------------------------- zip
# PKWARE's APPNOTE.TXT 6.3: local headers with contents, then the directory of them all.


def _write_zip(file: IO[bytes], entries: Sequence[Entry], epoch: int, pool: Executor) -> None:
    date = _zip_date(epoch)
    directory = []
    for path, entry in with_directories(entries):
        name = (path if entry is not None else f"{path}/").encode()
        at = file.tell()
        file.write(bytes(30) + name)
        crc = size = packed = 0
        if entry is not None:
            with _content(entry) as content:
                crc, size = _deflate(content, file, pool)
            packed = file.tell() - at - 30 - len(name)
        if max(file.tell(), size) > _ZIP_LIMIT:
            raise WaotError("the archive would be larger than 4 GiB, which a zip file cannot", hint="embed less")
        needed = 20  # version 2.0: directories, deflate
        flags = 0 if name.isascii() else 1 << 11  # the name is UTF-8
        method = 8 if entry is not None else 0
        common = struct.pack("<HHHIIIIHH", needed, flags, method, date, crc, packed, size, len(name), 0)
        end = file.tell()
        file.seek(at)
        file.write(b"PK\x03\x04" + common)
        file.seek(end)
        mode = 0o100000 | entry.mode if entry is not None else 0o040755
        attributes = mode << 16 | (0x10 if entry is None else 0)  # the lower half is MS-DOS's
        made_by = 3 << 8 | 20  # Unix: then the upper half of the attributes is the mode
        head = b"PK\x01\x02" + struct.pack("<H", made_by) + common
        directory.append(head + struct.pack("<HHHII", 0, 0, 0, attributes, at) + name)
    at = file.tell()
    for record in directory:
        file.write(record)
    size, count = file.tell() - at, len(directory)
    file.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, at, 0))


def _zip_date(epoch: int) -> int:
    """MS-DOS's date and time, which zip has: from 1980 on, in steps of two seconds; UTC."""
    moment = time.gmtime(min(max(epoch, _ZIP_EARLIEST), _ZIP_LATEST))
    date = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return date << 16 | moment.tm_hour << 11 | moment.tm_min << 5 | moment.tm_sec // 2
