"""What the commands call, for Python programs: `build`, `release`, `validate`, `inspect`.

Every function takes a path, or ``-`` for standard input, to a module in the binary format, or in the text format where
the extra ``waot[wat]`` is installed. What is wrong with the input or the options is raised as a `WaotError`, whose
``str`` is the one line that the command line prints.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import os
import stat
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from waot import profile
from waot.errors import ToolError, UsageError, WaotError
from waot.options import (
    DEFAULT_STACK_SIZE,
    BuildOptions,
    Cpu,
    DirGrant,
    EmbedGrant,
    EnvGrant,
    FileGrant,
    Grants,
    Link,
    ListenGrant,
    OverlayGrant,
    parse_features,
    parse_link,
)
from waot.outputs import STDOUT, Outputs, Written, unwritable
from waot.progress import Progress
from waot.targets import Target, find_targets, host_target

if TYPE_CHECKING:
    from waot.frontend.inspect import ModuleInfo
    from waot.linker.inspect import ExecutableInfo
    from waot.pipeline import Artifact, Linked
    from waot.profile import ProfileInfo
    from waot.publish.oci import Reference
    from waot.publish.pack import Release

FileName = str | os.PathLike[str]

STDIN = "-"
MAXIMUM_MODULE = 2 << 30  # bytes; offsets in a module are 32-bit, and nobody has a module near this
SUFFIXES = {"lib": ".a", "obj": ".o", "asm": ".s", "llvm-ir": ".ll"}  # of executables it is the target's
EXECUTABLE_MAGICS = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What was written for one target.

    `size` is in bytes, `sha256` in hexadecimal; a target's part of an image has the size of its blobs and the digest
    of its manifest. `seconds` is the work for this target alone, of all processes together; `cached` tells that nothing
    had to be compiled. `tier` and `checked` are the target's.
    """

    target: str
    output: Path
    size: int
    seconds: float
    sha256: str
    cached: bool
    tier: int
    checked: str


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that belongs to no target. `size` in bytes, `sha256` in hexadecimal."""

    output: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a command wrote: `results` in the order of the targets, `seconds` from beginning to end."""

    module: str
    module_sha256: str
    results: list[BuildResult]
    seconds: float
    files: tuple[OutputFile, ...] = ()


def build(
    file: FileName,
    output: FileName | None = None,
    targets: Sequence[str | Target] | None = None,
    *,
    opt_level: str | int = "2",
    cpu: str | Cpu | None = None,
    multiversion: str | None = None,
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
    profile_generate: bool | FileName | None = None,
    profile_use: FileName | Sequence[FileName] = (),
    cache: bool = True,
    verbose: int = 0,
    oci_name: str | None = None,
    oci_user: str | None = None,
) -> list[BuildResult]:
    """Compiles the module `file` for each of `targets` (default: this machine) and writes the results.

    `targets` are names of targets or groups (``all``, ``linux``, ``tier1``). `output` is a file, a directory, or a name
    with ``{target}`` in it, as for ``waot build -o``; by default the results go to the current directory. `links` are
    modules to link, instantiated before it, as ``NAME=FILE`` or `Link`: what is imported from NAME comes from FILE.
    `deterministic` is True or a seed; `seccomp` is "default", "off" (``--no-seccomp``) or "required"
    (``--require-seccomp``). `profile_generate` is True or the path of the profile that the program is to write. The
    other arguments have the forms of the options of the same names.
    Raises WaotError, and has written nothing: the results appear together or not at all.
    """
    options = BuildOptions.parse(
        opt_level=opt_level,
        cpu=cpu,
        multiversion=multiversion,
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
        profile_generate=profile_generate,
        profile_use=profile_use,
        cache=cache,
        verbose=verbose,
    )
    with Progress(verbose, display=False) as progress:
        chosen = choose_targets(targets, options.emit)
        return build_files(file, output, chosen, options, progress, links, oci_name, oci_user).results


