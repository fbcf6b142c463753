"""Executables from LLVM IR written by hand in the form that lowering emits, so that the shim is tested without it."""

from __future__ import annotations

import functools
import hashlib
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import tools
from waot.codegen import make_codegen_options
from waot.codegen.llvm import compile_unit
from waot.linker import (
    Confinement,
    Manifest,
    MemoryImage,
    Runtime,
    build_runtime,
    encode_manifest,
    link_executable,
    make_filters,
)
from waot.lowering.abi import AUTHORITY_RUN_TIME, struct_type
from waot.options import Cpu, Grants
from waot.targets import Target, find_target, load_targets

STRATEGIES = ("static", "guarded", "checked")
RESERVE = {"static": 8 << 30, "guarded": 8 << 30, "checked": 4 << 16}
PAGE = 1 << 16

# Function index -> body's range in the imagined .wasm file and name. Line numbers in the IR are offsets in that file.
FUNCTIONS = (
    (0x100, 0x200, 7, "main"),
    (0x200, 0x300, 8, "helper"),
    (0x300, 0x400, 9, ""),
    (0x400, 0x500, 10, "a\x1bb"),
)

TRAPS = {
    "unreachable": "unreachable",
    "memory_out_of_bounds": "out of bounds memory access",
    "table_out_of_bounds": "out of bounds table access",
    "integer_divide_by_zero": "integer divide by zero",
    "integer_overflow": "integer overflow",
    "invalid_conversion_to_integer": "invalid conversion to integer",
    "undefined_element": "undefined element",
    "uninitialized_element": "uninitialized element",
    "indirect_call_type_mismatch": "indirect call type mismatch",
    "call_stack_exhausted": "call stack exhausted",
    "out_of_memory": "out of memory",
    "null_reference": "null reference",
    "null_function_reference": "null function reference",
    "null_structure_reference": "null structure reference",
    "null_array_reference": "null array reference",
    "null_i31_reference": "null i31 reference",
    "null_exception_reference": "null exception reference",
    "cast_failure": "cast failure",
    "array_out_of_bounds": "out of bounds array access",
    "uncaught_exception": "uncaught exception",
    "unaligned_atomic": "unaligned atomic",
    "expected_shared_memory": "expected shared memory",
    "incompatible_import": "incompatible import type",
}


def targets() -> list[Target]:
    """The targets whose programs run here, but for Android's, which are Linux's."""
    found = []
    for target in load_targets().values():
        if target.freestanding or target.parts or target.system == "android":
            continue
        try:
            tools.runner(target.name)
        except tools.ToolMissing as missing:
            print(missing)
        else:
            found.append(target)
    return found


def with_strategies() -> list[tuple[Target, str]]:
    """These targets with each memory strategy that they have."""
    return [
        (target, strategy) for target in targets() for strategy in STRATEGIES if strategy in target.memory_supported
    ]


def movable(target: Target) -> str:
    """A strategy whose programs are position independent: guarded, where the target has that."""
    return "guarded" if "guarded" in target.memory_supported else target.memory_default


@functools.cache
def runtime(target_name: str) -> Runtime:
    return build_runtime(find_target(target_name), tools.cache_directory() / "runtime")


def at(line: int, function: int = 0) -> str:
    """A debug location: the operator at offset `line`, in the function with that place in FUNCTIONS."""
    return f"!dbg !DILocation(line: {line}, scope: !{10 + function})"


def function(place: int, signature: str, body: str, attributes: str = "#1") -> str:
    """A wasm function: `signature` like "i32 (i32 %a)"; its name is wasm.<index>."""
    result, _, parameters = signature.partition(" ")
    name = f"@wasm.{FUNCTIONS[place][2]}"
    section = "" if "alwaysinline" in attributes else 'section ".text.wasm"'
    return f"define {result} {name}{parameters} {attributes} {section} !dbg !{10 + place} {{\n{body}\n}}\n"


