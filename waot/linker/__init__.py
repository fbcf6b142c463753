"""Objects and the runtime shim to an executable, and executables read back.

The only caller of zig. The way in is `build_runtime`, then `link_executable`;
`inspect_executable` reads what they made.
"""

from __future__ import annotations

from waot.linker.combine import combine_objects
from waot.linker.confine import make_filters
from waot.linker.elf import image_as_segment
from waot.linker.embed import Embedded, EmbeddedImage, make_image
from waot.linker.freestanding import link_freestanding
from waot.linker.inputs import MemoryImage
from waot.linker.inspect import ExecutableInfo, inspect_executable
from waot.linker.link import link_executable
from waot.linker.macho_finish import finish as finish_macho
from waot.linker.manifest import Confinement, LinkedModule, Manifest, decode_manifest, encode_manifest
from waot.linker.places import placed, with_places
from waot.linker.runtime import Runtime, build_runtime
from waot.linker.versions import join_versions, shim_symbols

__all__ = [
    "Confinement",
    "Embedded",
    "EmbeddedImage",
    "ExecutableInfo",
    "LinkedModule",
    "Manifest",
    "MemoryImage",
    "Runtime",
    "build_runtime",
    "combine_objects",
    "decode_manifest",
    "encode_manifest",
    "finish_macho",
    "image_as_segment",
    "inspect_executable",
    "join_versions",
    "link_executable",
    "link_freestanding",
    "make_filters",
    "make_image",
    "placed",
    "shim_symbols",
    "with_places",
]