def release(
    file: FileName,
    output: FileName = "dist",
    targets: Sequence[str | Target] | None = None,
    *,
    name: str | None = None,
    version: str,
    includes: Sequence[str] = (),
    links: Sequence[str | Link] = (),
    **options: Any,
) -> Report:
    """Compiles the module `file` for each of `targets` and writes archives, SHA256SUMS and an SBOM to a directory.

    `name` is by default the module's; `includes` are files to put beside each executable, as ``FILE`` or
    ``FILE::NAME``; `options` are those of `build`. Raises WaotError, and has written nothing.
    """
    parsed = BuildOptions.parse(**options | {"emit": "exe"})
    with Progress(parsed.verbose, display=False) as progress:
        chosen = choose_targets(targets)
        return release_files(file, output, chosen, parsed, progress, links, make_release(file, name, version, includes))


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


def inspect(file: FileName) -> ModuleInfo | ExecutableInfo | ProfileInfo:
    """What `file` is made of: a module, an executable that waot built, or a profile that such a one wrote."""
    source, name = _map_executable(file) or _read(file)
    try:
        if source[:4].startswith(EXECUTABLE_MAGICS):
            from waot.linker.inspect import inspect_executable

            return inspect_executable(source)
        assert isinstance(source, bytes)
        if source.startswith(profile.MAGIC):
            return profile.describe_profile(profile.parse_profile(source, name))
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


def is_executable(info: ModuleInfo | ExecutableInfo | ProfileInfo) -> TypeGuard[ExecutableInfo]:
    """Whether `inspect` has described an executable (the classes are not imported for this)."""
    return hasattr(info, "manifest")


# ----------------------------------------------------------------------------------------------------- what they share


def choose_targets(names: Sequence[str | Target] | None, emit: str = "exe") -> list[Target]:
    """The targets that `names` are, each once, in that order; this machine's if there are none.

    A name may be a group's, or several with commas between them; a group for an image is what containers have of it.
    """
    if not names:
        return [host_target()]
    fits: Callable[[Target], bool] | None = None
    if emit == "oci":
        from waot.publish import oci

        fits = oci.runs
    found = [(name,) if isinstance(name, Target) else find_targets(name, fits) for name in names]
    return list(dict.fromkeys(target for each in found for target in each))


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
        if options.multiversion is not None:
            target.check_versions(options.multiversion)
        target.check_emit(options.emit)
        target.check_seccomp(options.seccomp)
        for what, option, given in (
            ("embed", "--embed", options.embeds),
            ("overlay", "--overlay", options.grants.overlays),
            ("listen", "--listen", options.grants.listen),
            ("grants", "one", options.grants != Grants()),
            ("stack", "--stack-size", options.stack_size != DEFAULT_STACK_SIZE),
            ("link", "--link", linked),
            ("objects", "--max-heap", options.max_heap),
            ("profile", "--profile-generate", options.profile_generate is not None),
        ):
            if given:
                target.check_has(what, f"{option} is given")
    from waot import pipeline, universal

    def build_single(single: Sequence[Target]) -> list[Artifact]:
        return pipeline.build(source, name, single, options, progress, linked)

    try:
        return universal.build(build_single, targets)
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
    oci_name: str | None = None,
    oci_user: str | None = None,
) -> Report:
    """Compiles `file` for each of `targets` and writes the results where `output` says."""
    if options.emit == "oci":
        return _build_image(file, output, targets, options, progress, links, oci_name, oci_user)
    for option, value in (("--oci-name", oci_name), ("--oci-user", oci_user)):
        if value is not None:
            raise UsageError(f"{option} is about images", hint="use --emit oci too")
    started = time.monotonic()
    paths = output_paths(file, output, targets, options.emit)
    source, name = read_module(file)
    linked = read_links(links, file)
    headers = {
        path: header_path(path)
        for path, target in zip(paths, targets, strict=True)
        if target.has_header(options.emit) and os.fspath(path) != STDOUT
    }
    results, files = [], []
    with Outputs() as outputs:
        if _names_directory(output):
            outputs.make_directory(Path(os.fspath(output or "")))
        check_outputs([*paths, *headers.values()], file)
        for path, artifact in zip(paths, compile_module(source, name, targets, options, progress, linked), strict=True):
            written = outputs.write(path, artifact.write, executable=artifact.executable)
            results.append(_result(artifact, path, written))
            if path in headers:
                written = outputs.write_bytes(headers[path], artifact.header)
                files.append(OutputFile(headers[path], written.size, written.sha256))
        outputs.commit()
    return Report(name, hashlib.sha256(source).hexdigest(), results, time.monotonic() - started, tuple(files))


