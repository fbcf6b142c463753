"""Several modules into one program: imports resolved (core specification, 4.5.4), index spaces merged.

The result is one `Module`, so that whoever lowers it sees one module with many memories and tables: what one module
exports and another imports has one index, a call from one into the other is a direct call. What is left of the parts is
`Module.instances`: the order of instantiation, and whose is what.

Imports that stay imports come first in an index space, and their number is known only at the end. Until then a
definition is referred to by its number among the definitions, an import by ``~`` its number among the imports.

Types of all parts share one index space, in which every type stands once (`_Types`), so types of different modules
are the same exactly if their indices are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

from waot.errors import LinkError
from waot.frontend import limits
from waot.frontend.module import (
    KINDS,
    ArrayType,
    CompositeType,
    Demand,
    Export,
    ExternType,
    FuncType,
    GlobalType,
    Import,
    Instance,
    Limits,
    MemoryType,
    Module,
    RefType,
    StructType,
    TableType,
    ValType,
)
from waot.frontend.remapping import (
    remap_expr,
    remap_extern_type,
    remap_field,
    remap_func_type,
    remap_import,
    remap_ref,
)
from waot.frontend.subtyping import matches_heap, matches_val

_INITIALIZE: Final = "_initialize"


class Part(NamedTuple):
    """A module to link, and the name under which the parts after it import from it, if they may."""

    name: str | None
    module: Module


def link_modules(
    parts: Sequence[Part], main: int | None = -1, hosts: Collection[str] | None = None, *, reactors: bool = False
) -> Module:
    """One module out of `parts`, instantiated in this order. The same `Module` may be several of them.

    The result exports what part `main` exports, or with None what all of them do, as ``NUMBER.NAME``. Imports from
    modules that are no part, or none before, stay imports; `hosts`, if given, are the only ones whose may. With
    `reactors`, what a part other than the main one exports as ``_initialize`` is called once it is instantiated, as
    WASI's application ABI demands of whoever loads it, unless a part imports it and so does that itself. Raises
    LinkError for an import that is unknown or has an incompatible type.
    """
    linker = Linker(hosts)
    for part in parts:
        linker.add(part.module, part.name)
    return linker.finish(main, reactors=reactors)


@dataclass(slots=True)
class _Space:
    """One index space of the program: `types` of the definitions, and what the imports in front of them are."""

    imports: int = 0
    types: list[Any] = field(default_factory=list)

    def index(self, reference: int) -> int:
        """The final index; see the module's docstring."""
        return self.imports + reference if reference >= 0 else ~reference


@dataclass(slots=True)
class _Linked:
    """An instance in the making: `spaces` has references for its own indices."""

    name: str | None
    module: Module
    types: tuple[int, ...]
    exports: dict[str, tuple[str, int]]  # name -> (kind, its own index)
    spaces: dict[str, list[int]]
    first: dict[str, int]  # the number of its first definition of each kind among all
    demands: list[tuple[str, int, int, Import]]
    initialized: bool = False  # somebody imports its `_initialize`


