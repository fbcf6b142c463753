"""Edge operands of every type, as bit patterns."""

from __future__ import annotations

import itertools
import struct

WIDTHS = {"i32": 4, "i64": 8, "f32": 4, "f64": 8, "v128": 16}


def f32(value: float) -> int:
    """The bits of the f32 nearest to `value`; infinity beyond its range."""
    try:
        return int.from_bytes(struct.pack("<f", value), "little")
    except OverflowError:
        return 0x7F800000 if value > 0 else 0xFF800000


def f64(value: float) -> int:
    """The bits of an f64."""
    return int.from_bytes(struct.pack("<d", value), "little")


def _integers(bits: int) -> tuple[int, ...]:
    top = 1 << (bits - 1)
    mask = (1 << bits) - 1
    near_zero = (0, 1, 2, 3, 5, 7, -1, -2, -7)
    bounds = (top, top + 1, top - 1, top - 2, top >> 1)
    counts = (bits // 2 - 1, bits // 2, bits - 1, bits, bits + 1, 2 * bits, 255, 256)
    narrow = (0x7F, 0x80, 0x7FFF, 0x8000, 0xFFFF, 0xFF80, 0x1234_5678, 0xFEDC_BA98)
    wide = (1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) - 1, (1 << 32) + 1, (1 << 53) + 1, 0x8000_0080_0000_0001)
    # For conversions to float: exactly halfway between two f32, and just beside.
    halves = ((1 << 24) + 1, (1 << 24) + 3, (1 << 25) + 2, (1 << 25) + 3, (1 << 40) + (1 << 16), (1 << 54) + 2)
    return tuple(dict.fromkeys(v & mask for v in (*near_zero, *bounds, *counts, *narrow, *wide, *halves)))


def _floats(width: str) -> tuple[int, ...]:
    to_bits = f32 if width == "f32" else f64
    sign, quiet, infinity, smallest = (
        (1 << 31, 1 << 22, 0x7F800000, 0x00800000) if width == "f32" else (1 << 63, 1 << 51, 0x7FF << 52, 1 << 52)
    )
    patterns = [
        *(0, infinity, infinity - 1),  # zero, infinity, the largest number
        *(1, smallest - 1, smallest, smallest + 1),  # around the smallest normal number
        *(
            infinity | quiet,
            infinity | quiet | 1,
            infinity | 1,
            infinity | quiet - 1,
        ),  # NaNs: two quiet, two signalling
    ]
    numbers = [1.0, 1.5, 2.0, 3.0, 0.1, 1e10, 0.5, 2.5, 3.5, 0.49999999999999994, 0.49999997]
    # Around every bound of a conversion to an integer, and where adding a half would round wrongly.
    powers = [2.0**n for n in (7, 8, 15, 16, 23, 24, 31, 32, 52, 53, 63, 64)]
    patterns += [to_bits(v) for v in numbers]
    patterns += [to_bits(p) + delta for p in powers for delta in (-1, 0, 1)]
    patterns += [to_bits(v) for v in (2.0**31 - 0.5, 2.0**31 + 0.5, 2.0**32 - 0.5, 2.0**31 - 1, 2.0**31 + 1, 0.9999999)]
    patterns += [to_bits(1.0) - 1, to_bits(1.0) + 1, to_bits(4503599627370497.5), to_bits(8388609.5)]
    return tuple(dict.fromkeys(p ^ s for p in patterns for s in (0, sign)))


