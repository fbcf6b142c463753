"""What a caller can ask of a build, and the text forms in which the command line and the API take it.

`BuildOptions` is checked when it is made: whoever holds one holds legal values. What depends on the target (does it
have that memory strategy, does LLVM know that CPU) is checked by `waot.targets.Target`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from waot.errors import UsageError

OPT_LEVELS = ("0", "1", "2", "3", "s", "z")
EMITS = ("exe", "obj", "asm", "llvm-ir", "oci")
VERSION_LEVELS = ("x86-64-v3", "x86-64-v4")
MEMORY_STRATEGIES = ("static", "guarded", "checked")
MEMORY_CHOICES = ("auto", *MEMORY_STRATEGIES)
RELAXED_SIMD_CHOICES = ("fast", "deterministic")
SECCOMP_CHOICES = ("default", "off", "required")

DEFAULT_STACK_SIZE = 8 << 20
# Of objects: room for a block of every size.
MINIMUM_HEAP = 4 << 20
MINIMUM_STACK_SIZE = 64 << 10  # the shim's own frames and a signal frame must fit beside the program's
MAXIMUM_STACK_SIZE = 64 << 30


@dataclass(frozen=True, slots=True)
class Cpu:
    """What the code may assume of the processor.

    `name` is LLVM's name of a CPU, "native" for the machine that builds, or None for the target's baseline;
    `features` are LLVM's, each with its sign ("+avx2", "-sse4.2"), the later one winning.
    """

    name: str | None = None
    features: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ",".join(([self.name] if self.name else []) + list(self.features)) or "baseline"


@dataclass(frozen=True, slots=True)
class DirGrant:
    """A directory that the program may use: `host` as opened at run time, `guest` as the program sees it.

    A relative `host` is relative to the directory in which the program is run.
    """

    host: str
    guest: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class OverlayGrant:
    """The directory `host`, as opened at run time, takes what is written to the embedded directory `guest`."""

    host: str
    guest: str


@dataclass(frozen=True, slots=True)
class EnvGrant:
    """An environment variable for the program; `value` None takes it from the environment at run time, if set."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class FileGrant:
    """A file that the program may use, and nothing else of its directory.

    `host` is its path as opened at run time, `guest` its path for the program.
    """

    host: str
    guest: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ListenGrant:
    """A TCP address at which the program listens: a numeric `address`, IPv4 or IPv6 without brackets, and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Grants:
    """The authority recorded in an executable. Nothing is granted by default.

    `args` stand before the arguments of the command line; with a `seed` clocks and randomness follow from it; who runs
    a `sealed` program cannot add grants.
    """

    dirs: tuple[DirGrant, ...] = ()
    env: tuple[EnvGrant, ...] = ()
    inherit_env: bool = False
    files: tuple[FileGrant, ...] = ()
    args: tuple[str, ...] = ()
    listen: tuple[ListenGrant, ...] = ()
    seed: int | None = None  # 0 to 2**64 - 1
    sealed: bool = False
    overlays: tuple[OverlayGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbedGrant:
    """A directory, or a file, that becomes part of the executable: `host` when it is built, `guest` as the program sees
    it."""

    host: str
    guest: str


@dataclass(frozen=True, slots=True)
class Link:
    """A module to link: `file`, from which the modules after it import under `name`."""

    name: str
    file: str


def default_jobs() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0)) or 1
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Everything about a build but the module and the targets. Raises UsageError for an illegal value."""

    opt_level: str = "2"  # one of OPT_LEVELS
    cpu: Cpu = field(default_factory=Cpu)
    multiversion: str | None = None  # one of VERSION_LEVELS: a processor for which there is a version of its own
    emit: str = "exe"  # one of EMITS
    memory: str = "auto"  # one of MEMORY_CHOICES
    relaxed_simd: str = "fast"  # one of RELAXED_SIMD_CHOICES
    stack_size: int = DEFAULT_STACK_SIZE  # bytes of native stack
    max_heap: int | None = None  # bytes that objects may take; None: what the system gives
    jobs: int = field(default_factory=default_jobs)
    grants: Grants = field(default_factory=Grants)
    embeds: tuple[EmbedGrant, ...] = ()
    compress: bool = False  # what is embedded
    seccomp: str = "default"  # one of SECCOMP_CHOICES
    features: tuple[str, ...] | None = None  # the proposals that the module may use, sorted; None for all
    profile_generate: str | None = None  # the program writes a profile there; "": a file called after the module
    profile_use: tuple[str, ...] = ()  # files with profiles to compile by
    cache: bool = True
    verbose: int = 0

    def __post_init__(self) -> None:
        _one_of("optimisation level", self.opt_level, OPT_LEVELS)
        _one_of("kind of output", self.emit, EMITS)
        if self.multiversion is not None:
            _one_of("level of processors", self.multiversion, VERSION_LEVELS)
            if self.emit not in ("exe", "oci"):
                raise UsageError(
                    "only a program chooses between versions of its code", hint=f"leave out --emit {self.emit}"
                )
            if self.cpu != Cpu():
                raise UsageError("--multiversion is about the baseline and a level above it", hint="leave out --cpu")
            if self.profile_generate is not None:
                raise UsageError("a program that counts has one version of its code", hint="leave out --multiversion")
        _one_of("memory strategy", self.memory, MEMORY_CHOICES)
        _one_of("choice for relaxed SIMD", self.relaxed_simd, RELAXED_SIMD_CHOICES)
        _one_of("choice for seccomp", self.seccomp, SECCOMP_CHOICES)
        if not MINIMUM_STACK_SIZE <= self.stack_size <= MAXIMUM_STACK_SIZE:
            raise UsageError(
                f"a stack of {self.stack_size} bytes is out of range",
                hint=f"use {MINIMUM_STACK_SIZE >> 10}KiB to {MAXIMUM_STACK_SIZE >> 30}GiB",
            )
        if self.max_heap is not None and not MINIMUM_HEAP <= self.max_heap < 1 << 63:
            raise UsageError(
                f"a heap of {self.max_heap} bytes is out of range", hint=f"use {MINIMUM_HEAP >> 20}MiB or more"
            )
        if self.compress and not self.embeds:
            raise UsageError("nothing is embedded that could be compressed", hint="use --embed HOST::GUEST too")
        on_top: set[str] = set()
        for overlay in self.grants.overlays:
            if guest_path(overlay.guest) in on_top:
                raise UsageError(
                    f"two directories are put on top of {overlay.guest!r}", hint="use --overlay once for each"
                )
            on_top.add(guest_path(overlay.guest))
        granted = {guest_path(grant.guest) for grant in self.grants.dirs}
        for embed in self.embeds:
            if guest_path(embed.guest) in granted:
                raise _granted_and_embedded(embed.guest)
        if self.profile_generate is not None and self.profile_use:
            raise UsageError(
                "--profile-generate and --profile-use contradict each other",
                hint="build and run with the one, then build with the other",
            )
        if self.profile_generate is not None and self.emit not in ("exe", "oci"):
            raise UsageError(
                f"--profile-generate makes a program that writes a profile, and --emit {self.emit} no program",
                hint="use --emit exe",
            )
        if "\0" in (self.profile_generate or ""):
            raise UsageError("the path of a profile holds a NUL")
        if self.jobs < 1:
            raise UsageError(f"{self.jobs} jobs cannot do the work", hint="use 1 or more")
        _check_grants(self.grants)

    @classmethod
    def parse(
        cls,
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
        features: str | Sequence[str] | None = None,
        profile_generate: bool | str | os.PathLike[str] | None = None,
        profile_use: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
        cache: bool = True,
        verbose: int = 0,
    ) -> BuildOptions:
        """Options from the forms in which a person writes them. Raises UsageError, which names the accepted forms."""
        return cls(
            opt_level=parse_opt_level(str(opt_level)),
            cpu=cpu if isinstance(cpu, Cpu) else parse_cpu(cpu),
            multiversion=multiversion,
            emit=emit,
            memory=memory,
            relaxed_simd=relaxed_simd,
            stack_size=parse_size(stack_size) if isinstance(stack_size, str) else stack_size,
            max_heap=parse_size(max_heap) if isinstance(max_heap, str) else max_heap,
            jobs=default_jobs() if jobs is None else jobs,
            grants=Grants(
                tuple(d if isinstance(d, DirGrant) else parse_dir_grant(d) for d in dirs),
                tuple(e if isinstance(e, EnvGrant) else parse_env_grant(e) for e in env),
                inherit_env,
                tuple(f if isinstance(f, FileGrant) else parse_file_grant(f) for f in files),
                tuple(args),
                tuple(a if isinstance(a, ListenGrant) else parse_listen_grant(a) for a in listen),
                parse_seed(deterministic),
                sealed,
                tuple(o if isinstance(o, OverlayGrant) else parse_overlay_grant(o) for o in overlays),
            ),
            embeds=tuple(e if isinstance(e, EmbedGrant) else parse_embed_grant(e) for e in embeds),
            compress=compress,
            seccomp=seccomp,
            features=parse_features(features),
            profile_generate=parse_profile_generate(profile_generate),
            profile_use=parse_profile_use(profile_use),
            cache=cache,
            verbose=verbose,
        )


