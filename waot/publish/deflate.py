"""Deflate (RFC 1951) that gives the same bytes on every machine.

Python's zlib is whatever zlib the machine has: the original, zlib-ng, or one that asks the processor, and they compress
the same bytes to different ones. An archive whose digest is published must not depend on that, so this is a compressor
of our own. It decides by integers alone.

The approach is zlib's at its fast levels: a table has the place where four bytes were seen last, a match there is taken
if there is one, and each CHUNK becomes a block with Huffman codes of its own (or stored, where it does not compress).
Chunks may refer to the window before them and are otherwise independent, so workers compress several at a time; an
empty stored block after each brings the next to a byte boundary. 2 to 3 MB a second and process, and 7 to 17 % larger
than ``gzip -9`` (docs/rationale.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby

CHUNK = 1 << 18  # bytes of input for one block
WINDOW = 1 << 15  # the farthest that a match may be
_LONGEST = 258

# RFC 1951, 3.2.5: the least length and distance of each symbol, and the number of its extra bits.
_LENGTHS = (
    *(3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31),
    *(35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258),
)
_LENGTH_BITS = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
_DISTANCES = (1, 2, 3, 4, *(base for bits in range(1, 14) for base in ((2 << bits) + 1, (3 << bits) + 1)))
_DISTANCE_BITS = (0, 0, 0, 0, *(bits for bits in range(1, 14) for _ in range(2)))
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # of the lengths of the lengths' codes
_END = 256
_STORED_MOST = 65535


def compress(data: bytes) -> bytes:
    """All of `data` as a deflate stream."""
    return b"".join(compress_chunk(*chunk) for chunk in chunks(data))


def chunks(data: bytes) -> Iterator[tuple[bytes, int, bool]]:
    """The arguments of `compress_chunk` for each chunk of `data`."""
    for start in range(0, len(data), CHUNK) if data else (0,):
        window = min(start, WINDOW)
        yield data[start - window : start + CHUNK], window, start + CHUNK >= len(data)


def compress_chunk(data: bytes, window: int, last: bool) -> bytes:
    """The blocks for `data` behind its first `window` bytes, which the stream already has; whole bytes."""
    stored = _stored(data[window:], last)
    bits = _dynamic(_parse(data, window), last)
    if not last:
        bits.append("000")
    text = "".join(reversed(bits))
    coded = int(text, 2).to_bytes(-(-len(text) // 8), "little")
    if not last:
        coded += b"\x00\x00\xff\xff"
    return min(coded, stored, key=len)


def _stored(data: bytes, last: bool) -> bytes:
    parts = []
    for at in range(0, len(data), _STORED_MOST) if data else (0,):
        part = data[at : at + _STORED_MOST]
        final = last and at + _STORED_MOST >= len(data)
        size = len(part)
        parts.append(bytes([final]) + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + part)
    return b"".join(parts)


def _parse(data: bytes, start: int) -> list[int]:
    """Literals (a byte) and matches (the length in the upper bits, the distance in the lower 16).

    A hot loop: it takes most of the time.
    """
    seen = {data[at : at + 4]: at for at in range(start)}
    get, number = seen.get, int.from_bytes
    tokens: list[int] = []
    add = tokens.append
    at, end = start, len(data)
    while at < end - 3:
        key = data[at : at + 4]
        before = get(key, -1)
        seen[key] = at
        if before < 0 or at - before > WINDOW:
            add(data[at])
            at += 1
            continue
        length, most = 4, min(_LONGEST, end - at)
        while length < most:
            here, there = at + length, before + length
            difference = number(data[here : here + 16], "little") ^ number(data[there : there + 16], "little")
            if difference:
                length += ((difference & -difference).bit_length() - 1) >> 3
                break
            length += 16
        length = min(length, most)
        add(length << 16 | at - before)
        for inside in range(at + 1, at + min(length, 12)):
            seen[data[inside : inside + 4]] = inside
        at += length
    tokens += data[at:]
    return tokens


def _dynamic(tokens: Sequence[int], last: bool) -> list[str]:
    """A block with its own codes, in strings of bits that each end in the bit that comes first."""
    counts = Counter(tokens)
    literals = [0] * 286
    distances = [0] * 30
    literals[_END] = 1
    symbols: dict[int, tuple[int, int]] = {}
    for token, count in counts.items():
        if token < 256:
            literals[token] += count
        else:
            length = bisect_right(_LENGTHS, token >> 16) - 1
            distance = bisect_right(_DISTANCES, token & 0xFFFF) - 1
            symbols[token] = length, distance
            literals[257 + length] += count
            distances[distance] += count
    literal_lengths, distance_lengths = _code_lengths(literals, 15), _code_lengths(distances, 15)
    literal_codes, distance_codes = _codes(literal_lengths), _codes(distance_lengths)
    code = {token: literal_codes[token] for token in counts if token < 256}
    for token, (length, distance) in symbols.items():
        code[token] = (
            _bits((token & 0xFFFF) - _DISTANCES[distance], _DISTANCE_BITS[distance])
            + distance_codes[distance]
            + _bits((token >> 16) - _LENGTHS[length], _LENGTH_BITS[length])
            + literal_codes[257 + length]
        )
    bits = ["1" if last else "0", "10", *_header(literal_lengths, distance_lengths)]
    bits += map(code.__getitem__, tokens)
    bits.append(literal_codes[_END])
    return bits


def _header(literal_lengths: list[int], distance_lengths: list[int]) -> Iterator[str]:
    """The codes' lengths, themselves coded (3.2.7)."""
    literal_count = max(257, _used(literal_lengths))
    distance_count = max(1, _used(distance_lengths))
    lengths = literal_lengths[:literal_count] + distance_lengths[:distance_count]
    runs = list(_runs(lengths))
    counts = [0] * 19
    for symbol, _, _ in runs:
        counts[symbol] += 1
    code_lengths = _code_lengths(counts, 7)
    codes = _codes(code_lengths)
    ordered = [code_lengths[symbol] for symbol in _ORDER]
    code_count = max(4, _used(ordered))
    yield _bits(literal_count - 257, 5)
    yield _bits(distance_count - 1, 5)
    yield _bits(code_count - 4, 4)
    for length in ordered[:code_count]:
        yield _bits(length, 3)
    for symbol, extra, size in runs:
        yield codes[symbol]
        if size:
            yield _bits(extra, size)


