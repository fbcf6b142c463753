"""The official test suite, executed: a script becomes one native program that performs its commands.

    read_script    ->  Script    instances in their order, the driver's steps, and verdicts that need no program
    build_program  ->  bytes     all instances and the steps, linked with driver.c
    run_script     ->  Outcome   a verdict a command

An assertion about a module's text, its validity or its links is decided here. All others are the program's.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import subprocess
import tempfile
import traceback
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import wasmtime

from tests import tools
from tests.programs.harness import Configuration
from tests.spec import table, wast
from tests.spec.table import Step
from waot import linker, pipeline
from waot.cache import Cache
from waot.codegen import make_codegen_options
from waot.codegen.llvm import compile_unit
from waot.errors import InvalidError, LinkError, MalformedError, WaotError
from waot.frontend import collect_facts, decode_module, validate_function
from waot.frontend.linking import Linker
from waot.frontend.module import Module
from waot.linker import coff
from waot.linker.objects import data_object
from waot.linker.pe import MANIFEST
from waot.linker.runtime import assembler_flags, format_flags, include_flags, machine_flags
from waot.lowering import lower_unit, make_plan
from waot.lowering.profiled import Guidance, guidance
from waot.options import BuildOptions
from waot.profile import read_profile
from waot.targets import Target, find_target
from waot.zig import run_zig, zig_version

SUITE = Path(os.environ.get("WAOT_SPEC_TESTSUITE", tools.SHARED / "spec-testsuite"))
SCRIPTS = sorted(path.relative_to(SUITE).as_posix() for path in SUITE.rglob("*.wast"))
HERE = Path(__file__).resolve().parent

# The scripts about memories; what an access is checked with is the same in all others.
ABOUT_MEMORY = [
    name
    for name in SCRIPTS
    if re.search(r"memory|address|align|load|store|bulk|data|endianness|traps|imports|linking|64\.|page|atomic", name)
]
# With the static strategy memory 0 is a part of the executable, so these have one that is the script's own.
ON_STATIC_MEMORY = [
    f"{name}.wast" for name in ("address", "data", "endianness", "float_memory", "memory_grow", "memory_trap")
]
#: The scripts that each memory strategy runs with.
SCRIPTS_BY_MEMORY = {"guarded": SCRIPTS, "checked": ABOUT_MEMORY, "static": ON_STATIC_MEMORY}

TIMEOUT = 300  # seconds for a program; many memories and stack exhaustion under an emulator take the longest
EMULATED_RESERVE = 512 << 20  # bytes

_ONE_MEMORY = "contradicts WebAssembly 3.0: the proposal's copy is from before several tables and memories were allowed"
_SMALL_LIMITS = "contradicts WebAssembly 3.0: the proposal's copy is from before limits had 64 bits"

#: All that is left out: (script, line) -> the reason.
SKIPPED: dict[tuple[str, int], str] = {
    **{("proposals/threads/memory.wast", line): _ONE_MEMORY for line in (14, 15)},
    **{("proposals/threads/imports.wast", line): _ONE_MEMORY for line in (309, 313, 317, 404, 408, 412)},
    **{("proposals/threads/memory.wast", line): _SMALL_LIMITS for line in (83, 87, 91)},
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a command. `kind` is the assertion's, or "module" or "action"."""

    line: int
    kind: str
    failure: str | None = None  # what is wrong

    @property
    def is_assertion(self) -> bool:
        return self.kind.startswith("assert_")


@dataclass
class Outcome:
    """What came of a script. Commands that are no assertions count where they fail, as what they are there for does."""

    script: str
    verdicts: list[Verdict] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def passed(self) -> int:
        return sum(v.is_assertion and v.failure is None for v in self.verdicts)

    @property
    def total(self) -> int:
        return sum(v.is_assertion or v.failure is not None for v in self.verdicts)

    @property
    def failures(self) -> list[str]:
        return [f"{self.script}:{v.line}: {v.kind}: {v.failure}" for v in self.verdicts if v.failure is not None]


# ---------------------------------------------------------------------------------------------------------- the script


