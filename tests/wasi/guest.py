"""A guest that a test drives call by call: ``wasi_snapshot_preview1`` of the shim, or wasmtime's, behind one interface.

``NativeGuest`` starts ``guest.c`` (the shim without any WebAssembly) as a process, on the host or under qemu-user;
``WasmtimeGuest`` calls the same functions in wasmtime through a module of trampolines. What is compared are error
codes, results and effects.
"""

from __future__ import annotations

import atexit
import functools
import io
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests import tools
from waot.linker import EmbeddedImage
from waot.linker.runtime import assembly, include_flags, machine_flags, system_sources
from waot.targets import load_targets

PROJECT = Path(__file__).resolve().parents[2]
RUNTIME = PROJECT / "runtime-support"
DEFINITIONS = RUNTIME / "include" / "wasi_preview1.def"

NOT_OF_GUESTS = ("entry.c", "start.c", "signals.c")  # guest.c has its own start and no traps
ERRNO: list[str] = re.sub(
    r"\s+",
    " ",
    """success 2big acces addrinuse addrnotavail afnosupport again already badf badmsg busy canceled child connaborted
    connrefused connreset deadlk destaddrreq dom dquot exist fault fbig hostunreach idrm ilseq inprogress intr inval io
    isconn isdir loop mfile mlink msgsize multihop nametoolong netdown netreset netunreach nfile nobufs nodev noent
    noexec nolck nolink nomem nomsg noprotoopt nospc nosys notconn notdir notempty notrecoverable notsock notsup notty
    nxio overflow ownerdead perm pipe proto protonosupport prototype range rofs spipe srch stale timedout txtbsy xdev
    notcapable""",
).split()

_QEMU = {"powerpc64le": "ppc64le", "x86": "i386"}  # its name of an architecture, where it is another one

SUCCESS = "success"
READ, WRITE = 1 << 1, 1 << 6
CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8
FOLLOW = 1
APPEND, DSYNC, NONBLOCK, RSYNC, SYNC = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Function:
    """One line of a ``.def``: the wasm types of its parameters, by name."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: bool


def _defined(definitions: Path, prefix: str = "") -> tuple[Function, ...]:
    found = []
    for line in definitions.read_text().splitlines():
        if match := re.fullmatch(r"WASI\((\w+), (\w+), \(MEMORY(.*)\)\)", line):
            parameters = tuple((n, t.lower()) for t, n in re.findall(r"(I32|I64) (\w+)", match[3]))
            found.append(Function(prefix + match[1], parameters, match[2] != "NONE"))
    return tuple(found)


@functools.cache
def functions() -> tuple[Function, ...]:
    """Every function of preview 1, in the order of the definition file."""
    found = _defined(DEFINITIONS)
    assert len(found) == 46, len(found)
    return found


@functools.cache
def native_functions() -> tuple[Function, ...]:
    """Those of ``guest.c``: preview 1's, and what is another function in snapshot 0 as ``unstable_...``."""
    return (*functions(), *_defined(DEFINITIONS.with_name("wasi_unstable.def"), "unstable_"))


class Guest(Protocol):
    """Memory of 2 MiB and the functions of preview 1."""

    def write(self, address: int, data: bytes) -> None: ...

    def read(self, address: int, size: int) -> bytes: ...

    def call(self, name: str, *arguments: int) -> str:
        """The name of the errno."""
        ...

    def close(self) -> None: ...


# ---------------------------------------------------------------- the shim


_EMULATIONS = {
    "x86_64": "elf_x86_64",
    "aarch64": "aarch64linux",
    "riscv64": "elf64lriscv",
    "s390x": "elf64_s390",
    "powerpc64le": "elf64lppc",
    "loongarch64": "elf64loongarch",
    "x86": "elf_i386",
    "arm": "armelf_linux_eabi",
    "riscv32": "elf32lriscv",
}


