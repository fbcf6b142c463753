"""Runs a module that wasmtime has compiled: `under_wasmtime.py [--time] MODULE.cwasm [HOST::GUEST]... -- ARGUMENTS`.

With --time it tells at the end the seconds from reading the compiled file to the end of the program.
"""

from __future__ import annotations

import sys
import time

import wasmtime


def compile_ahead(wasm: str, output: str) -> None:
    """Writes what wasmtime compiles `wasm` to, so that only running it is measured."""
    module = wasmtime.Module.from_file(wasmtime.Engine(), wasm)
    with open(output, "wb") as file:
        file.write(module.serialize())


def main(arguments: list[str]) -> int:
    timed = arguments[0] == "--time"
    arguments = arguments[timed:]
    started = time.perf_counter()
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
    status = 0
    try:
        start(store)
    except wasmtime.ExitTrap as ended:
        status = int(ended.code)
    if timed:
        print(f"seconds {time.perf_counter() - started:.9f}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