# The module that scripts import from (the reference interpreter's README, "Spectest host module").
SPECTEST = b"""(module
  (global (export "global_i32") i32 (i32.const 666))
  (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6))
  (global (export "global_f64") f64 (f64.const 666.6))
  (table (export "table") 10 20 funcref)
  (table (export "table64") i64 10 20 funcref)
  (memory (export "memory") 1 2)
  (memory (export "shared_memory") 1 2 shared)
  (func (export "print"))
  (func (export "print_i32") (param i32))
  (func (export "print_i64") (param i64))
  (func (export "print_f32") (param f32))
  (func (export "print_f64") (param f64))
  (func (export "print_i32_f32") (param i32 f32))
  (func (export "print_f64_f64") (param f64 f64)))"""


class Failure(Exception):
    """Why a command of a script cannot be performed."""


@dataclass
class Script:
    """What a program performs, in order: a step a command with its kind, and the verdicts on the other commands."""

    name: str
    linker: Linker = field(default_factory=partial(Linker, ()))
    modules: list[Module] = field(default_factory=list)  # whose instances the linker has, in their order
    steps: list[tuple[Step, str]] = field(default_factory=list)  # with the kind of what it is there for
    outcome: Outcome = field(init=False)
    # The script's own names.
    definitions: dict[str, Module] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    current: int | None = None
    last_definition: Module | None = None
    has_spectest: bool = False
    assertions: int = 0

    def __post_init__(self) -> None:
        self.outcome = Outcome(self.name)

    def verdict(self, line: int, kind: str, failure: str | None = None) -> None:
        """Notes what came of a command."""
        self.outcome.verdicts.append(Verdict(line, kind, failure))

    def decode(self, source: wast.ModuleSource) -> Module:
        """A module, validated. Raises WaotError, for malformed text as well."""
        try:
            binary = source.to_binary()
        except (wasmtime.WasmtimeError, UnicodeDecodeError) as error:
            raise MalformedError(f"text: {str(error).splitlines()[0]}") from None
        module = decode_module(binary, f"{self.name}:{source.line}")
        collect_facts(module, range(module.imported_func_count, len(module.funcs)))
        return module

    def instance(self, name: str | None) -> int:
        """The number of the instance that a command means. Raises Failure."""
        found = self.current if name is None else self.named.get(name)
        if found is None:
            raise Failure("there is no such instance")
        return found

    def instantiate(self, module: Module, line: int, kind: str, trap: str | None = None) -> int:
        """Adds an instance, which is to end with `trap` if that is given; its number. Raises LinkError."""
        if not self.has_spectest and any(item.module == "spectest" for item in module.imports):
            # Not before: without it memory 0 is the script's own, which is where the static strategy has it.
            self.has_spectest = True
            spectest = self.decode(wast.ModuleSource("text", SPECTEST, None, 0))
            self.linker.register("spectest", self.instantiate(spectest, line, "module"))
        number = self.linker.add(module)
        self.modules.append(module)
        expected = table.RETURNS if trap is None else table.TRAPS
        self.steps.append((Step(table.INSTANTIATE, number, line, expected=expected, message=trap or ""), kind))
        return number

    def perform(self, command: wast.Command) -> None:
        """Takes a command."""
        kind = "action" if isinstance(command, wast.ActionCommand) else "module"
        if isinstance(command, wast.Assertion):
            kind = command.kind
            self.assertions += 1
        reason = SKIPPED.get((self.name, command.line))
        if reason is not None:
            self.outcome.skipped[reason] += 1
            return
        try:
            if isinstance(command, wast.ModuleCommand):
                self.module(command)
            elif isinstance(command, wast.InstanceCommand):
                self.make_instance(command)
            elif isinstance(command, wast.Register):
                self.linker.register(command.name, self.instance(command.module))
            elif isinstance(command, wast.ActionCommand):
                self.action(command.action, kind)
            elif isinstance(command, wast.Assertion):
                self.assertion(command)
            else:
                raise Failure("a command of the threads proposal's scripts")
        except (Failure, table.Inexpressible, WaotError) as error:
            self.verdict(command.line, kind, str(error))
        except Exception as error:  # a defect of waot fails what it is met by, and nothing else
            self.verdict(command.line, kind, _defect(error))

    def module(self, command: wast.ModuleCommand) -> None:
        self.current = None
        name = command.module.name
        if name is not None:
            self.named.pop(name, None)
        module = self.decode(command.module)
        self.last_definition = module
        if name is not None:
            self.definitions[name] = module
        if not command.definition_only:
            self.add(module, name, command.line)

    def make_instance(self, command: wast.InstanceCommand) -> None:
        self.current = None
        module = self.last_definition if command.definition is None else self.definitions.get(command.definition)
        if module is None:
            raise Failure("there is no such definition")
        self.add(module, command.name, command.line)

    def add(self, module: Module, name: str | None, line: int) -> None:
        self.current = self.instantiate(module, line, "module")
        if name is not None:
            self.named[name] = self.current

    def action(
        self, action: wast.Action, kind: str, results: tuple[wast.Value, ...] | None = None, **expected: Any
    ) -> None:
        number = self.instance(action.module)
        module = self.modules[number]
        wanted = ("func", action.name) if action.kind == "invoke" else ("global", action.name)
        exports = [i for i, e in enumerate(module.exports) if (e.kind, e.name) == wanted]
        if not exports:
            raise Failure(f"the instance exports no {wanted[0]} {action.name!r}")
        item = sum(len(module.exports) for module in self.modules[:number]) + exports[0]
        step = Step(table.CALL, item, action.line, action.args, results, **expected)
        table.encode([step])  # raises what is not possible
        self.steps.append((step, kind))

    def assertion(self, command: wast.Assertion) -> None:
        kind, line = command.kind, command.line
        if command.action is not None:
            if kind == "assert_return":
                self.action(command.action, kind, command.results)
            elif kind in ("assert_trap", "assert_exhaustion"):
                self.action(command.action, kind, expected=table.TRAPS, message=command.message)
            elif kind == "assert_exception":
                self.action(command.action, kind, expected=table.THROWS)
            else:
                raise Failure("an unknown kind of assertion")
            return
        assert command.module is not None
        if kind == "assert_trap":
            self.instantiate(self.decode(command.module), line, kind, command.message)
            return
        if kind == "assert_unlinkable":
            self.unlinkable(self.decode(command.module), command)
            return
        refusals = {"assert_malformed": MalformedError, "assert_invalid": InvalidError}
        if kind not in refusals:
            raise Failure("an unknown kind of assertion")
        try:
            self.decode(command.module)
        except WaotError as error:
            if type(error) is not refusals[kind]:
                raise Failure(f"{type(error).__name__}: {error}") from None
            self.verdict(line, kind)
        else:
            raise Failure("the module is accepted")

    def unlinkable(self, module: Module, command: wast.Assertion) -> None:
        """What an import asks of sizes is known when the program runs; all else is refused here."""
        try:
            self.instantiate(module, command.line, command.kind, command.message)
        except LinkError as error:
            if not error.what.startswith(command.message):
                raise
            self.verdict(command.line, command.kind)