def _one_of(what: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise UsageError(f"unknown {what} {value!r}", hint=f"use one of {', '.join(accepted)}")


def parse_opt_level(text: str) -> str:
    """``2``, ``O2`` or ``-O2`` (likewise 0, 1, 3, s, z) to ``2``."""
    level = text.removeprefix("-").removeprefix("O")
    _one_of("optimisation level", level, OPT_LEVELS)
    return level


_CPU_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FEATURE = re.compile(r"[+-][A-Za-z0-9][A-Za-z0-9._-]*")


def parse_cpu(text: str | None) -> Cpu:
    """``NAME``, ``NAME,+feature,-feature`` or features alone; None and ``baseline`` are the target's baseline."""
    if text is None:
        return Cpu()
    forms = 'use NAME, "native", NAME,+FEATURE,-FEATURE or +FEATURE,-FEATURE'
    first, *rest = (part.strip() for part in text.split(","))
    name: str | None = None
    if first[:1] in ("+", "-"):
        rest.insert(0, first)
    elif _CPU_NAME.fullmatch(first):
        name = None if first == "baseline" else first
    else:
        raise UsageError(f"{text!r} is not a CPU", hint=forms)
    for feature in rest:
        if not _FEATURE.fullmatch(feature):
            raise UsageError(f"{feature!r} in {text!r} is not a CPU feature", hint=forms)
    return Cpu(name, tuple(rest))


def parse_features(parts: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """``all``, ``mvp``, ``NAME``, ``+NAME`` and ``-NAME``, from left to right, beginning with all; None for all."""
    if parts is None:
        return None
    from waot.frontend.opcodes import PROPOSALS

    chosen = PROPOSALS
    for part in map(str.strip, parts.split(",") if isinstance(parts, str) else parts):
        name = part.removeprefix("+")
        if name == "all":
            chosen = PROPOSALS
        elif name == "mvp":
            chosen = frozenset()
        elif name in PROPOSALS:
            chosen = chosen | {name}
        elif name.removeprefix("-") in PROPOSALS:
            chosen = chosen - {name.removeprefix("-")}
        else:
            near = difflib.get_close_matches(name.removeprefix("-"), sorted(PROPOSALS), 1)
            known = f"did you mean {near[0]}?" if near else f"use all, mvp or any of {', '.join(sorted(PROPOSALS))}"
            raise UsageError(f"{part!r} in --features is no feature of WebAssembly that waot knows", hint=known)
    return None if chosen == PROPOSALS else tuple(sorted(chosen))


def parse_profile_generate(value: bool | str | os.PathLike[str] | None) -> str | None:
    """A path; True is "", a file called after the module; None and False are no profile."""
    if value is None or value is False:
        return None
    return "" if value is True else os.fspath(value)


def parse_profile_use(value: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    """Paths; one string is one or several with commas between them."""
    several = [value] if isinstance(value, str | os.PathLike) else value
    paths = [path for each in several for path in (each.split(",") if isinstance(each, str) else [os.fspath(each)])]
    if not all(paths):
        raise UsageError("a profile to use has no name", hint="use --profile-use FILE, or several with commas")
    return tuple(dict.fromkeys(paths))


_UNITS = {"": 0, "b": 0, "k": 10, "kib": 10, "m": 20, "mib": 20, "g": 30, "gib": 30}
_SIZE = re.compile(r"([0-9]{1,18}) *([A-Za-z]*)")


def parse_size(text: str) -> int:
    """A size in bytes: ``8388608``, ``512KiB``, ``1M`` (K, M and G are powers of 1024)."""
    match = _SIZE.fullmatch(text.strip())
    shift = _UNITS.get(match[2].lower()) if match else None
    if match is None or shift is None:
        raise UsageError(f"{text!r} is not a size", hint="use bytes, or a number with KiB, MiB or GiB (K, M, G)")
    return int(match[1]) << shift


def parse_dir_grant(text: str) -> DirGrant:
    """``HOST[::GUEST][:ro]``; without GUEST the program sees the directory under HOST's own name."""
    return DirGrant(*_parse_path_grant(text, "a directory"))


def parse_file_grant(text: str) -> FileGrant:
    """``HOST[::GUEST][:ro]``; without GUEST the program sees the file under HOST's own name."""
    return FileGrant(*_parse_path_grant(text, "a file"))


def _parse_path_grant(text: str, what: str) -> tuple[str, str, bool]:
    """Host, guest, and whether for reading only."""
    rest = text.removesuffix(":ro")
    host, separator, guest = rest.partition("::")
    if not host or (separator and not guest) or "::" in guest or "\0" in text:
        raise UsageError(f"{text!r} does not grant {what}", hint="use HOST, HOST::GUEST, HOST:ro or HOST::GUEST:ro")
    return host, guest or host, rest != text


def parse_listen_grant(text: str) -> ListenGrant:
    """``ADDR:PORT``, where ADDR is an IPv4 address or an IPv6 address in brackets."""
    address, _, port = text.rpartition(":")
    try:
        if not port.isascii() or not port.isdigit():
            raise ValueError
        if address.startswith("[") and address.endswith("]"):
            found = ListenGrant(address[1:-1], int(port))
            _check_listen(found, version=6)
        else:
            found = ListenGrant(address, int(port))
            _check_listen(found, version=4)
    except ValueError:
        raise UsageError(f"{text!r} is no address to listen at", hint=_LISTEN_FORMS) from None
    return found


_LISTEN_FORMS = "use ADDR:PORT, like 127.0.0.1:8080 or [::1]:8080; names are not looked up, ports are 1 to 65535"


def _check_listen(grant: ListenGrant, version: int | None = None) -> None:
    """Raises ValueError if nobody can listen there."""
    import ipaddress

    address = ipaddress.ip_address(grant.address)
    if "%" in grant.address or version not in (None, address.version) or not 0 < grant.port < 65536:
        raise ValueError


def parse_seed(value: bool | int | str | None) -> int | None:
    """A seed from 0 to 2**64 - 1, in decimal or with 0x; True is 0, None and False are no seed."""
    if value is None or value is False:
        return None
    if value is True:
        return 0
    try:
        seed = int(value, 0) if isinstance(value, str) else value
    except ValueError:
        seed = -1
    if not 0 <= seed < 1 << 64:
        raise UsageError(f"{value!r} is not a seed", hint="use a number from 0 to 18446744073709551615")
    return seed


def _check_grants(grants: Grants) -> None:
    """Raises UsageError for grants that contradict one another, or that no program can carry out."""
    paths: list[DirGrant | FileGrant] = [*grants.dirs, *grants.files]
    for text in (*grants.args, *(text for grant in paths for text in (grant.host, grant.guest))):
        if "\0" in text:
            raise UsageError(f"{text!r} holds a NUL, which neither an argument nor a path can")
    seen: dict[str, str] = {}
    for directory in grants.dirs:
        name = guest_path(directory.guest)
        if name in seen:
            raise UsageError(f"two directories are granted as {directory.guest!r}", hint="give each a GUEST of its own")
        seen[name] = directory.guest
    files: set[str] = set()
    for file in grants.files:
        name = guest_path(file.guest)
        if file.guest.endswith("/") or file.guest.rpartition("/")[2] in (".", ".."):
            raise UsageError(f"{file.guest!r} does not name a file", hint="use HOST::GUEST where GUEST ends in a name")
        if name in files:
            raise UsageError(f"two files are granted as {file.guest!r}", hint="give each a GUEST of its own")
        files.add(name)
        parent = _directory_of(file)
        if parent in seen:
            raise UsageError(
                f"the file {file.guest!r} and the directory {seen[parent]!r} are both granted",
                hint="leave out --file, or give it a GUEST in another directory",
            )
    for listen in grants.listen:
        try:
            _check_listen(listen)
        except ValueError:
            raise UsageError(f"{str(listen)!r} is no address to listen at", hint=_LISTEN_FORMS) from None
        if grants.listen.count(listen) > 1:
            raise UsageError(f"{str(listen)!r} is granted twice", hint="give --listen once for each address")
    parse_seed(grants.seed)


def check_embedded(grants: Grants, guests: Sequence[str]) -> None:
    """Raises UsageError where a directory that is embedded as one of `guests` has the name of another that the program
    is to see: it would end at its start."""
    granted = {guest_path(directory.guest) for directory in grants.dirs}
    files = {_directory_of(file): file.guest for file in grants.files}
    seen: set[str] = set()
    for guest in guests:
        name = guest_path(guest)
        if name in granted:
            raise _granted_and_embedded(guest)
        if name in files:
            raise UsageError(
                f"the file {files[name]!r} is granted and the directory {guest!r} embedded",
                hint="give the file a GUEST in another directory",
            )
        if name in seen:
            raise UsageError(f"two directories are embedded as {guest!r}", hint="give each a name of its own")
        seen.add(name)


def _granted_and_embedded(guest: str) -> UsageError:
    return UsageError(f"{guest!r} is both granted and embedded", hint="give each a name of its own")


def _directory_of(file: FileGrant) -> str:
    """The `guest_path` of the directory that the program sees the file in."""
    return guest_path(file.guest.rpartition("/")[0] or ("/" if file.guest.startswith("/") else "."))


def guest_path(path: str) -> str:
    """`path` without what does not change its meaning: one spelling for all that name the same."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return ("/" if path.startswith("/") else "") + "/".join(parts)


def parse_embed_grant(text: str) -> EmbedGrant:
    """``HOST[::GUEST]``; without GUEST the program sees it under HOST's own name."""
    host, separator, guest = text.partition("::")
    if not host or (separator and not guest) or "::" in guest or "\0" in text:
        raise UsageError(f"{text!r} does not embed a directory", hint="use HOST or HOST::GUEST")
    return EmbedGrant(host, guest or host)


def parse_overlay_grant(text: str) -> OverlayGrant:
    """``HOST::GUEST``."""
    host, _, guest = text.partition("::")
    if not host or not guest or "::" in guest or "\0" in text:
        raise UsageError(f"{text!r} does not put a directory on top of an embedded one", hint="use HOST::GUEST")
    return OverlayGrant(host, guest)


def parse_link(text: str) -> Link:
    """``NAME=FILE``."""
    name, _, file = text.partition("=")
    if not name or not file or "\0" in text:
        raise UsageError(f"{text!r} does not link a module", hint="use NAME=FILE")
    return Link(name, file)


def parse_env_grant(text: str) -> EnvGrant:
    """``NAME`` (its value at run time) or ``NAME=VALUE``."""
    name, separator, value = text.partition("=")
    if not name or "\0" in text:
        raise UsageError(f"{text!r} does not grant an environment variable", hint="use NAME or NAME=VALUE")
    return EnvGrant(name, value if separator else None)
