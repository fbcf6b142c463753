"""Runs the official suite on every target and writes docs/conformance.md.

python -m tests.spec.conformance [--targets NAME,...] [--opt 2,0] [--memory guarded,checked,static] [--jobs N]
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

from tests import tools
from tests.programs.harness import Configuration
from tests.spec import suite
from tests.spec.suite import Outcome
from waot.options import default_jobs
from waot.targets import find_target, load_targets

PAGE = tools.ROOT / "docs" / "conformance.md"

# What each script is about: the first expression that is found in its name says it.
PROPOSALS = [
    ("Threads", r"^proposals/threads/"),
    ("Custom page sizes", r"^proposals/custom-page-sizes/"),
    ("Wide arithmetic", r"^proposals/wide-arithmetic/"),
    ("Exception handling, legacy form", r"^legacy/"),
    ("Exception handling", r"^(tag|throw|throw_ref|try_table)\."),
    ("Memory64 and table64", r"64(-imports|_mixed)?\.wast$(?<![if]64\.wast)|table_copy_mixed|binary_leb128_64"),
    ("Relaxed SIMD", r"relaxed"),
    ("Fixed-width SIMD", r"^simd_"),
    ("Tail calls", r"^return_call"),
    (
        "Garbage collection",
        r"^(array|struct|i31|extern|br_on_cast|ref_(cast|test|eq)|type-(canon|rec|subtyping)|binary-gc)",
    ),
    (
        "Typed function references",
        r"^(call_ref|br_on_n|ref_as_non_null|local_init|type-equivalence|unreached-valid|ref\.)",
    ),
    ("Reference types", r"^(ref_|table|select\.)"),
    (
        "Multiple memories",
        r"-multi\.|^(address|align|binary|data|data_drop|exports|float_exprs|float_memory|imports|linking|load|memory_\w+"
        r"|start|store|traps)\d\.|memory_size_import",
    ),
    ("Bulk memory operations", r"^(bulk|data_drop|memory_(copy|fill|init)|elem\.|data\.)"),
    ("Custom annotations", r"^annotations"),
    ("Core", r""),
]


def proposal(script: str) -> str:
    """What a script is about."""
    return next(name for name, pattern in PROPOSALS if re.search(pattern, script))


Results = dict[Configuration, dict[str, Outcome]]


def _sum(outcomes: dict[str, Outcome], scripts: list[str]) -> str:
    passed, total = (sum(getattr(outcomes[name], what) for name in scripts) for what in ("passed", "total"))
    return f"{passed:,} of {total:,}"


def table(results: Results) -> list[str]:
    """The lines of the table: passed of total by proposal and configuration."""
    results = {c: outcomes for c, outcomes in results.items() if c.memory == "guarded"}
    names = [f"{c.target} -O{c.level}" for c in results]
    lines = [f"| proposal | scripts | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    rows = [*sorted({proposal(name) for name in suite.SCRIPTS}), "**all**"]
    for row in rows:
        scripts = [name for name in suite.SCRIPTS if row in ("**all**", proposal(name))]
        cells = [_sum(outcomes, scripts) for outcomes in results.values()]
        lines.append(f"| {row} | {len(scripts)} | {' | '.join(cells)} |")
    return lines


def memory_table(results: Results) -> list[str]:
    """The same of the scripts that run with another memory strategy too."""
    lines = ["| memory | scripts | target | passed |", "|---|---|---|---|"]
    for c, outcomes in results.items():
        if c.memory != "guarded":
            lines.append(
                f"| {c.memory} | {len(outcomes)} | {c.target} -O{c.level} | {_sum(outcomes, list(outcomes))} |"
            )
    return lines


_PAGE = """\
# Conformance

Written by `make conformance`, which runs the official test suite (`../shared/spec-testsuite`, or
`$WAOT_SPEC_TESTSUITE`): {scripts} scripts, each as one native program with its modules linked together and its
commands as data. Programs of other machines run under qemu-user. Assertions passed of total, `--memory guarded`:

{table}

What is about memories, with the other strategies too:

{memory_table}

