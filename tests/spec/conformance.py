"""Runs the official suite on every target, or those named, and writes docs/conformance.md.

Results are kept in docs/conformance.json; the page shows the last ones of each configuration.

python -m tests.spec.conformance [--targets NAME,...] [--opt 2,0] [--memory guarded,checked,static] [--jobs N]
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

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

# By configuration: what came of it and when. It is kept beside the page, so that one target may be run again.
Record = dict[str, Any]


def main_memory(target: str) -> str:
    """The strategy with which all of the suite runs: the target's first of those that do not fix an address."""
    supported = find_target(target).memory_supported
    return next(memory for memory in ("guarded", "checked") if memory in supported)


def scripts_for(configuration: Configuration) -> list[str]:
    """What runs in a configuration: everything with the main strategy, what is about memories with the others."""
    if configuration.memory == main_memory(configuration.target):
        return list(suite.SCRIPTS)
    return list(suite.SCRIPTS_BY_MEMORY[configuration.memory])


def record(configuration: Configuration, outcomes: dict[str, Outcome], day: str) -> Record:
    """The results of a configuration as JSON has them."""
    passed: dict[str, list[int]] = {}
    for name, outcome in outcomes.items():
        counts = passed.setdefault(proposal(name), [0, 0, 0])
        for i, count in enumerate((outcome.passed, outcome.total, 1)):
            counts[i] += count
    failing = {name: o.total - o.passed for name, o in sorted(outcomes.items()) if o.failures}
    return {
        "target": configuration.target,
        "memory": configuration.memory,
        "level": configuration.level + (", by a profile" if configuration.profiled else ""),
        "day": day,
        "passed": dict(sorted(passed.items())),
        "failing": failing,
    }


def _whole(records: list[Record]) -> dict[str, list[Record]]:
    """The records of the main strategies, by target."""
    found: dict[str, list[Record]] = {}
    for each in records:
        if each["memory"] == main_memory(each["target"]):
            found.setdefault(each["target"], []).append(each)
    return found


def table(records: list[Record]) -> list[str]:
    """The lines of the table: a row a proposal, a column a target; how many passed where it is not all of them."""
    by_target = _whole(records)
    lines = [
        f"| proposal | scripts | assertions | {' | '.join(by_target)} |",
        "|---|---|---|" + "---|" * len(by_target),
    ]
    rows = sorted({row for each in records for row in each["passed"]})
    for row in rows:
        cells = []
        scripts = total = 0
        for each in by_target.values():
            counts = [run["passed"].get(row, [0, 0, 0]) for run in each]
            scripts, total = max(scripts, *(c[2] for c in counts)), max(total, *(c[1] for c in counts))
            missed = [
                f"{c[0]:,} of {c[1]:,} (-O{run['level']})" for run, c in zip(each, counts, strict=True) if c[0] < c[1]
            ]
            cells.append(", ".join(missed) or "all")
        lines.append(f"| {row} | {scripts} | {total:,} | {' | '.join(cells)} |")
    return lines


def _sum(each: Record) -> str:
    passed, total = (sum(counts[i] for counts in each["passed"].values()) for i in (0, 1))
    return f"{passed:,} of {total:,}"


def runs_table(records: list[Record]) -> list[str]:
    """A line a configuration."""
    lines = ["| target | memory | level | scripts | passed | run on |", "|---|---|---|---|---|---|"]
    for each in records:
        scripts = sum(counts[2] for counts in each["passed"].values())
        cells = (each["target"], each["memory"], f"-O{each['level']}", str(scripts), _sum(each), each["day"])
        lines.append(f"| {' | '.join(cells)} |")
    return lines


