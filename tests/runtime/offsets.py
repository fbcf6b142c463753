"""Where wasmtime says that a program traps."""

from __future__ import annotations

import pytest
import wasmtime


def offsets_by_wasmtime(module: bytes, arguments: int) -> list[int]:
    """The offset in `module` of each frame of the trap that it ends with when called with so many arguments.

    The innermost first. Ours has one frame for what is inlined.
    """
    store = wasmtime.Store()
    wasi = wasmtime.WasiConfig()
    wasi.argv = ["program", *["x"] * arguments]
    store.set_wasi(wasi)
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    start = linker.instantiate(store, wasmtime.Module(store.engine, module)).exports(store)["_start"]
    assert isinstance(start, wasmtime.Func)
    with pytest.raises(wasmtime.Trap) as caught:
        start(store)
    return [frame.module_offset for frame in caught.value.frames]
