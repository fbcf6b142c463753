"""core/builtins.c against Python: what LLVM calls behind everybody's back."""

from __future__ import annotations

import ctypes
import math
import platform
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tools
from waot.resources import runtime_support_dir
from waot.zig import run_zig

NAMES = ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"]
ROUNDING = [
    name + suffix for name in ("rint", "nearbyint", "roundeven", "floor", "ceil", "trunc") for suffix in ("", "f")
]


# As it is here, without what only some processors have, and as it is for processors without vectors that have words at
# their multiples alone, or anywhere.
CHOICES = ["", "LARGE_COPIES=0", "SMALL_COPIES=1 WORDS_ANYWHERE=0", "SMALL_COPIES=1 WORDS_ANYWHERE=1"]


@pytest.fixture(scope="module", params=CHOICES)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    if platform.system() != "Linux":
        pytest.skip("loads what it compiles for Linux")
    directory = tmp_path_factory.mktemp("builtins")
    renames = [f"-D{name}=tested_{name}" for name in NAMES + ROUNDING]
    renames += [f"-DWAOT_{choice}" for choice in request.param.split()]
    flags = ["-std=c11", "-O2", "-fPIC", "-ffreestanding", "-fno-builtin", "-fno-sanitize=all", "-nostdlib", "-shared"]
    source = str(runtime_support_dir() / "core" / "builtins.c")
    command = ["cc", "-target", f"{machine}-linux-musl", *flags, *renames, source, "-o", "builtins.so"]
    run_zig(command, cache_dir=tools.cache_directory() / "runtime", directory=directory, what="compiling the builtins")
    return ctypes.CDLL(str(Path(directory, "builtins.so")))


SIZE = 6000
LENGTHS = [
    *range(300),
    511,
    512,
    513,
    700,
    *range(1000, 1200, 7),
    *range(1020, 1030),
    *range(2040, 2120, 3),
    4096,
    5000,
]


def test_memmove_and_memset_do_what_slices_do(library: ctypes.CDLL) -> None:
    chance = random.Random(1)
    buffer = ctypes.create_string_buffer(SIZE)
    base = ctypes.addressof(buffer)
    for function in (library.tested_memmove, library.tested_memset):
        function.restype = ctypes.c_void_p
        function.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p if function is library.tested_memmove else ctypes.c_int,
            ctypes.c_size_t,
        ]
    before = chance.randbytes(SIZE)
    for length in LENGTHS:
        for round_ in range(20):
            to = chance.randrange(SIZE - length)
            near = min(max(to + chance.randrange(-200, 200), 0), SIZE - length)  # they overlap
            source = chance.choice([chance.randrange(SIZE - length), near])
            buffer.raw = before
            assert library.tested_memmove(base + to, base + source, length) == base + to
            expected = bytearray(before)
            expected[to : to + length] = before[source : source + length]
            assert buffer.raw == bytes(expected), (length, to, source)
            buffer.raw = before
            value = 256 + 13 * round_
            assert library.tested_memset(base + to, value, length) == base + to
            expected = bytearray(before)
            expected[to : to + length] = bytes([value & 255]) * length
            assert buffer.raw == bytes(expected), (length, to)


def test_memcmp_orders_as_bytes_do(library: ctypes.CDLL) -> None:
    chance = random.Random(2)
    for length in range(40):
        for _ in range(20):
            left = bytes(chance.choice([0, 127, 128, 255]) for _ in range(length))
            right = left if chance.random() < 0.3 else bytes(chance.choice([0, 127, 128, 255]) for _ in range(length))
            answer = library.tested_memcmp(left, right, ctypes.c_size_t(length))
            assert (answer > 0) - (answer < 0) == (left > right) - (left < right)
            assert bool(library.tested_bcmp(left, right, ctypes.c_size_t(length))) == (left != right)


def test_strlen_finds_the_nul(library: ctypes.CDLL) -> None:
    for length in range(40):
        assert library.tested_strlen(b"x" * length + b"\0yy") == length


def expected_rounding(name: str, x: float) -> float:
    if math.isnan(x) or math.isinf(x):
        return x
    ways: dict[str, Callable[[float], int]] = {"floor": math.floor, "ceil": math.ceil, "trunc": math.trunc}
    return math.copysign(float(ways.get(name, round)(x)), x)


@pytest.mark.parametrize("name", ROUNDING)
def test_rounding_is_ieee_754(library: ctypes.CDLL, name: str) -> None:
    single = name.endswith("f")
    number = ctypes.c_float if single else ctypes.c_double
    function = getattr(library, f"tested_{name}")
    function.restype, function.argtypes = number, [number]
    chance = random.Random(3)
    limit = 2.0**23 if single else 2.0**52
    values = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 3.5, limit - 0.5, limit, limit * 2, 1e-30, 1e30, math.inf, math.nan]
    values += [chance.uniform(0, 10) for _ in range(200)] + [chance.uniform(0, limit) for _ in range(200)]
    for value in values:
        for x in (number(value).value, number(-value).value):
            got, expected = function(x), expected_rounding(name.removesuffix("f") if single else name, x)
            if math.isnan(x):
                assert math.isnan(got)
            else:
                assert got == expected, x
                assert math.copysign(1, got) == math.copysign(1, expected), x
