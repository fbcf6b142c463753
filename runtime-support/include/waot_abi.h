/* Everything that generated code and the runtime-support shim assume of each other.
 *
 * Lowering emits references only to what is declared here; `tests/test_abi.py` compares the two. A change here is
 * a change of the ABI: bump WAOT_ABI_VERSION, which is part of every cache key.
 *
 * Generated code is in LLVM IR, so the IR spelling of each struct stands beside it; `word` there is an integer as wide as a
 * pointer.
 */
#ifndef WAOT_ABI_H
#define WAOT_ABI_H

#include "waot_threads.h"

#include <stdint.h>

#define WAOT_ABI_VERSION 4

/* ---------------------------------------------------------------- symbols that generated code defines
 *
 *   wasm.<index>[.<name>]     a wasm function, in section .text.wasm (the linker script brackets it with
 *                             waot_wasm_text_start/end); native parameters and results, see docs/rationale.md
 *   waot_module               the descriptor below
 *   waot_memory.<index>       struct waot_memory
 *   waot_table.<index>        struct waot_table
 *   waot_global.<index>       a global's value
 *   waot_data.<index>         struct waot_data, segments that are needed at run time
 *   waot_elem.<index>         struct waot_elem, likewise
 *   waot_funcref.<index>      struct waot_funcref of a function, constant
 *   waot_heap                 struct waot_heap, constant; only where the module allocates objects
 *   waot_arguments            parameters that have no register, where a tail call cannot have them on the stack; 16 bytes
 *                             each, and live only from a call to the first instructions of its callee; one a thread
 *   waot_threads              struct waot_threads; only where the module imports wasi.thread-spawn
 *
 * In a program with threads each thread has an instance of its own: what is not constant is thread_local(localexec), but
 * for waot_memory.<index>, which all share, and for waot_heap likewise, because it points to what is.
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

/* %waot.memory = type { ptr, word, i64, i64, i32, i32 } */
struct waot_memory {
    uint8_t *base;
    uintptr_t bytes;     /* current size in bytes */
    uint64_t maximum;    /* largest size that grow may reach, in pages; the declared maximum or the index type's */
    uint64_t reserve;    /* bytes of address space to reserve from base on, at least `bytes`; the rest is a guard */
    uint32_t page_log2;  /* 16 but for custom page sizes */
    uint32_t flags;      /* WAOT_MEMORY_* */
};
#define WAOT_MEMORY_FIXED 1u   /* base is a constant address and [base, base + bytes) is mapped by the executable */
#define WAOT_MEMORY_CHECKED 2u /* generated code checks bounds, so `reserve` may become less where it must */
#define WAOT_MEMORY_SHARED 4u
#define WAOT_MEMORY_INDEX64 8u

/* A funcref is a pointer to one of these, or null. %waot.funcref = type { ptr, word } */
struct waot_funcref {
    void *code;
    uintptr_t type; /* canonical id of the function's type: equal ids, equal types */
};

/* %waot.table = type { ptr, word, word }; elements are funcrefs or externrefs, both pointers */
struct waot_table {
    void **elements;
    uintptr_t size;    /* current size in elements */
    uintptr_t maximum; /* largest size in elements that grow may reach */
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
    uint32_t start; /* byte offset of the body in the .wasm file, plus the size of all linked before it */
    uint32_t end;   /* past its last byte */
    uint32_t index; /* in its module; above WAOT_FUNCTION_INDEX_BITS the module's number, 0 for the first or only one */
    uint32_t name;  /* offset into `names` of a NUL-terminated UTF-8 name; 0 (an empty string) if it has none. Where
                     * there are several modules the name begins with that of the module. */
};

#define WAOT_FUNCTION_INDEX_BITS 21u /* no module has more functions than 2 million, imports included */
#define WAOT_FUNCTION_INDEX ((1u << WAOT_FUNCTION_INDEX_BITS) - 1u)

/* %waot.module = type { ptr, ptr, ptr, i64, ptr, ptr, i64, ptr } */
struct waot_module {
    void (*instantiate)(void);          /* section 4.5.4 from globals to the start function; may trap */
    void (*entry)(void);                /* the export `_start` */
    struct waot_memory *const *memories;
    uint64_t memory_count;
    const struct waot_function *functions;
    const char *names;
    uint64_t function_count;
    const uint32_t *starts; /* by module number: what byte offsets in it have been raised by; null if there is one */
};
extern const struct waot_module waot_module;

