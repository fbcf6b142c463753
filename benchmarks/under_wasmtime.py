"""Runs a module that wasmtime has compiled: `under_wasmtime.py MODULE.cwasm [HOST::GUEST]... -- ARGUMENTS`."""

from __future__ import annotations

import sys

import wasmtime


def compile_ahead(wasm: str, output: str) -> None:
    """Writes what wasmtime compiles `wasm` to, so that only running it is measured."""
    module = wasmtime.Module.from_file(wasmtime.Engine(), wasm)
    with open(output, "wb") as file:
        file.write(module.serialize())


def main(arguments: list[str]) -> int:
    split = arguments.index("--")
    compiled, *directories = arguments[:split]
    engine = wasmtime.Engine()
    wasi = wasmtime.WasiConfig()
    wasi.inherit_stdin()
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    wasi.argv = ["program", *arguments[split + 1 :]]
    for grant in directories:
        host, _, guest = grant.partition("::")
        wasi.preopen_dir(host, guest)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    module = wasmtime.Module.deserialize_file(engine, compiled)
    start = linker.instantiate(store, module).exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    try:
        start(store)
    except wasmtime.ExitTrap as ended:
        return int(ended.code)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
