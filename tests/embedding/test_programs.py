"""Programs with embedded directories print what they print under wasmtime, which has them granted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import wasmtime

import waot
from tests import tools
from waot.errors import UsageError
from waot.linker import inspect_executable
from waot.targets import load_targets

HERE = Path(__file__).resolve().parent
TARGETS = [name for name, target in load_targets().items() if target.system == "linux"]
# Where what is embedded is no part of the file's end: a signature is.
SIGNED = [name for name, target in load_targets().items() if target.object_format == "macho" and not target.parts]


@pytest.fixture(scope="module")
def walk() -> Path:
    """walk.c as a module."""
    try:
        return tools.compile_to_wasm(HERE / "walk.c")
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with some of everything."""
    root = tmp_path_factory.mktemp("tree")
    (root / "sub/deeper").mkdir(parents=True)
    (root / "empty directory").mkdir()
    (root / "empty").touch()
    (root / "numbers").write_text("".join(f"{i * i}\n" for i in range(60_000)))
    (root / "noise").write_bytes(os.urandom(200_000))
    (root / "sub/same noise").write_bytes((root / "noise").read_bytes())
    (root / "sub/deeper/small").write_text("small")
    (root / "link").symlink_to("sub/deeper/small")
    (root / "sub/up").symlink_to("../numbers")
    (root / "dangling").symlink_to("nothing")
    for i in range(200):
        (root / f"sub/file {i:03}").write_text("x" * i)
    return root


def under_wasmtime(module: Path, tree: Path, output: Path, *arguments: str) -> str:
    """What the module prints when the directory is granted for reading as "/data"."""
    wasi = wasmtime.WasiConfig()
    wasi.argv = ["walk", *arguments]
    wasi.stdout_file = str(output)
    wasi.preopen_dir(str(tree), "/data", False)
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    start = linker.instantiate(store, wasmtime.Module.from_file(engine, str(module))).exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    start(store)
    store.close()
    return output.read_text()


@pytest.mark.parametrize(
    ("target", "memory", "compress"),
    [(target, load_targets()[target].memory_default, True) for target in TARGETS]
    + [
        pytest.param(target, memory, False, marks=pytest.mark.slow)
        for target in TARGETS
        for memory in load_targets()[target].memory_supported
        if memory != load_targets()[target].memory_default
    ]
    + [("x86_64-linux", "static", False)]
    + [(target, "guarded", compress) for target in SIGNED for compress in (True, False)],
)
def test_a_program_sees_an_ordinary_directory(
    walk: Path, tree: Path, tmp_path: Path, target: str, memory: str, compress: bool
) -> None:
    emulator = tools.runner_or_skip(target)
    arguments = ["/data", "/data/link", "/data/numbers/", "/data/../x", "/etc", "/data/none"]
    expected = under_wasmtime(walk, tree, tmp_path / "expected", *arguments)
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy, symlinks=True)
    waot.build(
        walk, tmp_path / "walk", [target], opt_level=1, memory=memory, embeds=[f"{copy}::/data"], compress=compress
    )
    shutil.rmtree(copy)
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [*emulator, tmp_path / "walk", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path / "elsewhere",
        env={},
        check=True,
    )
    assert done.stdout == expected
    assert expected.count("\n") > 400


def test_the_executable_stays_one_for_other_tools(walk: Path, tree: Path, tmp_path: Path) -> None:
    """GNU strip writes every segment anew from the sections in it."""
    strip = shutil.which("strip")
    target = TARGETS[-1]
    if strip is None or tools.runner(target) != ():
        pytest.skip("there is no strip for this machine's own executables")
    waot.build(walk, tmp_path / "walk", [target], opt_level=1, embeds=[f"{tree}::/data"])
    subprocess.run([strip, "-o", tmp_path / "stripped", tmp_path / "walk"], check=True)
    outputs = [
        subprocess.run([tmp_path / name, "/data"], capture_output=True, check=True).stdout
        for name in ("walk", "stripped")
    ]
    assert outputs[0] == outputs[1]
    assert inspect_executable((tmp_path / "stripped").read_bytes()).manifest.embedded


