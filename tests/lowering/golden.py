"""Small modules and the IR that they must become, as data.

A file in data/ holds cases in this form; what is in parentheses is optional:

    [case dropped_load_is_volatile]
    (func (export "_start") ...)        the fields of a module in the text format
    ([options memory=checked arch=aarch64-linux])
    ([show @waot_table])                lines outside of functions to compare too: those that begin so
    [ir]
    define ...                          the wasm functions' IR

Debug locations are written `!dbg !at(+N)`, N bytes behind the beginning of the function's body, and the rest of the
define line after the parameters is left out. `python -m tests.lowering.golden` writes the IR of every case anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wasmtime

from waot.frontend import collect_facts, decode_module, validate_function
from waot.lowering import LoweringOptions, lower_unit, make_plan
from waot.lowering.profiled import Guidance
from waot.targets import find_target

DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Case:
    """One case of a file."""

    name: str
    fields: str
    options: dict[str, Any]
    show: tuple[str, ...]
    ir: str

    def text(self) -> str:
        """The case as it stands in its file."""
        lines = [f"[case {self.name}]", self.fields]
        if self.options:
            lines.append("[options " + " ".join(f"{name}={value}" for name, value in self.options.items()) + "]")
        lines += [f"[show {prefix}]" for prefix in self.show]
        return "\n".join([*lines, "[ir]", self.ir, ""])


def lower(
    fields: str | bytes,
    *,
    memory: str = "guarded",
    target: str = "x86_64-linux",
    opt: str = "2",
    exports: str = "",
    profile: Guidance | None = None,
) -> str:
    """The IR text of a module of one unit, which is given by its fields or as bytes."""
    source = fields if isinstance(fields, bytes) else bytes(wasmtime.wat2wasm(f"(module {fields})"))
    found = find_target(target)
    module = decode_module(source)
    facts = collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    options = LoweringOptions(
        triple=found.triple,
        data_layout=found.data_layout,
        arch=found.arch,
        pointer_bits=found.pointer_bits,
        memory=memory,
        static_base=found.static_base,
        opt_level=opt,
        vectors={"x86_64": "sse4.1", "aarch64": "neon"}.get(found.arch),
        executable=True,
        exports=bool(exports),
        unit_operators=1 << 20,
        single_unit_operators=1 << 20,
    )
    plan = make_plan(module, facts, options, profile=profile)
    bodies: Callable[[int], object] = lambda index: validate_function(module, index)  # noqa: E731
    text = lower_unit(module, plan, 0, bodies).text  # type: ignore[arg-type]
    return _relative(text, [code.start for code in module.codes])


def _relative(text: str, starts: list[int]) -> str:
    """Debug locations relative to their function: they do not move when another one grows."""

    def place(match: re.Match[str]) -> str:
        offset = int(match[1])
        return f"!at(+{offset - max(start for start in starts if start <= offset)})"

    return re.sub(r"!DILocation\(line: (\d+), scope: !\d+\)", place, text)


def shown(case: Case) -> str:
    """The IR of a case, as far as it is compared."""
    lines = lower(case.fields, **case.options).splitlines()
    found = []
    inside = False
    for line in lines:
        if line.startswith("define") and ' section ".text.wasm"' in line:
            inside = True
            line = re.sub(r"^define \w+ (.*\)) #\d+ section .*", r"define \1 {", line)
        if inside or line.startswith(case.show or ("\0",)):
            found.append(line)
        inside = inside and line != "}"
    return "\n".join(found)


def read(path: Path) -> list[Case]:
    """The cases of a file."""
    cases = []
    for part in re.split(r"^\[case ", path.read_text(), flags=re.MULTILINE)[1:]:
        head, _, rest = part.partition("]\n")
        fields, _, ir = rest.partition("[ir]\n")
        options = dict(
            word.split("=")
            for found in re.findall(r"^\[options (.*)\]$", fields, re.MULTILINE)
            for word in found.split()
        )
        show = tuple(re.findall(r"^\[show (.*)\]$", fields, re.MULTILINE))
        fields = re.sub(r"^\[(options|show) .*\]\n", "", fields, flags=re.MULTILINE)
        cases.append(Case(head, fields.rstrip("\n"), options, show, ir.strip("\n")))
    return cases


def files() -> list[Path]:
    """Every file of cases."""
    return sorted(DATA.glob("*.test"))


def _update() -> None:
    for path in files():
        cases = read(path)
        texts = [Case(c.name, c.fields, c.options, c.show, shown(c)).text() for c in cases]
        path.write_text("\n".join(texts))


if __name__ == "__main__":
    _update()
