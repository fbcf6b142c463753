"""What a module is made of, for people and for JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from waot.errors import WaotError
from waot.frontend import limits
from waot.frontend.constexpr import ARITHMETIC
from waot.frontend.facts import collect_facts
from waot.frontend.module import (
    FUNCREF,
    V128,
    ArrayType,
    CompositeType,
    ExternType,
    FuncType,
    Limits,
    MemoryType,
    Module,
    RefType,
    TableType,
    ValType,
)
from waot.frontend.opcodes import OPERATORS
from waot.frontend.reader import Reader


@dataclass(frozen=True, slots=True)
class SectionInfo:
    """`offset` and `size` are bytes of the contents."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ImportInfo:
    module: str
    name: str
    kind: str
    type: str


@dataclass(frozen=True, slots=True)
class ExportInfo:
    name: str
    kind: str
    index: int
    type: str


@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """Sizes in pages of 64 KiB; `maximum` is None where there is none."""

    index: int
    minimum: int
    maximum: int | None
    imported: bool


@dataclass(frozen=True, slots=True)
class TableInfo:
    """Sizes in entries."""

    index: int
    element: str
    minimum: int
    maximum: int | None
    imported: bool


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """What `waot inspect` shows of a module. Sizes in bytes unless said otherwise.

    `features` are the proposals, beyond the MVP, that the module uses; `target_features` those that its compiler
    claims; `producers` maps a field ("language", "processed-by", "sdk") to what stands there. `operators` counts the
    operators that can be reached.
    """

    name: str | None
    size: int
    features: list[str]
    functions: int
    imported_functions: int
    operators: int
    code_bytes: int
    data_bytes: int
    types: int
    globals: int
    tags: int
    element_segments: int
    data_segments: int
    start: str | None
    memories: list[MemoryInfo]
    tables: list[TableInfo]
    sections: list[SectionInfo]
    imports: list[ImportInfo]
    exports: list[ExportInfo]
    producers: dict[str, list[str]] = field(default_factory=dict)
    target_features: list[str] = field(default_factory=list)


def inspect_module(module: Module) -> ModuleInfo:
    """Describes a module; validates its bodies to find out which proposals they use.

    Raises what `collect_facts` raises.
    """
    imported = Counter(i.kind for i in module.imports)
    facts = collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    return ModuleInfo(
        name=module.name,
        size=len(module.source),
        features=sorted((facts.proposals | module_proposals(module)) - {"mvp"}),
        functions=len(module.codes),
        imported_functions=module.imported_func_count,
        operators=sum(facts.sizes.values()),
        code_bytes=sum(code.end - code.start for code in module.codes),
        data_bytes=sum(data.end - data.start for data in module.datas),
        types=len(module.types),
        globals=len(module.globals),
        tags=len(module.tags),
        element_segments=len(module.elements),
        data_segments=len(module.datas),
        start=None if module.start is None else module.function_name(module.start),
        memories=[
            MemoryInfo(index, type_.limits.minimum, type_.limits.maximum, index < imported["memory"])
            for index, type_ in enumerate(module.memories)
        ],
        tables=[
            TableInfo(index, repr(type_.element), type_.limits.minimum, type_.limits.maximum, index < imported["table"])
            for index, type_ in enumerate(module.tables)
        ],
        sections=[SectionInfo(name, start, end - start) for name, start, end in module.sections],
        imports=[ImportInfo(i.module, i.name, i.kind, _show(i.type)) for i in module.imports],
        exports=[
            ExportInfo(e.name, e.kind, e.index, _show(module.extern_type(e.kind, e.index))) for e in module.exports
        ],
        producers=_producers(module),
        target_features=_target_features(module),
    )


