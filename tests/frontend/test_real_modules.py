"""Modules that real compilers made: accepted as wasmtime accepts them, both loops agree, bodies keep their promises."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tools
from tests.frontend.checker import check_body
from tests.frontend.comparing import facts_plainly, validate_both_ways
from waot.errors import WaotError
from waot.frontend import collect_facts, decode_module
from waot.frontend.inspect import inspect_module
from waot.frontend.module import Facts

wasmtime = pytest.importorskip("wasmtime")

_PROGRAMS = Path(__file__).resolve().parents[1] / "programs"


def _module(get: Callable[[], Path]) -> bytes:
    try:
        return get().read_bytes()
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))


def _program(path: str, *flags: str) -> bytes:
    return _module(lambda: tools.compile_to_wasm(_PROGRAMS / path, flags or None))


def _check(source: bytes) -> None:
    config = wasmtime.Config()
    config.wasm_tail_call = True
    wasmtime.Module.validate(wasmtime.Engine(config), source)
    decoded = decode_module(source)
    plain = Facts()
    indices = range(decoded.imported_func_count, len(decoded.funcs))
    for index in indices:
        check_body(decoded, validate_both_ways(decoded, index))
        plain.merge(facts_plainly(decoded, index))
    assert collect_facts(decoded, indices) == plain
    info = inspect_module(decoded)
    assert (info.functions, info.operators) == (len(indices), sum(plain.sizes.values()))


@pytest.mark.parametrize(
    ("path", "flags"),
    [("hello.c", ()), ("simd.c", ("-O2", "-msimd128")), ("tail_calls.c", ("-O2", "-mtail-call"))],
)
def test_a_c_program_is_taken_as_wasmtime_takes_it(path: str, flags: tuple[str, ...]) -> None:
    _check(_program(f"c/{path}", *flags))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["cpp/containers.cpp", "rust/collections.rs", "go/features.go", "zig/collections.zig"])
def test_a_program_of_another_language_is_taken_as_wasmtime_takes_it(path: str) -> None:
    _check(_program(path))


@pytest.mark.slow
def test_python_is_taken_as_wasmtime_takes_it() -> None:
    _check(_module(tools.python_wasm))


_PEAK = """
import sys
from waot.frontend import collect_facts, decode_module
with open(sys.argv[1], "rb") as file:
    module = decode_module(file.read())
collect_facts(module, range(module.imported_func_count, len(module.funcs)))
with open("/proc/self/status") as file:
    print(next(line.split()[1] for line in file if line.startswith("VmHWM:")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_the_front_end_takes_less_than_ten_times_the_size_of_python() -> None:
    source = _module(tools.python_wasm)
    path = str(tools.python_wasm())
    found = subprocess.run(
        [sys.executable, "-c", _PEAK, path], cwd=tools.ROOT, capture_output=True, text=True, check=True
    )
    assert int(found.stdout) * 1024 < 10 * len(source)


def test_every_byte_of_a_c_program_may_be_the_last() -> None:
    source = _program("c/hello.c")
    ends = {end for _, _, end in decode_module(source).sections} | {8}
    for size in [*range(200), *range(200, len(source), 97)]:
        try:
            decode_module(source[:size])
        except WaotError:
            continue
        assert size in ends
