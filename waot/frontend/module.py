"""What the frontend gives the rest of the house: a decoded and validated WebAssembly module.

Names follow the core specification, chapter 2 (structure). Function bodies stay bytes until someone asks for
one (`validate_function`), so that a module of 42 MB costs its own size and a little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class ValType:
    """A value type. Compare with ``is``: every type exists once."""

    __slots__ = ("name",)
    name: str

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return (val_type, (self.name,))


class RefType(ValType):
    """A reference type: ``funcref`` and ``externref`` so far; `heap` is the heap type's name."""

    __slots__ = ("heap", "nullable")

    def __init__(self, name: str, heap: str, nullable: bool) -> None:
        super().__init__(name)
        self.heap = heap
        self.nullable = nullable


I32 = ValType("i32")
I64 = ValType("i64")
F32 = ValType("f32")
F64 = ValType("f64")
V128 = ValType("v128")
FUNCREF = RefType("funcref", "func", True)
EXTERNREF = RefType("externref", "extern", True)

_VAL_TYPES = {t.name: t for t in (I32, I64, F32, F64, V128, FUNCREF, EXTERNREF)}


def val_type(name: str) -> ValType:
    """The one `ValType` of that name (pickling comes through here)."""
    return _VAL_TYPES[name]


@dataclass(frozen=True, slots=True)
class FuncType:
    """[params] -> [results], section 2.3.8."""

    params: tuple[ValType, ...]
    results: tuple[ValType, ...]

    def __str__(self) -> str:
        params = " ".join(map(repr, self.params))
        results = " ".join(map(repr, self.results))
        return f"[{params}] -> [{results}]"


@dataclass(frozen=True, slots=True)
class Limits:
    """Size range of a table (entries) or a memory (pages); `maximum` is None where unbounded."""

    minimum: int
    maximum: int | None
    index64: bool = False  # memory64 / table64: indices are i64
    shared: bool = False  # threads


@dataclass(frozen=True, slots=True)
class TableType:
    limits: Limits
    element: RefType


@dataclass(frozen=True, slots=True)
class MemoryType:
    limits: Limits
    page_size_log2: int = 16


@dataclass(frozen=True, slots=True)
class GlobalType:
    value: ValType
    mutable: bool


@dataclass(frozen=True, slots=True)
class Import:
    """`kind` is "func", "table", "memory", "global" or "tag"; `type` the FuncType (with `type_index`) or other type."""

    module: str
    name: str
    kind: str
    type: FuncType | TableType | MemoryType | GlobalType
    type_index: int | None
    offset: int


@dataclass(frozen=True, slots=True)
class Export:
    name: str
    kind: str
    index: int
    offset: int


# A constant expression is the decoded instruction list of section 3.4.15 without its `end`, in stack order:
# tuples (operator index, immediate, byte offset), as in `Body.code`.
ConstExpr = tuple[tuple[int, Any, int], ...]


