"""Objects, the runtime, the manifest and memory 0's image to one executable, in the target's format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from waot.linker.elf import link_elf
from waot.linker.inputs import Inputs, MemoryImage
from waot.linker.macho import link_macho
from waot.linker.pe import link_pe
from waot.linker.runtime import Runtime
from waot.targets import Target

_LINKERS: dict[str, Callable[[Inputs], bytes]] = {"elf": link_elf, "coff": link_pe, "macho": link_macho}


def link_executable(
    objects: Sequence[bytes],
    *,
    target: Target,
    memory: str,
    runtime: Runtime,
    manifest: bytes,
    image: MemoryImage | None = None,
    data_image: bytes = b"",
    embedded: int = 0,
    versions: bool = False,
    cache_dir: Path,
) -> bytes:
    """The executable, stripped. The same input gives the same bytes, whatever the directories.

    `objects` are codegen's, unit 0 with the shim's bitcode first; `memory` the strategy; `manifest` from
    `encode_manifest`; `image` is given exactly when the strategy is static and the module has a memory; `data_image`
    are the bytes at the symbol ``waot_data_image``. What is to be embedded, so many bytes, belongs right behind the
    result, or in it where `finish_macho` puts it. With `versions` the objects are of `join_versions`. Raises ToolError
    where lld refuses, CacheError where there is no room for its files.
    """
    if versions:
        runtime = replace(runtime, objects=(*runtime.objects, *runtime.versions))
    inputs = Inputs(objects, target, memory, runtime, manifest, image, data_image, embedded, cache_dir)
    return _LINKERS[target.object_format](inputs)
