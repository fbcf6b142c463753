"""`waot release`: what people download, what it tells of itself, and that nothing but the input decides about it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import waot as package
from tests import tools
from tests.cli.helpers import Run, error_line
from waot import api
from waot.options import BuildOptions
from waot.progress import Progress
from waot.publish.pack import Include, Release, parse_include
from waot.publish.sbom import granted, tree_digest
from waot.targets import host_target

LINUX = ["aarch64-linux", "riscv64-linux", "x86_64-linux"]
SOME = ",".join(LINUX)
HOST = host_target().name


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def components(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All components by reference, those within others too."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [*document["components"], document["metadata"]["component"]]
    while waiting:
        each = waiting.pop()
        assert each["bom-ref"] not in found
        found[each["bom-ref"]] = each
        waiting += each.get("components", [])
    return found


def digest(component: dict[str, Any]) -> str:
    [only] = component["hashes"]
    assert only["alg"] == "SHA-256"
    return str(only["content"])


def test_what_is_unpacked_runs(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Anyone may.\n")
    arguments = ("--name", "tool", "--version", "1.2.3", "--include", "LICENSE", "--include", "LICENSE::doc/copying")
    run = waot("release", "hello.wasm", *arguments, "--target", SOME, check=True)
    stems = [f"tool-1.2.3-{name}" for name in LINUX]
    made = files(tmp_path / "dist")
    assert set(made) == {*(f"{stem}.tar.gz" for stem in stems), "tool-1.2.3.cdx.json", "SHA256SUMS"}
    for name in made:
        assert name in run.stdout
    for name, stem in zip(LINUX, stems, strict=True):
        subprocess.run(["tar", "xzf", tmp_path / "dist" / f"{stem}.tar.gz"], cwd=tmp_path, check=True)
        below = sorted(path.relative_to(tmp_path / stem).as_posix() for path in (tmp_path / stem).rglob("*"))
        assert below == ["LICENSE", "doc", "doc/copying", "tool"]
        runner = tools.runner_or_skip(name)
        done = subprocess.run([*runner, tmp_path / stem / "tool"], capture_output=True, text=True, check=True)
        assert done.stdout == "hello\n"


def test_checksums_are_those_that_sha256sum_checks(waot: Run, hello: Path, tmp_path: Path) -> None:
    waot("release", "hello.wasm", "--version", "1", "-o", "out", check=True)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "out", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"hello-1-{HOST}.tar.gz: OK", "hello-1.cdx.json: OK"]


def test_the_same_release_is_the_same_to_the_byte(waot: Run, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Anyone may.\n")
    options = ["--version", "1", "--target", SOME, "--include", "LICENSE", "--dir", "data::/data:ro"]
    other = tmp_path / "another" / "directory"
    other.mkdir(parents=True)
    for name in ("hello.wasm", "LICENSE"):
        shutil.copy(tmp_path / name, other)
        os.utime(other / name, (1, 1))
        (other / name).chmod(0o755)
    env = {"SOURCE_DATE_EPOCH": "1700000000"}
    first = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1", "TMPDIR": str(tmp_path)}
    second = {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "TMPDIR": str(other)}
    mask = os.umask(0o022)
    try:
        waot("release", "hello.wasm", *options, "-j1", "-o", "out", env=env | first, check=True)
        os.umask(0o077)
        waot(
            "release", "hello.wasm", *options, "-j3", "--no-cache", "-o", "a/b", env=env | second, cwd=other, check=True
        )
    finally:
        os.umask(mask)
    assert files(tmp_path / "out") == files(other / "a" / "b")
    with tarfile.open(tmp_path / "out" / f"hello-1-{HOST}.tar.gz") as archive:
        assert {member.mtime for member in archive} == {1_700_000_000}
    again = {"SOURCE_DATE_EPOCH": "1700000002"}
    waot("release", "hello.wasm", *options, "-o", "later", env=again, check=True)
    assert set(files(tmp_path / "later").values()).isdisjoint(files(tmp_path / "out").values())


@pytest.fixture
def document(waot: Run, hello: Path, tmp_path: Path) -> dict[str, Any]:
    """The bill of materials of a release that has everything, in `tmp_path`/out."""
    assets = tmp_path / "assets"
    (assets / "more").mkdir(parents=True)
    (assets / "a").write_text("a")
    (assets / "more" / "back\\slash").write_text("b")
    (assets / "link").symlink_to("a")
    shutil.copy(hello, tmp_path / "lib.wasm")
    (tmp_path / "LICENSE").write_text("Anyone may.\n")
    options = [
        *("--name", "tool", "--version", "1.2", "--target", SOME, "-o", "out", "--include", "LICENSE"),
        *("--link", "math=lib.wasm", "--embed", "assets::/assets", "--dir", "data::/data:ro", "--env", "LANG=C"),
        *("--env", "HOME", "--listen", "[::1]:80", "--sealed", "-O1", "--arg=--fast", "--file", "conf::/etc/conf"),
    ]
    waot("release", "hello.wasm", *options, env={"SOURCE_DATE_EPOCH": "1700000000"}, check=True)
    found = json.loads((tmp_path / "out" / "tool-1.2.cdx.json").read_text())
    assert isinstance(found, dict)
    return found


def test_the_bill_of_materials_is_valid_by_the_official_schema(document: dict[str, Any]) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(document)) is None
    assert validator.validate_str(json.dumps(document | {"frob": 1})) is not None  # it does look


def test_the_bill_of_materials_tells_what_all_is_made_of(document: dict[str, Any], tmp_path: Path) -> None:
    found = components(document)
    module = sha256((tmp_path / "hello.wasm").read_bytes())
    assert digest(found["module:hello.wasm"]) == module
    assert digest(found["module:math=lib.wasm"]) == module
    shell = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    printed = subprocess.run(["sh", "-c", shell], cwd=tmp_path / "assets", capture_output=True, text=True, check=True)
    assert digest(found["embedded:/assets"]) == printed.stdout.split()[0]
    made = files(tmp_path / "out")
    for name in LINUX:
        archive = f"tool-1.2-{name}.tar.gz"
        assert digest(found[f"file:{archive}"]) == sha256(made[archive])
        with tarfile.open(tmp_path / "out" / archive) as opened:
            for member in opened.getmembers():
                if member.isfile():
                    content = opened.extractfile(member)
                    assert content is not None
                    assert digest(found[f"file:{archive}/{member.name}"]) == sha256(content.read())
    [depends] = document["dependencies"]
    assert depends["ref"] == "tool@1.2"
    assert {"module:hello.wasm", "module:math=lib.wasm", "embedded:/assets"} < set(depends["dependsOn"]) <= set(found)


def test_the_bill_of_materials_tells_grants_tools_and_time(document: dict[str, Any]) -> None:
    metadata = document["metadata"]
    told = [(each["name"], each["value"]) for each in metadata["component"]["properties"]]
    assert [pair for pair in told if pair[0].startswith("waot:grant:")] == [
        ("waot:grant:dir", "data::/data:ro"),
        ("waot:grant:file", "conf::/etc/conf"),
        ("waot:grant:env", "LANG=C"),
        ("waot:grant:env", "HOME"),
        ("waot:grant:arg", "--fast"),
        ("waot:grant:listen", "[::1]:80"),
        ("waot:grant:sealed", "true"),
    ]
    assert ("waot:option:optimise", "1") in told
    versions = {each["name"]: each["version"] for each in metadata["tools"]["components"]}
    assert versions["waot"] == package.__version__
    assert set(versions) == {"waot", "LLVM", "ziglang"}
    assert metadata["timestamp"] == "2023-11-14T22:13:20Z"
    assert (metadata["component"]["name"], metadata["component"]["version"]) == ("tool", "1.2")


def test_every_grant_is_told() -> None:
    options = BuildOptions.parse(
        dirs=["a::/a"],
        files=["b::/b:ro"],
        overlays=["o::/e"],
        env=["A"],
        inherit_env=True,
        args=["x"],
        listen=["127.0.0.1:1"],
        deterministic=7,
        sealed=True,
        embeds=["e::/e"],
    )
    told = dict(granted(options.grants))
    assert len(told) == len(dataclasses.fields(options.grants))
    assert told["deterministic"] == "7"


def test_no_time_is_told_where_nobody_has_said_one(waot: Run, hello: Path, tmp_path: Path) -> None:
    waot("release", "hello.wasm", "--version", "1", env={"SOURCE_DATE_EPOCH": None}, check=True)
    assert "timestamp" not in json.loads((tmp_path / "dist" / "hello-1.cdx.json").read_text())["metadata"]
    assert "SOURCE_DATE_EPOCH" in error_line(
        waot("release", "hello.wasm", "--version", "1", env={"SOURCE_DATE_EPOCH": "today"}), 2
    )


def test_the_digest_of_one_embedded_file_is_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    assert tree_digest(str(tmp_path / "a")) == sha256(b"a")


def test_json_tells_the_files(waot: Run, hello: Path, tmp_path: Path) -> None:
    told = json.loads(waot("release", "hello.wasm", "--version", "1", "--json", check=True).stdout)
    for each in (*told["targets"], *told["files"]):
        data = (tmp_path / each["file"]).read_bytes()
        assert (each["size"], each["sha256"]) == (len(data), sha256(data))
    assert [each["file"] for each in told["files"]] == ["dist/hello-1.cdx.json", "dist/SHA256SUMS"]


def test_windows_and_macos_get_zip_files(hello: Path, tmp_path: Path) -> None:
    host = host_target()
    windows = dataclasses.replace(host, name="x86_64-windows", executable_suffix=".exe")
    macos = dataclasses.replace(host, name="arm64-macos")
    universal = dataclasses.replace(host, name="universal-macos")
    assert universal.platform is None  # for no one kind of machine
    release = Release("tool", "2", (), 0)
    report = api.release_files(
        hello, tmp_path / "out", [windows, macos, universal, host], BuildOptions(), Progress(display=False), (), release
    )
    names = [result.output.name for result in report.results]
    assert names == [
        *("tool-2-x86_64-windows.zip", "tool-2-arm64-macos.zip", "tool-2-universal-macos.zip"),
        f"tool-2-{host.name}.tar.gz",
    ]
    with zipfile.ZipFile(tmp_path / "out" / names[0]) as archive:
        assert archive.namelist() == ["tool-2-x86_64-windows/", "tool-2-x86_64-windows/tool.exe"]
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not there: apt-get install unzip")
    subprocess.run(["unzip", "-q", tmp_path / "out" / names[1]], cwd=tmp_path, check=True)
    program = tmp_path / "tool-2-arm64-macos" / "tool"  # really this machine's
    assert subprocess.run([program], capture_output=True, text=True, check=True).stdout == "hello\n"


def test_a_target_that_makes_no_executables_is_refused(hello: Path, tmp_path: Path) -> None:
    bare = dataclasses.replace(host_target(), name="x86_64-none", system="none")
    release = Release("tool", "2", (), 0)
    with pytest.raises(package.UsageError, match="target x86_64-none makes no executables to release; those that do: "):
        api.release_files(hello, tmp_path, [bare], BuildOptions(), Progress(display=False), (), release)


def test_what_cannot_be_included_is_named_and_nothing_is_written(waot: Run, hello: Path, tmp_path: Path) -> None:
    line = error_line(waot("release", "hello.wasm", "--version", "1", "--include", "LICENSE"))
    assert line == "LICENSE: cannot be included: No such file or directory"
    (tmp_path / "file").write_text("")
    line = error_line(waot("release", "hello.wasm", "--version", "1", "-o", "file"))
    assert line.startswith("file/hello-1-")
    assert "cannot be written: there is no directory" in line
    (tmp_path / "bad.wasm").write_bytes(b"\0asm\1\0\0\0\x7f")
    error_line(waot("release", "bad.wasm", "--version", "1"))
    assert sorted(os.listdir(tmp_path)) == ["bad.wasm", "file", "hello.wasm"]


@pytest.mark.parametrize(
    ("text", "include"),
    [
        ("LICENSE", Include("LICENSE", "LICENSE")),
        ("some/where/README.md", Include("some/where/README.md", "README.md")),
        ("a::b/c", Include("a", "b/c")),
    ],
)
def test_what_is_included_has_the_files_name_or_its_own(text: str, include: Include) -> None:
    assert parse_include(text) == include


@pytest.mark.parametrize(
    "text", ["", "::", "a::", "::a", "a::/b", "a::b/", "a::b//c", "a::./b", "a::b\\c", "a::b\n", "/"]
)
def test_a_name_that_leaves_the_archive_or_that_no_system_has_is_refused(text: str) -> None:
    with pytest.raises(package.UsageError, match="does not include a file"):
        parse_include(text)


def test_the_api_releases(hello: Path, tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAOT_CACHE_DIR", str(shared_cache))
    report = package.release(hello, tmp_path / "out", ["native"], version="3", opt_level=1)
    assert [result.target for result in report.results] == [HOST]
    assert report.module_sha256 == sha256(hello.read_bytes())
    assert platform.machine() in HOST
    assert all(path.is_file() for path in [*(r.output for r in report.results), *(f.output for f in report.files)])
