"""What the commands call, for Python programs: `build`, `validate`, `inspect`.

Every function takes a path, or ``-`` for standard input, to a module in the binary format, or in the text format where
the extra ``waot[wat]`` is installed. What is wrong with the input or the options is raised as a `WaotError`, whose
``str`` is the one line that the command line prints.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from waot.errors import ToolError, UsageError, WaotError
from waot.options import (
    DEFAULT_STACK_SIZE,
    BuildOptions,
    Cpu,
    DirGrant,
    EmbedGrant,
    EnvGrant,
    FileGrant,
    Link,
    ListenGrant,
    OverlayGrant,
    parse_features,
    parse_link,
)
from waot.progress import Progress
from waot.targets import Target, find_target, host_target

if TYPE_CHECKING:
    from waot.frontend.inspect import ModuleInfo
    from waot.linker.inspect import ExecutableInfo
    from waot.pipeline import Artifact, Linked

FileName = str | os.PathLike[str]

STDIN = STDOUT = "-"
MAXIMUM_MODULE = 2 << 30  # bytes; offsets in a module are 32-bit, and nobody has a module near this
SUFFIXES = {"exe": "", "obj": ".o", "asm": ".s", "llvm-ir": ".ll"}
EXECUTABLE_MAGICS = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """One file that a build wrote. `size` is in bytes, `seconds` the time of the whole build."""

    target: str
    output: Path
    size: int
    seconds: float


def build(
    file: FileName,
    output: FileName | None = None,
    targets: Sequence[str | Target] | None = None,
    *,
    opt_level: str | int = "2",
    cpu: str | Cpu | None = None,
    emit: str = "exe",
    memory: str = "auto",
    relaxed_simd: str = "fast",
    stack_size: str | int = DEFAULT_STACK_SIZE,
    max_heap: str | int | None = None,
    jobs: int | None = None,
    dirs: Sequence[str | DirGrant] = (),
    env: Sequence[str | EnvGrant] = (),
    inherit_env: bool = False,
    files: Sequence[str | FileGrant] = (),
    args: Sequence[str] = (),
    listen: Sequence[str | ListenGrant] = (),
    deterministic: bool | int | str | None = None,
    sealed: bool = False,
    embeds: Sequence[str | EmbedGrant] = (),
    compress: bool = False,
    seccomp: str = "default",
    overlays: Sequence[str | OverlayGrant] = (),
    links: Sequence[str | Link] = (),
    features: str | Sequence[str] | None = None,
    cache: bool = True,
    verbose: int = 0,
) -> list[BuildResult]:
    """Compiles the module `file` for each of `targets` (default: this machine) and writes the results.

    `output` is a file, a directory, or a name with ``{target}`` in it, as for ``waot build -o``; by default the
    results go to the current directory. `links` are modules to link, instantiated before it, as ``NAME=FILE`` or
    `Link`: what is imported from NAME comes from FILE. `deterministic` is True or a seed; `seccomp` is "default", "off"
    (``--no-seccomp``) or "required" (``--require-seccomp``). The other arguments have the forms of the options of the
    same names.
    Raises WaotError, and has written nothing for a target whose result is not complete.
    """
    options = BuildOptions.parse(
        opt_level=opt_level,
        cpu=cpu,
        emit=emit,
        memory=memory,
        relaxed_simd=relaxed_simd,
        stack_size=stack_size,
        max_heap=max_heap,
        jobs=jobs,
        dirs=dirs,
        env=env,
        inherit_env=inherit_env,
        files=files,
        args=args,
        listen=listen,
        deterministic=deterministic,
        sealed=sealed,
        embeds=embeds,
        compress=compress,
        seccomp=seccomp,
        overlays=overlays,
        features=features,
        cache=cache,
        verbose=verbose,
    )
    with Progress(verbose, display=False) as progress:
        return build_files(file, output, choose_targets(targets), options, progress, links)


def validate(
    file: FileName,
    progress: Progress | None = None,
    *,
    links: Sequence[str | Link] = (),
    features: str | Sequence[str] | None = None,
) -> None:
    """Returns if `file` is a valid module; raises MalformedError or InvalidError, with the offset, if not.

    `features` are as for ``--features``; what needs another one is an UnsupportedError. Imports are looked at only as
    far as `links` provide them (LinkError): a valid module may still need what waot does not have.
    """
    from waot import frontend, pipeline

    allowed = parse_features(features)
    source, name = read_module(file)
    linked = read_links(links, file)
    progress = progress or Progress(display=False)
    try:
        module = pipeline.load(source, name, linked, allowed, progress)
        first, last = module.imported_func_count, len(module.funcs)
        with progress.step("validating", total=last - first) as step:
            for start in range(first, last, 64):
                part = range(start, min(start + 64, last))
                frontend.collect_facts(module, part)
                step.advance(len(part))
    except WaotError as error:
        error.file = error.file or name
        raise


def inspect(file: FileName) -> ModuleInfo | ExecutableInfo:
    """What `file` is made of: a module, or an executable that waot built."""
    source, name = _map_executable(file) or _read(file)
    try:
        if source[:4].startswith(EXECUTABLE_MAGICS):
            from waot.linker.inspect import inspect_executable

            return inspect_executable(source)
        assert isinstance(source, bytes)
        from waot.frontend import decode_module
        from waot.frontend.inspect import inspect_module

        return inspect_module(decode_module(_as_binary(source, name)))
    except WaotError as error:
        error.file = error.file or name
        raise


def _map_executable(file: FileName) -> tuple[mmap.mmap, str] | None:
    """An executable and its name for messages, without reading what may be gigabytes; None for all else."""
    name = os.fspath(file)
    if name == STDIN:
        return None
    with contextlib.suppress(OSError, ValueError), open(name, "rb") as stream:
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and stream.read(4).startswith(EXECUTABLE_MAGICS):
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), name
    return None


def is_executable(info: ModuleInfo | ExecutableInfo) -> TypeGuard[ExecutableInfo]:
    """Whether `inspect` has described an executable (the classes are not imported for this)."""
    return hasattr(info, "manifest")


# ----------------------------------------------------------------------------------------------------- what they share


def choose_targets(names: Sequence[str | Target] | None) -> list[Target]:
    """The targets called `names`, each once, in that order; this machine's if there are none."""
    if not names:
        return [host_target()]
    return list(dict.fromkeys(name if isinstance(name, Target) else find_target(name) for name in names))


