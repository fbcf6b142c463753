"""Decisions that need the whole module, made once before any function is lowered.

What can be reached from the entry; which tables never change; which globals are constants; where each memory lives
and what its initial bytes are; how functions are split into units. A `Plan` is plain data and crosses processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from waot.errors import LinkError, UnsupportedError
from waot.frontend.module import ConstExpr, Data, Element, Export, Facts, FuncType, Module, RefType
from waot.frontend.opcodes import OPERATORS
from waot.lowering.abi import FUNCREF
from waot.lowering.heap_types import CalledTypes, TypeNumbers, number_types
from waot.lowering.imports import check_imports
from waot.lowering.throwing import find_throwing
from waot.lowering.types import float_constant

# A 32-bit index plus a 32-bit offset plus the widest access reaches just past 8 GiB; one more wasm page covers it.
GUARDED_RESERVE = (1 << 33) + (1 << 16)

# A memory image may hold this much of zeros between segments before copying segment by segment is the better way.
IMAGE_SLACK = 1 << 20
# And this much before the first; a stack that stands before the data is usually 64 KiB to 16 MiB.
LEADING_ZEROS = 64 << 20

# Data segments with gaps of up to this many bytes between them are written as one.
COPY_GAP = 64

# Elements of all tables together at the start, and what one may grow to; each takes a pointer's room.
MAX_TABLE_ELEMENTS = 10_000_000

# A table of up to this many elements is written out with its initial value.
WRITTEN_OUT = 4096

# Per-signature arrays of an immutable table are used while all of them together stay below this many bytes; above
# that a type check at the call costs less than the cache lines.
DENSE_TABLE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class LoweringOptions:
    """What lowering must know of the target and of the user's wishes."""

    triple: str
    data_layout: str
    arch: str
    pointer_bits: int
    memory: str  # "static", "guarded" or "checked", for memory 0; see `_memory_plan` for the others
    static_base: int | None
    opt_level: str  # "0" to "3", "s", "z"
    byte_shuffle: str | None  # "ssse3" or "neon" where the CPU has that table look-up
    executable: bool  # the result must have a `_start`; without one, every exported function is an entry
    exports: bool  # everything exported is offered to the outside by `waot_exports`; `_start` is one among others
    unit_operators: int  # operators a unit, when there is more than one
    single_unit_operators: int  # modules up to this size are one unit
    heap_limit: int = 0  # bytes that objects may take; 0: what the system gives


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Where memory `index` is and how its accesses are kept inside."""

    index: int
    strategy: str  # "static", "guarded", "checked"
    base: int | None  # constant address (static)
    bytes: int  # initial size
    maximum: int  # pages
    reserve: int  # bytes of address space
    page_log2: int
    index64: bool
    grows: bool


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A table. Where it is immutable, `entries` are what it always holds."""

    index: int
    element: RefType
    size: int
    maximum: int
    entries: dict[int, int]  # slot -> function at instantiation; all others are null
    sparse: bool  # filled at instantiation instead of being written out
    immutable: bool
    called: bool  # an indirect call names it
    dense_types: tuple[int, ...]  # canonical types that have an array of their own, if immutable


@dataclass(frozen=True, slots=True)
class DataCopy:
    """At instantiation, `size` bytes at `source` in the data image go to `offset` in memory `memory`."""

    memory: int
    offset: int
    source: int
    size: int


@dataclass(slots=True)
class Plan:
    """Everything `lower_unit` needs beside the module."""

    options: LoweringOptions
    reachable: list[int]  # functions to lower or to make a thunk for, sorted
    units: list[list[int]]  # defined functions by unit; unit 0 also holds the instance state and the runtime
    memories: list[MemoryPlan]
    tables: list[TablePlan]
    global_constants: dict[int, str]  # globals that never change, as LLVM constants
    global_initials: dict[int, str]  # initial values of the others
    type_numbers: TypeNumbers
    called_types: CalledTypes
    throws: frozenset[int]  # functions that may end with an exception pending
    throwing_types: frozenset[int]  # canonical types through which such a function can be called
    dynamic_globals: frozenset[int]  # globals whose initial value is an object: it is made at instantiation
    table_values: dict[int, ConstExpr]  # tables that are filled at instantiation, with what
    # Element segments that the running program needs -> their elements as LLVM constants, None for what is an object.
    element_values: dict[int, list[str | None]]
    runtime_elements: list[int]  # active ones that are written at instantiation, in order
    heap: bool  # objects may be made
    tail_calls: bool
    referenced: frozenset[int]  # functions of which a funcref exists
    image: bytes | None  # what the executable maps at the base of memory 0
    copies: list[DataCopy]
    passive: dict[int, tuple[int, int]]  # data segment -> (offset in the data image, size)
    data_image: bytes
    instantiation_trap: str | None  # the trap that instantiation always ends in, after `copies`
    imports: list[tuple[str, str]]  # (module, name) of the imports that are reachable

    @property
    def call_conv(self) -> str:
        """Calling convention of wasm functions; only `tailcc` guarantees tail calls between any two signatures."""
        return "tailcc" if self.tail_calls else "fastcc"


