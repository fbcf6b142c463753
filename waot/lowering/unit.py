"""One codegen unit: some functions of a module, and in unit 0 the instance's state, as one text of LLVM IR."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain

from waot.frontend.linking import instances_of
from waot.frontend.module import Body, Import, Module
from waot.lowering import (  # noqa: F401  importing them registers the operators
    atomics,
    bulk,
    control,
    exceptions,
    heap,
    memory,
    numeric,
    references,
    relaxed,
    simd,
    simd_native,
    tables,
    variables,
)
from waot.lowering.abi import (
    FUNCTIONS,
    LOCKED_FUNCTIONS,
    PROFILE_FUNCTIONS,
    STRUCTS,
    TAIL_CALL,
    THREAD_FUNCTIONS,
    TRAPS,
    struct_type,
    trap_symbol,
)
from waot.lowering.c_interface import INSTANCE, import_symbol, import_thunk_ir
from waot.lowering.function import FunctionLowering
from waot.lowering.heap import Allocator
from waot.lowering.heap_types import ObjectLayout, object_layout
from waot.lowering.imports import import_type, takes_descriptors, wasi_symbol
from waot.lowering.layout import PROFILE_SUMMARY, TBAA_METADATA, InstanceLayout
from waot.lowering.loops import counted_loops
from waot.lowering.plan import Plan, entry_export, exported_functions
from waot.lowering.profiled import UNPROFILED, Counters, Guided, Unprofiled, prefix
from waot.lowering.types import THREAD_LOCAL, ir_type, parameter_types, parameters_in_memory, return_type
from waot.lowering.units import can_be_copied, line_distances

FIRST_SUBPROGRAM = 100


_DEBUG_METADATA = """\
!llvm.dbg.cu = !{!1}
!llvm.module.flags = !{!2, !3}
!1 = distinct !DICompileUnit(language: DW_LANG_C, file: !4, emissionKind: DebugDirectivesOnly)
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !{i32 2, !"Dwarf Version", i32 4}
!4 = !DIFile(filename: "wasm", directory: "")
!5 = !DISubroutineType(types: !6)
!6 = !{}
"""

# Interrupts may use the stack below its pointer; codegen/frames.py reads the sizes of frames out of LLVM's warnings;
# nothing unwinds.
_WITHOUT_SYSTEM = 'noredzone "warn-stack-size"="0"'

# C's callees rely on it there. (So do RISC-V's, whose instructions on 32 bits leave a word that way themselves.)
_EXTENSIONS = {"s390x": " zeroext", "powerpc64le": " zeroext", "loongarch64": " signext"}

_SIZE_ATTRIBUTES = {"s": " optsize", "z": " optsize minsize"}


@dataclass(frozen=True, slots=True)
class LoweredUnit:
    """IR text of a unit; the one with the instance state is to be compiled together with the shim."""

    index: int
    text: str
    has_state: bool
    keep: frozenset[str]  # the shim's symbols that other units may refer to


class UnitLowering:
    """Collects what the functions of a unit refer to."""

    def __init__(self, module: Module, plan: Plan, index: int) -> None:
        self.module = module
        self.plan = plan
        self.index = index
        self.alone = len(plan.units) == 1
        self.has_state = index == 0
        self.linkage = "internal" if self.alone else "hidden"
        self.optimised = plan.optimised or (self.has_state and plan.options.opt_level != "0")
        # Of each load and store of a memory. What may alias is what passes want to know, and takes time to read.
        self.memory_access = f"align 1, !tbaa {InstanceLayout.memory_tbaa}" if self.optimised else "align 1"
        # Nobody asks for speed at -O0, so there every load keeps its trap whatever becomes of its value.
        self.volatile = "volatile " if plan.options.opt_level == "0" else ""
        # Without an entry point the exports are what someone else's code calls; thunks are in this code.
        direct = not plan.options.exports and entry_export(module) is None
        self.entries = frozenset(exported_functions(module) if direct else ())
        functions, copies = plan.units[index], plan.copies[index]
        own, *others = line_distances(module, plan, index) or [0] * (1 + len(copies))
        self._distance = own  # from lines to offsets in the file, but for the copies
        self._distances = dict(zip(copies, others, strict=True))
        # The functions' places among those with debug information.
        self._numbers = {} if self.alone else {function: k for k, function in enumerate(chain(functions, copies))}
        self.call_conv = plan.call_conv
        self.layout = InstanceLayout(self)
        self.copied: set[int] = set()  # functions of other units, which are here for calls to be inlined
        self.defined = set(plan.units[index])
        if self.has_state:
            self.defined.update(i for i in plan.reachable if i < module.imported_func_count)
        self._imports = [i for i in module.imports if i.kind == "func"]
        self._wasi_memory = _wasi_memories(module) if self.has_state else {}
        self.carried = 0  # operands that branches, calls and returns carry, see function.py
        self.used_state: set[str] = set()  # names of instance state that functions refer to
        self.bindings: list[str] = []  # instructions of `waot_bind`, see `pointer`
        self._declarations: dict[str, str] = {}
        self._subprograms: list[str] = []
        self._helpers: dict[str, str] = {}
        self._tbaa_tags: dict[str, str] = {}
        self._metadata: list[str] = []
        self.heap = Allocator(self)
        self._object_layouts: dict[int, ObjectLayout] = {}
        self._symbols: dict[int, str] = {}
        instrument = plan.options.instrument
        self._counters = None if instrument is None else Counters(self, instrument)

    # ------------------------------------------------------------ symbols

    def function_symbol(self, index: int) -> str:
        """The symbol of wasm function `index`, declared if another unit defines it."""
        symbol = self._symbols.get(index)
        if symbol is None:
            symbol = self._symbols[index] = self._name_function(index)
            if index not in self.defined:
                t = self.module.func_type(index)
                parameters = ", ".join(parameter_types(t, self.plan.registers))
                self._declarations[symbol] = (
                    f"declare hidden {self.call_conv} {return_type(t, self.plan.registers)} {symbol}({parameters}) #2"
                )
        return symbol

    def _name_function(self, index: int) -> str:
        known = self.plan.symbols.get(index)
        if known is not None:
            return f"@{known}"
        # LLVM takes anything else.
        name = self.module.function_names.get(index, "").replace("\0", "_") if self.alone else ""
        return quoted_symbol(f"wasm.{index}.{name[:200]}" if name else f"wasm.{index}")

    def function_linkage(self, index: int) -> str:
        """The linkage of function `index`, which this unit defines, or has a copy of."""
        if index in self.copied:
            return "available_externally hidden"
        return "hidden" if index in self.entries else self.linkage

    def state_symbol(self, name: str, ir: str, *, constant: bool = False) -> str:
        """The address of a piece of instance state that unit 0 defines."""
        symbol = f"@{name}"
        self.used_state.add(name)
        if not self.has_state and symbol not in self._declarations:
            kind = "constant" if constant else "global"
            if not constant and self.plan.is_thread_local(name):
                kind = THREAD_LOCAL + kind
            self._declarations[symbol] = f"{symbol} = external hidden {kind} {ir}"
        return symbol

    def pointer(self, holder: str, ir: str, path: tuple[int, ...], target: str, thread_local: bool) -> str:
        """What the variable `holder` begins with at `path` (as of `getelementptr` of `ir`) to point to `target`.

        Only the thread itself knows where its own variables are: that pointer is null until `waot_bind` has run there.
        """
        if not thread_local:
            return target
        indices = ", ".join(f"i32 {k}" for k in path)
        self.bindings.append(f"  store ptr {target}, ptr getelementptr inbounds ({ir}, ptr {holder}, {indices})")
        return "null"

    def funcref_symbol(self, index: int) -> str:
        """The funcref of function `index`."""
        return self.state_symbol(f"waot_funcref.{index}", "%waot.funcref", constant=True)

    def object_layout(self, type_index: int) -> ObjectLayout:
        """`object_layout` of that type, made once: an operator of four bytes asks for 10,000 fields."""
        layout = self._object_layouts.get(type_index)
        if layout is None:
            layout = self._object_layouts[type_index] = object_layout(
                self.module.types[type_index], self.plan.pointer_bytes
            )
        return layout

    def declare(self, name: str, result: str, parameters: tuple[str, ...]) -> None:
        """Declares an LLVM intrinsic."""
        if name not in self._declarations:
            self._declarations[name] = f"declare {result} @{name}({', '.join(parameters)})"

    def declare_global(self, name: str, ir: str) -> None:
        """Declares a variable of the shim, of which each thread has its own."""
        kind = "global" if self.plan.threads is None else THREAD_LOCAL + "global"
        self._declarations.setdefault(f"@{name}", f"@{name} = external hidden {kind} {ir}")

    def helper(self, name: str, text: Callable[[], str]) -> None:
        """Defines the internal function `name` once; `text` makes its definition."""
        if name not in self._helpers:
            self._helpers[name] = ""  # so that what it uses may come first
            self._helpers[name] = text()

    def tbaa_tag(self, name: str) -> str:
        """The access tag of an alias class of that name, which aliases nothing but itself."""
        tag = self._tbaa_tags.get(name)
        if tag is None:
            functions = len(self.module.funcs) if self.alone else len(self._numbers)
            first = FIRST_SUBPROGRAM + functions + len(self._metadata)
            tag = self._tbaa_tags[name] = f"!{first + 1}"
            self._metadata.append(f'!{first} = !{{!"{name}", !10}}')
            self._metadata.append(f"!{first + 1} = !{{!{first}, !{first}, i64 0}}")
        return tag

    def declare_trap(self, symbol: str) -> None:
        """Declares a trap of the shim."""
        if symbol not in self._declarations:
            self._declarations[symbol] = f"declare hidden void @{symbol}() #1"

    def tail_call_function(self) -> str:
        """The function of the shim that makes a tail call through a pointer, whatever the other arguments are."""
        self._declarations.setdefault(TAIL_CALL, f"declare hidden {self.plan.call_conv} void @{TAIL_CALL}()")
        return f"@{TAIL_CALL}"

    def runtime_function(self, symbol: str) -> tuple[str, tuple[str, ...]]:
        """Result and parameter types of a function of the shim, which is declared."""
        result, parameters = (FUNCTIONS | THREAD_FUNCTIONS | LOCKED_FUNCTIONS | PROFILE_FUNCTIONS)[symbol]
        if symbol not in self._declarations:
            self._declarations[symbol] = f"declare hidden {result} @{symbol}({self._c_parameters(parameters)}) #2"
        return result, parameters

    def _c_parameters(self, types: Iterable[str]) -> str:
        """Parameters of a function in C: how a word holds an unsigned 32-bit number, where the ABI says so."""
        extension = _EXTENSIONS.get(self.plan.options.arch, "")
        return ", ".join(t + extension if t == "i32" else t for t in types)

    def subprogram(self, index: int) -> str:
        """The debug-information scope of function `index`, "" for code that is in none (a negative index)."""
        if index < 0:
            return ""
        node = f"!{FIRST_SUBPROGRAM + (index if self.alone else self._numbers[index])}"
        # Its line is that of the function's first instructions, so it tells whose code a frame belongs to.
        line = self.module.codes[index - self.module.imported_func_count].start - self.line_distance(index)
        name = "f"
        if self.plan.interface is not None:
            name = re.sub(r"[^ -!#-[\]-~]", "?", self.module.function_names.get(index, f"function {index}"))
        self._subprograms.append(
            f'{node} = distinct !DISubprogram(name: "{name}", file: !4, line: {line}, scopeLine: {line}, type: !5, '
            f"unit: !1, spFlags: DISPFlagDefinition)"
        )
        return node

    def profile_of(self, body: Body) -> Unprofiled:
        """What is to be counted in a body, or what is known of it."""
        if body.index < 0:
            return UNPROFILED
        if self._counters is not None:
            return self._counters.function(body)
        known = None if self.plan.profile is None else self.plan.profile.functions.get(body.index)
        return UNPROFILED if known is None else Guided(body, known)

    def line_distance(self, index: int) -> int:
        """What the lines that stand for the bytes of function `index` are short of their offsets in the file."""
        return self._distances.get(index, self._distance)

    def place(self, f: FunctionLowering, offset: int) -> str:
        """That offset as an i32 of the running program."""
        if not self._distance:
            return str(offset)
        section = ".rdata$w" if "-windows-" in self.plan.options.triple else ".rodata.waot.distance"
        # The linker layer writes there what a line is from its offset; nothing else may believe that it is 0.
        self._declarations["@waot_distance"] = (
            f'@waot_distance = internal externally_initialized constant i32 0, section "{section}", align 4'
        )
        distance = f.emit("load i32, ptr @waot_distance, !invariant.load !0")
        return f.emit(f"add i32 {distance}, {offset - self._distance}", distance)

    # ------------------------------------------------------------ text

    def import_thunk(self, index: int) -> str:
        """An imported function with the signature and convention of a wasm function."""
        item = self._imports[index]
        if self.plan.interface is not None:
            return self._c_import_thunk(index, item)
        t = import_type(item)
        callee = f"@{wasi_symbol(item)}"
        types = ["ptr", *map(ir_type, t.params)]
        result = return_type(t, self.plan.registers)
        self._declarations[callee] = f"declare hidden {result} {callee}({self._c_parameters(types)}) #2"
        stored = parameters_in_memory(t, self.plan.registers)
        parameters = ", ".join(f"{ir_type(p)} %p{i}" for i, p in enumerate(t.params) if i not in stored)
        received = "".join(
            f"  %p{i} = load {ir_type(t.params[i])}, ptr {self.layout.argument(slot)}\n"
            for slot, i in enumerate(stored)
        )
        wasi_memory = self._wasi_memory[index]
        guest = "null" if wasi_memory is None else self.layout.memory(wasi_memory)
        arguments = ", ".join([f"ptr {guest}", *(f"{ir_type(p)} %p{i}" for i, p in enumerate(t.params))])
        # A convention may not change between a tail-calling caller and a C function, so this is an ordinary call.
        linkage, symbol = self.function_linkage(index), self.function_symbol(index)
        head = (
            f"define {linkage} {self.call_conv} {result} {symbol}({parameters}) #2{prefix(self, index)} {{\n{received}"
        )
        leave = ""
        if self.plan.threads is not None and takes_descriptors(item):
            self.runtime_function("waot_wasi_leave")
            leave = "  call void @waot_wasi_leave()\n"
        if result == "void":
            return f"{head}  call void {callee}({arguments})\n{leave}  ret void\n}}"
        return f"{head}  %r = call {result} {callee}({arguments})\n{leave}  ret {result} %r\n}}"

    def _c_import_thunk(self, index: int, item: Import) -> str:
        t = self.module.func_type(index)
        parameters = ", ".join(f"{ir_type(p)} %p{i}" for i, p in enumerate(t.params))
        head = (
            f"define {self.function_linkage(index)} {self.call_conv} {return_type(t, self.plan.registers)} "
            f"{self.function_symbol(index)}({parameters}) #2 {{"
        )
        self.declare_global(INSTANCE, "i8")
        declaration, definition = import_thunk_ir(self, item, head, t)
        self._declarations[import_symbol(item)] = declaration
        return definition

    def text(self, bodies: Callable[[int], Body]) -> str:
        """The whole unit. `bodies` gives the validated body of a function."""
        options = self.plan.options
        parts = [
            'source_filename = "wasm"',
            f'target datalayout = "{options.data_layout}"',
            f'target triple = "{options.triple}"',
            *(f"%{name} = type {struct_type(name, self.plan.word)}" for name in STRUCTS),
        ]
        copies = [body for body in map(bodies, self.plan.copies[self.index]) if can_be_copied(body)]
        self.copied.update([body.index for body in copies])
        self.defined |= self.copied
        for body in chain(map(bodies, self.plan.units[self.index]), copies):
            function = FunctionLowering(self, body)
            function.lower(counted_loops(function))
            parts.extend(function.text())
        if self.has_state:
            from waot.lowering.state import emit_state

            parts.extend(emit_state(self))
        if self._counters is not None:
            parts.extend(self._counters.text())
        parts.extend(self._helpers.values())
        parts.extend(self._declarations.values())
        size = _SIZE_ATTRIBUTES.get(options.opt_level, "")
        frame, table, plain, metadata = 'uwtable "probe-stack"="inline-asm"', "uwtable", "", _DEBUG_METADATA
        if "-windows-" in options.triple:  # its ABI has a function for it, and the attribute would name another
            frame = "uwtable"
            if options.triple.startswith("i686-"):
                # Neither pushes a line of .eh_frame each, nor functions without a prologue, where LLVM would begin the
                # line table with an operator, maybe of an inlined function.
                frame = table = 'uwtable "frame-pointer"="all"'
                plain = ' "frame-pointer"="all"'
            elif options.arch == "x86_64" and self.plan.tail_calls:
                # They get the System V convention (codegen/llvm.py), and Windows keeps nothing below the stack.
                frame = table = "uwtable noredzone"
                plain = " noredzone"
        if self.plan.interface is not None:
            frame = table = _WITHOUT_SYSTEM
            plain = f" {_WITHOUT_SYSTEM}"
            # For addr2line and debuggers, who need more than the line table.
            metadata = metadata.replace("DebugDirectivesOnly", "LineTablesOnly")
            metadata = metadata.replace('filename: "wasm"', f'filename: "{self.plan.interface.prefix}.wasm"')
        if self.plan.profile is not None:
            metadata = metadata.replace("flags = !{!2, !3}", f"flags = !{{!2, !3, {PROFILE_SUMMARY}}}")
            metadata += f'{PROFILE_SUMMARY} = !{{i32 1, !"ProfileSummary", {self.plan.profile.summary}}}\n'
        parts += [
            # Only WebAssembly's own tail calls are tail calls: recursion without end must exhaust the stack, and a
            # backtrace must have its frames.
            f'attributes #0 = {{ nounwind {frame} "disable-tail-calls"="true"{size} }}',
            "attributes #1 = { nomerge noreturn nounwind cold }",
            f"attributes #2 = {{ nounwind{size}{plain} }}",
            f"attributes #3 = {{ nounwind noinline {table}{size} }}",
            "attributes #4 = { noinline }",
            f"attributes #5 = {{ nounwind inlinehint{size}{plain} }}",
            metadata + TBAA_METADATA.rstrip(),
            *self._subprograms,
            *self._metadata,
        ]
        return "\n".join(parts) + "\n"


def _wasi_memories(module: Module) -> dict[int, int | None]:
    """The memory that an imported function of WASI reads and writes: what the instance exports as "memory"."""
    memories: dict[int, int | None] = {}
    for instance in instances_of(module):
        kind, index = instance.exports.get("memory", ("", 0))
        for function in instance.funcs[: instance.module.imported_func_count]:
            # An instance that re-exports an import comes before those who import it from there.
            memories.setdefault(function, index if kind == "memory" else None)
    return memories


def quoted_symbol(name: str) -> str:
    """`name` as an LLVM global's name."""
    safe = all(c.isascii() and (c.isalnum() or c in "._$-") for c in name)
    if safe:
        return f"@{name}"
    return '@"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02X}" for b in name.encode()) + '"'


def lower_unit(module: Module, plan: Plan, index: int, bodies: Callable[[int], Body]) -> LoweredUnit:
    """Lowers unit `index` of `plan`. Raises UnsupportedError for an operator without a lowering."""
    unit = UnitLowering(module, plan, index)
    locked = LOCKED_FUNCTIONS if plan.locked_atomics else ()
    profiling = () if plan.options.instrument is None else PROFILE_FUNCTIONS
    keep = frozenset() if unit.alone else frozenset([*FUNCTIONS, *locked, *profiling, *map(trap_symbol, TRAPS)])
    return LoweredUnit(index, unit.text(bodies), unit.has_state, keep)


def with_triple(unit: LoweredUnit, triple: str) -> LoweredUnit:
    """`unit` for another triple, where the options of lowering are the same in everything else."""
    head, mark, rest = unit.text.partition('\ntarget triple = "')  # in the head, before anything that a module names
    return replace(unit, text=head + mark + triple + rest[rest.index('"') :])
