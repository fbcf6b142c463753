/* Everything that generated code and the runtime-support shim assume of each other.
 *
 * Lowering emits references only to what is declared here; `tests/test_abi.py` compares the two. A change here is
 * a change of the ABI: bump WAOT_ABI_VERSION, which is part of every cache key.
 *
 * Generated code is in LLVM IR, so the IR spelling of each struct stands beside it.
 */
#ifndef WAOT_ABI_H
#define WAOT_ABI_H

#include <stdint.h>

#define WAOT_ABI_VERSION 1

/* ---------------------------------------------------------------- symbols that generated code defines
 *
 *   wasm.<index>[.<name>]     a wasm function, in section .text.wasm (the linker script brackets it with
 *                             waot_wasm_text_start/end); native parameters and results, see docs/rationale.md
 *   waot_module               the descriptor below
 *   waot_memory.<index>       struct waot_memory
 *   waot_table.<index>        struct waot_table
 *   waot_global.<index>       a global's value
 *   waot_data.<index>         struct waot_data, passive segments
 *   waot_elem.<index>         struct waot_elem, passive segments
 *   waot_funcref.<index>      struct waot_funcref of a function, constant
 *   waot_arguments            parameters that have no register, where a tail call cannot have them on the stack; 16 bytes
 *                             each, and live only from a call to the first instructions of its callee; one a thread
 *
 * and one that the linker makes from bytes that lowering hands it, because megabytes of data are no business of
 * LLVM's:
 *
 *   waot_data_image           the bytes of all data segments that the running program needs, one after the other
 *
 * Source positions: each instruction that can trap or call carries a debug location whose *line* is the operator's
 * byte offset in the .wasm file. The line table (.debug_line, DWARF 4) is made a loaded section, bracketed by
 * waot_lines_start/end, and is how a program counter becomes a wasm offset. Functions are found from the offset.
 */

/* %waot.memory = type { ptr, i64, i64, i64, i32, i32 } */
struct waot_memory {
    uint8_t *base;
    uint64_t bytes;      /* current size in bytes */
    uint64_t maximum;    /* largest size that grow may reach, in pages; the declared maximum or the index type's */
    uint64_t reserve;    /* bytes of address space to reserve from base on, at least `bytes`; the rest is a guard */
    uint32_t page_log2;  /* 16 but for custom page sizes */
    uint32_t flags;      /* WAOT_MEMORY_* */
};
#define WAOT_MEMORY_FIXED 1u /* base is a constant address and [base, base + bytes) is mapped by the executable */

/* A funcref is a pointer to one of these, or null. %waot.funcref = type { ptr, i64 } */
struct waot_funcref {
    void *code;
    uint64_t type; /* canonical id of the function's type: equal ids, equal types */
};

/* %waot.table = type { ptr, i64, i64 }; elements are funcrefs or externrefs, both pointers */
struct waot_table {
    void **elements;
    uint64_t size;    /* current size in elements */
    uint64_t maximum; /* largest size in elements that grow may reach */
};

/* %waot.data = type { ptr, i64 }; data.drop makes size 0 */
struct waot_data {
    const uint8_t *bytes;
    uint64_t size;
};

/* %waot.elem = type { ptr, i64 } */
struct waot_elem {
    void *const *elements;
    uint64_t size;
};

/* At instantiation, `size` bytes at `source` in waot_data_image go to `offset` in a memory.
 * %waot.part = type { i64, i64, i64 } */
struct waot_part {
    uint64_t offset;
    uint64_t source;
    uint64_t size;
};

/* One function, for backtraces. Sorted by `start`. %waot.function = type { i32, i32, i32, i32 } */
struct waot_function {
    uint32_t start; /* byte offset of the body in the .wasm file */
    uint32_t end;   /* past its last byte */
    uint32_t index; /* in the function index space */
    uint32_t name;  /* offset into `names` of a NUL-terminated UTF-8 name; 0 (an empty string) if it has none */
};

/* %waot.module = type { ptr, ptr, ptr, i64, ptr, ptr, i64 } */
struct waot_module {
    void (*instantiate)(void);          /* section 4.5.4 from globals to the start function; may trap */
    void (*entry)(void);                /* the export `_start` */
    struct waot_memory *const *memories;
    uint64_t memory_count;
    const struct waot_function *functions;
    const char *names;
    uint64_t function_count;
};
extern const struct waot_module waot_module;

/* ---------------------------------------------------------------- symbols that the shim defines */

/* Traps. Each never returns; the call's own location says where, so calls must not be merged. The text is what the user
 * sees. */
