"""Files that appear together or not at all, whatever fails and when."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from waot.errors import WaotError
from waot.outputs import Outputs, digest_of


def content(data: bytes) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(data)

    return write


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_nothing_is_there_before_all_is(tmp_path: Path) -> None:
    with Outputs() as outputs:
        written = outputs.write(tmp_path / "a", content(b"one"), executable=True)
        outputs.write_bytes(tmp_path / "b", b"two")
        assert not (tmp_path / "a").exists()
        outputs.commit()
    assert tree(tmp_path) == {"a": b"one", "b": b"two"}
    assert (written.size, written.sha256) == (3, hashlib.sha256(b"one").hexdigest())
    assert digest_of(content(b"one")) == written


def test_what_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    with Outputs() as outputs:
        outputs.make_directory(tmp_path / "new" / "dist")
        outputs.write_bytes(tmp_path / "new" / "dist" / "a", b"one")
        outputs.write_tree(tmp_path / "new" / "tree", {"x/y": content(b"z")})
    assert os.listdir(tmp_path) == []


def test_a_directory_that_was_made_stays_with_its_files(tmp_path: Path) -> None:
    with Outputs() as outputs:
        outputs.make_directory(tmp_path / "new" / "dist")
        outputs.write_bytes(tmp_path / "new" / "dist" / "a", b"one")
        outputs.commit()
    assert tree(tmp_path) == {"new/dist/a": b"one"}


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("failing", [0, 1, 2, 3])
def test_where_a_rename_fails_everything_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, links: bool
) -> None:
    (tmp_path / "a").write_bytes(b"old a")
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout" / "index").write_bytes(b"old index")
    before = tree(tmp_path)
    rename = os.replace
    count = 0

    def replace(source: str, target: Path) -> None:
        nonlocal count
        count += str(source).endswith(".tmp")
        if str(source).endswith(".tmp") and count == failing + 1:
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    def no_link(source: Path, target: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:  # a file system that has none
        monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(os, "replace", replace)
    names = ["a", "b", "layout", "c"]
    with Outputs() as outputs:
        outputs.write_bytes(tmp_path / "a", b"new a")
        outputs.write_bytes(tmp_path / "b", b"new b")
        outputs.write_tree(tmp_path / "layout", {"index": content(b"new index"), "blobs/1": content(b"1")})
        outputs.write_bytes(tmp_path / "c", b"new c")
        with pytest.raises(WaotError, match=f"{names[failing]}: cannot be written: Permission denied"):
            outputs.commit()
    assert tree(tmp_path) == before
    monkeypatch.setattr(os, "replace", rename)
    with Outputs() as outputs:
        outputs.write_bytes(tmp_path / "a", b"new a")
        outputs.write_tree(tmp_path / "layout", {"index": content(b"new index"), "blobs/1": content(b"1")})
        outputs.commit()
    assert tree(tmp_path) == {"a": b"new a", "layout/index": b"new index", "layout/blobs/1": b"1"}


def test_modes_follow_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        with Outputs() as outputs:
            outputs.write(tmp_path / "program", content(b""), executable=True)
            outputs.write_bytes(tmp_path / "text", b"")
            outputs.write_tree(tmp_path / "tree", {})
            outputs.commit()
    finally:
        os.umask(mask)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("program", "text", "tree")]
    assert modes == [0o750, 0o640, 0o750]
