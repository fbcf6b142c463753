"""A release: an archive for each target, a bill of materials, and the checksums of these."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from waot import __version__
from waot.errors import UsageError, WaotError
from waot.options import BuildOptions
from waot.outputs import Outputs, Written, digest_of
from waot.pipeline import Artifact, Linked
from waot.progress import Progress
from waot.publish.archives import Entry, Packed, tar_gz, with_directories, zip_file
from waot.publish.sbom import Archive, Contents, Part, make_sbom, module_part
from waot.targets import Target, load_targets

CHECKSUMS = "SHA256SUMS"
# Where people unpack with what the system brings: Explorer and Finder open a .zip.
_ZIP_SYSTEMS = ("windows", "macos")
_SMALL = 2 << 20  # bytes that are compressed before workers would have started
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}")


@dataclass(frozen=True, slots=True)
class Include:
    """A file to put beside the executable: where it is, and its path in the archive."""

    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Release:
    """What is to be released under which name and version; `epoch` is None where nobody has said the time."""

    name: str
    version: str
    includes: tuple[Include, ...]
    epoch: int | None

    def __post_init__(self) -> None:
        for what, text, form in (("name", self.name, _NAME), ("version", self.version, _VERSION)):
            if not form.fullmatch(text):
                raise UsageError(
                    f"{text!r} is no {what} of a release",
                    hint="use letters, digits, dots and dashes: it is part of the names of files",
                )
        seen: set[str] = set()
        for include in self.includes:
            folded = include.path.casefold()  # some systems take names that differ in case alone for one
            if folded in seen:
                raise UsageError(f"two files are included as {include.path!r}", hint="use --include FILE::NAME")
            seen.add(folded)

    def stem(self, target: Target) -> str:
        """The archive's name without its suffix, and that of the directory in it."""
        return f"{self.name}-{self.version}-{target.name}"

    def archive_name(self, target: Target) -> str:
        """The archive's name."""
        return self.stem(target) + (".zip" if _is_zipped(target) else ".tar.gz")

    @property
    def sbom_name(self) -> str:
        """The name of the bill of materials."""
        return f"{self.name}-{self.version}.cdx.json"

    def names(self, targets: Sequence[Target]) -> list[str]:
        """The names of all files of the release."""
        return [*map(self.archive_name, targets), self.sbom_name, CHECKSUMS]

    def check_targets(self, targets: Sequence[Target]) -> None:
        """Raises UsageError for a target that there is nothing to release for, or whose executable has a taken name."""
        for target in targets:
            if target.freestanding:
                able = ", ".join(each.name for each in load_targets().values() if not each.freestanding)
                raise UsageError(f"target {target.name} makes no executables to release", hint=f"those that do: {able}")
            program = f"{self.name}{target.executable_suffix}"
            for include in self.includes:
                first = include.path.partition("/")[0]
                if first.casefold() == program.casefold():
                    raise UsageError(
                        f"{include.path!r} is included, and the executable is called {program!r}",
                        hint="use --include FILE::NAME",
                    )


@dataclass(frozen=True, slots=True)
class Packing:
    """A file of a release that was written; `artifact` is None for what is not an archive."""

    path: Path
    written: Written
    artifact: Artifact | None
    seconds: float = 0.0


def parse_include(text: str) -> Include:
    """``FILE`` or ``FILE::NAME``, where NAME is a path in the archive. Raises UsageError."""
    host, separator, path = text.partition("::")
    path = path if separator else Path(host).name
    parts = path.split("/")
    bad = not all(parts) or {".", ".."} & set(parts) or not path.isprintable() or set(path) & set('\\:*?"<>|')
    if not host or "\0" in host or bad:
        raise UsageError(f"{text!r} does not include a file", hint="use FILE or FILE::NAME: LICENSE  man.1::doc/app.1")
    return Include(host, path)


def read_includes(release: Release) -> list[tuple[Include, bytes]]:
    """The files that are included. Raises WaotError."""
    found = []
    for include in release.includes:
        try:
            found.append((include, Path(include.host).read_bytes()))
        except OSError as error:
            raise WaotError(f"cannot be included: {error.strerror}", file=include.host) from None
    return found


def write_release(
    outputs: Outputs,
    directory: Path,
    release: Release,
    artifacts: Sequence[Artifact],
    includes: Sequence[tuple[Include, bytes]],
    modules: tuple[Part, ...],
    embedded: tuple[Part, ...],
    options: BuildOptions,
    progress: Progress,
) -> list[Packing]:
    """Writes all files of the release to `outputs`: the archives in the order of `artifacts`, then the others."""
    epoch = release.epoch or 0
    packings: list[Packing] = []
    archives: list[Archive] = []
    with compressors(options.jobs, sum(artifact.size for artifact in artifacts), progress) as pool:
        for artifact in artifacts:
            started = time.monotonic()
            target = artifact.target
            name, program = release.archive_name(target), f"{release.name}{target.executable_suffix}"
            with progress.step("packing", target=target.name):
                entries = [Entry(program, artifact.write, executable=True)]
                entries += [Entry(include.path, _writes(data)) for include, data in includes]
                inside = [Entry(f"{release.stem(target)}/{e.path}", e.write, e.executable) for e in entries]
                pack = zip_file if _is_zipped(target) else tar_gz
                packed: Packed = pack(inside, epoch, pool)
                written = outputs.write(directory / name, packed.write)
            seconds = artifact.seconds + time.monotonic() - started
            packings.append(Packing(directory / name, written, artifact, seconds))
            parts = [Part(path, digest_of(entry.write).sha256) for path, entry in with_directories(inside) if entry]
            archives.append(Archive(Part(name, written.sha256), target.name, target.triple, tuple(parts)))
    sbom = make_sbom(
        Contents(
            name=release.name,
            version=release.version,
            modules=modules,
            embedded=embedded,
            archives=tuple(archives),
            options=options,
            tools=tool_versions(),
            epoch=release.epoch,
        )
    )
    place = directory / release.sbom_name
    packings.append(Packing(place, outputs.write_bytes(place, sbom), None))
    sums = sorted((packing.path.name, packing.written.sha256) for packing in packings)
    place = directory / CHECKSUMS
    text = "".join(f"{digest}  {name}\n" for name, digest in sums)  # as `sha256sum --check` reads it
    packings.append(Packing(place, outputs.write_bytes(place, text.encode()), None))
    return packings


def module_parts(source: bytes, name: str, linked: Sequence[Linked]) -> tuple[Part, ...]:
    """The modules of a program, the main one first."""
    return (module_part(name, source), *(module_part(link.file, link.source, link.name) for link in linked))


def tool_versions() -> tuple[tuple[str, str], ...]:
    """Name and version of waot and of what it compiles with."""
    from waot.codegen.llvm import llvm_version

    tools = [("waot", __version__), ("LLVM", llvm_version())]
    return (*tools, ("ziglang", installed_version("ziglang")))


def _is_zipped(target: Target) -> bool:
    return target.name.partition("-")[2] in _ZIP_SYSTEMS


def _writes(data: bytes) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(data)

    return write


T = TypeVar("T")


class _Here(Executor):
    """Does the work where it is asked for."""

    def submit(self, function: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(function(*arguments, **named))
        return future


@contextmanager
def compressors(jobs: int, size: int, progress: Progress) -> Iterator[Executor]:
    """Workers that compress about `size` bytes; none where that is little."""
    if jobs == 1 or size < _SMALL:
        yield _Here()
        return
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("fork" if "fork" in methods else "spawn"))
    try:
        with progress.held():
            pool.submit(int).result()  # starts them
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
