"""What globals, memories and tables hold when an instance begins, and what is left to be written when it does.

Whatever is known at build time becomes part of the executable: constants, the image of a memory, a table's entries. The
rest are steps of instantiation (`InstancePlan`), which instantiate.py turns into code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from waot.errors import UnsupportedError
from waot.frontend.module import ConstExpr, Data, Demand, Element, Facts, Instance, Module, RefType
from waot.frontend.opcodes import OPERATORS
from waot.lowering.abi import FUNCREF
from waot.lowering.types import float_constant

if TYPE_CHECKING:
    from waot.lowering.plan import LoweringOptions

# A 32-bit index plus a 32-bit offset plus the widest access reaches just past 8 GiB; one more wasm page covers it.
GUARDED_RESERVE = (1 << 33) + (1 << 16)

# Address space that a memory with 64-bit indices has at first: more is reserved behind it as it grows. A shared one has
# room for its maximum from the beginning, but not for more than this.
MEMORY64_RESERVE = 8 << 30
SHARED_RESERVE = 1 << 40
# Where pointers have 32 bits a memory that grows out of what it has reserved is moved, if there is no room behind it.
MEMORY32_RESERVE = 16 << 20


def most_bytes(pointer_bits: int) -> int:
    """Sizes beyond this, which no system has, are all the same."""
    return 1 << 62 if pointer_bits == 64 else (1 << 32) - 1


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
class SegmentWrite:
    """At instantiation, active segment `segment` goes to `offset` in memory or table `index`, or traps there."""

    segment: int
    index: int
    offset: int


@dataclass(slots=True)
class InstancePlan:
    """What is left to do of instantiating one instance (section 4.5.4), in this order.

    A segment for a memory or table of the instance's own is in that from the start, as nobody can see it before the
    instance is there. One for an imported memory or table is written when its turn comes.
    """

    demands: tuple[Demand, ...]  # sizes to check
    memories: range  # to create
    tables: range  # to fill, where they are sparse or have an initial value that is an object
    globals: range  # to set, where they are objects
    segments: range  # of elements, to fill where they are objects
    starts: tuple[int, ...]  # to call, after all that follows
    elements: list[SegmentWrite] = field(default_factory=list)
    copies: list[DataCopy] = field(default_factory=list)
    datas: list[SegmentWrite] = field(default_factory=list)
    trap: str | None = None  # the trap that it always ends in, after all of the above


@dataclass(frozen=True, slots=True)
class DataCopy:
    """At instantiation, `size` bytes at `source` in the data image go to `offset` in memory `memory`."""

    memory: int
    offset: int
    source: int
    size: int


def exported_indices(module: Module, kind: str) -> set[int]:
    """The indices of what a module exports of that kind."""
    return {e.index for e in module.exports if e.kind == kind}


def first_memory(instances: list[Instance]) -> int | None:
    """The one memory that may have the low addresses: the first of the last instance, the main one, that has any."""
    return next((instance.memories[0] for instance in reversed(instances) if instance.memories), None)


def element_values(element: Element, globals_: dict[int, str]) -> list[str | None]:
    if element.functions is not None:
        return [f"@{FUNCREF}{i}" for i in element.functions]
    return [constant(expr, globals_) for expr in element.exprs or ()]


def _function(value: str) -> int | None:
    """The function whose funcref a constant is, None for null."""
    return None if value == "null" else int(value.removeprefix(f"@{FUNCREF}"))


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


def initial_globals(
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
    written = facts.written_globals | (exported_indices(module, "global") if options.open else set())
    changed = {i for i in written if module.globals[i].mutable}
    constants = {i: v for i, v in values.items() if i not in changed}
    return constants, {i: v for i, v in values.items() if i in changed} | dynamic, frozenset(dynamic)


# ---------------------------------------------------------------- memories


def memory_plan(module: Module, facts: Facts, index: int, options: LoweringOptions, first: int | None) -> MemoryPlan:
    memory = module.memories[index]
    limits, page_log2 = memory.limits, memory.page_size_log2
    strategy = options.memory
    if limits.index64 or options.pointer_bits < 64 or page_log2 != 16:
        strategy = "checked"  # a guard of whole pages cannot begin at every byte
    elif strategy == "static" and index != first:
        strategy = "guarded"  # only one memory can have the low addresses
    bits = 64 if limits.index64 else 32
    most = min(1 << (bits - page_log2), (1 << bits) - 1)
    maximum = min(limits.maximum if limits.maximum is not None else most, most)
    initial = min(limits.minimum << page_log2, most_bytes(options.pointer_bits))
    reserve = GUARDED_RESERVE
    if strategy == "checked":
        usual = MEMORY64_RESERVE if options.pointer_bits == 64 else MEMORY32_RESERVE
        reserve = max(initial, min(maximum << page_log2, SHARED_RESERVE if limits.shared else usual))
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
        grows=index in facts.grown_memories or (options.open and index in exported_indices(module, "memory")),
    )


def initial_data(
    module: Module,
    constants: dict[int, str],
    memories: list[MemoryPlan],
    image_as_segment: Callable[[int], bool],
    parts: list[Instance],
    instances: list[InstancePlan],
) -> tuple[bytes | None, dict[int, tuple[int, int]], bytes]:
    """(image, segments needed at run time, data image); adds to `instances` what they write, and how that ends."""
    image = None
    blob = bytearray()
    for part, instance in zip(parts, instances, strict=True):
        # Element segments come first, so if they trap no data segment is ever seen.
        early = [] if instance.trap else _active_data(module, constants, memories, part, instance)
        fixed = next((i for i in part.own_memories if memories[i].base is not None), None)
        if fixed is not None and not instance.trap:
            image = _image(module, [(offset, data) for offset, data in early if data.memory == fixed and len(data)])
            if image is not None and not image_as_segment(len(image.lstrip(b"\0"))):
                image = None
            elif image is not None:
                early = [(offset, data) for offset, data in early if data.memory != fixed]
        instance.copies = _copies(module, early, blob)
    late = {write.segment for instance in instances for write in instance.datas}
    kept: dict[int, tuple[int, int]] = {}
    for index, data in enumerate(module.datas):
        if data.mode == "passive" or index in late:
            kept[index] = (len(blob), len(data))
            blob += module.source[data.start : data.end]
    return image, kept, bytes(blob)


def _active_data(
    module: Module, constants: dict[int, str], memories: list[MemoryPlan], part: Instance, instance: InstancePlan
) -> list[tuple[int, Data]]:
    """(offset, segment) of the active segments that the instance's own memories have from the start.

    Those that are written at run time, and the trap that is certain, are added to `instance`. As a trap leaves what was
    written before it, and nothing that comes after, what follows a write that may trap is written at run time too.
    """
    early: list[tuple[int, Data]] = []
    may_trap = any(_out_of_bounds(module, write) for write in instance.elements)
    for index in part.datas:
        data = module.datas[index]
        if data.mode != "active":
            continue
        plan = memories[data.memory]
        offset = int(constant(data.offset_expr or (), constants) or 0) & ((1 << 64 if plan.index64 else 1 << 32) - 1)
        inside = offset + len(data) <= plan.bytes
        if data.memory not in part.own_memories or may_trap:
            instance.datas.append(SegmentWrite(index, data.memory, offset))
            may_trap |= not inside
        elif inside:
            early.append((offset, data))
        else:
            instance.trap = "memory_out_of_bounds"
            break
    return early


def _copies(module: Module, segments: list[tuple[int, Data]], blob: bytearray) -> list[DataCopy]:
    """Copies that write the segments, whose bytes are added to the data image `blob`."""
    copies: list[DataCopy] = []
    written: dict[int, int] = {}  # memory -> past the last byte written
    for offset, data in segments:
        memory, length = data.memory, len(data)
        if not length:
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
    return copies


def _image(module: Module, segments: list[tuple[int, Data]]) -> bytes | None:
    """The memory from its start to the end of the last active segment, unless that were mostly gaps."""
    end = max((offset + len(data) for offset, data in segments), default=0)
    start = min((offset for offset, _ in segments), default=0)
    if end - start > 2 * sum(len(data) for _, data in segments) + IMAGE_SLACK or start > LEADING_ZEROS:
        return None
    run = bytearray(end)
    for offset, data in segments:  # in order: a later segment overwrites an earlier one
        run[offset : offset + len(data)] = module.source[data.start : data.end]
    return bytes(run)


# ---------------------------------------------------------------- tables


def _out_of_bounds(module: Module, write: SegmentWrite) -> bool:
    """Whether an element segment may be out of bounds, for all that is known before the table grows."""
    return write.offset + len(module.elements[write.segment]) > module.tables[write.index].limits.minimum


def _active_elements(
    module: Module,
    constants: dict[int, str],
    part: Instance,
    instance: InstancePlan,
    entries: list[dict[int, int]],
    runtime: set[int],
) -> None:
    """Puts active segments into `entries` of the instance's own tables; the rest is as in `_active_data`.

    Tables in `runtime` have contents that only the running program can write, so their segments are written there too.
    """
    may_trap = False
    for index in part.elements:
        element = module.elements[index]
        if element.mode != "active":
            continue
        table = element.table
        index64 = module.tables[table].limits.index64
        offset = int(constant(element.offset_expr or (), constants) or 0) & ((1 << 64 if index64 else 1 << 32) - 1)
        values = element_values(element, constants)
        functions = [v for v in values if v is not None and (v == "null" or v.startswith(f"@{FUNCREF}"))]
        if len(functions) < len(values):
            runtime.add(table)
        write = SegmentWrite(index, table, offset)
        outside = _out_of_bounds(module, write)
        if table not in part.own_tables or may_trap or table in runtime:
            instance.elements.append(write)
            may_trap |= outside
            continue
        if outside:
            instance.trap = "table_out_of_bounds"
            break
        for slot, function in enumerate(map(_function, functions), offset):
            if function is None:
                entries[table].pop(slot, None)
            else:
                entries[table][slot] = function


def initial_tables(
    module: Module,
    facts: Facts,
    constants: dict[int, str],
    parts: list[Instance],
    instances: list[InstancePlan],
    pointer_bytes: int,
) -> tuple[list[TablePlan], dict[int, ConstExpr]]:
    """Table plans, and `table_values`; adds to `instances` what they write into tables, and how that ends."""
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
    for part, instance in zip(parts, instances, strict=True):
        _active_elements(module, constants, part, instance, entries, runtime)
    written = facts.written_tables | runtime | {write.index for instance in instances for write in instance.elements}
    exported = exported_indices(module, "table")
    called_types: dict[int, set[int]] = {}
    for t, k in facts.indirect_types:
        called_types.setdefault(k, set()).add(module.canonical[t])
    plans = []
    for index, table in enumerate(module.tables):
        called = sorted(called_types.get(index, ()))
        size = table.limits.minimum
        # A table far larger than what is in it is filled at instantiation, not written out.
        sparse = size > 4096 + 16 * len(entries[index])
        immutable = not sparse and index not in exported and index not in written
        immutable &= len(facts.indirect_types) < 65535  # `called_types` has 16 bits a type
        dense = immutable and len(called) * size * pointer_bytes <= DENSE_TABLE_BYTES
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
    return plans, table_values
