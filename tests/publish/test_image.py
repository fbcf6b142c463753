"""`--emit oci`: images that other people's tools take, and programs that run in them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import tools
from tests.cli.helpers import Run, assemble, error_line
from waot import api
from waot.errors import UsageError
from waot.publish.oci import Reference, default_reference, parse_reference, parse_user
from waot.targets import find_targets, host_target

LINUX = list(find_targets("aarch64-linux,riscv64-linux,x86_64-linux"))
PLATFORMS = [str(target.platform) for target in LINUX]
NAMES = ",".join(target.name for target in LINUX)
HOST = host_target()


def tool(name: str) -> str:
    """One of Debian's tools for images."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not there: apt-get install {name}")
    return found


def ran(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_directory(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def read_archive(path: Path) -> dict[str, bytes]:
    with tarfile.open(path, "r:") as archive:
        found = {}
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                found[member.name] = content.read()
        return found


class Layout:
    """A layout, with every descriptor that is followed checked against its blob."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.followed: set[str] = set()

    def blob(self, descriptor: dict[str, Any]) -> bytes:
        algorithm, _, digest = descriptor["digest"].partition(":")
        data = self.files[f"blobs/{algorithm}/{digest}"]
        assert (algorithm, digest, descriptor["size"]) == ("sha256", hashlib.sha256(data).hexdigest(), len(data))
        self.followed.add(f"blobs/{algorithm}/{digest}")
        return data

    def manifests(self) -> list[dict[str, Any]]:
        """The configuration of each platform, and the `size` of all of its blobs."""
        [named] = json.loads(self.files["index.json"])["manifests"]
        found = []
        for descriptor in self.json(named)["manifests"]:
            manifest = self.json(descriptor)
            parts = [manifest["config"], *manifest["layers"]]
            size = descriptor["size"] + sum(part["size"] for part in parts)
            found.append(self.json(manifest["config"]) | {"size": size})
        return found

    def json(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        value = json.loads(self.blob(descriptor))
        assert value.get("mediaType", descriptor["mediaType"]) == descriptor["mediaType"]
        assert isinstance(value, dict)
        return value


@pytest.fixture
def image(waot: Run, hello: Path, tmp_path: Path) -> Path:
    """An image of hello for all platforms: a directory."""
    options = ("--target", NAMES, "--emit", "oci", "--oci-name", "me/hello:1.0", "-o", "image")
    waot("build", "hello.wasm", *options, env={"SOURCE_DATE_EPOCH": "1700000000"}, check=True)
    return tmp_path / "image"


def test_the_layout_is_as_the_specification_says(image: Path) -> None:
    layout = Layout(read_directory(image))
    assert json.loads(layout.files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    top = json.loads(layout.files["index.json"])
    assert (top["schemaVersion"], top["mediaType"]) == (2, "application/vnd.oci.image.index.v1+json")
    [named] = top["manifests"]
    assert named["annotations"]["org.opencontainers.image.ref.name"] == "1.0"
    index = layout.json(named)
    assert index["mediaType"] == top["mediaType"]
    found = []
    for descriptor in index["manifests"]:
        manifest = layout.json(descriptor)
        assert (manifest["schemaVersion"], manifest["mediaType"]) == (2, "application/vnd.oci.image.manifest.v1+json")
        config = layout.json(manifest["config"])
        [layer] = manifest["layers"]
        assert (layer["mediaType"], manifest["config"]["mediaType"]) == (
            "application/vnd.oci.image.layer.v1.tar+gzip",
            "application/vnd.oci.image.config.v1+json",
        )
        plain = gzip.decompress(layout.blob(layer))
        assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]}
        keys = ("os", "architecture", "variant")
        platform = {key: config[key] for key in keys if key in config}
        assert platform == descriptor["platform"]
        found.append("/".join(platform.values()))
        assert config["config"] == {
            "User": "65532:65532",
            "Entrypoint": ["/hello"],
            "WorkingDir": "/",
            "Labels": {
                "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
                "org.opencontainers.image.title": "hello",
                "org.opencontainers.image.version": "1.0",
            },
        }
        assert config["created"] == "2023-11-14T22:13:20Z"
    assert found == PLATFORMS
    assert layout.followed == {name for name in layout.files if name.startswith("blobs/")}


def test_hello_takes_under_50_kilobytes_a_platform(image: Path, waot: Run) -> None:
    options = ("--target", NAMES, "--emit", "oci", "--oci-name", "me/hello:1.0", "-o", "image")
    told = json.loads(waot("build", "hello.wasm", *options, "--json", check=True).stdout)
    assert len(told["targets"]) == len(LINUX)
    for each in told["targets"]:
        assert 5_000 < each["size"] < 50_000
    assert sum(map(len, read_directory(image).values())) < 50_000 * len(LINUX)


def test_the_layer_is_the_program_alone(image: Path, waot: Run, tmp_path: Path) -> None:
    layout = Layout(read_directory(image))
    [named] = json.loads(layout.files["index.json"])["manifests"]
    waot("build", "hello.wasm", "--target", NAMES, "-o", "dist/", check=True)
    for target, descriptor in zip(LINUX, layout.json(named)["manifests"], strict=True):
        [layer] = layout.json(descriptor)["layers"]
        (tmp_path / "layer").write_bytes(layout.blob(layer))
        with tarfile.open(tmp_path / "layer", "r:gz") as archive:
            [member] = archive.getmembers()
            content = archive.extractfile(member)
            assert content is not None
            name = f"hello-{target.name}" if len(LINUX) > 1 else "hello"
            assert content.read() == (tmp_path / "dist" / name).read_bytes()
        assert (member.name, member.mode, member.uid, member.gid) == ("hello", 0o755, 0, 0)
        assert member.mtime == 1_700_000_000


def test_an_archive_has_the_same_and_what_older_dockers_read(image: Path, waot: Run, tmp_path: Path) -> None:
    options = ("--target", NAMES, "--emit", "oci", "--oci-name", "me/hello:1.0", "-o", "image.tar")
    waot("build", "hello.wasm", *options, env={"SOURCE_DATE_EPOCH": "1700000000"}, check=True)
    files = read_archive(tmp_path / "image.tar")
    legacy = json.loads(files.pop("manifest.json"))
    assert files == read_directory(image)
    tags = []
    for each in legacy:
        config = json.loads(files[each["Config"]])
        [layer] = each["Layers"]
        assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(gzip.decompress(files[layer])).hexdigest()}"]
        tags += each["RepoTags"]
    assert tags == [f"me/hello:1.0-{platform.partition('/')[2].replace('/', '-')}" for platform in PLATFORMS]
    waot("build", "hello.wasm", "--target", HOST.name, "--emit", "oci", check=True)
    files = read_archive(tmp_path / "hello.oci.tar")
    assert json.loads(files["manifest.json"])[0]["RepoTags"] == ["hello:latest"]
    [named] = json.loads(files["index.json"])["manifests"]
    assert named["annotations"]["io.containerd.image.name"] == "docker.io/library/hello:latest"


def test_the_same_image_is_the_same_to_the_byte(image: Path, waot: Run, hello: Path, tmp_path: Path) -> None:
    options = ("--target", NAMES, "--emit", "oci", "--oci-name", "me/hello:1.0", "--no-cache", "-j3")
    env = {"SOURCE_DATE_EPOCH": "1700000000", "TZ": "Asia/Kathmandu"}
    mask = os.umask(0o077)
    try:
        waot("build", "hello.wasm", *options, "-o", "other", env=env, check=True)
    finally:
        os.umask(mask)
    assert read_directory(tmp_path / "other") == read_directory(image)


def test_skopeo_takes_it(image: Path, tmp_path: Path) -> None:
    skopeo = tool("skopeo")
    raw = json.loads(ran(skopeo, "inspect", "--raw", f"oci:{image}:1.0"))
    assert ["/".join(each["platform"].values()) for each in raw["manifests"]] == PLATFORMS
    for target in LINUX:
        words = str(target.platform).split("/")
        choice = ["--override-os", words[0], "--override-arch", words[1]]
        choice += ["--override-variant", words[2]] if len(words) > 2 else []
        shown = json.loads(ran(skopeo, *choice, "inspect", f"oci:{image}:1.0"))
        assert (shown["Os"], shown["Architecture"]) == (words[0], words[1])
        archive = tmp_path / f"{target.name}.tar"
        ran(skopeo, *choice, "copy", f"oci:{image}:1.0", f"docker-archive:{archive}:hello:1.0")
        legacy = json.loads(read_archive(archive)["manifest.json"])
        assert legacy[0]["RepoTags"] == ["docker.io/library/hello:1.0"]
    everything = tmp_path / "everything"
    ran(skopeo, "copy", "--all", f"oci:{image}:1.0", f"oci:{everything}:1.0")  # checks every digest
    assert {name for name in read_directory(everything) if name.startswith("blobs/")} == {
        name for name in read_directory(image) if name.startswith("blobs/")
    }


def test_skopeo_takes_the_archive_in_both_its_forms(waot: Run, hello: Path, tmp_path: Path) -> None:
    skopeo = tool("skopeo")
    waot("build", "hello.wasm", "--target", NAMES, "--emit", "oci", "-o", "image.tar", check=True)
    for source in ("oci-archive:image.tar:latest", f"docker-archive:image.tar:hello:{_tag()}"):
        kind, _, rest = source.partition(":")
        shown = json.loads(ran(skopeo, "inspect", f"{kind}:{tmp_path}/{rest}"))
        assert shown["Architecture"] == str(HOST.platform).partition("/")[2]


def _tag() -> str:
    return f"latest-{str(HOST.platform).partition('/')[2]}" if len(LINUX) > 1 else "latest"


@pytest.fixture
def unpack(waot: Run, tmp_path: Path) -> Callable[..., Path]:
    """Builds a module into an image for one target, and gives the root directory that umoci makes of it."""
    umoci = tool("umoci")
    if os.geteuid():
        pytest.skip("only root can change the root directory")

    def make(module: Path, target: str, *options: str) -> Path:
        waot("build", module, "--target", target, "--emit", "oci", "-o", "one", *options, check=True)
        ran(umoci, "unpack", "--image", f"{tmp_path / 'one'}:latest", tmp_path / "bundle")
        return tmp_path / "bundle"

    return make


def test_umoci_unpacks_it_and_the_program_runs_there(unpack: Callable[..., Path], hello: Path) -> None:
    bundle = unpack(hello, HOST.name)
    assert os.listdir(bundle / "rootfs") == ["hello"]
    process = json.loads((bundle / "config.json").read_text())["process"]
    assert process["args"] == ["/hello"]
    assert process["cwd"] == "/"
    assert (process["user"]["uid"], process["user"]["gid"]) == (65532, 65532)
    command = ["chroot", "--userspec=65532:65532", bundle / "rootfs", *process["args"]]
    assert ran(*command) == "hello\n"


READ_CONF = r"""
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "conf")
  (data (i32.const 8) "\40\00\00\00\40\00\00\00")
  (func (export "_start")
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)
                    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16))
      (then (call $exit (i32.const 3))))
    (if (call $read (i32.load (i32.const 16)) (i32.const 8) (i32.const 1) (i32.const 20))
      (then (call $exit (i32.const 4))))
    (i32.store (i32.const 12) (i32.load (i32.const 20)))
    (if (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 24))
      (then (call $exit (i32.const 5))))))
