"""The ABI header, WASI's function list and what the compiler believes of both are the same.

Generated code refers to no symbol of the shim that the header does not declare.
"""

from __future__ import annotations

import re

import pytest

from tests import tools
from tests.lowering.golden import lower
from tests.spec.wast import Form, Node, parse
from waot import profile
from waot.frontend.module import I32, I64, FuncType, ValType
from waot.lowering import abi
from waot.lowering.imports import unstable_signatures, wasi_signatures

INCLUDE = tools.ROOT / "runtime-support" / "include"
HEADER = (INCLUDE / "waot_abi.h").read_text()
WITX = tools.SHARED / "wasi" / "preview1"

_C_TO_IR = {
    "uint64_t": "i64",
    "int64_t": "i64",
    "uint32_t": "i32",
    "int32_t": "i32",
    "uintptr_t": "word",
    "void": "void",
}


def _ir(c_type: str) -> str:
    """The IR type of a C type without its name."""
    c_type = re.sub(r"\b(const|struct|_Noreturn)\b", "", c_type).strip()
    return "ptr" if "*" in c_type else _C_TO_IR[c_type]


def _struct_fields(name: str) -> list[str]:
    match = re.search(rf"struct waot_{name} {{(.*?)\n}};", HEADER, re.DOTALL)
    assert match, name
    fields = re.sub(r"/\*.*?\*/", "", match[1], flags=re.DOTALL).split(";")
    found = []
    for declaration in filter(None, map(str.strip, fields)):
        function_pointer = "(*" in declaration
        found.append("ptr" if function_pointer else _ir(re.sub(r"\w+$", "", declaration)))
    return found


@pytest.mark.parametrize("name", abi.STRUCTS)
def test_struct_is_the_headers(name: str) -> None:
    fields = abi.STRUCTS[name].strip("{} ").split(", ")
    assert fields == _struct_fields(name.removeprefix("waot."))


@pytest.mark.parametrize("name", abi.STRUCTS)
def test_header_says_the_structs_ir_type(name: str) -> None:
    said = re.search(rf"%{re.escape(name)} = type ({{[^}}]*}})", HEADER)
    assert said, name
    assert said[1] == abi.STRUCTS[name]


def test_traps_are_the_headers_in_its_order() -> None:
    assert tuple(re.findall(r'\bT\((\w+), "', HEADER)) == abi.TRAPS


def test_kinds_of_exports_are_the_headers() -> None:
    kinds = re.findall(r"WAOT_EXPORT_(\w+) = (\d+)", HEADER)
    assert [(name.lower(), int(number)) for name, number in kinds] == [(k, n) for n, k in enumerate(abi.EXPORT_KINDS)]


def test_every_function_has_the_headers_signature() -> None:
    prototypes = re.findall(r"^([\w *]+?)\s*(waot_\w+)\(([^)]*)\);", HEADER, re.MULTILINE)
    declared = {
        name: (
            _ir(result),
            () if parameters.strip() == "void" else tuple(_ir(re.sub(r"\w+$", "", p)) for p in parameters.split(",")),
        )
        for result, name, parameters in prototypes
    }
    functions = abi.FUNCTIONS | abi.THREAD_FUNCTIONS | abi.LOCKED_FUNCTIONS | abi.PROFILE_FUNCTIONS
    assert {name: declared.get(name) for name in functions} == functions
    assert declared[f"{abi.WASI_PREFIX}thread_spawn"] == ("i32", ("ptr", "i32"))


