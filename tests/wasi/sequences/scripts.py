"""Scripts: a tree to begin with and calls on it, as driver.c takes them."""

from __future__ import annotations

import functools
import itertools
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from tests import tools

DRIVER = Path(__file__).with_name("driver.c")

# driver.c's addresses.
INPUT, OUTPUT, SCRIPT, RESULTS = 0x200000, 0x220000, 0x300000, 0x400000
AREA = 0x20000
REGISTERS = 32
CLOSED = 0x40000000
LITERAL = 0xFF
WHOLE = 1
SAVE_U32, SAVE_U64, SAVE_COOKIE, SAVE_DESCRIPTOR, SAVE_CLOSED, SAVE_NUMBER = range(6)

# Where a call's results go; what of OUTPUT is behind that is theirs too.
RESULT, BUFFER = OUTPUT, OUTPUT + 64

FLAGS = ("-O2", "-target", "wasm32-freestanding", "-nostdlib", "-fno-builtin", "-Wl,--initial-memory=8388608")


@functools.cache
def driver() -> Path:
    """The driver as a module. Raises ToolMissing."""
    return tools.compile_to_wasm(DRIVER, FLAGS)


@functools.cache
def functions() -> dict[str, tuple[int, int]]:
    """The number of each function for the driver, and how many parameters it has."""
    found = re.findall(r"^    F\((\w+), (\d), \(", DRIVER.read_text(), re.MULTILINE)
    assert len(found) == 44, len(found)
    return {name: (number, int(count)) for number, (name, count) in enumerate(found)}


@dataclass(frozen=True, slots=True)
class Register:
    """A descriptor, a cookie or another value that an earlier call gave."""

    number: int

    def __str__(self) -> str:
        return f"r{self.number}"


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `text` is how a person reads it."""

    function: str
    arguments: tuple[int | Register, ...]
    text: str
    input: bytes = b""
    patches: tuple[tuple[int, Register], ...] = ()  # (offset in `input`, what goes there)
    saves: tuple[tuple[int, Register, int], ...] = ()  # (SAVE_*, where to, address)
    output: int = 0  # bytes of OUTPUT that the call may write
    whole: bool = False  # repeated until all vectors are used
    invalid: bool = False  # has a flag or a number that is none: wasmtime ends the program, so it is not asked

    def paths(self) -> list[bytes]:
        """Those among the arguments."""
        found = []
        for at, size in itertools.pairwise(self.arguments):
            if self.function.startswith("path_") and isinstance(at, int) and isinstance(size, int):
                start = at - INPUT
                if 0 <= start <= len(self.input) and start + size <= len(self.input):
                    found.append(self.input[start : start + size])
        return found

    def encode(self, oracle: bool) -> bytes:
        """What driver.c reads."""
        if self.invalid and oracle:
            return Call("sched_yield", (), self.text, output=self.output).encode(oracle)
        number, count = functions()[self.function]
        assert len(self.arguments) == count, self
        assert self.output <= AREA, self
        parts = [
            struct.pack(
                "<BBHHHI",
                number,
                WHOLE if self.whole else 0,
                len(self.input),
                len(self.patches),
                len(self.saves),
                self.output,
            )
        ]
        for argument in self.arguments:
            if isinstance(argument, Register):
                parts.append(struct.pack("<BQ", argument.number, 0))
            else:
                parts.append(struct.pack("<BQ", LITERAL, argument & 0xFFFFFFFFFFFFFFFF))
        parts.append(self.input)
        parts += [struct.pack("<HB", offset, register.number) for offset, register in self.patches]
        parts += [struct.pack("<BBI", kind, register.number, at) for kind, register, at in self.saves]
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a tree at the start: a directory, a file, a symbolic link or another name of a file."""

    path: str
    kind: str  # "directory", "file", "link" or "name"
    content: bytes = b""  # of a file; what a link or a name stands for
    mode: int | None = None  # of a directory or a file; None is what a program would give it


@dataclass(frozen=True, slots=True)
class Script:
    """A whole sequence. Calls in one group make sense only together."""

    seed: str
    entries: tuple[Entry, ...]
    groups: tuple[tuple[Call, ...], ...]

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(call for group in self.groups for call in group)

    def encode(self, oracle: bool = False) -> bytes:
        """What driver.c reads."""
        return b"".join(call.encode(oracle) for call in self.calls)

    def describe(self) -> str:
        """The script as text: the tree, then a call a line."""
        lines = []
        for entry in self.entries:
            arrow = {"directory": "/", "file": f" = {len(entry.content)} bytes", "link": " -> ", "name": " is "}[
                entry.kind
            ]
            arrow += f" mode {entry.mode:o}" if entry.mode is not None else ""
            target = entry.content.decode() if entry.kind in ("link", "name") else ""
            lines.append(f"  {entry.path}{arrow}{target}")
        return "\n".join([*lines, *(f"{number:3}: {call.text}" for number, call in enumerate(self.calls))])
