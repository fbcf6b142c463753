"""A guest that a test drives call by call, as in tests/wasi/guest.py: the shim for Windows, under Wine.

It is linked as every program is, with guest.c in place of the shim's `waot_main`.
"""

from __future__ import annotations

import functools
import io
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from tests import tools
from tests.runtime.programs import function, manifest, module, runtime
from tests.wasi.guest import NativeGuest, native_functions, record, wasi_calls
from waot.codegen import make_codegen_options
from waot.codegen.llvm import compile_unit
from waot.linker import link_executable
from waot.linker.runtime import format_flags, include_flags, machine_flags
from waot.lowering.abi import AUTHORITY_RUN_TIME
from waot.options import Cpu
from waot.resources import runtime_support_dir
from waot.targets import find_target
from waot.zig import run_zig

TARGETS = ("x86_64-windows", "i686-windows")


@functools.cache
def program(name_of_target: str) -> bytes:
    """The guest's executable."""
    target = find_target(name_of_target)
    shim = runtime(name_of_target)
    root = runtime_support_dir()
    cache = tools.cache_directory() / "runtime"
    flags = [*machine_flags(target), *format_flags(target), "-std=c11", "-O2", "-g0", "-I."]
    flags += ["-fno-sanitize=all", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror"]
    flags += [f"-I{tools.ROOT}", *include_flags(root, target.runtime)]
    source = Path(__file__).with_name("guest.c")
    keep = {f"waot_wasi_{function.name}" for function in native_functions()} | {"waot_wasi_start"}
    text = module(target, target.memory_default, function(0, "void ()", "  ret void"))
    # What is granted is not known before it runs.
    may = f"@waot_authority = constant i32 {AUTHORITY_RUN_TIME}\n"
    assert may in text
    unit = compile_unit(
        text.replace(may, "@waot_authority = constant i32 -1\n"),
        shim.bitcode,
        frozenset({*shim.entry_points, *keep}),
        make_codegen_options(target, Cpu(), "1", "exe"),
    )
    with tempfile.TemporaryDirectory() as name:
        Path(name, "wasi_calls.h").write_text(wasi_calls())
        run_zig(
            ["cc", *flags, "-I.", "-c", str(source), "-o", "guest.o"],
            cache_dir=cache,
            directory=Path(name),
            what="compiling guest.c",
        )
        return link_executable(
            [unit],
            target=target,
            memory=target.memory_default,
            runtime=replace(shim, objects=(*shim.objects, Path(name, "guest.o"))),
            manifest=manifest(target, target.memory_default),
            cache_dir=cache,
        )


class WindowsGuest(NativeGuest):
    """A process of the guest. What needs Linux' system calls it has not."""

    def __init__(
        self,
        directory: Path,
        target: str,
        *,
        records: Sequence[bytes] = (),
        environment: dict[str, str] | None = None,
        stderr: int | None = None,
    ) -> None:
        path = directory / "guest.exe"
        path.write_bytes(program(target))
        self.process = subprocess.Popen(
            [*tools.runner(target), str(path)],
            env=dict(environment or {}),
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._orders = cast(io.FileIO, self.process.stdin)
        self._answers = cast(io.FileIO, self.process.stdout)
        self._order = "<"
        self._end = threading.Timer(60, self.process.kill)  # a call that never comes back
        self._end.start()
        self._begin(b"".join([*records, record(0, b"")]), b"")

    def close(self) -> None:
        self._end.cancel()
        super().close()
