"""The sizes of stack frames, which LLVM says nowhere but in its warnings.

A function with the attribute ``"warn-stack-size"="0"`` makes LLVM write a line with its frame's size when it emits the
code. The largest size goes behind the object, from where `split_frames` takes it.
"""

from __future__ import annotations

import re
import struct

_WARNING = re.compile(rb"^warning: .*stack frame size \((\d+)\) exceeds limit \(0\) in function ", re.MULTILINE)
_TRAILER = struct.Struct("<Q")


def with_frames(data: bytes, said: bytes) -> bytes:
    """The object `data`, and behind it the largest frame in bytes, of those that LLVM has `said`."""
    return data + _TRAILER.pack(max(map(int, _WARNING.findall(said)), default=0))


def split_frames(data: bytes) -> tuple[bytes, int]:
    """What `with_frames` made, taken apart."""
    return data[: -_TRAILER.size], _TRAILER.unpack_from(data, len(data) - _TRAILER.size)[0]