#define WAOT_TRAPS(T)                                                      \
    T(unreachable, "unreachable")                                          \
    T(memory_out_of_bounds, "out of bounds memory access")                 \
    T(table_out_of_bounds, "out of bounds table access")                   \
    T(integer_divide_by_zero, "integer divide by zero")                    \
    T(integer_overflow, "integer overflow")                                \
    T(invalid_conversion_to_integer, "invalid conversion to integer")      \
    T(undefined_element, "undefined element")                              \
    T(uninitialized_element, "uninitialized element")                      \
    T(indirect_call_type_mismatch, "indirect call type mismatch")          \
    T(call_stack_exhausted, "call stack exhausted")

#define WAOT_DECLARE_TRAP(name, text) __attribute__((nomerge, cold)) _Noreturn void waot_trap_##name(void);
WAOT_TRAPS(WAOT_DECLARE_TRAP)
#undef WAOT_DECLARE_TRAP

/* memory.grow: the size in pages before, or -1 where the maximum or the system forbids it. */
int64_t waot_memory_grow(struct waot_memory *memory, uint64_t delta_pages);
/* Bulk memory, section 4.6.10. Bounds are checked first, then nothing or everything is written; traps otherwise. */
void waot_memory_fill(struct waot_memory *memory, uint64_t at, uint32_t value, uint64_t count);
void waot_memory_copy(struct waot_memory *destination, struct waot_memory *source, uint64_t to, uint64_t from,
                      uint64_t count);
void waot_memory_init(struct waot_memory *memory, const struct waot_data *data, uint64_t to, uint64_t from,
                      uint64_t count);
/* Tables. get and set are lowered inline. grow: the size before, or -1. */
int64_t waot_table_grow(struct waot_table *table, void *value, uint64_t delta);
void waot_table_fill(struct waot_table *table, uint64_t at, void *value, uint64_t count);
void waot_table_copy(struct waot_table *destination, struct waot_table *source, uint64_t to, uint64_t from,
                     uint64_t count);
void waot_table_init(struct waot_table *table, const struct waot_elem *elem, uint64_t to, uint64_t from,
                     uint64_t count);
/* Called first by `instantiate`, once a memory: reserves and commits as the descriptor says (does nothing for the
 * part that WAOT_MEMORY_FIXED says is mapped). Ends the program with a message if the system refuses. */
void waot_memory_create(struct waot_memory *memory);

/* Writes active data segments; lowering has checked their bounds. */
void waot_memory_write_parts(struct waot_memory *memory, const uint8_t *image, const struct waot_part *parts,
                             uint64_t count);

/* ---------------------------------------------------------------- imports
 *
 * An import (import "wasi_snapshot_preview1" "fd_write" (func ...)) is the symbol waot_wasi_fd_write with the
 * memory that the module exports as "memory" (or null) before the wasm parameters. Signatures: wasi_preview1.def.
 */
#define WASI(name, result, parameters) result waot_wasi_##name parameters;
#define I32 uint32_t
#define I64 uint64_t
#define NONE void
#define MEMORY struct waot_memory *memory
#include "wasi_preview1.def"
#undef WASI
#undef I32
#undef I64
#undef NONE
#undef MEMORY

/* ---------------------------------------------------------------- the manifest
 *
 * Section .waot.manifest (bracketed by waot_manifest_start/end by the linker script): what the builder granted and
 * what `waot inspect` shows. A sequence of records, each 8-byte aligned: struct waot_record, `size` bytes, padding;
 * ends with a record of kind 0. Strings inside are NUL-terminated.
 */
struct waot_record {
    uint16_t kind;
    uint16_t flags;
    uint32_t size; /* bytes of the payload, without padding */
};
enum waot_record_kind {
    WAOT_RECORD_END = 0,
    WAOT_RECORD_DIR = 1,         /* HOST NUL GUEST NUL; flag 1: read-only */
    WAOT_RECORD_ENV = 2,         /* NAME=VALUE NUL, or NAME NUL: taken from the environment at run time if set */
    WAOT_RECORD_INHERIT_ENV = 3, /* empty: all of the environment */
    WAOT_RECORD_STACK_SIZE = 4,  /* uint64_t: bytes of native stack */
    WAOT_RECORD_VERSION = 5,     /* waot's version NUL */
    WAOT_RECORD_TARGET = 6,      /* target name NUL */
    WAOT_RECORD_MEMORY = 7,      /* strategy name NUL */
    WAOT_RECORD_IMPORT = 8,      /* MODULE NUL NAME NUL: one for each import the program uses */
    WAOT_RECORD_MODULE = 9,      /* SHA-256 of the .wasm file, 32 bytes, then its file name NUL */
};
#define WAOT_RECORD_READ_ONLY 1u
extern const unsigned char waot_manifest_start[], waot_manifest_end[];

/* Linker-script symbols. */
extern const unsigned char waot_wasm_text_start[], waot_wasm_text_end[];
extern const unsigned char waot_lines_start[], waot_lines_end[];
extern const unsigned char waot_eh_frame_start[], waot_eh_frame_end[];

#endif