_PAGE = """\
# Conformance

Written by `make conformance`, which runs the official test suite (`../shared/spec-testsuite`, or
`$WAOT_SPEC_TESTSUITE`): {scripts} scripts, each as one native program with its modules linked together and its
commands as data. Programs of other machines and systems run under an emulator (`waot targets` says which are executed).
`all`: every assertion passes at each level that the second table names for the target.

{table}

Each run: the whole suite with one memory strategy, and what is about memories with the others.

{runs_table}

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
aarch64-linux, both where the kernel resolves paths and where we walk, and on x86_64-macos and aarch64-macos; on
x86_64-windows, aarch64-windows and i686-windows 67 do: the others make symbolic links, which Debian's Wine cannot.

Where there is no system, C calls what a module exports: 33,917 commands of 191 scripts on each of four targets, all
right, and 1,284 that C cannot say (tests/freestanding/suite.py). FreeBSD programs for x86-64 ran the whole suite at -O0
under our translator (tests/freebsd): 63,291 of 63,291.
"""


def page(records: list[Record]) -> str:
    """docs/conformance.md."""
    lines_of: dict[str, list[str]] = {}
    for (name, line), reason in suite.SKIPPED.items():
        lines_of.setdefault(reason, []).append(f"`{name}:{line}`")
    failing = [
        f"- {each['target']}, {each['memory']}, -O{each['level']}: "
        + ", ".join(f"`{name}` ({count})" for name, count in each["failing"].items())
        for each in records
        if each["failing"]
    ]
    return _PAGE.format(
        scripts=len(suite.SCRIPTS),
        table="\n".join(table(records)),
        runs_table="\n".join(runs_table(records)),
        skipped_count=len(suite.SKIPPED),
        skipped="\n".join(f"- {reason}: {', '.join(places)}" for reason, places in lines_of.items()),
        failing="\n".join(failing) or "Nothing.",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="run the official suite and write docs/conformance.md")
    parser.add_argument("--targets", default="", help="names separated by commas; default: all that are executed")
    parser.add_argument("--opt", default="2,0", help="levels separated by commas; default: 2,0")
    parser.add_argument(
        "--memory", default="guarded,checked,static", help="strategies; all but the main one at the first level"
    )
    parser.add_argument(
        "--profiled", action="store_true", help="compile each by the profile of a program that did the same before"
    )
    parser.add_argument("--jobs", type=int, default=default_jobs())
    parser.add_argument("--output", type=Path, default=PAGE)
    arguments = parser.parse_args()
    if not suite.SCRIPTS:
        parser.error(f"no test suite at {suite.SUITE}; set WAOT_SPEC_TESTSUITE")
    names = [find_target(n).name for n in re.split(r"[\s,]+", arguments.targets.strip()) if n]
    executed = [
        target.name
        for target in load_targets().values()
        if target.checked == "executed" and not target.freestanding and not target.parts
    ]
    names = names or executed
    levels = [level for level in re.split(r"[\s,]+", arguments.opt.strip()) if level]
    memories = [memory for memory in re.split(r"[\s,]+", arguments.memory.strip()) if memory]
    configurations = [
        Configuration(name, memory, level, arguments.profiled)
        for memory in memories
        for name in names
        if memory in find_target(name).memory_supported
        for level in (levels if memory == main_memory(name) else levels[:1])
    ]
    for configuration in configurations:
        suite.prepare(configuration)
    results: Results = {configuration: {} for configuration in configurations}
    tasks = [(name, c) for c in configurations for name in scripts_for(c)]
    started = time.monotonic()
    for done, ((name, configuration), outcome) in enumerate(suite.run_scripts(tasks, arguments.jobs), 1):
        results[configuration][name] = outcome
        told = f"[{done}/{len(tasks)}] {configuration} {name}: {outcome.passed} of {outcome.total}"
        print(told, *outcome.failures[:5], sep="\n    ", flush=True)
    store = arguments.output.with_suffix(".json")
    kept: dict[str, Record] = json.loads(store.read_text()) if store.exists() else {}
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    kept |= {str(configuration): record(configuration, outcomes, day) for configuration, outcomes in results.items()}
    kept = {key: kept[key] for key in sorted(kept) if kept[key]["target"] in load_targets()}
    store.write_text(json.dumps(kept, indent=1) + "\n")
    records = list(kept.values())
    arguments.output.write_text(page(records))
    print(*runs_table([record(c, o, day) for c, o in results.items()]), sep="\n")
    print(f"{time.monotonic() - started:.0f} s; {arguments.output} written")
    return int(any(o.passed < o.total for outcomes in results.values() for o in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
