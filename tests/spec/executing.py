"""Turns a module of the official suite and the actions on it into a program that checks itself.

A function `_start` is added to the module, byte by byte: it performs the actions in order and executes an `unreachable`
of its own where a result is wrong, so that the trap report's offset tells the line of the script. Nothing is added that
would move an index: types, functions and a global are put behind those of the module.

An action that must trap is performed only if its number is in the added global. The global's initial value is looked
for in the executable and overwritten there, so that one build serves for all such actions.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

from tests.frontend.building import PREAMBLE, body, func_type, name, op, s, section, u, vec
from tests.spec.wast import Action, Value
from waot.frontend import decode_module
from waot.frontend.module import Module

# Order of the sections in a module, section 5.5.2 of the specification.
_ORDER = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
_TYPE, _FUNCTION, _GLOBAL, _EXPORT, _CODE = 1, 3, 6, 7, 10

STEPS_IN_FUNCTION = 40
BEHIND = "what follows an action that only a host can do"
_MAGIC = 0x7761_6F74  # high half of the global; the low half is the number of the action that must trap

_LOCALS = [(1, t) for t in ("i32", "i64", "f32", "f64", "v128")]
_LOCAL = {t: u(number) for number, (_, t) in enumerate(_LOCALS)}
_EMPTY, _I32 = b"\x40", b"\x7f"  # block types


class Unsupported(Exception):
    """What cannot be said in a module without imports; the text is the reason for skipping."""


@dataclass(frozen=True)
class Step:
    """An action, and the results to expect if they matter; `message` is set if it must trap."""

    action: Action
    line: int
    results: tuple[Value, ...] | None = None
    message: str | None = None


@dataclass(frozen=True)
class Place:
    """The bytes of a step in the finished module."""

    step: Step
    start: int
    end: int


@dataclass
class Program:
    """A finished module."""

    wasm: bytes
    places: list[Place]
    traps: list[Step]  # the one that number n + 1 selects is at n
    own: range  # bytes of the functions that were added
    unchecked: int  # steps that are performed, but whose results cannot be looked at

    def place_of(self, offsets: list[int]) -> Place | None:
        """The step that a backtrace leads to."""
        for offset in offsets:
            for place in self.places:
                if place.start <= offset < place.end:
                    return place
        return None


# ------------------------------------------------------------------------------------------------------------- values

_NAN_MASKS = {
    (32, "canonical"): (0x7FFFFFFF, 0x7FC00000),
    (32, "arithmetic"): (0x7FC00000, 0x7FC00000),
    (64, "canonical"): ((1 << 63) - 1, 0x7FF8 << 48),
    (64, "arithmetic"): (0x7FF8 << 48, 0x7FF8 << 48),
}


def _signed(bits: int, width: int) -> int:
    return bits - (1 << width) if bits >> (width - 1) else bits


def _int_constant(bits: int, width: int) -> bytes:
    return op(f"i{width}.const", s(_signed(bits, width)))


def constant(value: Value) -> bytes:
    """The code that pushes an argument."""
    if value.type == "ref.null":
        heaps = {"func": b"\x70", "extern": b"\x6f", "funcref": b"\x70", "externref": b"\x6f"}
        if value.heap not in heaps:
            raise Unsupported("reference types of later proposals")
        return op("ref.null", heaps[value.heap])
    if value.bits is None or value.type.startswith("ref."):
        raise Unsupported("arguments that only a host has")
    if value.type in ("i32", "i64"):
        return _int_constant(value.bits, int(value.type[1:]))
    size = {"f32": 4, "f64": 8, "v128": 16}[value.type]
    return op(f"{value.type}.const", value.bits.to_bytes(size, "little"))


def _mask(value: Value, width: int) -> tuple[int, int]:
    """(mask, wanted): the result is right where its bits under the mask are the wanted ones."""
    assert value.bits is not None
    if not value.nan:
        return (1 << width) - 1, value.bits
    lane = width // len(value.nan)
    mask = wanted = 0
    for number, nan in enumerate(value.nan):
        ones = (1 << lane) - 1
        lane_mask, lane_wanted = _NAN_MASKS[lane, nan] if nan else (ones, value.bits >> (number * lane) & ones)
        mask |= lane_mask << (number * lane)
        wanted |= lane_wanted << (number * lane)
    return mask, wanted


def is_wrong(value: Value) -> bytes:
    """The code that takes a result and gives an i32 that is not 0 if it is not `value`."""
    if value.type == "either":
        kinds = {each.type for each in value.either}
        if len(kinds) != 1 or next(iter(kinds)) not in _LOCAL:
            raise Unsupported("alternatives of several types")
        local = _LOCAL[kinds.pop()]
        parts = [op("local.get", local) + is_wrong(each) + (op("i32.eqz") * 2) for each in value.either]
        return op("local.set", local) + parts[0] + b"".join(part + op("i32.and") for part in parts[1:])
    if value.type == "ref.null":
        return op("ref.is_null") + op("i32.eqz")
    if value.type in ("ref.func", "ref.extern") and value.bits is None:
        return op("ref.is_null")
    if value.type not in _LOCAL:
        raise Unsupported("results that only a host has")
    if value.type == "v128":
        parts = [part.to_bytes(16, "little") for part in _mask(value, 128)]
        return (
            op("v128.const", parts[0])
            + op("v128.and")
            + op("v128.const", parts[1])
            + op("v128.xor")
            + op("v128.any_true")
        )
    width = int(value.type[1:])
    mask, wanted = _mask(value, width)
    code = b"" if value.type[0] == "i" else op(f"i{width}.reinterpret_f{width}")
    if value.nan:
        code += _int_constant(mask, width) + op(f"i{width}.and")
    return code + _int_constant(wanted, width) + op(f"i{width}.ne")


# -------------------------------------------------------------------------------------------------------------- steps


def step_code(module: Module, step: Step, number: int) -> bytes:
    """The code of a step; `number` selects it if it must trap. Raises Unsupported."""
    action = step.action
    kind = "func" if action.kind == "invoke" else "global"
    index = next((e.index for e in module.exports if e.kind == kind and e.name == action.name), None)
    if index is None:
        raise Unsupported("actions on what is not exported")
    if action.kind == "invoke":
        code = b"".join(map(constant, action.args)) + op("call", u(index))
        count = len(module.func_type(index).results)
    else:
        code, count = op("global.get", u(index)), 1
    if step.message is not None:
        selected = (
            op("global.get", u(len(module.globals))) + op("i32.wrap_i64") + op("i32.const", s(number)) + op("i32.eq")
        )
        return selected + op("if", _EMPTY) + code + op("drop") * count + op("unreachable") + op("end")
    if step.results is None:
        return code + op("drop") * count
    if len(step.results) != count:
        raise Unsupported("results of a form of their own")
    for value in reversed(step.results):
        code += is_wrong(value) + op("if", _EMPTY) + op("unreachable") + op("end")
    return code


# ------------------------------------------------------------------------------------------------------------- module


def _sections(wasm: bytes) -> list[tuple[int, bytes]]:
    found = []
    at = len(PREAMBLE)
    while at < len(wasm):
        number = wasm[at]
        size, at = _leb(wasm, at + 1)
        found.append((number, wasm[at : at + size]))
        at += size
    return found


def _leb(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _exports(module: Module) -> list[bytes]:
    kinds = {"func": 0, "table": 1, "memory": 2, "global": 3, "tag": 4}
    return [name(e.name) + bytes([kinds[e.kind]]) + u(e.index) for e in module.exports if e.name != "_start"]


def make_program(wasm: bytes, steps: list[Step]) -> tuple[Program, dict[str, int]]:
    """A module that performs `steps`, and how many of them are left out for which reason."""
    module = decode_module(wasm)
    skipped: dict[str, int] = {}
    codes: list[tuple[Step, bytes]] = []
    traps: list[Step] = []
    unchecked = 0
    for number, step in enumerate(steps):
        try:
            code = step_code(module, step, len(traps) + 1)
        except Unsupported as reason:
            skipped[str(reason)] = skipped.get(str(reason), 0) + 1
            if step.message is not None:
                continue
            try:  # whatever it changes is needed by what follows
                code = step_code(module, replace(step, results=None), 0)
            except Unsupported:
                left = len(steps) - number - 1
                if left:
                    skipped[BEHIND] = skipped.get(BEHIND, 0) + left
                break
            unchecked += 1
        if step.message is not None:
            traps.append(step)
        codes.append((step, code))

    groups = [codes[i : i + STEPS_IN_FUNCTION] for i in range(0, len(codes), STEPS_IN_FUNCTION)]
    type_index, first = len(module.types), len(module.funcs)
    global_index = u(len(module.globals))
    # The last instructions change the global, or LLVM would take it for a constant.
    start = b"".join(op("call", u(first + i)) for i in range(len(groups)))
    start += (
        op("global.get", global_index)
        + op("i64.const", s(1))
        + op("i64.add")
        + op("global.set", global_index)
        + op("end")
    )
    bodies = [body(b"".join(code for _, code in group) + op("end"), _LOCALS) for group in groups] + [body(start)]

    added = {
        _TYPE: [func_type("->")],
        _FUNCTION: [u(type_index)] * len(bodies),
        _GLOBAL: [b"\x7e\x01" + op("i64.const", s(_MAGIC << 32)) + op("end")],
        _EXPORT: [*_exports(module), _start_export(first + len(groups))],
        _CODE: bodies,
    }
    sections = _sections(wasm)
    out = bytearray(PREAMBLE)
    code_end = 0

    def put(section_number: int, contents: bytes) -> None:
        nonlocal code_end
        out.extend(section(section_number, contents))
        if section_number == _CODE:
            code_end = len(out)

    pending = [n for n in _ORDER if n in added]

    def put_pending(before: int) -> None:
        while pending and (before < 0 or _ORDER.index(pending[0]) < _ORDER.index(before)):
            missing = pending.pop(0)
            put(
                missing,
                vec([*_exports(module), _start_export(first + len(groups))] if missing == _EXPORT else added[missing]),
            )

    for section_number, contents in sections:
        if section_number == 0:
            put(0, contents)
            continue
        put_pending(section_number)
        if pending and pending[0] == section_number:
            pending.pop(0)
            if section_number == _EXPORT:  # not added to: a `_start` that the module exports is left out
                put(_EXPORT, vec(added[_EXPORT]))
                continue
            count, at = _leb(contents, 0)
            contents = u(count + len(added[section_number])) + contents[at:] + b"".join(added[section_number])
        put(section_number, contents)
    put_pending(-1)

    at = own = code_end - sum(map(len, bodies))
    places = []
    for group, whole in zip(groups, bodies, strict=False):
        at_code = at + len(whole) - sum(len(code) for _, code in group) - 1
        for step, code in group:
            places.append(Place(step, at_code, at_code + len(code)))
            at_code += len(code)
        at += len(whole)
    return Program(bytes(out), places, traps, range(own, code_end), unchecked), skipped


def _start_export(index: int) -> bytes:
    return name("_start") + b"\0" + u(index)


def select(executable: bytes, number: int) -> bytes:
    """The executable with the action `number` selected; all that needs no selection is number 0."""
    marked = struct.pack("<II", 0, _MAGIC)
    assert executable.count(marked) == 1, "the number of the action is not in the executable once"
    return executable.replace(marked, struct.pack("<II", number, _MAGIC))


@dataclass
class Script:
    """What of a script can be executed: modules with the steps on each, and what is left out."""

    modules: list[tuple[bytes, list[Step], int]] = field(default_factory=list)  # binary, steps, line
    instantiation_traps: list[tuple[bytes, str, int]] = field(default_factory=list)  # binary, message, line
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str, count: int = 1) -> None:
        """Counts assertions that are left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + count