def test_the_same_directory_gives_the_same_executable(walk: Path, tree: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        copy = tmp_path / f"copy {name}"
        shutil.copytree(tree, copy, symlinks=True)
        waot.build(walk, tmp_path / name, opt_level=1, embeds=[f"{copy}::/data"], cache=name == "one")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert str(tmp_path).encode() not in (tmp_path / "one").read_bytes()


def test_what_changed_is_embedded_anew(walk: Path, tmp_path: Path) -> None:
    """Also where size and time are the same: the cache holds no contents."""
    (tmp_path / "data").mkdir()
    outputs = []
    for text in ("one", "two"):
        (tmp_path / "data/file").write_text(text)
        os.utime(tmp_path / "data/file", (5, 5))
        os.utime(tmp_path / "data", (5, 5))
        waot.build(walk, tmp_path / "walk", opt_level=1, embeds=[f"{tmp_path}/data::/data"])
        outputs.append(subprocess.run([tmp_path / "walk", "/data"], capture_output=True, check=True).stdout)
    assert outputs[0] != outputs[1]


@pytest.mark.parametrize("target", ["x86_64-linux", *SIGNED])
def test_what_is_written_is_there_the_next_time(walk: Path, tree: Path, tmp_path: Path, target: str) -> None:
    """The program opens every file for writing, which copies all of them."""
    runner = tools.runner_or_skip(target)
    embeds, overlays = [f"{tree}::/data"], ["state::/data"]
    waot.build(walk, tmp_path / "walk", [target], opt_level=1, embeds=embeds, compress=True, overlays=overlays)
    (tmp_path / "state").mkdir()
    outputs = []
    for _ in range(3):
        done = subprocess.run(
            [*runner, tmp_path / "walk", "/data"], capture_output=True, text=True, cwd=tmp_path, env={}, check=True
        )
        # Directories change when files are copied into them.
        outputs.append(
            [re.sub(r"^(.*: 4....? links .*) modified .*", r"\1", line) for line in done.stdout.splitlines()]
        )
    assert outputs[0] == outputs[1] == outputs[2]
    assert sum(line.endswith("writing: possible") for line in outputs[0]) == 205
    for path in tree.rglob("*"):
        copy = tmp_path / "state" / path.relative_to(tree)
        if path.is_file() and not path.is_symlink():
            assert copy.read_bytes() == path.read_bytes()
            assert copy.stat().st_mtime == int(path.stat().st_mtime)
        else:
            assert copy.is_dir() == (path.is_dir() and not path.is_symlink() and any(path.rglob("*")))
    missing = subprocess.run([*runner, tmp_path / "walk"], capture_output=True, text=True, cwd="/", env={}, check=False)
    assert missing.returncode == 1
    assert missing.stderr == "waot: cannot open granted directory 'state': no such directory\n"


def test_only_what_is_embedded_is_overlaid(walk: Path, tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'/other' is not embedded.*; use one of '/data'"):
        waot.build(walk, tmp_path / "walk", embeds=[f"{tree}::/data"], overlays=["state::/other"])
    with pytest.raises(UsageError, match=r"'/data' is not embedded.*; use --dir"):
        waot.build(walk, tmp_path / "walk", overlays=["state::/data"])
    with pytest.raises(UsageError, match="two directories are put on top of '/data'"):
        waot.build(walk, tmp_path / "walk", embeds=[f"{tree}::/data"], overlays=["a::/data", "b::/data"])
    with pytest.raises(UsageError, match="use HOST::GUEST"):
        waot.build(walk, tmp_path / "walk", embeds=[f"{tree}::/data"], overlays=["state"])


def test_an_embedded_name_cannot_also_be_granted(walk: Path, tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both granted and embedded"):
        waot.build(walk, tmp_path / "walk", embeds=[f"{tree}::/data"], dirs=[f"{tree}::/data"])
    with pytest.raises(UsageError, match="both granted and embedded"):
        waot.build(walk, tmp_path / "walk", embeds=[f"{tree}::/data/"], dirs=[f"{tree}::/./data"])
    with pytest.raises(UsageError, match="nothing is embedded"):
        waot.build(walk, tmp_path / "walk", compress=True)
    with pytest.raises(UsageError, match="does not embed"):
        waot.build(walk, tmp_path / "walk", embeds=["a::b::c"])


def test_names_that_are_spelled_differently_are_the_same(walk: Path, tree: Path, tmp_path: Path) -> None:
    """A program that had two directories of one name would end at its start."""
    file = tmp_path / "file"
    file.write_text("file")
    program = tmp_path / "walk"
    with pytest.raises(UsageError, match="two directories are embedded as '/data//'"):
        waot.build(walk, program, embeds=[f"{tree}::/data", f"{tree}::/data//"])
    with pytest.raises(UsageError, match=r"two directories are embedded as '/\./data'"):
        waot.build(walk, program, embeds=[f"{tree}::/data", f"{file}::/./data/file"])
    with pytest.raises(UsageError, match="'/data' is both granted and embedded"):
        waot.build(walk, program, embeds=[f"{file}::/data/file"], dirs=[f"{tree}::/data/"])
    with pytest.raises(UsageError, match="the file '/data/x' is granted and the directory '/data/' embedded"):
        waot.build(walk, program, embeds=[f"{tree}::/data/"], files=[f"{file}::/data/x"])
    with pytest.raises(UsageError, match="two directories are put on top of '/data/'"):
        waot.build(walk, program, embeds=[f"{tree}::/data"], overlays=["a::/data", "b::/data/"])
    (tmp_path / "top").mkdir()
    waot.build(walk, program, embeds=[f"{tree}::/data"], overlays=[f"{tmp_path}/top::/data/"])
    assert subprocess.run([program], capture_output=True, cwd="/", env={}, check=False).stderr == b""


def test_a_program_that_embeds_nothing_has_nothing_of_it(walk: Path, tree: Path, tmp_path: Path) -> None:
    """What reads compressed files is there only where there are some."""
    sizes = []
    for number, options in enumerate(
        ({}, {"embeds": [f"{tree}::/data"]}, {"embeds": [f"{tree}::/d"], "compress": True})
    ):
        waot.build(walk, tmp_path / f"{number}", opt_level=2, **options)  # type: ignore[arg-type]
        info = inspect_executable((tmp_path / f"{number}").read_bytes())
        sizes.append(dict(info.sections)[".text"])
    assert sizes[0] + 500 < sizes[1]
    assert sizes[1] + 1000 < sizes[2]
