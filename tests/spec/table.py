"""The commands of a script as the data that driver.c reads.

What both must know of the format is said here once: driver.c is compiled with `definitions`, and asserts the sizes of
its structs. Numbers are in the target's byte order, vectors as they are in linear memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tests.spec.wast import Value

# struct waot_suite_command: kind, expected, arguments, checks, bytes of the message, item, size of the record.
_COMMAND = struct.Struct("=BBHHHII")
# struct waot_suite_check: number of the result, flags, mask, wanted.
_CHECK = struct.Struct("=II8x16s16s")
_SLOT = 16  # bytes

INSTANTIATE, CALL = 0, 1
RETURNS, TRAPS, THROWS = 0, 1, 2  # what is expected
_NOT_NULL, _OR_NEXT = 1, 2
SLOTS = 4096  # arguments or results
BROKEN_OUTPUT = 99  # the driver's exit status if it cannot write


def definitions() -> list[str]:
    """The constants as options of the C compiler."""
    constants = {
        "INSTANTIATE": INSTANTIATE,
        "RETURNS": RETURNS,
        "TRAPS": TRAPS,
        "THROWS": THROWS,
        "NOT_NULL": _NOT_NULL,
        "OR_NEXT": _OR_NEXT,
        "SLOTS": SLOTS,
        "STATUS": BROKEN_OUTPUT,
        "COMMAND_BYTES": _COMMAND.size,
        "CHECK_BYTES": _CHECK.size,
    }
    return [f"-DWAOT_SUITE_{name}={value}" for name, value in constants.items()]


class Inexpressible(Exception):
    """A value that a program's driver cannot make or look at; says which."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command: instantiates instance `item`, or calls export `item`.

    `results` None accepts any. `message` is the beginning of the expected trap's text, None if none is.
    """

    kind: int
    item: int
    line: int
    arguments: tuple[Value, ...] = ()
    results: tuple[Value, ...] | None = None
    expected: int = RETURNS
    message: str = ""


def encode(steps: list[Step], endian: str = "little") -> bytes:
    """The table, for a target of that byte order. Raises Inexpressible."""
    return b"".join(_encode_step(step, endian) for step in steps)


def _ordered(layout: struct.Struct, endian: str) -> struct.Struct:
    return struct.Struct(layout.format.replace("=", "<" if endian == "little" else ">"))


def _slot(bits: int, width: int, endian: str) -> bytes:
    """A value of that many bits as it stands in a slot."""
    return bits.to_bytes(width // 8, "little" if endian == "little" or width == 128 else "big").ljust(_SLOT, b"\0")


def _encode_step(step: Step, endian: str) -> bytes:
    arguments = b"".join(_slot(argument_bits(value), _width(value), endian) for value in step.arguments)
    checks = [check for number, value in enumerate(step.results or ()) for check in _checks(number, value, endian)]
    if max(len(step.arguments), len(step.results or ())) > SLOTS:
        raise Inexpressible(f"more than {SLOTS} arguments or results")
    message = step.message.encode() + b"\0"
    body = arguments + b"".join(checks) + message
    body += bytes(-len(body) % _SLOT)
    return (
        _ordered(_COMMAND, endian).pack(
            step.kind,
            step.expected,
            len(step.arguments),
            len(checks),
            len(message),
            step.item,
            _COMMAND.size + len(body),
        )
        + body
    )


# ------------------------------------------------------------------------------------------------------------- values

_WIDTHS = {"i32": 32, "f32": 32, "i64": 64, "f64": 64, "v128": 128}
_REFERENCE_WIDTH = 64
_REFERENCE = (1 << _REFERENCE_WIDTH) - 1
_CANONICAL, _ARITHMETIC = "canonical", "arithmetic"
_NANS = {  # width and kind -> (mask, wanted)
    (32, _CANONICAL): (0x7FFFFFFF, 0x7FC00000),
    (32, _ARITHMETIC): (0x7FC00000, 0x7FC00000),
    (64, _CANONICAL): ((1 << 63) - 1, 0x7FF8 << 48),
    (64, _ARITHMETIC): (0x7FF8 << 48, 0x7FF8 << 48),
}


def _width(value: Value) -> int:
    if value.type == "either":
        return _width(value.either[0])
    return _WIDTHS.get(value.type, _REFERENCE_WIDTH)


def host_reference(number: int) -> int:
    """The bits of a reference that the host made: no object's, which are aligned, and no i31's, which are odd."""
    return number << 2 | 2


def argument_bits(value: Value) -> int:
    """An argument as the bits of its slot. Raises Inexpressible."""
    if value.type == "ref.null":
        return 0
    if value.type in ("ref.extern", "ref.host") and value.bits is not None:
        return host_reference(value.bits)
    if value.type not in _WIDTHS or value.bits is None:
        raise Inexpressible(f"an argument ({value.type})")
    return value.bits


def _mask(value: Value) -> tuple[int, int]:
    """(mask, wanted) of a number or vector."""
    assert value.bits is not None
    width = _WIDTHS[value.type]
    if not value.nan:
        return (1 << width) - 1, value.bits
    lane = width // len(value.nan)
    mask = wanted = 0
    for number, nan in enumerate(value.nan):
        ones = (1 << lane) - 1
        lane_mask, lane_wanted = _NANS[lane, nan] if nan else (ones, value.bits >> (number * lane) & ones)
        mask |= lane_mask << (number * lane)
        wanted |= lane_wanted << (number * lane)
    return mask, wanted


def _alternatives(value: Value) -> list[tuple[int, int, int]]:
    """(mask, wanted, flags), one of which must hold."""
    if value.type == "either":
        return [each for alternative in value.either for each in _alternatives(alternative)]
    if value.type in _WIDTHS:
        return [(*_mask(value), 0)]
    if value.type == "ref.null":
        return [(_REFERENCE, 0, 0)]
    if value.bits is not None:
        if value.type not in ("ref.extern", "ref.host"):
            raise Inexpressible(f"a result ({value.type} {value.bits})")
        return [(_REFERENCE, host_reference(value.bits), 0)]
    i31, aligned = (1, 1, 0), (3, 0, _NOT_NULL)
    kinds = {
        "ref.i31": [i31],
        "ref.struct": [aligned],
        "ref.array": [aligned],
        "ref.eq": [i31, aligned],
        "ref.func": [aligned],
        "ref.exn": [aligned],
        "ref.any": [(0, 0, _NOT_NULL)],
        "ref.extern": [(0, 0, _NOT_NULL)],
    }
    if value.type not in kinds:
        raise Inexpressible(f"a result ({value.type})")
    return kinds[value.type]


def _checks(number: int, value: Value, endian: str) -> list[bytes]:
    alternatives, width = _alternatives(value), _width(value)
    return [
        _ordered(_CHECK, endian).pack(
            number,
            flags | (_OR_NEXT if at < len(alternatives) else 0),
            _slot(mask, width, endian),
            _slot(wanted, width, endian),
        )
        for at, (mask, wanted, flags) in enumerate(alternatives, 1)
    ]