class Linker:
    """Links one instance after the other; one that is refused is as if it had not been tried."""

    def __init__(self, hosts: Collection[str] | None = None) -> None:
        self.hosts = hosts
        self._types = _Types()
        self._spaces = {kind: _Space() for kind in KINDS}
        self._imports: list[tuple[int, Import]] = []  # (instance, import)
        self._linked: list[_Linked] = []
        self._names: dict[str, _Linked] = {}

    def add(self, module: Module, name: str | None = None) -> int:
        """Links another instance of `module` and gives its number. Raises LinkError as `link_modules` does."""
        types = self._types.add(module)
        spaces: dict[str, list[int]] = {kind: [] for kind in KINDS}
        demands: list[tuple[str, int, int, Import]] = []
        open_ = dict.fromkeys(KINDS, 0)
        unresolved: list[Import] = []
        for item in module.imports:
            exporter = self._names.get(item.module)
            if exporter is None:
                self._check_open(module, item)
                spaces[item.kind].append(~(self._spaces[item.kind].imports + open_[item.kind]))
                open_[item.kind] += 1
                unresolved.append(item)
                continue
            kind, own = self._find(exporter, module, item)
            reference = exporter.spaces[kind][own]
            demand = self._match(exporter, own, reference, module, types, item)
            if demand:
                demands.append((kind, reference, demand, item))
            spaces[kind].append(reference)
        # From here on nothing is refused.
        first = {kind: len(space.types) for kind, space in self._spaces.items()}
        for kind, (_, definitions) in _spaces(module).items():
            self._spaces[kind].imports += open_[kind]
            spaces[kind] += range(first[kind], first[kind] + len(definitions))
            if kind in ("func", "tag"):
                self._spaces[kind].types += [types[t] for t in definitions]
            else:
                self._spaces[kind].types += [remap_extern_type(types, t) for t in definitions]
        for item in module.imports:
            if item.name == _INITIALIZE and item.module in self._names:
                self._names[item.module].initialized = True
        number = len(self._linked)
        self._imports += [(number, item) for item in unresolved]
        exports = {e.name: (e.kind, e.index) for e in module.exports}
        self._linked.append(_Linked(name, module, types, exports, spaces, first, demands))
        if name is not None:
            self.register(name, number)
        return number

    def register(self, name: str, number: int) -> None:
        """Lets the instances after this import from instance `number` under `name`, and from no other."""
        self._names[name] = self._linked[number]

    # ------------------------------------------------------------------ imports

    def _check_open(self, module: Module, item: Import) -> None:
        if self.hosts is not None and item.module not in self.hosts:
            what = f"'{item.module}.{item.name}' ({item.kind})"
            raise _error(module, item, f"unknown import: {what}: there is no module '{item.module}'")

    def _find(self, exporter: _Linked, module: Module, item: Import) -> tuple[str, int]:
        """Kind and the exporter's own index of what is imported."""
        found = exporter.exports.get(item.name)
        what = f"'{item.module}.{item.name}'"
        if found is None:
            raise _error(module, item, f"unknown import: {what}: {_whose(exporter)} exports no '{item.name}'")
        kind, own = found
        if kind != item.kind:
            raise _error(
                module,
                item,
                f"incompatible import type: {what} is imported as {_describe(item.kind, item.type)}, but "
                f"{_whose(exporter)} exports {_describe(kind, exporter.module.extern_type(kind, own))}",
            )
        return kind, own

    def _match(
        self, exporter: _Linked, own: int, reference: int, module: Module, types: tuple[int, ...], item: Import
    ) -> int:
        """Checks the type (section 3.3.16). Gives the size that a memory or table must have grown to, mostly 0."""
        found, wanted = self._type(exporter, item.kind, own, reference), remap_extern_type(types, item.type)
        demand = 0
        if item.kind == "func" or item.kind == "tag":
            assert item.type_index is not None
            index = types[item.type_index]
            assert isinstance(found, int)
            matches = matches_heap(self._types.space, found, index) if item.kind == "func" else found == index
        elif isinstance(found, GlobalType) and isinstance(wanted, GlobalType):
            matches = found.mutable == wanted.mutable and (
                found.value is wanted.value
                or (not found.mutable and matches_val(self._types.space, found.value, wanted.value))
            )
        else:
            matches = _same_but_limits(found, wanted)
            demand = _missing_size(found.limits, wanted.limits)  # type: ignore[union-attr]
            matches = matches and demand >= 0
        if not matches:
            raise _error(
                module,
                item,
                f"incompatible import type: '{item.module}.{item.name}' is imported as "
                f"{_describe(item.kind, item.type)}, but {_whose(exporter)} exports "
                f"{_describe(item.kind, exporter.module.extern_type(item.kind, own))}",
            )
        return demand

    def _type(self, exporter: _Linked, kind: str, own: int, reference: int) -> Any:
        """The type of what `exporter` exports, in the program's types: a type index of functions and tags.

        What it imports itself has the type that its own import states: that is all that it may promise on.
        """
        if kind in ("func", "tag"):
            index = (exporter.module.funcs if kind == "func" else exporter.module.tags)[own]
            return self._spaces[kind].types[reference] if reference >= 0 else exporter.types[index]
        if reference >= 0:
            return self._spaces[kind].types[reference]
        return remap_extern_type(exporter.types, exporter.module.extern_type(kind, own))

    # ------------------------------------------------------------------ the result

    def finish(self, main: int | None = -1, *, reactors: bool = False) -> Module:
        """The program: see `link_modules`."""
        linked = self._linked
        ends = list(accumulate(len(part.module.source) for part in linked))
        if ends[-1] >= 1 << 32:
            raise LinkError("the modules together are larger than 4 GiB")
        if len(linked) > limits.MAX_INSTANCES:
            raise LinkError(f"{len(linked):,} modules are linked; waot's limit is {limits.MAX_INSTANCES:,}")
        biases = [0, *ends]
        main_part = None if main is None else linked[main]
        chosen = main_part.module if main_part else None
        program = Module(
            b"".join([part.module.source for part in linked]),
            file=chosen.file if chosen else None,
            name=chosen.name if chosen else None,
            types=self._types.space.types,
            canonical=self._types.space.canonical,
            supertypes=self._types.space.supertypes,
            finals=self._types.space.finals,
            rec_groups=self._types.space.rec_groups,
            imports=[remap_import(linked[n].types, biases[n], item) for n, item in self._imports],
        )
        for item in program.imports:
            self._import_space(program, item)
        program.funcs += self._spaces["func"].types
        program.tables += self._spaces["table"].types
        program.memories += self._spaces["memory"].types
        program.globals += self._spaces["global"].types
        program.tags += self._spaces["tag"].types
        declared: set[int] = set()
        for part, bias in zip(linked, biases, strict=False):
            instance = self._instance(program, part, bias)
            if reactors and part is not main_part and not part.initialized:
                instance = _with_initialize(instance)
            program.instances.append(instance)
            _append_definitions(program, instance)
            declared.update([instance.funcs[index] for index in part.module.declared_funcs])
        program.declared_funcs = frozenset(declared)
        if chosen is None:
            for number, instance in enumerate(program.instances):
                program.exports += [
                    Export(f"{number}.{e.name}", e.kind, instance.exports[e.name][1], e.offset + instance.bias)
                    for e in instance.module.exports
                ]
        else:
            assert main is not None
            instance = program.instances[main]
            program.exports = [
                replace(e, index=instance.exports[e.name][1], offset=e.offset + instance.bias) for e in chosen.exports
            ]
        return program

    @staticmethod
    def _import_space(program: Module, item: Import) -> None:
        if item.kind in ("func", "tag"):
            assert item.type_index is not None
            (program.funcs if item.kind == "func" else program.tags).append(item.type_index)
        elif isinstance(item.type, TableType):
            program.tables.append(item.type)
        elif isinstance(item.type, MemoryType):
            program.memories.append(item.type)
        elif isinstance(item.type, GlobalType):
            program.globals.append(item.type)

    def _instance(self, program: Module, part: _Linked, bias: int) -> Instance:
        module = part.module
        spaces = {
            kind: tuple([space.index(reference) for reference in part.spaces[kind]])
            for kind, space in self._spaces.items()
        }
        own = {}
        for kind, (_, definitions) in _spaces(module).items():
            start = self._spaces[kind].imports + part.first[kind]
            own[kind] = range(start, start + len(definitions))
        elements, datas = len(program.elements), len(program.datas)
        return Instance(
            name=part.name,
            module=module,
            bias=bias,
            types=part.types,
            funcs=spaces["func"],
            tables=spaces["table"],
            memories=spaces["memory"],
            globals=spaces["global"],
            tags=spaces["tag"],
            elements=range(elements, elements + len(module.elements)),
            datas=range(datas, datas + len(module.datas)),
            own_funcs=own["func"],
            own_tables=own["table"],
            own_memories=own["memory"],
            own_globals=own["global"],
            own_tags=own["tag"],
            start=None if module.start is None else spaces["func"][module.start],
            exports={name: (kind, spaces[kind][index]) for name, (kind, index) in part.exports.items()},
            demands=tuple(
                [
                    Demand(kind, self._spaces[kind].index(reference), minimum, item)
                    for kind, reference, minimum, item in part.demands
                ]
            ),
        )


