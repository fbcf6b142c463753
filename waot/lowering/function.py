"""The state of one function's lowering, and the helpers that operator lowerings share.

Values are SSA names or constants as IR text. Numbered names (%17) need not be dense but must grow in textual order;
phis, which are written at the end, have names of their own (%x17).

Dead phis. Of three phis two are of locals that nobody reads again, so only those are written that something names:
every operand that the text of an instruction names is among those that it is emitted with.

Dead loads. A load whose value nothing observable depends on would be deleted by LLVM together with its trap. So every
pure operator records which values its result depends on (`deps`), every observable use is recorded too (`roots`), and
at the end loads that no root reaches are turned into volatile ones (`_keep_dead_loads`). So are loads of which only a
part is used, where LLVM would read only that part, which may be inside the memory where the whole is not; but not in
loops, where volatile would cost vectorisation (`partly_used`). All other loads stay plain, but at -O0 all are volatile.
Across functions, a parameter that its function does not need and a result that its caller drops are written to a
stack slot, because inlining would otherwise make the loads behind them dead. (llvm.fake.use would be the thing, but
the optimiser drops it.)

Pointers in phis. An i32 that a load made is zero-extended for nothing, but not once it went through a phi: a loop that
walks a list would extend the pointer in every round, a cycle on the one path that matters. So a phi of i32 values that
come from loads is a phi of i64 with a trunc behind it, and addresses use the i64 (`wide`). The integer mix of
benchmarks/programs took 1.12 times native without, 1.04 with.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from waot.errors import UnsupportedError
from waot.frontend.module import I32, V128, Body, FuncType, ValType
from waot.frontend.opcodes import BY_NAME, OPERATORS
from waot.lowering.abi import MACHO_WASM_TEXT, WASM_TEXT, trap_symbol
from waot.lowering.dispatch import NOWHERE, Dispatch, find_dispatches
from waot.lowering.frame import Edge, Frame, Way
from waot.lowering.layout import UNLIKELY
from waot.lowering.profiled import ENTRY, Unprofiled
from waot.lowering.types import (
    RESULT_BYTES,
    V128_IR,
    ir_type,
    native_type,
    parameter_types,
    parameters_in_memory,
    results_in_memory,
    results_struct,
    return_type,
    zero,
)

if TYPE_CHECKING:
    from waot.lowering.unit import UnitLowering

Handler = Callable[["FunctionLowering", Any, int], None]

NO_FUNCTION = -1  # the index of a `Body` that is no function's: its code is lowered without debug information

# One entry an operator, by operator index.
HANDLERS: list[Handler | None] = [None] * len(OPERATORS)

# SSA construction compares every local at every join: 185,000 comparisons in CPython's largest function. Beyond this
# many (locals x joins) a function keeps its locals in stack slots instead and leaves the work to LLVM: slower for
# everyone else, linear for such functions.
SSA_WORK_LIMIT = 1_000_000

# Some of LLVM's passes are quadratic in the length of a block (3,000 stores: 2 s of SLP vectoriser). A function with
# a longer one is not optimised; the longest of CPython has 13,000 lines.
LONGEST_BLOCK = 16_000

# Others are quadratic in the ways into a join (100,000 br_on_cast to one label: minutes), so neither is a function of
# more lines than this.
LONGEST_FUNCTION = 250_000

# These back ends do not touch each page of a large frame, so no frame may be wider than the guard below the stack
# (os/posix/stack.h: 64 MiB): a line makes one value, of 16 bytes at most, and room for results is 16 MiB at most.
LONGEST_WITHOUT_PROBES = 2_000_000
WITHOUT_PROBES = ("arm", "thumb", "loongarch64")

# Handlers that lead from one to the next are a ladder, over which the optimiser takes time by the square of its length,
# and a dominator tree too: so a function with tries nested deeper than this is not optimised, and deeper than ten times
# that not compiled. Compilers nest them as deep as people do.
DEEP_TRIES = 250

# LLVM's register allocator takes time by the product of a function's calls and its short-lived values (200,000 calls:
# minutes). The unit of a function with more calls than this is left to the fast allocator of -O0, which is linear. That
# one cannot do tail calls (codegen/llvm.py), so where there are any a function with twice as many is refused.
MOST_CALLS = 50_000

# Operands that all branches and returns of one function may carry together. A module of a few kilobytes can ask for
# thousands of times its size (1,000 results at every `br_if`); no compiler's output comes near this.
CARRIED_LIMIT = 300_000
UNIT_CARRIED_LIMIT = 10 * CARRIED_LIMIT


def lowers(*names: str) -> Callable[[Handler], Handler]:
    """Registers a function as the lowering of the operators `names`."""

    def register(handler: Handler) -> Handler:
        for name in names:
            assert HANDLERS[BY_NAME[name].index] is None, name
            HANDLERS[BY_NAME[name].index] = handler
        return handler

    return register


def lowers_where(holds: Callable[[FunctionLowering], bool], *names: str) -> Callable[[Handler], Handler]:
    """Registers a function as the lowering of the operators `names` where `holds`; elsewhere it stays what it was."""

    def register(handler: Handler) -> Handler:
        for name in names:
            index = BY_NAME[name].index
            otherwise = HANDLERS[index]
            assert otherwise is not None, name
            HANDLERS[index] = _either(holds, handler, otherwise)
        return handler

    return register


def _either(holds: Callable[[FunctionLowering], bool], handler: Handler, otherwise: Handler) -> Handler:
    return lambda f, immediate, offset: (handler if holds(f) else otherwise)(f, immediate, offset)


# Instructions of a body from one position to another, and what lowers them.
Apart = tuple[int, int, Callable[["FunctionLowering"], None]]

# A phi: the index of its line, its name, the ways into its block and its value on each.
Phi = tuple[int, str, ValType, list[Way], tuple[str, ...]]


class Call(NamedTuple):
    """A call of a function of type `type`, whose arguments have been made ready."""

    type: FuncType
    arguments: list[str]
    typed: list[str]  # with their types, as they are passed
    pointer: str | None  # where its results go, if they go to memory


class FunctionLowering:
    """Lowers one `Body`; `text` is the result."""

    __slots__ = (
        "addresses",
        "block_start",
        "body",
        "bools",
        "carried",
        "deep_tries",
        "deps",
        "dispatches",
        "distance",
        "entry_names",
        "entry_out",
        "extended",
        "extending",
        "frames",
        "fresh_bool",
        "fresh_line",
        "known_address",
        "label",
        "labels",
        "live_phis",
        "loads",
        "local_types",
        "locals",
        "locals_shared",
        "longest_block",
        "loops",
        "n",
        "out",
        "phis",
        "place_local",
        "pointers",
        "profile",
        "promoted",
        "results",
        "roots",
        "scope",
        "slots",
        "splats",
        "stack",
        "tries",
        "type",
        "unit",
        "unwinds",
        "wide",
        "widened",
        "widening",
    )

    def __init__(self, unit: UnitLowering, body: Body) -> None:
        self.unit = unit
        self.body = body
        self.type: FuncType = body.type
        self.out: list[str] = []
        self.entry_out: list[str] = []  # what is computed once in the entry block, before everything else
        self.entry_names: set[str] = set()
        self.stack: list[str] = []
        self.frames: list[Frame] = []
        self.tries: list[int] = []  # indices into `frames` of the tries whose body we are in
        self.deep_tries = False  # they have been more than DEEP_TRIES
        self.loops = 0  # loops that we are in
        self.block_start = 0  # index into `out`
        self.longest_block = 0  # lines
        self.carried = 0  # see CARRIED_LIMIT
        self.n = 0
        self.labels = 0
        self.label: str | None = "entry"  # the block being filled; None after a branch
        self.scope = unit.subprogram(body.index)
        self.distance = unit.line_distance(body.index)  # from lines to offsets in the file
        self.profile: Unprofiled = unit.profile_of(body)
        self.local_types = (*body.type.params, *body.locals)
        self.dispatches: dict[int, Dispatch] = {}  # by offset
        self.locals: list[str] = []
        self.place_local = 0  # a local of our own, see dispatch.py
        self.locals_shared = False  # an edge holds `locals`: copy before writing
        self.unwinds = False  # something branches to the block `unwind`, which leaves with an exception pending
        self.slots = False  # locals live in stack slots, see SSA_WORK_LIMIT
        self.bools: dict[str, str] = {}  # i32 that is a zext of an i1 -> that i1
        self.fresh_bool = ""  # the i1 of the latest one, if that has not become a local
        self.fresh_line = 0  # how many lines there were after it
        self.splats: dict[str, str] = {}  # v128 -> the constant that is in each of its lanes
        self.promoted: dict[str, str] = {}  # result of f64.promote_f32 -> its operand
        self.deps: dict[str, tuple[str, ...] | list[str]] = {}
        self.pointers: set[str] = set()  # i32 values that come from loads, maybe through phis
        self.wide: dict[str, str] = {}  # i32 value -> the i64 that it is the low half of; the high one is zero
        self.widened: dict[str, str] = {}  # i32 value -> the i64 that it was extended to in this block
        # A register of these holds an i32 with its sign extended, so an extension is what uses a load first.
        self.extending = unit.plan.options.arch in ("riscv64", "loongarch64")
        self.widening = unit.optimised and unit.plan.word == "i64"
        self.phis: list[Phi] = []
        self.live_phis = 0  # of these, known at the end
        self.roots: list[str] = []
        self.loads: dict[str, tuple[int, str]] = {}  # value of a load -> index of its line, its location
        self.extended: dict[str, str] = {}  # a narrow load's value, extended -> as loaded
        self.addresses: dict[str, tuple[str, int, int]] = {}  # value of a load -> index, offset, memory
        self.known_address: tuple[str, int] | None = None  # the next access's, a number and a distance (loops.py)
        self.results: dict[str, tuple[int, str]] = {}  # result of a call -> index of its line, LLVM type

    # ------------------------------------------------------------ values

    def emit(self, operation: str, *operands: str) -> str:
        """Emits a pure instruction; `operands` are the values its result depends on. The name of the result.

        Instruction selection folds a load into the instruction that uses it, which then is what traps: so it gets the
        load's location.
        """
        self.n += 1
        name = f"%{self.n}"
        location = ""
        for operand in operands:
            if operand in self.loads:
                location = self.loads[operand][1]
                break
        self.out.append(f"  {name} = {operation}{location}")
        self.deps[name] = operands
        return name

    def extending_location(self, value: str) -> str:
        """The location of a terminator that uses `value`: where it is extended for that, it may be the load of it."""
        return self.loads[value][1] if self.extending and value in self.loads else ""

    def effect(self, instruction: str, *operands: str) -> None:
        """Emits an instruction that can be observed, so that `operands` are needed."""
        self.out.append(f"  {instruction}")
        self.roots.extend(operands)

    def effect_value(self, operation: str, *operands: str) -> str:
        """As `effect`, with a result."""
        self.n += 1
        name = f"%{self.n}"
        self.out.append(f"  {name} = {operation}")
        self.roots.extend(operands)
        return name

    def load(self, ir: str, pointer: str, offset: int) -> str:
        """Emits a load of LLVM type `ir` that may trap; `offset` is the operator's."""
        self.n += 1
        name = f"%{self.n}"
        location = self.location(offset)
        self.loads[name] = (len(self.out), location)
        # What becomes of a value in a stack slot is not followed, so there every load stays.
        volatile = "volatile " if self.slots else self.unit.volatile
        self.out.append(f"  {name} = load {volatile}{ir}, ptr {pointer}, {self.unit.memory_access}{location}")
        self.deps[name] = (pointer,)
        return name

    def partly_used(self, value: str) -> None:
        """Says that the consumer at hand needs only a part of `value`; if that is a load, it must stay whole."""
        value = self.extended.get(value, value)
        if not self.loops and value in self.loads:
            self.make_volatile(value)

    def make_volatile(self, value: str) -> None:
        """Makes the load with the result `value` one that LLVM neither deletes nor narrows."""
        line, _ = self.loads[value]
        if " = load volatile " not in self.out[line]:
            self.out[line] = self.out[line].replace(" = load ", " = load volatile ", 1)

    def push_bool(self, condition: str) -> None:
        """Pushes an i1 as i32, and remembers it for branches and selects."""
        value = self.emit(f"zext i1 {condition} to i32", condition)
        self.bools[value] = self.fresh_bool = condition
        self.fresh_line = len(self.out)
        self.stack.append(value)

    def pop_bool(self) -> str:
        """Pops an i32 as the i1 `value != 0`."""
        value = self.stack.pop()
        known = self.bools.get(value)
        if known is None:
            return self.emit(f"icmp ne i32 {value}, 0", value)
        if known is self.fresh_bool and len(self.out) == self.fresh_line:
            self.out.pop()  # the i32 is not needed: a tenth of all lines
        return known

    def call_intrinsic(self, result: str, name: str, *typed: tuple[str, str]) -> str:
        """Calls an LLVM intrinsic without side effects; `typed` are (type, value) pairs."""
        self.unit.declare(name, result, tuple(t for t, _ in typed))
        arguments = ", ".join(f"{t} {v}" for t, v in typed)
        return self.emit(f"call {result} @{name}({arguments})", *(v for _, v in typed))

    def call_runtime(self, symbol: str, *arguments: str, offset: int | None = None) -> str | None:
        """Calls a function of the shim. Returns the name of its result, None for void."""
        result, parameters = self.unit.runtime_function(symbol)
        text = ", ".join(f"{t} {v}" for t, v in zip(parameters, arguments, strict=True))
        location = self.location(offset) if offset is not None else ""
        if result == "void":
            self.effect(f"call void @{symbol}({text}){location}", *arguments)
            return None
        return self.effect_value(f"call {result} @{symbol}({text}){location}", *arguments)

    def location(self, offset: int) -> str:
        """The debug location of the operator at byte `offset`, to be put at the end of an instruction."""
        return f", !dbg !DILocation(line: {offset - self.distance}, scope: {self.scope})" if self.scope else ""

    # ------------------------------------------------------------ blocks

    def new_label(self, prefix: str) -> str:
        """A new block label; it is not placed yet."""
        self.labels += 1
        return f"{prefix}{self.labels}"

    def place(self, label: str) -> None:
        """Begins the block `label`."""
        self.longest_block = max(self.longest_block, len(self.out) - self.block_start)
        self.block_start = len(self.out)
        self.out.append(f"{label}:")
        self.label = label
        self.widened.clear()

    def trap(self, name: str, offset: int) -> None:
        """Ends the block with a trap. `nomerge` keeps each site apart, so that its return address tells the offset."""
        symbol = trap_symbol(name)
        self.unit.declare_trap(symbol)
        self.out.append(f"  call void @{symbol}() #1{self.location(offset)}")
        self.out.append("  unreachable")
        self.label = None

    def trap_if(self, condition: str, name: str, offset: int) -> None:
        """Traps where the i1 `condition` holds and goes on otherwise."""
        self.labels += 1
        bad, good = f"t{self.labels}", f"c{self.labels}"
        self.effect(f"br i1 {condition}, label %{bad}, label %{good}", condition)
        widened, self.widened = self.widened, {}  # one block leads to the next
        self.place(bad)
        self.trap(name, offset)
        self.place(good)
        self.widened = widened

    def at_entry(self, name: str, operation: str) -> str:
        """A value called `name`, computed once in the entry block, before everything else."""
        if name not in self.entry_names:
            self.entry_names.add(name)
            self.entry_out.append(f"  {name} = {operation}")
        return name

    # ------------------------------------------------------------ joins

    def edge(self) -> tuple[str, list[str]]:
        """The current block and locals, to be kept by an edge."""
        assert self.label is not None
        self.locals_shared = True
        return self.label, self.locals

    def operands(self, count: int) -> list[str]:
        """The topmost `count` operands, left where they are."""
        return self.stack[len(self.stack) - count :] if count else []

    def add_edge(self, frame: Frame) -> None:
        """Records a branch from here to `frame`, with the operands it carries. The branch must be the next line."""
        label, locals_ = self.edge()
        self.count_carried(len(frame.types))
        frame.edges.append((label, locals_, self.operands(len(frame.types)), len(self.out)))

    def count_carried(self, count: int) -> None:
        """Counts operands that a branch, a call or a return carries. Raises UnsupportedError where it gets too much."""
        self.carried += count
        self.unit.carried += count
        if self.carried > CARRIED_LIMIT or self.unit.carried > UNIT_CARRIED_LIMIT:
            raise UnsupportedError(
                f"branches, calls and returns carry more than {CARRIED_LIMIT:,} operands, waot's limit for a function",
                function=self.unit.module.function_name(self.body.index),
            )

    def join(self, label: str, edges: list[Edge], types: tuple[ValType, ...], height: int) -> None:
        """Begins block `label`, reached by `edges`; operands above `height` become the joined ones."""
        self.place(label)
        del self.stack[height:]
        if len(edges) == 1:
            _, self.locals, values, _ = edges[0]
            self.locals_shared = True
            self.stack.extend(values)
            return
        if not edges:
            # Nothing gets here, though validation treats it as reachable. LLVM deletes the block.
            self.stack.extend(zero(t) for t in types)
            return
        first = edges[0][1]
        self.locals, self.locals_shared = first, True
        ways = [(label, line) for label, _, _, line in edges]
        self.out.append("")  # the phis
        if any(e[1] is not first for e in edges):
            for i, columns in enumerate(zip(*(e[1] for e in edges), strict=True)):
                value = columns[0]
                if columns.count(value) != len(columns):
                    self.own_locals()
                    self.locals[i] = self._join_values(self.local_types[i], ways, columns)
        for i, t in enumerate(types):
            columns = tuple(e[2][i] for e in edges)
            same = columns.count(columns[0]) == len(columns)
            self.stack.append(columns[0] if same else self._join_values(t, ways, columns))

    def _join_values(self, t: ValType, ways: list[Way], values: tuple[str, ...]) -> str:
        """The name of the phi of `values` in the block that has just begun."""
        self.n += 1
        name = f"%x{self.n}"
        self._add_phi(len(self.out) - 1, name, t, ways, values)
        return name

    def _add_phi(self, line: int, name: str, t: ValType, ways: list[Way], values: tuple[str, ...]) -> None:
        """Says that the line of `out` is to have a phi, if anything names it."""
        self.deps[name] = values
        # Where only the first value is not from a load it is what a loop starts with, extended once.
        later = values[1:] if len(values) > 1 else values
        widen = (
            t is I32
            and self.widening
            and any(v in self.pointers for v in later)
            and all(v in self.pointers or v == name or v[0] != "%" for v in later)
        )
        if widen:
            self.pointers.add(name)
            self.wide[name] = f"{name}.w"
            self.deps[f"{name}.w"] = (name,)
        self.phis.append((line, name, t, ways, values))

    def _write_phis(self, needed: set[str]) -> None:
        """Writes the phis that something needs or names, and behind those of a line the truncs of the widened ones."""
        made = {phi[1] for phi in self.phis}
        made.update([self.wide[name] for name in made if name in self.wide])
        others = [values for name, values in self.deps.items() if name not in needed and name not in made]
        self._follow(needed, [value for values in others for value in values])
        lines: dict[int, tuple[list[str], list[str]]] = {}
        for line, name, t, ways, values in self.phis:
            if name not in needed:
                continue
            phis, truncs = lines.setdefault(line, ([], []))
            wide = self.wide.get(name)
            if wide is None:
                incoming = [f"[ {value}, %{way[0]} ]" for value, way in zip(values, ways, strict=True)]
                phis.append(f"  {name} = phi {ir_type(t)} {', '.join(incoming)}")
            else:
                incoming = [f"[ {self._widened_in(v, way)}, %{way[0]} ]" for v, way in zip(values, ways, strict=True)]
                phis.append(f"  {wide} = phi i64 {', '.join(incoming)}")
                truncs.append(f"  {name} = trunc i64 {wide} to i32")
            self.live_phis += 1
        for line, (phis, truncs) in lines.items():
            counters = [self.out[line]] if self.out[line] else []  # see loops.py
            self.out[line] = "\n".join([*counters, *phis, *truncs])
            self.longest_block = max(self.longest_block, len(phis))

    def _widened_in(self, value: str, way: Way) -> str:
        """`value` as an i64 at the end of the block that `way` comes from."""
        known = self.wide.get(value)
        if known is not None:
            return known
        if value[0] != "%":
            return str(int(value) & 0xFFFFFFFF)
        self.labels += 1
        name = f"%z{self.labels}"
        self.out[way[1]] = f"  {name} = zext i32 {value} to i64\n{self.out[way[1]]}"
        return name

    def begin_loop(self, frame: Frame, assigned: tuple[int, ...]) -> None:
        """Begins the header of a loop: a phi for each operand and each local that the body assigns."""
        self.add_edge(frame)
        self.loops += 1
        self.out.append(f"  br label %{frame.label}")
        self.begin_header(frame, assigned)

    def end_loop(self, frame: Frame) -> None:
        """Makes the phis of the header, now that every way to it is known, and of those that are in the loop."""
        self.loops -= 1
        self._end_header(frame)
        if frame.dispatch is not None:
            for header in frame.dispatch.segments:
                if header.header_of is frame:
                    self._end_header(header)

    def begin_header(self, frame: Frame, assigned: tuple[int, ...]) -> None:
        """Begins a block that later branches come back to, where the locals `assigned` may be others."""
        frame.loop_locals = () if self.slots else assigned
        self.place(frame.label)
        frame.phi_line = len(self.out)
        self.out.append("")
        self.own_locals()
        del self.stack[frame.height :]
        for _ in range(len(frame.loop_locals) + len(frame.types)):
            self.n += 1
            frame.phi_names.append(f"%x{self.n}")
        for i, name in zip(frame.loop_locals, frame.phi_names, strict=False):
            self.locals[i] = name
        self.stack.extend(frame.phi_names[len(frame.loop_locals) :])

    def _end_header(self, frame: Frame) -> None:
        edges = frame.edges
        ways = [(label, line) for label, _, _, line in edges]
        places = [(self.local_types[i], tuple([e[1][i] for e in edges])) for i in frame.loop_locals]
        places += [(t, tuple([e[2][i] for e in edges])) for i, t in enumerate(frame.types)]
        for name, (t, values) in zip(frame.phi_names, places, strict=True):
            self._add_phi(frame.phi_line, name, t, ways, values)

    def own_locals(self) -> None:
        """Makes `locals` writable."""
        if self.locals_shared:
            self.locals = self.locals[:]
            self.locals_shared = False

    def branch_to(self, frame: Frame, offset: int) -> None:
        """An unconditional branch to `frame`, which ends the block."""
        if frame.kind == "function":
            self.emit_return(self.operands(len(frame.types)))
        else:
            self.add_edge(frame)
            self.out.append(f"  br label %{frame.label}")
        self.label = None

    def emit_return(self, values: list[str]) -> None:
        """Returns `values`, in the native form of the signature (see types.py)."""
        t = self.type
        self.count_carried(len(values))
        if results_in_memory(t, self.unit.plan.registers):
            for i, (value, result) in enumerate(zip(values, t.results, strict=True)):
                place = self.emit(f"getelementptr inbounds i8, ptr %results, i64 {RESULT_BYTES * i}")
                self.effect(f"store {ir_type(result)} {value}, ptr {place}", value)
            self.out.append("  ret void")
        elif len(values) > 1:
            struct = results_struct(t)
            whole = "poison"
            for i, (value, result) in enumerate(zip(values, t.results, strict=True)):
                whole = self.emit(f"insertvalue {struct} {whole}, {native_type(result)} {value}, {i}", whole, value)
            self.effect(f"ret {struct} {whole}", whole)
        elif values:
            value = self._native(t.results[0], values[0])
            self.effect(f"ret {native_type(t.results[0])} {value}{self.extending_location(value)}", value)
        else:
            self.out.append("  ret void")
        self.label = None

    # ------------------------------------------------------------ calls

    def _native(self, t: ValType, value: str) -> str:
        """`value` as a parameter or result."""
        return self.emit(f"bitcast {V128_IR} {value} to {native_type(t)}", value) if t is V128 else value

    def _pass(self, t: FuncType, arguments: list[str]) -> list[str]:
        """The arguments of a call to a function of type `t`, those in memory already stored."""
        memory = parameters_in_memory(t, self.unit.plan.registers)
        for slot, i in enumerate(memory):
            place = self.unit.layout.argument(slot)
            self.effect(f"store {ir_type(t.params[i])} {arguments[i]}, ptr {place}", arguments[i])
        if self.extending:
            # The call has a location of its own, which the load must not take; the back ends do not look through a
            # freeze.
            arguments = [
                self.emit(f"freeze i32 {a}", a) if p is I32 and a in self.loads else a
                for p, a in zip(t.params, arguments, strict=True)
            ]
        return [
            f"{native_type(p)} {self._native(p, a)}"
            for i, (p, a) in enumerate(zip(t.params, arguments, strict=True))
            if i not in memory
        ]

    def _receive(self) -> Iterable[str]:
        """What comes first of all in a function: parameters that do not come as values of their own types."""
        memory = parameters_in_memory(self.type, self.unit.plan.registers)
        for i, p in enumerate(self.type.params):
            if i in memory:
                yield f"  %p{i} = load {ir_type(p)}, ptr {self.unit.layout.argument(memory.index(i))}"
            elif p is V128:
                yield f"  %p{i} = bitcast {native_type(p)} %q{i} to {V128_IR}"

    def push_results(self, t: FuncType, call: str, results_pointer: str | None) -> None:
        """Pushes what a call that has been emitted as `call` (its name) returned."""
        self.count_carried(len(t.results))
        struct = results_struct(t) if len(t.results) > 1 and not results_in_memory(t, self.unit.plan.registers) else ""
        for i, result in enumerate(t.results):
            value = call
            if results_pointer is not None:
                place = self.emit(f"getelementptr inbounds i8, ptr {results_pointer}, i64 {RESULT_BYTES * i}")
                value = self.emit(f"load {ir_type(result)}, ptr {place}")
            elif struct:
                value = self.emit(f"extractvalue {struct} {call}, {i}", call)
            elif result is V128:
                value = self.emit(f"bitcast {native_type(V128)} {call} to {V128_IR}", call)
            self.results[value] = (len(self.out) - 1, ir_type(result))
            self.stack.append(value)

    def call(self, t: FuncType, callee: str, offset: int, *, may_throw: bool) -> None:
        """Calls `callee`, a pointer to a wasm function of type `t`, with operands from the stack."""
        call = self.begin_call(t)
        self.end_call(call, self.emit_call(call, callee, offset), may_throw=may_throw)

    def begin_call(self, t: FuncType) -> Call:
        """Takes the arguments of a call off the stack."""
        arguments = self.operands(len(t.params))
        self.count_carried(len(arguments))
        del self.stack[len(self.stack) - len(arguments) :]
        typed = self._pass(t, arguments)
        pointer = None
        if results_in_memory(t, self.unit.plan.registers):
            size = RESULT_BYTES * len(t.results)
            pointer = self.at_entry(f"%results.{len(t.results)}", f"alloca [{size} x i8], align 16")
            typed.insert(0, f"ptr {pointer}")
        return Call(t, arguments, typed, pointer)

    def emit_call(self, call: Call, callee: str, offset: int) -> str:
        """Emits a call that has been begun. The name of what it returns, "" for nothing."""
        result = return_type(call.type, self.unit.plan.registers)
        # Two calls of pointers would become one that no backtrace knows the place of, and that is foreseen less well.
        apart = " nomerge" if callee.startswith("%") else ""
        text = f"call {self.unit.call_conv} {result} {callee}({', '.join(call.typed)}){apart}{self.location(offset)}"
        if result == "void":
            self.effect(text, *call.arguments)
            return ""
        return self.effect_value(text, *call.arguments)

    def end_call(self, call: Call, value: str, *, may_throw: bool) -> None:
        """Pushes the results of a call that returned `value`."""
        if may_throw:
            self._leave_if_thrown()
        self.push_results(call.type, value, call.pointer)

    # ------------------------------------------------------------ exceptions, see exceptions.py

    def enter_try(self, frame: Frame) -> None:
        """Opens a try. Raises UnsupportedError where there are too many around it."""
        if len(self.tries) >= DEEP_TRIES:
            self.deep_tries = True
            if len(self.tries) >= 10 * DEEP_TRIES:
                raise UnsupportedError(
                    f"tries are nested more than {10 * DEEP_TRIES:,} deep, which is waot's limit",
                    function=self.unit.module.function_name(self.body.index),
                )
        self.tries.append(len(self.frames))
        self.frames.append(frame)

    def _handler(self, skip: int) -> Frame | None:
        """The innermost try whose body we are in, not counting the innermost `skip` frames."""
        known = bisect_left(self.tries, len(self.frames) - skip)
        return self.frames[self.tries[known - 1]] if known else None

    def _way_out(self, exception: str, skip: int = 0) -> str:
        """The label that an exception goes to from here; the branch there must be the next line."""
        frame = self._handler(skip)
        if frame is None:
            self.unwinds = True
            return "unwind"
        label, locals_ = self.edge()
        frame.handler_edges.append((label, locals_, [exception], len(self.out)))
        return frame.handler_label

    def _leave_if_thrown(self) -> None:
        """After a call: goes where the exception goes that the call left, if there is one."""
        layout = self.unit.layout
        pending = self.emit(f"load ptr, ptr {layout.exception()}, !tbaa {layout.exception_tbaa}")
        thrown = self.emit(f"icmp ne ptr {pending}, null", pending)
        next_ = self.new_label("n")
        target = self._way_out(pending)
        self.effect(f"br i1 {thrown}, label %{target}, label %{next_}, !prof {UNLIKELY}", thrown, pending)
        self.place(next_)

    def throw(self, exception: str, skip: int = 0) -> None:
        """Ends the block: `exception` goes to the handler, without the `skip` innermost frames, or to the caller."""
        if self._handler(skip) is None:
            layout = self.unit.layout
            self.effect(f"store ptr {exception}, ptr {layout.exception()}, !tbaa {layout.exception_tbaa}", exception)
        target = self._way_out(exception, skip)
        self.effect(f"br label %{target}", exception)
        self.label = None

    def _unwind(self) -> None:
        """The block in which the function ends with an exception pending; nobody looks at its results."""
        result = return_type(self.type, self.unit.plan.registers)
        self.place("unwind")
        self.out.append("  ret void" if result == "void" else f"  ret {result} poison")
        self.label = None

    def tail_call(self, t: FuncType, callee: str, offset: int) -> None:
        """A guaranteed tail call, which ends the block. Results in memory go where this function's own would."""
        arguments = self.operands(len(t.params))
        typed = self._pass(t, arguments)
        if results_in_memory(t, self.unit.plan.registers):
            typed.insert(0, "ptr %results")
        if callee[0] == "%" and self.unit.plan.options.arch == "powerpc64le":
            # Its back end makes no tail call through a pointer; there is a function that does.
            typed.insert(0, f"ptr nest {callee}")
            callee = self.unit.tail_call_function()
        result = return_type(t, self.unit.plan.registers)
        text = f"musttail call {self.unit.call_conv} {result} {callee}({', '.join(typed)}){self.location(offset)}"
        if result == "void":
            self.effect(text, *arguments)
            self.out.append("  ret void")
        else:
            value = self.effect_value(text, *arguments)
            self.out.append(f"  ret {result} {value}")
        self.label = None

    # ------------------------------------------------------------ the function

    def lower(self, apart: Sequence[Apart]) -> None:
        """Walks the body, but for the parts that something else lowers, in the order in which they stand."""
        params = [f"%p{i}" for i in range(len(self.type.params))]
        self.locals = params + [zero(t) for t in self.body.locals]
        self.slots = self._wants_slots()
        if self.slots:
            for i in self._named_locals():
                t = self.local_types[i]
                self.out.append(f"  %local{i} = alloca {ir_type(t)}")
                self.out.append(f"  store {ir_type(t)} {self.locals[i]}, ptr %local{i}")
                self.deps[f"%local{i}"] = [self.locals[i]]
            self.locals = []
        else:
            self.dispatches = find_dispatches(self)
        if any(dispatch.sent_on for dispatch in self.dispatches.values()):
            self.place_local = len(self.local_types)
            self.local_types += (I32,)
            self.locals.append(NOWHERE)
        if self.unit.plan.interface is not None and any(op in _CALLS for op, _, _ in self.body.code):
            self._check_stack()
        self.frames.append(Frame("function", "", self.type, 0))
        self.profile.count(self, *ENTRY)
        at = 0
        for start, end, lower in apart:
            self.walk(self.body.code[at:start])
            lower(self)
            at = end
        self.walk(self.body.code[at:] if at else self.body.code)
        if self.unwinds:
            self._unwind()
        self._keep_dead_loads()
        lines = len(self.out) + self.live_phis
        if lines > LONGEST_WITHOUT_PROBES and self.unit.plan.options.arch in WITHOUT_PROBES:
            raise UnsupportedError(
                f"a function becomes more than {LONGEST_WITHOUT_PROBES:,} instructions, waot's limit on this processor",
                function=self.unit.module.function_name(self.body.index),
            )

    def walk(self, code: Iterable[tuple[int, Any, int]]) -> None:
        """Lowers instructions, one after the other."""
        handlers = HANDLERS
        for op, immediate, offset in code:
            handler = handlers[op]
            if handler is None:
                operator = OPERATORS[op]
                raise UnsupportedError(
                    f"'{operator.name}' belongs to the proposal {operator.proposal}, which waot cannot compile yet",
                    function=self.unit.module.function_name(self.body.index),
                    offset=offset,
                )
            handler(self, immediate, offset)

    def _check_stack(self) -> None:
        """Traps where the stack ends, for machines on which nothing else notices (runtime-support/os/none/none.c)."""
        self.unit.declare("llvm.stacksave.p0", "ptr", ())
        self.unit.declare_global("waot_stack_limit", "ptr")
        pointer = self.effect_value("call ptr @llvm.stacksave.p0()")
        limit = self.effect_value("load ptr, ptr @waot_stack_limit")
        beyond = self.emit(f"icmp ult ptr {pointer}, {limit}")
        start = self.unit.module.codes[self.body.index - self.unit.module.imported_func_count].start
        self.trap_if(beyond, "call_stack_exhausted", start)

    def _named_locals(self) -> list[int]:
        """The locals that the code names; a body may declare thousands more for two bytes."""
        return sorted({immediate for op, immediate, _ in self.body.code if op in _LOCAL})

    def _wants_slots(self) -> bool:
        if len(self.local_types) < 64:
            return False
        joins = throwing = tries = 0
        joining = _JOINING
        for op, immediate, _ in self.body.code:
            if op in joining:
                joins += len(immediate) if op == _BR_TABLE else 1
            elif op == _CALL:
                throwing += immediate in self.unit.plan.throws
            elif op in _THROWING:
                throwing += 1
            elif op in _TRIES:
                tries += 1
                joins += len(immediate[1]) + 1 if op == _TRY_TABLE else 1
        return (joins + (throwing if tries else 0)) * len(self.local_types) > SSA_WORK_LIMIT

    def _keep_dead_loads(self) -> None:
        """Keeps the loads whose value nothing observable depends on, so that their trap stays."""
        needed: set[str] = set()
        self._follow(needed, self.roots)
        for name in self.loads:
            if name not in needed:
                self.make_volatile(name)
        if self.unit.optimised:
            for name, (line, ir) in self.results.items():
                if name not in needed:
                    self.out[line] += "\n" + self._sink(ir, name)
            for i, t in enumerate(self.type.params):
                if f"%p{i}" not in needed:
                    self.entry_out.append(self._sink(ir_type(t), f"%p{i}"))
        if self.phis:
            self._write_phis(needed)

    def _follow(self, needed: set[str], work: list[str]) -> None:
        """Adds what `work` is and depends on to `needed`."""
        deps = self.deps
        while work:
            value = work.pop()
            if value not in needed:
                needed.add(value)
                below = deps.get(value)
                if below:
                    work.extend(below)

    def _sink(self, ir: str, value: str) -> str:
        """An instruction that uses `value` and is never deleted."""
        kind = ir if ir.isalnum() else "v128"
        return f"  store volatile {ir} {value}, ptr {self.at_entry(f'%sink.{kind}', f'alloca {ir}')}"

    def is_long(self) -> bool:
        """Whether LLVM is not to optimise the function."""
        longest_block = max(self.longest_block, len(self.out) - self.block_start)
        return self.deep_tries or longest_block > LONGEST_BLOCK or len(self.out) + self.live_phis > LONGEST_FUNCTION

    def _has_many_calls(self) -> bool:
        if len(self.out) <= MOST_CALLS:
            return False
        calls = sum([" call " in line for line in self.out])
        if self.unit.plan.tail_calls and calls > 2 * MOST_CALLS:
            raise UnsupportedError(
                f"a function makes more than {2 * MOST_CALLS:,} calls, waot's limit where there are tail calls",
                function=self.unit.module.function_name(self.body.index),
            )
        return calls > MOST_CALLS

    def header(self) -> str:
        """The ``define`` line without its brace."""
        t = self.type
        registers = self.unit.plan.registers
        memory = parameters_in_memory(t, registers)
        names = [f"%{'q' if p is V128 else 'p'}{i}" for i, p in enumerate(t.params) if i not in memory]
        if results_in_memory(t, self.unit.plan.registers):
            names.insert(0, "%results")
        parameters = ", ".join(f"{p} {n}" for p, n in zip(parameter_types(t, registers), names, strict=True))
        symbol = self.unit.function_symbol(self.body.index)
        attributes = "#0"
        if self._has_many_calls():
            attributes += ' noinline optnone "waot-many-calls"'  # codegen/llvm.py looks for it
        elif self.is_long():
            attributes += " noinline optnone"
        else:
            attributes += self.profile.attributes  # which LLVM does not take beside optnone
        linkage = self.unit.function_linkage(self.body.index)
        triple = self.unit.plan.options.triple
        section = MACHO_WASM_TEXT if "-apple-" in triple and not triple.endswith("-elf") else WASM_TEXT
        return (
            f"define {linkage} {self.unit.call_conv} {return_type(t, self.unit.plan.registers)} {symbol}({parameters}) "
            f'{attributes} section "{section}"{self.profile.prefix} !dbg {self.scope}'
            f"{self.profile.metadata}"
        )

    def text(self) -> Iterable[str]:
        """The finished function, a line an element."""
        yield self.header() + " {"
        yield "entry:"
        yield from self._receive()
        yield from self.entry_out
        yield from filter(None, self.out)
        yield "}"


# What makes a function one that others may come back to: it has a frame below which there are more.
_CALLS = frozenset(BY_NAME[n].index for n in ("call", "call_indirect", "call_ref"))
_LOCAL = frozenset(BY_NAME[n].index for n in ("local.get", "local.set", "local.tee"))
_BR_TABLE = BY_NAME["br_table"].index
_TRY_TABLE = BY_NAME["try_table"].index
# What may be one way of several into a join, or makes one.
_JOINING = frozenset(
    BY_NAME[n].index
    for n in (
        *("br", "br_if", "br_table", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail"),
        *("block", "loop", "if", "else", "catch", "catch_all", "delegate"),
    )
)
# In a try these, and calls of functions that throw, are ways to its handler.
_CALL = BY_NAME["call"].index
_THROWING = frozenset(BY_NAME[n].index for n in ("call_indirect", "call_ref", "throw", "throw_ref", "rethrow"))
_TRIES = frozenset((_TRY_TABLE, BY_NAME["try"].index))
