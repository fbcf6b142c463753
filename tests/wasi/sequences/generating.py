"""Random scripts: few names, so that calls meet each other; every kind of path, flag and descriptor.

A seed gives the same script wherever and whenever it is made. Left out are bad pointers, at
which wasmtime ends the program (tests/wasi/test_bad_pointers.py has them), and what is asked of the standard streams
themselves, which are not the same on both sides here.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.wasi.guest import APPEND, CREAT, DIRECTORY, DSYNC, EXCL, FOLLOW, NONBLOCK, READ, RSYNC, SYNC, TRUNC, WRITE
from tests.wasi.sequences.scripts import (
    AREA,
    BUFFER,
    CLOSED,
    INPUT,
    OUTPUT,
    REGISTERS,
    RESULT,
    SAVE_CLOSED,
    SAVE_COOKIE,
    SAVE_DESCRIPTOR,
    SAVE_NUMBER,
    SAVE_U64,
    Call,
    Entry,
    Register,
    Script,
)

ROOT, OTHER, FIXED = 3, 4, 5  # descriptors of running.GRANTS

TREE = (
    Entry("tree/a", "file", b"the first of the files\n"),
    Entry("tree/b", "file"),
    Entry("tree/c", "file", bytes(i * 7 % 251 for i in range(5000))),
    Entry("tree/d", "directory"),
    Entry("tree/d/a", "file", b"inside"),
    Entry("tree/d/e", "directory"),
    Entry("tree/d/e/b", "file", b"deep inside"),
    Entry("tree/d/e/l", "link", b"../../a"),
    Entry("tree/d/up", "link", b".."),
    Entry("tree/d/out", "link", b"../../secret"),
    Entry("tree/e", "directory"),
    Entry("tree/f", "name", b"tree/a"),
    Entry("tree/l", "link", b"a"),
    Entry("tree/ld", "link", b"d"),
    Entry("tree/le", "link", b"ld/e/"),
    Entry("tree/loop", "link", b"loop"),
    Entry("tree/x", "link", b"y"),
    Entry("tree/y", "link", b"d/../x"),
    Entry("tree/out", "link", b"../secret"),
    Entry("tree/abs", "link", b"/etc/passwd"),
    Entry("tree/gone", "link", b"nowhere"),
    Entry("tree/hl", "name", b"tree/l"),
    Entry("tree/\u00fc", "file", "\u00fc".encode()),
    Entry("other/a", "file", b"another a"),
    Entry("other/d", "directory"),
    Entry("other/d/b", "file", b"another b"),
    Entry("other/l", "link", b"d/b"),
    Entry("fixed/a", "file", b"not to be changed"),
    Entry("fixed/d", "directory"),
    Entry("fixed/d/b", "file", b"neither this"),
    Entry("fixed/l", "link", b"a"),
    Entry("fixed/ld", "link", b"d"),
)

NAMES = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "l",
    "ld",
    "le",
    "loop",
    "x",
    "y",
    "out",
    "abs",
    "gone",
    "hl",
    "\u00fc",
    "n",
    "up",
]
WEIGHTS = [8, 4, 4, 10, 6, 3, 5, 5, 3, 1, 1, 1, 2, 1, 2, 1, 1, 6, 2]
ODD_PATHS: Sequence[bytes] = (
    b"",
    b".",
    b"..",
    b"./",
    b"../",
    b"/",
    b"//a",
    b"/etc/passwd",
    b"./.",
    b"d/..",
    b"d/../..",
    b"d/../../secret",
    b"../secret",
    b"../tree/a",
    b"n" * 255,
    b"n" * 256,
    b"d/" + b"n" * 256,
    b"./" * 2046 + b"abc",
    b"./" * 2047 + b"a",
    b"d/" * 2048,
    b"d/../" * 800 + b"a",
    b"nul\0inside",
    b"a\0",
    b"\xff\xfe",
    b"d/\xc3",
    b"a/",
    b"a/.",
    b"a/..",
    b"d//a",
    b"d/./a",
    b"d/.",
    b"d/e/../a",
    b"ld/../a",
    b"...",
    b"n ",
)
SIZES = (0, 0, 1, 2, 5, 10, 22, 23, 24, 100, 4095, 4096, 4097, 10000)
OFFSETS = (0, 0, 1, 5, 10, 22, 23, 24, 4096, 5000, 65536, (1 << 32) + 3, (1 << 40) + 1, (1 << 62) - 1)
BAD_OFFSETS = (1 << 63, (1 << 64) - 1, (1 << 64) - 5)
TIMES = (0, 1, 999_999_999, 1_000_000_000, 1_234_567_890_123_456_789, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


#: What else than usual may be done with a file or a directory.
MODES = {"file": (0o400, 0o200, 0o000, 0o755), "directory": (0o555, 0o333, 0o666, 0o000, 0o500)}
OFLAGS = ((CREAT, "CREAT"), (DIRECTORY, "DIRECTORY"), (EXCL, "EXCL"), (TRUNC, "TRUNC"))
FDFLAGS = ((APPEND, "APPEND"), (DSYNC, "DSYNC"), (NONBLOCK, "NONBLOCK"), (RSYNC, "RSYNC"), (SYNC, "SYNC"))


def _name(bits: int, names: Sequence[tuple[int, str]]) -> str:
    parts = [name for bit, name in names if bits & bit]
    rest = bits & ~sum(bit for bit, _ in names)
    return "|".join([*parts, *([hex(rest)] if rest else [])]) or "0"


def _show(path: bytes) -> str:
    text = repr(path)[1:]
    return text if len(text) < 60 else f"{text[:20]}…{text[-20:]} of {len(path)} bytes"


class Generator:
    """Makes one script."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.next_register = 0
        self.directories: list[int | Register] = [ROOT, OTHER, FIXED]
        self.files: list[int | Register] = []
        self.closed: list[Register] = []
        self.streams = [0, 1, 2]  # standard streams as they were at the start
        self.cookies: list[tuple[int | Register, Register]] = []
        self.entries = self.choose_entries()
        self.where: dict[int | Register, str] = {
            ROOT: "tree/",
            OTHER: "other/",
            FIXED: "fixed/",
        }  # where directories are
        self.known = [entry.path for entry in self.entries]  # what may be there
        self.call_functions: list[tuple[Callable[[], tuple[Call, ...]], int]] = [
            (self.open, 12),
            (self.open_file, 9),
            (self.open_directory, 4),
            (self.close, 5),
            (self.renumber, 2),
            (self.read, 9),
            (self.write, 9),
            (self.seek, 6),
            (self.set_size, 4),
            (self.advise, 1),
            (self.allocate, 1),
            (self.sync, 2),
            (self.fdstat, 4),
            (self.set_flags, 3),
            (self.set_rights, 1),
            (self.filestat, 4),
            (self.set_times, 3),
            (self.prestat, 2),
            (self.readdir, 5),
            (self.list_directory, 3),
            (self.path_stat, 8),
            (self.path_set_times, 4),
            (self.create_directory, 5),
            (self.remove_directory, 4),
            (self.unlink, 6),
            (self.rename, 9),
            (self.link, 5),
            (self.symlink, 5),
            (self.readlink, 4),
            (self.poll, 2),
            (self.clock, 1),
            (self.chance, 1),
            (self.socket, 1),
        ]

    # ------------------------------------------------------------ choosing

    def chance_of(self, probability: float) -> bool:
        return self.random.random() < probability

    def register(self) -> Register:
        number = self.next_register
        self.next_register = (number + 1) % REGISTERS
        register = Register(number)
        for known in (self.directories, self.files, self.closed):
            if register in known:
                known.remove(register)
        self.where.pop(register, None)
        self.cookies = [(of, cookie) for of, cookie in self.cookies if cookie != register]
        return register

    def directory(self, streams: bool = True) -> int | Register:
        if self.chance_of(0.04) or not self.directories:
            return self.random.choice(self.streams) if streams and self.chance_of(0.2) else self.odd_descriptor()
        if self.files and self.chance_of(0.03):
            return self.random.choice(self.files)
        if self.chance_of(0.5):
            return ROOT
        return self.random.choice(self.directories)

    def file(self) -> int | Register:
        if self.chance_of(0.04):
            return self.odd_descriptor()
        if not self.files or self.chance_of(0.04):
            return self.random.choice(self.directories or [ROOT])
        if self.chance_of(0.5):
            return self.files[-1]
        return self.random.choice(self.files)

    def stream(self) -> int:
        """Standard input or standard error, which is one no more; results go to standard output."""
        left = [stream for stream in self.streams if stream != 1]
        if not left:
            return CLOSED
        stream = self.random.choice(left)
        self.streams.remove(stream)
        return stream

    def odd_descriptor(self) -> int | Register:
        if self.closed and self.chance_of(0.5):
            return self.random.choice(self.closed)
        return self.random.choice([6000, CLOSED, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])

    def path(self, directory: int | Register = ROOT, probability: float = 0.6) -> bytes:
        """A path for a call at `directory`; one to something there, as far as is known, with that probability."""
        if self.chance_of(0.05):
            return self.random.choice(ODD_PATHS)
        prefix = self.where.get(directory, "tree/")
        if self.chance_of(probability):
            there = [path for path in self.known if path.startswith(prefix) and path != prefix]
            if there:
                path = self.random.choice(there).removeprefix(prefix)
                if path.startswith("d/") and self.chance_of(0.1):
                    path = "l" + path
                if self.chance_of(0.08):
                    path += self.random.choice(["/", "/.", "/..", "/../a"])
                if self.chance_of(0.05):
                    path = self.random.choice(["./", "d/../", ".//"]) + path
                return path.encode()
        parts = []
        for _ in range(self.random.choices([1, 2, 3, 4], [60, 28, 9, 3])[0]):
            if self.chance_of(0.06):
                parts.append(self.random.choice([".", "..", ".."]))
            else:
                parts.append(self.random.choices(NAMES, WEIGHTS)[0])
        self.note(directory, "/".join(parts))
        path = ("//" if self.chance_of(0.02) else "/").join(parts)
        if self.chance_of(0.06):
            path += self.random.choice(["/", "//", "/.", "/.."])
        if self.chance_of(0.02):
            path = "./" + path
        if self.chance_of(0.01):
            path = "/" + path
        return path.encode()

    def note(self, directory: int | Register, path: str) -> None:
        """There may be something at that path from now on."""
        if directory in self.where and ".." not in path:
            self.known.append(self.where[directory] + path)
            del self.known[: max(0, len(self.known) - 60)]

    def flags(self, choices: Sequence[int], weights: Sequence[int] | None = None) -> int:
        return self.random.choices(choices, weights)[0]

    def follow(self) -> int:
        return self.flags([0, FOLLOW, 2, 1 << 31], [45, 53, 1, 1])

    def offset(self) -> int:
        if self.chance_of(0.06):
            return self.random.choice(BAD_OFFSETS)
        return self.random.choice(OFFSETS[:10] if self.chance_of(0.8) else OFFSETS)

    def data(self, size: int) -> bytes:
        start = self.random.randrange(256)
        return bytes((start + 11 * i) & 255 for i in range(size))

    # ------------------------------------------------------------ what calls are made of

    def at(self, path: bytes, offset: int = 0) -> tuple[int, int]:
        return INPUT + offset, len(path)

    def path_call(
        self,
        function: str,
        before: Sequence[int | Register],
        path: bytes,
        after: Sequence[int | Register],
        text: str,
        output: int = 0,
        invalid: bool = False,
    ) -> Call:
        arguments = (*before, *self.at(path), *after)
        return Call(function, arguments, text, path, output=output, invalid=invalid)

    # ------------------------------------------------------------ descriptors

    def open(self) -> tuple[Call, ...]:
        """Anything, in any way."""
        directory = self.directory()
        path = self.path(directory, 0.75)
        follow = self.follow()
        oflags = 0
        for flag, probability in ((CREAT, 0.35), (DIRECTORY, 0.12), (EXCL, 0.08), (TRUNC, 0.15)):
            if self.chance_of(probability):
                oflags |= flag
        if self.chance_of(0.01):
            oflags |= self.random.choice([16, 1 << 15, 1 << 31])
        everything = (1 << 30) - 1
        rights = self.flags(
            [READ, WRITE, READ | WRITE, 0, everything, everything & ~WRITE, self.random.getrandbits(30)],
            [25, 15, 35, 5, 10, 5, 5],
        )
        inheriting = self.flags([rights, 0, everything, self.random.getrandbits(30)], [4, 2, 2, 1])
        fdflags = self.flags([0, APPEND, NONBLOCK, APPEND | NONBLOCK, 32], [80, 12, 5, 2, 1])
        # wasmtime gives a descriptor that makes or truncates a file all rights, and opens nothing with one of the
        # synchronous flags. That what follows is the same on both sides, such descriptors are closed at once.
        short = bool(oflags & (CREAT | TRUNC)) and not rights & WRITE
        if self.chance_of(0.03):
            short = True
            oflags &= ~(CREAT | TRUNC)
            fdflags |= self.random.choice([DSYNC, SYNC, RSYNC, DSYNC | RSYNC, SYNC | RSYNC])
        register = self.register()
        call = self.opening(register, directory, follow, path, oflags, rights, inheriting, fdflags)
        if short:
            return call, Call("fd_close", (register,), f"fd_close({register}) at once")
        if self.chance_of(0.5):
            self.files.append(register)
        return (call,)

    def open_file(self) -> tuple[Call, ...]:
        """A file that is there, or a new one, in a way that can succeed."""
        directory = self.random.choices([ROOT, OTHER, FIXED], [70, 20, 10])[0]
        if directory not in self.directories:
            directory = ROOT
        prefix = self.where[directory]
        files = [
            entry.path for entry in self.entries if entry.kind in ("file", "name") and entry.path.startswith(prefix)
        ]
        rights = READ if directory == FIXED else self.flags([READ | WRITE, READ, WRITE], [70, 15, 15])
        oflags = 0
        if directory != FIXED and (not files or self.chance_of(0.35)):
            rights |= WRITE
            oflags = CREAT
            path = self.random.choice(["n", "m", "d/n", "a"])
            self.note(directory, path)
        elif files:
            path = self.random.choice(files).removeprefix(prefix)
        else:
            path = "a"
        if rights & WRITE and self.chance_of(0.1):
            oflags |= TRUNC
        fdflags = self.flags([0, APPEND, NONBLOCK, APPEND | NONBLOCK], [75, 18, 5, 2])
        register = self.register()
        self.files.append(register)
        return (self.opening(register, directory, FOLLOW, path.encode(), oflags, rights, rights, fdflags),)

    def open_directory(self) -> tuple[Call, ...]:
        """One of the directories of the tree."""
        directories = [
            entry.path for entry in self.entries if entry.kind == "directory" and entry.path.startswith("tree/")
        ]
        if not directories:
            return self.open()
        path = self.random.choice(directories)
        oflags = DIRECTORY if self.chance_of(0.7) else 0
        register = self.register()
        self.directories.append(register)
        self.where[register] = path + "/"
        return (
            self.opening(register, ROOT, FOLLOW, path.removeprefix("tree/").encode(), oflags, READ, READ | WRITE, 0),
        )

    def opening(
        self,
        register: Register,
        directory: int | Register,
        follow: int,
        path: bytes,
        oflags: int,
        rights: int,
        inheriting: int,
        fdflags: int,
    ) -> Call:
        text = (
            f"{register} = path_open({directory}, {_name(follow, [(FOLLOW, 'FOLLOW')])}, {_show(path)}, "
            f"{_name(oflags, OFLAGS)}, {_name(rights, [(READ, 'READ'), (WRITE, 'WRITE')])}, {inheriting:#x}, "
            f"{_name(fdflags, FDFLAGS)})"
        )
        return Call(
            "path_open",
            (directory, follow, *self.at(path), oflags, rights, inheriting, fdflags, RESULT),
            text,
            path,
            saves=((SAVE_DESCRIPTOR, register, RESULT),),
            output=8,
            invalid=follow > 1 or oflags > 15 or fdflags > 31,
        )

    def forget(self, descriptor: int | Register) -> None:
        """Is no more to be used as what it was."""
        for known in (self.directories, self.files):
            if descriptor in known:
                known.remove(descriptor)
        self.cookies = [(of, cookie) for of, cookie in self.cookies if of != descriptor]

    def close(self) -> tuple[Call, ...]:
        opened = [d for d in self.files + self.directories if isinstance(d, Register)]
        descriptor: int | Register
        if self.chance_of(0.04):
            descriptor = self.stream()
        elif self.chance_of(0.08) or not opened:
            descriptor = self.random.choice([self.odd_descriptor(), OTHER if OTHER in self.directories else CLOSED])
        else:
            descriptor = self.random.choice(opened)
        self.forget(descriptor)
        register = self.register()
        self.closed.append(register)
        text = f"fd_close({descriptor}), then {register} is its number"
        return (Call("fd_close", (descriptor,), text, saves=((SAVE_CLOSED, register, 0),)),)

    def renumber(self) -> tuple[Call, ...]:
        everything = self.files + self.directories
        from_, to = (
            self.odd_descriptor() if self.chance_of(0.08) or not everything else self.random.choice(everything)
            for _ in range(2)
        )
        if from_ == ROOT:
            from_ = CLOSED
        if from_ in everything and self.chance_of(0.15):
            stream, register = self.stream(), self.register()
            (self.directories if from_ in self.directories else self.files).append(register)
            self.forget(from_)
            text = f"fd_renumber({from_}, {stream}), then {register} is {stream}"
            return (Call("fd_renumber", (from_, stream), text, saves=((SAVE_NUMBER, register, stream),)),)
        text = f"fd_renumber({from_}, {to})"
        if from_ != to and from_ in everything and to in everything:
            is_directory = from_ in self.directories
            self.forget(from_)
            self.forget(to)
            (self.directories if is_directory else self.files).append(to)
        register = self.register()
        if from_ != to:
            self.closed.append(register)
        text += f", then {register} is the first one's number"
        return (Call("fd_renumber", (from_, to), text, saves=((SAVE_CLOSED, register, 0),)),)

    def fdstat(self) -> tuple[Call, ...]:
        descriptor = self.file() if self.chance_of(0.7) else self.directory(streams=False)
        return (Call("fd_fdstat_get", (descriptor, RESULT), f"fd_fdstat_get({descriptor})", output=24),)

    def set_flags(self) -> tuple[Call, ...]:
        descriptor = self.file()
        flags = self.flags(
            [0, APPEND, NONBLOCK, APPEND | NONBLOCK, DSYNC, SYNC, RSYNC | APPEND, 32], [8, 8, 2, 2, 1, 1, 1, 1]
        )
        text = f"fd_fdstat_set_flags({descriptor}, {flags})"
        return (Call("fd_fdstat_set_flags", (descriptor, flags), text, invalid=flags > 31),)

    def set_rights(self) -> tuple[Call, ...]:
        """To what they are: wasmtime changes none, and what follows is to be the same on both sides."""
        descriptor = self.file()
        base, inheriting = self.register(), self.register()
        ask = Call(
            "fd_fdstat_get",
            (descriptor, RESULT),
            f"{base}, {inheriting} = fd_fdstat_get({descriptor})",
            saves=((SAVE_U64, base, RESULT + 8), (SAVE_U64, inheriting, RESULT + 16)),
            output=24,
        )
        text = f"fd_fdstat_set_rights({descriptor}, {base}, {inheriting})"
        return ask, Call("fd_fdstat_set_rights", (descriptor, base, inheriting), text)

    def prestat(self) -> tuple[Call, ...]:
        descriptor = self.directory()
        if self.chance_of(0.5):
            return (Call("fd_prestat_get", (descriptor, RESULT), f"fd_prestat_get({descriptor})", output=8),)
        size = self.random.choice([0, 1, 5, 6, 100])
        text = f"fd_prestat_dir_name({descriptor}, {size} bytes)"
        return (Call("fd_prestat_dir_name", (descriptor, BUFFER, size), text, output=64 + 100),)

    # ------------------------------------------------------------ data

    def vectors(self, output: bool) -> tuple[list[int], bytes, bytes]:
        """Sizes, the array, and for writing what stands behind it."""
        count = self.flags([1, 2, 3, 0, 5], [70, 12, 8, 4, 4])
        sizes = [self.random.choice(SIZES) for _ in range(count)]
        while sum(sizes) > 40000:
            sizes.pop()
        if self.chance_of(0.01):
            sizes = [1] * 1030
        at = BUFFER if output else INPUT + 8 * len(sizes)
        array = b""
        for size in sizes:
            array += struct.pack("<II", at, size)
            at += size
        return sizes, array, b"" if output else self.data(sum(sizes))

    def read(self) -> tuple[Call, ...]:
        descriptor = self.file()
        sizes, array, _ = self.vectors(output=True)
        whole = sum(size > 0 for size in sizes) > 1
        output = 64 + sum(sizes) + 8
        if self.chance_of(0.4):
            offset = self.offset()
            text = f"fd_pread({descriptor}, {sizes if len(sizes) < 9 else len(sizes)}, {offset})"
            arguments = (descriptor, INPUT, len(sizes), offset, RESULT)
            return (Call("fd_pread", arguments, text, array, output=output, whole=whole),)
        text = f"fd_read({descriptor}, {sizes if len(sizes) < 9 else len(sizes)})"
        return (Call("fd_read", (descriptor, INPUT, len(sizes), RESULT), text, array, output=output, whole=whole),)

    def write(self) -> tuple[Call, ...]:
        descriptor = self.file()
        sizes, array, data = self.vectors(output=False)
        whole = sum(size > 0 for size in sizes) > 1
        if self.chance_of(0.4):
            offset = self.random.choice(OFFSETS)  # to append, wasmtime does not look at it, and Linux does
            text = f"fd_pwrite({descriptor}, {sizes if len(sizes) < 9 else len(sizes)}, {offset})"
            arguments = (descriptor, INPUT, len(sizes), offset, RESULT)
            return (Call("fd_pwrite", arguments, text, array + data, output=8, whole=whole),)
        text = f"fd_write({descriptor}, {sizes if len(sizes) < 9 else len(sizes)})"
        call = Call("fd_write", (descriptor, INPUT, len(sizes), RESULT), text, array + data, output=8, whole=whole)
        if any(sizes):
            return (call,)
        # Of a file to append to, wasmtime moves the position even where nothing is written.
        back = Call("fd_seek", (descriptor, 3, 0, RESULT), f"fd_seek({descriptor}, 3, 0)", output=8)
        return call, back

    def seek(self) -> tuple[Call, ...]:
        descriptor = self.file()
        if self.chance_of(0.3):
            return (Call("fd_tell", (descriptor, RESULT), f"fd_tell({descriptor})", output=8),)
        whence = self.flags([0, 1, 2, 3, 255, 256], [30, 30, 30, 2, 1, 1])
        # wasmtime keeps positions itself, and lets them be where no file has data; Linux does not.
        offset = self.random.choice(OFFSETS[:12]) * self.random.choice([1, 1, -1])
        text = f"fd_seek({descriptor}, {offset}, {whence})"
        return (Call("fd_seek", (descriptor, offset, whence, RESULT), text, output=8, invalid=whence > 2),)

    def set_size(self) -> tuple[Call, ...]:
        descriptor, size = self.file(), self.offset()
        return (Call("fd_filestat_set_size", (descriptor, size), f"fd_filestat_set_size({descriptor}, {size})"),)

    def advise(self) -> tuple[Call, ...]:
        advice = self.random.choice([0, 1, 2, 3, 4, 5, 6, 255])
        arguments = (self.file(), self.offset(), self.offset(), advice)
        return (Call("fd_advise", arguments, "fd_advise({}, {}, {}, {})".format(*arguments), invalid=advice > 5),)

    def allocate(self) -> tuple[Call, ...]:
        """With the size that the file had given back to it: wasmtime allocates nothing."""
        descriptor, offset, size = self.file(), self.random.choice(OFFSETS[:10]), self.random.choice(OFFSETS[:10])
        register = self.register()
        return (
            Call(
                "fd_filestat_get",
                (descriptor, RESULT),
                f"{register} = fd_filestat_get({descriptor}).size",
                saves=((SAVE_U64, register, RESULT + 32),),
                output=64,
            ),
            Call("fd_allocate", (descriptor, offset, size), f"fd_allocate({descriptor}, {offset}, {size})"),
            Call("fd_filestat_set_size", (descriptor, register), f"fd_filestat_set_size({descriptor}, {register})"),
        )

    def sync(self) -> tuple[Call, ...]:
        function, descriptor = self.random.choice(["fd_sync", "fd_datasync"]), self.file()
        return (Call(function, (descriptor,), f"{function}({descriptor})"),)

    # ------------------------------------------------------------ attributes

    def filestat(self) -> tuple[Call, ...]:
        descriptor = self.file() if self.chance_of(0.7) else self.directory(streams=False)
        return (Call("fd_filestat_get", (descriptor, RESULT), f"fd_filestat_get({descriptor})", output=64),)

    def times(self) -> tuple[int, int, int]:
        flags = self.random.randrange(16) if self.chance_of(0.95) else self.random.choice([16, 1 << 15])
        usual = TIMES[:5] if self.chance_of(0.9) else TIMES
        return self.random.choice(usual), self.random.choice(usual), flags

    def set_times(self) -> tuple[Call, ...]:
        descriptor = self.file() if self.chance_of(0.8) else self.directory(streams=False)
        atim, mtim, flags = self.times()
        text = f"fd_filestat_set_times({descriptor}, {atim}, {mtim}, {flags})"
        return (Call("fd_filestat_set_times", (descriptor, atim, mtim, flags), text, invalid=flags > 15),)

    # ------------------------------------------------------------ directories and paths

    def readdir(self) -> tuple[Call, ...]:
        descriptor = self.directory()
        cookie: int | Register = 0
        if self.chance_of(0.3):
            cookie = self.random.choice([0, 1, 2])
        elif self.cookies and self.chance_of(0.6):
            descriptor, cookie = self.random.choice(self.cookies)
        size = self.random.choice([0, 1, 23, 24, 25, 26, 50, 77, 100, 200, 400, 4096, 4096, 10000])
        text = f"fd_readdir({descriptor}, {size} bytes, {cookie})"
        saves: tuple[tuple[int, Register, int], ...] = ()
        if self.chance_of(0.6):
            register = self.register()
            number = self.random.randrange(8)
            saves = ((SAVE_COOKIE, register, number),)
            text += f", {register} is the cookie of entry {number} or the last"
            self.cookies.append((descriptor, register))
        return (
            Call("fd_readdir", (descriptor, BUFFER, size, cookie, RESULT), text, saves=saves, output=64 + size + 8),
        )

    def list_directory(self) -> tuple[Call, ...]:
        """A directory piece by piece, each from where the one before ended."""
        descriptor = self.random.choice(self.directories) if self.directories else ROOT
        size = self.random.choice([50, 60, 100, 200, 300])
        register = self.register()
        calls = []
        cookie: int | Register = 0
        for _ in range(self.random.randrange(2, 6)):
            text = f"fd_readdir({descriptor}, {size} bytes, {cookie}), {register} is the cookie of its last entry"
            saves = ((SAVE_COOKIE, register, 1000),)
            arguments = (descriptor, BUFFER, size, cookie, RESULT)
            calls.append(Call("fd_readdir", arguments, text, saves=saves, output=64 + size + 8))
            cookie = register
        return tuple(calls)

    def path_stat(self) -> tuple[Call, ...]:
        directory, follow = self.directory(), self.follow()
        path = self.path(directory)
        text = f"path_filestat_get({directory}, {_name(follow, [(FOLLOW, 'FOLLOW')])}, {_show(path)})"
        return (
            self.path_call("path_filestat_get", (directory, follow), path, (RESULT,), text, 64, invalid=follow > 1),
        )

    def path_set_times(self) -> tuple[Call, ...]:
        directory, follow = self.directory(), self.follow()
        path = self.path(directory)
        atim, mtim, flags = self.times()
        lookup = _name(follow, [(FOLLOW, "FOLLOW")])
        text = f"path_filestat_set_times({directory}, {lookup}, {_show(path)}, {atim}, {mtim}, {flags})"
        return (
            self.path_call(
                "path_filestat_set_times",
                (directory, follow),
                path,
                (atim, mtim, flags),
                text,
                invalid=follow > 1 or flags > 15,
            ),
        )

    def _change(self, function: str, probability: float) -> tuple[Call, ...]:
        directory = self.directory()
        path = self.path(directory, probability)
        return (self.path_call(function, (directory,), path, (), f"{function}({directory}, {_show(path)})"),)

    def create_directory(self) -> tuple[Call, ...]:
        return self._change("path_create_directory", 0.2)

    def remove_directory(self) -> tuple[Call, ...]:
        """Not by a name with a slash behind it, which wasmtime refuses: nothing that follows would be the same."""
        directory = self.directory()
        path = self.path(directory, 0.7).rstrip(b"/")
        if self.chance_of(0.3):
            path = self.random.choice([b"e", b"d/e", b"m", b"n"])
        text = f"path_remove_directory({directory}, {_show(path)})"
        return (self.path_call("path_remove_directory", (directory,), path, (), text),)

    def unlink(self) -> tuple[Call, ...]:
        return self._change("path_unlink_file", 0.7)

    def _two_paths(self) -> tuple[int | Register, bytes, int | Register, bytes]:
        directory, new_directory = self.directory(), self.directory()
        return directory, self.path(directory, 0.8), new_directory, self.path(new_directory, 0.3)

    def rename(self) -> tuple[Call, ...]:
        directory, path, new_directory, new_path = self._two_paths()
        arguments = (directory, *self.at(path), new_directory, *self.at(new_path, len(path)))
        text = f"path_rename({directory}, {_show(path)}, {new_directory}, {_show(new_path)})"
        return (Call("path_rename", arguments, text, path + new_path),)

    def link(self) -> tuple[Call, ...]:
        directory, path, new_directory, new_path = self._two_paths()
        follow = self.flags([0, FOLLOW, 2], [95, 4, 1])
        arguments = (directory, follow, *self.at(path), new_directory, *self.at(new_path, len(path)))
        text = f"path_link({directory}, {follow}, {_show(path)}, {new_directory}, {_show(new_path)})"
        return (Call("path_link", arguments, text, path + new_path, invalid=follow > 1),)

    def symlink(self) -> tuple[Call, ...]:
        directory = self.directory()
        target, path = self.path(directory, 0.6), self.path(directory, 0.2)
        arguments = (*self.at(target), directory, *self.at(path, len(target)))
        text = f"path_symlink({_show(target)}, {directory}, {_show(path)})"
        return (Call("path_symlink", arguments, text, target + path),)

    def readlink(self) -> tuple[Call, ...]:
        directory = self.directory()
        path = self.path(directory, 0.8)
        if self.chance_of(0.5):
            path = self.random.choice([b"l", b"ld", b"le", b"loop", b"out", b"abs", b"d/up", b"d/e/l", b"hl"])
        size = self.random.choice([0, 1, 3, 9, 10, 100, 5000])
        text = f"path_readlink({directory}, {_show(path)}, {size} bytes)"
        after = (BUFFER, size, RESULT)
        return (self.path_call("path_readlink", (directory,), path, after, text, 64 + size + 8),)

    # ------------------------------------------------------------ the rest

    def poll(self) -> tuple[Call, ...]:
        """Files, and a clock that is due."""
        count = self.flags([1, 2, 3, 0], [40, 40, 15, 5])
        data, texts, patches, invalid = b"", [], [], False
        for number in range(count):
            kind = self.flags([0, 1, 2, 3], [50, 25, 24, 1])
            if kind == 0:
                clock = self.flags([0, 1, 2, 4], [45, 45, 5, 5])
                flags = self.flags([0, 1, 2], [60, 38, 2])
                timeout = self.flags([0, 1, 1000])
                invalid |= clock > 3 or flags > 1
                data += struct.pack("<QB7xIxxxxQQH6x", number + 1, kind, clock, timeout, 0, flags)
                texts.append(f"clock {clock} {timeout} {flags}")
            else:
                invalid |= kind > 2
                descriptor = self.file()
                texts.append(f"{['', 'read', 'write', 'type 3'][kind]} {descriptor}")
                if isinstance(descriptor, Register):
                    patches.append((len(data) + 16, descriptor))
                    descriptor = 0
                data += struct.pack("<QB7xI28x", number + 1, kind, descriptor)
        arguments = (INPUT, BUFFER, count, RESULT)
        return (
            Call(
                "poll_oneoff",
                arguments,
                f"poll_oneoff({texts})",
                data,
                patches=tuple(patches),
                output=64 + 32 * count + 8,
                invalid=invalid,
            ),
        )

    def clock(self) -> tuple[Call, ...]:
        clock = self.random.choice([0, 1, 2, 3, 4, 1 << 31])
        if self.chance_of(0.5):
            return (Call("clock_res_get", (clock, RESULT), f"clock_res_get({clock})", output=8, invalid=clock > 3),)
        return (Call("clock_time_get", (clock, 0, RESULT), f"clock_time_get({clock})", output=8, invalid=clock > 3),)

    def chance(self) -> tuple[Call, ...]:
        if self.chance_of(0.2):
            return (Call("sched_yield", (), "sched_yield()"),)
        if self.chance_of(0.5):
            function = self.random.choice(["args_sizes_get", "environ_sizes_get"])
            return (Call(function, (RESULT, RESULT + 4), f"{function}()", output=16),)
        if self.chance_of(0.5):
            function = self.random.choice(["args_get", "environ_get"])
            return (Call(function, (BUFFER, BUFFER + 16), f"{function}()", output=128),)
        size = self.random.choice([0, 1, 7, 300])
        return (Call("random_get", (BUFFER, size), f"random_get({size})", output=64 + size + 8),)

    def socket(self) -> tuple[Call, ...]:
        descriptor = self.file()
        which = self.random.randrange(4)
        vector = struct.pack("<II", BUFFER, 8)
        if which == 0:
            flags = self.random.choice([0, NONBLOCK])
            return (Call("sock_accept", (descriptor, flags, RESULT), f"sock_accept({descriptor}, {flags})", output=8),)
        if which == 1:
            how = self.random.choice([1, 2, 3])
            return (Call("sock_shutdown", (descriptor, how), f"sock_shutdown({descriptor}, {how})"),)
        if which == 2:
            arguments = (descriptor, INPUT, 1, 0, RESULT, RESULT + 8)
            return (Call("sock_recv", arguments, f"sock_recv({descriptor})", vector, output=80),)
        return (Call("sock_send", (descriptor, INPUT, 1, 0, RESULT), f"sock_send({descriptor})", vector, output=8),)

    # ------------------------------------------------------------ all of it

    def choose_entries(self) -> tuple[Entry, ...]:
        """Most of TREE, without what stands in or for something left out."""
        chosen: dict[str, Entry] = {}
        odd_modes = self.chance_of(0.3)
        for entry in TREE:
            parent = entry.path.rpartition("/")[0]
            needed = [parent] if "/" in parent else []
            if entry.kind == "name":
                needed.append(entry.content.decode())
            if not all(path in chosen for path in needed) or self.chance_of(0.15):
                continue
            modes = MODES.get(entry.kind)
            mode = self.random.choice(modes) if modes and odd_modes and self.chance_of(0.25) else None
            chosen[entry.path] = replace(entry, mode=mode)
        if self.chance_of(0.05):
            names = [f"tree/m/{'name' * (number % 9)}{number}" for number in range(self.random.choice([3, 20, 100]))]
            chosen |= {"tree/m": Entry("tree/m", "directory"), **{name: Entry(name, "file") for name in names}}
        return tuple(chosen.values())

    def script(self) -> Script:
        functions = [function for function, _ in self.call_functions]
        weights = [weight for _, weight in self.call_functions]
        groups = [self.random.choice([self.open_file, self.open_directory])() for _ in range(self.random.randrange(4))]
        size = 0
        for _ in range(self.random.choice([5, 10, 20, 40, 60])):
            group = self.random.choices(functions, weights)[0]()
            size += sum(call.output + 4 for call in group)
            if size > 1 << 20:
                break
            groups.append(group)
        return Script(self.seed, self.entries, tuple(groups))


def generate(seed: str) -> Script:
    """The script of that seed."""
    return Generator(seed).script()


assert OUTPUT + AREA > BUFFER + 40000