def _with_initialize(instance: Instance) -> Instance:
    """The instance as a reactor, if it is one."""
    kind, index = instance.exports.get(_INITIALIZE, ("", 0))
    if kind != "func" or instance.module.func_type(instance.funcs.index(index)) != FuncType((), ()):
        return instance
    return replace(instance, initialize=index)


def _append_definitions(program: Module, instance: Instance) -> None:
    """Adds to the program what the instance's module defines, remapped."""
    module, bias = instance.module, instance.bias
    program.defined_tables += [
        replace(
            t,
            type=remap_extern_type(instance.types, t.type),
            init=None if t.init is None else remap_expr(instance, t.init),
            offset=t.offset + bias,
        )
        for t in module.defined_tables
    ]
    program.defined_globals += [
        replace(
            g,
            type=remap_extern_type(instance.types, g.type),
            init=remap_expr(instance, g.init),
            offset=g.offset + bias,
        )
        for g in module.defined_globals
    ]
    for element in module.elements:
        program.elements.append(
            replace(
                element,
                type=remap_ref(instance.types, element.type),
                table=instance.tables[element.table] if element.mode == "active" else 0,
                offset_expr=None if element.offset_expr is None else remap_expr(instance, element.offset_expr),
                functions=None if element.functions is None else tuple([instance.funcs[f] for f in element.functions]),
                exprs=None if element.exprs is None else tuple([remap_expr(instance, e) for e in element.exprs]),
                offset=element.offset + bias,
            )
        )
    for data in module.datas:
        program.datas.append(
            replace(
                data,
                memory=instance.memories[data.memory] if data.mode == "active" else 0,
                offset_expr=None if data.offset_expr is None else remap_expr(instance, data.offset_expr),
                start=data.start + bias,
                end=data.end + bias,
                offset=data.offset + bias,
            )
        )
    program.codes += [replace(code, start=code.start + bias, end=code.end + bias) for code in module.codes]
    imported = module.imported_func_count
    program.branch_hints.update((at + bias, likely) for at, likely in module.branch_hints.items())
    program.function_names.update(
        (instance.funcs[index], name) for index, name in module.function_names.items() if index >= imported
    )