/* What wasi/ can have to do at the start of the program, by its imports and its grants: a constant, so that what it rules
 * out is not linked. Weak in the shim, where it is all of it. */
extern const uint32_t waot_authority;
#define WAOT_AUTHORITY_DIRECTORIES 1u    /* there may be granted directories */
#define WAOT_AUTHORITY_FILES 2u          /* granted files */
#define WAOT_AUTHORITY_LISTEN 4u         /* listening sockets */
#define WAOT_AUTHORITY_ENVIRONMENT 8u    /* variables that whoever runs it grants */
#define WAOT_AUTHORITY_ARGUMENTS 16u     /* fixed arguments */
#define WAOT_AUTHORITY_DETERMINISTIC 32u /* a seed */
#define WAOT_AUTHORITY_RUN_TIME 64u      /* it is not sealed */
#define WAOT_AUTHORITY_EMBEDDED 128u     /* embedded directories */
#define WAOT_AUTHORITY_COMPRESSED 256u   /* with compressed files in them */
#define WAOT_AUTHORITY_OVERLAY 512u      /* and granted ones on top of some */
#define WAOT_AUTHORITY_PROFILE 1024u     /* it writes a profile */

/* ---------------------------------------------------------------- exports
 *
 * What follows is there only where the build asks for it (`LoweringOptions.exports`): a command needs its `_start` and
 * nothing else. */

/* An argument or a result: the value in the low bytes, references as pointers, and as results with zeros up to 64 bits. */
struct waot_slot {
    uint64_t words[2];
} __attribute__((aligned(16)));

/* Takes arguments from `slots` and puts results there, the first of either at slots[0]. The exception that the function
 * ended with, or null. */
typedef void *waot_export_function(struct waot_slot *slots);

/* %waot.export = type { ptr, i32, i32, i32, i32, ptr } */
struct waot_export {
    const char *name;   /* NUL behind it; it may have others inside */
    uint32_t name_size; /* bytes, without that NUL */
    uint32_t kind;      /* WAOT_EXPORT_* */
    uint32_t instance;  /* whose export it is: an index into waot_instances */
    uint32_t type;      /* of a function: as in its funcref */
    void *item;         /* WAOT_EXPORT_FUNC: waot_export_function; GLOBAL: one without arguments that gets the value;
                         * MEMORY: struct waot_memory; TABLE: struct waot_table; TAG: null */
};
enum waot_export_kind {
    WAOT_EXPORT_FUNC = 0,
    WAOT_EXPORT_TABLE = 1,
    WAOT_EXPORT_MEMORY = 2,
    WAOT_EXPORT_GLOBAL = 3,
    WAOT_EXPORT_TAG = 4,
};
extern const struct waot_export waot_exports[];
/* Instantiation one by one, in this order, for who does not call waot_module.instantiate. Each may trap. */
extern void (*const waot_instances[])(void);

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
    T(call_stack_exhausted, "call stack exhausted")                        \
    T(out_of_memory, "out of memory")                                      \
    T(null_reference, "null reference")                                    \
    T(null_function_reference, "null function reference")                  \
    T(null_structure_reference, "null structure reference")                \
    T(null_array_reference, "null array reference")                        \
    T(null_i31_reference, "null i31 reference")                            \
    T(null_exception_reference, "null exception reference")                \
    T(cast_failure, "cast failure")                                        \
    T(array_out_of_bounds, "out of bounds array access")                   \
    T(uncaught_exception, "uncaught exception")                            \
    T(unaligned_atomic, "unaligned atomic")                                \
    T(expected_shared_memory, "expected shared memory")                    \
    T(incompatible_import, "incompatible import type")

#define WAOT_DECLARE_TRAP(name, text) __attribute__((nomerge, cold)) _Noreturn void waot_trap_##name(void);
WAOT_TRAPS(WAOT_DECLARE_TRAP)
#undef WAOT_DECLARE_TRAP

/* Set before the trap uncaught_exception: the byte offset in the .wasm file of the operator that threw. */
extern WAOT_THREAD_LOCAL uint32_t waot_thrown_at;

