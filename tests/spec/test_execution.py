"""The official test suite, executed natively: every module that imports nothing, with the assertions on it.

The quick set takes the first modules of each script, on one configuration; the slow one takes all.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests import tools
from tests.programs.harness import Configuration, told_trap
from tests.spec.executing import Script, Step, make_program, select
from tests.spec.wast import ActionCommand, Assertion, ModuleCommand, ModuleSource, Register, read_script
from waot.errors import UnsupportedError, WaotError
from waot.frontend import collect_facts, decode_module
from waot.options import BuildOptions
from waot.pipeline import build
from waot.progress import Progress
from waot.targets import find_target

wasmtime = pytest.importorskip("wasmtime")

SUITE = Path(os.environ.get("WAOT_SPEC_TESTSUITE", tools.SHARED / "spec-testsuite"))
SCRIPTS = sorted(path.name for path in SUITE.glob("*.wast"))

TRAP_STATUS = 134
TIMEOUT = 20  # seconds; stack exhaustion under an emulator takes the longest
FAILURES = 5  # in a module, after which no more are looked for
QUICK_MODULES = 3  # of a script
QUICK = Configuration("x86_64-linux", "guarded", "2")
SLOW = (
    QUICK,
    Configuration("x86_64-linux", "static", "2"),
    Configuration("x86_64-linux", "checked", "2"),
    Configuration("x86_64-linux", "guarded", "0"),
    Configuration("aarch64-linux", "guarded", "2"),
    Configuration("riscv64-linux", "guarded", "2"),
)

# Scripts that pass signalling NaNs and constants such as 1 to one-line functions. Inlined into the program that calls
# them, LLVM folds x * 1 and does not quiet x (docs/rationale.md, "NaN bits"): the one thing in which -O1 and above is
# not exact, and these scripts are about it. They run at -O0.
ABOUT_NANS = frozenset({"f32.wast", "f64.wast", "simd_f32x4_arith.wast", "simd_f64x2_arith.wast"})


def _binary(source: ModuleSource, script: Script) -> bytes | None:
    """The module if it can be executed, otherwise None, with the reason counted."""
    try:
        binary = source.to_binary()
        module = decode_module(binary)
        collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    except UnsupportedError:
        script.skip("modules of later proposals", 0)
        return None
    except (WaotError, wasmtime.WasmtimeError):
        script.skip("modules whose text wasmtime's parser does not take", 0)
        return None
    return binary


def read(path: Path) -> Script:
    """Sorts the commands of a script by the module that they are about."""
    script = Script()
    named: dict[str, list[Step] | str] = {}
    registered: dict[str, list[Step] | str] = {}
    frozen: set[int] = set()  # modules that another one may have changed
    current: list[Step] | str = "no module"

    def freeze(binary: bytes) -> None:
        frozen.update(id(registered[i.module]) for i in decode_module(binary).imports if i.module in registered)

    def about(module: str | None) -> list[Step] | str:
        steps = named.get(module, "modules made by name") if module else current
        return "modules that share state with another" if id(steps) in frozen else steps

    for command in read_script(path.read_bytes()):
        if isinstance(command, ModuleCommand):
            if command.definition_only:
                continue
            binary = _binary(command.module, script)
            if binary is None:
                current = "modules of later proposals"
            elif decode_module(binary).imports:
                current = "modules with imports"
                freeze(binary)
            else:
                current = []
                script.modules.append((binary, current, command.line))
            if command.module.name:
                named[command.module.name] = current
        elif isinstance(command, Register):
            registered[command.name] = about(command.module)
        elif isinstance(command, ActionCommand) or (isinstance(command, Assertion) and command.action):
            action = command.action
            assert action is not None
            steps = about(action.module)
            if isinstance(steps, str):
                script.skip(steps)
            elif isinstance(command, ActionCommand):
                steps.append(Step(action, command.line))
            elif command.kind == "assert_return":
                steps.append(Step(action, command.line, results=command.results))
            elif command.kind in ("assert_trap", "assert_exhaustion"):
                steps.append(Step(action, command.line, message=command.message))
            else:
                script.skip(command.kind)
        elif isinstance(command, Assertion) and command.kind == "assert_trap" and command.module is not None:
            binary = _binary(command.module, script)
            if binary is None:
                script.skip("modules of later proposals")
            elif decode_module(binary).imports:
                script.skip("modules with imports")
                freeze(binary)
            else:
                script.instantiation_traps.append((binary, command.message, command.line))
    return script


class Checker:
    """Builds and runs the modules of a script; `failures` and `passed` say what came of it."""

    def __init__(self, name: str, configuration: Configuration, directory: Path) -> None:
        self.name = name
        self.configuration = configuration
        self.path = directory / "program"
        self.failures: list[str] = []
        self.passed = 0
        self.skipped: dict[str, int] = {}

    def build(self, wasm: bytes) -> bytes:
        """The native program."""
        c = self.configuration
        options = BuildOptions(opt_level=c.level, memory=c.memory, jobs=1, cache=False)
        (artifact,) = build(wasm, f"{self.name}.wasm", [find_target(c.target)], options, Progress(display=False))
        return artifact.data

    def run(self, executable: bytes) -> tuple[int | str, str | None, list[int], str]:
        """(status, trap, offsets of the backtrace, standard error) of a program."""
        self.path.unlink(missing_ok=True)
        self.path.write_bytes(executable)
        self.path.chmod(0o755)
        words = [*tools.runner(self.configuration.target), str(self.path)]
        try:
            done = subprocess.run(words, capture_output=True, timeout=TIMEOUT, env={}, check=False)
        except subprocess.TimeoutExpired:
            return "does not end", None, [], ""
        trap, frames = told_trap(done.stderr)
        offsets = [offset for _, offset in frames if offset is not None]
        return done.returncode, trap, offsets, done.stderr.decode(errors="replace")

    def fail(self, line: int, text: str) -> None:
        """Notes what is wrong with the command at `line`."""
        self.failures.append(f"{self.name}:{line}: {text}")

    def module(self, wasm: bytes, steps: list[Step], line: int) -> None:
        """Performs the steps on a module."""
        program, skipped = make_program(wasm, steps)
        for reason, count in skipped.items():
            self.skipped[reason] = self.skipped.get(reason, 0) + count
        for _ in range(FAILURES):
            try:
                executable = self.build(program.wasm)
            except WaotError as error:
                self.fail(line, f"cannot be built: {error}")
                return
            status, trap, offsets, stderr = self.run(executable)
            if status == 0:
                self.passed += len(program.places) - len(program.traps) - program.unchecked
                break
            place = program.place_of(offsets)
            told = "wrong result" if trap == "unreachable" and place and offsets[0] in program.own else "unexpected end"
            self.fail(place.step.line if place else line, f"{told}: status {status}, {trap or 'no trap'}\n{stderr}")
            if place is None:
                break
            steps = [step for step in steps if step is not place.step]  # to find the others
            program, _ = make_program(wasm, steps)
        else:
            self.fail(line, "and so on")
        for number, step in enumerate(program.traps, 1):
            self.trap(executable, program.own, number, step)

    def trap(self, executable: bytes, own: range, number: int, step: Step) -> None:
        """Performs one step that must trap."""
        assert step.message is not None
        status, trap, offsets, stderr = self.run(select(executable, number))
        if status != TRAP_STATUS or trap is None or not _is_message(trap, step.message):
            self.fail(step.line, f"expected {step.message!r}: status {status}, {trap or 'no trap'}\n{stderr}")
        elif trap == "unreachable" and offsets and offsets[0] in own:
            self.fail(step.line, f"expected {step.message!r}, but nothing trapped")
        else:
            self.passed += 1

    def instantiation(self, wasm: bytes, message: str, line: int) -> None:
        """Instantiates a module that traps."""
        program, _ = make_program(wasm, [])
        try:
            executable = self.build(program.wasm)
        except WaotError as error:
            self.fail(line, f"cannot be built: {error}")
            return
        status, trap, _, stderr = self.run(executable)
        if status != TRAP_STATUS or trap is None or not _is_message(trap, message):
            self.fail(line, f"expected {message!r}: status {status}, {trap or 'no trap'}\n{stderr}")
        else:
            self.passed += 1


def _is_message(trap: str, message: str) -> bool:
    """The suite's texts are sometimes longer ("uninitialized element 7") and sometimes shorter than ours."""
    return trap.startswith(message) or message.startswith(trap)