Assertions about a module's form, validity and links (`assert_malformed`, `assert_invalid`, `assert_unlinkable`) are
decided when the program is built, and count for each target. A module in the text format goes through wasmtime's text
parser; what that refuses is malformed. A module or an action that fails counts as an assertion that does.

## Skipped

{skipped_count} assertions, not in the numbers above:

{skipped}

## Failing

{failing}

## Other checks

`make test` runs every script on x86-64, the scripts about memory also with `--memory checked`, and some with
`--memory static`. `tests/frontend/test_spec_suite.py` takes every module of the suite through two decoders and
validators that know nothing of each other. `tests/operators` executes every operator over edge values, as constants and
as values unknown at compile time, and compares with wasmtime bit by bit.

The official test programs of WASI preview 1 (72 in C, Rust and AssemblyScript) are published, compiled, at
github.com/WebAssembly/wasi-testsuite, branch prod/testsuite-base. `python -m tests.wasi.official DIRECTORY` runs a
copy of them; `WAOT_WASI_TESTSUITE=DIRECTORY` makes `make test` run them too. All 72 pass on x86_64-linux and
aarch64-linux, both where the kernel resolves paths and where we walk.
"""


def page(results: Results) -> str:
    """docs/conformance.md."""
    lines_of: dict[str, list[str]] = {}
    for (name, line), reason in suite.SKIPPED.items():
        lines_of.setdefault(reason, []).append(f"`{name}:{line}`")
    failing = {
        configuration: [f"`{name}` ({o.total - o.passed})" for name, o in sorted(outcomes.items()) if o.failures]
        for configuration, outcomes in results.items()
    }
    return _PAGE.format(
        scripts=len(suite.SCRIPTS),
        table="\n".join(table(results)),
        memory_table="\n".join(memory_table(results)),
        skipped_count=len(suite.SKIPPED),
        skipped="\n".join(f"- {reason}: {', '.join(places)}" for reason, places in lines_of.items()),
        failing="\n".join(f"- {c}: {', '.join(names)}" for c, names in failing.items() if names) or "Nothing.",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="run the official suite and write docs/conformance.md")
    parser.add_argument("--targets", default="", help="names separated by commas; default: all")
    parser.add_argument("--opt", default="2,0", help="levels separated by commas; default: 2,0")
    parser.add_argument(
        "--memory", default="guarded,checked,static", help="strategies; all but guarded at the first level"
    )
    parser.add_argument("--jobs", type=int, default=default_jobs())
    parser.add_argument("--output", type=Path, default=PAGE)
    arguments = parser.parse_args()
    if not suite.SCRIPTS:
        parser.error(f"no test suite at {suite.SUITE}; set WAOT_SPEC_TESTSUITE")
    names = [find_target(n).name for n in re.split(r"[\s,]+", arguments.targets.strip()) if n] or list(load_targets())
    levels = [level for level in re.split(r"[\s,]+", arguments.opt.strip()) if level]
    memories = [memory for memory in re.split(r"[\s,]+", arguments.memory.strip()) if memory]
    configurations = [
        Configuration(name, memory, level)
        for memory in memories
        for name in names
        if memory in find_target(name).memory_supported
        for level in (levels if memory == "guarded" else levels[:1])
    ]
    for configuration in configurations:
        suite.prepare(configuration)
    results: Results = {configuration: {} for configuration in configurations}
    tasks = [(name, c) for c in configurations for name in suite.SCRIPTS_BY_MEMORY[c.memory]]
    started = time.monotonic()
    for done, ((name, configuration), outcome) in enumerate(suite.run_scripts(tasks, arguments.jobs), 1):
        results[configuration][name] = outcome
        told = f"[{done}/{len(tasks)}] {configuration} {name}: {outcome.passed} of {outcome.total}"
        print(told, *outcome.failures[:5], sep="\n    ", flush=True)
    arguments.output.write_text(page(results))
    print(*table(results), sep="\n")
    print(f"{time.monotonic() - started:.0f} s; {arguments.output} written")
    return int(any(o.passed < o.total for outcomes in results.values() for o in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
