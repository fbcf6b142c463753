"""Ad-hoc signatures of Mach-O images: arm64 Macs execute nothing else.

The signature is a SuperBlob with one blob in it, the code directory: the SHA-256 of each 4 KiB of the file up to the
signature itself. There is no certificate; it says that the image is whole, not who made it. Numbers are big-endian.
Layouts are those of XNU's cs_blobs.h, version 0x20400 of the code directory.
"""

from __future__ import annotations

import hashlib
import struct

_SUPER_BLOB, _CODE_DIRECTORY = 0xFADE0CC0, 0xFADE0C02
_VERSION = 0x20400
_ADHOC, _LINKER_SIGNED = 0x2, 0x20000
_SHA256 = 2
_PAGE_LOG2 = 12
_MAIN_BINARY = 1
# From magic to execSegFlags.
_HEADER = struct.Struct(">9I4B4I4Q")
_HEAD = struct.Struct(">IIIII")  # the SuperBlob with its one index


def signature_size(identifier: str, limit: int) -> int:
    """Bytes of the signature of a file whose first `limit` bytes are signed."""
    pages = -(-limit // (1 << _PAGE_LOG2))
    size = _HEAD.size + _HEADER.size + len(identifier.encode()) + 1 + 32 * pages
    return size + -size % 16


def sign(signed: bytes | memoryview, identifier: str, text_size: int) -> bytes:
    """The signature of an executable that begins with `signed` and goes on with it; `text_size` bytes are __TEXT's."""
    name = identifier.encode() + b"\0"
    page = 1 << _PAGE_LOG2
    view = memoryview(signed)
    hashes = [hashlib.sha256(view[at : at + page]).digest() for at in range(0, len(signed), page)]
    hash_offset = _HEADER.size + len(name)
    length = hash_offset + 32 * len(hashes)
    directory = _HEADER.pack(
        _CODE_DIRECTORY, length, _VERSION, _ADHOC | _LINKER_SIGNED, hash_offset, _HEADER.size, 0, len(hashes),
        len(signed), 32, _SHA256, 0, _PAGE_LOG2, 0, 0, 0, 0, 0, 0, text_size, _MAIN_BINARY,
    )  # fmt: skip
    blob = _HEAD.pack(_SUPER_BLOB, _HEAD.size + length, 1, 0, _HEAD.size) + directory + name + b"".join(hashes)
    return blob + bytes(-len(blob) % 16)
