"""The IR side of runtime-support/include/waot_abi.h: struct types and the functions that the shim defines.

Lowering refers to no other symbol of the shim; tests/test_abi.py reads the header and compares.
"""

from __future__ import annotations

# Struct types as IR text, by the name the header gives in its comments; `word` is an integer as wide as a pointer.
STRUCTS = {
    "waot.memory": "{ ptr, word, i64, i64, i32, i32 }",
    "waot.funcref": "{ ptr, word }",
    "waot.table": "{ ptr, word, word }",
    "waot.data": "{ ptr, i64 }",
    "waot.elem": "{ ptr, i64 }",
    "waot.part": "{ i64, i64, i64 }",
    "waot.function": "{ i32, i32, i32, i32 }",
    "waot.module": "{ ptr, ptr, ptr, i64, ptr, ptr, i64, ptr }",
    "waot.export": "{ ptr, i32, i32, i32, i32, ptr }",
    "waot.object": "{ i32, i32 }",
    "waot.type": "{ i32, i32, i32, i32, ptr }",
    "waot.roots": "{ ptr, i64 }",
    "waot.heap": "{ ptr, i64, ptr, i64, ptr, i64, i64 }",
    "waot.window": "{ ptr, ptr }",
    "waot.threads": "{ ptr, ptr, ptr }",
    "waot.profile_part": "{ ptr, i64, ptr, i64 }",
    "waot.profile": "{ ptr, i64 }",
}


def struct_type(name: str, word: str) -> str:
    """The struct `name` where pointers are as wide as the integer type `word`."""
    return STRUCTS[name].replace("word", word)


# WAOT_MEMORY_*
MEMORY_FIXED = 1
MEMORY_CHECKED = 2
MEMORY_SHARED = 4
MEMORY_INDEX64 = 8

# WAOT_AUTHORITY_*
AUTHORITY_DIRECTORIES = 1
AUTHORITY_FILES = 2
AUTHORITY_LISTEN = 4
AUTHORITY_ENVIRONMENT = 8
AUTHORITY_ARGUMENTS = 16
AUTHORITY_DETERMINISTIC = 32
AUTHORITY_RUN_TIME = 64
AUTHORITY_EMBEDDED = 128
AUTHORITY_COMPRESSED = 256
AUTHORITY_OVERLAY = 512
AUTHORITY_PROFILE = 1024

EXPORT_KINDS = ("func", "table", "memory", "global", "tag")  # WAOT_EXPORT_*, numbered as in the binary format

TYPE_STRUCT, TYPE_ARRAY, TYPE_FUNCTION = 0, 1, 2  # enum waot_type_kind
WINDOWS = 33  # WAOT_WINDOWS
WINDOWS_SYMBOL = "waot_windows"
FUNCTION_INDEX_BITS = 21  # WAOT_FUNCTION_INDEX_BITS

# The order is the header's. A trap's function is `waot_trap_<name>`.
TRAPS = (
    "unreachable",
    "memory_out_of_bounds",
    "table_out_of_bounds",
    "integer_divide_by_zero",
    "integer_overflow",
    "invalid_conversion_to_integer",
    "undefined_element",
    "uninitialized_element",
    "indirect_call_type_mismatch",
    "call_stack_exhausted",
    "out_of_memory",
    "null_reference",
    "null_function_reference",
    "null_structure_reference",
    "null_array_reference",
    "null_i31_reference",
    "null_exception_reference",
    "cast_failure",
    "array_out_of_bounds",
    "uncaught_exception",
    "unaligned_atomic",
    "expected_shared_memory",
    "incompatible_import",
)

# Functions of the shim: symbol -> (result type, parameter types).
FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "waot_memory_create": ("void", ("ptr",)),
    "waot_memory_grow": ("i64", ("ptr", "i64")),
    "waot_memory_fill": ("void", ("ptr", "i64", "i32", "i64")),
    "waot_memory_copy": ("void", ("ptr", "ptr", "i64", "i64", "i64")),
    "waot_memory_init": ("void", ("ptr", "ptr", "i64", "i64", "i64")),
    "waot_memory_wait32": ("i32", ("ptr", "i64", "i64", "i32", "i64")),
    "waot_memory_wait64": ("i32", ("ptr", "i64", "i64", "i64", "i64")),
    "waot_memory_notify": ("i32", ("ptr", "i64", "i64", "i32")),
    "waot_memory_write_parts": ("void", ("ptr", "ptr", "ptr", "i64")),
    "waot_table_grow": ("i64", ("ptr", "ptr", "i64")),
    "waot_table_fill": ("void", ("ptr", "i64", "ptr", "i64")),
    "waot_table_copy": ("void", ("ptr", "ptr", "i64", "i64", "i64")),
    "waot_table_init": ("void", ("ptr", "ptr", "i64", "i64", "i64")),
    "waot_heap_allocate": ("ptr", ("i32",)),
    "waot_heap_allocate_array": ("ptr", ("i32", "i32")),
}

# Likewise, but only of the variant for programs with threads.
THREAD_FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "waot_wasi_leave": ("void", ()),
    "waot_table_release": ("void", ("ptr",)),
    "waot_heap_release": ("void", ()),
}

# Likewise, where such a program takes locks for atomic access (`Plan.locked_atomics`).
LOCKED_FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "waot_atomic_modify": ("i64", ("ptr", "i32", "i32", "i64")),
    "waot_atomic_compare_exchange": ("i64", ("ptr", "i32", "i64", "i64")),
}
ATOMIC_OPERATIONS = ("load", "xchg", "add", "sub", "and", "or", "xor")  # enum waot_atomic_operation
# Likewise, but only of programs that write a profile.
PROFILE_FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "waot_profile_callee": ("void", ("ptr", "i64")),
}

THROWN_AT = "waot_thrown_at"
TAIL_CALL = "waot_tail_call"
FUNCREF = "waot_funcref."  # and the function's index
DATA_IMAGE = "waot_data_image"
WASM_TEXT = ".text.wasm"  # section of wasm functions, see waot_wasm_text_start
MACHO_WASM_TEXT = "__TEXT,__wasm,regular,pure_instructions"  # the same in Mach-O objects, which others link
WASI_PREFIX = "waot_wasi_"


def trap_symbol(name: str) -> str:
    """The shim's function for the trap `name`, one of `TRAPS`."""
    return f"waot_trap_{name}"
