"""The manifest: what is written is what is read, and damage is an error that names its place."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waot.errors import ToolError, UsageError
from waot.linker import Confinement, Embedded, LinkedModule, Manifest, decode_manifest, encode_manifest
from waot.linker.confine import Filter
from waot.options import DirGrant, EnvGrant, FileGrant, Grants, ListenGrant, OverlayGrant

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0="), min_size=1, max_size=20)
manifests = st.builds(
    Manifest,
    grants=st.builds(
        Grants,
        st.lists(st.builds(DirGrant, texts, texts, st.booleans()), max_size=4).map(tuple),
        st.lists(st.builds(EnvGrant, names, st.none() | texts), max_size=4).map(tuple),
        st.booleans(),
        st.lists(st.builds(FileGrant, texts, texts, st.booleans()), max_size=4).map(tuple),
        st.lists(texts, max_size=4).map(tuple),
        st.lists(
            st.builds(ListenGrant, st.sampled_from(["127.0.0.1", "::", "fe80::1"]), st.integers(1, 65535)), max_size=4
        ).map(tuple),
        st.none() | st.integers(0, 2**64 - 1),
        st.booleans(),
        st.lists(st.builds(OverlayGrant, texts, texts), max_size=3).map(tuple),
    ),
    stack_size=st.integers(0, 2**64 - 1),
    version=texts,
    target=texts,
    memory=texts,
    imports=st.lists(st.tuples(texts, texts), max_size=4).map(tuple),
    module_sha256=st.binary(min_size=32, max_size=32),
    module_name=texts,
    confinement=st.builds(
        Confinement,
        st.lists(
            st.builds(Filter, st.integers(0, 7), st.integers(0, 3).map(lambda n: bytes(range(8)) * n)), max_size=2
        ).map(tuple),
        st.booleans(),
    ),
    embedded=st.lists(
        st.builds(Embedded, texts, *[st.integers(0, 2**32 - 1)] * 4, *[st.integers(0, 2**64 - 1)] * 2, st.booleans()),
        max_size=3,
    ).map(tuple),
    linked=st.lists(st.builds(LinkedModule, texts, texts, st.binary(min_size=32, max_size=32)), max_size=3).map(tuple),
    profile=st.none() | texts,
)


@given(manifests, st.sampled_from(["little", "big"]))
def test_decoding_gives_what_was_encoded(manifest: Manifest, endian: str) -> None:
    data = encode_manifest(manifest, endian)
    assert len(data) % 8 == 0
    assert decode_manifest(data, endian) == manifest


@given(manifests, st.data())
def test_damage_is_an_error_or_another_manifest(manifest: Manifest, data: st.DataObject) -> None:
    encoded = bytearray(encode_manifest(manifest))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    where: tuple[str | None, int | None] = (".waot.manifest", 0)
    try:
        decode_manifest(bytes(encoded[: data.draw(st.integers(0, len(encoded)))]))
    except ToolError as error:
        where = (error.section, error.offset)
    assert where[0] == ".waot.manifest"
    assert where[1] is not None


EMPTY = Manifest(Grants(), 1, "0", "x86_64-linux", "static", (), bytes(32), "m.wasm")


def test_bytes_of_a_path_that_are_not_utf_8_survive() -> None:
    host = b"/data/\xff\xfe".decode("utf-8", "surrogateescape")
    grants = Grants((DirGrant(host, "/data"),))
    manifest = Manifest(grants, 1, "0", "t", "static", (), bytes(32), "m.wasm")
    assert b"/data/\xff\xfe\0/data\0" in encode_manifest(manifest)
    assert decode_manifest(encode_manifest(manifest)) == manifest


def records(data: bytes) -> list[tuple[int, int, bytes]]:
    """Kind, flags and payload of each record."""
    found, at = [], 0
    while at < len(data):
        kind, flags, size = struct.unpack_from("<HHI", data, at)
        found.append((kind, flags, data[at + 8 : at + 8 + size]))
        at += 8 + size + -size % 8
    return found


def test_each_grant_is_a_record_as_the_header_says() -> None:
    grants = Grants(
        files=(FileGrant("h", "/g"), FileGrant("h", "/r", True)),
        args=("--x", ""),
        listen=(ListenGrant("127.0.0.1", 80), ListenGrant("::1", 8080)),
        seed=258,
        sealed=True,
    )
    encoded = encode_manifest(Manifest(grants, 1, "0", "t", "static", (), bytes(32), "m.wasm"))
    assert [record for record in records(encoded) if 10 <= record[0] < 19 and record[0] != 15] == [
        (10, 0, b"h\0/g\0"),
        (10, 1, b"h\0/r\0"),
        (11, 0, b"--x\0"),
        (11, 0, b"\0"),
        (12, 0, b"127.0.0.1:80\0"),
        (12, 0, b"[::1]:8080\0"),
        (13, 0, b"\2\1" + bytes(6)),
        (14, 0, b""),
    ]


def test_what_a_program_says_of_itself_stands_in_the_manifest() -> None:
    grants = Grants((DirGrant("d\udcff", "/d\n", True),), args=("\x1b[31m",), sealed=True)
    manifest = Manifest(grants, 65536, "0.1", "t", "static", (("wasi", "f"), ("wasi", "g")), bytes(32), "m.wasm")
    (text,) = [payload for kind, _, payload in records(encode_manifest(manifest)) if kind == 19]
    assert text.decode().splitlines() == [
        "program for t, made by waot 0.1",
        f"from: m.wasm, SHA-256 {64 * '0'}",
        "memory: static",
        "stack: 64.0 KiB",
        "granted:",
        r"  directory 'd\udcff' as '/d\n', for reading only",
        r"  argument '\x1b[31m', before those of the command line",
        "sealed: who runs it cannot grant more",
        "system calls: not filtered",
        "imports from wasi:",
        "  f g",
    ]


@pytest.mark.parametrize("record", [b"\x0d\0\0\0\4\0\0\0abcd" + bytes(4), b"\x0c\0\0\0\4\0\0\0a:b\0" + bytes(4)])
def test_grants_that_make_no_sense_are_damage(record: bytes) -> None:
    with pytest.raises(ToolError, match="damaged"):
        decode_manifest(record + encode_manifest(EMPTY))


def test_a_nul_in_a_string_is_refused() -> None:
    with pytest.raises(UsageError, match="NUL"):
        encode_manifest(Manifest(Grants(), 1, "0", "t", "static", (), bytes(32), "m\0.wasm"))


def test_records_of_unknown_kinds_are_passed_over() -> None:
    unknown = b"\x63\0\0\0\3\0\0\0abc" + bytes(5)
    assert decode_manifest(unknown + encode_manifest(EMPTY)) == EMPTY
