"""Wrong modules from right ones, with an eye to the binary format.

A mutation knows sections, the vector that a section is, bodies, numbers in LEB128 and operators; most leave the sizes
around it right, so that what is wrong is looked at and not skipped.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.frontend.building import PREAMBLE, s, u, vec
from tests.fuzz.assembling import leb
from waot.frontend.opcodes import OPERATORS, Operator

MOST_BYTES = 60_000  # of what comes out

_INTERESTING = (0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 1000, 1001, 4095, 50_000, 50_001, 65_535, 65_536)
_HUGE = (1_000_000, 10_000_000, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 33), (1 << 63), (1 << 64) - 1)
# Section ids, value types, heap types, composite types, limits' flags, block types.
_MEANINGFUL = bytes(
    (*range(16), *range(0x40, 0x80), 0x4E, 0x4F, 0x50, 0x5E, 0x5F, 0x60, 0x80, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF)
)

# Operators of one byte: those with the same signature and immediates.
_GROUPS: dict[object, list[int]] = {}
for _operator_ in OPERATORS:
    if _operator_.prefix is None and _operator_.params is not None:
        _signature = _operator_.params, _operator_.results, _operator_.immediates
        _GROUPS.setdefault(_signature, []).append(_operator_.code)
_ALIKE = {code: codes for codes in _GROUPS.values() if len(codes) > 1 for code in codes}

Mutation = Callable[[bytes, Sequence[bytes], random.Random], bytes]


def _number(number: random.Random) -> int:
    return number.choice(_INTERESTING if number.random() < 0.8 else _HUGE)


def _encoded(number: random.Random) -> bytes:
    """A number, now and then longer than it need or may be."""
    value = _number(number)
    encoded = s(value if number.random() < 0.5 else -value) if number.random() < 0.3 else u(value)
    if number.random() < 0.1:
        encoded = encoded[:-1] + bytes([encoded[-1] | 0x80]) + b"\x80" * number.randrange(12) + b"\0"
    return encoded


def _operator(number: random.Random) -> bytes:
    """An operator with immediates of a likely form."""
    operator: Operator = number.choice(OPERATORS)
    code = bytes([operator.code]) if operator.prefix is None else bytes([operator.prefix]) + u(operator.code)
    for kind in operator.immediates:
        if kind == "memarg":
            code += u(number.choice((0, 1, 2, 3, 4, 0x40, 0x42, 0x80))) + u(_number(number))
        elif kind in ("f32", "f64", "v128", "lanes16"):
            code += number.randbytes({"f32": 4, "f64": 8}.get(kind, 16))
        else:
            code += u(number.choice((0, 1, 2, 3, 0x40, 0x6E, 0x6F, 0x70, 0x7E, 0x7F, _number(number))))
    return code


# ------------------------------------------------------------------------------------------------------ on plain bytes


def _range(data: bytes, number: random.Random, most: int = 64) -> tuple[int, int]:
    start = number.randrange(len(data) + 1)
    return start, min(len(data), start + number.randrange(1, most + 1))


def _set(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    at = number.randrange(len(data) + 1)
    value = number.randrange(256) if number.random() < 0.5 else number.choice(_MEANINGFUL)
    return data[:at] + bytes([value]) + data[at + 1 :]


def _flip(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    if not data:
        return data
    at = number.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << number.randrange(8)]) + data[at + 1 :]


def _cut(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    start, end = _range(data, number, number.choice((1, 2, 8, 64)))
    return data[:start] + data[end:]


def _truncate(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    return data[: number.randrange(len(data) + 1)]


def _insert(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    at = number.randrange(len(data) + 1)
    return data[:at] + number.randbytes(number.randrange(1, 8)) + data[at:]


def _insert_operators(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    at = number.randrange(len(data) + 1)
    return data[:at] + b"".join(_operator(number) for _ in range(number.choice((1, 1, 2, 5)))) + data[at:]


def _insert_number(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    at = number.randrange(len(data) + 1)
    return data[:at] + _encoded(number) + data[at:]


def _replace_number(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    if not data:
        return data
    at = number.randrange(len(data))
    end = at
    while end < len(data) - 1 and data[end] >= 0x80:
        end += 1
    return data[:at] + _encoded(number) + data[end + 1 :]


def _repeat(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    start, end = _range(data, number, number.choice((1, 2, 4, 16, 64)))
    times = number.choice((2, 3, 10, 100, 1000, 20_000))
    return data[:start] + data[start:end] * min(times, MOST_BYTES // max(1, end - start)) + data[end:]


def _move(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    start, end = _range(data, number)
    rest = data[:start] + data[end:]
    at = number.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def _splice(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    other = number.choice(others)
    start, end = _range(other, number)
    at, past = _range(data, number)
    return data[:at] + other[start:end] + data[past if number.random() < 0.5 else at :]


def _same_signature(data: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    """An operator becomes another one of the same type, if it is one: what comes out is often valid."""
    places = [at for at, byte in enumerate(data) if byte in _ALIKE]
    if not places:
        return data
    at = number.choice(places)
    return data[:at] + bytes([number.choice(_ALIKE[data[at]])]) + data[at + 1 :]


_ON_BYTES: tuple[Mutation, ...] = (
    _same_signature,
    _same_signature,
    _same_signature,
    _set,
    _set,
    _flip,
    _cut,
    _truncate,
    _insert,
    _insert_operators,
    _insert_operators,
    _insert_number,
    _replace_number,
    _replace_number,
    _repeat,
    _move,
    _splice,
)


# ---------------------------------------------------------------------------------------------------- on the structure


def _split(module: bytes) -> list[tuple[int, bytes]]:
    """Its sections, as far as it has any."""
    found = []
    at = len(PREAMBLE)
    while at < len(module):
        try:
            size, start = leb(module, at + 1)
        except IndexError:
            break
        found.append((module[at], module[start : start + size]))
        at = start + size
    return found


def _join(sections: Sequence[tuple[int, bytes]], number: random.Random) -> bytes:
    parts = [PREAMBLE]
    for kind, contents in sections:
        size = u(len(contents))
        if number.random() < 0.01:
            size = number.choice((u(max(0, len(contents) + number.choice((-1, 1, -10, 10)))), _encoded(number)))
        parts.append(bytes([kind]) + size + contents)
    return b"".join(parts)


def _bodies(contents: bytes) -> list[bytes] | None:
    try:
        count, at = leb(contents, 0)
        if count > len(contents):
            return None
        found = []
        for _ in range(count):
            size, start = leb(contents, at)
            found.append(contents[start : start + size])
            at = start + size
    except IndexError:
        return None
    return found


def _mutate_section(sections: list[tuple[int, bytes]], others: Sequence[bytes], number: random.Random) -> None:
    """Changes the contents of one section; of the code section mostly one body."""
    at = number.randrange(len(sections))
    kind, contents = sections[at]
    bodies = _bodies(contents) if kind == 10 and number.random() < 0.9 else None
    if bodies:
        which = number.randrange(len(bodies))
        bodies[which] = number.choice(_ON_BYTES)(bodies[which], others, number)
        if number.random() < 0.7 and not bodies[which].endswith(b"\x0b"):
            bodies[which] += b"\x0b"
        contents = vec([u(len(body)) + body for body in bodies])
    else:
        contents = number.choice(_ON_BYTES)(contents, others, number)
    sections[at] = kind, contents


def _mutate_order(sections: list[tuple[int, bytes]], others: Sequence[bytes], number: random.Random) -> None:
    """Takes away, doubles, moves, renames or exchanges a section."""
    at = number.randrange(len(sections))
    what = number.randrange(6)
    if what == 0:
        del sections[at]
    elif what == 1:
        sections.insert(number.randrange(len(sections) + 1), sections[at])
    elif what == 2:
        sections.insert(number.randrange(len(sections)), sections.pop(at))
    elif what == 3:
        sections[at] = number.randrange(16), sections[at][1]
    else:
        theirs = _split(number.choice(others))
        same = [each for each in theirs if each[0] == sections[at][0]]
        if what == 4 and same:
            sections[at] = number.choice(same)
        elif theirs:
            sections.insert(number.randrange(len(sections) + 1), number.choice(theirs))


def mutate(module: bytes, others: Sequence[bytes], number: random.Random) -> bytes:
    """A module with up to six mutations; parts of `others` may be in it."""
    for _ in range(number.choice((1, 1, 1, 2, 3, 6))):
        sections = _split(module)
        what = number.random()
        if what < 0.1 or not sections:
            module = number.choice(_ON_BYTES)(module, others, number)
        else:
            (_mutate_order if what < 0.25 else _mutate_section)(sections, others, number)
            module = _join(sections, number)
        module = module[:MOST_BYTES]
    return module


def vary(module: bytes, number: random.Random) -> bytes:
    """The module with other operators of the same types, and other small constants, in its bodies; mostly valid."""
    sections = _split(module)
    for at, (kind, contents) in enumerate(sections):
        bodies = _bodies(contents) if kind == 10 else None
        if bodies:
            for _ in range(number.randrange(1, 4 + 2 * len(bodies))):
                which = number.randrange(len(bodies))
                change = _same_signature if number.random() < 0.7 else _flip
                bodies[which] = change(bodies[which], (), number)
            sections[at] = kind, vec([u(len(body)) + body for body in bodies])
    return PREAMBLE + b"".join(bytes([kind]) + u(len(contents)) + contents for kind, contents in sections)
