"""Runs a script under wasmtime and as a native program, each on a tree of its own, and takes down what came of it."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import wasmtime

import waot
from tests import tools
from tests.wasi.sequences.scripts import RESULTS, SCRIPT, Entry, Script, driver, functions

#: Directories that the program is granted, by their names here: the guest's name, and whether it may only read.
GRANTS = {"tree": ("/", False), "other": ("/other", False), "fixed": ("/fixed", True)}
#: Times that a tree begins with, in ns: long past, so that what was changed can be told.
ACCESSED, MODIFIED = 500_000_000_000_000_001, 600_000_000_000_000_002
_SECOND = 1_000_000_000
_CONTENT = 1 << 16  # bytes of a file's data that are compared
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to run a script natively."""

    name: str
    target: str
    memory: str
    level: str
    walk: bool

    def can(self, script: Script) -> bool:
        """Whether it is to run `script` at all.

        The walk opens what a path ends in, and acts on that as `.`, which takes leave to search it; the kernel can do
        without. Emulators may not have the call that makes the kernel do it.
        """
        modes = [entry.mode for entry in script.entries if entry.kind == "directory" and entry.mode is not None]
        walks = self.walk or self.target != "x86_64-linux"
        return not walks or all(mode & 0o100 for mode in modes)

    def program(self) -> Path:
        """The driver, built by waot."""
        return _program(self.target, self.memory, self.level)


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("openat2", "x86_64-linux", "static", "2", walk=False),
        Variant("walk", "x86_64-linux", "guarded", "2", walk=True),
        # Emulators take long to reserve an address space; what is checked takes none.
        Variant("aarch64", "aarch64-linux", "checked", "2", walk=False),
        Variant("aarch64-walk", "aarch64-linux", "checked", "2", walk=True),
        Variant("riscv64", "riscv64-linux", "checked", "2", walk=False),
    )
}


@dataclass(frozen=True, slots=True)
class Node:
    """What stands in a tree. Times are in ns, or "now" for the time of the run."""

    mode: str
    number: int  # the same for all names of one file
    links: int
    size: int
    accessed: object
    modified: object
    content: bytes | str | None  # of a file, or where a link leads


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. `ended` says how it ended if not as it should."""

    results: bytes
    tree: dict[str, Node]
    ended: str | None = None


@functools.cache
def _directory() -> Path:
    """Where all is made: in $WAOT_SEQUENCES_DIRECTORY, or in memory where that can be, which is faster."""
    place = os.environ.get("WAOT_SEQUENCES_DIRECTORY", "/dev/shm")
    directory = Path(tempfile.mkdtemp(prefix="waot-sequences-", dir=place if os.access(place, os.W_OK) else None))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


@functools.cache
def reuses_inodes() -> bool:
    """Whether a new file gets the inode's number of one that is gone, at times."""
    path = _directory() / "inode"
    numbers = set()
    for _ in range(2):
        path.touch()
        numbers.add(path.stat().st_ino)
        path.unlink()
    return len(numbers) == 1


def prepare(variants: Sequence[str]) -> None:
    """Makes all that `become_nobody` would leave nobody able to make."""
    driver_bytes()
    functions()
    reuses_inodes()
    for name in variants:
        VARIANTS[name].program()


def become_nobody() -> None:
    """Goes on as a user for whom permissions hold, in a process of its own, if this is not one."""
    if os.geteuid() == 0:
        os.chmod(_directory(), 0o777)
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)


@functools.cache
def driver_bytes() -> bytes:
    """The driver, for wasmtime."""
    return driver().read_bytes()


@functools.cache
def _program(target: str, memory: str, level: str) -> Path:
    output = _directory() / f"driver-{target}-{memory}-{level}"
    waot.build(
        driver(),
        output,
        [target],
        opt_level=level,
        memory=memory,
        jobs=1,
        dirs=[f"{host}::{guest}{':ro' * read_only}" for host, (guest, read_only) in GRANTS.items()],
    )
    return output


# ---------------------------------------------------------------- trees


def lay_out(entries: tuple[Entry, ...], base: Path) -> None:
    """Makes the granted directories below `base`, and a file beside them that is nobody's business."""
    for name in GRANTS:
        os.mkdir(base / name)
    (base / "secret").write_bytes(b"secret")
    made = [base / "secret"]
    for entry in entries:
        path = base / entry.path
        if entry.kind == "directory":
            os.mkdir(path)
        elif entry.kind == "file":
            with open(path, "wb", buffering=0) as file:
                file.write(entry.content)
        elif entry.kind == "link":
            os.symlink(entry.content, path)
        else:
            os.link(base / entry.content.decode(), path, follow_symlinks=False)
        made.append(path)
    made += [base / name for name in GRANTS]
    for path in made:
        os.utime(path, ns=(ACCESSED, MODIFIED), follow_symlinks=False)
    for entry in reversed(entries):
        if entry.mode is not None:
            os.chmod(base / entry.path, entry.mode)


def _time(value: int, now: int) -> object:
    return "now" if abs(value - now) < 3600 * _SECOND else value


