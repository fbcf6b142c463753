"""Runs a case under wasmtime."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import wasmtime

from tests.fuzz.surroundings import RANDOM, SUPPORT, Observer
from tests.programs.harness import TRAP_CODES, trap_texts

FUEL = 50_000_000  # of a call, in about as many instructions
_RETURNED = "result 0: "
_EXCEPTION = "thrown Wasm exception"

#: What our trap's text may be for a trap of wasmtime's, which tells fewer kinds apart.
TRAPS = {code: tuple(trap_texts()[name] for name in names) for code, names in TRAP_CODES.items()}


class Refused(Exception):
    """wasmtime does not take the module, or cannot make its instance; says why."""


@functools.cache
def engine() -> wasmtime.Engine:
    """wasmtime with every proposal that waot has."""
    config = wasmtime.Config()
    for feature in (
        "threads",
        "tail_call",
        "multi_memory",
        "memory64",
        "relaxed_simd",
        "relaxed_simd_deterministic",
        "exceptions",
        "function_references",
        "gc",
        "wide_arithmetic",
        "custom_page_sizes",
    ):
        setattr(config, f"wasm_{feature}", True)
    config.shared_memory = True
    config.consume_fuel = True
    # At some faults wasmtime 50 ends the process: "assertion failed: fault.is_none()".
    config.signals_based_traps = False
    config.parallel_compilation = False
    config.cranelift_opt_level = "none"
    return wasmtime.Engine(config)


def run(support: bytes, random: bytes, observer: Observer) -> Iterator[str]:
    """What comes of each step: the three instantiations, then the observer's calls.

    An outcome is "returned" for an instantiation, "result 0: " and the hash in 32 hexadecimal digits, "exception", or
    "trap: " and the texts, of which ours must be one, separated by "|". It ends early where the run cannot go on: after
    an instantiation that does not succeed, and before a step that exhausts what wasmtime grants.
    Raises Refused.
    """
    try:
        modules = [wasmtime.Module(engine(), wasm) for wasm in (support, random, observer.wasm)]
    except wasmtime.WasmtimeError as error:
        raise Refused(str(error)) from None
    store = wasmtime.Store(engine())
    linker = wasmtime.Linker(engine())
    names = {RANDOM: [RANDOM], "observer": [], SUPPORT: sorted({SUPPORT, *(i.module for i in modules[1].imports)})}
    instance: wasmtime.Instance | None = None
    for name, module in zip((SUPPORT, RANDOM, "observer"), modules, strict=True):
        store.set_fuel(FUEL)
        outcome = "returned"
        try:
            instance = linker.instantiate(store, module)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            outcome = _ending(error)
            if not outcome and isinstance(error, wasmtime.WasmtimeError):
                raise Refused(str(error)) from None
        if not outcome:
            return
        yield outcome
        if outcome != "returned":
            return
        for known_as in names[name]:
            linker.define_instance(store, known_as, instance)
    assert instance is not None
    exports = instance.exports(store)
    for call in observer.calls:
        store.set_fuel(FUEL)
        arguments = [_signed(bits, int(t[1:])) for t, bits in call.arguments]
        try:
            result = exports[call.name](store, *arguments)
            outcome = f"{_RETURNED}{result & (1 << 64) - 1:032x}"
        except (
            wasmtime.Trap,
            wasmtime.WasmtimeError,
        ) as error:  # the latter where its heap of objects is full, for one
            outcome = _ending(error)
        if not outcome:
            return
        yield outcome


def _signed(bits: int, width: int) -> int:
    return bits - (bits >> (width - 1) << width)


def _ending(error: wasmtime.Trap | wasmtime.WasmtimeError) -> str:
    """The outcome; empty for what depends on the engine."""
    if _EXCEPTION in str(error):
        return "exception"
    code = error.trap_code if isinstance(error, wasmtime.Trap) else None
    if code is None or code.name not in TRAPS:
        return ""
    return "trap: " + "|".join(TRAPS[code.name])
