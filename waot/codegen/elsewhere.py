"""Tail calls of functions in other objects, for POWER's back end.

It makes a tail call only of a function that it sees defined, because another object could have a TOC of its own: ours
never have. So it gets to see a definition, in a section by which the object is told afterwards that there is none.
"""

from __future__ import annotations

import re
import struct

_SECTION = ".waot.elsewhere"
_NAME = r'@(?:"[^"]*"|[\w.$-]+)'
_CALLED = re.compile(rf"^  (?:%\S+ = )?tail call [^@%\n]*({_NAME})\(", re.MULTILINE)
_DECLARED = re.compile(rf"^declare ([^@\n]*({_NAME})\([^\n]*\))[^\n)]*$", re.MULTILINE)

_FILE_HEADER = struct.Struct("<40xQ10xHHH")  # offset of the section headers, their size, their number, that with names
_SECTION_HEADER = struct.Struct("<II16xQQI")
_SYMBOL = struct.Struct("<IBBHQQ")
_SHT_SYMTAB = 2


def with_definitions(text: str) -> str:
    """A module in which every function that a tail call goes to is defined."""
    called = frozenset(_CALLED.findall(text))

    def define(match: re.Match[str]) -> str:
        if match[2] not in called:
            return match[0]
        return f'define {match[1]} nounwind section "{_SECTION}" {{\n  unreachable\n}}'

    return _DECLARED.sub(define, text)


def without_definitions(data: bytes) -> bytes:
    """The object (ELF, 64-bit little-endian, as LLVM has just made it) with what `with_definitions` added undefined."""
    out = bytearray(data)
    table, size, count, strings = _FILE_HEADER.unpack_from(data)
    headers = [_SECTION_HEADER.unpack_from(data, table + i * size) for i in range(count)]
    names = headers[strings][2]
    added = {i for i, header in enumerate(headers) if data.startswith(_SECTION.encode() + b"\0", names + header[0])}
    for _, kind, start, length, _ in headers:
        for at in range(start, start + length, _SYMBOL.size) if kind == _SHT_SYMTAB and added else ():
            name, info, other, section, _, _ = _SYMBOL.unpack_from(data, at)
            if section in added and info >> 4:  # not local, like the section's own
                _SYMBOL.pack_into(out, at, name, info & 0xF0, other & 3, 0, 0, 0)
    return bytes(out)