def test_constants_are_the_headers() -> None:
    flags = dict(re.findall(r"#define WAOT_(MEMORY_\w+) (\d+)u", HEADER))
    assert len(flags) == 4
    assert {name: getattr(abi, name) for name in flags} == {name: int(value) for name, value in flags.items()}
    authority = dict(re.findall(r"#define WAOT_(AUTHORITY_\w+) (\d+)u", HEADER))
    assert len(authority) == 11
    assert {name: getattr(abi, name) for name in authority} == {name: int(bit) for name, bit in authority.items()}
    assert f"#define WAOT_FUNCTION_INDEX_BITS {abi.FUNCTION_INDEX_BITS}u" in HEADER
    operations = dict(re.findall(r"\bWAOT_ATOMIC_(\w+) = (\d+)", HEADER))
    assert operations == {name.upper(): str(number) for number, name in enumerate(abi.ATOMIC_OPERATIONS)}
    kinds = dict(re.findall(r"\bWAOT_TYPE_(\w+) = (\d+)", HEADER))
    assert kinds == {"STRUCT": str(abi.TYPE_STRUCT), "ARRAY": str(abi.TYPE_ARRAY), "FUNCTION": str(abi.TYPE_FUNCTION)}
    assert f"#define WAOT_WINDOWS {abi.WINDOWS}u" in HEADER
    assert f"#define WAOT_PROFILE_CALLEES {profile.CALLEES} " in HEADER
    assert re.search(rf"\b{abi.DATA_IMAGE}\b", HEADER)
    assert re.search(re.escape(abi.WASM_TEXT) + r"\b", HEADER)


# Uses every function of the shim and every kind of trap.
_EVERYTHING = """
(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
(memory (export "memory") 1) (memory $shared 1 1 shared) (table $t 2 funcref)
(data $d "x") (data (i32.const 5) "y") (elem $e func $f)
(type $u (func (param i32) (result i32))) (type $s (struct (field i32))) (type $a (array i8))
(func $f (param i32) (result i32) (i32.trunc_f32_s (f32.load (local.get 0))))
(func $_start (export "_start")
  (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)) (memory.copy (i32.const 0) (i32.const 0) (i32.const 1))
  (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (drop (memory.grow (i32.const 1)))
  (table.fill $t (i32.const 0) (ref.null func) (i32.const 1))
  (table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 1))
  (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (drop (table.grow $t (ref.null func) (i32.const 1)))
  (table.set $t (i32.const 0) (ref.func $f))
  (drop (struct.new_default $s)) (drop (array.new_default $a (i32.const 1)))
  (drop (memory.atomic.notify $shared (i32.const 0) (i32.const 0)))
  (drop (memory.atomic.wait32 $shared (i32.const 0) (i32.const 0) (i64.const 0)))
  (drop (memory.atomic.wait64 $shared (i32.const 0) (i64.const 0) (i64.const 0)))
  (call $exit (call_indirect $t (type $u) (i32.div_s (i32.const 1) (memory.size)) (i32.const 1)))
  (unreachable))
"""


@pytest.mark.parametrize("memory", ["static", "guarded", "checked"])
def test_generated_code_refers_only_to_what_the_header_declares(memory: str) -> None:
    text = lower(_EVERYTHING, memory=memory)
    declared = re.findall(r"^declare .*? @([\w.]+)\(", text, re.MULTILINE)
    external = re.findall(r"^@([\w.]+) = external ", text, re.MULTILINE)
    own = [name for name in declared if not name.startswith("llvm.")]
    traps = {abi.trap_symbol(name) for name in abi.TRAPS}
    wasi = {abi.WASI_PREFIX + name for name in wasi_signatures()}
    wasi |= {f"{abi.WASI_PREFIX}unstable_{name}" for name in unstable_signatures()}
    assert set(own) <= set(abi.FUNCTIONS) | traps | wasi
    assert {"waot_wasi_proc_exit", "waot_trap_unreachable", *abi.FUNCTIONS} - {"waot_memory_write_parts"} <= set(own)
    assert sorted(external) == [abi.DATA_IMAGE, abi.WINDOWS_SYMBOL]


_THREADS = """
(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
(import "env" "memory" (memory 1 1 shared))
(type $s (struct)) (table $t 1 funcref)
(func (export "wasi_thread_start") (param i32 i32) (drop (struct.new $s)) (drop (call $close (i32.const 0)))
  (drop (table.grow $t (ref.null func) (i32.const 1))))
(func (export "_start") (drop (call $spawn (i32.const 0))))
"""


