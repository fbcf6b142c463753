"""A content-addressed cache on disk: objects, runtime bitcode, whole executables.

An entry is a file ``<root>/<kind>/<first two digits>/<key>``: a header with the payload's length and SHA-256, then the
payload. Whoever reads checks it, so an entry damaged by a crash, a full disk or a stray hand is removed and made
again. Entries are written beside and renamed: processes may share a cache without locks, and the worst that a race
costs is work done twice.

The cache is a convenience: nothing here raises. Where the directory cannot be used, builds go on without, after one
warning. Size: every write adds to a file ``growth`` one byte for each 64 KiB stored (appending is atomic), and once
that says that a sixteenth of the limit has been written, the entries used longest ago are removed. So the directory
is scanned rarely, and holds at most a sixteenth more than its limit.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MAGIC = b"waot\x01\r\n\x00"
_HEADER = len(_MAGIC) + 8 + 32  # magic, payload's length (little endian), payload's SHA-256
_GROWTH_UNIT = 64 << 10
_STALE_TEMPORARY = 3600  # seconds after which a temporary file is one that a killed process left
DEFAULT_LIMIT = 2 << 30
MARKER = "CACHEDIR.TAG"  # backup programs skip a directory with this file (bford.info/cachedir)
_MARKER_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory is the cache of waot.\n"


def digest(*parts: bytes | str | int | None) -> str:
    """A cache key: the SHA-256, in hexadecimal, of `parts` and their boundaries and types."""
    state = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        state.update(f"{type(part).__name__} {len(data)} ".encode())
        state.update(data)
    return state.hexdigest()


@cache
def compiler_digest() -> str:
    """Identifies this compiler: everything in it that could change what it makes."""
    from importlib.metadata import PackageNotFoundError, version

    from waot import __version__
    from waot.resources import runtime_support_dir, targets_dir

    package = Path(__file__).resolve().parent
    files = [*package.rglob("*.py"), *targets_dir().rglob("*.toml"), *runtime_support_dir().rglob("*.*")]
    parts = [__version__]
    try:
        parts.append(version("ziglang"))
    except PackageNotFoundError:  # whoever runs it will say so
        parts.append("")
    for path in sorted(files):
        if path.is_file():
            parts += [path.name, hashlib.sha256(path.read_bytes()).hexdigest()]
    return digest(*parts)


def cache_root() -> Path | None:
    """Where the cache is: $WAOT_CACHE_DIR, $XDG_CACHE_HOME/waot or ~/.cache/waot; None where nobody is at home."""
    if own := os.environ.get("WAOT_CACHE_DIR"):
        return Path(own).absolute()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):  # the XDG base directory specification: a relative path is to be ignored
        return Path(shared, "waot")
    home = os.path.expanduser("~")
    # A home that does not exist (a service account's) is not made.
    return Path(home, ".cache", "waot") if os.path.isabs(home) and os.path.isdir(home) else None


def size_limit() -> tuple[int, str | None]:
    """Bytes the cache may hold ($WAOT_CACHE_SIZE, in the form of ``--stack-size``); a complaint if that is no size."""
    from waot.errors import UsageError
    from waot.options import parse_size

    text = os.environ.get("WAOT_CACHE_SIZE")
    if not text:
        return DEFAULT_LIMIT, None
    try:
        return parse_size(text), None
    except UsageError as error:
        return DEFAULT_LIMIT, f"WAOT_CACHE_SIZE: {error}"


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What `waot cache info` shows. `kinds` maps a kind to (entries, bytes on disk); `tools_bytes` is what the tools'
    own directories hold."""

    root: str | None
    enabled: bool
    limit: int
    entries: int
    bytes: int
    kinds: dict[str, tuple[int, int]]
    tools_bytes: int


