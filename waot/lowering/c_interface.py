"""A module without a system as C code sees it: functions that it may call, and functions that it is to provide.

An import is a C function called ``<module>_<name>``, with a pointer to the instance before the parameters. An export is
a C function called ``<prefix>_<name>`` that returns how the call ended and stores results through pointers behind the
parameters; it goes through waot_none_call (runtime-support/os/none), to which a trap returns. What C has no type for
(references, vectors) cannot be imported, and what is exported with it is left out. The header that says all this to a
C compiler is c_header.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from waot.errors import LinkError
from waot.frontend.linking import source_place
from waot.frontend.module import F32, F64, I32, I64, FuncType, Import, Module, ValType
from waot.lowering.exports import function_thunk
from waot.lowering.types import ir_type

if TYPE_CHECKING:
    from waot.lowering.unit import UnitLowering

C_TYPES: dict[ValType, str] = {I32: "uint32_t", I64: "uint64_t", F32: "float", F64: "double"}
INSTANCE = "waot_none_instance"
_SLOT_BYTES = 16  # struct waot_slot

# What C and C++ keep for themselves, of the names that a module's and a function's name can make together.
_KEYWORDS = frozenset(
    {
        *("and_eq", "char16_t", "char32_t", "char8_t", "co_await", "co_return", "co_yield", "const_cast"),
        *("dynamic_cast", "not_eq", "or_eq", "reinterpret_cast", "static_assert", "static_cast", "thread_local"),
        *("wchar_t", "xor_eq"),
    }
)


@dataclass(frozen=True, slots=True)
class CFunction:
    """A function with two names: `symbol` is C's, `name` the module's own words."""

    symbol: str
    name: str
    index: int
    type: FuncType


@dataclass(frozen=True, slots=True)
class CInterface:
    """`left_out` are exported functions whose types C does not have."""

    prefix: str
    imports: tuple[CFunction, ...]
    exports: tuple[CFunction, ...]
    left_out: tuple[str, ...]

    @property
    def init(self) -> str:
        """The symbol of the function that makes the instance."""
        return f"waot_{self.prefix}_init"


def c_name(name: str) -> str:
    """`name` as part of a C identifier: each other character is an underscore."""
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def c_prefix(file: str) -> str:
    """What the names of a module's exports begin with: the stem of its file's name."""
    stem = c_name(re.sub(r"\.[^./\\]*$", "", re.split(r"[/\\]", file)[-1])).strip("_") or "module"
    return f"_{stem}"[stem[0].isalpha() :] if stem != "waot" else "module_waot"


def _has_c_type(t: FuncType) -> bool:
    return all(each in C_TYPES for each in (*t.params, *t.results))


def check_c_imports(module: Module, prefix: str) -> None:
    """Raises LinkError for the first import that no C function can be."""
    symbols: dict[str, tuple[str, str]] = {}
    for item in module.imports:
        file, offset = source_place(module, item.offset)
        name = f"{item.module}.{item.name}"
        reason = ""
        if not isinstance(item.type, FuncType):
            reason = f"it is a {item.kind}, and without a system only functions can be imported"
        elif not _has_c_type(item.type) or len(item.type.results) > 1:
            reason = f"C has no such function: it has type {item.type}"
        else:
            symbol = import_symbol(item)
            other = symbols.setdefault(symbol, (item.module, item.name))
            if other != (item.module, item.name):
                reason = f"in C it has the same name ({symbol}) as '{'.'.join(other)}'"
            elif symbol.startswith(("waot_", f"{prefix}_")):
                reason = f"its name in C would be {symbol}, which is kept for waot and for exports"
        if reason:
            raise LinkError(f"'{name}' cannot be imported: {reason}", file=file, offset=offset)


def import_symbol(item: Import) -> str:
    """The C function that an imported function is."""
    symbol = f"{c_name(item.module)}_{c_name(item.name)}"
    if symbol in _KEYWORDS or not (symbol[0].isalpha() or symbol[0] == "_"):
        symbol = f"_{symbol}"
    return symbol


def c_interface(module: Module, imports: list[tuple[str, str]], prefix: str) -> CInterface:
    """The interface of a module of which `imports` (module, name) are used."""
    found: dict[tuple[str, str], CFunction] = {}
    functions = [item for item in module.imports if item.kind == "func"]
    for index, item in enumerate(functions):
        if (item.module, item.name) in imports:
            function = CFunction(import_symbol(item), f"{item.module}.{item.name}", index, module.func_type(index))
            found.setdefault((item.module, item.name), function)
    exports: list[CFunction] = []
    left_out: list[str] = []
    taken: set[str] = set()
    # Names that are C's already keep them, whatever else there is.
    exported = [export for export in module.exports if export.kind == "func"]
    for export in sorted(exported, key=lambda export: c_name(export.name) != export.name):
        t = module.func_type(export.index)
        if not _has_c_type(t):
            left_out.append(export.name)
            continue
        symbol = plain = f"{prefix}_{c_name(export.name).strip('_') or 'function'}"
        number = 2
        while symbol in taken:
            symbol = f"{plain}_{number}"
            number += 1
        taken.add(symbol)
        exports.append(CFunction(symbol, export.name, export.index, t))
    return CInterface(prefix, tuple(found.values()), tuple(exports), tuple(left_out))


# ---------------------------------------------------------------- IR


def import_thunk_ir(unit: UnitLowering, item: Import, head: str, t: FuncType) -> tuple[str, str]:
    """The declaration of the C function that `item` is, and the wasm function with the ``define`` line `head`."""
    callee = f"@{import_symbol(item)}"
    result = ir_type(t.results[0]) if t.results else "void"
    declaration = f"declare {result} {callee}({', '.join(['ptr', *map(ir_type, t.params)])}) #2"
    arguments = ", ".join([f"ptr @{INSTANCE}", *(f"{ir_type(p)} %p{i}" for i, p in enumerate(t.params))])
    if result == "void":
        return declaration, f"{head}\n  call void {callee}({arguments})\n  ret void\n}}"
    return declaration, f"{head}\n  %r = call {result} {callee}({arguments})\n  ret {result} %r\n}}"


def _visible_memory(module: Module) -> int | None:
    """The memory that imports may look at: what is exported as "memory", otherwise the first."""
    exported = (e.index for e in module.exports if e.kind == "memory" and e.name == "memory")
    return next(exported, 0 if module.memories else None)


def emit_c_interface(unit: UnitLowering) -> Iterator[str]:
    """The IR of what C code may call."""
    plan = unit.plan
    assert plan.interface is not None
    memory = _visible_memory(unit.module)
    yield "declare hidden i32 @waot_none_init(ptr) #2"
    yield "declare hidden i32 @waot_none_call(ptr, ptr) #2"
    pointer = "null" if memory is None else f"@waot_memory.{memory}"
    yield f"@waot_none_memory = hidden constant ptr {pointer}"
    init = plan.interface.init
    yield f"define i32 @{init}(ptr %e) #3 {{\n  %r = call i32 @waot_none_init(ptr %e)\n  ret i32 %r\n}}"
    thunks: set[int] = set()
    for function in plan.interface.exports:
        thunk = f"@waot_export.func.{function.index}"
        if function.index not in thunks:
            thunks.add(function.index)
            yield function_thunk(unit, function.index, thunk)
        yield _export(function, thunk)


def _export(function: CFunction, thunk: str) -> str:
    t = function.type
    parameters = [f"{ir_type(p)} %p{i}" for i, p in enumerate(t.params)] + [f"ptr %r{i}" for i in range(len(t.results))]
    count = max(len(t.params), len(t.results), 1)
    lines = [f"  %slots = alloca [{count * _SLOT_BYTES} x i8], align 8"]
    for i, p in enumerate(t.params):
        lines.append(f"  %a{i} = getelementptr i8, ptr %slots, i32 {i * _SLOT_BYTES}")
        lines.append(f"  store {ir_type(p)} %p{i}, ptr %a{i}, align 8")
    lines.append(f"  %status = call i32 @waot_none_call(ptr {thunk}, ptr %slots)")
    if t.results:
        lines += ["  %good = icmp eq i32 %status, 0", "  br i1 %good, label %store, label %out", "store:"]
        for i, r in enumerate(t.results):
            lines.append(f"  %b{i} = getelementptr i8, ptr %slots, i32 {i * _SLOT_BYTES}")
            lines.append(f"  %v{i} = load {ir_type(r)}, ptr %b{i}, align 8")
            lines.append(f"  store {ir_type(r)} %v{i}, ptr %r{i}")
        lines += ["  br label %out", "out:"]
    lines.append("  ret i32 %status")
    return "\n".join([f"define i32 @{function.symbol}({', '.join(parameters)}) #3 {{", *lines, "}"])
