"""The sizes of stack frames, which LLVM says nowhere but in its warnings.

A function with the attribute ``"warn-stack-size"="0"`` makes LLVM write a line with its frame's size to standard error
when it emits the code. Those lines are kept, and the largest size goes behind the object, from where `split_frames`
takes it.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import tempfile
from collections.abc import Callable

_WARNING = re.compile(rb"^warning: .*stack frame size \((\d+)\) exceeds limit \(0\) in function .*$")
_TRAILER = struct.Struct("<Q")


def with_frames(emit: Callable[[], bytes]) -> bytes:
    """What `emit` makes, and behind it the largest frame in bytes. What else LLVM says goes where it would go."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        before = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            data = emit()
        finally:
            os.dup2(before, 2)
            os.close(before)
        file.seek(0)
        largest = 0
        for line in file:
            match = _WARNING.match(line)
            if match is None:
                os.write(2, line)
            else:
                largest = max(largest, int(match[1]))
    return data + _TRAILER.pack(largest)


def split_frames(data: bytes) -> tuple[bytes, int]:
    """What `with_frames` made, taken apart."""
    return data[: -_TRAILER.size], _TRAILER.unpack_from(data, len(data) - _TRAILER.size)[0]
