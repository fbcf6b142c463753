"""Running zig, which is clang, LLVM and lld for every target, from the ``ziglang`` wheel.

The binary is called directly: starting Python a second time to find it would cost as much as the link.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from waot.errors import ToolError


@cache
def zig_binary() -> Path:
    """The zig executable inside the installed ``ziglang`` package. Raises ToolError where there is none."""
    spec = importlib.util.find_spec("ziglang")
    if spec is not None and spec.origin is not None:
        for name in ("zig", "zig.exe"):
            path = Path(spec.origin).parent / name
            if path.is_file():
                return path
    raise ToolError("zig is not installed", hint="pip install ziglang")


@cache
def zig_version() -> str:
    """The version of the ``ziglang`` distribution; part of every key of what zig made."""
    try:
        return importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        raise ToolError("zig is not installed", hint="pip install ziglang") from None


def run_zig(arguments: Sequence[str], *, cache_dir: Path, directory: Path, what: str) -> None:
    """Runs ``zig ARGUMENTS...`` in `directory`, its own caches below `cache_dir`.

    `what` names the work in the error. Raises ToolError with the first line of complaint.
    """
    zig_cache = cache_dir.absolute() / "zig"
    environment = {
        **os.environ,
        "ZIG_GLOBAL_CACHE_DIR": str(zig_cache / "global"),
        "ZIG_LOCAL_CACHE_DIR": str(zig_cache / "local"),
        "NO_COLOR": "1",
    }
    try:
        done = subprocess.run(
            [str(zig_binary()), *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{what}: zig cannot be started: {error.strerror}") from None
    if done.returncode:
        raise ToolError(f"{what}: zig {arguments[0]}: {complaint(done.stdout, done.returncode)}")


def complaint(output: bytes, status: int) -> str:
    """The line of a tool's output that says most: the first that speaks of an error, else the first."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    return next((line for line in lines if "error" in line), lines[0])
