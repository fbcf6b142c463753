"""Runs a module natively and under wasmtime, without arguments and input."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import wasmtime

from tests import tools
from tests.programs.harness import engine
from waot import api

TIMEOUT = 120  # seconds


class Outcome(NamedTuple):
    """How a program ended."""

    status: int
    stdout: bytes
    stderr: str


def natively(wasm: bytes, directory: Path, level: str, target: str = "x86_64-linux", **options: Any) -> Outcome:
    """What the program does that waot makes of `wasm`; `options` are those of `api.build`."""
    source, program = directory / "m.wasm", directory / "m"
    source.write_bytes(wasm)
    api.build(source, program, [target], opt_level=level, jobs=1, **options)
    try:
        words = [*tools.runner(target), str(program)]
    except tools.ToolMissing as missing:
        pytest.skip(str(missing))
    done = subprocess.run(words, capture_output=True, timeout=TIMEOUT, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr.decode())


def under_wasmtime(wasm: bytes) -> Outcome:
    """What wasmtime does with it; a trap is the caller's to know of."""
    linker, store = wasmtime.Linker(engine()), wasmtime.Store(engine())
    linker.define_wasi()
    wasi = wasmtime.WasiConfig()
    with tempfile.TemporaryDirectory() as directory:
        wasi.stdout_file = str(Path(directory) / "out")
        store.set_wasi(wasi)
        instance = linker.instantiate(store, wasmtime.Module(engine(), wasm))
        start = instance.exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        status = 0
        try:
            start(store)
        except wasmtime.ExitTrap as end:
            status = int(end.code)
        return Outcome(status, (Path(directory) / "out").read_bytes(), "")
