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
from waot.lowering.imports import check_imports
from waot.lowering.types import float_constant

# A 32-bit index plus a 32-bit offset plus the widest access reaches just past 8 GiB; one more wasm page covers it.
GUARDED_RESERVE = (1 << 33) + (1 << 16)

# Address space that a memory with 64-bit indices has at first: more is reserved behind it as it grows. A shared one has
# room for its maximum from the beginning, but not for more than this.
MEMORY64_RESERVE = 8 << 30
SHARED_RESERVE = 1 << 40
# Initial sizes beyond this, which no system has, are all the same.
MOST_BYTES = 1 << 62

# A memory image may hold this much of zeros between segments before copying segment by segment is the better way.
IMAGE_SLACK = 1 << 20
# And this much before the first; a stack that stands before the data is usually 64 KiB to 16 MiB.
LEADING_ZEROS = 64 << 20

# Data segments with gaps of up to this many bytes between them are written as one.
COPY_GAP = 64

# Elements of all tables together at the start, and what one may grow to; each takes a pointer's room.
MAX_TABLE_ELEMENTS = 10_000_000

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
    unit_operators: int  # operators a unit, when there is more than one
    single_unit_operators: int  # modules up to this size are one unit
    relaxed_simd: str = "fast"  # "fast" or "deterministic"
    fma: bool = False  # the CPU has a fused multiply-add of vectors


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
    shared: bool
    grows: bool


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A table. Where it is immutable, `entries` are what it always holds."""

    index: int
    index64: bool
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
    type_ids: list[int]  # canonical id of each type index: structurally equal types share one
    type_numbers: dict[int, int]  # canonical id -> number from 1 on, for the types that indirect calls name
    element_values: dict[int, list[str]]  # passive element segment -> its elements as LLVM constants
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
    return [e.index for e in module.exports if e.kind == "func"]


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
    type_ids = _canonical_types(module.types)
    type_numbers = {t: n for n, t in enumerate(sorted({type_ids[t] for t, _ in facts.indirect_types}), 1)}
    reachable = _reachable(module, facts, entry)
    constants, initials = _globals(module, facts)
    memories = [_memory_plan(module, facts, i, options) for i in range(len(module.memories))]
    tables, table_trap = _tables(module, facts, constants, type_ids)
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
        type_ids=type_ids,
        type_numbers=type_numbers,
        element_values={
            i: _element_values(e, constants | initials) for i, e in enumerate(module.elements) if e.mode == "passive"
        },
        tail_calls=facts.tail_calls,
        referenced=frozenset(_referenced(module, facts, reachable)),
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


def _canonical_types(types: list[FuncType]) -> list[int]:
    first: dict[FuncType, int] = {}
    return [first.setdefault(t, i) for i, t in enumerate(types)]


def _element_functions(element: Element, globals_: dict[int, str]) -> list[int | None]:
    """The segment's function indices, None for null."""
    if element.functions is not None:
        return list(element.functions)
    values = (constant(expr, globals_) for expr in element.exprs or ())
    return [None if v == "null" else int(v.removeprefix("@waot_funcref.")) for v in values]


def _element_values(element: Element, globals_: dict[int, str]) -> list[str]:
    if element.functions is not None:
        return [f"@waot_funcref.{i}" for i in element.functions]
    return [constant(expr, globals_) for expr in element.exprs or ()]


def _expr_functions(expr: ConstExpr | None) -> list[int]:
    return [imm for op, imm, _ in expr or () if OPERATORS[op].name == "ref.func"]


def _segment_functions(module: Module) -> Iterable[int]:
    for element in module.elements:
        if element.functions is not None:
            yield from element.functions
        for expr in element.exprs or ():
            yield from _expr_functions(expr)
    for g in module.defined_globals:
        yield from _expr_functions(g.init)


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


def _referenced(module: Module, facts: Facts, reachable: list[int]) -> set[int]:
    """Functions that may become a funcref: named by segments, globals or (conservatively) declared for ref.func."""
    return (set(_segment_functions(module)) | set(module.declared_funcs)) & set(reachable)


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


def constant(expr: ConstExpr, globals_: dict[int, str]) -> str:
    """The value of a constant expression (section 3.4.15) as an LLVM constant, integers as signed decimals."""
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
            stack.append(globals_[imm])
        elif name == "ref.null":
            stack.append("null")
        elif name == "ref.func":
            stack.append(f"@waot_funcref.{imm}")
        else:
            bits, compute = _ARITHMETIC[name]
            right, left = int(stack.pop()), int(stack.pop())
            stack.append(str(_wrap(compute(left, right), bits)))
    return stack.pop()


