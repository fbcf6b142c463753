"""The runtime-support shim compiled for a target: on first use, then from the cache.

What generated code calls (memories, tables, WASI) becomes one bitcode through a file that includes it, so that codegen
merges a single module. The rest is objects: the assembly, the functions
that LLVM itself calls (an optimiser that sees memcpy's body takes it for its own), the system layer with start and
traps, which has nothing to gain from being optimised once more with every program, and the collector, which only some
programs have.

There are two variants of one source: programs that start threads have one with the files in directories called threads,
and in which each thread has its own of what is WAOT_THREAD_LOCAL (waot_threads.h).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from waot.errors import CacheError
from waot.linker import coff, objects, one_toc
from waot.resources import runtime_support_dir
from waot.targets import Target
from waot.zig import run_zig, zig_binary, zig_version

# Not -ffreestanding for the bitcode: it implies -fno-builtin, which marks functions so that they cannot be inlined
# into generated code. Nothing of libc is called but what core/builtins.c defines.
_COMMON_FLAGS = (
    *("-std=c11", "-D_GNU_SOURCE", "-g0", "-fasynchronous-unwind-tables"),
    *("-fno-exceptions", "-fno-stack-protector", "-fno-sanitize=all", "-fomit-frame-pointer"),
    # Not of atomic access that is a call: core/wide.h has what it calls.
    *("-Wall", "-Wextra", "-Werror", "-Wno-atomic-alignment"),
)
_BITCODE_FLAGS = ("-Os", "-emit-llvm")
# A loop over UTF-16 is no call of wcslen. Not for the bitcode either: what has such an attribute is not inlined.
_SYSTEM_FLAGS = ("-Os", "-ffunction-sections", "-fdata-sections", "-fno-builtin-wcslen")
# What makes the system layer smaller on one architecture. -Oz, which zig itself takes for -Os, saves 0.5 KB of a hello,
# and 1 KB for Windows.
_SMALLER_FLAGS = {
    # Where arguments are pushed, a frame pointer saves a line of .eh_frame a push: 2.4 KB of 28 of a hello.
    "x86": ("-fno-omit-frame-pointer", "-Xclang", "-Oz"),
    # With -Oz alone functions that are one system call are called. And LLVM makes the constants of a file one, of which
    # the linker can leave nothing out: 0.4 KB.
    "powerpc64le": ("-Xclang", "-Oz", "-mllvm", "-inline-threshold=20", "-mllvm", "-enable-global-merge=false"),
}
# What runs before the program or when it cannot go on: no backtrace leads through it, and what describes its frames
# would be a fifth of it.
_NEVER_UNWOUND = ("lines.c", "trap.c", "unwind.c", "entry.c", "start.c", "confine.c", "vdso.c")
_NEVER_UNWOUND_FLAGS = ("-fno-asynchronous-unwind-tables", "-fno-unwind-tables")
# Loops are unrolled by hand: once more is 0.8 KB on s390x.
_BUILTINS_FLAGS = ("-O2", "-ffreestanding", "-fno-builtin", "-ffunction-sections", "-fno-unroll-loops")
_BUILTINS_MACHINE_FLAGS = {
    # Otherwise loops have a register for the address of each access, and save eight of them.
    "powerpc64le": ("-mllvm", "-disable-lsr"),
    # x86-64-v2 is tuned for processors that take two turns for an access of 32 bytes, which are the point of large.h.
    # At lines of the cache these are as fast in one program as in the next, whatever stands before them.
    "x86_64": ("-falign-functions=64", "-Xclang", "-target-feature", "-Xclang", "-slow-unaligned-mem-32"),
}
# zig itself says -c too.
_ASSEMBLY_FLAGS = ("-S", "-Wno-unused-command-line-argument")
# The collector looks at objects as words.
_HEAP_FLAGS = ("-O2", "-fno-strict-aliasing", "-ffunction-sections", "-fdata-sections")

# Executables alone have such code, so variables are at a constant distance from the thread pointer.
_THREADS_FLAGS = ("-DWAOT_THREADS=1", "-DWAOT_THREAD_LOCAL=_Thread_local", "-ftls-model=local-exec")

_BUILTINS, _ROUNDING, _VERSIONS = "core/builtins.c", "core/apart/rounding.c", "core/apart/versions.c"
# What systems like POSIX have in common.
_POSIX = "os/posix"
_TRAPS = ("core/lines.c", "core/trap.c", "core/trapping.c", "core/unwind.c")
# Of core, what there is where there is no system.
_WITHOUT_SYSTEM = ("core/memory.c", "core/table.c")
# Declarations too: symbols of the linker script are then reached without a GOT.
_HIDDEN = "#pragma GCC visibility push(hidden)\n"

# What dlltool calls them.
_DLLTOOL_MACHINES = {"x86_64": "i386:x86-64", "aarch64": "arm64", "x86": "i386"}


@dataclass(frozen=True, slots=True)
class Runtime:
    """The shim for one target; `threads` where it is the variant for programs that start some.

    `bitcode` is merged into unit 0; everything in it but `entry_points`, which the objects refer to, may be
    internalised. Of the objects `on_demand` the linker takes those that the program refers to: the collector, rounding.
    `libraries` say what the system has itself. `versions` are the objects by which a program chooses between versions
    of its code, none where there can be one only. `digest` (hex) changes whenever any of it does.
    """

    bitcode: Path
    objects: tuple[Path, ...]
    on_demand: tuple[Path, ...]
    entry_points: tuple[str, ...]
    digest: str
    threads: bool = False
    libraries: tuple[Path, ...] = ()
    versions: tuple[Path, ...] = ()


def build_runtime(
    target: Target, cache_dir: Path, progress: Callable[[str], None] | None = None, *, threads: bool = False
) -> Runtime:
    """The shim for `target`, compiled now or found below `cache_dir`.

    `threads` asks for the variant for programs that start some.
    `progress` is told in a phrase before something takes long (a second). Safe to call from several processes at once.
    Raises ToolError where zig fails, CacheError where the cache cannot be written.
    """
    cache_dir = cache_dir.absolute()  # zig runs in another directory
    root = runtime_support_dir()
    digest = _digest(root, target, threads)
    place = cache_dir / "runtime" / f"{target.name}-{digest[:32]}"
    if not (place / "complete").is_file():
        if progress is not None:
            progress(f"compiling the runtime for {target.name}{' with threads' if threads else ''}")
        _build(root, target, place, cache_dir, threads)
    linked = (
        *(place / file for file, _ in _assembly(root, target, threads)),
        *(() if target.freestanding else (place / "system.o", place / "ends.o")),
        place / "builtins.o",
    )
    if target.freestanding:
        on_demand: tuple[Path, ...] = (place / "arithmetic.o",) if target.pointer_bits == 32 else ()
    else:
        on_demand = (place / "heap.o", *((place / "rounding.o",) if target.object_format == "coff" else ()))
    undefined = coff.undefined_symbols if target.object_format == "coff" else objects.undefined_symbols
    libraries = tuple(place / name for name, _ in _libraries(root, target))
    try:
        referring = linked if target.freestanding else (*linked, *on_demand)
        needed = {name for path in referring for name in undefined(path.read_bytes())}
    except OSError as error:
        raise CacheError(f"cannot be read: {error.strerror}", file=str(place)) from None
    shims = sorted(name for name in needed if name.startswith("waot_"))  # and not the system's, or builtins.c's
    versions = (place / "versions.o",) if target.has_versions else ()
    return Runtime(place / "runtime.bc", linked, on_demand, tuple(shims), digest, threads, libraries, versions)


def _sources(root: Path, target: Target, threads: bool) -> dict[str, list[str]]:
    """The C files of each object, relative to `root`, in an order of their own."""

    system = system_sources(root, target.runtime, threads)
    if target.freestanding:
        return {"runtime": [*_WITHOUT_SYSTEM, *system]}
    called = [name for name in _files(root, threads, "core", "wasi") if name != _BUILTINS and name not in _TRAPS]
    linked = [*_others(_TRAPS, system), *system]
    return {
        "runtime": called,
        "system": [name for name in linked if Path(name).name not in _NEVER_UNWOUND],
        "ends": [name for name in linked if Path(name).name in _NEVER_UNWOUND],
        "heap": _files(root, threads, "core/gc"),
    }


def _files(root: Path, threads: bool, *directories: str) -> list[str]:
    places = [root / name for name in directories]
    if threads:
        places += [place / "threads" for place in places]
    return sorted(path.relative_to(root).as_posix() for place in places for path in place.glob("*.c"))


def _others(shared: Sequence[str], own: Sequence[str]) -> list[str]:
    """What remains of `shared`: a file of the system's own stands in the place of a shared one of the same name."""
    names = {Path(name).name for name in own}
    return [name for name in shared if Path(name).name not in names]


