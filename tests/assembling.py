"""zig's compiler and linker for tests, and assembly of the shim for AArch64 run on its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import tools


def zig(*words: str | Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs zig in `directory`, whatever comes of it."""
    return subprocess.run(
        [*tools.zig(), *map(str, words)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=tools.TIMEOUT,
        check=False,
    )


def check_assembly_for_aarch64(test: Path, subject: Path, directory: Path) -> None:
    """Links `test`, whose status is the number of the check that failed, with `subject`, and runs it: both assembly."""
    emulator = tools.runner_or_skip("aarch64-linux")
    for name, source in (("test.o", test), ("subject.o", subject)):
        done = zig("cc", "-target", "aarch64-linux-musl", "-c", source, "-o", name, directory=directory)
        assert done.returncode == 0, done.stderr
    words = ("ld.lld", "-m", "aarch64linux", "-static", "-e", "test_entry", "-o", "program", "test.o", "subject.o")
    done = zig(*words, directory=directory)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([*emulator, "./program"], cwd=directory, timeout=60, check=False).returncode == 0
