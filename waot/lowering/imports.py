"""Imports: which there are, and whether a module's agree with them.

The one list of WASI's functions is runtime-support/include/wasi_preview1.def, which the C shim is compiled from too;
wasi_unstable.def beside it lists those that are others when they are imported from `wasi_unstable`, WASI's snapshot 0.
"""

from __future__ import annotations

import re
from functools import cache

from waot.errors import LinkError, UnsupportedError
from waot.frontend.linking import source_place
from waot.frontend.module import I32, I64, FuncType, Import, MemoryType, Module
from waot.lowering.abi import WASI_PREFIX
from waot.lowering.c_interface import check_c_imports
from waot.resources import runtime_support_dir

WASI_MODULES = ("wasi_snapshot_preview1", "wasi_unstable")
_UNSTABLE = WASI_MODULES[1]
_LATER = frozenset({"sock_accept"})  # than snapshot 0
# Of the proposal wasi-threads: what a program that starts threads imports, and what it exports for them.
THREAD_SPAWN = ("wasi", "thread-spawn")
THREAD_START = "wasi_thread_start"
_THREAD_SPAWN_TYPE = FuncType((I32,), (I32,))
_THREAD_START_TYPE = FuncType((I32, I32), ())

_LINE = re.compile(r"^WASI\((\w+), (I32|NONE), \(MEMORY((?:, I(?:32|64) \w+)*)\)\)$")


def _signatures(definitions: str) -> dict[str, FuncType]:
    """Name and core type of every function in a file of runtime-support/include."""
    found = {}
    for line in (runtime_support_dir() / "include" / definitions).read_text(encoding="utf-8").splitlines():
        if line.startswith("WASI("):
            match = _LINE.match(line)
            assert match, line
            params = tuple(I32 if t == "I32" else I64 for t in re.findall(r", (I32|I64) ", match[3]))
            found[match[1]] = FuncType(params, (I32,) if match[2] == "I32" else ())
    return found


@cache
def wasi_signatures() -> dict[str, FuncType]:
    """Name and core type of every WASI preview 1 function; snapshot 0's have the same types."""
    return _signatures("wasi_preview1.def")


@cache
def unstable_signatures() -> dict[str, FuncType]:
    """Those of `wasi_signatures` that have other numbers or layouts in snapshot 0."""
    return _signatures("wasi_unstable.def")


def wasi_symbol(item: Import) -> str:
    """The shim's symbol for an imported function."""
    unstable = item.module == _UNSTABLE and item.name in unstable_signatures()
    return f"{WASI_PREFIX}unstable_{item.name}" if unstable else f"{WASI_PREFIX}{item.name.replace('-', '_')}"


def import_type(item: Import) -> FuncType:
    """The type of an imported function that waot provides."""
    return _THREAD_SPAWN_TYPE if is_thread_spawn(item) else wasi_signatures()[item.name]


def takes_descriptors(item: Import) -> bool:
    """Whether an imported function may look up descriptors."""
    return item.name.startswith(("fd_", "path_", "poll_", "sock_"))


def is_thread_spawn(item: Import) -> bool:
    """Whether an import is the function that starts a thread."""
    return item.kind == "func" and (item.module, item.name) == THREAD_SPAWN


def starts_threads(module: Module) -> bool:
    """Whether a program of `module` may have threads: each is an instance of its own, which shares the memory."""
    return any(map(is_thread_spawn, module.imports))


def thread_start(module: Module) -> int:
    """The function that a thread runs. Raises LinkError where the module does not export one of the right type."""
    export = next((e for e in module.exports if e.kind == "func" and e.name == THREAD_START), None)
    if export is None or module.func_type(export.index) != _THREAD_START_TYPE:
        found = "no" if export is None else f"another type ({module.func_type(export.index)}) of"
        raise LinkError(
            f"the module imports '{'.'.join(THREAD_SPAWN)}' but exports {found} function '{THREAD_START}', "
            f"which has type {_THREAD_START_TYPE}",
            hint="link it with --export=wasi_thread_start",
        )
    return export.index


def _check_threads(module: Module) -> None:
    """Raises LinkError or UnsupportedError for a program whose threads could not share what they are to share."""
    thread_start(module)
    if module.instances:
        raise UnsupportedError("a program of several modules cannot start threads; link them to one with wasm-ld")
    imported = sum(item.kind == "memory" for item in module.imports)
    if len(module.memories) > imported:
        raise UnsupportedError(
            f"the module starts threads, but memory {imported} is its own, so that each would have another one",
            hint="let it import its memory: --import-memory --shared-memory of wasm-ld",
        )


def check_imports(module: Module, c_prefix: str | None = None) -> None:
    """Raises LinkError for the first import that waot does not provide, or not with that type; and for threads that
    cannot be, that or UnsupportedError. With `c_prefix` it is C code that provides them (c_interface.py)."""
    if c_prefix is not None:
        check_c_imports(module, c_prefix)
    if starts_threads(module):
        _check_threads(module)
    made: set[str] = set()
    for item in module.imports:
        name = f"{item.module}.{item.name}"
        file, offset = source_place(module, item.offset)
        # A shared memory is imported because more than one instance is to have it: the program makes it.
        if isinstance(item.type, MemoryType) and item.type.limits.shared and not module.instances:
            if name in made:
                raise LinkError(f"the memory '{name}' is imported twice", file=file, offset=offset)
            made.add(name)
            continue
        if is_thread_spawn(item):
            if item.type != _THREAD_SPAWN_TYPE:
                raise LinkError(
                    f"'{name}' is imported with type {item.type}, but wasi-threads defines it as {_THREAD_SPAWN_TYPE}",
                    file=file,
                    offset=offset,
                )
            continue
        if item.module not in WASI_MODULES:
            if c_prefix is not None:
                continue
            raise LinkError(
                f"the module imports {item.kind} '{name}', which is not WASI's", file=file, hint=_hint(module, item)
            )
        later = item.module == _UNSTABLE and item.name in _LATER
        if item.kind != "func" or item.name not in wasi_signatures() or later:
            snapshot = "snapshot 0" if item.module == _UNSTABLE else "preview 1"
            raise LinkError(f"'{name}' ({item.kind}) is not part of WASI {snapshot}", file=file, offset=offset)
        expected = wasi_signatures()[item.name]
        if item.type != expected:
            raise LinkError(
                f"'{name}' is imported with type {item.type}, but WASI defines it as {expected}",
                file=file,
                offset=offset,
            )


def _hint(module: Module, item: Import) -> str:
    if any(instance.name == item.module for instance in module.instances):
        return f"modules import only from those linked before them; give --link {item.module}=FILE first"
    modules = {i.module for i in module.imports}
    if "gojs" in modules or "go" in modules:
        return "it was built by Go for browsers; build it with GOOS=wasip1 GOARCH=wasm"
    if any(m.startswith("wasi:") for m in modules):
        return "it is the core of a WASI preview 2 component; build it for wasm32-wasip1"
    if any("wbindgen" in m for m in modules):
        return "it was built for browsers by wasm-bindgen; build it for wasm32-wasip1"
    if item.module == "env":
        return (
            "it expects a host (often Emscripten's JavaScript) that provides this; build it for WASI, or link a module "
            "that does with --link env=FILE"
        )
    return (
        "waot provides wasi_snapshot_preview1 and wasi_unstable only; build the module for WASI preview 1, or link the "
        f"module that has it with --link {item.module}=FILE"
    )
