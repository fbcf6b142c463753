"""Profiles: how often what of a module was run. The file, and what builds make of it.

A program built with ``--profile-generate`` counts at the level of WebAssembly's operators (lowering/flow.py), so a
profile is about the module and holds for every target and every optimisation level. The file is a sequence of parts,
one a unit of code, in the byte order of the machine that wrote it; all numbers are unsigned:

    8 bytes  "waotprof"
    u32      version, 1; by it the byte order is known
    u32      number of this part, from 0
    u32      number of parts
    u32      functions in this part
    u64      bytes of counters and sites in this part
    32 bytes SHA-256 of the modules that the program is made of
    then for each function
      u32    index
      u32    number of counters
      u32    number of sites
      u32    0
      u64    fingerprint of the body
      u64    a hash of its name, 0 if it has none
    then for each function, in the same order
      u64    each counter
      then for each site CALLEES times
        u64  index of a function that was called there, plus 1; 0 for a place that is free
        u64  how often
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from waot.errors import UsageError

if TYPE_CHECKING:
    from waot.frontend.module import Module

MAGIC = b"waotprof"
VERSION = 1
SUFFIX = ".waotprof"
CALLEES = 4  # functions that are counted at a site; WAOT_PROFILE_CALLEES

HEAD = "8sIIIIQ32s"
FUNCTION = "IIIIQQ"

# A counter is not taken for more: sums of them, which LLVM makes, then fit its 64 bits.
MOST = 1 << 48
# No module has more; what a damaged file says is not believed.
_MOST_PARTS = 1 << 16


@dataclass(frozen=True, slots=True)
class FunctionProfile:
    """What is known of one function. `sites` has (index of a function, how often it was called) for each."""

    fingerprint: int
    name: int
    counters: tuple[int, ...]
    sites: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def most(self) -> int:
        """The highest of its counters: how often the hottest of its ways was taken, about."""
        return max(self.counters, default=0)


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a module. `module` is the digest of what the program was made of."""

    module: bytes
    functions: dict[int, FunctionProfile]


@dataclass(frozen=True, slots=True)
class HotFunction:
    """A function in `ProfileInfo`."""

    function: int  # index
    calls: int
    hottest_block: int  # how often that part of it ran that ran most, about


@dataclass(frozen=True, slots=True)
class ProfileInfo:
    """What `waot inspect` shows of a profile. `module` is the digest of what the program was made of."""

    kind: str
    module: str
    functions: int
    functions_that_ran: int
    hottest: tuple[HotFunction, ...]


_SHOWN = 20


def describe_profile(profile: Profile) -> ProfileInfo:
    """A profile's numbers, and its hottest functions."""
    ran = [(index, function) for index, function in profile.functions.items() if function.most]
    ran.sort(key=lambda each: (-each[1].most, each[0]))
    hottest = [HotFunction(index, function.counters[0], function.most) for index, function in ran[:_SHOWN]]
    return ProfileInfo("profile", profile.module.hex(), len(profile.functions), len(ran), tuple(hottest))


def module_digest(sources: Iterable[bytes]) -> bytes:
    """What a program is made of: the module, and in their order those that are linked with it."""
    whole = hashlib.sha256()
    for source in sources:
        whole.update(hashlib.sha256(source).digest())
    return whole.digest()


def name_hash(name: str) -> int:
    """64 bits that stand for a function's name."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "little") or 1


def function_hash(module: Module, index: int) -> int:
    """`name_hash` of what the name section calls the function, 0 where it does not."""
    name = module.function_names.get(index, "")
    return name_hash(name) if name else 0


# ---------------------------------------------------------------------- the file


def read_profile(path: str) -> Profile:
    """The profile in a file. Raises UsageError for one that cannot be read, or is none."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"the profile {path!r} cannot be read: {error.strerror}", hint=_MADE_BY) from None
    return parse_profile(data, path)


_MADE_BY = "build with --profile-generate and run the program: it writes one"


