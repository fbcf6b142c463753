"""Our own deflate: zlib's decoder reads all that it writes, however the input is cut, and it needs no zlib itself."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waot.publish import deflate
from waot.publish.deflate import CHUNK, WINDOW, compress, compress_chunk


def inflate(stream: bytes) -> bytes:
    """The whole of a deflate stream, by zlib."""
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    data = decoder.decompress(stream) + decoder.flush()
    assert decoder.eof
    assert decoder.unused_data == b""
    return data


def words(seed: int, size: int) -> bytes:
    """Something like text: few words, each many times."""
    numbers = random.Random(seed)
    vocabulary = [numbers.randbytes(numbers.randrange(1, 12)) for _ in range(200)]
    return b" ".join(numbers.choice(vocabulary) for _ in range(size // 6))[:size]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 40))
def test_what_repeats_comes_back(parts: list[bytes], times: int) -> None:
    data = b"".join(parts) * times
    assert inflate(compress(data)) == data


@pytest.mark.parametrize(
    "size", [0, 1, 2, 3, 4, 5, 257, 258, 259, 65535, 65536, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 77]
)
def test_sizes_at_every_boundary(size: int) -> None:
    for data in (bytes(size), random.Random(size).randbytes(size), words(size, size)):
        assert inflate(compress(data)) == data


@pytest.mark.parametrize("distance", [1, 4, 5, 6, WINDOW - 1, WINDOW, WINDOW + 1])
@pytest.mark.parametrize("length", [3, 4, 10, 11, 18, 257, 258, 259, 600])
def test_matches_of_every_kind(distance: int, length: int) -> None:
    numbers = random.Random(distance * 1000 + length)
    data = numbers.randbytes(distance)
    data = (data * (length // distance + 2))[: distance + length] + b"end"
    assert inflate(compress(data)) == data


def test_a_chunk_refers_to_the_one_before() -> None:
    block = random.Random(1).randbytes(WINDOW // 2)
    data = bytes(CHUNK - len(block)) + block + block
    assert len(compress(data)) < len(block) * 1.5  # it was told once, not twice
    assert inflate(compress(data)) == data


def test_chunks_may_be_compressed_apart() -> None:
    data = words(1, 3 * CHUNK)
    parts = [compress_chunk(*chunk) for chunk in deflate.chunks(data)]
    assert len(parts) == 3
    assert b"".join(parts) == compress(data)


def test_what_does_not_compress_is_stored() -> None:
    data = random.Random(2).randbytes(200_000)
    assert len(compress(data)) <= len(data) + 5 * -(-len(data) // 65535)


def test_a_code_has_the_longest_lengths_that_the_format_allows_and_no_longer() -> None:
    # Frequencies like Fibonacci's numbers: without a limit the rarest byte would have 24 bits.
    counts = [1, 1]
    while len(counts) < 25:
        counts.append(counts[-1] + counts[-2])
    lengths = deflate._code_lengths(counts, 15)
    assert max(lengths) == 15
    assert sum(2.0**-length for length in lengths) == 1  # Kraft: complete
    numbers = random.Random(3)
    data = bytearray(b"".join(bytes([byte]) * count for byte, count in enumerate(counts)))
    numbers.shuffle(data)
    assert inflate(compress(bytes(data))) == bytes(data)


def test_it_compresses_about_as_well_as_zlib_does_quickly() -> None:
    for data in (words(4, 300_000), bytes(range(256)) * 400):
        assert len(compress(data)) < 1.2 * len(zlib.compress(data, 1))


def test_the_zlib_of_the_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = words(5, 50_000)
    before = compress(data)
    monkeypatch.setattr(zlib, "compress", None)
    monkeypatch.setattr(zlib, "compressobj", None)
    assert compress(data) == before
    assert not hasattr(deflate, "zlib")
