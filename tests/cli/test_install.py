"""What a person gets who installs waot, and who runs `make run`."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cli.helpers import ROOT

pytestmark = pytest.mark.slow


def test_a_wheel_holds_all_and_works_from_any_directory(hello: Path, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheel", ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode and "hatchling" in made.stderr and "No matching distribution" in made.stderr:
        pytest.skip("the build backend cannot be fetched here")
    assert made.returncode == 0, made.stderr
    [wheel] = (tmp_path / "wheel").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("targets", "runtime-support"):
        here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert {f"waot/data/{name}" for name in here} <= names
    assert not [name for name in names if name.startswith(("tests", "targets"))]

    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    env = {**os.environ, "PYTHONPATH": str(installed), "WAOT_CACHE_DIR": str(tmp_path / "cache")}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    subprocess.run([sys.executable, "-m", "waot", "build", hello, "-o", "hello"], env=env, cwd=elsewhere, check=True)
    where = subprocess.run(
        [sys.executable, "-c", "import waot.resources as r; print(r.resource_root())"],
        env=env,
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(installed / "waot" / "data")
    assert subprocess.run([elsewhere / "hello"], capture_output=True, text=True, check=True).stdout == "hello\n"


def test_the_example_of_make_run_works() -> None:
    programs = Path(sys.executable).parent
    if not (programs / "waot").exists():
        pytest.skip(f"waot is not installed in {programs}: `make run` installs it")
    script = ROOT / "scripts" / "run-example.sh"
    run = subprocess.run([script, programs], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    assert "argument 2: two" in run.stdout
    assert "was not granted" in run.stdout