def _globals(module: Module, facts: Facts) -> tuple[dict[int, str], dict[int, str]]:
    imported = len(module.globals) - len(module.defined_globals)
    values: dict[int, str] = {}
    for k, g in enumerate(module.defined_globals):
        values[imported + k] = constant(g.init, values)
    # Exported mutable globals of an executable have no reader outside, so only writes inside count.
    changed = {i for i in facts.written_globals if module.globals[i].mutable}
    return (
        {i: v for i, v in values.items() if i not in changed},
        {i: v for i, v in values.items() if i in changed},
    )


# ---------------------------------------------------------------- memories


def _memory_plan(module: Module, facts: Facts, index: int, options: LoweringOptions) -> MemoryPlan:
    memory = module.memories[index]
    limits, page_log2 = memory.limits, memory.page_size_log2
    strategy = options.memory
    if limits.index64 or options.pointer_bits < 64 or page_log2 != 16:
        strategy = "checked"  # a guard of whole pages cannot begin at every byte
    elif strategy == "static" and index != 0:
        strategy = "guarded"  # only one memory can have the low addresses
    bits = 64 if limits.index64 else 32
    most = min(1 << (bits - page_log2), (1 << bits) - 1)
    maximum = min(limits.maximum if limits.maximum is not None else most, most)
    initial = min(limits.minimum << page_log2, MOST_BYTES)
    reserve = GUARDED_RESERVE
    if strategy == "checked":
        reserve = max(initial, min(maximum << page_log2, SHARED_RESERVE if limits.shared else MEMORY64_RESERVE))
    return MemoryPlan(
        index=index,
        strategy=strategy,
        base=options.static_base if strategy == "static" else None,
        bytes=initial,
        maximum=maximum,
        reserve=reserve,
        page_log2=page_log2,
        index64=limits.index64,
        shared=limits.shared,
        grows=index in facts.grown_memories,
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
        offset = int(constant(data.offset_expr or (), constants)) & ((1 << 64 if plan.index64 else 1 << 32) - 1)
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
    module: Module, facts: Facts, constants: dict[int, str], type_ids: list[int]
) -> tuple[list[TablePlan], bool]:
    """Table plans, and whether an active element segment is out of bounds so that instantiation traps."""
    total = sum(table.limits.minimum for table in module.tables)
    if total > MAX_TABLE_ELEMENTS:
        raise UnsupportedError(
            f"the tables have {total:,} elements at the start; waot's limit is {MAX_TABLE_ELEMENTS:,} in all"
        )
    entries: list[dict[int, int]] = [{} for _ in module.tables]
    out_of_bounds = False
    for element in module.elements:
        if element.mode != "active":
            continue
        index64 = module.tables[element.table].limits.index64
        offset = int(constant(element.offset_expr or (), constants)) & ((1 << 64 if index64 else 1 << 32) - 1)
        if offset + len(element) > module.tables[element.table].limits.minimum:
            out_of_bounds = True
            break
        for slot, function in enumerate(_element_functions(element, constants), offset):
            if function is None:
                entries[element.table].pop(slot, None)
            else:
                entries[element.table][slot] = function
    exported = {e.index for e in module.exports if e.kind == "table"}
    called_types: dict[int, set[int]] = {}
    for t, k in facts.indirect_types:
        called_types.setdefault(k, set()).add(type_ids[t])
    plans = []
    for index, table in enumerate(module.tables):
        called = sorted(called_types.get(index, ()))
        size = table.limits.minimum
        # A table far larger than what is in it is filled at instantiation, not written out.
        sparse = size > 4096 + 16 * len(entries[index])
        immutable = not sparse and index not in exported and index not in facts.written_tables
        immutable &= len(facts.indirect_types) < 65535  # `type_numbers` are 16 bits in the table of types
        dense = immutable and len(called) * size * 8 <= DENSE_TABLE_BYTES
        limit = table.limits.maximum if table.limits.maximum is not None else MAX_TABLE_ELEMENTS
        plans.append(
            TablePlan(
                index=index,
                index64=table.limits.index64,
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
    return plans, out_of_bounds


__all__ = ["LoweringOptions", "MemoryPlan", "Plan", "TablePlan", "constant", "entry_export", "make_plan"]