def module_proposals(module: Module) -> set[str]:
    """The proposals that a module uses outside of its function bodies."""
    found = _type_proposals(module)
    elements = module.elements
    if len(module.tables) > 1 or any(e.mode == "declarative" or e.exprs is not None for e in elements):
        found.add("reference-types")
    if any(table.init is not None for table in module.defined_tables):
        found.add("function-references")
    if module.tags:
        found.add("exception-handling")
    modes = {element.mode for element in elements} | {data.mode for data in module.datas}
    if module.data_count is not None or "passive" in modes:
        found.add("bulk-memory")
    if len(module.memories) > 1:
        found.add("multi-memory")
    if any(memory.page_size_log2 != 16 for memory in module.memories):
        found.add("custom-page-sizes")
    ranges = [memory.limits for memory in module.memories] + [table.limits for table in module.tables]
    if any(range_.index64 for range_ in ranges):
        found.add("memory64")
    if any(range_.shared for range_ in ranges):
        found.add("threads")
    mutable = len(module.globals) - len(module.defined_globals)
    if any(g.mutable for g in module.globals[:mutable]) or any(
        e.kind == "global" and module.globals[e.index].mutable for e in module.exports
    ):
        found.add("mutable-global")
    for expr in module.const_exprs():
        for index, _, _ in expr:
            found.add("extended-const" if index in ARITHMETIC else OPERATORS[index].proposal)
    found.discard("mvp")
    return found


def _type_proposals(module: Module) -> set[str]:
    """The proposals that the types of functions, tags, globals, tables and segments, and all objects, are of."""
    found: set[str] = set()
    used: list[CompositeType] = [module.types[index] for index in {*module.funcs, *module.tags}]
    objects = [type_ for type_ in module.types if not isinstance(type_, FuncType)]
    if objects or not all(module.finals) or len(set(module.rec_groups)) < len(module.types):
        found.add("gc")
    if any(isinstance(type_, FuncType) and len(type_.results) > 1 for type_ in used):
        found.add("multi-value")
    values = {value for type_ in used + objects for value in _values(type_)} | {g.value for g in module.globals}
    if V128 in values:
        found.add("simd")
    values |= {element.type for element in module.elements if element.exprs is not None}
    # Tables of funcref are older than references.
    values |= {table.element for table in module.tables if table.element is not FUNCREF}
    found.update(_ref_proposal(value) for value in values if isinstance(value, RefType))
    return found


def _values(type_: CompositeType) -> tuple[ValType, ...]:
    if isinstance(type_, FuncType):
        return type_.params + type_.results
    fields = (type_.field,) if isinstance(type_, ArrayType) else type_.fields
    return tuple([field_.storage for field_ in fields])


def _ref_proposal(type_: RefType) -> str:
    """The proposal that has this reference type."""
    if isinstance(type_.heap, int) or not type_.nullable:
        return "function-references"
    if type_.heap in ("func", "extern"):
        return "reference-types"
    return "exception-handling" if type_.heap in ("exn", "noexn") else "gc"


def _show(type_: ExternType) -> str:
    """A type as the text format has it."""
    if isinstance(type_, FuncType):
        return str(type_)
    if isinstance(type_, TableType):
        return f"{_limits(type_.limits)} {type_.element}"
    if isinstance(type_, MemoryType):
        return f"{_limits(type_.limits)} pages"
    return f"(mut {type_.value})" if type_.mutable else repr(type_.value)


def _limits(range_: Limits) -> str:
    return str(range_.minimum) if range_.maximum is None else f"{range_.minimum} {range_.maximum}"


# ---------------------------------------------------------------------- custom sections of the tool conventions

# tool-conventions: ProducersSection.md, Linking.md ("target features section"). Like the name section they serve
# people only, so a malformed one counts as absent.


def _custom(module: Module, name: str) -> Reader | None:
    found = next((c for c in module.custom_sections if c.name == name), None)
    return Reader(module.source, found.start, found.end) if found else None


def _producers(module: Module) -> dict[str, list[str]]:
    reader = _custom(module, "producers")
    fields: dict[str, list[str]] = {}
    if reader is None:
        return fields
    try:
        for _ in range(reader.count("fields", limits.MAX_TYPES, 2)):
            values = fields.setdefault(reader.name(), [])
            for _ in range(reader.count("values", limits.MAX_TYPES, 2)):
                values.append(f"{reader.name()} {reader.name()}".strip())
    except WaotError:
        return {}
    return fields


def _target_features(module: Module) -> list[str]:
    reader = _custom(module, "target_features")
    if reader is None:
        return []
    features: list[str] = []
    try:
        for _ in range(reader.count("features", limits.MAX_TYPES, 2)):
            prefix = chr(reader.byte())
            features.append(prefix + reader.name())
    except WaotError:
        return []
    return features
