"""Who takes part: native code, waot and its peers, each as the command that runs a program.

All get the same source. Native code comes from the same clang as the modules (Rust's and Go's from their compilers), at
-O3, static, for the same level of x86-64 that waot compiles for. Peers compile ahead where they can, so that only
running is measured: wasmtime from its own compiled file, V8 with nothing but its optimising compiler, before the start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.bench import Bench, kept_directory
from benchmarks.measure import Absent, Failed
from tests import tools

Command = list[str]
HERE = Path(__file__).resolve().parent

# ------------------------------------------------------------------------------------------------------------- sources

_RUST = ("-C", "opt-level=3", "-C", "codegen-units=1", "-C", "strip=debuginfo")
# No fused multiplication and addition, which WebAssembly does not have: results are compared bit by bit.
_CLANG = ("-O3", "-ffp-contract=off")


def compile_module(source: Path, simd: bool) -> Path:
    """The module that `source` is compiled to, with vectors or without. Raises ToolMissing or CompilationFailed."""
    language = tools.LANGUAGES[source.suffix]
    if language == "rust":
        return tools.compile_to_wasm(source, (*_RUST, *(("-C", "target-feature=+simd128") if simd else ())))
    if language == "go":
        return tools.compile_to_wasm(source)
    return tools.compile_to_wasm(source, (*_CLANG, "-s", *(("-msimd128",) if simd else ())))


def native(bench: Bench, source: Path) -> Command:
    """`source` compiled natively and statically. Raises ToolMissing or CompilationFailed."""
    language = tools.LANGUAGES[source.suffix]
    if language == "rust":
        flags: tuple[str, ...] = (*_RUST, "-C", f"target-cpu={bench.cpu}")
    elif language == "go":
        flags = ("GOAMD64=" + bench.cpu.removeprefix("x86-64-"),)
    else:
        flags = (*_CLANG, "-mcpu=" + zig_cpu(bench.cpu))
    return [str(tools.compile_natively(source, flags))]


def native_with_glibc(bench: Bench, source: Path) -> Command:
    """C or C++ compiled natively and linked to the glibc of this machine. Raises as `native` does, or Absent."""
    if not Path("/lib64/ld-linux-x86-64.so.2").exists():
        raise Absent("glibc, for a second native contestant")
    return [str(tools.compile_natively(source, (*_CLANG, "-mcpu=" + zig_cpu(bench.cpu)), "gnu"))]


def zig_cpu(cpu: str) -> str:
    """What zig calls LLVM's `cpu`."""
    return cpu.replace("-", "_")


# --------------------------------------------------------------------------------------------------------------- peers

Maker = Callable[[Bench, Path, Sequence[str]], Command]
"""From a module and the directories that it is granted (HOST::GUEST) to the command that runs it, to which the
program's arguments are appended. Raises Absent if this machine has not the peer, or the peer not what is needed."""


def waot(bench: Bench, wasm: Path, grants: Sequence[str]) -> Command:
    options = [word for grant in grants for word in ("--dir", grant)]
    return [str(bench.build(wasm, f"{wasm.stem}-O{bench.opt}", *options))]


def wasmtime(bench: Bench, wasm: Path, grants: Sequence[str]) -> Command:
    try:
        from benchmarks.under_wasmtime import compile_ahead
    except ImportError:
        raise Absent("wasmtime (pip install wasmtime)") from None
    compiled = _kept(
        wasm, f"wasmtime-{version('wasmtime')}.cwasm", lambda output: compile_ahead(str(wasm), str(output))
    )
    return [sys.executable, str(HERE / "under_wasmtime.py"), str(compiled), *grants, "--"]


LARGE = 2 << 20  # bytes of a module: Go's and CPython's, and no other of the programs
_TURBOFAN = ("--no-liftoff", "--no-wasm-tier-up", "--no-wasm-dynamic-tiering", "--no-wasm-lazy-compilation")