/* memory.grow: the size in pages before, or -1 where the maximum or the system forbids it. */
int64_t waot_memory_grow(struct waot_memory *memory, uint64_t delta_pages);
/* Bulk memory, section 4.6.10. Bounds are checked first, then nothing or everything is written; traps otherwise. */
void waot_memory_fill(struct waot_memory *memory, uint64_t at, uint32_t value, uint64_t count);
void waot_memory_copy(struct waot_memory *destination, struct waot_memory *source, uint64_t to, uint64_t from,
                      uint64_t count);
void waot_memory_init(struct waot_memory *memory, const struct waot_data *data, uint64_t to, uint64_t from,
                      uint64_t count);
/* Waiting (the proposal threads), at `index` plus `offset`, which is checked here. wait: 0 woken, 1 the value there is
 * not `expected`, 2 `timeout` ns have passed (negative: never); traps in a memory that is not shared. notify: how many
 * it has woken, at most `count`. */
uint32_t waot_memory_wait32(struct waot_memory *memory, uint64_t index, uint64_t offset, uint32_t expected,
                            int64_t timeout);
uint32_t waot_memory_wait64(struct waot_memory *memory, uint64_t index, uint64_t offset, uint64_t expected,
                            int64_t timeout);
uint32_t waot_memory_notify(struct waot_memory *memory, uint64_t index, uint64_t offset, uint32_t count);
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

/* Where the back end makes no tail call through a pointer (POWER): os/posix/<architecture>.S, in section .text, has
 * waot_tail_call, which goes on at the pointer that it gets as `nest`, with all other arguments left as they are. */

/* ---------------------------------------------------------------- the heap of objects (core/gc)
 *
 * A reference is a word: null; an i31, with bit 0 set; a host's externref, with bit 0 clear and bit 1 set; a funcref, which
 * points into the executable; or the address of an object on the heap, a multiple of 16.
 *
 * An object begins with this, then come its fields or elements, zero when it is new. %waot.object = type { i32, i32 } */
struct waot_object {
    uint32_t type;   /* its number, an index into waot_heap.types */
    uint32_t length; /* elements of an array; of an exception, the byte offset of its `throw` in the .wasm file */
};

/* What the collector knows of a type. %waot.type = type { i32, i32, i32, i32, ptr } */
struct waot_type {
    uint32_t kind;              /* enum waot_type_kind */
    uint32_t size;              /* struct: bytes, with the header; array: bytes of an element */
    uint32_t first;             /* array: byte offset of element 0, at least 8 */
    uint32_t reference_count;   /* struct: entries of `references`; array: 1 if the elements are references, else 0 */
    const uint32_t *references; /* struct: byte offset of each field that holds a reference, aligned as a pointer */
};
enum waot_type_kind {
    WAOT_TYPE_STRUCT = 0, /* exceptions too */
    WAOT_TYPE_ARRAY = 1,
    WAOT_TYPE_FUNCTION = 2, /* never the type of an object on the heap */
};

/* Words that may hold references. %waot.roots = type { ptr, i64 } */
struct waot_roots {
    void **words;
    uint64_t count;
};

/* %waot.heap = type { ptr, i64, ptr, i64, ptr, i64, i64 } */
struct waot_heap {
    const struct waot_type *types;
    uint64_t type_count;
    const struct waot_roots *roots;
    uint64_t root_count;
    struct waot_table *const *tables; /* those whose elements may be objects; read anew at each collection */
    uint64_t table_count;
    uint64_t limit; /* bytes that objects may take, in blocks of 64 KiB; 0: what the machine has */
};
extern WAOT_THREAD_LOCAL const struct waot_heap waot_heap __attribute__((visibility("hidden")));

/* Zeros to allocate from: objects of 16 * i bytes, header included, take `next` of waot_windows[i] and move it on where
 * that does not pass `end`, i from 1 to 32. The header must be written before the next call. The collector need not be
 * told; it empties the windows. %waot.window = type { ptr, ptr } */
struct waot_window {
    uint8_t *next;
    uint8_t *end;
};
#define WAOT_WINDOWS 33u
extern WAOT_THREAD_LOCAL struct waot_window waot_windows[WAOT_WINDOWS];

