"""The guest of tests/wasi/guest.py as a macOS program: the shim for a macOS target, driven call by call."""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests import tools
from tests.runtime.programs import function, manifest, module, runtime
from tests.wasi.guest import NativeGuest, record, wasi_calls
from waot.codegen import make_codegen_options
from waot.codegen.llvm import compile_unit
from waot.linker import link_executable
from waot.linker.objects import undefined_symbols
from waot.linker.runtime import machine_flags
from waot.options import Cpu
from waot.targets import find_target
from waot.zig import run_zig

SOURCE = Path(__file__).with_name("guest.c")
FLAGS = ["-std=c11", "-O1", "-g0", "-fPIE", "-fvisibility=hidden", "-fno-stack-protector", "-fno-sanitize=all"]
FLAGS += ["-Wall", "-Wextra", "-Werror", f"-I{tools.ROOT / 'runtime-support'}", f"-I{tools.ROOT}", "-I."]


@functools.cache
def build(target_name: str) -> Path:
    """The guest for a target, once."""
    directory = Path(tempfile.mkdtemp(prefix="waot-guest-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    target, shim = find_target(target_name), runtime(target_name)
    cache = tools.cache_directory() / "runtime"
    (directory / "wasi_calls.h").write_text(wasi_calls())
    words = ["cc", *machine_flags(target), *FLAGS, "-c", str(SOURCE), "-o", "guest.o"]
    run_zig(words, cache_dir=cache, directory=directory, what="compiling the guest")
    own = (directory / "guest.o").read_bytes()
    keep = frozenset((*shim.entry_points, *undefined_symbols(own)))
    text = module(target, "guarded", function(0, "void ()", "  ret void"))
    text = re.sub(r"(?m)^@waot_authority = .*$", "", text)  # the shim's own: whatever the manifest grants
    unit = compile_unit(text, shim.bitcode, keep, make_codegen_options(target, Cpu(), "1", "exe"))
    program = directory / "guest"
    program.write_bytes(
        link_executable(
            [unit, own],
            target=target,
            memory="guarded",
            runtime=shim,
            manifest=manifest(target, "guarded"),
            cache_dir=cache,
        )
    )
    program.chmod(0o755)
    return program


class MacosGuest(NativeGuest):
    """The shim for a macOS target in a process of its own, under the loader."""

    _order = "<"  # of its numbers

    def __init__(
        self,
        target: str,
        *,
        records: Sequence[bytes] = (),
        embedded: bytes = b"",  # the image of which records speak
        arguments: Sequence[str] = ("guest",),
        environment: dict[str, str] | None = None,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.DEVNULL,
        stderr: int | None = None,
        walk: bool = True,  # whatever is asked for: there is no other way
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        command = [*tools.runner(target), "-0", arguments[0], str(build(target)), *arguments[1:]]
        self._launch(command, None, dict(environment or {}), (stdin, stdout, stderr), prepare)
        self._begin(b"".join([*records, record(0, b"")]), embedded)