def v8(bench: Bench, wasm: Path, grants: Sequence[str]) -> Command:
    """V8 with everything optimised before the start, but for a large module, which gets V8's usual tiers."""
    node = shutil.which("node")
    if node is None:
        raise Absent("node (apt-get install nodejs)")
    tiers = _TURBOFAN if wasm.stat().st_size < LARGE else ()
    return [node, "--no-warnings", *tiers, str(HERE / "under_node.mjs"), str(wasm), *grants, "--"]


def wasm2c(bench: Bench, wasm: Path, grants: Sequence[str]) -> Command:
    translator = shutil.which("wasm2c")
    runtime = Path("/usr/share/wabt/wasm2c")
    if translator is None or not (runtime / "wasm-rt-impl.c").exists():
        raise Absent("wasm2c with its runtime (apt-get install wabt)")
    if grants:
        raise Absent("files under wasm2c: its host here has none")
    if wasm.stat().st_size >= LARGE:
        raise Absent("large modules under wasm2c: its C takes minutes to compile")
    host = HERE / "wasm2c_host.c"

    def make(output: Path) -> None:
        translated = output.parent / "program.c"
        _run(translator, str(wasm), "-n", "program", "-o", str(translated))
        if "Z_programZ__start" not in translated.with_suffix(".h").read_text():
            raise Absent("a wasm2c whose interface the host knows (wabt 1.0.32)")
        target = ["-target", "x86_64-linux-gnu", "-O3", "-mcpu=" + zig_cpu(bench.cpu), "-fno-sanitize=undefined", "-w"]
        # An old wasm2c finds its signal handler's parts behind these.
        includes = ["-D_GNU_SOURCE", f"-I{translated.parent}", f"-I{runtime}", "-idirafter", "/usr/include"]
        sources = [str(host), str(translated), str(runtime / "wasm-rt-impl.c")]
        _run(*tools.zig(), "cc", *target, *includes, *sources, "-lm", "-s", "-o", str(output))

    return [str(_kept(wasm, f"wasm2c-{bench.cpu}", make, host.read_bytes()))]


def wamr(bench: Bench, wasm: Path, grants: Sequence[str]) -> Command:
    """WAMR's compiler, for the same level; WAOT_BENCH_WAMR names the directory of wamrc and iwasm."""
    place = os.environ.get("WAOT_BENCH_WAMR")
    if not place:
        raise Absent("WAMR (WAOT_BENCH_WAMR=DIRECTORY, with wamrc and iwasm in it)")
    compiler, runner = Path(place, "wamrc"), Path(place, "iwasm")
    compiled = bench.directory / f"{wasm.stem}.aot"
    _run(str(compiler), "--opt-level=3", "--target=x86_64", f"--cpu={bench.cpu}", "-o", str(compiled), str(wasm))
    return [str(runner), *(f"--map-dir={guest}::{host}" for host, guest in map(_split, grants)), str(compiled)]


def _split(grant: str) -> tuple[str, str]:
    host, _, guest = grant.partition("::")
    return host, guest


PEERS: dict[str, Maker] = {"wasmtime": wasmtime, "V8": v8, "wasm2c": wasm2c, "WAMR": wamr}
SCALAR_ONLY = ("wasm2c",)  # Debian's knows no vectors


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr[-800:]}")


def _kept(wasm: Path, kind: str, make: Callable[[Path], None], ingredient: bytes = b"") -> Path:
    """What `make` writes for `wasm`, now or in an earlier run; `kind` names the result."""
    digest = hashlib.sha256(wasm.read_bytes() + ingredient).hexdigest()[:16]
    result = kept_directory() / f"{wasm.stem}-{digest}-{kind}"
    if not result.exists():
        with tempfile.TemporaryDirectory(dir=result.parent) as scratch:
            output = Path(scratch, "output")
            make(output)
            output.replace(result)
    return result