def read_script(name: str) -> Script:
    """The script `name` of the suite, taken apart."""
    script = Script(name)
    for command in wast.read_script((SUITE / name).read_bytes()):
        script.perform(command)
    return script


# --------------------------------------------------------------------------------------------------------- the program


@cache
def _tools_directory() -> Path:
    """Where the shim and zig's files are kept: where every build keeps them."""
    return Cache.open().directory("zig")


def driver_objects(target: Target) -> tuple[Path, ...]:
    """driver.c and its assembly compiled for `target`, now or by an earlier run."""
    place = HERE / "windows" if target.system == "windows" else HERE
    return compiled(target, HERE / "driver.c", place / f"try_{target.arch}.S")


@cache
def compiled(target: Target, *sources: Path) -> tuple[Path, ...]:
    """Sources that belong to the driver, compiled for `target`, now or by an earlier run."""
    root = tools.ROOT / "runtime-support"
    machine = machine_flags(target)
    flags = [*format_flags(target), "-std=c11", "-O1", "-g0", "-D_GNU_SOURCE"]
    flags += ["-fno-stack-protector", "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror"]
    flags += include_flags(root, target.runtime)
    flags += table.definitions()
    key = hashlib.sha256(repr((machine, flags, zig_version())).encode())
    for path in [*sources, *sorted(root.rglob("*.h"))]:
        key.update(path.read_bytes())
    place = tools.cache_directory() / "suite" / f"{target.name}-{key.hexdigest()[:16]}"
    objects = tuple(place / f"{source.name}.o" for source in sources)
    if not all(path.exists() for path in objects):
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place) as work:
            for source, path in zip(sources, objects, strict=True):
                kind = assembler_flags(target) if source.suffix == ".S" else machine
                command = ["cc", *kind, *flags, "-c", str(source), "-o", path.name]
                run_zig(
                    command, cache_dir=_tools_directory(), directory=Path(work), what="compiling the suite's driver"
                )
                Path(work, path.name).rename(path)
    return objects


