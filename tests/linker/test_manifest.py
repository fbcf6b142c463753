"""The manifest: what is written is what is read, and damage is an error that names its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waot.errors import ToolError, UsageError
from waot.linker import Embedded, LinkedModule, Manifest, decode_manifest, encode_manifest
from waot.options import DirGrant, EnvGrant, Grants, OverlayGrant

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0="), min_size=1, max_size=20)
manifests = st.builds(
    Manifest,
    grants=st.builds(
        Grants,
        st.lists(st.builds(DirGrant, texts, texts, st.booleans()), max_size=4).map(tuple),
        st.lists(st.builds(EnvGrant, names, st.none() | texts), max_size=4).map(tuple),
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
    embedded=st.lists(
        st.builds(Embedded, texts, *[st.integers(0, 2**32 - 1)] * 4, *[st.integers(0, 2**64 - 1)] * 2, st.booleans()),
        max_size=3,
    ).map(tuple),
    linked=st.lists(st.builds(LinkedModule, texts, texts, st.binary(min_size=32, max_size=32)), max_size=3).map(tuple),
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


def test_a_nul_in_a_string_is_refused() -> None:
    with pytest.raises(UsageError, match="NUL"):
        encode_manifest(Manifest(Grants(), 1, "0", "t", "static", (), bytes(32), "m\0.wasm"))


def test_records_of_unknown_kinds_are_passed_over() -> None:
    unknown = b"\x63\0\0\0\3\0\0\0abc" + bytes(5)
    assert decode_manifest(unknown + encode_manifest(EMPTY)) == EMPTY
