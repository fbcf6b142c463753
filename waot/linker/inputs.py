"""What the linkers of the formats are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from waot.linker.runtime import Runtime
from waot.targets import Target


@dataclass(frozen=True, slots=True)
class MemoryImage:
    """The initial contents of memory 0 with the static strategy.

    `size` is the memory's initial size in bytes. `data` is what it starts with (zeros follow), or empty where
    `instantiate` copies the data segments itself: the pages are then mapped all the same, as WAOT_MEMORY_FIXED says.
    """

    size: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What `link_executable` is given, under the names of its parameters."""

    objects: Sequence[bytes]
    target: Target
    memory: str
    runtime: Runtime
    manifest: bytes
    image: MemoryImage | None
    data_image: bytes
    embedded: int
    cache_dir: Path
