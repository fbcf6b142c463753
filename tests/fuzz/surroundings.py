"""The two modules around a random one: `support` provides its imports, `observer` calls and looks at its exports.

Everything that is seen is folded into one number, the 64-bit `hash` of the support module: what the random module logs,
the results of its exports, exceptions, and in the end its globals, tables and memories. All of it is done by
WebAssembly that we generate, the same for every engine, so that an engine has to do no more than to instantiate three
modules and to call functions that take and give i32 and i64 only.

Any NaN counts as any other: a float is folded with one pattern for all of them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.frontend.building import END, op, s, u, vec
from tests.fuzz.assembling import Assembly, Function, extern_type, heap_type
from waot.frontend.module import (
    ANYREF,
    EXNREF,
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    V128,
    ArrayType,
    Export,
    FuncType,
    GlobalType,
    Limits,
    MemoryType,
    Module,
    RefType,
    StructType,
    TableType,
    ValType,
    ref_type,
)
from waot.frontend.opcodes import SUPPORTED_PROPOSALS
from waot.frontend.subtyping import abstract_heap, is_defaultable, top_of

SUPPORT, RANDOM = "fuzzing-support", "random"  # what the modules are called

# The foldings: a function of the support module for each type.
_FOLDS: dict[str, ValType] = {
    "fold": I64,
    "fold-f32": F32,
    "fold-f64": F64,
    "fold-v128": V128,
    "fold-func": FUNCREF,
    "fold-any": ANYREF,
    "fold-extern": EXTERNREF,
    "fold-exn": EXNREF,
}
_PRIME = 0x9E37_79B9_7F4A_7C15 - (1 << 64)
_CALLEES = 64  # entries of the table of functions that `call-export` calls
_DEPTH = 4  # of values that are made for reference types
_LOOK = 3  # how deep objects are looked into
_BYTES = 16 << 20  # of a memory that are looked at
_ELEMENTS = 16  # of an array or table that are looked at

_EMPTY = b"\x40"


class Uninhabited(Exception):
    """A type of which no value can be made here; says which."""


def _number(t: ValType, number: random.Random) -> bytes:
    """The code of a constant, often one at some boundary."""
    if t is I32 or t is I64:
        return op(f"{t.name}.const", s(_integer(int(t.name[1:]), number)))
    if t is F32 or t is F64:
        size = 4 if t is F32 else 8
        return op(f"{t.name}.const", _float_bits(size * 8, number).to_bytes(size, "little"))
    lanes = [_integer(64, number) & ((1 << 64) - 1), _float_bits(64, number)]
    return op("v128.const", b"".join(lane.to_bytes(8, "little") for lane in lanes))


def _integer(width: int, number: random.Random) -> int:
    kind = number.randrange(5)
    if kind == 0:
        value = number.choice((0, 1, -1, 2, 7, 31, 32, 63, 64, 255, 256, 1 << 15, 1 << 16, -(1 << 15)))
    elif kind == 1:
        value = number.choice((1, -1)) << number.randrange(width)
    elif kind == 2:
        value = number.randrange(-16, 100)
    else:
        value = number.getrandbits(number.randrange(1, width + 1))
    value &= (1 << width) - 1
    return value - (value >> (width - 1) << width)


def _float_bits(width: int, number: random.Random) -> int:
    exponent, fraction = (8, 23) if width == 32 else (11, 52)
    sign = number.getrandbits(1) << (width - 1)
    bias = (1 << (exponent - 1)) - 1
    kind = number.randrange(4)
    if kind == 0:  # 0, 1, infinity, the smallest and largest of each kind
        special = (0, 1, bias << fraction, ((1 << exponent) - 1) << fraction, 1 << fraction, (1 << fraction) - 1)
        return sign | number.choice(special)
    if kind == 1:  # whole numbers, near the limits of the integer types too
        power = number.choice((0, 1, 3, 7, 8, 15, 16, 31, 32, 52, 53, 63, 64))
        return sign | (bias + power) << fraction | (number.getrandbits(4) << (fraction - 4))
    bits = sign | number.getrandbits(width - 1)
    if bits >> fraction & ((1 << exponent) - 1) == (1 << exponent) - 1:
        bits ^= 1 << fraction  # no NaN: that is the modules' business
    return bits


class _Maker:
    """Makes values of any type, by code that is a constant expression."""

    def __init__(self, module: Module, assembly: Assembly, seed: str) -> None:
        self.module = module
        self.assembly = assembly
        self.seed = seed
        self.begin("")
        self._functions: dict[int, int] = {}

    def begin(self, what: str) -> None:
        """The values from here on follow from the seed and `what`, whatever was made before."""
        self.number = random.Random(f"{self.seed} {what}")

    def value(self, t: ValType, depth: int = _DEPTH) -> bytes:
        """Raises Uninhabited."""
        if not isinstance(t, RefType):
            return _number(t, self.number)
        if t.nullable and (depth == 0 or self.number.random() < 0.3):
            return self._null(t)
        try:
            return self._object(t, depth)
        except Uninhabited:
            if t.nullable:
                return self._null(t)
            raise

    @staticmethod
    def _null(t: RefType) -> bytes:
        return op("ref.null", heap_type(t.heap))

    def _object(self, t: RefType, depth: int) -> bytes:
        heap = t.heap
        if isinstance(heap, int):
            type_ = self.module.types[heap]
            if isinstance(type_, FuncType):
                return self.assembly.ref_func(self.function(heap))
            if depth == 0:
                raise Uninhabited(f"{t}")
            if isinstance(type_, StructType):
                if self.number.random() < 0.3 and all(is_defaultable(f.value) for f in type_.fields):
                    return op("struct.new_default", u(heap))
                return b"".join(self.value(f.value, depth - 1) for f in type_.fields) + op("struct.new", u(heap))
            assert isinstance(type_, ArrayType)
            try:
                count = self.number.randrange(4)
                elements = [self.value(type_.field.value, depth - 1) for _ in range(count)]
            except Uninhabited:
                elements = []
            return b"".join(elements) + op("array.new_fixed", u(heap), u(len(elements)))
        if heap in ("i31", "any", "eq"):
            return op("i32.const", s(_integer(32, self.number))) + op("ref.i31")
        if heap == "extern":
            return self._object(ref_type("any", False), depth) + op("extern.convert_any")
        if heap in ("struct", "array", "func"):
            found = [i for i in range(len(self.module.types)) if abstract_heap(self.module, i) == heap]
            if found:
                return self._object(ref_type(self.module.canonical[self.number.choice(found)], False), depth)
            if heap == "func":
                return self.assembly.ref_func(self.function(self.assembly.type_index((), ()), FuncType((), ())))
        raise Uninhabited(f"{t}")

    def function(self, type_index: int, type_: FuncType | None = None) -> int:
        """A function of that type, which does nothing."""
        if type_index not in self._functions:
            type_ = type_ or self.module.signature(type_index)
            index, made = self.assembly.function(type_, type_index)
            self._functions[type_index] = index
            made.code = self.results(type_)
        return self._functions[type_index]

    def results(self, type_: FuncType) -> bytes:
        """The code that ends a function: its results, or a trap where there are none of such types."""
        try:
            return b"".join(self.value(t) for t in type_.results)
        except Uninhabited:
            return op("unreachable")


def _fold_name(module: Module, t: ValType) -> tuple[bytes, str]:
    """(code that brings a value into shape, the folding's name)."""
    if isinstance(t, RefType):
        return b"", f"fold-{top_of(module, t.heap)}"
    if t is I32:
        return op("i64.extend_i32_u"), "fold"
    return b"", "fold" if t is I64 else f"fold-{t.name}"


# ------------------------------------------------------------------------------------------------------------- support


class _Support:
    def __init__(self, module: Module, seed: str) -> None:
        self.module = module
        self.assembly = Assembly(module)
        self.maker = _Maker(module, self.assembly, seed)
        self._folds: dict[str, int] = {}

    def build(self) -> bytes:
        a = self.assembly
        self.hash = u(a.define("global", extern_type(GlobalType(I64, True)) + op("i64.const", s(1)) + END))
        a.export("hash", "global", 0)
        self.depth = u(a.define("global", extern_type(GlobalType(I32, True)) + op("i32.const", s(0)) + END))
        self.callees = u(a.define("table", extern_type(TableType(Limits(_CALLEES, _CALLEES), FUNCREF))))
        a.export("callees", "table", 0)
        self._fold()
        self.with_tags = "exception-handling" in SUPPORTED_PROPOSALS
        if self.with_tags:
            self.wasm_tag = u(a.define("tag", u(a.type_index((I32,), ()))))
            self.js_tag = u(a.define("tag", u(a.type_index((EXTERNREF,), ()))))
            a.export("own wasmtag", "tag", 0)
            a.export("own jstag", "tag", 1)
        names = [name for name in _FOLDS if name != "fold-exn" or self.with_tags]
        for name in names:
            a.export(name, "func", self.fold_function(name))
        provided: set[str] = set()
        for place, item in enumerate(self.module.imports):
            if item.name not in provided:
                provided.add(item.name)
                self.maker.begin(item.name)
                a.export(item.name, item.kind, self._provide(place))
        return a.to_bytes()

    # ------------------------------------------------------------ foldings

    def _fold(self) -> None:
        index, function = self.assembly.function(FuncType((I64,), ()))
        function.code = (
            op("global.get", self.hash)
            + op("local.get", u(0))
            + op("i64.xor")
            + op("i64.const", s(_PRIME))
            + op("i64.mul")
            + op("i64.const", s(29))
            + op("i64.rotl")
            + op("global.set", self.hash)
        )
        self._folds["fold"] = index

    def fold_function(self, name: str) -> int:
        """The function of that name, which folds what `_FOLDS` says."""
        if name not in self._folds:
            t = _FOLDS[name]
            self._folds[name], function = self.assembly.function(FuncType((t,), ()))
            own = op("local.get", u(0))
            top = t.heap if isinstance(t, RefType) else None
            if top == "any":
                function.code = self._fold_any(function)
            elif top == "extern":
                function.code = own + op("any.convert_extern") + self.fold(ANYREF)
            elif top is not None:
                function.code = own + op("ref.is_null") + self.fold(I32)
            elif t is V128:
                lanes = [own + op("i64x2.extract_lane", bytes([lane])) for lane in (0, 1)]
                function.code = b"".join(lane + self.fold(I64) for lane in lanes)
            else:
                function.code = self._fold_float(t)
        return self._folds[name]

    def fold(self, t: ValType) -> bytes:
        """The code that takes a value and folds it."""
        before, name = _fold_name(self.module, t)
        return before + op("call", u(self.fold_function(name)))

    def _fold_float(self, t: ValType) -> bytes:
        width = t.name[1:]
        own = op("local.get", u(0))
        bits = own + op(f"i{width}.reinterpret_f{width}") + (op("i64.extend_i32_u") if t is F32 else b"")
        nan = op("i64.const", s(0x7FF8 << 48))
        return nan + bits + own * 2 + op(f"{t.name}.ne") + op("select") + self.fold(I64)

    def _fold_any(self, function: Function) -> bytes:
        """Folds what kind of object there is, and what it holds unless it is held itself by many others."""
        own = op("local.get", u(0))
        code = b""

        def deeper(by: int) -> bytes:
            return op("global.get", self.depth) + op("i32.const", s(by)) + op("i32.add") + op("global.set", self.depth)

        def case(test: bytes, then: bytes) -> None:
            nonlocal code
            code += own + test + op("if", _EMPTY) + then + op("return") + op("end")

        def kind(number: int) -> bytes:
            return op("i64.const", s(number)) + self.fold(I64)

        def cast(heap: str | int) -> bytes:
            return own + op("ref.cast", heap_type(heap))

        case(op("ref.is_null"), kind(0))
        case(op("ref.test", heap_type("i31")), kind(1) + cast("i31") + op("i31.get_s") + self.fold(I32))
        # A subtype has a higher index than its supertypes.
        for index in reversed(range(len(self.module.types))):
            type_ = self.module.types[index]
            if self.module.canonical[index] != index or isinstance(type_, FuncType):
                continue
            if isinstance(type_, StructType):
                held = b""
                for at, f in enumerate(type_.fields):
                    get = "struct.get" if f.value is f.storage else "struct.get_s"
                    held += cast(index) + op(get, u(index), u(at)) + self.fold(f.value)
            else:
                held = self._fold_elements(function, index, type_)
            look = op("global.get", self.depth) + op("i32.const", s(_LOOK)) + op("i32.lt_u")
            look += op("if", _EMPTY) + deeper(1) + held + deeper(-1) + op("end")
            case(op("ref.test", heap_type(index)), kind(16 + index) + look)
        case(op("ref.test", heap_type("array")), kind(2) + cast("array") + op("array.len") + self.fold(I32))
        return code + own + op("ref.test", heap_type("struct")) + self.fold(I32)

    def _fold_elements(self, function: Function, index: int, type_: ArrayType) -> bytes:
        array = function.local(ref_type(index))
        at, length = function.local(I32), function.local(I32)
        get = "array.get" if type_.field.value is type_.field.storage else "array.get_u"
        return (
            op("local.get", u(0))
            + op("ref.cast", heap_type(index))
            + op("local.tee", array)
            + op("array.len")
            + op("local.tee", length)
            + self.fold(I32)
            + _loop(
                at,
                length,
                op("local.get", array) + op("local.get", at) + op(get, u(index)) + self.fold(type_.field.value),
            )
        )

    # ------------------------------------------------------------ what is imported

    def _provide(self, place: int) -> int:
        item = self.module.imports[place]
        if item.kind == "func":
            return self._provide_function(place)
        if item.kind == "tag":
            own = {"wasmtag": 0, "jstag": 1}
            if item.module == SUPPORT and item.name in own:
                return own[item.name]
            assert item.type_index is not None
            return self.assembly.define("tag", u(item.type_index))
        if isinstance(item.type, MemoryType):
            return self.assembly.define("memory", extern_type(item.type))
        if isinstance(item.type, TableType):
            entry = extern_type(item.type)
            if not item.type.element.nullable:
                entry = b"\x40\0" + entry + self.maker.value(item.type.element) + END
            return self.assembly.define("table", entry)
        assert isinstance(item.type, GlobalType)
        return self.assembly.define("global", extern_type(item.type) + self.maker.value(item.type.value) + END)

    def _provide_function(self, place: int) -> int:
        item = self.module.imports[place]
        type_ = item.type
        assert isinstance(type_, FuncType)
        index, function = self.assembly.function(type_, item.type_index)
        code = op("i64.const", s(place)) + self.fold(I64)
        for at, t in enumerate(type_.params):
            code += op("local.get", u(at)) + self.fold(t)
        function.code = code + self._behaviour(item.name, type_, function)
        return index

    def _behaviour(self, name: str, type_: FuncType, function: Function) -> bytes:
        """What a function of binaryen's does beside what all do, if it has the type as well as the name."""
        first = op("local.get", u(0))
        if name == "throw" and type_ == FuncType((I32,), ()) and self.with_tags:
            thrown = first + op("if", _EMPTY) + first + op("throw", self.wasm_tag) + op("end")
            return thrown + op("ref.null", heap_type("extern")) + op("throw", self.js_tag)
        wrap = op("i32.wrap_i64") if type_.params[:1] == (I64,) else b""
        if name == "table-get" and type_.results == (FUNCREF,):
            return first + wrap + op("table.get", self.callees)
        if name == "table-set" and type_.params[1:] == (FUNCREF,):
            return first + wrap + op("local.get", u(1)) + op("table.set", self.callees)
        call = b""
        if name.startswith("call-export") and type_.params[:1] == (I32,):
            call = first + op("i32.const", s(_CALLEES)) + op("i32.rem_u") + op("table.get", self.callees)
        elif name.startswith("call-ref") and type_.params[:1] == (FUNCREF,):
            call = first
        if not call:
            return self.maker.results(type_)
        caller = FuncType((FUNCREF,), ())
        called = call + op("call", u(self.maker_of_calls(caller)))
        if "catch" not in name or type_.results != (I32,) or not self.with_tags:
            return called + self.maker.results(type_)
        return (
            op("block", _EMPTY)
            + op("try_table", _EMPTY, vec([b"\2\0"]))
            + called
            + op("i32.const", s(0))
            + op("return")
            + op("end")
            + op("unreachable")
            + op("end")
            + op("i32.const", s(1))
        )

    def maker_of_calls(self, type_: FuncType) -> int:
        """A function that calls any funcref of a known type, with arguments of our choice."""
        if "call" not in self._folds:
            index, function = self.assembly.function(type_)
            self._folds["call"] = index
            own = op("local.get", u(0))
            for heap, known in enumerate(self.module.types):
                if self.module.canonical[heap] != heap or not isinstance(known, FuncType):
                    continue
                try:
                    arguments = b"".join(self.maker.value(t) for t in known.params)
                except Uninhabited:
                    continue
                call = arguments + own + op("ref.cast", heap_type(heap)) + op("call_ref", u(heap))
                folds = b"".join(self.fold(t) for t in reversed(known.results))
                function.code += own + op("ref.test", heap_type(heap)) + op("if", _EMPTY)
                function.code += call + folds + op("return") + op("end")
        return self._folds["call"]


def _loop(at: bytes, length: bytes, code: bytes) -> bytes:
    """Performs code for the first numbers from 0 in local `at` that are below `length`."""
    return (
        op("i32.const", s(0))
        + op("local.set", at)
        + op("loop", _EMPTY)
        + op("local.get", at)
        + op("local.get", length)
        + op("i32.lt_u")
        + op("local.get", at)
        + op("i32.const", s(_ELEMENTS))
        + op("i32.lt_u")
        + op("i32.and")
        + op("if", _EMPTY)
        + code
        + op("local.get", at)
        + op("i32.const", s(1))
        + op("i32.add")
        + op("local.set", at)
        + op("br", u(1))
        + op("end")
        + op("end")
    )


def make_support(module: Module, seed: str) -> bytes:
    """The module that provides all imports of `module`, whatever modules they are from. Raises Uninhabited."""
    return _Support(module, seed).build()


# ------------------------------------------------------------------------------------------------------------ observer


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the observer, and arguments: (type, bits) of i32 and i64."""

    name: str
    arguments: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Observer:
    """The observing module, and the calls that make up a run, in order."""

    wasm: bytes
    calls: list[Call]


_WORDS: dict[ValType, tuple[ValType, ...]] = {I32: (I32,), I64: (I64,), F32: (I32,), F64: (I64,), V128: (I64, I64)}


class _Observer:
    def __init__(self, module: Module, seed: str) -> None:
        self.module = module
        self.seed = seed
        self.assembly = Assembly(module)
        self.maker = _Maker(module, self.assembly, seed)
        self.with_tags = "exception-handling" in SUPPORTED_PROPOSALS

    def build(self, rounds: int) -> Observer:
        a = self.assembly
        self.folds = {
            name: a.add_import(SUPPORT, name, "func", u(a.type_index((t,), ())))
            for name, t in _FOLDS.items()
            if name != "fold-exn" or self.with_tags
        }
        self.hash = u(a.add_import(SUPPORT, "hash", "global", extern_type(GlobalType(I64, True))))
        a.add_import(SUPPORT, "callees", "table", extern_type(TableType(Limits(_CALLEES, _CALLEES), FUNCREF)))
        self.tags: list[tuple[bytes, tuple[ValType, ...]]] = []
        if self.with_tags:
            for name, t in (("own wasmtag", I32), ("own jstag", EXTERNREF)):
                self.tags.append((u(a.add_import(SUPPORT, name, "tag", u(a.type_index((t,), ())))), (t,)))
        targets = [(e, self._import(e)) for e in self.module.exports]
        functions = [(e, index) for e, index in targets if e.kind == "func"]
        made = [self._caller(e, index) for e, index in functions]
        callers = [caller for caller in made if caller is not None]
        self._state([(e, index) for e, index in targets if e.kind != "func"])
        self._callees(functions)
        calls = [Call("state")]
        for round_ in range(rounds):
            calls += self._round(round_, callers)
            calls.append(Call("state"))
        return Observer(a.to_bytes(), calls)

    def _round(self, round_: int, callers: list[tuple[str, tuple[ValType, ...]]]) -> list[Call]:
        """Calls of all, in some order. Place and arguments of one do not depend on which others there are."""
        calls = []
        for name, words in callers:
            number = random.Random(f"{self.seed} {round_} {name}")
            place = number.random()
            calls.append((place, Call(name, tuple((t.name, _argument(t, number)) for t in words))))
        return [call for _, call in sorted(calls, key=lambda each: each[0])]

    def _import(self, e: Export) -> int:
        module = self.module
        if e.kind in ("func", "tag"):
            type_index = (module.funcs if e.kind == "func" else module.tags)[e.index]
            index = self.assembly.add_import(RANDOM, e.name, e.kind, u(type_index))
            if e.kind == "tag" and self.with_tags:
                self.tags.append((u(index), module.signature(type_index).params))
            return index
        spaces: dict[str, Sequence[TableType | MemoryType | GlobalType]] = {
            "table": module.tables,
            "memory": module.memories,
            "global": module.globals,
        }
        return self.assembly.add_import(RANDOM, e.name, e.kind, extern_type(spaces[e.kind][e.index]))

    def fold(self, t: ValType) -> bytes:
        before, name = _fold_name(self.module, t)
        return before + op("call", u(self.folds[name]))

    def _values(self, function: Function, types: tuple[ValType, ...]) -> bytes:
        """The code that takes values off the stack and folds them, the first one first."""
        locals_ = [function.local(t) for t in types]
        code = b"".join(op("local.set", local) for local in reversed(locals_))
        for local, t in zip(locals_, types, strict=True):
            code += op("local.get", local) + self.fold(t)
        return code

    def _caller(self, e: Export, index: int) -> tuple[str, tuple[ValType, ...]] | None:
        """A function that calls an export and folds what comes of it: its name and parameters."""
        type_ = self.module.func_type(e.index)
        words = tuple(w for t in type_.params for w in _WORDS.get(t, ()))
        own, function = self.assembly.function(FuncType(words, (I64,)))
        code = b""
        at = 0
        self.maker.begin(e.name)
        for t in type_.params:
            taken = [op("local.get", u(at + k)) for k in range(len(_WORDS.get(t, ())))]
            at += len(taken)
            if not taken:
                try:
                    code += self.maker.value(t)
                except Uninhabited:
                    function.code = op("unreachable")
                    return None
            elif t is V128:
                low, high = taken
                code += low + op("i64x2.splat") + high + op("i64x2.replace_lane", b"\1")
            else:
                code += taken[0] + (op(f"{t.name}.reinterpret_i{t.name[1:]}") if t.name[0] == "f" else b"")
        code += op("call", u(index)) + self._values(function, type_.results)
        hash_ = op("global.get", self.hash)
        # What an exception does that nothing catches is seen now and then.
        if self.with_tags and self.maker.number.random() < 0.9:
            code = self._catching(function, code + hash_ + op("return"))
        function.code = code + hash_
        name = f"call {e.name}"
        self.assembly.export(name, "func", own)
        return name, words

    def _catching(self, function: Function, code: bytes) -> bytes:
        """The code, which returns, and what is to be done with exceptions, which does not."""
        clauses = [b"\0" + tag + u(depth) for depth, (tag, _) in enumerate(self.tags)]
        clauses.append(b"\2" + u(len(self.tags)))
        blocks = op("block", _EMPTY)
        for _, types in reversed(self.tags):
            blocks += op("block", s(self.assembly.type_index((), types)) if types else _EMPTY)
        code = blocks + op("try_table", _EMPTY, vec(clauses)) + code + op("end") + op("unreachable")
        for kind, (_, types) in enumerate(self.tags):
            told = op("i64.const", s(100 + kind)) + self.fold(I64)
            code += op("end") + self._values(function, types) + told + op("global.get", self.hash) + op("return")
        return code + op("end") + op("i64.const", s(99)) + self.fold(I64)

    def _callees(self, functions: list[tuple[Export, int]]) -> None:
        """Puts the exported functions into the table from which `call-export` takes them."""
        if functions:
            indices = [functions[n % len(functions)][1] for n in range(_CALLEES)]
            self.assembly.element(0, 0, indices)

    def _state(self, targets: list[tuple[Export, int]]) -> None:
        index, function = self.assembly.function(FuncType((), (I64,)))
        self.assembly.export("state", "func", index)
        seen = set()
        for e, own in targets:
            if (e.kind, e.index) in seen:
                continue
            seen.add((e.kind, e.index))
            if e.kind == "global":
                function.code += op("global.get", u(own)) + self.fold(self.module.globals[e.index].value)
            elif e.kind == "table":
                function.code += self._table(function, own, self.module.tables[e.index])
            elif e.kind == "memory":
                function.code += self._memory(function, own, self.module.memories[e.index])
        function.code += op("global.get", self.hash)

    def _table(self, function: Function, index: int, type_: TableType) -> bytes:
        at, length = function.local(I32), function.local(I32)
        wide = type_.limits.index64
        get = op("local.get", at) + (op("i64.extend_i32_u") if wide else b"") + op("table.get", u(index))
        return (
            op("table.size", u(index))
            + (op("i32.wrap_i64") if wide else b"")
            + op("local.tee", length)
            + self.fold(I32)
            + _loop(at, length, get + self.fold(type_.element))
        )

    def _memory(self, function: Function, index: int, type_: MemoryType) -> bytes:
        """Folds its size and its bytes: eight at a time into a number of its own, and the rest one by one."""
        wide = type_.limits.index64
        a = "i64" if wide else "i32"
        address = I64 if wide else I32
        at, end, sum_ = function.local(address), function.local(address), function.local(I64)
        # In 64 bits: 2^32 bytes have no size in 32.
        whole = op("memory.size", u(index)) + (b"" if wide else op("i64.extend_i32_u"))
        whole += op("i64.const", s(type_.page_size_log2)) + op("i64.shl")
        most = op("i64.const", s(_BYTES))
        size = whole + most + whole + most + op("i64.lt_u") + op("select")

        def step(width: int) -> bytes:
            name = "i64.load" if width == 8 else "i64.load8_u"
            load = op(name, u(0x40) + u(index) + u(0))
            return (
                op("loop", _EMPTY)
                + op("local.get", at)
                + op("local.get", end)
                + op(f"{a}.ne")
                + op("if", _EMPTY)
                + op("local.get", sum_)
                + op("local.get", at)
                + load
                + op("i64.xor")
                + op("i64.const", s(_PRIME))
                + op("i64.mul")
                + op("i64.const", s(29))
                + op("i64.rotl")
                + op("local.set", sum_)
                + op("local.get", at)
                + op(f"{a}.const", s(width))
                + op(f"{a}.add")
                + op("local.set", at)
                + op("br", u(1))
                + op("end")
                + op("end")
            )

        def to_address(code: bytes) -> bytes:
            return code + (b"" if wide else op("i32.wrap_i64"))

        return (
            whole
            + self.fold(I64)
            + op(f"{a}.const", s(0))
            + op("local.set", at)
            + op("i64.const", s(0))
            + op("local.set", sum_)
            + to_address(size + op("i64.const", s(-8)) + op("i64.and"))
            + op("local.set", end)
            + step(8)
            + to_address(size)
            + op("local.set", end)
            + step(1)
            + op("local.get", sum_)
            + self.fold(I64)
        )


def _argument(t: ValType, number: random.Random) -> int:
    width = int(t.name[1:])
    if number.random() < 0.3:
        return _float_bits(width, number)
    return _integer(width, number) & ((1 << width) - 1)


def make_observer(module: Module, seed: str, rounds: int) -> Observer:
    """The module that calls and looks at all exports of `module`, `rounds` times each."""
    return _Observer(module, seed).build(rounds)