def system_sources(root: Path, runtime: str, threads: bool) -> list[str]:
    """The C files of the layer of a system in the directory `runtime`, relative to `root`."""
    own = _files(root, threads, runtime)
    return [*_others(_files(root, threads, _POSIX), own), *own] if is_posix(root / runtime) else own


def include_flags(root: Path, runtime: str) -> list[str]:
    """Where the headers of the shim for such a system are."""
    return [f"-I{root / name}" for name in ("", runtime, *((_POSIX,) if is_posix(root / runtime) else ()))]


def _assembly(root: Path, target: Target, threads: bool) -> list[tuple[str, Path]]:
    """Object file and source of what is in assembly."""
    system = root / target.runtime
    found = [("start.o", system)]  # without a system it begins calls, not the program
    found += [("stack.o", root / _POSIX)] if is_posix(system) else []
    found += [("threads.o", system / "threads")] if threads and any((system / "threads").glob("*.S")) else []
    return [(name, assembly(directory, target.arch)) for name, directory in found]


def is_posix(system: Path) -> bool:
    """Whether the layer of a system stands on os/posix: it has a calls.h, the system's calls as os/posix makes them."""
    return (system / "calls.h").is_file()


def assembly(directory: Path, arch: str) -> Path:
    """The source of an architecture; one may be of both its widths (riscv.S)."""
    own = directory / f"{arch}.S"
    return own if own.is_file() else directory / f"{arch.removesuffix('32').removesuffix('64')}.S"