def _data(path: str, size: int) -> bytes:
    """What is in a file: all of a small one, of a large one the pages that are not all zeros, the first of them.

    Which zeros the file system keeps is its affair.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOATIME)
    try:
        if size <= _CONTENT:
            return os.pread(descriptor, size, 0)
        pages: list[bytes] = []
        at = 0
        while at < size and len(pages) < _CONTENT // _PAGE:
            try:
                at = os.lseek(descriptor, at, os.SEEK_DATA) // _PAGE * _PAGE
            except OSError:  # there is none behind
                break
            page = os.pread(descriptor, _PAGE, at)
            if page.strip(b"\0"):
                pages.append(b"%d:" % at + page)
            at += _PAGE
        return b"".join(pages)
    finally:
        os.close(descriptor)


def read_tree(base: Path) -> dict[str, Node]:
    """Everything below `base`: type, mode, links, size, times, content; names of one file have the same number."""
    now = time.time_ns()
    found: dict[str, Node] = {}
    numbers: dict[int, int] = {}
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        with os.scandir(base / directory) as listed:
            names = sorted(entry.name for entry in listed)
        for name in names:
            relative = os.path.join(directory, name)
            path = os.path.join(base, relative)
            info = os.lstat(path)
            content: bytes | str | None = None
            if not stat.S_ISLNK(info.st_mode) and info.st_mode & 0o700 != 0o700:
                os.chmod(path, 0o700)  # to look inside, and to remove it
            if stat.S_ISDIR(info.st_mode):
                waiting.append(relative)
            elif stat.S_ISLNK(info.st_mode):
                content = os.readlink(path)
            else:
                content = _data(path, info.st_size)
            found[relative] = Node(
                stat.filemode(info.st_mode),
                numbers.setdefault(info.st_ino, len(numbers)),
                info.st_nlink,
                info.st_size,
                # For the other kinds see comparing.Normaliser.accessed.
                _time(info.st_atime_ns, now) if stat.S_ISREG(info.st_mode) else None,
                _time(info.st_mtime_ns, now),
                content,
            )
    return found


class Place:
    """A directory for the tree of one run after the other."""

    def __init__(self, name: str) -> None:
        self.base = Path(tempfile.mkdtemp(prefix=name, dir=_directory()))
        self.tree = self.base / "base"
        self.looked_at = False

    def lay_out(self, script: Script) -> Path:
        """A new tree; the one before is gone."""
        self._remove()
        self.tree.mkdir()
        lay_out(script.entries, self.tree)
        return self.tree

    def _remove(self) -> None:
        if self.tree.exists():
            if not self.looked_at:
                read_tree(self.tree)
            shutil.rmtree(self.tree)
        self.looked_at = False

    def read(self) -> dict[str, Node]:
        """What stands there now; the tree is no more what it was."""
        self.looked_at = True
        return read_tree(self.tree)

    def close(self) -> None:
        self._remove()
        self.base.rmdir()


# ---------------------------------------------------------------- both ways to run


class Oracle:
    """wasmtime, with the driver compiled once."""

    def __init__(self) -> None:
        self._place = Place("wasmtime")
        self._engine = wasmtime.Engine()
        self._module = wasmtime.Module(self._engine, driver_bytes())
        self._linker = wasmtime.Linker(self._engine)
        self._linker.define_wasi()

    def run(self, script: Script) -> Outcome:
        base = self._place.lay_out(script)
        config = wasmtime.WasiConfig()
        config.argv = ["driver"]
        for host, (guest, read_only) in GRANTS.items():
            config.preopen_dir(str(base / host), guest, not read_only)
        store = wasmtime.Store(self._engine)
        store.set_wasi(config)
        exports = self._linker.instantiate(store, self._module).exports(store)
        memory, perform = exports["memory"], exports["perform"]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(perform, wasmtime.Func)
        encoded = script.encode(oracle=True)
        memory.write(store, encoded, SCRIPT)
        try:
            size = perform(store, len(encoded))
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            return Outcome(b"", {}, str(error))
        results = bytes(memory.read(store, RESULTS, RESULTS + size))
        store.close()
        return Outcome(results, self._place.read())

    def close(self) -> None:
        self._place.close()


class Native:
    """The program that waot made of the driver."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self._place = Place(variant.name)
        self._program = str(variant.program())
        self._words = [*tools.runner(variant.target), self._program]
        self._executable = self._words[0]
        self._words = ["driver"] if len(self._words) == 1 else [self._words[0], "-0", "driver", self._program]
        self._script = os.memfd_create("script")
        self._results = os.memfd_create("results")

    def run(self, script: Script) -> Outcome:
        base = self._place.lay_out(script)
        os.ftruncate(self._script, 0)
        os.pwrite(self._script, script.encode(), 0)
        os.lseek(self._script, 0, os.SEEK_SET)
        os.ftruncate(self._results, 0)
        os.lseek(self._results, 0, os.SEEK_SET)
        here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        os.chdir(base)
        try:
            process = os.posix_spawn(
                self._executable,
                self._words,
                {"WAOT_FORCE_WALK": "1"} if self.variant.walk else {},
                file_actions=[(os.POSIX_SPAWN_DUP2, self._script, 0), (os.POSIX_SPAWN_DUP2, self._results, 1)],
            )
        finally:
            os.fchdir(here)
            os.close(here)
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        results = os.pread(self._results, 1 << 24, 0)
        return Outcome(results, self._place.read(), None if code == 0 else f"status {code}")

    def close(self) -> None:
        self._place.close()
        os.close(self._script)
        os.close(self._results)