def compile_module(
    source: bytes,
    name: str,
    targets: Sequence[Target],
    options: BuildOptions,
    progress: Progress,
    linked: Sequence[Linked] = (),
) -> list[Artifact]:
    """Compiles what `read_module` and `read_links` gave for each of `targets` and writes nothing."""
    for target in targets:
        target.memory_strategy(options.memory)
        target.check_cpu(options.cpu)
        target.check_emit(options.emit)
        target.check_seccomp(options.seccomp)
        for what, option, given in (
            ("embed", "--embed", options.embeds),
            ("overlay", "--overlay", options.grants.overlays),
            ("listen", "--listen", options.grants.listen),
        ):
            if given:
                target.check_has(what, f"{option} is given")
    from waot import universal

    try:
        return universal.build(source, name, targets, options, progress, linked)
    except (ToolError, UsageError):
        raise  # not about the module
    except WaotError as error:
        error.file = error.file or name
        raise


def build_files(
    file: FileName,
    output: FileName | None,
    targets: Sequence[Target],
    options: BuildOptions,
    progress: Progress,
    links: Sequence[str | Link] = (),
) -> list[BuildResult]:
    """Compiles `file` for each of `targets` and writes the results where `output` says."""
    started = time.monotonic()
    outputs = output_paths(file, output, targets, options.emit)
    source, name = read_module(file)
    linked = read_links(links, file)
    for path in outputs:
        check_output(path, file)
    artifacts = compile_module(source, name, targets, options, progress, linked)
    for path, artifact in zip(outputs, artifacts, strict=True):
        write_output(path, artifact)
    seconds = time.monotonic() - started
    return [
        BuildResult(artifact.target.name, path, artifact.size, seconds)
        for path, artifact in zip(outputs, artifacts, strict=True)
    ]


def _display_name(file: FileName) -> str:
    name = os.fspath(file)
    return "<stdin>" if name == STDIN else name


def _read(file: FileName) -> tuple[bytes, str]:
    """The bytes of `file` and the name to call it by in messages."""
    name = os.fspath(file)
    shown = _display_name(file)
    too_large = WaotError(f"larger than {MAXIMUM_MODULE >> 30} GiB, which no module is", file=shown)
    try:
        with contextlib.ExitStack() as stack:
            stream = sys.stdin.buffer if name == STDIN else stack.enter_context(open(name, "rb"))
            if os.fstat(stream.fileno()).st_size > MAXIMUM_MODULE:
                raise too_large
            parts, size = [], 0
            while part := stream.read(1 << 24):  # in parts, because a device may have no end
                parts.append(part)
                size += len(part)
                if size > MAXIMUM_MODULE:
                    raise too_large
            return b"".join(parts), shown
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WaotError(f"cannot be read: {reason}", file=shown) from None


