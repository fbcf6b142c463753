"""Programs with threads under wasmtime, whose Python package has no thread-spawn: it is made of its parts here.

Each thread is a Python thread with a store and an instance of its own, which share the memory. Descriptors are then not
shared, so this is for programs whose threads leave files alone.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import wasmtime
from wasmtime import _ffi

from tests.programs.harness import engine


class SharedMemory(wasmtime.SharedMemory):  # type: ignore[misc]
    """The package's own hands a pointer to a pointer over (version 50)."""

    def _as_extern(self) -> Any:
        union = _ffi.wasmtime_extern_union(sharedmemory=self.ptr())
        return _ffi.wasmtime_extern_t(_ffi.WASMTIME_EXTERN_SHAREDMEMORY, union)


def run_under_wasmtime(wasm: Path, arguments: Sequence[str] = ()) -> tuple[int, str]:
    """Exit status and standard output of the first thread; an error where one traps."""
    module = wasmtime.Module.from_file(engine(), str(wasm))
    (item,) = [item for item in module.imports if isinstance(item.type, wasmtime.MemoryType)]
    assert isinstance(item.type, wasmtime.MemoryType)
    memory = SharedMemory(engine(), item.type)
    numbers = itertools.count(1)
    failed: list[Exception] = []

    with tempfile.TemporaryDirectory(prefix="oracle-") as name:
        output = Path(name, "stdout")

        def instance() -> tuple[wasmtime.Store, wasmtime.Instance]:
            store = wasmtime.Store(engine())
            wasi = wasmtime.WasiConfig()
            wasi.argv = ["program", *arguments]
            wasi.stdout_file = str(output) if threading.current_thread() is threading.main_thread() else "/dev/null"
            store.set_wasi(wasi)
            linker = wasmtime.Linker(engine())
            linker.define_wasi()
            linker.define(store, item.module, item.name or "", memory)
            i32 = wasmtime.ValType.i32()
            linker.define_func("wasi", "thread-spawn", wasmtime.FuncType([i32], [i32]), spawn)
            return store, linker.instantiate(store, module)

        def body(number: int, argument: int) -> None:
            try:
                store, made = instance()
                start = made.exports(store)["wasi_thread_start"]
                assert isinstance(start, wasmtime.Func)
                start(store, number, argument)
            except Exception as error:
                failed.append(error)

        def spawn(argument: int) -> int:
            number = next(numbers)
            threading.Thread(target=body, args=(number, argument), daemon=True).start()
            return number

        store, made = instance()
        start = made.exports(store)["_start"]
        assert isinstance(start, wasmtime.Func)
        status = 0
        try:
            start(store)
        except wasmtime.ExitTrap as ended:
            status = ended.code
        store.close()
        assert not failed, failed
        return status, output.read_text()
