"""Files that appear together or not at all.

Each is written under another name beside its place; when all are whole they are renamed, one after the other, and where
one of these fails the earlier ones are undone. So whoever looks sees old files or new ones, never a part of one, and a
command that fails has left nothing.

    with Outputs() as outputs:
        outputs.write(Path("dist/app"), artifact.write, executable=True)
        outputs.commit()
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from waot.errors import WaotError

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: bytes, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


def unwritable(path: Path | str, reason: str | None, hint: str | None = None) -> WaotError:
    """The error about an output that cannot be."""
    return WaotError(f"cannot be written: {reason}", file=str(path), hint=hint)


class Outputs:
    """Outputs on their way; a context manager, which removes what was not committed."""

    def __init__(self) -> None:
        self._staged: list[tuple[str, Path, Path]] = []  # temporary name, final name, the name that was given
        self._directories: list[Path] = []  # that were made, outermost first

    def __enter__(self) -> Outputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for temporary, _, _ in self._staged:
            _remove(temporary)
        self._staged.clear()
        for directory in reversed(self._directories):
            with contextlib.suppress(OSError):
                directory.rmdir()  # not if somebody has put something there

    def make_directory(self, path: Path) -> None:
        """Makes the directory `path` and those it is in, where they do not exist. Raises WaotError."""
        with _errors_about(path):
            missing = [each for each in (path, *path.parents) if not each.exists()]
            for each in reversed(missing):
                each.mkdir(exist_ok=True)
                self._directories.append(each)

    def write(self, path: Path, content: Callable[[BinaryIO], None], *, executable: bool = False) -> Written:
        """Writes what `content` writes to the file that it is given, beside `path`. Raises WaotError.

        A device, a pipe or standard output (``-``) is written to directly, a symbolic link followed.
        """
        with _errors_about(path):
            if os.fspath(path) == STDOUT:
                written = _write(sys.stdout.buffer, content)
                sys.stdout.buffer.flush()
                return written
            if path.exists() and not stat.S_ISREG(path.stat().st_mode):
                with open(path, "wb") as device:
                    return _write(device, content)
            final = path.resolve()
            descriptor, temporary = tempfile.mkstemp(prefix=f".{final.name[:100]}.", suffix=".tmp", dir=final.parent)
            self._staged.append((temporary, final, path))
            with open(descriptor, "wb") as file:
                written = _write(file, content)
                # mkstemp makes 0600; what open() would have made is asked of the umask.
                os.fchmod(file.fileno(), (0o777 if executable else 0o666) & ~_umask())
            return written

    def write_bytes(self, path: Path, data: bytes) -> Written:
        """Writes a file that is not executable. Raises WaotError."""

        def content(file: BinaryIO) -> None:
            file.write(data)

        return self.write(path, content)

    def write_tree(self, path: Path, files: Mapping[str, Callable[[BinaryIO], None]]) -> None:
        """Writes a directory with these files, whose names may have slashes. Raises WaotError."""
        with _errors_about(path):
            final = path.resolve()
            temporary = tempfile.mkdtemp(prefix=f".{final.name[:100]}.", suffix=".tmp", dir=final.parent)
            self._staged.append((temporary, final, path))
            for name, content in files.items():
                place = Path(temporary, name)
                place.parent.mkdir(parents=True, exist_ok=True)
                with open(place, "wb") as file:
                    content(file)
            os.chmod(temporary, 0o777 & ~_umask())

    def commit(self) -> None:
        """Puts everything in its place. Raises WaotError, and everything is as it was."""
        done: list[tuple[Path, str | None]] = []  # final name, and where what was there is kept
        try:
            while self._staged:
                temporary, final, shown = self._staged[0]
                with _errors_about(shown):
                    kept = _keep(final, alone=not done and len(self._staged) == 1)
                    try:
                        os.replace(temporary, final)
                    except BaseException:
                        if kept is not None:
                            _put_back(kept, final)
                        raise
                    done.append((final, kept))
                self._staged.pop(0)
        except BaseException:
            for final, kept in reversed(done):
                if kept is None:
                    _remove(str(final))
                else:
                    _put_back(kept, final)
            raise
        for _, kept in done:
            if kept is not None:
                _remove(kept)
        self._directories.clear()


def _keep(final: Path, *, alone: bool) -> str | None:
    """Another name for what is at `final`, to put it back by; None where nothing is, or nothing need be put back."""
    if not final.exists() or (alone and not final.is_dir()):
        return None
    kept = tempfile.mktemp(prefix=f".{final.name[:100]}.", suffix=".old", dir=final.parent)  # the link must not exist
    if not final.is_dir():
        with contextlib.suppress(OSError):  # a file system without links
            os.link(final, kept)
            return kept
    os.rename(final, kept)
    return kept


def _put_back(kept: str, final: Path) -> None:
    with contextlib.suppress(OSError):
        if final.is_dir():
            shutil.rmtree(final)
        os.replace(kept, final)
        _remove(kept)  # of two names of one file, renaming one to the other does nothing


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _errors_about(path: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(path, error.strerror) from None


def digest_of(content: Callable[[BinaryIO], None]) -> Written:
    """Of what `content` writes, without keeping it."""
    with open(os.devnull, "wb") as file:
        return _write(file, content)


class _Hashed:
    """Counts and hashes what goes to `file`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.hash = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> int:
        count = self._file.write(data)
        self.size += count
        self.hash.update(data[:count])
        return count


def _write(file: BinaryIO, content: Callable[[BinaryIO], None]) -> Written:
    hashed = _Hashed(file)
    content(cast(BinaryIO, hashed))
    file.flush()
    return Written(hashed.size, hashed.hash.hexdigest())