@cache
def _runtime(target: Target) -> linker.Runtime:
    runtime = linker.build_runtime(target, _tools_directory())
    return replace(runtime, objects=(*runtime.objects, *driver_objects(target)))


def _behind_the_manifest(data: bytes, target: Target) -> bytes:
    """An object whose bytes stand there, at a multiple of 16."""
    if target.object_format == "coff":
        return coff.data_object([coff.Part(f"{MANIFEST}$m", data, coff.DATA | coff.READ, {}, align=16)], target)
    return data_object({".waot.manifest": data}, target, align=16)


def build_program(
    module: Module,
    steps: list[Step],
    configuration: Configuration,
    *,
    relaxed_simd: str = "fast",
    with_heap: Path | None = None,
    unit_operators: int = 1 << 62,
    profile: Path | None = None,
    known: Guidance | None = None,
) -> bytes:
    """The executable that performs `steps` on the instances of `module`. Raises WaotError.

    `with_heap` is a C file that is part of the driver where the program has a heap; `unit_operators` the size of units;
    `profile` the file that the program writes a profile to, if it does; `known` what it is compiled by.
    """
    target = find_target(configuration.target)
    options = BuildOptions(
        opt_level=configuration.level,
        memory=configuration.memory,
        relaxed_simd=relaxed_simd,
        emit="obj",
        jobs=1,
        cache=False,
    )
    codegen = make_codegen_options(target, options.cpu, options.opt_level, "exe")
    facts = collect_facts(module, range(module.imported_func_count, len(module.funcs)))
    lowering = pipeline.lowering_options(target, options, codegen, facts, exports=True)
    lowering = replace(lowering, single_unit_operators=unit_operators, unit_operators=unit_operators)
    lowering = replace(lowering, instrument=bytes(32) if profile is not None else None)
    plan = make_plan(module, facts, lowering, partial(linker.image_as_segment, target), known)
    if tools.runner(target.name):
        # An emulator has a record for each page of address space (qemu 7: a second for 20 GiB). Memories without a
        # guard need no more than the scripts grow them to.
        plan.memories = [
            replace(memory, reserve=max(memory.bytes, min(memory.reserve, EMULATED_RESERVE)))
            if memory.strategy == "checked"
            else memory
            for memory in plan.memories
        ]
    runtime = _runtime(target)
    if with_heap is not None and plan.heap:
        runtime = replace(runtime, objects=(*runtime.objects, *compiled(target, with_heap)))
    made = []
    for number in range(len(plan.units)):
        unit = lower_unit(module, plan, number, lambda index: validate_function(module, index))
        if unit.has_state:
            keep = unit.keep | {"waot_wasi_profile", *runtime.entry_points}  # of the bitcode, what the driver calls too
            made.append(compile_unit(unit.text, runtime.bitcode, keep, codegen))
        else:
            made.append(compile_unit(unit.text, None, frozenset(), codegen))
    manifest = linker.Manifest(
        grants=options.grants,
        stack_size=options.stack_size,
        version="",
        target=target.name,
        memory=lowering.memory,
        imports=(),
        module_sha256=bytes(32),
        module_name="",
        profile=str(profile) if profile is not None else None,
    )
    encoded = linker.encode_manifest(manifest, target.endian)
    fixed = next((memory for memory in plan.memories if memory.base is not None), None)
    image = None if fixed is None else linker.MemoryImage(fixed.bytes, plan.image or b"")
    # The steps stand behind the manifest, at a multiple of 16.
    with tempfile.TemporaryDirectory() as name:
        commands = Path(name, "commands.o")
        commands.write_bytes(_behind_the_manifest(table.encode(steps, target.endian), target))
        return linker.link_executable(
            made,
            target=target,
            memory=lowering.memory,
            manifest=encoded,
            image=image,
            data_image=plan.data_image,
            runtime=replace(runtime, objects=(*runtime.objects, commands)),
            cache_dir=_tools_directory(),
        )


