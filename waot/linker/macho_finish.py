"""The last step for Mach-O images: what is embedded is put in, then the image is signed.

On other systems what is embedded stands behind the executable, which is the same whatever that is. A signature ends a
Mach-O file and is of all that is before it, so what `link_macho` makes of a program that embeds something is
neither whole nor signed: it can be kept, and its load commands say where in the file the rest belongs.
"""

from __future__ import annotations

import hashlib
import re
import struct

from waot.errors import ToolError
from waot.linker.codesign import sign
from waot.linker.manifest import Manifest, decode_manifest

EMBED = "__EMBED"  # the segment
_LC_SEGMENT_64, _LC_UUID, _LC_CODE_SIGNATURE = 0x19, 0x1B, 0x1D
_SEGMENT, _SECTION = struct.Struct("<2I16s4Q4I"), struct.Struct("<16s16s2Q8I")


def identifier(manifest: Manifest) -> str:
    """What the signature calls the program: its module's name without what is special there."""
    name = manifest.module_name
    return re.sub(r"[^A-Za-z0-9._-]", "-", name.rpartition(".")[0] or name) or "program"


def finish(unsigned: bytes, embedded: bytes = b"") -> bytes:
    """The executable of what `link_macho` writes before it is signed, with `embedded` in it."""
    segments: dict[str, tuple[int, int]] = {}  # offset and size in the file
    manifest = uuid_at = signature_at = None
    at = 32
    for _ in range(struct.unpack_from("<I", unsigned, 16)[0]):
        command, length = struct.unpack_from("<2I", unsigned, at)
        if command == _LC_SEGMENT_64:
            _, _, name, _, _, offset, size, _, _, count, _ = _SEGMENT.unpack_from(unsigned, at)
            segments[name.rstrip(b"\0").decode()] = offset, size
            for index in range(count):
                own, _, _, size, offset, *_ = _SECTION.unpack_from(unsigned, at + _SEGMENT.size + index * _SECTION.size)
                if own.rstrip(b"\0") == b"__manifest":
                    manifest = decode_manifest(unsigned[offset : offset + size], "little")
        elif command == _LC_UUID:
            uuid_at = at + 8
        elif command == _LC_CODE_SIGNATURE:
            (signature_at,) = struct.unpack_from("<I", unsigned, at + 8)
        at += length
    assert manifest is not None
    assert uuid_at is not None
    behind, room = segments.get(EMBED, (len(unsigned), 0))
    out = bytearray(unsigned[:behind])
    out += embedded
    out += bytes(behind + room - len(out))
    out += unsigned[behind:]
    if len(embedded) > room or len(out) != signature_at:
        raise ToolError("what is embedded has not the size that there is room for")
    uuid = bytearray(hashlib.sha256(out).digest()[:16])  # of the contents: the same for the same program
    uuid[6] = uuid[6] & 0x0F | 0x50
    uuid[8] = uuid[8] & 0x3F | 0x80
    out[uuid_at : uuid_at + 16] = uuid
    _, text_size = segments["__TEXT"]
    out += sign(memoryview(out).toreadonly(), identifier(manifest), text_size)
    return bytes(out)
