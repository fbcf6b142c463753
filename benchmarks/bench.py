"""What a run of the benchmarks knows: where it works, how thorough it is, and how it builds with waot."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Process, run
from tests import tools

PROGRAMS = Path(__file__).resolve().parent / "programs"
HOST = "x86_64-linux"


@dataclass(frozen=True)
class Bench:
    """The settings of a run, and `say`, which tells what is going on."""

    directory: Path  # for what is of no use to another run
    quick: bool
    say: Callable[[str], None]
    rounds: int = 7
    opt: str = "2"  # waot's default level
    processor_time: bool = False  # compare that of whole runs, not what the programs say
    cpu: str = "x86-64-v2"  # the baseline of waot's target; what is native is compiled for the same

    def repeats(self, usual: int, quick: int) -> int:
        return quick if self.quick else usual

    def waot(self, *arguments: str | Path, cache: Path | None = None) -> Process:
        """One `waot` command in a process of its own, with a cache of the benchmarks' own or the one given."""
        environment = dict(
            os.environ, WAOT_CACHE_DIR=str(cache or kept_directory() / "waot"), PYTHONPATH=str(tools.ROOT)
        )
        command = [sys.executable, "-m", "waot", *map(str, arguments)]
        return run(command, environment, quiet=True)[0]

    def build(self, wasm: Path, name: str, *options: str) -> Path:
        """The executable that `waot build` makes of `wasm`, at this run's level unless the options say another."""
        output = self.directory / name
        level = () if any(option.startswith("-O") for option in options) else (f"-O{self.opt}",)
        self.waot("build", wasm, "-o", output, "--target", HOST, "--cpu", self.cpu, *level, *options)
        return output


def kept_directory() -> Path:
    """Where what peers and waot made of the programs is kept for the next run, by the hash of all that went in."""
    directory = tools.cache_directory() / "bench"
    directory.mkdir(exist_ok=True)
    return directory