def run_program(executable: bytes, target: str) -> tuple[list[str], str]:
    """The driver's lines, and how the program ended ("" for well)."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "program")
        path.write_bytes(executable)
        path.chmod(0o755)
        try:
            done = subprocess.run(
                [*tools.runner(target), str(path)], capture_output=True, timeout=TIMEOUT, env={}, check=False
            )
        except subprocess.TimeoutExpired as ended:
            return (ended.stdout or b"").decode().splitlines(), f"does not end within {TIMEOUT} s"
    ending = ""
    if done.returncode:
        said = " / ".join(done.stderr.decode(errors="replace").splitlines()[:4])
        ending = f"the program ended with status {done.returncode}: {said or 'no word'}"
    return done.stdout.decode(errors="replace").splitlines(), ending


def _defect(error: Exception) -> str:
    """An exception that should not have been."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"


def _perform(module: Module, steps: list[Step], configuration: Configuration) -> tuple[list[str], str]:
    """As `run_program`, of a program that performs `steps`; where it is profiled, and all went well while counting, of
    the one that is made by the profile."""
    if not configuration.profiled:
        return run_program(build_program(module, steps, configuration), configuration.target)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "profile")
        lines, ending = run_program(build_program(module, steps, configuration, profile=file), configuration.target)
        if ending or set(lines) != {"ok"}:
            return lines, ending
        known = guidance(read_profile(str(file)))
    return run_program(build_program(module, steps, configuration, known=known), configuration.target)


def _execute(script: Script, configuration: Configuration) -> None:
    steps = script.steps
    if not steps:
        return
    try:
        lines, ending = _perform(script.linker.finish(None), [step for step, _ in steps], configuration)
    except Exception as error:
        said = str(error) if isinstance(error, WaotError) else _defect(error)
        for step, kind in steps:
            script.verdict(step.line, kind, f"the program cannot be built: {said}")
        return
    for number, (step, kind) in enumerate(steps):
        if number < len(lines):
            script.verdict(step.line, kind, None if lines[number] == "ok" else lines[number])
        else:
            script.verdict(step.line, kind, ending if number == len(lines) else "not reached")


Task = tuple[str, Configuration]  # a script of the suite, and how to build it


def execute(name: str, configuration: Configuration) -> Outcome:
    """Performs the script `name`."""
    script = read_script(name)
    _execute(script, configuration)
    judged = sum(verdict.is_assertion for verdict in script.outcome.verdicts) + script.outcome.skipped.total()
    assert judged == script.assertions, "not every assertion has its verdict"
    script.outcome.verdicts.sort(key=lambda verdict: verdict.line)
    return script.outcome


def run_scripts(tasks: Iterable[Task], jobs: int) -> Iterator[tuple[Task, Outcome]]:
    """As `execute`, in the order in which they end.

    Each has a process of its own, `jobs` at a time: an error inside LLVM ends only that.
    """
    context = multiprocessing.get_context("fork")
    waiting = deque(tasks)
    running: dict[Connection[None, Outcome], tuple[Task, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.popleft()
                receiver, sender = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(target=_send_outcome, args=(task, sender), daemon=True)
                process.start()
                sender.close()
                running[receiver] = task, process
            ready = wait(list(running))
            for receiver in [each for each in running if each in ready]:
                task, process = running.pop(receiver)
                try:
                    outcome = receiver.recv()
                except EOFError:
                    outcome = Outcome(task[0], [Verdict(0, "script", "the process that compiles it died")])
                process.join()
                receiver.close()
                yield task, outcome
    finally:
        for _, process in running.values():
            process.kill()


def _send_outcome(task: Task, sender: Connection[Outcome, None]) -> None:
    sender.send(execute(*task))


def run_script(name: str, configuration: Configuration) -> Outcome:
    """As `execute`, in a process of its own."""
    ((_, outcome),) = run_scripts([(name, configuration)], 1)
    return outcome


def prepare(configuration: Configuration) -> None:
    """Makes what all programs of a target share, so that workers find it."""
    _runtime(find_target(configuration.target))
    tools.runner(configuration.target)