def entry_export(module: Module) -> Export | None:
    """The export `_start` that a WASI command has, if there is one."""
    return next((e for e in module.exports if e.kind == "func" and e.name == "_start"), None)


def exported_functions(module: Module) -> list[int]:
    """The functions that a module exports."""
    return sorted(_exported(module, "func"))


def _exported(module: Module, kind: str) -> set[int]:
    return {e.index for e in module.exports if e.kind == kind}


def never_mapped(size: int) -> bool:
    """An `image_as_segment` where there is no linker to map anything."""
    return False


def make_plan(
    module: Module, facts: Facts, options: LoweringOptions, image_as_segment: Callable[[int], bool] = never_mapped
) -> Plan:
    """Decides. `image_as_segment(size)` says whether the linker maps a memory image of that many bytes.

    Raises LinkError where an import is not WASI's or has another type, or `_start` is missing.
    """
    check_imports(module)
    entry = entry_export(module)
    if options.executable:
        _check_entry(module, entry)
    type_numbers = number_types(module)
    called_types = CalledTypes.of({module.canonical[t] for t, _ in facts.indirect_types}, type_numbers)
    reachable = _reachable(module, facts, None if options.exports else entry)
    constants, initials, dynamic = _globals(module, facts, options)
    memories = [_memory_plan(module, facts, i, options) for i in range(len(module.memories))]
    tables, table_values, runtime_elements, table_trap = _tables(module, facts, constants)
    referenced = _referenced(module, reachable)
    throws, throwing_types = find_throwing(module, facts, referenced)
    if table_trap:  # element segments come first (section 4.5.4), so no data segment is ever seen
        image, copies, passive, blob, in_bounds = None, list[DataCopy](), dict[int, tuple[int, int]](), b"", False
        trap = "table_out_of_bounds"
    else:
        image, copies, passive, blob, in_bounds = _data(module, constants, memories, image_as_segment)
        trap = "" if in_bounds else "memory_out_of_bounds"
    imported = module.imported_func_count
    func_imports = [i for i in module.imports if i.kind == "func"]
    return Plan(
        options=options,
        reachable=reachable,
        units=_units(reachable, imported, facts, options),
        memories=memories,
        tables=tables,
        global_constants=constants,
        global_initials=initials,
        type_numbers=type_numbers,
        called_types=called_types,
        throws=throws,
        throwing_types=throwing_types,
        dynamic_globals=dynamic,
        table_values=table_values,
        element_values={
            i: _element_values(e, constants)
            for i, e in enumerate(module.elements)
            if e.mode == "passive" or i in runtime_elements
        },
        runtime_elements=runtime_elements,
        heap=_makes_objects(module, facts),
        tail_calls=facts.tail_calls,
        referenced=referenced,
        image=image,
        copies=copies,
        passive=passive,
        data_image=blob,
        instantiation_trap=trap or None,
        imports=[(func_imports[i].module, func_imports[i].name) for i in reachable if i < imported],
    )


def _check_entry(module: Module, entry: Export | None) -> None:
    if entry is None:
        names = [e.name for e in module.exports if e.kind == "func"]
        exported = f"it exports {', '.join(names[:5])}{', …' if len(names) > 5 else ''}" if names else "no function"
        raise LinkError(
            f"the module has no '_start' export ({exported}), so there is nothing for an executable to run",
            hint="compile it as a WASI command (a program with main), or use --emit obj",
        )
    if module.func_type(entry.index) != FuncType((), ()):
        raise LinkError(f"'_start' has type {module.func_type(entry.index)}, not [] -> []", offset=entry.offset)


