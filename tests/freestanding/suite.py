"""The official suite's scripts as C programs on boards: what of them there is without a system.

Each module of a script becomes a library, and the commands about it calls in C, through nothing but the header. What C
has no way to say is left out and counted: references and vectors as arguments, exported globals, modules that import
memories, tables or globals, and what these targets refuse.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import wasmtime

import waot
from tests.freestanding.boards import link, run
from tests.programs.harness import ABI_HEADER
from tests.spec import suite, wast
from waot.errors import LinkError, UsageError
from waot.frontend import decode_module
from waot.frontend.module import Import, Module
from waot.lowering.c_interface import C_TYPES, CFunction, c_interface, import_symbol

SPECTEST = {
    "print": "",
    "print_i32": ", uint32_t a",
    "print_i64": ", uint64_t a",
    "print_f32": ", float a",
    "print_f64": ", double a",
    "print_i32_f32": ", uint32_t a, float b",
    "print_f64_f64": ", double a, double b",
}
_NO_ROOM = "memory.grow by more than the boards have"
_TABLES = "table.grow, which fails here, as it may"
#: What is left out of scripts by its line, and scripts that are left out whole: their subject is growing tables.
LEFT_OUT = dict.fromkeys(
    [("call.wast", 359), ("call_indirect.wast", 603), ("memory_grow64.wast", 45), ("memory_grow64.wast", 46)], _NO_ROOM
)
LEFT_OUT_WHOLE = dict.fromkeys(
    ("table_grow.wast", "table_grow64.wast", "table_size.wast", "table_size64.wast"), _TABLES
)

# How each trap begins, in our words: its place is its status.
_TRAPS = re.findall(r'\bT\(\w+, "([^"]+)"', ABI_HEADER.read_text())
_MEMORY = 12 << 20  # bytes on a board, for all modules of a script
_C_TYPES = {str(wasm): c for wasm, c in C_TYPES.items()}
_NANS = {
    ("f32", "canonical"): (0x7FFFFFFF, 0x7FC00000),
    ("f32", "arithmetic"): (0x7FC00000, 0x7FC00000),
    ("f64", "canonical"): ((1 << 63) - 1, 0x7FF8 << 48),
    ("f64", "arithmetic"): (0x7FF8 << 48, 0x7FF8 << 48),
}


class _NotInC(Exception):
    """A command that no C code can perform; says why."""


@dataclass
class Program:
    """What has been made of a script: statements of C, and why others were left out."""

    directory: Path
    target: str
    level: str
    modules: list[Module] = field(default_factory=list)
    exports: list[dict[str, CFunction]] = field(default_factory=list)
    uses: list[set[int]] = field(default_factory=list)  # the modules whose functions each calls
    statements: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    imports: set[str] = field(default_factory=set)
    named: dict[str, int] = field(default_factory=dict)
    registered: dict[str, int] = field(default_factory=dict)
    passed_on: dict[str, str] = field(default_factory=dict)  # by symbol, the C functions from one module to another
    changed: set[int] = field(default_factory=set)  # what was left out may have changed these
    current: int | None = None

    def take(self, command: wast.Command) -> None:
        """Takes a command of the script. Assertions that are decided without a program are not ours."""
        kind = command.kind if isinstance(command, wast.Assertion) else ""
        try:
            if isinstance(command, wast.ModuleCommand):
                self.current = None
                if not command.definition_only:
                    self.current = self.module(command.module)
                    if command.module.name is not None:
                        self.named[command.module.name] = self.current
                    self.statements.append(f"status({command.line}, {self.init(self.current)}, 0);")
            elif isinstance(command, wast.ActionCommand):
                self.call(command.action, None)
            elif kind == "assert_return" and isinstance(command, wast.Assertion) and command.action is not None:
                self.call(command.action, command.results)
            elif kind in ("assert_trap", "assert_exhaustion") and isinstance(command, wast.Assertion):
                if command.action is not None:
                    self.call(command.action, (), _trap(command.message))
                elif command.module is not None:
                    number = self.module(command.module)
                    self.statements.append(f"status({command.line}, {self.init(number)}, {_trap(command.message)});")
            elif kind == "assert_exception":
                raise _NotInC("exceptions")
            elif isinstance(command, wast.Register):
                of = self.current if command.module is None else self.named.get(command.module)
                if of is not None:
                    self.registered[command.name] = of
            elif isinstance(command, wast.InstanceCommand):
                self.current = None
                raise _NotInC("a second instance of a module")
        except _NotInC as reason:
            self.left_out[str(reason)] += 1
            if isinstance(command, wast.ActionCommand) and (of := self.number(command.action)) is not None:
                self.changed.add(of)

    def number(self, action: wast.Action) -> int | None:
        """The module that an action is about, where it is there."""
        return self.current if action.module is None else self.named.get(action.module)

    def module(self, source: wast.ModuleSource) -> int:
        """Compiles a module into the next library; its number."""
        binary = source.to_binary()
        module = decode_module(binary, "m.wasm")
        others = [item for item in module.imports if item.module != "spectest"]
        glue = {import_symbol(item): self.glue(item) for item in others}
        for symbol, text in glue.items():
            if text is None or self.passed_on.get(symbol, text) != text:
                self.changed |= {self.registered[item.module] for item in others if item.module in self.registered}
                raise _NotInC("a module that imports from another")
            self.passed_on[symbol] = text
        number = len(self.modules)
        path = self.directory / f"m{number}.wasm"
        path.write_bytes(binary)
        try:
            waot.build(path, path.with_suffix(".a"), [self.target], opt_level=self.level)
        except LinkError as error:
            if "only functions can be imported" not in str(error):
                raise
            raise _NotInC("a module that imports what is no function") from None
        except UsageError as error:
            if not re.search("no heap of objects|no threads", str(error)):
                raise
            raise _NotInC("a module that the target refuses") from None
        self.imports |= {item.name for item in module.imports if item.module == "spectest"}
        used = {self.registered[item.module] for item in others}
        self.uses.append(used.union(*(self.uses[each] for each in used)))
        self.modules.append(module)
        self.exports.append({function.name: function for function in c_interface(module, [], f"m{number}").exports})
        return number

    def glue(self, item: Import) -> str | None:
        """The C function that gives one module what another exports; None where it is not a function that C has."""
        number = self.registered.get(item.module)
        function = None if number is None else self.exports[number].get(item.name)
        if function is None or item.type != function.type or len(function.type.results) > 1:
            return None
        types = [_C_TYPES[str(t)] for t in function.type.params]
        result = "".join(_C_TYPES[str(t)] for t in function.type.results)
        parameters = ", ".join(["struct waot_instance *i", *(f"{t} p{k}" for k, t in enumerate(types))])
        arguments = ", ".join([*(f"p{k}" for k in range(len(types))), *(["&r"] if result else [])])
        body = f"int status = {function.symbol}({arguments}); if (status) waot_leave(i, status);"
        body = f"{result} r = 0; {body} return r;" if result else body
        return f"{result or 'void'} {import_symbol(item)}({parameters}) {{ {body} }}"

    def init(self, number: int) -> str:
        return f"waot_m{number}_init(&(struct waot_environment){{0, m{number}, board_stack}})"

    def call(self, action: wast.Action, results: tuple[wast.Value, ...] | None, trap: int = 0) -> None:
        number = self.number(action)
        if number is None:
            raise _NotInC("about a module that is left out")
        if self.changed & {number, *self.uses[number]}:
            raise _NotInC("about a module that what is left out may have changed")
        if action.kind != "invoke":
            raise _NotInC("about a global")
        function = self.exports[number].get(action.name)
        if function is None:
            raise _NotInC("references or vectors")
        arguments = [_argument(value) for value in action.args]
        names = [f"r{i}" for i in range(len(function.type.results))]
        declared = "".join(
            f"{_C_TYPES[str(t)]} {name} = 0; " for t, name in zip(function.type.results, names, strict=True)
        )
        called = f"{function.symbol}({', '.join([*arguments, *(f'&{name}' for name in names)])})"
        checks = "".join(
            f" is_{value.type}({action.line}, {name}, {_check(value)});"
            for value, name in zip(results or (), names, strict=False)
        )
        line = action.line
        self.statements.append(f"{{ {declared}if (status({line}, {called}, {trap})) {{{checks} }} }}")

    def text(self) -> str:
        """The C program."""
        lines = ['#include "board.h"', *(f'#include "m{i}.h"' for i in range(len(self.modules))), '#include "suite.h"']
        memories = sum(len(module.memories) for module in self.modules)
        extra = _MEMORY // 2 // max(memories, 1)
        lines.append(f"#define ROOM(bytes, most) ((most) - (bytes) < {extra} ? (most) + 1 : (bytes) + {extra})")
        for i, module in enumerate(self.modules):
            names = []
            for k in range(len(module.memories)):
                macro = f"WAOT_M{i}_MEMORY" + (f"_{k}" if k else "")
                lines.append(f"static uint8_t m{i}_{k}[ROOM({macro}_BYTES, {macro}_MAXIMUM)];")
                names.append(f"{{m{i}_{k}, sizeof m{i}_{k}}}")
            lines.append(f"static const struct waot_buffer m{i}[] = {{{', '.join([*names, '{0, 0}'])}}};")
        for name in sorted(self.imports):
            parameters = SPECTEST[name]
            unused = "".join(f", (void){parameter.split()[-1]}" for parameter in parameters.split(",")[1:])
            lines.append(f"void spectest_{name}(struct waot_instance *i{parameters}) {{ (void)i{unused}; }}")
        lines += self.passed_on.values()
        parts = [self.statements[at : at + 50] for at in range(0, len(self.statements), 50)]
        for number, part in enumerate(parts):
            lines += [f"static void part_{number}(void)", "{", *part, "}"]
        calls = [f"    part_{number}();" for number in range(len(parts))]
        end = ["    board_number(done);", '    board_print("\\n");', "    return failures != 0;", "}"]
        return "\n".join([*lines, "int board_main(void)", "{", *calls, *end]) + "\n"


def _trap(message: str) -> int:
    found = [i for i, text in enumerate(_TRAPS, 1) if text.startswith(message) or message.startswith(text)]
    assert len(found) == 1, message
    return found[0]


def _argument(value: wast.Value) -> str:
    if value.type not in _C_TYPES or value.bits is None:
        raise _NotInC("references or vectors")
    number = f"UINT64_C({value.bits:#x})" if value.type.endswith("64") else f"{value.bits:#x}u"
    return f"{value.type}({number})" if value.type[0] == "f" else number


def _check(value: wast.Value) -> str:
    if value.type not in _C_TYPES or value.bits is None:
        raise _NotInC("references or vectors")
    mask, wanted = (1 << int(value.type[1:])) - 1, value.bits
    if value.nan and value.nan[0]:
        mask, wanted = _NANS[value.type, value.nan[0]]
    return f"UINT64_C({mask:#x}), UINT64_C({wanted:#x})"


@dataclass(frozen=True)
class Outcome:
    """`done` commands were performed; `output` is what the program says of those that failed."""

    status: int
    done: int
    output: str
    left_out: Counter[str]


def perform(script: str, target: str, level: str, directory: Path) -> Outcome:
    """The script, on the target's board."""
    program = Program(directory, target, level)
    for command in wast.read_script((suite.SUITE / script).read_bytes()):
        reason = LEFT_OUT_WHOLE.get(script) or LEFT_OUT.get((script, command.line))
        if reason is not None:
            program.left_out[reason] += 1
            continue
        try:
            program.take(command)
        except (wasmtime.WasmtimeError, UnicodeDecodeError) as error:
            raise AssertionError(f"{script}:{command.line}: {error}") from error
    (directory / "main.c").write_text(program.text())
    archives = [directory / f"m{number}.a" for number in range(len(program.modules))]
    made = link(target, directory, [directory / "main.c", *archives], library=False)
    status, output = run(target, made)
    *failures, last = output.splitlines() or [""]
    whole = re.fullmatch("[0-9a-f]+", last) is not None
    return Outcome(
        status, int(last, 16) if whole else 0, "\n".join(failures if whole else [*failures, last]), program.left_out
    )
