"""CPython, its library, an application and its assets in one file, which runs where there is no other."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import wasmtime

import waot
from tests import tools
from tests.programs.harness import compiled_module, engine

MAIN = """
import json, os, re, sys
import helper
print(json.__file__, re.__file__, helper.__file__)
print(json.dumps({"asset": helper.asset(), "words": re.findall(r"\\w+", helper.asset()), "arguments": sys.argv[1:]}))
print(sorted(os.listdir("/app")))
try:
    open("/app/new", "w")
except OSError as error:
    print(error)
"""
HELPER = """
import os
def asset():
    with open(os.path.join(os.path.dirname(__file__), "assets", "text.txt")) as file:
        return file.read().strip()
"""
# The module brings its library in an archive of its own, inside of linear memory. An ordinary build has it in a
# directory, so it is written to one.
UNPACK = """
import os, zipfile
archive = zipfile.ZipFile("/usr/local/lib/python312.zip")
for name in archive.namelist():
    directory = "/library"
    for part in name.split("/")[:-1]:
        directory += "/" + part
        if not os.path.isdir(directory):
            os.mkdir(directory)
    if not name.endswith("/"):
        with open("/library/" + name, "wb") as file:
            file.write(archive.read(name))
"""


def run_python(script: str, directory: Path, guest: str) -> None:
    """Runs `script` by CPython under wasmtime, with a directory to write to."""
    wasi = wasmtime.WasiConfig()
    wasi.argv = ["python", "-c", script]
    wasi.preopen_dir(str(directory), guest)
    wasi.inherit_stderr()
    store = wasmtime.Store(engine())
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine())
    linker.define_wasi()
    start = linker.instantiate(store, compiled_module(tools.python_wasm())).exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    with contextlib.suppress(wasmtime.ExitTrap):  # what it has written is looked at
        start(store)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The standard library as files."""
    try:
        tools.python_wasm()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    directory = tmp_path_factory.mktemp("library")
    run_python(UNPACK, directory, "/library")
    assert (directory / "json/__init__.pyc").is_file()
    return directory


@pytest.mark.slow
@pytest.mark.parametrize("compress", [False, True], ids=["as it is", "compressed"])
def test_python_runs_in_an_empty_directory_as_its_root(library: Path, tmp_path: Path, compress: bool) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may chroot")
    app = tmp_path / "app"
    (app / "assets").mkdir(parents=True)
    (app / "main.py").write_text(MAIN)
    (app / "helper.py").write_text(HELPER)
    (app / "assets/text.txt").write_text("two words\n")
    root = tmp_path / "root"
    root.mkdir()
    waot.build(
        tools.python_wasm(),
        root / "python",
        ["x86_64-linux"],
        opt_level=0,
        embeds=[f"{library}::/lib/python", f"{app}::/app"],
        env=["PYTHONPATH=/lib/python", "PYTHONDONTWRITEBYTECODE=1"],
        compress=compress,
    )
    shutil.rmtree(app)
    assert os.listdir(root) == ["python"]

    def enter() -> None:
        os.chroot(root)
        os.chdir("/")

    done = subprocess.run(
        ["/python", "/app/main.py", "one", "two"],
        preexec_fn=enter,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "/lib/python/json/__init__.pyc /lib/python/re/__init__.pyc /app/helper.py"
    assert lines[1] == '{"asset": "two words", "words": ["two", "words"], "arguments": ["one", "two"]}'
    assert lines[2] == "['assets', 'helper.py', 'main.py']"
    assert "Operation not permitted" in lines[3]
    assert done.returncode == 0
