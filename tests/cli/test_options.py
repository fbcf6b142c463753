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
    FileGrant,
    Grants,
    ListenGrant,
    parse_cpu,
    parse_dir_grant,
    parse_env_grant,
    parse_file_grant,
    parse_listen_grant,
    parse_opt_level,
    parse_seed,
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


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("f", FileGrant("f", "f")),
        ("/etc/hosts:ro", FileGrant("/etc/hosts", "/etc/hosts", True)),
        ("a:b::/c:d:ro", FileGrant("a:b", "/c:d", True)),
    ],
)
def test_file_grants(text: str, grant: FileGrant) -> None:
    assert parse_file_grant(text) == grant


@pytest.mark.parametrize("text", ["", "::", "::/data", "data::", "a::b::c", ":ro", "a::b\0"])
def test_what_grants_no_file_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match=r"does not grant a file.*HOST::GUEST:ro"):
        parse_file_grant(text)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
        ("[::]:1", "::", 1),
        ("[fe80::1]:8080", "fe80::1", 8080),
        ("[::ffff:1.2.3.4]:8080", "::ffff:1.2.3.4", 8080),
    ],
)
def test_addresses_to_listen_at(text: str, address: str, port: int) -> None:
    assert parse_listen_grant(text) == ListenGrant(address, port)
    assert str(parse_listen_grant(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "foo", "foo:80", "localhost:80", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536"),
        *("127.0.0.1:-1", "127.0.0.1:http", "127.0.0.1: 80", "127.0.0.1:\u0661", "256.0.0.1:80", "::1:80", "[::1]"),
        *("[127.0.0.1]:80", "[::1%eth0]:80", "[::1:80", "::1]:80", "[]:80", "127.0.0.1:80\0", "127.0.0.01:80"),
    ],
)
def test_what_is_no_address_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:8080 or \[::1\]:8080"):
        parse_listen_grant(text)


@pytest.mark.parametrize(
    ("value", "seed"),
    [(None, None), (False, None), (True, 0), (0, 0), ("0", 0), ("17", 17), ("0x10", 16), (2**64 - 1, 2**64 - 1)],
)
def test_seeds(value: bool | int | str | None, seed: int | None) -> None:
    assert parse_seed(value) == seed


@pytest.mark.parametrize("value", ["", "x", "-1", -1, 2**64, "18446744073709551616", "1.5"])
def test_what_is_no_seed_is_refused(value: int | str) -> None:
    with pytest.raises(UsageError, match="0 to 18446744073709551615"):
        parse_seed(value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dirs": ["a::/d", "b::/d"]}, "two directories are granted as '/d'"),
        ({"dirs": ["a::/d", "b::/d/"]}, "two directories are granted as '/d/'"),
        ({"dirs": ["a::/d/e", "b:://d/./e"]}, "two directories are granted as '//d/./e'"),
        ({"dirs": [".", "a::./"]}, "two directories are granted as './'"),
        ({"files": ["a::/d/f", "b::/d//f"]}, "two files are granted as '/d//f'"),
        ({"files": ["a::/d/f"], "dirs": ["x::/d/"]}, "the file '/d/f' and the directory '/d/' are both granted"),
        ({"files": ["a::/f"], "dirs": ["/"]}, "the file '/f' and the directory '/' are both granted"),
        ({"files": ["f"], "dirs": ["."]}, "the file 'f' and the directory '.' are both granted"),
        ({"files": ["f::/d/"]}, "'/d/' does not name a file"),
        ({"files": [".."]}, "'..' does not name a file"),
        ({"args": ["a\0b"]}, "holds a NUL"),
        ({"dirs": [DirGrant("a\0b", "c")]}, "holds a NUL"),
        ({"listen": ["127.0.0.1:80", "127.0.0.1:80"]}, "'127.0.0.1:80' is granted twice"),
        ({"listen": [ListenGrant("localhost", 80)]}, "'localhost:80' is no address to listen at"),
    ],
)
def test_grants_that_contradict_one_another_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        BuildOptions.parse(**wrong)
    assert said in str(error.value)


def test_grants_that_only_look_alike_are_not_refused() -> None:
    options = BuildOptions.parse(dirs=[".", "/", "a::/d", "b::d", "c::/d/e"], files=["f::/d/e/f/g"])
    assert len(options.grants.dirs) == 5


def test_options_are_made_from_their_text_forms() -> None:
    options = BuildOptions.parse(
        opt_level=3,
        cpu="native",
        stack_size="1M",
        jobs=3,
        dirs=["d:ro"],
        env=["A=b"],
        inherit_env=True,
        files=["f::/f"],
        args=["-x"],
        listen=["[::1]:80"],
        deterministic="5",
        sealed=True,
    )
    assert options == BuildOptions(
        opt_level="3",
        cpu=Cpu("native"),
        stack_size=1 << 20,
        jobs=3,
        grants=Grants(
            (DirGrant("d", "d", True),),
            (EnvGrant("A", "b"),),
            True,
            (FileGrant("f", "/f"),),
            ("-x",),
            (ListenGrant("::1", 80),),
            5,
            True,
        ),
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