def execute(
    name: str, configuration: Configuration, directory: Path, limit: int | None, record: Callable[[str, object], None]
) -> list[str]:
    """Executes a script, or its first `limit` modules, and records what was passed and skipped; the failures."""
    script = read(SUITE / name)
    if name in ABOUT_NANS:
        configuration = replace(configuration, level="0")
    checker = Checker(name, configuration, directory)
    checker.skipped.update(script.skipped)
    modules = [m for m in script.modules if m[1]]
    for wasm, steps, line in modules[:limit]:
        checker.module(wasm, steps, line)
    left = sum(len(steps) for _, steps, _ in modules[limit:]) if limit is not None else 0
    for trapping in script.instantiation_traps[:limit]:
        checker.instantiation(*trapping)
    if limit is not None:
        left += len(script.instantiation_traps[limit:])
    if left:
        checker.skipped["left to the slow set"] = left
    record("passed", checker.passed)
    record("skipped", checker.skipped)
    return checker.failures


@pytest.mark.skipif(not SCRIPTS, reason=f"no test suite at {SUITE}; set WAOT_SPEC_TESTSUITE")
@pytest.mark.parametrize("script", SCRIPTS)
def test_first_modules_of_script(script: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    failures = execute(script, QUICK, tmp_path, QUICK_MODULES, record_property)
    assert not failures, "\n".join(failures)


@pytest.mark.slow
@pytest.mark.skipif(not SCRIPTS, reason=f"no test suite at {SUITE}; set WAOT_SPEC_TESTSUITE")
@pytest.mark.parametrize("configuration", SLOW, ids=str)
@pytest.mark.parametrize("script", SCRIPTS)
def test_script(
    script: str, configuration: Configuration, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    failures = execute(script, configuration, tmp_path, None, record_property)
    assert not failures, "\n".join(failures)