def test_threads_refer_only_to_what_the_header_declares() -> None:
    text = lower(_THREADS)
    declared = re.findall(r"^declare .*? @(waot_[\w.]+)\(", text, re.MULTILINE)
    assert set(abi.THREAD_FUNCTIONS) <= set(declared)
    wasi = {f"{abi.WASI_PREFIX}{name}" for name in ("thread_spawn", "fd_close")}
    traps = {abi.trap_symbol(name) for name in abi.TRAPS}
    assert wasi <= set(declared) <= wasi | traps | set(abi.FUNCTIONS) | set(abi.THREAD_FUNCTIONS)
    external = re.findall(r"^@([\w.]+) = external hidden thread_local", text, re.MULTILINE)
    assert external == [abi.WINDOWS_SYMBOL]


# ---------------------------------------------------------------------------------------------------------------- WASI


def _parse_witx(name: str) -> list[Node]:
    # The reader drops annotations, which is what these are in the text format.
    return parse((WITX / name).read_bytes().replace(b"(@", b"(at-"))


def _type_names() -> dict[str, Node]:
    return {
        form.items[1].text: form.items[2]  # type: ignore[union-attr]
        for form in _parse_witx("typenames.witx")
        if isinstance(form, Form) and form.head == "typename"
    }


def _flat(node: Node, names: dict[str, Node]) -> list[ValType]:
    """The core types of a parameter, as witx's core ABI flattens it."""
    if isinstance(node, Form):
        if node.head == "at-witx":  # pointer, const_pointer
            return [I32]
        if node.head == "list":
            return [I32, I32]
        if node.head in ("flags", "enum"):
            (representation,) = [n.items[2] for n in node.items if isinstance(n, Form) and n.head == "at-witx"]
            return _flat(representation, names)
        assert node.head == "handle", node.head
        return [I32]
    word = node.text  # type: ignore[union-attr]
    if word.startswith("$"):
        return _flat(names[word], names)
    if word == "string":
        return [I32, I32]
    return [I64] if word in ("u64", "s64") else [I32]


def _result(node: Form) -> tuple[list[ValType], list[ValType]]:
    """(pointers to results that become parameters, core results)."""
    (expected,) = [n for n in node.items if isinstance(n, Form) and n.head == "expected"]
    values = [n for n in expected.items[1:] if not (isinstance(n, Form) and n.head == "error")]
    count = 0
    for value in values:
        count += len(value.items) - 1 if isinstance(value, Form) and value.head == "tuple" else 1
    return [I32] * count, [I32]


def _witx_signatures() -> dict[str, FuncType]:
    names = _type_names()
    (module,) = [n for n in _parse_witx("wasi_snapshot_preview1.witx") if isinstance(n, Form) and n.head == "module"]
    found = {}
    for function in module.items:
        if not (isinstance(function, Form) and function.head == "at-interface"):
            continue
        parts = [n for n in function.items if isinstance(n, Form)]
        (name,) = [n.items[1].value.decode() for n in parts if n.head == "export"]  # type: ignore[union-attr]
        params: list[ValType] = []
        results: list[ValType] = []
        for part in parts:
            if part.head == "param":
                params += _flat(part.items[2], names)
            elif part.head == "result":
                pointers, results = _result(part)
                params += pointers
        found[name] = FuncType(tuple(params), tuple(results))
    return found


@pytest.mark.skipif(not WITX.exists(), reason=f"no WASI description at {WITX}; set WAOT_SHARED")
def test_wasi_functions_are_those_of_the_specification() -> None:
    assert wasi_signatures() == _witx_signatures()


def test_what_differs_in_snapshot_0_has_the_same_types() -> None:
    assert unstable_signatures()
    assert unstable_signatures().items() <= wasi_signatures().items()