def _used(lengths: Sequence[int]) -> int:
    return max((index + 1 for index, length in enumerate(lengths) if length), default=0)


def _runs(lengths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Symbols of the lengths' code: (symbol, extra bits, how many of them)."""
    for length, group in groupby(lengths):
        count = len(list(group))
        if length:
            yield length, 0, 0
            count -= 1
        while count >= 3:
            most, symbol, least, size = (6, 16, 3, 2) if length else (138, 18, 11, 7) if count > 10 else (10, 17, 3, 3)
            run = min(count, most)
            yield symbol, run - least, size
            count -= run
        for _ in range(count):
            yield length, 0, 0


def _bits(value: int, size: int) -> str:
    return format(value, f"0{size}b") if size else ""


def _code_lengths(counts: Sequence[int], most: int) -> list[int]:
    """The lengths of the best prefix code in which none has over `most` bits: package-merge (Larmore, Hirschberg 1990).

    What does not occur has length 0. A code has two symbols at least: decoders need not take an incomplete one.
    """
    used = [symbol for symbol, count in enumerate(counts) if count]
    for symbol in (0, 1):
        if len(used) < 2 and symbol not in used:
            used.append(symbol)
    leaves: list[tuple[int, tuple[int, ...]]] = sorted((counts[symbol], (symbol,)) for symbol in used)
    row = leaves
    for _ in range(most - 1):
        pairs = zip(row[::2], row[1::2], strict=False)
        row = list(merge(leaves, [(a[0] + b[0], a[1] + b[1]) for a, b in pairs], key=lambda item: item[0]))
    lengths = [0] * len(counts)
    for _, symbols in row[: 2 * len(leaves) - 2]:
        for symbol in symbols:
            lengths[symbol] += 1
    return lengths


def _codes(lengths: Sequence[int]) -> list[str]:
    """The code of each symbol (3.2.2), with the bit that comes first at the end."""
    code, codes = 0, [""] * len(lengths)
    for size in range(1, 16):
        code <<= 1
        for symbol, length in enumerate(lengths):
            if length == size:
                codes[symbol] = _bits(code, size)[::-1]
                code += 1
    return codes
