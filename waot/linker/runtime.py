"""The runtime-support shim compiled for a target: on first use, then from the cache.

All C sources but the builtins become one bitcode through a file that includes them, so that codegen merges a single
module. What cannot travel as bitcode are objects: the assembly (llvmlite aborts on it for a foreign target) and the
functions that LLVM itself calls (an optimiser that sees memcpy's body takes it for its own).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from waot.errors import CacheError
from waot.linker.zig import run_zig, zig_version
from waot.resources import runtime_support_dir
from waot.targets import Target

# Not -ffreestanding for the bitcode: it implies -fno-builtin, which marks functions so that they cannot be inlined
# into generated code. Nothing of libc is called but what core/builtins.c defines.
_COMMON_FLAGS = (
    *("-std=c11", "-D_GNU_SOURCE", "-g0", "-fPIE", "-fvisibility=hidden", "-fasynchronous-unwind-tables"),
    *("-fno-exceptions", "-fno-stack-protector", "-fno-sanitize=all", "-fomit-frame-pointer"),
    *("-Wall", "-Wextra", "-Werror"),
)
_BITCODE_FLAGS = ("-Os", "-emit-llvm")
_BUILTINS_FLAGS = ("-O2", "-ffreestanding", "-fno-builtin", "-ffunction-sections")

_BUILTINS = "core/builtins.c"
_ALL = "runtime.c"  # the file that includes the others; its name is in the bitcode
# Declarations too: symbols of the linker script are then reached without a GOT.
_HIDDEN = "#pragma GCC visibility push(hidden)\n"


@dataclass(frozen=True, slots=True)
class Runtime:
    """The shim for one target.

    `bitcode` is merged into unit 0; there, everything but `entry_points` may be internalised. `objects` are linked.
    `digest` (hex) changes whenever any of it does.
    """

    bitcode: bytes
    objects: tuple[Path, ...]
    entry_points: tuple[str, ...]
    digest: str


def build_runtime(target: Target, cache_dir: Path, progress: Callable[[str], None] | None = None) -> Runtime:
    """The shim for `target`, compiled now or found below `cache_dir`.

    `progress` is told in a phrase before something takes long (a second). Safe to call from several processes at once.
    Raises ToolError where zig fails, CacheError where the cache cannot be written.
    """
    cache_dir = cache_dir.absolute()  # zig runs in another directory
    root = runtime_support_dir()
    sources = _sources(root, target)
    digest = _digest(root, target)
    place = cache_dir / "runtime" / f"{target.name}-{digest[:32]}"
    if not (place / "complete").is_file():
        if progress is not None:
            progress(f"compiling the runtime for {target.name}")
        _build(root, target, sources, place, cache_dir)
    try:
        bitcode = (place / "runtime.bc").read_bytes()
    except OSError as error:
        raise CacheError(f"cannot be read: {error.strerror}", file=str(place)) from None
    objects = (place / "start.o", place / "builtins.o")
    return Runtime(bitcode, objects, ("waot_start",), digest)


def _sources(root: Path, target: Target) -> list[str]:
    """The C files that make the bitcode, relative to `root`, in an order that does not depend on the file system."""
    directories = ("core", "wasi", target.runtime)
    found = [path.relative_to(root).as_posix() for name in directories for path in (root / name).glob("*.c")]
    return sorted(name for name in found if name != _BUILTINS)


def _digest(root: Path, target: Target) -> str:
    """Hash of all that decides what is compiled."""
    sha = hashlib.sha256()
    sha.update(repr((target.zig_target, zig_version(), _COMMON_FLAGS, _BITCODE_FLAGS, _BUILTINS_FLAGS)).encode())
    for path in sorted(root.rglob("*")):
        if path.suffix in (".c", ".h", ".S", ".def"):
            data = path.read_bytes()
            sha.update(f"{path.relative_to(root).as_posix()}\0{len(data)}\0".encode())
            sha.update(data)
    return sha.hexdigest()


def _build(root: Path, target: Target, sources: list[str], place: Path, cache_dir: Path) -> None:
    """Compiles into a directory beside `place`, then renames it: a half-built runtime is never seen."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=place.parent, prefix="building-"))
    except OSError as error:
        raise CacheError(f"cannot be written: {error.strerror}", file=str(place.parent)) from None
    try:
        (work / _ALL).write_text(_HIDDEN + "".join(f'#include "{name}"\n' for name in sources), encoding="utf-8")
        compile_flags = ["cc", "-target", target.zig_target, *_COMMON_FLAGS, "-c"]
        includes = [f"-I{root}", f"-I{root / target.runtime}"]
        assembly = root / target.runtime / f"{target.arch}.S"
        commands = [
            [*compile_flags, *_BITCODE_FLAGS, *includes, _ALL, "-o", "runtime.bc"],
            [*compile_flags, *_BUILTINS_FLAGS, str(root / _BUILTINS), "-o", "builtins.o"],
            ["cc", "-target", target.zig_target, "-c", str(assembly), "-o", "start.o"],
        ]

        def compile_one(command: list[str]) -> None:
            run_zig(command, cache_dir=cache_dir, directory=work, what=f"compiling the runtime for {target.name}")

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