# ---------------------------------------------------------------------- matching


def _same_but_limits(found: Any, wanted: Any) -> bool:
    """Tables and memories: what must be equal (3.3.13, 3.3.14); a table's element type is invariant."""
    if found.limits.index64 != wanted.limits.index64 or found.limits.shared != wanted.limits.shared:
        return False
    if isinstance(found, TableType):
        return found.element is wanted.element
    return bool(found.page_size_log2 == wanted.page_size_log2)


def _missing_size(found: Limits, wanted: Limits) -> int:
    """0 if limits `found` match `wanted` (3.3.11), -1 if they never will, otherwise the size that is to be grown to."""
    if wanted.maximum is not None and (found.maximum is None or found.maximum > wanted.maximum):
        return -1
    if found.minimum >= wanted.minimum:
        return 0
    return -1 if found.maximum is not None and found.maximum < wanted.minimum else wanted.minimum


def _spaces(module: Module) -> dict[str, tuple[list[Any], list[Any]]]:
    """By kind, the whole index space and what of it is no import: types, or type indices of functions and tags."""
    imported = dict.fromkeys(KINDS, 0)
    for item in module.imports:
        imported[item.kind] += 1
    spaces: list[list[Any]] = [module.funcs, module.tables, module.memories, module.globals, module.tags]
    return {kind: (space, space[imported[kind] :]) for kind, space in zip(KINDS, spaces, strict=True)}


def _error(module: Module, item: Import, what: str) -> LinkError:
    return LinkError(what, file=module.file, offset=item.offset)


def missing_size_error(instance: Instance, demand: Demand) -> LinkError:
    """The error about a memory or table that is too small and that nothing in the program grows."""
    item, unit = demand.item, "pages" if demand.kind == "memory" else "elements"
    return _error(
        instance.module,
        item,
        f"incompatible import type: '{item.module}.{item.name}' is imported as {_describe(item.kind, item.type)}, but "
        f"what module '{item.module}' exports has fewer than {demand.minimum} {unit}, and nothing makes it grow",
    )


def _whose(exporter: _Linked) -> str:
    name = f"module '{exporter.name}'"
    return f"{name} ({exporter.module.file})" if exporter.module.file else name


def _describe(kind: str, type_: ExternType) -> str:
    """A type as a person reads it, with its kind."""
    if isinstance(type_, FuncType):
        return f"{kind} {type_}"
    if isinstance(type_, GlobalType):
        return f"global (mut {type_.value})" if type_.mutable else f"global {type_.value}"
    sizes = type_.limits
    parts = ["i64"] if sizes.index64 else []
    parts += [str(size) for size in (sizes.minimum, sizes.maximum) if size is not None]
    parts += ["shared"] if sizes.shared else []
    if isinstance(type_, TableType):
        parts.append(repr(type_.element))
    elif type_.page_size_log2 != 16:
        parts.append(f"(pagesize {1 << type_.page_size_log2})")
    return f"{kind} {' '.join(parts)}"


# ---------------------------------------------------------------------- types