def wasi_calls() -> str:
    """wasi_calls.h of guest.h: for each function one that takes its arguments from an array of numbers of 64 bits."""
    lines, names = [], []
    for function in native_functions():
        types = [{"i32": "(uint32_t)", "i64": ""}[t] for _, t in function.parameters]
        arguments = ", ".join(["memory", *(f"{t}a[{i}]" for i, t in enumerate(types))])
        call = f"waot_wasi_{function.name}({arguments})"
        body = f"return {call};" if function.returns else f"{call}; return 0;"
        unused = "" if types else "(void)a; "
        lines.append(
            f"static uint64_t call_{function.name}(struct waot_memory *memory, const uint64_t *a) {{ {unused}{body} }}"
        )
        names.append(f"call_{function.name},")
    lines += ["static uint64_t (*const calls[])(struct waot_memory *, const uint64_t *) = {", *names, "};"]
    return "\n".join(lines) + "\n"


FREEBSD = "x86_64-freebsd"  # stands where an architecture does: its shim, under tests/freebsd/translator


def build(architecture: str, threads: bool = False) -> Path:
    """Compiles guest.c with the shim's sources for ``<architecture>-linux``, as with or without threads; once.

    Likewise for FREEBSD."""
    return _build(architecture, threads)


@functools.cache
def _build(architecture: str, threads: bool) -> Path:
    directory = Path(tempfile.mkdtemp(prefix="waot-guest-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    program = directory / f"guest-{architecture}"
    freebsd = architecture == FREEBSD
    architecture, system_name = ("x86_64", "freebsd") if freebsd else (architecture, "linux")
    runtime = f"os/{system_name}"
    system = [RUNTIME / name for name in system_sources(RUNTIME, runtime, False)]
    sources = [
        Path(__file__).with_name("guest.c"),
        *sorted((RUNTIME / "wasi").glob("*.c")),
        *([RUNTIME / "wasi" / "threads" / "descriptors.c"] if threads else []),
        *(path for path in system if path.name not in NOT_OF_GUESTS),
        assembly(RUNTIME / runtime, architecture),
    ]
    target = next(t for t in load_targets().values() if (t.arch, t.system) == (architecture, system_name))
    common = [sys.executable, "-m", "ziglang", "cc", *machine_flags(target), "-O2", "-g0"]
    common += ["-ffreestanding", "-fno-sanitize=all", "-fno-stack-protector"]
    common += ["-DWAOT_THREADS=1", "-DWAOT_THREAD_LOCAL="] if threads else []  # it has one thread all the same
    builtins = directory / "builtins.o"
    source = RUNTIME / "core" / "builtins.c"
    subprocess.run([*common, "-fno-builtin", "-c", str(source), "-o", str(builtins)], check=True)
    objects = [str(builtins)]
    for source in sources:
        objects.append(str(directory / f"{len(objects)}.o"))
        flags = (
            []
            if source.suffix == ".S"
            else ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", *include_flags(RUNTIME, runtime)]
        )
        if source.name == "guest.c":
            (directory / "wasi_calls.h").write_text(wasi_calls())
            flags.append(f"-I{directory}")
        subprocess.run([*common, *flags, "-c", str(source), "-o", objects[-1]], check=True)
    emulation = _EMULATIONS[architecture] + "_fbsd" * freebsd
    link = [sys.executable, "-m", "ziglang", "ld.lld", "-m", emulation, "-static", "--gc-sections", "-o", str(program)]
    subprocess.run([*link, *objects], check=True)
    return program


def record(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """One record of the manifest (waot_abi.h)."""
    return struct.pack("=HHI", kind, flags, len(payload)) + payload + bytes(-len(payload) % 8)


# struct of what is in records of these kinds, besides text.
_NUMBERS = {13: "Q", 16: "IIIIQQ"}


def in_order(record: bytes, order: str) -> bytes:
    """A record for a machine of that byte order (struct's "<" or ">")."""
    kind, flags, size = struct.unpack_from("=HHI", record)
    numbers = _NUMBERS.get(kind, "")
    payload = record[8 + struct.calcsize("=" + numbers) :]
    return (
        struct.pack(order + "HHI", kind, flags, size)
        + struct.pack(order + numbers, *struct.unpack_from("=" + numbers, record, 8))
        + payload
    )


def directory_record(host: Path | str, guest: str, *, read_only: bool = False) -> bytes:
    """Grants a directory."""
    return record(1, os.fsencode(host) + b"\0" + guest.encode() + b"\0", int(read_only))


def embedded_records(image: EmbeddedImage) -> tuple[list[bytes], bytes]:
    """What embeds an image: the records, and its bytes."""
    records = []
    for directory in image.directories:
        counts = (directory.root, directory.directories, directory.files, directory.links)
        head = struct.pack("=IIIIQQ", *counts, directory.bytes, directory.stored)
        records.append(record(16, head + directory.guest.encode() + b"\0", int(directory.compressed)))
    file = io.BytesIO()
    image.write(file)
    return records, file.getvalue()


def variable_record(text: str) -> bytes:
    """Grants NAME=VALUE, or NAME from the environment."""
    return record(2, text.encode() + b"\0")


INHERIT_ENVIRONMENT = record(3, b"")


def file_record(host: Path | str, guest: str, *, read_only: bool = False) -> bytes:
    """Grants a file."""
    return record(10, os.fsencode(host) + b"\0" + guest.encode() + b"\0", int(read_only))


def argument_record(text: str) -> bytes:
    """A fixed argument."""
    return record(11, text.encode() + b"\0")


def listen_record(address: str) -> bytes:
    """Grants a listening socket at ADDR:PORT."""
    return record(12, address.encode() + b"\0")


def seed_record(seed: int) -> bytes:
    """Makes clocks and randomness follow from a seed."""
    return record(13, struct.pack("=Q", seed))


SEALED = record(14, b"")


@functools.cache
def confinement_record(architecture: str, imports: frozenset[str] | None = None, *, required: bool = False) -> bytes:
    """The filters of a program that imports these functions, or all. `fd_read` is always among them: by what it needs
    the guest takes its orders."""
    from waot.linker.confine import encode_filters, make_filters

    if architecture == FREEBSD:  # capability mode, which has no filters
        return record(15, b"", 2 * required)
    imports = frozenset(f.name for f in functions()) if imports is None else imports | {"fd_read"}
    endian = endian_of(architecture)
    return record(15, encode_filters(make_filters(architecture, imports, endian=endian), endian), 2 * required)


def endian_of(architecture: str) -> str:
    return "big" if architecture == "s390x" else "little"


class NativeGuest:
    """The shim in a process of its own."""

    def __init__(
        self,
        architecture: str = "x86_64",
        *,
        records: Sequence[bytes] = (),
        embedded: bytes = b"",  # the image of which records speak
        arguments: Sequence[str] = ("guest",),
        environment: dict[str, str] | None = None,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.DEVNULL,
        stderr: int | None = None,
        walk: bool = False,
        imports: frozenset[str] | None = None,  # what its filter is for; all
        require_filter: bool = False,
        threads: bool = False,
        prepare: Callable[[], None] = lambda: None,  # in the new process, before the guest
    ) -> None:
        environment = dict(environment or {})
        if walk:
            environment["WAOT_FORCE_WALK"] = "1"
        program = str(build(architecture, threads))
        command = list(arguments)
        emulated = architecture != "x86_64" and not (architecture == "x86" and not tools.runner("i686-linux"))
        if architecture == FREEBSD:
            command = [*tools.runner(FREEBSD), "-0", arguments[0], program, *arguments[1:]]
        elif emulated:
            command = [
                f"qemu-{_QEMU.get(architecture, architecture)}-static",
                "-0",
                arguments[0],
                program,
                *arguments[1:],
            ]
        self._launch(command, None if emulated else program, environment, (stdin, stdout, stderr), prepare)
        # Whatever a test does, it does as a program that has given up what it does not need.
        confinement = confinement_record(architecture, imports, required=require_filter)
        self._order = "<" if endian_of(architecture) == "little" else ">"
        manifest = b"".join(in_order(each, self._order) for each in [*records, confinement, record(0, b"")])
        self._begin(manifest, embedded)

    def _launch(
        self,
        command: Sequence[str],
        executable: str | None,
        environment: dict[str, str],
        streams: tuple[int | None, int | None, int | None],
        prepare: Callable[[], None],
    ) -> None:
        """Starts the process, with what leads to and from it."""
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()

        # The child takes the four ends to 100 and 101 itself; preexec_fn runs after stdin and the rest are in place.
        def move() -> None:
            os.dup2(theirs_in, 100)
            os.dup2(theirs_out, 101)
            prepare()

        self.process = subprocess.Popen(
            command,
            executable=executable,
            env=environment,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            close_fds=False,  # ours are close-on-exec; the two above have to stay
            preexec_fn=move,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._answers = os.fdopen(ours_in, "rb", buffering=0)
        self._orders = os.fdopen(ours_out, "wb", buffering=0)

    def _begin(self, manifest: bytes, embedded: bytes) -> None:
        for part in (manifest, embedded):
            self._send(self._pack("Q", len(part)))
            self._send(part)

    def _pack(self, numbers: str, *values: int) -> bytes:
        return struct.pack(self._order + numbers, *values)

    def _send(self, message: bytes) -> None:
        view = memoryview(message)
        while view:
            view = view[self._orders.write(view) or 0 :]

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._answers.read(size - len(data))
            if not piece:
                raise EOFError(f"the guest ended with status {self.process.wait()}")
            data += piece
        return data

    def write(self, address: int, data: bytes) -> None:
        self._send(self._pack("QQQ", ord("W"), address, len(data)) + data)

    def read(self, address: int, size: int) -> bytes:
        self._send(self._pack("QQQ", ord("R"), address, size))
        return self._receive(size)

    def set_memory(self, size: int | None) -> None:
        """How much memory the guest has, in bytes; none at all (a null descriptor) for None."""
        self._send(self._pack("QQ", ord("M"), (1 << 64) - 1 if size is None else size))

    def be_interrupted(self) -> None:
        """From here on SIGALRM has a handler that does nothing and is unblocked: it interrupts system calls."""
        self._send(self._pack("Q", ord("T")))

    def repeat(self, count: int, inode: int, name: str, *arguments: int) -> tuple[dict[str, int], int]:
        """Makes a call that often: how often it gave each errno, and how often it came to the file with that inode."""
        index = next(i for i, function in enumerate(native_functions()) if function.name == name)
        padded = [a & ((1 << 64) - 1) for a in arguments] + [0] * (10 - len(arguments))
        self._send(self._pack("QQQQ10Q", ord("L"), count, inode, index, *padded))
        *counts, reached = struct.unpack(self._order + "257Q", self._receive(257 * 8))
        return {ERRNO[i]: n for i, n in enumerate(counts) if n}, reached

    def system_call(self, number: int, *arguments: int) -> int:
        """The result of a system call that the process makes outside of the shim. Raises EOFError where it ends it."""
        padded = [a & ((1 << 64) - 1) for a in arguments] + [0] * (6 - len(arguments))
        self._send(self._pack("QQ6Q", ord("S"), number, *padded))
        (result,) = struct.unpack(self._order + "q", self._receive(8))
        return int(result)

    def start(self, name: str, *arguments: int) -> None:
        """Begins a call; ``finish`` waits for it."""
        index = next(i for i, function in enumerate(native_functions()) if function.name == name)
        assert len(arguments) == len(native_functions()[index].parameters), name
        padded = [a & ((1 << 64) - 1) for a in arguments] + [0] * (10 - len(arguments))
        self._send(self._pack("QQ10Q", ord("C"), index, *padded))

    def finish(self) -> str:
        (result,) = struct.unpack(self._order + "Q", self._receive(8))
        return ERRNO[int(result)]

    def call(self, name: str, *arguments: int) -> str:
        self.start(name, *arguments)
        return self.finish()

    def close(self) -> None:
        self._orders.close()
        self._answers.close()
        self.process.kill()
        self.process.wait()


# ---------------------------------------------------------------- wasmtime


class WasmtimeGuest:
    """wasmtime's WASI, through a module that imports and exports every function."""

    def __init__(self, directories: Sequence[tuple[Path, str, bool]] = ()) -> None:
        import wasmtime

        config = wasmtime.WasiConfig()
        config.argv = ["guest"]
        for host, guest, read_only in directories:
            config.preopen_dir(str(host), guest, not read_only)
        engine = wasmtime.Engine()
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._store = wasmtime.Store(engine)
        self._store.set_wasi(config)
        module = wasmtime.Module(engine, self._text())
        self._exports = linker.instantiate(self._store, module).exports(self._store)
        self._memory = self._exports["memory"]

    @staticmethod
    def _text() -> str:
        imports, bodies = [], []
        for f in functions():
            types = " ".join(kind for _, kind in f.parameters)
            signature = f"(param {types})" + (" (result i32)" if f.returns else "")
            imports.append(f'(import "wasi_snapshot_preview1" "{f.name}" (func ${f.name} {signature}))')
            passed = " ".join(f"(local.get {i})" for i in range(len(f.parameters)))
            bodies.append(f'(func (export "{f.name}") {signature} (call ${f.name} {passed}))')
        return "(module " + " ".join(imports) + ' (memory (export "memory") 32) ' + " ".join(bodies) + ")"

    def write(self, address: int, data: bytes) -> None:
        self._memory.write(self._store, data, address)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._memory.read(self._store, address, address + size))

    def call(self, name: str, *arguments: int) -> str:
        kinds = next(f for f in functions() if f.name == name).parameters
        signed = [
            a - (1 << 64) if k == "i64" and a >= 1 << 63 else a for a, (_, k) in zip(arguments, kinds, strict=True)
        ]
        signed = [a - (1 << 32) if k == "i32" and a >= 1 << 31 else a for a, (_, k) in zip(signed, kinds, strict=True)]
        return ERRNO[int(self._exports[name](self._store, *signed))]

    def close(self) -> None:
        pass


# ---------------------------------------------------------------- calls as a test writes them

PATH, PATH2, DATA, IOVS, OUT = 0x1000, 0x3000, 0x10000, 0x8000, 0x9000


@dataclass(frozen=True)
class Stat:
    device: int
    inode: int
    filetype: int
    links: int
    size: int
    atim: int
    mtim: int
    ctim: int


@dataclass(frozen=True)
class Entry:
    next: int
    inode: int
    filetype: int
    name: bytes


class Calls:
    """A guest's functions with Python values in place of addresses. Each returns the errno's name, or also a value."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def _path(self, at: int, path: str | bytes) -> tuple[int, int]:
        data = path.encode() if isinstance(path, str) else path
        self.guest.write(at, data + b"#")
        return at, len(data)

    def open(
        self,
        fd: int,
        path: str | bytes,
        *,
        oflags: int = 0,
        rights: int = READ,
        fdflags: int = 0,
        follow: bool = False,
    ) -> tuple[str, int]:
        error = self.guest.call(
            "path_open", fd, int(follow), *self._path(PATH, path), oflags, rights, rights, fdflags, OUT
        )
        return error, struct.unpack("<I", self.guest.read(OUT, 4))[0]

    def opened(self, fd: int, path: str | bytes, **options: Any) -> int:
        error, new = self.open(fd, path, **options)
        assert error == SUCCESS, error
        return new

    def _iovs(self, sizes: Sequence[int]) -> int:
        at = DATA
        packed = b""
        for size in sizes:
            packed += struct.pack("<II", at, size)
            at += size
        self.guest.write(IOVS, packed)
        return len(sizes)

    def write(self, fd: int, data: bytes, offset: int | None = None) -> tuple[str, int]:
        self.guest.write(DATA, data)
        count = self._iovs([len(data)])
        if offset is None:
            error = self.guest.call("fd_write", fd, IOVS, count, OUT)
        else:
            error = self.guest.call("fd_pwrite", fd, IOVS, count, offset, OUT)
        return error, struct.unpack("<I", self.guest.read(OUT, 4))[0]

    def read(self, fd: int, size: int, offset: int | None = None) -> tuple[str, bytes]:
        count = self._iovs([size])
        if offset is None:
            error = self.guest.call("fd_read", fd, IOVS, count, OUT)
        else:
            error = self.guest.call("fd_pread", fd, IOVS, count, offset, OUT)
        if error != SUCCESS:
            return error, b""
        return error, self.guest.read(DATA, struct.unpack("<I", self.guest.read(OUT, 4))[0])

    def seek(self, fd: int, offset: int, whence: int) -> tuple[str, int]:
        error = self.guest.call("fd_seek", fd, offset & ((1 << 64) - 1), whence, OUT)
        return error, struct.unpack("<Q", self.guest.read(OUT, 8))[0]

    def tell(self, fd: int) -> tuple[str, int]:
        error = self.guest.call("fd_tell", fd, OUT)
        return error, struct.unpack("<Q", self.guest.read(OUT, 8))[0]

    def close(self, fd: int) -> str:
        return self.guest.call("fd_close", fd)

    def fdstat(self, fd: int) -> tuple[str, tuple[int, int, int, int]]:
        """File type, flags, rights, inheriting rights."""
        error = self.guest.call("fd_fdstat_get", fd, OUT)
        filetype, flags, base, inheriting = struct.unpack("<BxHxxxxQQ", self.guest.read(OUT, 24))
        return error, (filetype, flags, base, inheriting)

    def _filestat(self) -> Stat:
        return Stat(*struct.unpack("<QQBxxxxxxxQQQQQ", self.guest.read(OUT, 64)))

    def stat(self, fd: int) -> tuple[str, Stat]:
        error = self.guest.call("fd_filestat_get", fd, OUT)
        return error, self._filestat()

    def path_stat(self, fd: int, path: str | bytes, *, follow: bool = False) -> tuple[str, Stat]:
        error = self.guest.call("path_filestat_get", fd, int(follow), *self._path(PATH, path), OUT)
        return error, self._filestat()

    def mkdir(self, fd: int, path: str | bytes) -> str:
        return self.guest.call("path_create_directory", fd, *self._path(PATH, path))

    def rmdir(self, fd: int, path: str | bytes) -> str:
        return self.guest.call("path_remove_directory", fd, *self._path(PATH, path))

    def unlink(self, fd: int, path: str | bytes) -> str:
        return self.guest.call("path_unlink_file", fd, *self._path(PATH, path))

    def symlink(self, target: str | bytes, fd: int, path: str | bytes) -> str:
        return self.guest.call("path_symlink", *self._path(PATH2, target), fd, *self._path(PATH, path))

    def link(self, fd: int, path: str | bytes, new_fd: int, new: str | bytes, *, follow: bool = False) -> str:
        return self.guest.call("path_link", fd, int(follow), *self._path(PATH, path), new_fd, *self._path(PATH2, new))

    def rename(self, fd: int, path: str | bytes, new_fd: int, new: str | bytes) -> str:
        return self.guest.call("path_rename", fd, *self._path(PATH, path), new_fd, *self._path(PATH2, new))

    def readlink(self, fd: int, path: str | bytes, size: int = 4096) -> tuple[str, bytes]:
        error = self.guest.call("path_readlink", fd, *self._path(PATH, path), DATA, size, OUT)
        if error != SUCCESS:
            return error, b""
        return error, self.guest.read(DATA, struct.unpack("<I", self.guest.read(OUT, 4))[0])

    def set_times(self, fd: int, path: str | bytes, atim: int, mtim: int, flags: int, *, follow: bool = False) -> str:
        return self.guest.call("path_filestat_set_times", fd, int(follow), *self._path(PATH, path), atim, mtim, flags)

    def readdir_once(self, fd: int, size: int, cookie: int) -> tuple[str, bytes]:
        error = self.guest.call("fd_readdir", fd, DATA, size, cookie, OUT)
        if error != SUCCESS:
            return error, b""
        return error, self.guest.read(DATA, struct.unpack("<I", self.guest.read(OUT, 4))[0])

    def readdir(self, fd: int, size: int = 4096, cookie: int = 0) -> list[Entry]:
        """All entries from a cookie on, by as many calls as it takes."""
        entries = []
        while True:
            error, data = self.readdir_once(fd, size, cookie)
            assert error == SUCCESS, error
            at = 0
            while at + 24 <= len(data):
                following, inode, name_size, filetype = struct.unpack_from("<QQIB", data, at)
                if at + 24 + name_size > len(data):
                    break
                name = data[at + 24 : at + 24 + name_size]
                entries.append(Entry(following, inode, filetype, name))
                cookie = following
                at += 24 + name_size
            if len(data) < size:
                return entries
            assert at > 0, "the buffer is too small for an entry"

    def poll(self, *subscriptions: bytes) -> tuple[str, list[tuple[int, int, int, int, int]]]:
        """Events: userdata, error, type, bytes, flags."""
        self.guest.write(DATA, b"".join(subscriptions))
        error = self.guest.call("poll_oneoff", DATA, DATA + 0x10000, len(subscriptions), OUT)
        if error != SUCCESS:
            return error, []
        (count,) = struct.unpack("<I", self.guest.read(OUT, 4))
        data = self.guest.read(DATA + 0x10000, 32 * count)
        return error, [struct.unpack_from("<QHBxxxxxQH", data, 32 * i) for i in range(count)]

    def strings(self, sizes: str, get: str) -> list[bytes]:
        """Arguments or environment."""
        assert self.guest.call(sizes, OUT, OUT + 4) == SUCCESS
        count, size = struct.unpack("<II", self.guest.read(OUT, 8))
        assert self.guest.call(get, IOVS, DATA) == SUCCESS
        pointers = struct.unpack(f"<{count}I", self.guest.read(IOVS, 4 * count))
        data = self.guest.read(DATA, size)
        strings = [data[p - DATA :].split(b"\0", 1)[0] for p in pointers]
        assert sum(len(s) + 1 for s in strings) == size
        return strings


def clock_subscription(userdata: int, clock: int, timeout: int, *, absolute: bool = False) -> bytes:
    return struct.pack("<QB7xIxxxxQQH6x", userdata, 0, clock, timeout, 0, int(absolute))


def fd_subscription(userdata: int, kind: int, fd: int) -> bytes:
    """``kind``: 1 to read, 2 to write."""
    return struct.pack("<QB7xI28x", userdata, kind, fd)


def architectures() -> list[str]:
    """Those whose programs can run here."""
    import platform

    found = ["x86_64"] if platform.machine() == "x86_64" else []
    return found + [other for other in ("aarch64", "riscv64") if shutil.which(f"qemu-{other}-static")]


def more_architectures() -> list[str]:
    """Further ones, for what may take its time."""
    import platform

    return ([FREEBSD] if platform.machine() == "x86_64" else []) + [
        other
        for other in ("s390x", "powerpc64le", "loongarch64", "x86", "arm", "riscv32")
        if shutil.which(f"qemu-{_QEMU.get(other, other)}-static")
    ]


@contextmanager
def native(architecture: str, **options: object) -> Iterator[Calls]:
    guest = NativeGuest(architecture, **options)  # type: ignore[arg-type]
    try:
        yield Calls(guest)
    finally:
        guest.close()