def _makes_objects(module: Module, facts: Facts) -> bool:
    """Whether some operator or constant expression may allocate; every one that does is of these proposals."""
    if facts.proposals & {"gc", "exception-handling", "legacy-exceptions"}:
        return True
    return any(OPERATORS[op].proposal == "gc" for expr in _const_exprs(module) for op, _, _ in expr)


def _const_exprs(module: Module) -> Iterable[ConstExpr]:
    yield from (g.init for g in module.defined_globals)
    yield from (t.init for t in module.defined_tables if t.init is not None)
    for element in module.elements:
        yield from element.exprs or ()


def _element_values(element: Element, globals_: dict[int, str]) -> list[str | None]:
    if element.functions is not None:
        return [f"@{FUNCREF}{i}" for i in element.functions]
    return [constant(expr, globals_) for expr in element.exprs or ()]


def _function(value: str) -> int | None:
    """The function whose funcref a constant is, None for null."""
    return None if value == "null" else int(value.removeprefix(f"@{FUNCREF}"))


def _expr_functions(expr: ConstExpr | None) -> list[int]:
    return [imm for op, imm, _ in expr or () if OPERATORS[op].name == "ref.func"]


def _segment_functions(module: Module) -> Iterable[int]:
    for element in module.elements:
        yield from element.functions or ()
    for expr in _const_exprs(module):
        yield from _expr_functions(expr)


def _reachable(module: Module, facts: Facts, entry: Export | None) -> list[int]:
    work = [module.start] if module.start is not None else []
    work += [entry.index] if entry else exported_functions(module)
    work += _segment_functions(module)
    seen = set(work)
    while work:
        for callee in facts.callees.get(work.pop(), ()):
            if callee not in seen:
                seen.add(callee)
                work.append(callee)
    return sorted(seen)


def _referenced(module: Module, reachable: list[int]) -> frozenset[int]:
    """Functions that may become a funcref: named by segments, globals or (conservatively) declared for ref.func."""
    return frozenset((set(_segment_functions(module)) | set(module.declared_funcs)) & set(reachable))


def _units(reachable: list[int], imported: int, facts: Facts, options: LoweringOptions) -> list[list[int]]:
    """Splits by size, in index order: neighbours in the file tend to call each other, and the split is stable."""
    defined = [i for i in reachable if i >= imported]
    total = sum(facts.sizes[i] for i in defined)
    if total <= options.single_unit_operators:
        return [defined]
    units: list[list[int]] = [[]]
    size = 0
    for i in defined:
        if size >= options.unit_operators:
            units.append([])
            size = 0
        units[-1].append(i)
        size += facts.sizes[i]
    return [[], *units]


# ---------------------------------------------------------------- constants

_ARITHMETIC: dict[str, tuple[int, Callable[[int, int], int]]] = {
    "i32.add": (32, lambda a, b: a + b),
    "i32.sub": (32, lambda a, b: a - b),
    "i32.mul": (32, lambda a, b: a * b),
    "i64.add": (64, lambda a, b: a + b),
    "i64.sub": (64, lambda a, b: a - b),
    "i64.mul": (64, lambda a, b: a * b),
}


