"""The text forms of options, and that a wrong one names the right ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from waot.errors import UsageError
from waot.options import (
    BuildOptions,
    Cpu,
    DirGrant,
    EnvGrant,
    Grants,
    parse_cpu,
    parse_dir_grant,
    parse_env_grant,
    parse_opt_level,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8388608", 8 << 20),
        ("512KiB", 512 << 10),
        ("512k", 512 << 10),
        ("1M", 1 << 20),
        ("1MiB", 1 << 20),
        ("2G", 2 << 30),
        ("2 GiB", 2 << 30),
        (" 64K ", 64 << 10),
        ("100B", 100),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1.5M", "1KB", "0x10", "1T", "9" * 30, "\u0661M"])
def test_what_is_no_size_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match=r"KiB, MiB or GiB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "cpu"),
    [
        (None, Cpu()),
        ("baseline", Cpu()),
        ("x86-64-v3", Cpu("x86-64-v3")),
        ("native,+avx2", Cpu("native", ("+avx2",))),
        ("+avx2,-sse4.2", Cpu(None, ("+avx2", "-sse4.2"))),
        ("znver4, -avx512f", Cpu("znver4", ("-avx512f",))),
    ],
)
def test_cpus(text: str | None, cpu: Cpu) -> None:
    assert parse_cpu(text) == cpu


@pytest.mark.parametrize("text", ["", "a b", "x86-64,avx2", "+", "native,", "a\nb", ",", "native,+avx2,"])
def test_what_is_no_cpu_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match=r"NAME,\+FEATURE,-FEATURE"):
        parse_cpu(text)


@pytest.mark.parametrize("text", ["0", "1", "2", "3", "s", "z"])
def test_optimisation_levels_are_taken_with_and_without_the_dash(text: str) -> None:
    assert parse_opt_level(text) == parse_opt_level("O" + text) == parse_opt_level("-O" + text) == text


@pytest.mark.parametrize("text", ["", "4", "fast", "g", "S"])
def test_other_optimisation_levels_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="0, 1, 2, 3, s, z"):
        parse_opt_level(text)


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        (".", DirGrant(".", ".")),
        ("data", DirGrant("data", "data")),
        ("data:ro", DirGrant("data", "data", True)),
        ("/srv/data::/data", DirGrant("/srv/data", "/data")),
        ("/srv/data::/data:ro", DirGrant("/srv/data", "/data", True)),
        ("a:b::c:d", DirGrant("a:b", "c:d")),
    ],
)
def test_directory_grants(text: str, grant: DirGrant) -> None:
    assert parse_dir_grant(text) == grant


@pytest.mark.parametrize("text", ["", "::", "::/data", "data::", "a::b::c", ":ro", "a::b\0"])
def test_what_grants_no_directory_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match="HOST::GUEST:ro"):
        parse_dir_grant(text)


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("LANG", EnvGrant("LANG")),
        ("LANG=", EnvGrant("LANG", "")),
        ("A=b=c", EnvGrant("A", "b=c")),
    ],
)
def test_environment_grants(text: str, grant: EnvGrant) -> None:
    assert parse_env_grant(text) == grant


@pytest.mark.parametrize("text", ["", "=x", "A=\0"])
def test_what_grants_no_variable_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        parse_env_grant(text)


def test_options_are_made_from_their_text_forms() -> None:
    options = BuildOptions.parse(
        opt_level=3, cpu="native", stack_size="1M", jobs=3, dirs=["d:ro"], env=["A=b"], inherit_env=True
    )
    assert options == BuildOptions(
        opt_level="3",
        cpu=Cpu("native"),
        stack_size=1 << 20,
        jobs=3,
        grants=Grants((DirGrant("d", "d", True),), (EnvGrant("A", "b"),), True),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"opt_level": "fast"},
        {"emit": "elf"},
        {"memory": "fast"},
        {"relaxed_simd": "exact"},
        {"stack_size": 1},
        {"stack_size": 1 << 60},
        {"jobs": 0},
    ],
)
def test_options_with_illegal_values_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        dataclasses.replace(BuildOptions(), **wrong)