@dataclass(frozen=True, slots=True)
class Global:
    type: GlobalType
    init: ConstExpr
    offset: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table defined here; `init` is None for null (the only form before typed function references)."""

    type: TableType
    init: ConstExpr | None
    offset: int


@dataclass(frozen=True, slots=True)
class Element:
    """An element segment. `mode` is "active", "passive" or "declarative".

    `functions` holds function indices where every element is a `ref.func` (then `exprs` is None), otherwise
    `exprs` holds one constant expression an element.
    """

    type: RefType
    mode: str
    table: int
    offset_expr: ConstExpr | None
    functions: tuple[int, ...] | None
    exprs: tuple[ConstExpr, ...] | None
    offset: int

    def __len__(self) -> int:
        return len(self.functions) if self.functions is not None else len(self.exprs or ())


@dataclass(frozen=True, slots=True)
class Data:
    """A data segment: its bytes are ``module.source[start:end]``."""

    mode: str  # "active" or "passive"
    memory: int
    offset_expr: ConstExpr | None
    start: int
    end: int
    offset: int


@dataclass(frozen=True, slots=True)
class Code:
    """A function body in the file: `start` is the byte offset of its locals vector, `end` is past its `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CustomSection:
    name: str
    start: int  # byte offset of the contents, past the name
    end: int


@dataclass(slots=True)
class Module:
    """A module whose sections are decoded and whose module-level rules are validated.

    Index spaces (`funcs`, `tables`, `memories`, `globals`) hold imports first, as in section 2.5.1.
    Bodies are validated by `waot.frontend.validate_function`, one at a time.
    """

    source: bytes
    file: str | None = None  # what the user calls it, for errors
    name: str | None = None  # from the name section
    types: list[FuncType] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    funcs: list[int] = field(default_factory=list)  # type index of every function, imports first
    tables: list[TableType] = field(default_factory=list)
    memories: list[MemoryType] = field(default_factory=list)
    globals: list[GlobalType] = field(default_factory=list)
    defined_tables: list[Table] = field(default_factory=list)
    defined_globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: int | None = None
    elements: list[Element] = field(default_factory=list)
    datas: list[Data] = field(default_factory=list)
    data_count: int | None = None
    codes: list[Code] = field(default_factory=list)  # one a defined function
    custom_sections: list[CustomSection] = field(default_factory=list)
    function_names: dict[int, str] = field(default_factory=dict)
    sections: list[tuple[str, int, int]] = field(default_factory=list)  # (name, start, end) of contents, file order
    declared_funcs: frozenset[int] = frozenset()  # section 3.4.10's `refs`: what `ref.func` may name in a body
    _names: dict[int, str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def imported_func_count(self) -> int:
        return len(self.funcs) - len(self.codes)

    def func_type(self, index: int) -> FuncType:
        """The type of function `index` (imports first)."""
        return self.types[self.funcs[index]]

    def function_name(self, index: int) -> str:
        """What a person calls function `index`: its name in the name section, import or export, or ``func[index]``."""
        if self._names is None:
            names = {export.index: export.name for export in reversed(self.exports) if export.kind == "func"}
            imported = [f"{i.module}.{i.name}" for i in self.imports if i.kind == "func"]
            names.update(enumerate(imported))
            names.update(self.function_names)
            self._names = names
        return self._names.get(index) or f"func[{index}]"


@dataclass(slots=True)
class Body:
    """One validated function body, ready to lower.

    `code` holds (operator index into `opcodes.OPERATORS`, immediate, byte offset of the operator) and only what can
    be reached: what follows `br`, `return`, `unreachable` and the like is validated and left out up to the `else`
    or `end` that closes the block, so the one who lowers needs no polymorphic stack. The last entry is the
    function's own `end`. `locals` are the declared ones after the parameters, expanded.

    Immediates by operator:
      block, if                (FuncType,)
      loop                     (FuncType, tuple of the indices of locals that the loop's body assigns, sorted)
      br, br_if                label depth
      br_table                 tuple of label depths, the default last
      call, return_call        function index
      call_indirect, return_call_indirect   (type index, table index)
      drop, select, select t   the ValType of the operand(s): never polymorphic, resolved by validation
      local.*, global.*, table.get/set/size/grow/fill, memory.size/grow/fill, data.drop, elem.drop, ref.func   an index
      loads and stores         (align as log2, offset, memory index)
      v128 lane loads, stores  (align as log2, offset, memory index, lane)
      extract_lane, replace_lane   lane
      i8x16.shuffle            16 lane numbers as bytes
      i32.const, i64.const     signed int
      f32.const, f64.const     the bit pattern as an unsigned int
      v128.const               16 bytes
      ref.null                 the RefType
      memory.copy              (destination memory, source memory)
      memory.init              (data index, memory index)
      table.copy               (destination table, source table)
      table.init               (element index, table index)
      all others               None
    """

    index: int  # in the function index space
    type: FuncType
    locals: tuple[ValType, ...]
    code: list[tuple[int, Any, int]]
    start: int  # byte offset of the body in the file (that of `Code.start`)
    assigned: tuple[int, ...] = ()  # locals that the body assigns at all, sorted


@dataclass(slots=True)
class Facts:
    """What whole-module decisions need to know of all reachable code; merged over functions by union.

    `callees` maps a function to the functions it names (call, return_call, ref.func); `written_tables` are the
    tables that table.set, grow, fill, copy (as destination) or init may change; `written_globals` those that
    global.set names; `indirect_types` the (type index, table index) pairs of indirect calls;
    `sizes` the number of reachable operators of each function; `proposals` the names of proposals used.
    """

    callees: dict[int, tuple[int, ...]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    written_tables: set[int] = field(default_factory=set)
    written_globals: set[int] = field(default_factory=set)
    grown_memories: set[int] = field(default_factory=set)
    indirect_types: set[tuple[int, int]] = field(default_factory=set)
    proposals: set[str] = field(default_factory=set)
    tail_calls: bool = False

    def merge(self, other: Facts) -> None:
        """Adds what `other` knows."""
        self.callees.update(other.callees)
        self.sizes.update(other.sizes)
        self.written_tables |= other.written_tables
        self.written_globals |= other.written_globals
        self.grown_memories |= other.grown_memories
        self.indirect_types |= other.indirect_types
        self.proposals |= other.proposals
        self.tail_calls |= other.tail_calls
