"""Random modules from binaryen's `wasm-opt --translate-to-fuzz`."""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

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
# Where there are fewer types, there is more of each.
_NUMERIC = ("simd", "relaxed-simd", "wide-arithmetic", "memory64", "multimemory")


def with_tail_calls(seed: str) -> bool:
    """Whether the module of a seed may have tail calls.

    All functions of a program have another calling convention where one of them has a tail call, so twenty modules in
    a row are of one kind.
    """
    number = seed.rpartition("-")[2]
    return not number.isdecimal() or int(number) // 20 % 3 == 2


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
    """A process that makes modules, some of them out of parts of `initial` ones. Use as a context manager."""

    def __init__(self, initial: Sequence[bytes] = ()) -> None:
        self.initial = initial

    def __enter__(self) -> Generator:
        self._directory = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[str] | None = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()
        self._directory.cleanup()

    def _start(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                ["node", str(HERE / "generate.js"), str(wasm_opt())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def module(self, seed: str) -> bytes:
        """The module of a seed; the same for every run with the same binaryen and the same proposals supported.

        Raises RuntimeError where wasm-opt fails.
        """
        number = random.Random(f"module {seed}")
        source = number.randbytes(number.choice((1000, 2000, 4000, 8000, 16_000, 32_000)))
        kind = number.random()
        if kind < 0.4:
            features = list(_FEATURES)
        elif kind < 0.7:
            features = [feature for feature in _FEATURES if number.random() < 0.5]
        else:
            features = [feature for feature in _NUMERIC if number.random() < 0.8]
        words = []
        if self.initial and number.random() < 0.3:
            features = list(_FEATURES)
            initial = Path(self._directory.name, "initial.wasm")
            initial.write_bytes(number.choice(self.initial))
            words.append(f"--initial-fuzz={initial}")
        if not with_tail_calls(seed):
            features = [feature for feature in features if feature != "tail-call"]
        # NaN bits are the engine's choice, so a module turns every NaN into 0 before anything can depend on it.
        words += ["--translate-to-fuzz", "--denan", *_enabled(features)]
        if number.random() < 0.85:  # otherwise they are those of before
            words.append("--emit-exnref")
        if number.random() < 0.5:  # otherwise most of what runs ends in a trap soon
            words.append("--no-fuzz-oob")
        if number.random() < 0.25:
            words.append("--fuzz-passes")
        return self._run(source, words)

    def optimize(self, wasm: bytes, words: list[str]) -> bytes:
        """What wasm-opt makes of a module. Raises RuntimeError."""
        return self._run(wasm, [*_enabled(_FEATURES), *words])

    def _run(self, source_: bytes, words: list[str]) -> bytes:
        source, made = Path(self._directory.name, "source"), Path(self._directory.name, "made")
        source.write_bytes(source_)
        made.unlink(missing_ok=True)
        words = [*words, str(source), "-o", str(made)]
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(words)}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            self._stop()
        if answer != "ok\n" or not made.exists():
            raise RuntimeError(f"wasm-opt {' '.join(words)}: {answer or 'died'}")
        return made.read_bytes()


def _enabled(features: Iterable[str]) -> list[str]:
    ours = [feature for feature in features if _FEATURES[feature] in SUPPORTED_PROPOSALS]
    return ["--mvp-features", *(f"--enable-{feature}" for feature in (*_ALWAYS, *ours))]
