"""Runs the command line as a user does: another process, its status and both its outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.helpers import HELLO, ROOT, Run, assemble


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the tests' own, so that what the user has in his changes nothing."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def waot(shared_cache: Path, tmp_path: Path) -> Run:
    """Runs waot in `tmp_path`. With `check`, an unexpected failure fails the test with what waot said."""

    def run(
        *arguments: str | Path,
        env: Mapping[str, str | None] = {},
        cwd: Path | None = None,
        stdin: bytes = b"",
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        variables: dict[str, str | None] = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "WAOT_CACHE_DIR": str(shared_cache),
            "WAOT_DEBUG": None,
            **env,
        }
        done = subprocess.run(
            [sys.executable, "-m", "waot", *map(str, arguments)],
            env={name: value for name, value in variables.items() if value is not None},
            cwd=cwd or tmp_path,
            input=stdin,
            capture_output=True,
            timeout=300,
            check=False,
        )
        result = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
        if check:
            assert result.returncode == 0, result.stderr
        return result

    return run


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """``hello.wasm`` in `tmp_path`: writes "hello" to standard output."""
    return assemble(tmp_path / "hello.wasm", HELLO)