def read_module(file: FileName) -> tuple[bytes, str]:
    """The module in `file` in the binary format, and its name for messages."""
    source, name = _read(file)
    return _as_binary(source, name), name


def read_links(links: Sequence[str | Link], main: FileName) -> list[Linked]:
    """The modules that ``--link NAME=FILE`` names, read. Raises UsageError where they cannot stand together."""
    from waot.pipeline import Linked

    chosen = [link if isinstance(link, Link) else parse_link(link) for link in links]
    seen: set[str] = set()
    for link in chosen:
        if link.name in seen:
            raise UsageError(f"two modules are linked as {link.name!r}", hint="give each --link a name of its own")
        seen.add(link.name)
    if [os.fspath(main), *(link.file for link in chosen)].count(STDIN) > 1:
        raise UsageError("two modules cannot both come from standard input")
    return [Linked(link.name, *read_module(link.file)) for link in chosen]


def _as_binary(source: bytes, name: str) -> bytes:
    if source.startswith(b"\0asm"):  # spares a build from the cache the import of the frontend
        return source
    from waot.frontend import wat

    return wat.to_binary(source, name)


def output_paths(file: FileName, output: FileName | None, targets: Sequence[Target], emit: str) -> list[Path]:
    """Where the results go, one path a target.

    No `output`: ``STEM`` for one target, ``STEM-TARGET`` for several, in the current directory. A directory: the same
    names in it. A name with ``{target}``: that, filled in. Any other name: one target only.
    """
    name = os.fspath(file)
    suffix = SUFFIXES[emit]
    given = None if output is None else os.fspath(output)
    if given == "":
        raise UsageError("the output has an empty name", hint="use -o FILE, -o DIRECTORY or a name with {target} in it")
    if given is not None and "{target}" in given:
        return [Path(given.replace("{target}", target.name)) for target in targets]
    directory = Path()
    if given is not None:
        if not given.endswith("/") and not os.path.isdir(given):
            if len(targets) > 1:
                raise UsageError(
                    f"one output {given!r} for {len(targets)} targets",
                    hint="use -o DIRECTORY (one that exists) or a name with {target} in it",
                )
            return [Path(given)]
        directory = Path(given)
    if name == STDIN:
        raise UsageError("a module from standard input has no name to call the output by", hint="use -o FILE")
    stem = Path(name).stem
    if len(targets) == 1:
        return [directory / (stem + suffix)]
    return [directory / f"{stem}-{target.name}{suffix}" for target in targets]


def _unwritable(path: Path, reason: str | None, hint: str | None = None) -> WaotError:
    return WaotError(f"cannot be written: {reason}", file=str(path), hint=hint)


def check_output(path: Path, file: FileName) -> None:
    """Raises WaotError if `path` cannot become the output of a build of `file`: before the work, not after it."""
    if os.fspath(path) == STDOUT:
        return
    try:
        if path.is_dir():
            raise _unwritable(path, "it is a directory", "name a file with -o")
        if os.fspath(file) != STDIN and path.exists() and os.path.exists(file) and os.path.samefile(path, file):
            raise _unwritable(path, "it is the module itself", "name another file with -o")
        parent = path.resolve().parent
        if not parent.is_dir():
            raise _unwritable(path, f"there is no directory {str(parent)!r}")
        special = path.exists() and not path.is_file()
        if not os.access(path if special else parent, os.W_OK):
            raise _unwritable(path, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        raise _unwritable(path, getattr(error, "strerror", None) or str(error)) from None


def write_output(path: Path, artifact: Artifact) -> None:
    """Writes `artifact` beside `path` and renames: whoever looks sees the old file or the whole new one.

    A device, a pipe or standard output (``-``) is written to directly, a symbolic link followed. Raises WaotError.
    """
    temporary = None
    try:
        if os.fspath(path) == STDOUT:
            artifact.write(sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with open(path, "wb") as device:
                artifact.write(device)
            return
        final = path.resolve()
        descriptor, temporary = tempfile.mkstemp(prefix=f".{final.name[:100]}.", suffix=".tmp", dir=final.parent)
        with open(descriptor, "wb") as file:
            artifact.write(file)
            mask = os.umask(0)  # mkstemp makes 0600; what open() would have made is asked of the umask
            os.umask(mask)
            os.fchmod(file.fileno(), (0o777 if artifact.executable else 0o666) & ~mask)
        os.replace(temporary, final)
        temporary = None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(path, error.strerror) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