def _wrap(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def constant(expr: ConstExpr, globals_: dict[int, str]) -> str | None:
    """The value of a constant expression (section 3.4.15) as an LLVM constant, integers as signed decimals.

    None where it is an object, which has to be made, or depends on one. `globals_` are the values of globals.
    """
    stack: list[str] = []
    for op, imm, _ in expr:
        operator = OPERATORS[op]
        name = operator.name
        if name in ("i32.const", "i64.const"):
            stack.append(str(imm))
        elif name in ("f32.const", "f64.const"):
            stack.append(float_constant(imm, operator.results[0]))  # type: ignore[index]
        elif name == "v128.const":
            stack.append("<" + ", ".join(f"i8 {b}" for b in imm) + ">")
        elif name == "global.get":
            known = globals_.get(imm)
            if known is None:
                return None
            stack.append(known)
        elif name == "ref.null":
            stack.append("null")
        elif name == "ref.func":
            stack.append(f"@{FUNCREF}{imm}")
        elif name == "ref.i31":
            stack.append(f"inttoptr (i64 {(int(stack.pop()) << 1 | 1) & 0xFFFFFFFF} to ptr)")
        elif name in ("any.convert_extern", "extern.convert_any"):
            pass
        elif name not in _ARITHMETIC:
            return None
        else:
            bits, compute = _ARITHMETIC[name]
            right, left = int(stack.pop()), int(stack.pop())
            stack.append(str(_wrap(compute(left, right), bits)))
    return stack.pop()


def _globals(
    module: Module, facts: Facts, options: LoweringOptions
) -> tuple[dict[int, str], dict[int, str], frozenset[int]]:
    """(values of those that never change, initial values of the others, those whose value is made at instantiation)."""
    imported = len(module.globals) - len(module.defined_globals)
    values: dict[int, str] = {}
    dynamic: dict[int, str] = {}
    for index, g in enumerate(module.defined_globals, imported):
        value = constant(g.init, values)
        if value is None:
            dynamic[index] = "null"
        else:
            values[index] = value
    # Exported mutable globals of an executable have no reader outside, so only writes inside count.
    written = facts.written_globals | (_exported(module, "global") if options.exports else set())
    changed = {i for i in written if module.globals[i].mutable}
    constants = {i: v for i, v in values.items() if i not in changed}
    return constants, {i: v for i, v in values.items() if i in changed} | dynamic, frozenset(dynamic)


# ---------------------------------------------------------------- memories


def _memory_plan(module: Module, facts: Facts, index: int, options: LoweringOptions) -> MemoryPlan:
    memory = module.memories[index]
    limits, page_log2 = memory.limits, memory.page_size_log2
    strategy = options.memory
    if limits.index64 or options.pointer_bits < 64:
        strategy = "checked"
    elif strategy == "static" and index != 0:
        strategy = "guarded"  # only one memory can have the low addresses
    most = 1 << (32 - page_log2)
    maximum = min(limits.maximum if limits.maximum is not None else most, most)
    return MemoryPlan(
        index=index,
        strategy=strategy,
        base=options.static_base if strategy == "static" else None,
        bytes=limits.minimum << page_log2,
        maximum=maximum,
        reserve=maximum << page_log2 if strategy == "checked" else GUARDED_RESERVE,
        page_log2=page_log2,
        index64=limits.index64,
        grows=index in facts.grown_memories or (options.exports and index in _exported(module, "memory")),
    )


def _data(
    module: Module,
    constants: dict[int, str],
    memories: list[MemoryPlan],
    image_as_segment: Callable[[int], bool],
) -> tuple[bytes | None, list[DataCopy], dict[int, tuple[int, int]], bytes, bool]:
    """(image, copies, passive segments, data image, every active segment in bounds)."""
    active: list[tuple[int, int, Data]] = []
    in_bounds = True
    for data in module.datas:
        if data.mode != "active":
            continue
        plan = memories[data.memory]
        offset = int(constant(data.offset_expr or (), constants) or 0) & ((1 << 64 if plan.index64 else 1 << 32) - 1)
        if offset + data.end - data.start > plan.bytes:
            in_bounds = False  # the segments before this one stay written (section 4.5.4), then it traps
            break
        active.append((data.memory, offset, data))
    image = None
    if in_bounds and memories and memories[0].strategy == "static":
        image = _image(
            module, [(offset, data) for memory, offset, data in active if memory == 0 and data.start < data.end]
        )
        if image is not None and not image_as_segment(len(image.lstrip(b"\0"))):
            image = None
    blob = bytearray()
    copies: list[DataCopy] = []
    written: dict[int, int] = {}  # memory -> past the last byte written
    for memory, offset, data in active:
        length = data.end - data.start
        if (memory == 0 and image is not None) or not length:
            continue
        last = copies[-1] if copies else None
        gap = offset - written.get(memory, 0)
        # Nothing was written there yet and memory is zero to begin with, so a short gap after the segment before is
        # part of one longer copy.
        if last and last.memory == memory and last.offset + last.size == offset - gap and 0 <= gap <= COPY_GAP:
            blob += bytes(gap)
            copies[-1] = DataCopy(memory, last.offset, last.source, last.size + gap + length)
        else:
            copies.append(DataCopy(memory, offset, len(blob), length))
        written[memory] = max(written.get(memory, 0), offset + length)
        blob += module.source[data.start : data.end]
    passive: dict[int, tuple[int, int]] = {}
    for index, data in enumerate(module.datas):
        if data.mode == "passive":
            passive[index] = (len(blob), data.end - data.start)
            blob += module.source[data.start : data.end]
    return image, copies, passive, bytes(blob), in_bounds


def _image(module: Module, segments: list[tuple[int, Data]]) -> bytes | None:
    """Memory 0 from its start to the end of the last active segment, unless that were mostly gaps."""
    end = max((offset + data.end - data.start for offset, data in segments), default=0)
    start = min((offset for offset, _ in segments), default=0)
    if end - start > 2 * sum(data.end - data.start for _, data in segments) + IMAGE_SLACK or start > LEADING_ZEROS:
        return None
    run = bytearray(end)
    for offset, data in segments:  # in order: a later segment overwrites an earlier one
        run[offset : offset + data.end - data.start] = module.source[data.start : data.end]
    return bytes(run)


# ---------------------------------------------------------------- tables


def _tables(
    module: Module, facts: Facts, constants: dict[int, str]
) -> tuple[list[TablePlan], dict[int, ConstExpr], list[int], bool]:
    """Table plans, `table_values`, `runtime_elements`, and whether a segment is known to be out of bounds."""
    total = sum(table.limits.minimum for table in module.tables)
    if total > MAX_TABLE_ELEMENTS:
        raise UnsupportedError(
            f"the tables have {total:,} elements at the start; waot's limit is {MAX_TABLE_ELEMENTS:,} in all"
        )
    entries: list[dict[int, int]] = [{} for _ in module.tables]
    table_values: dict[int, ConstExpr] = {}
    imported = len(module.tables) - len(module.defined_tables)
    for index, defined in enumerate(module.defined_tables, imported):
        value = "null" if defined.init is None else constant(defined.init, constants)
        if value is not None and value.startswith(f"@{FUNCREF}") and defined.type.limits.minimum <= WRITTEN_OUT:
            entries[index] = dict.fromkeys(range(defined.type.limits.minimum), int(value.removeprefix(f"@{FUNCREF}")))
        elif value != "null":
            assert defined.init is not None
            table_values[index] = defined.init
    runtime = set(table_values)  # tables with contents that only the running program can write
    runtime_elements: list[int] = []
    out_of_bounds = False
    for number, element in enumerate(module.elements):
        if element.mode != "active":
            continue
        values = _element_values(element, constants)
        functions = [v for v in values if v is not None and (v == "null" or v.startswith(f"@{FUNCREF}"))]
        if element.table in runtime or len(functions) < len(values):
            runtime.add(element.table)
            runtime_elements.append(number)
            continue
        index64 = module.tables[element.table].limits.index64
        offset = int(constant(element.offset_expr or (), constants) or 0) & ((1 << 64 if index64 else 1 << 32) - 1)
        if offset + len(element) > module.tables[element.table].limits.minimum:
            out_of_bounds = True
            break
        for slot, function in enumerate(map(_function, functions), offset):
            if function is None:
                entries[element.table].pop(slot, None)
            else:
                entries[element.table][slot] = function
    exported = _exported(module, "table")
    called_types: dict[int, set[int]] = {}
    for t, k in facts.indirect_types:
        called_types.setdefault(k, set()).add(module.canonical[t])
    plans = []
    for index, table in enumerate(module.tables):
        called = sorted(called_types.get(index, ()))
        size = table.limits.minimum
        # A table far larger than what is in it is filled at instantiation, not written out.
        sparse = size > 4096 + 16 * len(entries[index])
        immutable = not sparse and index not in exported and index not in facts.written_tables | runtime
        immutable &= len(facts.indirect_types) < 65535  # `called_types` has 16 bits a type
        dense = immutable and len(called) * size * 8 <= DENSE_TABLE_BYTES
        limit = table.limits.maximum if table.limits.maximum is not None else MAX_TABLE_ELEMENTS
        plans.append(
            TablePlan(
                index=index,
                element=table.element,
                size=size,
                maximum=min(limit, MAX_TABLE_ELEMENTS),
                entries=entries[index],
                sparse=sparse,
                immutable=immutable,
                called=bool(called),
                dense_types=tuple(called) if dense else (),
            )
        )
    return plans, table_values, runtime_elements, out_of_bounds


__all__ = ["LoweringOptions", "MemoryPlan", "Plan", "TablePlan", "constant", "entry_export", "make_plan"]
