"""What waot makes for a machine without a system, linked with C code and run by qemu-user or on a board of qemu's."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import tools
from waot.targets import load_targets

HERE = Path(__file__).resolve().parent / "boards"
TIMEOUT = 120


@dataclass(frozen=True)
class Board:
    """`zig` are the flags of the C compiler; `machine` the system's emulator, None for a process of Linux."""

    zig: tuple[str, ...]
    machine: tuple[str, ...] | None = None
    script: str | None = None


BOARDS = {
    "x86_64-none": Board(("-target", "x86_64-freestanding-none", "-mno-red-zone")),
    "aarch64-none": Board(("-target", "aarch64-freestanding-none")),
    "riscv32-none": Board(
        ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        ("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-nographic", "-kernel"),
        "riscv32.ld",
    ),
    "thumbv7em-none": Board(
        ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
        (
            *("qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"),
            *("-chardev", "stdio,id=text", "-semihosting-config", "enable=on,target=native,chardev=text", "-kernel"),
        ),
        "thumb.ld",
    ),
}
TARGETS = tuple(name for name in BOARDS if name in load_targets())
each_target = pytest.mark.parametrize("target", TARGETS)


def runner(target: str) -> tuple[str, ...]:
    """The words before a program. Skips where the emulator is not there."""
    machine = BOARDS[target].machine
    if machine is None:
        try:
            return tools.runner(target)
        except tools.ToolMissing as missing:
            pytest.skip(str(missing))
    if shutil.which(machine[0]) is None:
        pytest.skip(f"{machine[0]} is not there: apt-get install qemu-system-arm qemu-system-misc")
    return machine


def link(
    target: str, directory: Path, sources: Sequence[Path], flags: Sequence[str] = (), *, library: bool = True
) -> Path:
    """The program of the C `sources`, the board's own and the library in `directory`, where the header is too."""
    board = BOARDS[target]
    objects = [str(_compiled(target, HERE / "board.c"))]
    out = directory / "program"
    command = [*tools.zig(), "cc", *board.zig, "-std=c11", "-O1", "-g0", "-fno-sanitize=all", "-fno-stack-protector"]
    command += ["-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib", "-static", f"-I{directory}", f"-I{HERE}"]
    command += [*flags, *map(str, sources), *objects, "-o", str(out)]
    command += [str(directory / "module.a")] if library else []
    command += [f"-Wl,-T,{HERE / board.script}"] if board.script else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    return out


@functools.cache
def _compiled(target: str, source: Path) -> Path:
    """`source` as an object, now or by an earlier run: the board does not change."""
    board = BOARDS[target]
    flags = [*board.zig, "-std=gnu11", "-O1", "-g0", "-fno-sanitize=all", "-fno-stack-protector", "-ffreestanding"]
    key = hashlib.sha256(repr(flags).encode() + source.read_bytes() + (HERE / "board.h").read_bytes()).hexdigest()
    place = tools.cache_directory() / "boards"
    place.mkdir(exist_ok=True)
    path = place / f"{target}-{key[:16]}.o"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=place) as work:
            made = Path(work, "board.o")
            subprocess.run(
                [*tools.zig(), "cc", *flags, "-Wall", "-Wextra", "-Werror", "-c", str(source), "-o", str(made)],
                check=True,
                timeout=TIMEOUT,
            )
            made.rename(path)
    return path


def run(target: str, program: Path) -> tuple[int, str]:
    """The status and what is written."""
    done = subprocess.run(
        [*runner(target), str(program)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")