def _libraries(root: Path, target: Target) -> list[tuple[str, Path]]:
    """Import library and definition file of each library of the system that the shim uses."""
    place = root / target.runtime
    if target.arch == "x86":  # their symbols end in the size of their arguments, which -k takes away
        place /= "x86"
    return [(f"{path.stem}.lib", path) for path in sorted(place.glob("*.def"))]


def format_flags(target: Target) -> tuple[str, ...]:
    """What makes references to the shim's own symbols direct ones."""
    if target.object_format == "coff":  # a variable in a section of a name of its own is not among its zeros
        return ("-fno-auto-import", "-DWAOT_COLD_DATA=")
    return ("-fPIE", "-fvisibility=hidden")


def machine_flags(target: Target) -> list[str]:
    """What tells zig the machine and how code is made for it."""
    flags = ["-target", target.zig_target]
    if target.system == "android":
        flags.append("-DWAOT_ANDROID=1")
    if target.cpu_zig is not None:
        flags.append(f"-mcpu={target.cpu_zig}")
    if target.arch in ("arm", "thumb") and not target.freestanding:
        flags.append("-fdwarf-exceptions")  # .eh_frame, which core/unwind.c reads, and not the tables of Arm's own ABI
    if target.system == "freebsd" and target.arch == "aarch64":
        # There clang makes atomic operations calls of a library. zig drops the option where it stands alone.
        flags += ["-Xarch_aarch64", "-mno-outline-atomics"]
    if target.link_triple != target.triple:  # the system's headers, another object format (waot/linker/macho.py)
        flags += ["-Xclang", "-triple", "-Xclang", target.link_triple, "-DWAOT_COLD_DATA="]
    return flags


def assembler_flags(target: Target) -> list[str]:
    """zig's assembler has no way to say another object format than the system's: of ELF it is Linux's."""
    return ["-target", f"{target.arch}-linux-musl"] if target.link_triple != target.triple else machine_flags(target)


def _threads_flags(target: Target) -> tuple[str, ...]:
    """Of the variant for programs that start threads. Darwin's variables have descriptors: codegen/llvm.py."""
    return (*_THREADS_FLAGS, "-femulated-tls") if target.system == "darwin" else _THREADS_FLAGS


def _system_flags(target: Target) -> list[str]:
    """What comes behind `_COMMON_FLAGS`."""
    if target.system == "windows" and target.arch == "x86":
        # Nothing there unwinds by tables but we ourselves, and the shim's objects by their frame pointers
        # (os/windows/unwind.c).
        return ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-omit-frame-pointer"]
    if target.arch == "s390x":
        # To -fomit-frame-pointer zig adds -mbackchain: a store in each frame, and LLVM inlines no function with it into
        # one without, as all generated code is.
        return ["-Xclang", "-mno-backchain"]
    if not target.freestanding:
        return []
    # Nothing unwinds, and interrupts may use the stack below its pointer.
    flags = ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"]
    flags += ["-mno-red-zone"] if target.arch == "x86_64" else []
    return flags if target.pointer_bits == 64 else [*flags, "-fno-pie", "-fno-pic"]


def _arithmetic(target: Target) -> list[str]:
    """The command that compiles what processors without a unit for floats, or for doubles, call in its place.

    It is zig's own, as part of any C program that zig links; what builtins.c has goes before it.
    """
    source = zig_binary().parent / "lib" / "compiler_rt.zig"
    flags = ["-target", target.zig_target, f"-mcpu={target.cpu_zig}", "-O", "ReleaseSmall", "-fstrip"]
    return ["build-obj", str(source), *flags, "-ffunction-sections", "-fno-unwind-tables", "-femit-bin=arithmetic.o"]