def module(target: Target, strategy: str, code: str, *, pages: int = 2, maximum: int = 4) -> str:
    """The module around `code`, whose function 7 is the entry. `@address(i32)` gives the address in memory 0."""
    fixed = strategy == "static"
    base = f"inttoptr (i64 {target.static_base} to ptr)" if fixed else "null"
    names = b"\0"
    functions = []
    for start, end, index, name in FUNCTIONS:
        functions.append(f"%waot.function {{ i32 {start}, i32 {end}, i32 {index}, i32 {len(names) if name else 0} }}")
        names += name.encode() + b"\0" if name else b""
    escaped = "".join(f"\\{byte:02x}" for byte in names)
    subprograms = "\n".join(
        f'!{10 + i} = distinct !DISubprogram(name: "f", file: !4, line: {start}, scopeLine: {start}, type: !5,'
        " unit: !1, spFlags: DISPFlagDefinition)"
        for i, (start, _, _, _) in enumerate(FUNCTIONS)
    )
    load = "getelementptr i8, ptr " + base + ", i64 0" if fixed else "load ptr, ptr @waot_memory.0"
    traps = "\n".join(f"declare void @waot_trap_{name}() noreturn cold nounwind" for name in TRAPS)
    word = f"i{target.pointer_bits}"
    structs = ("memory", "funcref", "table", "elem", "data", "function", "module")
    types = "\n".join(f"%waot.{name} = type {struct_type(f'waot.{name}', word)}" for name in structs)
    memory = f"ptr {base}, {word} {pages * PAGE}, i64 {maximum}, i64 {RESERVE[strategy]}, i32 16, i32 {int(fixed)}"
    probe = "" if target.system == "windows" else '"probe-stack"="inline-asm"'
    if target.name == "i686-windows":
        probe = '"frame-pointer"="all"'
    described = f"i64 1, ptr @functions, ptr @names, i64 {len(functions)}, ptr null"
    return f"""\
target triple = "{target.link_triple}"
{types}
@waot_memory.0 = global %waot.memory {{ {memory} }}
@memories = constant [1 x ptr] [ptr @waot_memory.0]
@functions = constant [{len(functions)} x %waot.function] [{", ".join(functions)}]
@names = constant [{len(names)} x i8] c"{escaped}"
@waot_module = constant %waot.module {{ ptr @waot_instantiate, ptr @waot_entry, ptr @memories, {described} }}
@waot_authority = constant i32 {AUTHORITY_RUN_TIME}
{traps}
declare void @waot_memory_create(ptr)
declare i64 @waot_memory_grow(ptr, i64)
declare void @waot_memory_fill(ptr, i64, i32, i64)
declare void @waot_memory_copy(ptr, ptr, i64, i64, i64)
declare void @waot_memory_init(ptr, ptr, i64, i64, i64)
declare i64 @waot_table_grow(ptr, ptr, i64)
declare void @waot_table_fill(ptr, i64, ptr, i64)
declare void @waot_table_copy(ptr, ptr, i64, i64, i64)
declare void @waot_table_init(ptr, ptr, i64, i64, i64)
declare i32 @waot_wasi_fd_write(ptr, i32, i32, i32, i32)
declare void @waot_wasi_proc_exit(ptr, i32) noreturn
define void @waot_instantiate() uwtable nounwind {{
  call void @waot_memory_create(ptr @waot_memory.0)
  ret void
}}
define void @waot_entry() uwtable nounwind {{
  call void @wasm.7()
  ret void
}}
define internal ptr @address(i32 %i) alwaysinline nounwind {{
  %base = {load}
  %offset = zext i32 %i to i64
  %address = getelementptr i8, ptr %base, i64 %offset
  ret ptr %address
}}
{code}
attributes #0 = {{ nomerge noreturn cold }}
attributes #1 = {{ uwtable nounwind noinline "disable-tail-calls"="true" {probe} }}
attributes #2 = {{ alwaysinline nounwind }}
!llvm.dbg.cu = !{{!1}}
!llvm.module.flags = !{{!2, !3}}
!1 = distinct !DICompileUnit(language: DW_LANG_C, file: !4, emissionKind: DebugDirectivesOnly)
!2 = !{{i32 2, !"Debug Info Version", i32 3}}
!3 = !{{i32 2, !"Dwarf Version", i32 4}}
!4 = !DIFile(filename: "m", directory: "")
!5 = !DISubroutineType(types: !6)
!6 = !{{}}
{subprograms}
"""


def manifest(target: Target, strategy: str, stack_size: int = 1 << 20, facilities: Collection[str] = ()) -> bytes:
    digest = hashlib.sha256(b"").digest()
    confinement = Confinement(capability_mode=target.system == "freebsd")
    if target.system == "linux":
        confinement = Confinement(
            make_filters(target.arch, {"fd_write", "proc_exit"}, facilities, endian=target.endian)
        )
    return encode_manifest(
        Manifest(Grants(), stack_size, "0", target.name, strategy, (), digest, "m.wasm", confinement=confinement),
        target.endian,
    )


def build(
    target: Target,
    strategy: str,
    code: str,
    *,
    image: bytes = b"",
    level: str = "2",
    pages: int = 2,
    stack_size: int = 1 << 20,
) -> bytes:
    shim = runtime(target.name)
    text = module(target, strategy, code, pages=pages)
    options = make_codegen_options(target, Cpu(), level, "exe")
    unit = compile_unit(text, shim.bitcode, frozenset(shim.entry_points), options)
    return link_executable(
        [unit],
        target=target,
        memory=strategy,
        runtime=shim,
        manifest=manifest(target, strategy, stack_size),
        image=MemoryImage(pages * PAGE, image) if strategy == "static" else None,
        cache_dir=tools.cache_directory() / "runtime",
    )


@dataclass(frozen=True)
class Outcome:
    status: int
    output: str
    errors: str

    @property
    def backtrace(self) -> list[str]:
        return [line.strip() for line in self.errors.splitlines()[1:]]


def run(target: Target, executable: bytes, directory: Path, arguments: Sequence[str] = ()) -> Outcome:
    path = directory / "program"
    path.write_bytes(executable)
    path.chmod(0o755)
    done = subprocess.run(
        [*tools.runner(target.name), str(path), *arguments], capture_output=True, timeout=60, check=False
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