class Cache:
    """The cache at `root`, or one that holds nothing if `root` is None. Cheap to make, picklable, safe to share.

    Warnings go to standard error, one from each object; a copy in another process (a worker) says nothing.
    """

    def __init__(self, root: Path | None, limit: int = DEFAULT_LIMIT, *, quiet: bool = False) -> None:
        self.root = root
        self.limit = limit
        self._quiet = quiet
        self._process = os.getpid()
        self._scratch: str | None = None

    @classmethod
    def open(cls, enabled: bool = True) -> Cache:
        """The user's cache. With `enabled` False nothing is read and nothing kept."""
        if not enabled:
            return cls(None)
        limit, complaint = size_limit()
        self = cls(cache_root(), limit)
        if complaint:
            self._warn(complaint)
        if self.root is None:
            self._warn("no home directory, so nothing is cached; set WAOT_CACHE_DIR")
            return self
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            marker = self.root / MARKER
            if not marker.exists():
                marker.write_text(_MARKER_TEXT)
        except OSError as error:
            self._unusable(error)
            if not self.root.is_dir():
                self.root = None
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (_reopen, (self.root, self.limit))

    @property
    def enabled(self) -> bool:
        """Whether entries are kept."""
        return self.root is not None

    def _warn(self, text: str) -> None:
        if not self._quiet and self._process == os.getpid():
            self._quiet = True
            with contextlib.suppress(OSError, ValueError):
                print(f"waot: warning: {text}", file=sys.stderr, flush=True)

    def _unusable(self, error: OSError) -> None:
        self._warn(f"the cache {self.root} cannot be used: {error.strerror or error}; set WAOT_CACHE_DIR")
        # A cache that cannot be written may still be readable (a shared one, or a full disk): keep reading.

    def _path(self, kind: str, key: str) -> Path:
        assert self.root is not None
        return self.root / kind / key[:2] / key

    def get(self, kind: str, key: str) -> bytes | None:
        """The payload stored under `kind` and `key`, or None. A damaged entry is removed and counts as none."""
        if self.root is None:
            return None
        path = self._path(kind, key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        payload = _payload(data)
        if payload is None:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # "used now": what pruning goes by
        return payload

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Stores `data`, if it fits at all. Failure costs a warning, no more."""
        if self.root is None or len(data) > self.limit:
            return
        path = self._path(kind, key)
        temporary = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            with open(descriptor, "wb") as file:
                file.write(_MAGIC + len(data).to_bytes(8, "little") + hashlib.sha256(data).digest())
                file.write(data)
            os.replace(temporary, path)
        except OSError as error:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            self._unusable(error)
            return
        self._grow(len(data) + _HEADER)

    def directory(self, name: str) -> Path:
        """A directory in which a tool keeps files of its own (zig's cache); a temporary one where there is no cache.

        Not part of the size limit; `clear` empties it.
        """
        if self.root is not None:
            path = self.root / "tools" / name
            with contextlib.suppress(OSError):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
                if os.access(path, os.W_OK | os.X_OK):
                    return path
        if self._scratch is None:
            self._scratch = tempfile.mkdtemp(prefix="waot-")
            atexit.register(shutil.rmtree, self._scratch, ignore_errors=True)
        path = Path(self._scratch, name)
        path.mkdir(exist_ok=True)
        return path

    def _grow(self, size: int) -> None:
        assert self.root is not None
        growth = self.root / "growth"
        try:
            with open(growth, "ab") as file:
                file.write(b"." * -(-size // _GROWTH_UNIT))
                file.flush()
                grown = os.fstat(file.fileno()).st_size * _GROWTH_UNIT
            if grown > self.limit // 16:
                growth.unlink()
                self.prune()
        except OSError:
            pass  # someone else prunes, or nobody can

    def _files(self) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """(kind, file) of every entry, temporary files included."""
        if self.root is None:
            return
        for kind in _scan(self.root):
            if kind.name != "tools" and kind.is_dir(follow_symlinks=False):
                for shard in _scan(kind.path):
                    if len(shard.name) == 2 and shard.is_dir(follow_symlinks=False):
                        for file in _scan(shard.path):
                            yield kind.name, file

    def prune(self) -> None:
        """Removes the entries used longest ago until the limit holds, and what killed processes left."""
        entries: list[tuple[float, int, str]] = []
        for _, file in self._files():
            with contextlib.suppress(OSError):
                status = file.stat(follow_symlinks=False)
                if not file.name.startswith(".new-"):
                    entries.append((status.st_mtime, status.st_size, file.path))
                elif status.st_mtime < time.time() - _STALE_TEMPORARY:
                    os.unlink(file.path)
        excess = sum(size for _, size, _ in entries) - self.limit
        for _, size, path in sorted(entries):
            if excess <= 0:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            excess -= size

    def info(self) -> CacheInfo:
        """What the cache holds, counted now."""
        kinds: dict[str, tuple[int, int]] = {}
        for kind, file in self._files():
            with contextlib.suppress(OSError):
                entries, size = kinds.get(kind, (0, 0))
                kinds[kind] = (entries + 1, size + file.stat(follow_symlinks=False).st_size)
        tools = 0
        if self.root is not None:
            for directory, _, names in os.walk(self.root / "tools"):
                for name in names:
                    with contextlib.suppress(OSError):
                        tools += os.lstat(os.path.join(directory, name)).st_size
        return CacheInfo(
            root=str(self.root) if self.root is not None else None,
            enabled=self.enabled,
            limit=self.limit,
            entries=sum(entries for entries, _ in kinds.values()),
            bytes=sum(size for _, size in kinds.values()),
            kinds=dict(sorted(kinds.items())),
            tools_bytes=tools,
        )

    def clear(self) -> None:
        """Removes every entry and the tools' directories. Raises CacheError where that fails.

        Only what the cache itself made is touched: $WAOT_CACHE_DIR may name a directory that holds more.
        """
        from waot.errors import CacheError

        if self.root is None:
            return
        try:
            for _, file in self._files():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(file.path)
            for name in ("growth", MARKER):
                (self.root / name).unlink(missing_ok=True)
            if (self.root / "tools").is_dir():
                shutil.rmtree(self.root / "tools")
        except OSError as error:
            raise CacheError(f"cannot be cleared: {error.strerror or error}", file=str(self.root)) from None
        for kind in _scan(self.root):  # empty directories; those that fill again stay
            if kind.is_dir(follow_symlinks=False):
                for path in [shard.path for shard in _scan(kind.path)] + [kind.path]:
                    with contextlib.suppress(OSError):
                        os.rmdir(path)


def _scan(path: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return list(found)
    except OSError:
        return []


def _payload(data: bytes) -> bytes | None:
    length = int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + 8], "little")
    if not data.startswith(_MAGIC) or len(data) != _HEADER + length:
        return None
    payload = data[_HEADER:]
    return payload if hashlib.sha256(payload).digest() == data[_HEADER - 32 : _HEADER] else None


def _reopen(root: Path | None, limit: int) -> Cache:
    return Cache(root, limit, quiet=True)