class _Types:
    """The types of all modules, every one once: `space` is a module that has only them."""

    def __init__(self) -> None:
        self.space = Module(b"")
        self._groups: dict[Any, int] = {}  # a rec group's structure -> its first type
        self._modules: dict[int, tuple[Module, tuple[int, ...]]] = {}  # by id: a module is not to be hashed

    def add(self, module: Module) -> tuple[int, ...]:
        """The program's type index for each type index of `module`."""
        known = self._modules.get(id(module))
        if known is None:
            known = self._modules[id(module)] = (module, tuple(self._add(module)))
        return known[1]

    def _add(self, module: Module) -> list[int]:
        indices: list[int] = []
        for start, end in _rec_groups(module):
            if module.canonical[start] != start:
                indices += [indices[first] for first in module.canonical[start:end]]
                continue
            types, supertypes, finals = module.types[start:end], module.supertypes[start:end], module.finals[start:end]
            # References into the group count by their place in it (3.1.6), others as types of the program.
            key = tuple(
                [
                    (final, _structure(indices, start, above), *_composite(indices, start, type_))
                    for type_, above, final in zip(types, supertypes, finals, strict=True)
                ]
            )
            new = len(self.space.types)
            first = self._groups.setdefault(key, new)
            indices += range(first, first + end - start)
            if first == new:
                self.space.types += [_remap_composite(indices, type_) for type_ in types]
                self.space.canonical += range(new, new + end - start)
                self.space.supertypes += [None if above is None else indices[above] for above in supertypes]
                self.space.finals += finals
                self.space.rec_groups += [new] * (end - start)
        return indices


def _rec_groups(module: Module) -> Iterator[tuple[int, int]]:
    """(first type, past the last) of each rec group."""
    starts = [index for index, start in enumerate(module.rec_groups) if index == start]
    return pairwise([*starts, len(module.types)])


def _structure(indices: list[int], start: int, heap: str | int | None) -> Any:
    """A heap type as part of a rec group's structure: types of the group itself by their place in it (3.1.6)."""
    if isinstance(heap, int):
        return (heap - start,) if heap >= start else indices[heap]
    return heap


def _composite(indices: list[int], start: int, type_: CompositeType) -> tuple[Any, ...]:
    def value(t: ValType) -> Any:
        return (t.nullable, _structure(indices, start, t.heap)) if isinstance(t, RefType) else t

    if isinstance(type_, FuncType):
        return ("func", tuple(map(value, type_.params)), tuple(map(value, type_.results)))
    if isinstance(type_, StructType):
        return ("struct", tuple([(value(f.storage), f.mutable) for f in type_.fields]))
    return ("array", value(type_.field.storage), type_.field.mutable)


def _remap_composite(indices: Sequence[int], type_: CompositeType) -> CompositeType:
    if isinstance(type_, FuncType):
        return remap_func_type(indices, type_)
    if isinstance(type_, StructType):
        return StructType(tuple([remap_field(indices, f) for f in type_.fields]))
    return ArrayType(remap_field(indices, type_.field))


# ---------------------------------------------------------------------- instances


def instances_of(program: Module) -> list[Instance]:
    """The instances of a linked module; a module alone is its own one."""
    if program.instances:
        return program.instances
    own = {kind: range(len(space) - len(defined), len(space)) for kind, (space, defined) in _spaces(program).items()}
    return [
        Instance(
            name=None,
            module=program,
            bias=0,
            types=tuple(range(len(program.types))),
            funcs=tuple(range(len(program.funcs))),
            tables=tuple(range(len(program.tables))),
            memories=tuple(range(len(program.memories))),
            globals=tuple(range(len(program.globals))),
            tags=tuple(range(len(program.tags))),
            elements=range(len(program.elements)),
            datas=range(len(program.datas)),
            own_funcs=own["func"],
            own_tables=own["table"],
            own_memories=own["memory"],
            own_globals=own["global"],
            own_tags=own["tag"],
            start=program.start,
            exports={e.name: (e.kind, e.index) for e in program.exports},
            demands=(),
        )
    ]


def source_place(program: Module, offset: int) -> tuple[str | None, int]:
    """The file, and the byte offset in it, of byte `offset` of a linked module's source."""
    if not program.instances:
        return program.file, offset
    instance = program.instances[bisect_right(program.instances, offset, key=lambda instance: instance.bias) - 1]
    return instance.module.file, offset - instance.bias


def locate(program: Module, index: int) -> tuple[int, int]:
    """The number of the instance that defines function `index` of a linked module, and its own index in that."""
    number = bisect_right(program.instances, index, key=lambda instance: instance.own_funcs.start) - 1
    instance = program.instances[number]
    return number, index - instance.own_funcs.start + instance.module.imported_func_count