def _result(artifact: Artifact, path: Path, written: Written, seconds: float | None = None) -> BuildResult:
    target = artifact.target
    spent = artifact.seconds if seconds is None else seconds
    return BuildResult(
        target.name, path, written.size, spent, written.sha256, artifact.cached, target.tier, target.checked
    )


def _build_image(
    file: FileName,
    output: FileName | None,
    targets: Sequence[Target],
    options: BuildOptions,
    progress: Progress,
    links: Sequence[str | Link],
    oci_name: str | None,
    oci_user: str | None,
) -> Report:
    """An image of all `targets`: a directory, or an archive where `output` ends in .tar."""
    from waot.publish import archives, oci, pack

    started = time.monotonic()
    oci.check_targets(targets)
    stem = "" if os.fspath(file) == STDIN else Path(file).stem
    reference = oci.parse_reference(oci_name) if oci_name is not None else oci.default_reference(stem)
    user = oci.parse_user(oci_user) if oci_user is not None else oci.DEFAULT_USER
    epoch = archives.source_date_epoch() or 0
    given = os.fspath(output) if output is not None else f"{stem or reference.name.rpartition('/')[2]}.oci.tar"
    if "{target}" in given or not given:
        raise UsageError("an image is one for all targets", hint="use -o DIRECTORY or -o FILE.tar")
    path, archive = Path(given), given == STDOUT or given.endswith(".tar")
    source, name = read_module(file)
    linked = read_links(links, file)
    check_output(path, file) if archive else _check_layout(path, reference)
    artifacts = compile_module(source, name, targets, replace(options, emit="exe"), progress, linked)
    with Outputs() as outputs, progress.step("packing"):
        with pack.compressors(options.jobs, sum(artifact.size for artifact in artifacts), progress) as pool:
            layout = oci.make_layout(artifacts, reference, user, epoch, pool, archive=archive)
        if archive:
            outputs.write(path, archives.tar(layout.entries(), epoch).write)
        else:
            outputs.write_tree(path, layout.files)
        outputs.commit()
    results = [
        _result(artifact, path, Written(image.size, image.digest))
        for artifact, image in zip(artifacts, layout.images, strict=True)
    ]
    return Report(name, hashlib.sha256(source).hexdigest(), results, time.monotonic() - started)


def _check_layout(path: Path, reference: Reference) -> None:
    """Raises WaotError if `path` cannot become the layout of one image, or is a directory that has something else."""
    import json

    if path.exists() and not path.is_dir():
        raise unwritable(path, "it is not a directory", "name one, or a file that ends in .tar, with -o")
    if not path.resolve().parent.is_dir():
        raise unwritable(path, f"there is no directory {str(path.resolve().parent)!r}")
    if path.is_dir() and os.listdir(path):
        try:
            images = json.loads((path / "index.json").read_bytes())["manifests"]
            tags = [image["annotations"]["org.opencontainers.image.ref.name"] for image in images]
        except (OSError, ValueError, KeyError, TypeError):
            raise unwritable(path, "it is a directory with something else in it", "name another with -o") from None
        if tags != [reference.tag]:
            raise unwritable(path, "it is a layout with other images in it", "name another with -o")


def make_release(file: FileName, name: str | None, version: str, includes: Sequence[str]) -> Release:
    """The release of the module `file` that options describe. Raises UsageError."""
    from waot.publish import archives, pack

    if name is None:
        if os.fspath(file) == STDIN:
            raise UsageError("a module from standard input has no name to release it under", hint="use --name")
        name = Path(file).stem
    return pack.Release(name, version, tuple(map(pack.parse_include, includes)), archives.source_date_epoch())


def release_files(
    file: FileName,
    output: FileName,
    targets: Sequence[Target],
    options: BuildOptions,
    progress: Progress,
    links: Sequence[str | Link],
    release: Release,
) -> Report:
    """Compiles `file` for each of `targets` and writes the files of `release` to the directory `output`."""
    from waot.publish import pack, sbom

    started = time.monotonic()
    release.check_targets(targets)
    directory = Path(output)
    source, name = read_module(file)
    linked = read_links(links, file)
    includes = pack.read_includes(release)
    with Outputs() as outputs:
        outputs.make_directory(directory)
        check_outputs([directory / each for each in release.names(targets)], file)
        embedded = tuple(sbom.Part(embed.guest, sbom.tree_digest(embed.host)) for embed in options.embeds)
        artifacts = compile_module(source, name, targets, options, progress, linked)
        modules = pack.module_parts(source, name, linked)
        packings = pack.write_release(
            outputs, directory, release, artifacts, includes, modules, embedded, options, progress
        )
        outputs.commit()
    results = [_result(each.artifact, each.path, each.written, each.seconds) for each in packings if each.artifact]
    files = [OutputFile(each.path, each.written.size, each.written.sha256) for each in packings if not each.artifact]
    return Report(name, hashlib.sha256(source).hexdigest(), results, time.monotonic() - started, tuple(files))


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