def _digest(root: Path, target: Target, threads: bool) -> str:
    """Hash of all that decides what is compiled."""
    sha = hashlib.sha256()
    kinds = (_BITCODE_FLAGS, _SYSTEM_FLAGS, _NEVER_UNWOUND_FLAGS, _BUILTINS_FLAGS, _HEAP_FLAGS)
    own = (_SMALLER_FLAGS, _BUILTINS_MACHINE_FLAGS, one_toc.PATTERNS)
    sha.update(repr((*kinds, *own, _HIDDEN)).encode())
    sha.update(repr((machine_flags(target), assembler_flags(target), zig_version(), _COMMON_FLAGS)).encode())
    sha.update(repr((_threads_flags(target) if threads else (), _system_flags(target), format_flags(target))).encode())
    for path in sorted(root.rglob("*")):
        if path.suffix in (".c", ".h", ".S", ".def"):
            data = path.read_bytes()
            sha.update(f"{path.relative_to(root).as_posix()}\0{len(data)}\0".encode())
            sha.update(data)
    return sha.hexdigest()


def _build(root: Path, target: Target, place: Path, cache_dir: Path, threads: bool) -> None:
    """Compiles into a directory beside `place`, then renames it: a half-built runtime is never seen."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=place.parent, prefix="building-"))
    except OSError as error:
        raise CacheError(f"cannot be written: {error.strerror}", file=str(place.parent)) from None
    try:
        for name, sources in _sources(root, target, threads).items():
            text = "" if target.object_format == "coff" else _HIDDEN
            text += "".join(f'#include "{source}"\n' for source in sources)
            (work / f"{name}.c").write_text(text, encoding="utf-8")
        compile_flags = ["cc", *machine_flags(target), *_COMMON_FLAGS, *format_flags(target)]
        compile_flags += [*(_threads_flags(target) if threads else ()), *_system_flags(target)]
        includes = include_flags(root, target.runtime)
        kind, suffix = (_ASSEMBLY_FLAGS, "s") if target.arch == "powerpc64le" else (("-c",), "o")
        to_object = [*compile_flags, *includes, *kind]
        system = [*to_object, *_SYSTEM_FLAGS, *_SMALLER_FLAGS.get(target.arch, ())]
        builtins = [*to_object, *_BUILTINS_FLAGS, *_BUILTINS_MACHINE_FLAGS.get(target.arch, ())]
        parts = [
            [*system, "system.c", "-o", f"system.{suffix}"],
            [*system, *_NEVER_UNWOUND_FLAGS, "ends.c", "-o", f"ends.{suffix}"],
            [*to_object, *_HEAP_FLAGS, "heap.c", "-o", f"heap.{suffix}"],
        ]
        if target.object_format == "coff":
            parts.append([*builtins, str(root / _ROUNDING), "-o", "rounding.o"])
        if target.has_versions:
            parts.append([*system, str(root / _VERSIONS), "-o", "versions.o"])
        if target.freestanding:
            parts = [_arithmetic(target)] if target.pointer_bits == 32 else []
        commands = [
            [*compile_flags, *_BITCODE_FLAGS, *includes, "-c", "runtime.c", "-o", "runtime.bc"],
            *parts,
            [*builtins, str(root / _BUILTINS), "-o", f"builtins.{suffix}"],
            *(
                ["cc", *assembler_flags(target), "-g0", "-c", str(source), "-o", file]
                for file, source in _assembly(root, target, threads)
            ),
            *(
                ["dlltool", "-m", _DLLTOOL_MACHINES[target.arch], "-k", "-d", str(source), "-l", file]
                for file, source in _libraries(root, target)
            ),
        ]

        def run(command: list[str]) -> None:
            run_zig(command, cache_dir=cache_dir, directory=work, what=f"compiling the runtime for {target.name}")

        def compile_one(command: list[str]) -> None:
            run(command)
            made = work / command[-1]
            if made.suffix == ".s":
                made.write_text(one_toc.for_one_toc(made.read_text("utf-8")), "utf-8")
                run(["cc", *assembler_flags(target), "-c", made.name, "-o", f"{made.stem}.o"])

        with ThreadPoolExecutor(len(commands)) as pool:
            list(pool.map(compile_one, commands))
        (work / "complete").touch()
        try:
            os.rename(work, place)
        except OSError:
            # Another process was first; what it made is the same.
            if not (place / "complete").is_file():
                shutil.rmtree(place, ignore_errors=True)
                os.rename(work, place)
    except OSError as error:
        raise CacheError(f"cannot be written: {error.strerror}", file=str(place)) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
