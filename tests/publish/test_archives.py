"""Archives, read by Python, tar and unzip: what is in them, and that nothing else decides about their bytes."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from tests import tools
from waot.errors import UsageError
from waot.publish.archives import Entry, Packed, source_date_epoch, tar, tar_gz, with_directories, zip_file

EPOCH = 1_700_000_001  # 2023-11-14 22:13:21 UTC


def entry(path: str, data: bytes, executable: bool = False) -> Entry:
    def write(file: BinaryIO) -> None:
        file.write(data)

    return Entry(path, write, executable)


LONG = "app-1.0/" + "directory-with-a-long-name/" * 5 + "file"
FILES = {
    "app-1.0/app": (b"\x7fELF" + bytes(5000), True),
    "app-1.0/LICENSE": (b"All rights given away.\n" * 99, False),
    "app-1.0/empty": (b"", False),
    "app-1.0/doc/app.1": (os.urandom(70_000), False),
    "app-1.0/eight        spaces": (b"x", False),
    "app-1.0/ümlaut": (b"y", False),
    LONG: (b"z", False),
}
ENTRIES = [entry(path, *content) for path, content in FILES.items()]


def saved(packed: Packed, path: Path) -> Path:
    with open(path, "wb") as file:
        packed.write(file)
    assert path.stat().st_size == packed.size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == packed.sha256
    return path


def packed_with(pack: Callable[..., Packed], entries: list[Entry] = ENTRIES, epoch: int = EPOCH) -> Packed:
    with ThreadPoolExecutor(2) as pool:
        return pack(entries, epoch, pool)


def check_tree(root: Path) -> None:
    """All of FILES is below `root`, with its modes."""
    assert {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} == set(FILES)
    for name, (data, executable) in FILES.items():
        assert (root / name).read_bytes() == data
        assert stat.S_IMODE((root / name).stat().st_mode) == (0o755 if executable else 0o644), name


def test_python_reads_the_tar(tmp_path: Path) -> None:
    path = saved(packed_with(tar_gz), tmp_path / "a.tar.gz")
    with tarfile.open(path, "r:gz") as archive:
        members = archive.getmembers()
        tools.unpack(archive, tmp_path / "out")
    check_tree(tmp_path / "out")
    assert {member.name for member in members} == {path for path, _ in with_directories(ENTRIES)}
    for member in members:
        assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", EPOCH)
        assert member.isdir() or member.isfile()


def test_tar_and_unzip_read_them(tmp_path: Path) -> None:
    (tmp_path / "tar").mkdir()
    path = saved(packed_with(tar_gz), tmp_path / "a.tar.gz")
    done = subprocess.run(["tar", "xzpf", path, "-C", tmp_path / "tar"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    check_tree(tmp_path / "tar")
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not there: apt-get install unzip")
    path = saved(packed_with(zip_file), tmp_path / "a.zip")
    subprocess.run(
        ["unzip", "-q", "-X", path, "-d", tmp_path / "zip"], check=True, env=os.environ | {"LC_ALL": "C.UTF-8"}
    )
    check_tree(tmp_path / "zip")
    assert subprocess.run(["unzip", "-tq", path], check=False).returncode == 0


def test_python_reads_the_zip(tmp_path: Path) -> None:
    path = saved(packed_with(zip_file), tmp_path / "a.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        members = archive.infolist()
        contents = {member.filename: archive.read(member) for member in members if not member.is_dir()}
    assert contents == {name: data for name, (data, _) in FILES.items()}
    for member in members:
        assert member.date_time == (2023, 11, 14, 22, 13, 20)
        assert member.create_system == 3
        executable = not member.is_dir() and FILES[member.filename][1]
        mode = 0o40755 if member.is_dir() else 0o100755 if executable else 0o100644
        assert member.external_attr >> 16 == mode


def test_a_zip_has_no_time_before_1980(tmp_path: Path) -> None:
    path = saved(packed_with(zip_file, epoch=0), tmp_path / "a.zip")
    with zipfile.ZipFile(path) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_header_of_gzip_tells_nothing(tmp_path: Path) -> None:
    data = saved(packed_with(tar_gz), tmp_path / "a.tar.gz").read_bytes()
    assert data[:10] == bytes.fromhex("1f8b0800000000 0002ff".replace(" ", ""))
    packed = packed_with(tar_gz)
    assert hashlib.sha256(gzip.decompress(data)).hexdigest() == packed.content_sha256


def test_nothing_but_the_contents_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = [entry("a", os.urandom(300_000) + bytes(900_000)), entry("b", b"text " * 200_000)]
    digests: list[tuple[str, ...]] = []
    mask = os.umask(0o022)
    try:
        for umask, zone, workers in ((0o022, "UTC", 1), (0o077, "Pacific/Auckland", 3)):
            os.umask(umask)
            monkeypatch.setenv("TZ", zone)
            (tmp_path / str(workers)).mkdir()
            monkeypatch.chdir(tmp_path / str(workers))
            with ProcessPoolExecutor(workers) as pool:
                entries = large if workers == 1 else large[::-1]
                packed = [tar_gz(entries, EPOCH, pool), zip_file(entries, EPOCH, pool), tar(entries, EPOCH)]
                digests.append(tuple(each.sha256 for each in packed))
    finally:
        os.umask(mask)
    assert digests[0] == digests[1]


@pytest.mark.parametrize(("text", "epoch"), [(None, None), ("", None), ("0", 0), ("1700000000", 1_700_000_000)])
def test_the_time_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str | None, epoch: int | None
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    if text is not None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    assert source_date_epoch() == epoch


@pytest.mark.parametrize("text", ["now", "-1", "1.5", "99999999999", "²"])
def test_a_time_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(UsageError, match=r"SOURCE_DATE_EPOCH is .*; it must be a number of seconds since 1970"):
        source_date_epoch()