"""


def test_granted_directories_and_the_filter_of_system_calls_work_in_a_container(
    unpack: Callable[..., Path], tmp_path: Path
) -> None:
    """With no privileges and no way to get any, which is how containers are run."""
    module = assemble(tmp_path / "read.wasm", READ_CONF)
    bundle = unpack(module, HOST.name, "--dir", "/data::/data:ro", "--require-seccomp")
    root = bundle / "rootfs"
    (root / "data").mkdir()  # where a volume is mounted
    (root / "data" / "conf").write_text("colour = blue\n")
    command = [tool("setpriv"), "--no-new-privs", "chroot", "--userspec=65532:65532", str(root), "/read"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "colour = blue\n", "")


def test_a_container_runtime_runs_it(unpack: Callable[..., Path], tmp_path: Path) -> None:
    runc = tool("runc")
    module = assemble(tmp_path / "read.wasm", READ_CONF)
    bundle = unpack(module, HOST.name, "--dir", "/data::/data:ro", "--require-seccomp")
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "conf").write_text("colour = blue\n")
    config = json.loads((bundle / "config.json").read_text())
    config["process"]["terminal"] = False
    mount = {"destination": "/data", "type": "bind", "source": str(tmp_path / "volume"), "options": ["bind", "ro"]}
    config["mounts"].append(mount)
    (bundle / "config.json").write_text(json.dumps(config))
    command = [runc, "--root", str(tmp_path / "state"), "run", "--bundle", str(bundle), f"waot-test-{os.getpid()}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "runc" in done.stderr or "level=error" in done.stderr:  # it says so where it cannot make a container
        pytest.skip(f"no containers can be made here: {done.stderr.strip()}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "colour = blue\n", "")


@pytest.mark.slow
def test_every_target_with_a_platform_can_be_in_an_image(waot: Run, hello: Path, tmp_path: Path) -> None:
    skopeo = tool("skopeo")
    platforms = [str(target.platform) for target in find_targets("linux") if target.platform]
    waot("build", "hello.wasm", "--target", "all", "--emit", "oci", "-o", "image", check=True)
    raw = json.loads(ran(skopeo, "inspect", "--raw", f"oci:{tmp_path / 'image'}:latest"))
    assert ["/".join(each["platform"].values()) for each in raw["manifests"]] == platforms
    for each in Layout(read_directory(tmp_path / "image")).manifests():
        assert each["size"] < 50_000


def test_of_a_group_an_image_has_what_containers_run() -> None:
    expected = [target for target in find_targets("linux") if target.platform]
    assert api.choose_targets(["all"], "oci") == api.choose_targets(["linux"], "oci") == expected
    assert api.choose_targets(["all"]) == list(find_targets("all"))


def test_a_target_without_containers_is_refused(waot: Run, hello: Path, tmp_path: Path) -> None:
    for name in ("none", "x86_64-none", "x86_64-none,linux"):
        line = error_line(waot("build", "hello.wasm", "--target", name, "--emit", "oci"), 2)
        assert re.match(r"target \S+-none has no container images; targets with them: .*x86_64-linux", line)
    assert os.listdir(tmp_path) == ["hello.wasm"]


@pytest.mark.parametrize("target", LINUX, ids=lambda target: target.name)
def test_the_program_of_each_platform_runs(unpack: Callable[..., Path], hello: Path, target: Any) -> None:
    runner = tools.runner_or_skip(target.name)
    program = unpack(hello, target.name) / "rootfs" / "hello"
    assert ran(*runner, program) == "hello\n"


@pytest.mark.parametrize(
    ("text", "reference", "full"),
    [
        ("app", Reference("app", "latest"), "docker.io/library/app:latest"),
        ("app:1.2", Reference("app", "1.2"), "docker.io/library/app:1.2"),
        ("me/app:v1", Reference("me/app", "v1"), "docker.io/me/app:v1"),
        ("example.org:5000/me/app", Reference("example.org:5000/me/app", "latest"), "example.org:5000/me/app:latest"),
        ("localhost/app:1", Reference("localhost/app", "1"), "localhost/app:1"),
    ],
)
def test_names_of_images(text: str, reference: Reference, full: str) -> None:
    assert parse_reference(text) == reference
    assert parse_reference(text).full == full


@pytest.mark.parametrize(
    "text", ["", "App", "a b", "app:", ":1", "app:a/b", "/app", "app/", "a..b", "app:1:2", "-a", "a@b"]
)
def test_what_is_no_name_of_an_image_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no name for an image"):
        parse_reference(text)


def test_a_name_follows_from_the_module() -> None:
    assert default_reference("My App_2") == Reference("my-app-2", "latest")
    with pytest.raises(UsageError, match="no name for an image follows from '---'; give one"):
        default_reference("---")


@pytest.mark.parametrize("text", ["", "root", "1:", ":1", "-1", "1:2:3", "4294967296"])
def test_what_is_no_user_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no user of an image"):
        parse_user(text)


def test_a_user_may_be_chosen(waot: Run, hello: Path, tmp_path: Path) -> None:
    waot("build", "hello.wasm", "--emit", "oci", "--oci-user", "0", "-o", "image", check=True)
    layout = Layout(read_directory(tmp_path / "image"))
    [named] = json.loads(layout.files["index.json"])["manifests"]
    [descriptor] = layout.json(named)["manifests"]
    assert layout.json(layout.json(descriptor)["config"])["config"]["User"] == "0"


def test_a_directory_with_anything_else_in_it_is_not_replaced(image: Path, waot: Run, tmp_path: Path) -> None:
    build = ("build", "hello.wasm", "--emit", "oci", "-o")
    before = read_directory(image)
    line = error_line(waot(*build, "image"))  # the tag latest
    assert line.startswith("image: cannot be written: it is a layout with other images in it")
    assert read_directory(image) == before
    waot(*build, "image", "--oci-name", "other:1.0", check=True)
    assert read_directory(image) != before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    line = error_line(waot(*build, "full"))
    assert line.startswith("full: cannot be written: it is a directory with something else in it")
    assert error_line(waot(*build, "hello.wasm")).startswith("hello.wasm: cannot be written: it is not a directory")
    assert error_line(waot(*build, "no/image")).startswith("no/image: cannot be written: there is no directory")
    (tmp_path / "empty").mkdir()
    waot(*build, "empty", check=True)
    assert (tmp_path / "empty" / "oci-layout").is_file()
    assert sorted(os.listdir(tmp_path)) == ["empty", "full", "hello.wasm", "image"]


def test_an_image_goes_to_standard_output(hello: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(tools.ROOT)}
    command = [sys.executable, "-m", "waot", "build", "hello.wasm", "--emit", "oci", "-o"]
    done = subprocess.run([*command, "-"], cwd=tmp_path, env=environment, capture_output=True, check=True)
    subprocess.run([*command, "a.tar"], cwd=tmp_path, env=environment, check=True)
    assert done.stdout == (tmp_path / "a.tar").read_bytes()
