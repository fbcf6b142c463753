"""Random modules from binaryen's `wasm-opt --translate-to-fuzz`."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO

from tests import tools
from tests.tools import ToolMissing
from waot.frontend.opcodes import SUPPORTED_PROPOSALS

HERE = Path(__file__).resolve().parent

# binaryen's features, and the proposal that each is about. All others are off, or of no consequence.
_ALWAYS = (
    "mutable-globals",
    "sign-ext",
    "nontrapping-float-to-int",
    "bulk-memory",
    "bulk-memory-opt",
    "call-indirect-overlong",
    "reference-types",
    "multivalue",
)
_FEATURES = {
    "simd": "simd",
    "tail-call": "tail-call",
    "extended-const": "extended-const",
    "exception-handling": "exception-handling",
    "gc": "gc",
    "memory64": "memory64",
    "multimemory": "multi-memory",
    "relaxed-simd": "relaxed-simd",
    "threads": "threads",
    "custom-page-sizes": "custom-page-sizes",
    "wide-arithmetic": "wide-arithmetic",
}


@functools.cache
def wasm_opt() -> Path:
    """binaryen's wasm-opt for node, from npm."""
    place = tools.cache_directory() / "binaryen/package/bin/wasm-opt"
    if "WAOT_BINARYEN" in os.environ:
        place = Path(os.environ["WAOT_BINARYEN"], "bin/wasm-opt")
    if not place.is_file():
        raise ToolMissing("binaryen is not there: scripts/install-test-tools.sh fetches it")
    if not shutil.which("node"):
        raise ToolMissing("node is not there: apt-get install nodejs")
    return place


class Generator:
    """A process that makes modules. Use as a context manager."""

    def __enter__(self) -> Generator:
        self._directory = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            ["node", str(HERE / "generate.js"), str(wasm_opt())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()
        self._process.wait()
        self._pipe(self._process.stdout).close()
        self._directory.cleanup()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def module(self, seed: str) -> bytes:
        """The module of a seed; the same for every run with the same binaryen and the same proposals supported.

        Raises RuntimeError where wasm-opt fails.
        """
        number = random.Random(f"module {seed}")
        source = number.randbytes(number.choice((500, 1000, 2000, 4000, 8000)))
        return self._run(source, ["--translate-to-fuzz", *_flags(number)])

    def optimize(self, wasm: bytes, words: list[str]) -> bytes:
        """What wasm-opt makes of a module. Raises RuntimeError."""
        return self._run(wasm, [*_enabled(_FEATURES), *words])

    def _run(self, source_: bytes, words: list[str]) -> bytes:
        source, made = Path(self._directory.name, "source"), Path(self._directory.name, "made")
        source.write_bytes(source_)
        made.unlink(missing_ok=True)
        words = [*words, str(source), "-o", str(made)]
        stdin = self._pipe(self._process.stdin)
        stdin.write(f"{json.dumps(words)}\n")
        stdin.flush()
        answer = self._pipe(self._process.stdout).readline()
        if answer != "ok\n" or not made.exists():
            raise RuntimeError(f"wasm-opt {' '.join(words)}: {answer}")
        return made.read_bytes()


def _enabled(features: Iterable[str]) -> list[str]:
    return ["--mvp-features", *(f"--enable-{feature}" for feature in (*_ALWAYS, *features))]


def _flags(number: random.Random) -> list[str]:
    wanted = [feature for feature in _FEATURES if number.random() < 0.75]
    # NaN bits are the engine's choice, so a module turns every NaN into 0 before anything can depend on it.
    flags = ["--denan", "--emit-exnref", *_enabled(f for f in wanted if _FEATURES[f] in SUPPORTED_PROPOSALS)]
    if number.random() < 0.5:  # otherwise most of what runs ends in a trap soon
        flags.append("--no-fuzz-oob")
    if number.random() < 0.25:
        flags.append("--fuzz-passes")
    return flags