def _names_directory(output: FileName | None) -> bool:
    return output is not None and os.fspath(output).endswith("/") and "{target}" not in os.fspath(output)


def _suffix(target: Target, emit: str) -> str:
    """What names of outputs end in."""
    product = target.product(emit)
    return target.executable_suffix if product == "exe" else SUFFIXES[product]


def header_path(path: Path) -> Path:
    """Where the header for C goes that belongs to the library or object `path`. Raises UsageError where that is it."""
    if path.suffix == ".h":
        raise UsageError(f"{str(path)!r} is the name of the header that goes with it", hint="call it .a or .o")
    return path.with_suffix(".h") if path.suffix in (".a", ".o") else path.with_name(f"{path.name}.h")


def output_paths(file: FileName, output: FileName | None, targets: Sequence[Target], emit: str) -> list[Path]:
    """Where the results go, one path a target.

    No `output`: ``STEM`` for one target, ``STEM-TARGET`` for several, in the current directory. A directory, which ends
    in a slash or exists: the same names in it. A name with ``{target}``: that, filled in. All these end as names of
    executables, or of libraries in their place, do on the target. Any other name: one target only, and that name.
    """
    name = os.fspath(file)
    suffixes = [_suffix(target, emit) for target in targets]
    given = None if output is None else os.fspath(output)
    if given == "":
        raise UsageError(
            "the output has an empty name", hint="use -o FILE, -o DIRECTORY/ or a name with {target} in it"
        )
    if given is not None and "{target}" in given:
        ends = suffixes if emit == "exe" else [""] * len(targets)
        filled = [given.replace("{target}", target.name) for target in targets]
        return [Path(text if text.endswith(end) else text + end) for text, end in zip(filled, ends, strict=True)]
    directory = Path()
    if given is not None:
        if not given.endswith("/") and not os.path.isdir(given):
            if len(targets) > 1:
                raise UsageError(
                    f"one output {given!r} for {len(targets)} targets",
                    hint=f"use -o {given}/ for a directory, or a name with {{target}} in it",
                )
            return [Path(given)]
        directory = Path(given)
    if name == STDIN:
        raise UsageError("a module from standard input has no name to call the output by", hint="use -o FILE")
    stem = Path(name).stem
    if len(targets) == 1:
        return [directory / (stem + suffixes[0])]
    return [directory / f"{stem}-{target.name}{suffix}" for target, suffix in zip(targets, suffixes, strict=True)]


def check_outputs(paths: Sequence[Path], file: FileName) -> None:
    """As `check_output` for each, and raises WaotError if two are one file."""
    seen: dict[Path, Path] = {}
    for path in paths:
        check_output(path, file)
        final = path.resolve()
        if len(paths) > 1 and path.exists() and not path.is_file():
            raise unwritable(path, "it is no file, and there are several outputs")
        if final in seen:
            raise unwritable(path, f"it is the same file as {str(seen[final])!r}", "name another with -o")
        seen[final] = path


def check_output(path: Path, file: FileName) -> None:
    """Raises WaotError if `path` cannot become the output of a build of `file`: before the work, not after it."""
    if os.fspath(path) == STDOUT:
        return
    try:
        if path.is_dir():
            raise unwritable(path, "it is a directory", "name a file with -o")
        if os.fspath(file) != STDIN and path.exists() and os.path.exists(file) and os.path.samefile(path, file):
            raise unwritable(path, "it is the module itself", "name another file with -o")
        parent = path.resolve().parent
        if not parent.is_dir():
            raise unwritable(path, f"there is no directory {str(parent)!r}")
        special = path.exists() and not path.is_file()
        if not os.access(path if special else parent, os.W_OK):
            raise unwritable(path, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        raise unwritable(path, getattr(error, "strerror", None) or str(error)) from None