/* A new object, all zeros but for its header; never null: traps (out_of_memory) where a collection gives no room. These
 * read and write all memory that references can be in, so nothing about them may be told to LLVM that denies it. */
void *waot_heap_allocate(uint32_t type);
void *waot_heap_allocate_array(uint32_t type, uint32_t length);

/* ---------------------------------------------------------------- threads (wasi-threads)
 *
 * Only in the variant of the shim for programs that start threads (waot_threads.h). */

/* %waot.threads = type { ptr, ptr, ptr } */
struct waot_threads {
    void (*instantiate)(void);                         /* of a thread's instance: all but what makes shared memories */
    void (*start)(uint32_t thread, uint32_t argument); /* the export `wasi_thread_start` */
    void (*release)(void);                             /* gives back what the instance has taken from the system */
};
extern const struct waot_threads waot_threads;

/* The import wasi.thread-spawn: a positive number, which no other living thread has, or minus an errno. */
uint32_t waot_wasi_thread_spawn(struct waot_memory *memory, uint32_t argument);
/* Called when an import that takes descriptors has returned: this thread is done with those that it looked up. */
void waot_wasi_leave(void);
/* Atomic operators of a program that has some of 64 bits, where the processor has none: of `width` bytes at an aligned
 * address. What was there before. */
uint64_t waot_atomic_modify(void *at, uint32_t width, uint32_t operation, uint64_t value);
uint64_t waot_atomic_compare_exchange(void *at, uint32_t width, uint64_t expected, uint64_t value);
enum waot_atomic_operation {
    WAOT_ATOMIC_LOAD = 0, /* writes nothing */
    WAOT_ATOMIC_XCHG = 1,
    WAOT_ATOMIC_ADD = 2,
    WAOT_ATOMIC_SUB = 3,
    WAOT_ATOMIC_AND = 4,
    WAOT_ATOMIC_OR = 5,
    WAOT_ATOMIC_XOR = 6,
};
/* For waot_threads.release: storage that a table has grown to, and the heap of this thread's objects. */
void waot_table_release(struct waot_table *table);
void waot_heap_release(void);

/* ---------------------------------------------------------------- profiles
 *
 * Of programs that count what they do (--profile-generate). The file is described in waot/profile.py: parts, each a head
 * and then the counters and sites of one unit. Functions that a funcref may be of have their index, plus 1, in the four
 * bytes before their code, and what else stands in a table has 0 there. */

/* %waot.profile_part = type { ptr, i64, ptr, i64 } */
struct waot_profile_part {
    const uint8_t *head;
    uint64_t head_size;
    uint8_t **values; /* at the start it points to `size` bytes of zeros */
    uint64_t size;
};

/* %waot.profile = type { ptr, i64 } */
struct waot_profile {
    const struct waot_profile_part *const *parts;
    uint64_t count;
};
extern const struct waot_profile waot_profile; /* weak in the shim, where it has no part */

/* A function that was called at a site, and how often. */
struct waot_profile_callee {
    uint64_t function; /* its index plus 1, or 0 */
    uint64_t count;
};
#define WAOT_PROFILE_CALLEES 4 /* of a site */
/* Counts a call of the function with that number, which is none or not the first of the site's. */
void waot_profile_callee(struct waot_profile_callee *site, uint64_t function);

/* ---------------------------------------------------------------- imports
 *
 * An import (import "wasi_snapshot_preview1" "fd_write" (func ...)) is the symbol waot_wasi_fd_write with the
 * memory that the module exports as "memory" (or null) before the wasm parameters. Signatures: wasi_preview1.def.
 * What is imported from "wasi_unstable" is the same symbol, but waot_wasi_unstable_fd_seek for those of wasi_unstable.def.
 */
