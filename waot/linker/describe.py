"""What an executable says of itself: the words of `waot inspect`, and of the program itself with ``WAOT_INFO=1``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from waot.words import count_of, printable, readable_size

if TYPE_CHECKING:
    from waot.linker.manifest import Manifest
    from waot.options import DirGrant, FileGrant

_WIDTH = 100  # columns
_NOTHING = "granted: nothing but arguments, standard streams, clocks and random numbers"


def describe(manifest: Manifest) -> list[str]:
    """The lines about where the program comes from, what it may do, and what it imports; each is printable."""
    lines = [f"from: {manifest.module_name}, SHA-256 {manifest.module_sha256.hex()}"]
    lines += [f"linked: {linked.name} from {linked.file}, SHA-256 {linked.sha256.hex()}" for linked in manifest.linked]
    lines += [f"memory: {manifest.memory}", f"stack: {readable_size(manifest.stack_size)}"]
    granted = _granted(manifest)
    lines.append("granted:" if granted else _NOTHING)
    lines += [f"  {line}" for line in granted]
    if manifest.grants.sealed:
        lines.append("sealed: who runs it cannot grant more")
    if manifest.profile is not None:
        lines.append(f"profile: it writes {manifest.profile!r}, or what WAOT_PROFILE_FILE says where it is not sealed")
    if manifest.confinement.filters:
        refused = "does not run" if manifest.confinement.required else "runs"
        lines.append(f"system calls: filtered; it {refused} where the system refuses the filter")
    elif manifest.confinement.capability_mode:
        lines.append("capability mode: entered at the start; it runs where the system refuses that")
    else:
        lines.append("system calls: not filtered")
    lines = [printable(line) for line in lines]
    imports: dict[str, list[str]] = {}
    for module, name in manifest.imports:
        imports.setdefault(module, []).append(printable(name))
    for module, names in imports.items():
        lines.append(printable(f"imports from {module}:"))
        lines += textwrap.wrap(
            " ".join(names),
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _granted(manifest: Manifest) -> list[str]:
    """A line for each grant, in the order in which the program gets descriptors for them."""
    grants = manifest.grants
    lines = [f"directory {_path(grant)}" for grant in grants.dirs]
    lines += [
        f"embedded directory {embedded.guest!r}: {count_of(embedded.files, 'file')} of "
        f"{readable_size(embedded.bytes)}, {readable_size(embedded.stored)} "
        f"{'compressed' if embedded.compressed else 'stored'}"
        for embedded in manifest.embedded
    ]
    lines += [f"directory {overlay.host!r} for what is written to {overlay.guest!r}" for overlay in grants.overlays]
    lines += [f"file {_path(grant)}" for grant in grants.files]
    lines += [f"a socket that listens at {address}" for address in grants.listen]
    lines += [
        f"variable {grant.name}, {'as where it is run' if grant.value is None else f'with the value {grant.value!r}'}"
        for grant in grants.env
    ]
    if grants.inherit_env:
        lines.append("the whole environment where it is run")
    lines += [f"argument {argument!r}, before those of the command line" for argument in grants.args]
    if grants.seed is not None:
        lines.append(f"clocks and random numbers that follow from the seed {grants.seed}")
    return lines


def _path(grant: DirGrant | FileGrant) -> str:
    return f"{grant.host!r} as {grant.guest!r}{', for reading only' if grant.read_only else ''}"
