"""The official test suite as data: every module in it is accepted or refused as its script says.

Text is parsed by wasmtime, which does not validate; where that parser refuses a text, the text is malformed. What a
script expects and waot does otherwise is in `_EXCEPTIONS`, line by line, with the reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frontend.checker import check_body
from tests.frontend.comparing import validate_both_ways
from tests.spec.wast import Assertion, Command, ModuleCommand, ModuleSource, Thread, read_script
from waot.errors import InvalidError, MalformedError, UnsupportedError, WaotError
from waot.frontend import decode_module
from waot.frontend.opcodes import OPERATORS, SUPPORTED_PROPOSALS

wasmtime = pytest.importorskip("wasmtime")

_ROOT = Path(__file__).resolve().parents[2]
_SHARED = Path(os.environ.get("WAOT_SHARED", _ROOT.parent / "shared"))
SUITE = Path(os.environ.get("WAOT_SPEC_TESTSUITE", _SHARED / "spec-testsuite"))
SCRIPTS = sorted(str(path.relative_to(SUITE)) for path in SUITE.rglob("*.wast"))

#: What is not compiled yet; only these may be named by an `UnsupportedError`.
_LATER = {op.proposal for op in OPERATORS} - SUPPORTED_PROPOSALS

_LATER_FIRST = "the proposal is refused before the malformed byte is reached"
_ONE_TABLE = "the proposal's copy of the test is from before several tables and memories were allowed"
_U64_LIMITS = "the proposal's copy of the test is from before memory64, which makes limits 64-bit in the text"

#: (script, line) -> why what the script expects is not what happens.
_EXCEPTIONS: dict[tuple[str, int], str] = {
    **{("proposals/threads/imports.wast", line): _ONE_TABLE for line in (309, 313, 317, 404, 408, 412)},
    **{("proposals/threads/memory.wast", line): _ONE_TABLE for line in (14, 15)},
    **{("proposals/threads/memory.wast", line): _U64_LIMITS for line in (83, 87, 91)},
}

_EXPECTED: dict[str, type[WaotError] | None] = {
    "module": None,
    "assert_unlinkable": None,
    "assert_trap": None,
    "assert_invalid": InvalidError,
    "assert_malformed": MalformedError,
}


def _modules(commands: list[Command]) -> Iterator[tuple[ModuleSource, str, int]]:
    """Every module of a script, what it is there for ("module", or the kind of its assertion), and the line."""
    for command in commands:
        if isinstance(command, Thread):
            yield from _modules(list(command.commands))
        elif isinstance(command, ModuleCommand):
            yield command.module, "module", command.line
        elif isinstance(command, Assertion) and command.module is not None:
            yield command.module, command.kind, command.line


def _refusal(source: ModuleSource) -> WaotError | None:
    """The error with which the front end refuses a module; None if it takes it. Its bodies are checked on the way."""
    try:
        binary = source.to_binary()
    except (wasmtime.WasmtimeError, UnicodeDecodeError) as error:
        return MalformedError(f"text: {error}")
    try:
        module = decode_module(binary)
        for index in range(module.imported_func_count, len(module.funcs)):
            check_body(module, validate_both_ways(module, index))
    except WaotError as error:
        return error
    return None


def _unexpected(source: ModuleSource, kind: str) -> str | None:
    """What is wrong with how the front end takes a module; None if nothing is."""
    expected = _EXPECTED[kind]
    error = _refusal(source)
    if isinstance(error, UnsupportedError) and expected is not MalformedError:
        proposal = re.search(r"belongs to the proposal ([\w-]+),", error.what)
        return None if proposal and proposal[1] in _LATER else f"refused for no known proposal: {error}"
    if type(error) is (type(None) if expected is None else expected):
        return None
    return f"expected {expected.__name__ if expected else 'acceptance'}, found {error!r}: {error}"


@pytest.mark.skipif(not SCRIPTS, reason=f"no test suite at {SUITE}; set WAOT_SPEC_TESTSUITE")
@pytest.mark.parametrize("script", SCRIPTS)
def test_modules_of_script_are_accepted_or_refused_as_it_says(script: str) -> None:
    wrong = []
    for source, kind, line in _modules(read_script((SUITE / script).read_bytes())):
        found = _unexpected(source, kind)
        excepted = (script, line) in _EXCEPTIONS
        if found and not excepted:
            wrong.append(f"{script}:{line}: {kind}: {found}")
        elif excepted and not found:
            wrong.append(f"{script}:{line}: {kind}: is an exception without need")
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not SCRIPTS, reason=f"no test suite at {SUITE}; set WAOT_SPEC_TESTSUITE")
def test_exceptions_name_scripts_that_exist() -> None:
    assert {script for script, _ in _EXCEPTIONS} <= set(SCRIPTS)
