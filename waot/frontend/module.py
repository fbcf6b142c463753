"""What the frontend gives the rest of the house: a decoded and validated WebAssembly module.

Names follow the core specification, chapter 2 (structure). Function bodies stay bytes until someone asks for
one (`validate_function`), so that a module of 42 MB costs its own size and a little.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final


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
    """A reference type ``(ref null? heap)``, section 2.3.3. Made by `ref_type` only.

    `heap` is an abstract heap type's name ("func", "any", "exn", ...) or, for a reference to a defined type, its
    canonical type index (`Module.canonical`): two types of one module are the same exactly if their objects are.
    """

    __slots__ = ("heap", "nullable")
    heap: str | int
    nullable: bool

    def __init__(self, heap: str | int, nullable: bool) -> None:
        shorthand = _SHORTHANDS.get(heap, f"{heap}ref") if isinstance(heap, str) and nullable else ""
        super().__init__(shorthand or f"(ref {'null ' if nullable else ''}{heap})")
        self.heap = heap
        self.nullable = nullable

    def __reduce__(self) -> tuple[Any, ...]:
        return (ref_type, (self.heap, self.nullable))


# Names of nullable references to abstract heap types that are not the heap type's name and "ref" (section 6.4.3).
_SHORTHANDS = {"none": "nullref", "nofunc": "nullfuncref", "noextern": "nullexternref", "noexn": "nullexnref"}

_REF_TYPES: dict[tuple[str | int, bool], RefType] = {}


def ref_type(heap: str | int, nullable: bool = True) -> RefType:
    """The one `RefType` of that heap type and nullability (pickling comes through here)."""
    found = _REF_TYPES.get((heap, nullable))
    if found is None:
        found = _REF_TYPES[heap, nullable] = RefType(heap, nullable)
    return found


I32 = ValType("i32")
I64 = ValType("i64")
F32 = ValType("f32")
F64 = ValType("f64")
V128 = ValType("v128")
# Packed storage types, of fields only (section 2.3.9).
I8 = ValType("i8")
I16 = ValType("i16")
FUNCREF = ref_type("func")
EXTERNREF = ref_type("extern")
ANYREF = ref_type("any")
EQREF = ref_type("eq")
I31REF = ref_type("i31")
STRUCTREF = ref_type("struct")
ARRAYREF = ref_type("array")
EXNREF = ref_type("exn")

_VAL_TYPES = {t.name: t for t in (I32, I64, F32, F64, V128, I8, I16)}


def val_type(name: str) -> ValType:
    """The one number, vector or packed type of that name (pickling comes through here)."""
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
class FieldType:
    """A field of a struct or array, section 2.3.9: a value type, or `I8` or `I16`."""

    storage: ValType
    mutable: bool

    @property
    def value(self) -> ValType:
        """The type on the operand stack: a packed field is an i32 there."""
        return I32 if self.storage is I8 or self.storage is I16 else self.storage


@dataclass(frozen=True, slots=True)
class StructType:
    """A struct, section 2.3.8. `values` are the fields' types on the operand stack; `defaultable` says that each has a
    default value. They are found once: an operator of three bytes asks for 10,000 fields.
    """

    fields: tuple[FieldType, ...]
    values: tuple[ValType, ...] = field(init=False, repr=False, compare=False)
    defaultable: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = tuple([field_.value for field_ in self.fields])
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "defaultable", all(not isinstance(t, RefType) or t.nullable for t in values))


@dataclass(frozen=True, slots=True)
class ArrayType:
    field: FieldType


CompositeType = FuncType | StructType | ArrayType


@dataclass(frozen=True, slots=True)
class Limits:
    """Size range of a table (entries) or a memory (pages); `maximum` is None where unbounded."""

    minimum: int
    maximum: int | None
    index64: bool = False  # memory64 / table64: indices are i64
    shared: bool = False  # threads

    @property
    def index(self) -> ValType:
        """The type of an index, and of a count of what the limits are of (the address type, section 2.3.10)."""
        return I64 if self.index64 else I32


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


#: The kinds of imports and exports, by their number in the binary format (section 5.5.5).
KINDS: Final = ("func", "table", "memory", "global", "tag")

# What an import or export is of; a tag's is its function type.
ExternType = FuncType | TableType | MemoryType | GlobalType


@dataclass(frozen=True, slots=True)
class Import:
    """`kind` is "func", "table", "memory", "global" or "tag"; `type` the FuncType (with `type_index`) or other type."""

    module: str
    name: str
    kind: str
    type: ExternType
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

    def __len__(self) -> int:
        return self.end - self.start


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


@dataclass(frozen=True, slots=True)
class Demand:
    """What an instance needs of a memory or table that it imports by the time it is instantiated.

    `minimum` (pages or entries) is more than what memory or table `index` has from the start, so it must have grown.
    """

    kind: str  # "memory" or "table"
    index: int
    minimum: int
    item: Import


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One instance in a program of several (section 4.2.5), as `linking` makes them; instantiated in list order.

    Indices are those of the linked `Module` unless they are said to be the instance's own.
    """

    name: str | None  # under which others import from it
    module: Module  # its definition, in which functions are validated
    bias: int  # byte offset of its bytes in the linked module's `source`; offsets there are shifted by it
    # Its own index spaces: position is the instance's own index, value the linked module's.
    types: tuple[int, ...]
    funcs: tuple[int, ...]
    tables: tuple[int, ...]
    memories: tuple[int, ...]
    globals: tuple[int, ...]
    tags: tuple[int, ...]
    elements: range
    datas: range
    # What it defines and does not import.
    own_funcs: range
    own_tables: range
    own_memories: range
    own_globals: range
    own_tags: range
    start: int | None
    exports: dict[str, tuple[str, int]]  # name -> (kind, index)
    demands: tuple[Demand, ...]
    initialize: int | None = None  # the `_initialize` of a WASI reactor, where instantiation is to call it

    @property
    def starts(self) -> tuple[int, ...]:
        """The functions that instantiation ends with."""
        return tuple(dict.fromkeys([index for index in (self.start, self.initialize) if index is not None]))

    @property
    def label(self) -> str:
        """What a person calls it: the name under which it was linked, or its file's."""
        return self.name or os.path.basename(self.module.file or "") or "module"


