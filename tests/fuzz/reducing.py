"""Makes a module smaller that is not compiled right, as long as the same goes wrong with it.

Exports go first, then whole bodies become `unreachable`, then pieces of what is left of them are replaced by little or
nothing; what is not referred to any more is swept up by wasm-opt. Every candidate is valid, and runs under wasmtime.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import wasmtime

from tests.frontend.building import END, op, s, section, u, vec
from tests.fuzz.assembling import leb, sections
from tests.fuzz.comparing import Build, Case, Report, Skipped, compare_cases, make_case
from tests.fuzz.generating import Generator
from tests.fuzz.processes import perform
from waot.errors import WaotError
from waot.frontend import collect_facts, decode_module, validate_function

SECONDS = 60.0  # for one candidate

_UNREACHABLE = b"\0" + op("unreachable") + END
# What may stand in the place of a piece of code.
_LITTLE = (
    b"",
    op("unreachable"),
    op("drop"),
    op("drop") * 2,
    op("i32.const", s(0)),
    op("i64.const", s(0)),
    op("f32.const", bytes(4)),
    op("f64.const", bytes(8)),
    op("v128.const", bytes(16)),
    op("drop") + op("i32.const", s(0)),
    op("drop") + op("i64.const", s(0)),
)
_SWEEP = ("--remove-unused-module-elements", "--remove-unused-types", "--vacuum", "--remove-unused-names")

Task = tuple[str, bytes, Build]


def difference(task: Task) -> str | None:
    """What is wrong with the module of a task, without what changes from one module to the next."""
    seed, wasm, configuration = task
    try:
        case: Case = make_case(seed, wasm)
    except (Skipped, WaotError, IndexError):
        return None
    report = Report()
    compare_cases([case], configuration, report)
    if not report.differences:
        return None
    what = report.differences[0].what.partition(": ")[2]
    return re.sub(r"\b(0x)?[0-9a-f]{8,}\b|\d+", "N", what.partition(" (")[0])[:120]


def _difference_in_process(task: Task) -> str | None:
    (ended,) = perform(difference, [task], 1, SECONDS)
    return ended.failure.strip().splitlines()[-1] if ended.failure else ended.result


class _Reducer:
    def __init__(self, seed: str, configuration: Build, say: Callable[[str], None]) -> None:
        self.seed = seed
        self.configuration = configuration
        self.say = say

    def what(self, wasm: bytes) -> str | None:
        return _difference_in_process((self.seed, wasm, self.configuration))

    def reduce(self, wasm: bytes, seconds: float) -> bytes:
        self.end = time.monotonic() + seconds
        wanted = self.what(wasm)
        if wanted is None:
            raise ValueError(f"there is no difference in {self.seed} with {self.configuration}")
        self.wanted = wanted
        size = len(wasm) + 1
        while len(wasm) < size and time.monotonic() < self.end:
            size = len(wasm)
            for step in (self._exports, self._bodies, self._code, self._sweep):
                wasm = step(wasm)
                self.say(f"{step.__name__[1:]}: {len(wasm)} bytes")
        return wasm

    def holds(self, wasm: bytes) -> bool:
        """Whether the same is wrong with a candidate."""
        if time.monotonic() > self.end or not _is_valid(wasm):
            return False
        return self.what(wasm) == self.wanted

    def _fewer(self, items: list[bytes], make: Callable[[list[bytes]], bytes]) -> list[bytes]:
        """As few of `items` as will do: pieces are left out, ever smaller ones."""
        size = (len(items) + 1) // 2
        while size:
            at = 0
            while at < len(items):
                fewer = items[:at] + items[at + size :]
                if self.holds(make(fewer)):
                    items = fewer
                else:
                    at += size
            size //= 2
        return items

    def _exports(self, wasm: bytes) -> bytes:
        def make(items: list[bytes]) -> bytes:
            return _with_section(wasm, 7, vec(items))

        return make(self._fewer(_exports(wasm), make))

    def _bodies(self, wasm: bytes) -> bytes:
        bodies = _bodies(wasm)
        real = [index for index, body in enumerate(bodies) if body != _UNREACHABLE]

        def make(kept: list[bytes]) -> bytes:
            indices = {int.from_bytes(index, "little") for index in kept}
            return _with_bodies(wasm, [b if i in indices else _UNREACHABLE for i, b in enumerate(bodies)])

        return make(self._fewer([index.to_bytes(4, "little") for index in real], make))

    def _code(self, wasm: bytes) -> bytes:
        for index, body in enumerate(_bodies(wasm)):
            if body != _UNREACHABLE:
                wasm = self._body(wasm, index)
        return wasm

    def _body(self, wasm: bytes, index: int) -> bytes:
        size = max(1, len(_operators(wasm, index)) // 2)
        while size and time.monotonic() < self.end:
            at = 0
            while True:
                places = _operators(wasm, index)
                if at >= len(places) - 1:
                    break
                start, end = places[at], places[min(at + size, len(places) - 1)]
                smaller = next((c for c in self._candidates(wasm, index, start, end) if self.holds(c)), None)
                if smaller is None:
                    at += size
                else:
                    wasm = smaller
            size //= 2
        return wasm

    @staticmethod
    def _candidates(wasm: bytes, index: int, start: int, end: int) -> Iterator[bytes]:
        bodies = _bodies(wasm)
        body = bodies[index]
        for little in _LITTLE:
            if len(little) < end - start or (len(little) == end - start == 1 and little > body[start:end]):
                bodies[index] = body[:start] + little + body[end:]
                candidate = _with_bodies(wasm, bodies)
                if _is_valid(candidate):
                    yield candidate

    def _sweep(self, wasm: bytes) -> bytes:
        with Generator() as generator:
            for flag in _SWEEP:
                try:
                    swept = generator.optimize(wasm, [flag])
                except RuntimeError:
                    continue
                if len(swept) < len(wasm) and self.holds(swept):
                    wasm = swept
        return wasm


def reduce(seed: str, wasm: bytes, configuration: Build, seconds: float, say: Callable[[str], None]) -> bytes:
    """A smaller module with which the same goes wrong; stops after about that time. ValueError if nothing does."""
    return _Reducer(seed, configuration, say).reduce(wasm, seconds)


def save(seed: str, wasm: bytes, configuration: Build, directory: Path) -> Path:
    """Writes a regression test: as text if the difference is still there when that is read."""
    task = seed, wasm, configuration
    what = _difference_in_process(task)
    directory.mkdir(exist_ok=True)
    path = directory / f"{seed}.wasm"
    with Generator() as generator:
        try:
            text = f";; {configuration}: {what}\n{generator.optimize(wasm, ['-S']).decode()}"
            again = bytes(wasmtime.wat2wasm(text))
        except (RuntimeError, wasmtime.WasmtimeError):
            again = b""
    if again and _difference_in_process((seed, again, configuration)) == what:
        path = path.with_suffix(".wat")
        path.write_text(text)
    else:
        path.write_bytes(wasm)
    return path


def read_module(path: Path) -> bytes:
    """A module from its binary or its text."""
    return path.read_bytes() if path.suffix == ".wasm" else bytes(wasmtime.wat2wasm(path.read_text()))


# --------------------------------------------------------------------------------------------------------------- bytes


def _is_valid(wasm: bytes) -> bool:
    try:
        module = decode_module(wasm)
        collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    except (WaotError, IndexError):
        return False
    return True


def _with_section(wasm: bytes, number: int, contents: bytes) -> bytes:
    out = wasm[:8]
    for each, start, end in sections(wasm):
        out += section(each, contents if each == number else wasm[start:end])
    return out


def _contents(wasm: bytes, number: int) -> bytes:
    return next((wasm[start:end] for each, start, end in sections(wasm) if each == number), b"\0")


def _exports(wasm: bytes) -> list[bytes]:
    contents = _contents(wasm, 7)
    count, at = leb(contents, 0)
    found = []
    for _ in range(count):
        start = at
        size, at = leb(contents, at)
        _, at = leb(contents, at + size + 1)
        found.append(contents[start:at])
    return found


def _bodies(wasm: bytes) -> list[bytes]:
    contents = _contents(wasm, 10)
    count, at = leb(contents, 0)
    found = []
    for _ in range(count):
        size, at = leb(contents, at)
        found.append(contents[at : at + size])
        at += size
    return found


def _with_bodies(wasm: bytes, bodies: Sequence[bytes]) -> bytes:
    return _with_section(wasm, 10, vec([u(len(body)) + body for body in bodies]))


def _operators(wasm: bytes, index: int) -> list[int]:
    """Where the operators of a body start that can be reached, in the body; the last one is its `end`."""
    module = decode_module(wasm)
    start = module.codes[index].start
    body = validate_function(module, module.imported_func_count + index)
    places = sorted({offset - start for _, _, offset in body.code})
    assert all(a < b for a, b in pairwise(places))
    return places
