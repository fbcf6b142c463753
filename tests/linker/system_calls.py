"""The numbers of system calls in the headers of zig's musl: not ours."""

from __future__ import annotations

import functools
import re
import subprocess

from tests import tools


@functools.cache
def header_numbers(arch: str) -> dict[str, int]:
    """Number by name for ``<arch>-linux``."""
    abi = "musleabihf" if arch == "arm" else "musl"
    command = [*tools.zig(), "cc", "-target", f"{arch}-linux-{abi}", "-E", "-dM", "-x", "c", "-"]
    done = subprocess.run(command, input="#include <sys/syscall.h>\n", capture_output=True, text=True, check=True)
    found = {name: int(number) for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", done.stdout, re.MULTILINE)}
    assert len(found) > 200, done.stdout[:200]
    return found