@dataclass(slots=True)
class Module:
    """A module whose sections are decoded and whose module-level rules are validated.

    Index spaces (`funcs`, `tables`, `memories`, `globals`) hold imports first, as in section 2.5.1.
    Bodies are validated by `waot.frontend.validate_function`, one at a time.
    """

    source: bytes
    file: str | None = None  # what the user calls it, for errors
    name: str | None = None  # from the name section
    types: list[CompositeType] = field(default_factory=list)  # references in them are canonical
    # Of each type: the first type that is the same (section 3.1.6: rec groups compare as wholes, structurally), the
    # canonical index of its supertype, and whether it is final.
    canonical: list[int] = field(default_factory=list)
    supertypes: list[int | None] = field(default_factory=list)
    finals: list[bool] = field(default_factory=list)
    rec_groups: list[int] = field(default_factory=list)  # of each type, the first type of its rec group
    imports: list[Import] = field(default_factory=list)
    funcs: list[int] = field(default_factory=list)  # type index of every function, imports first
    tables: list[TableType] = field(default_factory=list)
    memories: list[MemoryType] = field(default_factory=list)
    globals: list[GlobalType] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)  # type index of every tag, imports first
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
    # Byte offset of a `br_if` or `if` in the file -> whether it is likely taken (or its condition true).
    branch_hints: dict[int, bool] = field(default_factory=dict)
    sections: list[tuple[str, int, int]] = field(default_factory=list)  # (name, start, end) of contents, file order
    features: frozenset[str] | None = None  # the proposals that it may use; None for all
    declared_funcs: frozenset[int] = frozenset()  # section 3.4.10's `refs`: what `ref.func` may name in a body
    instances: list[Instance] = field(default_factory=list)  # of a program linked from several; none for a module alone
    _names: dict[int, str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def imported_func_count(self) -> int:
        return len(self.funcs) - len(self.codes)

    def signature(self, type_index: int) -> FuncType:
        """Type `type_index`, which validation has found to be a function type."""
        type_ = self.types[type_index]
        assert isinstance(type_, FuncType)
        return type_

    def func_type(self, index: int) -> FuncType:
        """The type of function `index` (imports first)."""
        return self.signature(self.funcs[index])

    def extern_type(self, kind: str, index: int) -> ExternType:
        """The type of function, table, memory, global or tag `index`, as imports and exports have it."""
        if kind == "func":
            return self.func_type(index)
        if kind == "tag":
            return self.signature(self.tags[index])
        if kind == "table":
            return self.tables[index]
        return self.memories[index] if kind == "memory" else self.globals[index]

    def const_exprs(self) -> Iterator[ConstExpr]:
        """Every constant expression, in section order."""
        yield from (table.init for table in self.defined_tables if table.init is not None)
        yield from (global_.init for global_ in self.defined_globals)
        for element in self.elements:
            if element.offset_expr is not None:
                yield element.offset_expr
            yield from element.exprs or ()
        yield from (data.offset_expr for data in self.datas if data.offset_expr is not None)

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
      try_table                (FuncType, tuple of catch clauses (kind, tag index or None, label depth)); kind is one of
                               "catch", "catch_ref", "catch_all", "catch_all_ref"; depths count from outside the block
      throw                    tag index
      try                      (FuncType,)
      catch                    tag index
      rethrow                  depth of the label of the `try` whose caught exception it is
      delegate                 label depth, counted from outside the block that it ends
      call_ref, return_call_ref   type index
      br_on_null, br_on_non_null  label depth
      ref.test, ref.test null, ref.cast, ref.cast null   (RefType tested for, RefType of the operand)
      br_on_cast, br_on_cast_fail   (label depth, RefType of the operand, RefType tested for)
      struct.new, struct.new_default, array.new, array.new_default, array.get*, array.set, array.fill   type index
      struct.get*, struct.set  (type index, field index)
      array.new_fixed          (type index, number of elements)
      array.new_data, array.init_data   (type index, data index)
      array.new_elem, array.init_elem   (type index, element index)
      array.copy               (type index of the destination, type index of the source)
      all others               None

    Type indices are canonical (`Module.canonical`), but those of functions' own types in `Module.funcs` are not.
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
    `sizes` the number of reachable operators of each function; `proposals` the names of proposals used; `wide_atomics`
    says whether there is atomic access to 64 bits at once; `referred` are the functions that ref.func names, also where
    nothing gets there.
    """

    callees: dict[int, tuple[int, ...]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    written_tables: set[int] = field(default_factory=set)
    written_globals: set[int] = field(default_factory=set)
    grown_memories: set[int] = field(default_factory=set)
    indirect_types: set[tuple[int, int]] = field(default_factory=set)
    proposals: set[str] = field(default_factory=set)
    tail_calls: bool = False
    wide_atomics: bool = False
    # What may throw: functions with a `throw`, `throw_ref` or `rethrow` that no clause around it surely catches, and
    # the functions and (canonical) types that a function calls, directly or indirectly, outside of any `catch_all`.
    throwing: set[int] = field(default_factory=set)
    escaping_callees: dict[int, tuple[int, ...]] = field(default_factory=dict)
    escaping_types: dict[int, tuple[int, ...]] = field(default_factory=dict)
    referred: set[int] = field(default_factory=set)

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
        self.wide_atomics |= other.wide_atomics
        self.throwing |= other.throwing
        self.escaping_callees.update(other.escaping_callees)
        self.escaping_types.update(other.escaping_types)
        self.referred |= other.referred
