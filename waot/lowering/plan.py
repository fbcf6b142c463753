"""Decisions that need the whole module, made once before any function is lowered.

What can be reached from the entry; which functions may throw; how functions are split into units; and what initial.py
finds of globals, memories and tables. A `Plan` is plain data and crosses processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from waot.errors import LinkError
from waot.frontend.linking import instances_of, missing_size_error, source_place
from waot.frontend.module import ConstExpr, Export, Facts, FuncType, Instance, Module
from waot.frontend.opcodes import OPERATORS
from waot.lowering.c_interface import CInterface, c_interface
from waot.lowering.heap_types import CalledTypes, TypeNumbers, number_types
from waot.lowering.imports import check_imports, starts_threads, thread_start
from waot.lowering.initial import (
    InstancePlan,
    MemoryPlan,
    TablePlan,
    element_values,
    exported_indices,
    first_memory,
    initial_data,
    initial_globals,
    initial_tables,
    memory_plan,
)
from waot.lowering.profiled import Guidance, by_heat
from waot.lowering.throwing import find_throwing
from waot.lowering.types import Registers, parameters_in_memory, registers_of
from waot.lowering.units import copies, function_symbols, split_units
from waot.options import Grants


@dataclass(frozen=True, slots=True)
class LoweringOptions:
    """What lowering must know of the target and of the user's wishes."""

    triple: str
    data_layout: str
    arch: str
    pointer_bits: int
    memory: str  # "static", "guarded" or "checked", for `first_memory`; see `memory_plan` for the others
    static_base: int | None
    opt_level: str  # "0" to "3", "s", "z"
    vectors: str | None  # "ssse3", "sse4.1" (and SSSE3) or "neon", where the CPU has those instructions
    executable: bool  # the result must have a `_start`; without one, every exported function is an entry
    exports: bool  # everything exported is offered to the outside by `waot_exports`; `_start` is one among others
    unit_operators: int  # operators of a unit on average, when there is more than one
    single_unit_operators: int  # modules up to this size are one unit
    copied_operators: int = 0  # of the largest functions that units have copies of, for calls to be inlined
    heap_limit: int = 0  # bytes that objects may take; 0: what the system gives
    relaxed_simd: str = "fast"  # "fast" or "deterministic"
    embedded: bool = False  # directories in the executable
    compressed: bool = False  # and compressed files in them
    fma: bool = False  # the CPU has a fused multiply-add of vectors
    grants: Grants = field(default_factory=Grants)  # of an executable
    soft_float: bool = False  # floats are passed as integers
    instrument: bytes | None = None  # the program writes a profile of the module whose digest this is
    c_prefix: str | None = None  # there is no system: what is exported and imported are C functions (c_interface.py)

    @property
    def open(self) -> bool:
        """Whether code that is not the module's may change what it exports."""
        return self.exports and self.c_prefix is None

    @property
    def big_endian(self) -> bool:
        """Whether the machine has the high byte of a number first; linear memory never has."""
        return self.data_layout.startswith("E")


@dataclass(slots=True)
class Plan:
    """Everything `lower_unit` needs beside the module."""

    options: LoweringOptions
    reachable: list[int]  # functions to lower or to make a thunk for, sorted
    units: list[list[int]]  # defined functions by unit; unit 0 also holds the instance state and the runtime
    copies: list[list[int]]  # by unit, functions of others that may be there too, for calls to be inlined
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
    heap: bool  # objects may be made
    tail_calls: bool
    registers: Registers  # that arguments and results are passed in
    argument_slots: int  # the most parameters of any type that are not in registers
    referenced: frozenset[int]  # functions of which a funcref exists
    image: bytes | None  # what the executable maps at the base of the memory with the static strategy
    kept_data: dict[int, tuple[int, int]]  # data segment needed at run time -> (offset in the data image, size)
    data_image: bytes
    instances: list[InstancePlan]  # one for a module alone
    imports: list[tuple[str, str]]  # (module, name) of the imports that are reachable
    threads: int | None = None  # the function that a thread runs, where the program can start any
    # Each atomic access is a call that takes a lock: the processor does none to 64 bits, and some are.
    locked_atomics: bool = False
    interface: CInterface | None = None  # where there is no system
    profile: Guidance | None = None
    symbols: dict[int, str] = field(default_factory=dict)  # of functions whose symbols are not made of their indices

    def is_thread_local(self, state: str) -> bool:
        """Whether each thread has its own `state` (a symbol of `state_symbol`), which is no constant."""
        if self.threads is None or state.startswith("waot_memory."):
            return False
        if state.startswith("waot_table."):
            return not self.tables[int(state.split(".")[1])].immutable
        return True

    @property
    def optimised(self) -> bool:
        """Whether LLVM's passes are to run over every unit, and not over the one with the instance state alone."""
        level = self.options.opt_level
        return level != "0" and (level != "1" or len(self.units) == 1)

    @property
    def word(self) -> str:
        """The LLVM integer type that is as wide as a pointer."""
        return f"i{self.options.pointer_bits}"

    @property
    def pointer_bytes(self) -> int:
        """The size of a pointer, a reference among them."""
        return self.options.pointer_bits // 8

    @property
    def call_conv(self) -> str:
        """Calling convention of wasm functions; only `tailcc` guarantees tail calls between any two signatures."""
        return "tailcc" if self.tail_calls else "fastcc"


def entry_export(module: Module) -> Export | None:
    """The export `_start` that a WASI command has, if there is one."""
    return next((e for e in module.exports if e.kind == "func" and e.name == "_start"), None)