def _vectors() -> tuple[int, ...]:
    found = [0, (1 << 128) - 1, int.from_bytes(bytes(range(16)), "little"), 0x0123456789ABCDEFFEDCBA9876543210]
    found += [1 << 127, 1 << 31]  # one lane of any width is not zero, and negative
    # Byte, half and word lanes at their bounds, each bound next to another.
    for bits, values in (
        (8, (0, 0x80, 0x7F, 0xFF, 1, 0x81, 0x10, 0x0F)),
        (8, (15, 16, 17, 127, 128, 143, 144, 255)),
        (16, (0, 0x8000, 0x7FFF, 0xFFFF, 1, 0x8001, 0x00FF, 0xFF80)),
        (16, (0x8000, 0x8000, 0x7F, 0x80, 0xFF7F, 0x100, 0x4000, 0xC000)),
        (32, (0x80000000, 0x7FFFFFFF, 0xFFFFFFFF, 1)),
        (32, (0x00007FFF, 0x00008000, 0xFFFF8000, 0xFFFF7FFF)),
        (32, (0x0000FFFF, 0x00010000, 0x01000001, 0xFFFFFF7F)),
        (64, (0x8000000000000000, 0x7FFFFFFFFFFFFFFF)),
        (64, (0xFFFFFFFFFFFFFFFF, 1)),
        (64, (0x0020000000000001, 0x00000001FFFFFFFF)),
    ):
        lanes = itertools.islice(itertools.cycle(values), 128 // bits)
        found.append(sum(v << (n * bits) for n, v in enumerate(lanes)))
    floats = [f32(v) for v in (1.0, -1.5, 2.5, -0.5)], [f32(v) for v in (2.0**31, -(2.0**31), 2.0**32, -0.0)]
    specials = [0x7FC00000, 0xFFC00001, 0x7F800001, 0xFF800000], [0x7F800000, 1, 0x80000000, 0x00800000]
    for four in (*floats, *specials, [f32(v) for v in (2147483520.0, 4294967040.0, -1.0, 0.99999994)]):
        found.append(sum(v << (n * 32) for n, v in enumerate(four)))
    for two in (
        (1.0, -2.5),
        (0.1, -0.0),
        (2.0**31, -(2.0**31) - 1),
        (2.0**31 - 0.5, -(2.0**31) - 0.5),
        (2.0**32 - 0.5, 2.0**32),
        (1e300, float("-inf")),
        (3.4028235677973366e38, 1e-46),
        (-1.0, -0.9),
    ):
        found.append(f64(two[0]) | f64(two[1]) << 64)
    found.append(0x7FF0000000000001 | 0xFFF8000000000000 << 64)
    found.append(0x7FF8000000000123 | 0x0000000000000001 << 64)
    return tuple(dict.fromkeys(found))


VALUES: dict[str, tuple[int, ...]] = {
    "i32": _integers(32),
    "i64": _integers(64),
    "f32": _floats("f32"),
    "f64": _floats("f64"),
    "v128": _vectors(),
}

# Operands that are constants in the code. Those for which a compiler has a trick come first.
_CONSTANT_FLOATS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, float("inf"), 3.0, 2.0**31)
CONSTANTS: dict[str, tuple[int, ...]] = {
    "i32": tuple(
        v & 0xFFFFFFFF for v in (0, 1, -1, 2, 3, 7, 31, 32, 33, 255, 256, 0xFFFF, -128, -(1 << 31), 2**31 - 1)
    ),
    "i64": tuple(
        v & (1 << 64) - 1 for v in (0, 1, -1, 2, 3, 7, 63, 64, 65, 255, 2**32, 2**32 - 1, -(1 << 63), 2**63 - 1)
    ),
    "f32": (
        *(f32(v) ^ s for v in _CONSTANT_FLOATS for s in (0, 1 << 31)),
        *(0x7FC00000, 0x7F800001, 0xFFC00123, 1),
    ),
    "f64": (
        *(f64(v) ^ s for v in _CONSTANT_FLOATS for s in (0, 1 << 63)),
        *(0x7FF8 << 48, (0x7FF << 52) + 1, (0xFFF8 << 48) + 0x123, 1),
    ),
    "v128": (
        0,
        (1 << 128) - 1,
        int.from_bytes(bytes(range(15, -1, -1)), "little"),
        int.from_bytes(bytes([1] * 16), "little"),
        int.from_bytes(bytes([0x80] * 16), "little"),
        *(sum(f32(v) << 32 * n for n in range(4)) for v in (1.0, -1.0, -0.0, float("inf"), float("-inf"), 2.0)),
        *(f64(v) * (1 + (1 << 64)) for v in (1.0, -1.0, -0.0, float("inf"), float("-inf"))),
        sum((1 if n % 2 else 0xFFFF8000) << 32 * n for n in range(4)),
        0x7FF0000000000001 | 0x7F80000100000001 << 64,
    ),
}
CONSTANTS = {t: tuple(dict.fromkeys(values)) for t, values in CONSTANTS.items()}