def parse_profile(data: bytes, path: str) -> Profile:
    """The profile that `data` is; `path` is its name in messages. Raises UsageError."""
    if not data.startswith(MAGIC):
        raise UsageError(f"{path!r} is no profile" + ("" if data else ": it is empty"), hint=_MADE_BY)
    order = "<" if data[8:12] == struct.pack("<I", VERSION) else ">"
    if data[8:12] != struct.pack(order + "I", VERSION):
        raise UsageError(f"the profile {path!r} is of another version of waot", hint="make it again")
    functions: dict[int, FunctionProfile] = {}
    digest = b""
    number, parts, at = 0, 1, 0
    head, row = struct.Struct(order + HEAD), struct.Struct(order + FUNCTION)
    while number < parts:
        if len(data) - at < head.size:
            raise _damaged(path, at)
        magic, version, own, count, function_count, size, module = head.unpack_from(data, at)
        known = (magic, version, own) == (MAGIC, VERSION, number) and 0 < count <= _MOST_PARTS
        if not known or (number and (count, module) != (parts, digest)):
            raise _damaged(path, at)
        values = at + head.size + row.size * function_count
        end = values + size
        if end > len(data):
            raise _damaged(path, at)
        for k in range(function_count):
            place = at + head.size + row.size * k
            index, counters, sites, zero, fingerprint, name = row.unpack_from(data, place)
            bytes_ = 8 * counters + 16 * CALLEES * sites
            if zero or index in functions or bytes_ > end - values:
                raise _damaged(path, place)
            numbers = struct.unpack_from(f"{order}{bytes_ // 8}Q", data, values)
            functions[index] = FunctionProfile(
                fingerprint, name, tuple([min(n, MOST) for n in numbers[:counters]]), _sites(numbers[counters:])
            )
            values += bytes_
        if values != end:
            raise _damaged(path, at)
        number, parts, digest, at = number + 1, count, module, end
    if at != len(data):
        raise _damaged(path, at)
    return Profile(digest, functions)


def _sites(numbers: Sequence[int]) -> tuple[tuple[tuple[int, int], ...], ...]:
    found = []
    for at in range(0, len(numbers), 2 * CALLEES):
        pairs = zip(numbers[at : at + 2 * CALLEES : 2], numbers[at + 1 : at + 2 * CALLEES : 2], strict=True)
        found.append(_callees((callee - 1, count) for callee, count in pairs if callee))
    return tuple(found)


def _callees(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Those of a site, the most frequent first."""
    total: Counter[int] = Counter()
    for callee, count in pairs:
        total[callee] = min(total[callee] + count, MOST)
    return tuple(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))


def _damaged(path: str, offset: int) -> UsageError:
    return UsageError(f"the profile {path!r} is damaged at byte {offset}", hint="make it again")


# ---------------------------------------------------------------------- what builds do with it


def merge_profiles(profiles: Sequence[tuple[str, Profile]]) -> Profile:
    """The sums of several, each with its file's name. Raises UsageError where they are not of one module."""
    (first, whole), *others = profiles
    functions = dict(whole.functions)
    for path, other in others:
        if other.module != whole.module:
            raise UsageError(f"the profiles {first!r} and {path!r} are of different modules", hint="use one of them")
        for index, one in other.functions.items():
            sum_ = functions.get(index)
            functions[index] = one if sum_ is None else _add(sum_, one, path)
    return Profile(whole.module, functions)


def _add(one: FunctionProfile, other: FunctionProfile, path: str) -> FunctionProfile:
    if (one.fingerprint, len(one.counters), len(one.sites)) != (
        other.fingerprint,
        len(other.counters),
        len(other.sites),
    ):
        raise UsageError(f"the profile {path!r} says something else of the same module", hint="make it again")
    counters = tuple([min(a + b, MOST) for a, b in zip(one.counters, other.counters, strict=True)])
    sites = tuple([_callees((*a, *b)) for a, b in zip(one.sites, other.sites, strict=True)])
    return replace(one, counters=counters, sites=sites)


def fit_profile(
    profile: Profile, module: Module, fingerprints: Callable[[], dict[int, int]]
) -> tuple[Profile, int, int]:
    """A profile of another version of `module` as one of this: of the functions that are the same in both.

    `fingerprints` tells those of the module's bodies. Functions are known by their names, those that have none by their
    indices. Also gives how many functions that had run there are, and of how many the profile is left out.
    """
    own = fingerprints()
    by_name: dict[int, list[int]] = {}
    for index in own:
        name = function_hash(module, index)
        if name:
            by_name.setdefault(name, []).append(index)
    places: dict[int, int] = {}  # index there -> index here
    for index, function in profile.functions.items():
        candidates = by_name.get(function.name, []) if function.name else [index] if index in own else []
        if len(candidates) > 1:
            candidates = [index] if index in candidates else []
        if candidates and own[candidates[0]] == function.fingerprint:
            places[index] = candidates[0]
    functions = {}
    for index, place in places.items():
        function = profile.functions[index]
        sites = tuple(
            [tuple([(places[callee], count) for callee, count in site if callee in places]) for site in function.sites]
        )
        functions[place] = replace(function, sites=sites)
    run = [index for index, function in profile.functions.items() if function.most]
    return replace(profile, functions=functions), len(run), sum(index not in places for index in run)
