"""The machines that waot compiles for, read from ``targets/*.toml``: data, no code.

A file there is a target: nothing else has to know of it. Each key of a file is the field of the same name in `Target`;
a key too many, too few or of the wrong type is refused, with the file's name.
"""

from __future__ import annotations

import difflib
import platform
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from waot.errors import ToolError, UsageError
from waot.options import MEMORY_STRATEGIES, Cpu
from waot.resources import targets_dir

# What a target may lack, and how a refusal says it.
LACKABLE = {
    "threads": "threads",
    "embed": "embedded directories",
    "overlay": "overlays",
    "listen": "sockets",
    "grants": "grants (what a module can do is what the C code around it does for it)",
    "stack": "stack of its own",
    "link": "linked modules",
    "objects": "heap of objects (for garbage collection and exceptions)",
    "profile": "file for a profile (--profile-use takes one that was made on any other target)",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of machine and system. Hashable, picklable, compared by value."""

    name: str  # ours, and the file's: ARCH-SYSTEM
    triple: str  # LLVM's
    zig_target: str  # zig's, for compiling the shim; Android's and Linux's are the same
    aliases: tuple[str, ...]  # other names by which people know it
    arch: str  # zig's name of the architecture; picks the syscall stub and the entry point
    system: str  # what the programs run on
    pointer_bits: int
    endian: str  # "little" or "big"
    object_format: str  # "elf" or "macho"
    data_layout: str  # LLVM's, exactly as the back end gives it
    page_size: int  # bytes; the largest that a kernel for this target uses, so the alignment of segments
    runtime: str  # directory of the system layer, relative to runtime-support/
    tier: int  # 1 what most people ship for, 2 what fewer do, 3 what hardly anybody does, or our tests cannot execute
    checked: str  # "executed" by our tests, or only "inspected"
    lacks: tuple[str, ...]  # what of LACKABLE programs for this target cannot have; none where the key is missing
    emulator: str | None  # a program that runs this target's executables on another machine
    executable_suffix: str  # suffix: what the name of an executable ends in, ".exe"; none where the key is missing
    cpu_baseline: str  # [cpu] baseline: LLVM's name of the CPU assumed unless --cpu says otherwise
    cpu_features: tuple[str, ...]  # [cpu] features: on top of the baseline, with their signs
    cpu_abi: str  # [cpu] abi: LLVM's name of the calling convention, "" where an architecture has one
    cpu_zig: str | None  # [cpu] zig: the same as zig's -mcpu has it, for the shim; None for zig's own choice
    memory_default: str  # [memory] default: what `--memory auto` means
    memory_supported: tuple[str, ...]  # [memory] supported
    static_base: int | None  # [static] base: where memory 0 lies with the static strategy
    static_text_base: int | None  # [static] text_base: where the image's other segments start with it
    # [link] triple and data_layout: those of what goes into an executable; `triple` and `data_layout` without a [link]
    link_triple: str
    link_data_layout: str
    # Of a universal target the targets whose executables are joined to one file, in its order; of others none. Such a
    # target's TOML has name, triple, aliases, parts, tier and checked; the other fields are what is true of all parts.
    parts: tuple[Target, ...] = ()

    def memory_strategy(self, choice: str) -> str:
        """What `choice` of `MEMORY_CHOICES` means here. Raises UsageError where the target does not have it."""
        if choice == "auto":
            return self.memory_default
        if choice not in self.memory_supported:
            raise UsageError(
                f"target {self.name} has no memory strategy {choice!r}",
                hint=f"use auto or one of {', '.join(self.memory_supported)}; "
                f"targets with {choice}: {_those(lambda target: choice in target.memory_supported)}",
            )
        return choice

    def check_cpu(self, cpu: Cpu) -> None:
        """Raises UsageError unless LLVM compiles for `cpu` here; "native" only where this machine is of the kind."""
        if cpu != Cpu():
            self.check_one_cpu("--cpu")
        if cpu.name == "native":
            host = host_name() or "unknown"
            if not self.is_host():
                raise UsageError(f"CPU 'native' is this machine's ({host}), not one of target {self.name}")
        elif cpu.name is not None:
            self._check_known("CPU", cpu.name, lambda known: known.names)
        for feature in cpu.features:
            self._check_known("CPU feature", feature[1:], lambda known: known.features)

    def check_one_cpu(self, option: str) -> None:
        """Raises UsageError where the target has several kinds of CPU, for an option that is about one."""
        if self.parts:
            raise UsageError(f"target {self.name} is for several kinds of CPU, {option} about one", hint=self._each())

    def check_has(self, what: str, why: str) -> None:
        """Raises UsageError if this target lacks `what` of LACKABLE; `why` says who asks for it."""
        if what in self.lacks:
            able = _those(lambda target: what not in target.lacks)
            raise UsageError(f"target {self.name} has no {LACKABLE[what]}, and {why}", hint=f"those that do: {able}")

    def check_emit(self, emit: str) -> None:
        """Raises UsageError where what `--emit` asks for cannot be one for this target."""
        if self.parts and emit != "exe":
            raise UsageError(
                f"target {self.name} is executables joined to one, and --emit {emit} is not", hint=self._each()
            )

    @property
    def has_versions(self) -> bool:
        """Whether a program may carry its code for two levels of the processor (waot/linker/versions.py)."""
        return self.arch == "x86_64" and self.object_format != "coff" and not self.freestanding

    def check_versions(self, level: str) -> None:
        """Raises UsageError where no program can have a version for `level` of VERSION_LEVELS beside its own."""
        if not self.has_versions:
            able = _those(lambda target: target.has_versions)
            raise UsageError(
                f"target {self.name} cannot choose between versions of the code", hint=f"those that can: {able}"
            )
        if level <= self.cpu_baseline:
            raise UsageError(f"{level} is not above the baseline of target {self.name}, {self.cpu_baseline}")

    @property
    def freestanding(self) -> bool:
        """Whether there is no system: what is made is not a program but a part of one."""
        return self.system == "none"

    def product(self, emit: str) -> str:
        """What `emit` of `EMITS` is here, or "lib": a static library in place of an executable, which nobody starts."""
        return "lib" if self.freestanding and emit == "exe" else emit

    def has_header(self, emit: str) -> bool:
        """Whether a header for C goes with what `emit` is here: with what C code is linked with."""
        return self.freestanding and emit in ("exe", "obj")

    def check_seccomp(self, choice: str) -> None:
        """Raises UsageError where `choice` of `SECCOMP_CHOICES` is about something that the system does not have."""
        if choice != "default" and self.system not in ("linux", "android"):
            option = {"off": "--no-seccomp", "required": "--require-seccomp"}[choice]
            able = _those(lambda target: target.system in ("linux", "android"))
            raise UsageError(
                f"target {self.name} has no seccomp, which is Linux's",
                hint=f"leave {option} out; targets with it: {able}",
            )

    def _check_known(self, what: str, name: str, names: Callable[[KnownCpus], frozenset[str]]) -> None:
        known = names(known_cpus(self.arch))
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=3)
            if able := _those(lambda target: has_known_cpus(target.arch) and name in names(known_cpus(target.arch))):
                hint = f"targets with it: {able}"
            else:
                hint = f"did you mean {' or '.join(near)}?" if near else f"`waot targets --cpus {self.name}` lists them"
            raise UsageError(f"unknown {what} {name!r} for target {self.name}", hint=hint)

    def _each(self) -> str:
        return f"use --target with each of {', '.join(part.name for part in self.parts)}"

    def is_host(self) -> bool:
        """Whether this machine runs the target's executables without an emulator."""
        host = host_name()
        return (host is not None and host in self.names) or any(part.is_host() for part in self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which `find_target` knows it, but for that of its `platform`."""
        return (self.name, *self.aliases)

    @property
    def platform(self) -> str | None:
        """OS/ARCH or OS/ARCH/VARIANT, as Docker and the OCI image specification name it; None where they have no name.

        https://github.com/opencontainers/image-spec/blob/main/image-index.md
        """
        machine, _, system = self.name.partition("-")
        found = _OCI_ARCHITECTURES.get(machine)
        if found is None or self.freestanding:
            return None
        return f"{_OCI_SYSTEMS.get(system, system)}/{found}"


# What container images call a processor and a system: Go's names (GOARCH, GOOS).
_OCI_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7": "arm/v7",
    "i686": "386",
    "loongarch64": "loong64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
_OCI_SYSTEMS = {"macos": "darwin"}


def _those(able: Callable[[Target], bool]) -> str:
    """The names of the targets that are, for a message."""
    return ", ".join(target.name for target in load_targets().values() if able(target))


@dataclass(frozen=True, slots=True)
class KnownCpus:
    """What ``--cpu`` accepts for an architecture: LLVM's names, without those for which it cannot make our code."""

    names: frozenset[str]
    features: frozenset[str]


def _cpus_file(arch: str) -> Path:
    return targets_dir() / "cpus" / f"{arch}.toml"


def has_known_cpus(arch: str) -> bool:
    """Whether there are lists for `arch`: not where it stands for several."""
    return _cpus_file(arch).is_file()


@cache
def known_cpus(arch: str) -> KnownCpus:
    """The lists in ``targets/cpus/<arch>.toml``, which ``scripts/list_cpus.py`` writes from LLVM's own."""
    file = _cpus_file(arch)
    reader = _Reader(file, _read_toml(file))
    known = KnownCpus(frozenset(reader.strings("names")), frozenset(reader.strings("features")))
    reader.done()
    return known


_STRINGS = (
    "name",
    "triple",
    "zig_target",
    "arch",
    "system",
    "endian",
    "object_format",
    "data_layout",
    "runtime",
    "checked",
)
_INTEGERS = ("pointer_bits", "page_size", "tier")


class _Reader:
    """Takes typed values out of a TOML table and knows what is left."""

    def __init__(self, file: Path, table: dict[str, Any]) -> None:
        self.file = file
        self.table = dict(table)

    def take(self, key: str, kind: type) -> Any:
        value = self.table.pop(key, None)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ToolError(f"key {key!r} is not {kind.__name__}", file=str(self.file))
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        values = self.take(key, list)
        if not all(isinstance(value, str) for value in values):
            raise ToolError(f"key {key!r} is not a list of strings", file=str(self.file))
        return tuple(values)

    def section(self, key: str) -> _Reader:
        return _Reader(self.file, self.take(key, dict))

    def done(self) -> None:
        if self.table:
            raise ToolError(f"unknown key {min(self.table)!r}", file=str(self.file))


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"cannot be read: {error}", file=str(file)) from None


def read_target(file: Path) -> Target:
    """The target that `file` describes. Raises ToolError that names the file and the key."""
    reader = _Reader(file, _read_toml(file))
    if "parts" in reader.table:
        return _read_universal(reader)
    fields: dict[str, Any] = {key: reader.take(key, str) for key in _STRINGS}
    fields |= {key: reader.take(key, int) for key in _INTEGERS}
    fields["aliases"] = reader.strings("aliases")
    fields["lacks"] = reader.strings("lacks") if "lacks" in reader.table else ()
    fields["emulator"] = reader.take("emulator", str) if "emulator" in reader.table else None
    fields["executable_suffix"] = reader.take("suffix", str) if "suffix" in reader.table else ""
    cpu = reader.section("cpu")
    fields["cpu_baseline"] = cpu.take("baseline", str)
    fields["cpu_features"] = cpu.strings("features")
    fields["cpu_abi"] = cpu.take("abi", str) if "abi" in cpu.table else ""
    fields["cpu_zig"] = cpu.take("zig", str) if "zig" in cpu.table else None
    cpu.done()
    memory = reader.section("memory")
    fields["memory_default"] = memory.take("default", str)
    fields["memory_supported"] = supported = memory.strings("supported")
    memory.done()
    fields["static_base"] = fields["static_text_base"] = None
    if "static" in supported:
        static = reader.section("static")
        fields["static_base"] = static.take("base", int)
        fields["static_text_base"] = static.take("text_base", int)
        static.done()
    fields["link_triple"], fields["link_data_layout"] = fields["triple"], fields["data_layout"]
    if "link" in reader.table:
        link = reader.section("link")
        fields["link_triple"] = link.take("triple", str)
        fields["link_data_layout"] = link.take("data_layout", str)
        link.done()
    reader.done()
    if not set(supported) <= set(MEMORY_STRATEGIES) or fields["memory_default"] not in supported:
        raise ToolError("the memory strategies are not known ones with the default among them", file=str(file))
    if not set(fields["lacks"]) <= set(LACKABLE):
        raise ToolError(f"key 'lacks' has a name that is not one of {', '.join(LACKABLE)}", file=str(file))
    return _checked(Target(**fields), file)


def _read_universal(reader: _Reader) -> Target:
    """The target that a file with parts describes."""
    parts = tuple(read_target(reader.file.with_name(f"{name}.toml")) for name in reader.strings("parts"))
    if len({part.system for part in parts}) != 1 or any(part.object_format != "macho" for part in parts):
        raise ToolError("key 'parts' has not several names of targets for Mach-O", file=str(reader.file))
    fields = {key: reader.take(key, str) for key in ("name", "triple", "checked")}
    memory = [name for name in parts[0].memory_supported if all(name in part.memory_supported for part in parts)]
    target = replace(
        parts[0],
        **fields,
        zig_target=fields["name"],
        aliases=reader.strings("aliases"),
        tier=reader.take("tier", int),
        arch="universal",
        page_size=max(part.page_size for part in parts),
        lacks=tuple(sorted({what for part in parts for what in part.lacks})),
        cpu_baseline=", ".join(part.cpu_baseline for part in parts),
        memory_supported=tuple(memory),
        parts=parts,
    )
    reader.done()
    return _checked(target, reader.file)


def _checked(target: Target, file: Path) -> Target:
    if target.checked not in ("executed", "inspected") or target.tier not in (1, 2, 3):
        raise ToolError("key 'checked' or 'tier' has a value that it cannot have", file=str(file))
    if target.name != file.stem:
        raise ToolError(f"describes {target.name!r}, another name than the file's", file=str(file))
    return target


@cache
def load_targets() -> dict[str, Target]:
    """All targets by name, sorted."""
    return {target.name: target for target in map(read_target, sorted(targets_dir().glob("*.toml")))}


@cache
def target_groups() -> dict[str, tuple[Target, ...]]:
    """The names that stand for several targets: ``all``, each system, each tier that some target has (``tier1``).

    A system is what the name of a target has behind the dash, or its system layer's name where no target has that.
    What is freestanding is only in the group of its system: a library is of use to who links it, not to who ships
    programs for all machines.
    """
    targets = load_targets().values()
    programs = [target for target in targets if not target.freestanding]
    named = {target.name: target.name.partition("-")[2] for target in targets}
    systems = {target.name: {named[target.name]} | ({target.system} - set(named.values())) for target in targets}
    groups = {"all": tuple(programs)}
    for name in sorted({system for each in systems.values() for system in each}):
        groups[name] = tuple(target for target in targets if name in systems[target.name])
    for tier in sorted({target.tier for target in programs}):
        groups[f"tier{tier}"] = tuple(target for target in programs if target.tier == tier)
    return groups


def find_targets(text: str, fits: Callable[[Target], bool] | None = None) -> tuple[Target, ...]:
    """The targets that `text` names: names of targets and groups, with commas between them; each target once.

    Of a group with targets that `fits` accepts it is those. Raises UsageError as `find_target` does.
    """
    found: dict[Target, None] = {}
    for name in text.split(","):
        group = target_groups().get(name.strip().lower())
        if group is None:
            found[_find(name, groups=True)] = None
        else:
            found |= dict.fromkeys(tuple(filter(fits, group)) or group)
    return tuple(found)


def find_target(name: str) -> Target:
    """The target called `name`: by its own name, an alias, or as Docker names platforms (``linux/arm64``).

    Case does not count, and a slash is as good as a dash. Raises UsageError with the nearest name.
    """
    return _find(name, groups=False)


def _find(name: str, *, groups: bool) -> Target:
    spelled = name.strip().lower()
    if spelled in ("native", "host"):
        return host_target()
    wanted = spelled.replace("/", "-")
    known = _known_names()
    if spelled.endswith("/arm64/v8"):  # Docker's variant of 64-bit Arm is there or not, and means the same
        wanted = wanted.removesuffix("-v8")
    if wanted in known:
        return known[wanted]
    if not groups and spelled in target_groups():
        raise UsageError(f"{name!r} is a group of targets, not one", hint="`waot targets` lists them")
    raise UsageError(f"unknown target {name!r}", hint=f"{_suggestion(wanted, groups)}known targets: {_known()}")


@cache
def _known_names() -> dict[str, Target]:
    """Every name of every target, in lower case and with dashes for slashes."""
    known = {target.platform.replace("/", "-"): target for target in load_targets().values() if target.platform}
    return known | {alias.lower(): target for target in load_targets().values() for alias in target.names}


_NEAR = 0.6  # of 1: from where on two spellings are alike, as difflib has it


def _known() -> str:
    return ", ".join(load_targets())


def _suggestion(wanted: str, groups: bool) -> str:
    """What was probably meant.

    A processor alone: all its targets. Otherwise punctuation and the order of the words do not count, then the nearest
    spelling does; of names that are equally near, those of the target that most people ship for.
    """
    targets = sorted(load_targets().values(), key=lambda target: (target.freestanding, target.tier))
    candidates = {name: name for name in target_groups()} if groups else {}
    candidates |= {alias.lower(): target.name for target in targets for alias in target.names}
    meant = list(dict.fromkeys(found for name, found in candidates.items() if name.startswith(f"{wanted}-")))
    if not meant:
        meant = [found for name, found in candidates.items() if _letters(name) == _letters(wanted)][:1]
    if not meant:
        near = difflib.SequenceMatcher(b=wanted)

        def likeness(name: str) -> float:
            near.set_seq1(name)
            return near.ratio()

        best = max(candidates, key=likeness)  # the first of several
        meant = [candidates[best]] if likeness(best) >= _NEAR else []
    return f"did you mean {' or '.join(meant)}? " if meant else ""


def _letters(text: str) -> list[str]:
    return sorted(filter(str.isalnum, text))


def host_name() -> str | None:
    """This machine as ARCH-SYSTEM, whether or not it is a target."""
    machine, system = platform.machine().lower(), platform.system().lower()
    return f"{machine}-{system}" if machine and system else None


def host_target() -> Target:
    """The target that this machine runs. Raises UsageError where there is none."""
    host = host_name()
    for target in load_targets().values():
        if host in target.names:
            return target
    raise UsageError(
        f"this machine ({host or 'unknown'}) is not a target of waot",
        hint=f"give --target, one of {', '.join(load_targets())}",
    )
