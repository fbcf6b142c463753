"""Runs the official test programs of WASI preview 1 as native programs.

They are published at github.com/WebAssembly/wasi-testsuite, branch prod/testsuite-base, compiled, with a JSON file of
expectations beside those that have any; nothing of them is in this project. DIRECTORY is a copy of that branch, or any
part of it with `.wasm` files in folders called wasm32-wasip1.

Each program is built with waot -O1, its root directory copied to a temporary one and granted as `/`, and run twice for
each target: as the kernel resolves paths, and walking by ourselves (WAOT_FORCE_WALK).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import tools
from waot import api
from waot.options import EnvGrant

TARGETS = ("x86_64-linux", "aarch64-linux")
MORE_TARGETS = ("x86_64-macos", "aarch64-macos", "x86_64-windows", "aarch64-windows")  # only where asked for
WAYS = ("openat2", "walk")
FOLDER = "wasm32-wasip1"
TIMEOUT = 60  # seconds for one run


@dataclass(frozen=True)
class Case:
    """A program and its expectations, as the suite's doc/specification.md defines them (the form without operations,
    which all of preview 1's have). What `stdout` and `stderr` do not say is not checked."""

    wasm: Path
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    root: str | None  # a directory beside the program
    exit_code: int
    stdout: str | None
    stderr: str | None

    @property
    def suite(self) -> str:
        """The language that the program was written in: the suite has a folder for each."""
        parts = self.wasm.parts
        return parts[parts.index(FOLDER) - 2] if parts.index(FOLDER) >= 2 else FOLDER

    @property
    def name(self) -> str:
        return f"{self.suite}/{self.wasm.stem}"


def load(wasm: Path) -> Case:
    """The program `wasm` with what the JSON file beside it says. Raises ValueError for one that says anything else."""
    file = wasm.with_suffix(".json")
    said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    case = Case(
        wasm,
        args=tuple(said.pop("args", ())),
        env=tuple(said.pop("env", {}).items()),
        root=said.pop("root", None),
        exit_code=said.pop("exit_code", 0),
        stdout=said.pop("stdout", None),
        stderr=said.pop("stderr", None),
    )
    if said:
        raise ValueError(f"{file}: {', '.join(said)} is not known here")
    return case


def discover(directory: Path) -> list[Case]:
    """Every preview 1 program below `directory`."""
    return [load(wasm) for wasm in sorted(directory.resolve().rglob(f"{FOLDER}/*.wasm"))]


def build(case: Case, target: str, output: Path) -> None:
    """Builds the program for `target`, with its root granted as `root` of the directory that it is started in.

    Raises WaotError."""
    api.build(
        case.wasm,
        output,
        [target],
        opt_level="1",
        jobs=1,
        dirs=["root::/"] if case.root else [],
        env=[EnvGrant(*variable) for variable in case.env],
    )


def check(case: Case, program: Path, target: str, way: str) -> str | None:
    """Runs the program on a fresh copy of its root: what is wrong, or None."""
    with tempfile.TemporaryDirectory(prefix="waot-wasi-") as scratch:
        if case.root:
            shutil.copytree(case.wasm.parent / case.root, Path(scratch, "root"), symlinks=True)
        try:
            done = subprocess.run(
                [*tools.runner(target), str(program), *case.args],
                cwd=scratch,
                env={"WAOT_FORCE_WALK": "1"} if way == "walk" else {},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"did not end within {TIMEOUT} s"
    if done.returncode != case.exit_code:
        told = done.stderr.decode(errors="replace").strip()
        return f"status {done.returncode} instead of {case.exit_code}: {told}"
    for stream in ("stdout", "stderr"):
        expected: str | None = getattr(case, stream)
        if expected is not None and getattr(done, stream) != expected.encode():
            return f"{stream} is {getattr(done, stream)!r} instead of {expected!r}"
    return None


Results = dict[tuple[str, str, str, str], str | None]  # program's suite and name, target, way: what is wrong


def run(cases: list[Case], targets: list[str], jobs: int, told: Callable[[str], None]) -> Results:
    """Builds and runs everything; `told` is called with a line for each failure."""

    def one(case: Case, target: str) -> Iterator[tuple[tuple[str, str, str, str], str | None]]:
        with tempfile.TemporaryDirectory(prefix="waot-wasi-") as scratch:
            program = Path(scratch, case.wasm.stem)
            build(case, target, program)
            for way in WAYS if target in TARGETS else WAYS[1:]:  # others always walk
                wrong = check(case, program, target, way)
                if wrong is not None:
                    told(f"{case.name} on {target} by {way}: {wrong}")
                yield (case.suite, case.name, target, way), wrong

    results: Results = {}
    with ThreadPoolExecutor(jobs) as pool:
        pairs = [(case, target) for case in cases for target in targets]
        for found in pool.map(lambda pair: list(one(*pair)), pairs):
            results.update(found)
    return results


def table(results: Results) -> str:
    """Passed of all, a row for each of the suite's languages and a column for each target and way, in Markdown."""
    columns = list(dict.fromkeys((target, way) for _, _, target, way in results))
    suites = sorted({suite for suite, _, _, _ in results})
    lines = ["| programs | " + " | ".join(f"{t}, {w}" for t, w in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for suite in [*suites, "all"]:
        cells = []
        for column in columns:
            wrong = [w for (s, _, *key), w in results.items() if tuple(key) == column and suite in (s, "all")]
            cells.append(f"{wrong.count(None)} of {len(wrong)}")
        lines.append(f"| {suite} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """The command line: `python -m tests.wasi.official --help`."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.wasi.official",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="where the programs are")
    choices = [*TARGETS, *MORE_TARGETS]
    parser.add_argument("--target", action="append", choices=choices, help="only this one; may be given again")
    parser.add_argument("--jobs", type=int, default=2, help="programs at a time (default: 2)")
    options = parser.parse_args()
    cases = discover(options.directory)
    if not cases:
        print(f"no programs in folders called {FOLDER} below {options.directory}", file=sys.stderr)
        return 2
    results = run(cases, options.target or list(TARGETS), options.jobs, lambda line: print(line, flush=True))
    print(table(results))
    return 1 if any(results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