#define WASI(name, result, parameters) result waot_wasi_##name parameters;
#define I32 uint32_t
#define I64 uint64_t
#define NONE void
#define MEMORY struct waot_memory *memory
#include "wasi_preview1.def"
#undef WASI
#define WASI(name, result, parameters) result waot_wasi_unstable_##name parameters;
#include "wasi_unstable.def"
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
    WAOT_RECORD_IMPORT = 8,      /* MODULE NUL, then NAME NUL for each import from it that the program uses */
    WAOT_RECORD_MODULE = 9,      /* SHA-256 of the .wasm file, 32 bytes, then its file name NUL; flag 1: NAME NUL of the
                                  * module it was linked as */
    WAOT_RECORD_FILE = 10,       /* HOST NUL GUEST NUL; flag 1: read-only */
    WAOT_RECORD_ARGUMENT = 11,   /* text NUL: an argument before those of the command line */
    WAOT_RECORD_LISTEN = 12,     /* ADDR:PORT NUL, an IPv6 address in brackets */
    WAOT_RECORD_SEED = 13,       /* uint64_t: clocks and randomness follow from it */
    WAOT_RECORD_SEALED = 14,     /* empty: whoever runs the program cannot add grants */
    WAOT_RECORD_SECCOMP = 15,    /* filters of system calls (waot/linker/confine.py); flag 1: left out (empty), flag 2:
                                  * the program does not run without; empty without flag 1: capability mode */
    WAOT_RECORD_EMBED = 16,      /* struct waot_embedded, then GUEST NUL; flag 1: compressed where that saved space */
    WAOT_RECORD_OVERLAY = 17,    /* HOST NUL GUEST NUL: what is written to the embedded directory GUEST goes to HOST */
    WAOT_RECORD_PROFILE = 18,    /* PATH NUL: the file that its profile goes to */
    WAOT_RECORD_INFO = 19,       /* text, without NUL: what WAOT_INFO=1 prints */
};
#define WAOT_RECORD_READ_ONLY 1u
#define WAOT_RECORD_LINKED 1u
#define WAOT_RECORD_COMPRESSED 1u
#define WAOT_RECORD_LEFT_OUT 1u
#define WAOT_RECORD_REQUIRED 2u
extern const unsigned char waot_manifest_start[], waot_manifest_end[];

/* ---------------------------------------------------------------- embedded directories
 *
 * All of them are one image, a loaded, read-only, page aligned part of the executable at waot_embed_start that nothing
 * relocates: struct waot_embed_image, then contents and link targets, then nodes and names. Offsets are from the start of
 * the image. Numbers are in the target's byte order. The record of a directory: */
struct waot_embedded {
    uint32_t root;        /* its node */
    uint32_t directories; /* how many it holds, itself included */
    uint32_t files;
    uint32_t links;
    uint64_t bytes;  /* of all its files, as the guest sees them */
    uint64_t stored; /* the bytes that these take in the image, contents that are equal counted once */
};

struct waot_embed_image {
    uint64_t size;       /* bytes of the whole image */
    uint64_t nodes;      /* offset of the nodes; node 0 is none */
    uint64_t names;      /* offset of the names */
    uint64_t node_count; /* the one that is none included */
};

/* A file, a directory or a symbolic link; its number is also its inode. The entries of a directory stand side by side,
 * sorted by the bytes of their names. */
struct waot_embed_node {
    uint64_t modified;  /* ns since 1970 */
    uint64_t size;      /* bytes of a file or of a link's target */
    uint64_t data;      /* offset of the contents, of the target, or, compressed, of uint64_t block offsets */
    uint32_t name;      /* offset into the names */
    uint32_t parent;    /* directory that it stands in; a root's is itself */
    uint32_t first;     /* of a directory: its first entry */
    uint32_t count;     /* and how many it has */
    uint32_t links;     /* names that it has, as stat tells */
    uint8_t name_size;  /* bytes */
    uint8_t filetype;   /* WAOT_WASI_FILETYPE_* */
    uint8_t compressed; /* 1: blocks of WAOT_EMBED_BLOCK bytes, the last one shorter. Block i is [offset[i], offset[i+1]):
                         * raw deflate (RFC 1951), or as it is where it has all the bytes of the block. */
    uint8_t unused;
};
#define WAOT_EMBED_BLOCK 65536u

/* Linker-script symbols. */
extern const unsigned char waot_embed_start[];
extern const unsigned char waot_wasm_text_start[], waot_wasm_text_end[];
extern const unsigned char waot_lines_start[], waot_lines_end[];
extern const unsigned char waot_eh_frame_start[], waot_eh_frame_end[];

#endif
