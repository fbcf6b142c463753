"""Modules that others are made of: those of the official suite, and compiled programs that the tests have left."""

from __future__ import annotations

import functools
import hashlib
import struct
from pathlib import Path

import wasmtime

from tests import tools
from tests.fuzz.mutating import MOST_BYTES
from tests.spec import wast
from tests.spec.suite import SUITE
from waot.errors import WaotError
from waot.frontend import decode_module, validate_function

_MOST_BYTES = 3000  # of a module of the suite


@functools.cache
def corpus() -> tuple[bytes, ...]:
    """All of them; malformed and invalid ones too, as far as they are there in binary."""
    scripts = sorted(SUITE.rglob("*.wast"))
    key = hashlib.sha256(Path(__file__).read_bytes())
    for path in scripts:
        key.update(path.read_bytes())
    directory = tools.cache_directory() / "fuzz"
    directory.mkdir(exist_ok=True)
    kept = directory / f"corpus-{key.hexdigest()[:16]}"
    if kept.exists():
        data = kept.read_bytes()
    else:
        found = {module for path in scripts for module in _modules(path) if len(module) <= _MOST_BYTES}
        data = b"".join(struct.pack("<I", len(module)) + module for module in sorted(found))
        kept.write_bytes(data)
    small = []
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        small.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    programs = sorted((tools.cache_directory() / "programs").glob("*.wasm"))
    real = [path.read_bytes() for path in programs if path.stat().st_size <= MOST_BYTES]
    return (*small, *real)


def _modules(script: Path) -> list[bytes]:
    found: list[bytes] = []
    for command in wast.read_script(script.read_bytes()):
        source = command.module if isinstance(command, wast.ModuleCommand | wast.Assertion) else None
        if source is None:
            continue
        try:
            found.append(source.to_binary())
        except (wasmtime.WasmtimeError, UnicodeDecodeError, wast.WastError):
            continue
    return found


@functools.cache
def valid() -> tuple[bytes, ...]:
    """Those that are accepted."""
    return tuple(module for module in corpus() if verdict(module) == "Module")


def verdict(source: bytes) -> str:
    """The class of the error that a module is refused with, or "Module"."""
    try:
        module = decode_module(source)
        for index in range(module.imported_func_count, len(module.funcs)):
            validate_function(module, index)
    except WaotError as error:
        if "\n" in str(error):
            raise AssertionError("an error of more than one line") from error
        return type(error).__name__
    return "Module"