def exported_functions(module: Module) -> list[int]:
    """The functions that a module exports."""
    return sorted(exported_indices(module, "func"))


# Architectures whose processors access 32 bits atomically and no more (core/wide.h).
_NO_WIDE_ATOMICS = frozenset({"riscv32"})


def never_mapped(size: int) -> bool:
    """An `image_as_segment` where there is no linker to map anything."""
    return False


def make_plan(
    module: Module,
    facts: Facts,
    options: LoweringOptions,
    image_as_segment: Callable[[int], bool] = never_mapped,
    profile: Guidance | None = None,
) -> Plan:
    """Decides. `image_as_segment(size)` says whether the linker maps a memory image of that many bytes.

    `profile` is what is known of how often the functions run.

    Raises LinkError where an import is not WASI's or has another type, where an imported memory or table never gets as
    large as it must be, or `_start` is missing.
    """
    check_imports(module, options.c_prefix)
    entry = entry_export(module)
    if options.executable:
        _check_entry(module, entry)
    type_numbers = number_types(module)
    called_types = CalledTypes.of({module.canonical[t] for t, _ in facts.indirect_types}, type_numbers)
    threads = thread_start(module) if starts_threads(module) else None
    reachable = _reachable(module, facts, None if options.exports else entry, threads)
    constants, initials, dynamic = initial_globals(module, facts, options)
    parts = instances_of(module)
    if options.executable:
        _check_demands(parts, facts)
    # A module alone also has the shared memories made for it that it imports (check_imports).
    made = [i.own_memories if module.instances else range(len(module.memories)) for i in parts]
    instances = [
        InstancePlan(i.demands, memories, i.own_tables, i.own_globals, i.elements, i.starts)
        for i, memories in zip(parts, made, strict=True)
    ]
    first = first_memory(parts)
    memories = [memory_plan(module, facts, i, options, first) for i in range(len(module.memories))]
    tables, table_values = initial_tables(module, facts, constants, parts, instances, options.pointer_bits // 8)
    if options.c_prefix is not None:  # there is nothing to take more from
        tables = [replace(table, maximum=table.size) for table in tables]
    image, kept_data, blob = initial_data(module, constants, memories, image_as_segment, parts, instances)
    late = {write.segment for instance in instances for write in instance.elements}
    referenced = _referenced(module, reachable)
    throws, throwing_types = find_throwing(module, facts, referenced)
    registers = registers_of(options.arch, soft=options.soft_float, tail_calls=facts.tail_calls)
    imported = module.imported_func_count
    func_imports = [i for i in module.imports if i.kind == "func"]
    defined = [i for i in reachable if i >= imported]
    # What is hot comes first and what never ran last, and neither shares a unit with others: the linker lays units side
    # by side.
    groups = [defined] if profile is None else [group for group in by_heat(defined, profile) if group]
    units = split_units(module, groups, facts, options)
    used = list(dict.fromkeys((func_imports[i].module, func_imports[i].name) for i in reachable if i < imported))
    return Plan(
        options=options,
        reachable=reachable,
        units=units,
        copies=copies(module, units, facts, options, profile),
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
            i: element_values(e, constants) for i, e in enumerate(module.elements) if e.mode == "passive" or i in late
        },
        heap=_makes_objects(module, facts),
        tail_calls=facts.tail_calls,
        registers=registers,
        argument_slots=max(
            (len(parameters_in_memory(t, registers)) for t in module.types if isinstance(t, FuncType)), default=0
        ),
        referenced=referenced,
        image=image,
        kept_data=kept_data,
        data_image=blob,
        instances=instances,
        imports=used,
        interface=None if options.c_prefix is None else c_interface(module, used, options.c_prefix),
        threads=threads,
        locked_atomics=threads is not None and facts.wide_atomics and options.arch in _NO_WIDE_ATOMICS,
        profile=profile,
        symbols=function_symbols(module, len(units)),
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
        file, offset = source_place(module, entry.offset)
        raise LinkError(f"'_start' has type {module.func_type(entry.index)}, not [] -> []", file=file, offset=offset)


def _makes_objects(module: Module, facts: Facts) -> bool:
    """Whether some operator or constant expression may allocate; every one that does is of these proposals."""
    if facts.proposals & {"gc", "exception-handling", "legacy-exceptions"}:
        return True
    return any(OPERATORS[op].proposal == "gc" for expr in module.const_exprs() for op, _, _ in expr)


def _check_demands(instances: list[Instance], facts: Facts) -> None:
    """Raises LinkError where an imported memory or table is too small and nothing in the program grows it."""
    for instance in instances:
        for demand in instance.demands:
            if demand.index not in (facts.grown_memories if demand.kind == "memory" else facts.written_tables):
                raise missing_size_error(instance, demand)


def _expr_functions(expr: ConstExpr | None) -> list[int]:
    return [imm for op, imm, _ in expr or () if OPERATORS[op].name == "ref.func"]


def _segment_functions(module: Module) -> Iterable[int]:
    for element in module.elements:
        yield from element.functions or ()
    for expr in module.const_exprs():
        yield from _expr_functions(expr)


def _reachable(module: Module, facts: Facts, entry: Export | None, threads: int | None) -> list[int]:
    work = [start for instance in instances_of(module) for start in instance.starts]
    work += [entry.index] if entry else exported_functions(module)
    work += [] if threads is None else [threads]
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
