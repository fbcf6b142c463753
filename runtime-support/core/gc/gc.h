/* The collector of the heap of objects: non-moving mark and sweep, precise in the heap, conservative on the native stack.
 *
 * The heap is one reservation of address space, in blocks of 64 KiB. A block is free, holds cells of one size class, or
 * belongs to one large object. Tables beside the heap say which, and hold a mark for each 16 bytes, so whatever word the
 * stack shows is resolved, or refused, by arithmetic and without touching an object.
 *
 *     blocks.c    address space, the table of blocks, runs of free blocks
 *     mark.c      roots, the stack, the mark stack
 *     allocate.c  size classes, windows and their sweeping, when to collect
 *
 * A cell is live or free by what the last collection marked, not by lists: `swept` of its block says how far allocation
 * has gone through it since. Cells below are objects, but for the rest of the open window; those above are objects where
 * they are marked. So windows need no word from generated code, and the stack cannot bring back a cell that is free.
 */
#ifndef WAOT_GC_H
#define WAOT_GC_H

#include "../../include/waot_abi.h"

#include <stddef.h>
#include <stdint.h>

#define WAOT_GC_BLOCK_LOG2 16
#define WAOT_GC_BLOCK (UINT64_C(1) << WAOT_GC_BLOCK_LOG2)
#define WAOT_GC_MARK_WORDS (WAOT_GC_BLOCK / 16 / 64) /* of marks for a block */
#define WAOT_GC_CLASSES 55u
#define WAOT_GC_LARGEST_CELL 32768u
#define WAOT_GC_BINS 32u
#define WAOT_GC_NONE UINT32_MAX /* no block */
#define WAOT_GC_FIRST_MARKS 256u

enum waot_gc_kind {
    WAOT_GC_FREE = 0,
    WAOT_GC_CELLS,
    WAOT_GC_LARGE, /* the first block of an object of its own */
    WAOT_GC_REST,  /* its other blocks */
};

struct waot_gc_block {
    uint8_t kind;       /* enum waot_gc_kind */
    uint8_t cell_class; /* CELLS */
    uint8_t zero;       /* FREE: all zeros. Otherwise: was so when it was taken, and nothing has been collected since */
    uint32_t count;     /* FREE, the first of a run, and LARGE: blocks in it. REST: distance to the first */
    uint32_t next;      /* FREE, the first of a run: in its bin. CELLS: the next of its class to allocate from */
    uint32_t swept;     /* CELLS: bytes that allocation has gone through */
    uint64_t size;      /* LARGE: bytes that count against the limit */
};

/* A part of the reservation whose first bytes are readable and writable. */
struct waot_gc_region {
    uint8_t *base;
    uint64_t committed;
};

struct waot_gc_mark {
    struct waot_object *object;
    uint64_t from; /* array: the first element to look at */
};

/* All of the collector's state but the windows that generated code knows. */
struct waot_gc {
    uint8_t *base;               /* of the heap, a multiple of a block; null before the first object */
    uint64_t extent;             /* bytes from base in blocks that were ever used */
    struct waot_gc_block *table; /* one a block */
    uint64_t *marks;             /* of the last collection, or of the one that runs */
    uint64_t *old_marks;         /* of the one before */
    uint32_t blocks;             /* that the reservation has room for */
    uint64_t limit;
    uint64_t used;      /* bytes of the blocks in use, as the limit counts */
    uint64_t allocated; /* bytes handed out since the last collection */
    uint64_t budget;    /* how many may be until the next */
    uint32_t strikes;   /* collections in a row that gave next to nothing */
    struct waot_gc_region regions[4]; /* table, both marks, heap */
    uint32_t bins[WAOT_GC_BINS];      /* runs of free blocks, by the logarithm of their length */
    uint32_t current[WAOT_GC_CLASSES]; /* the block that the class's window is in */
    uint32_t queue[WAOT_GC_CLASSES];   /* blocks to sweep when it is used up */
    struct waot_window windows[WAOT_GC_CLASSES - WAOT_WINDOWS]; /* of the classes that generated code does not know */

    struct waot_gc_mark *stack; /* the mark stack */
    uint64_t depth, capacity;
    uintptr_t dropped_low, dropped_high; /* marked objects that found no room on it; none where low > high */
    uint64_t root_bytes;                 /* that the last collection went through */
    struct waot_gc_mark first_stack[WAOT_GC_FIRST_MARKS];

    uint64_t collections, total, live, live_objects, overflows;
};
extern WAOT_THREAD_LOCAL struct waot_gc waot_gc;

/* Bytes of a cell of each class. */
extern const uint16_t waot_gc_sizes[WAOT_GC_CLASSES];

static inline struct waot_window *waot_gc_window(unsigned cell_class)
{
    return cell_class < WAOT_WINDOWS ? &waot_windows[cell_class] : &waot_gc.windows[cell_class - WAOT_WINDOWS];
}

/* ---------------------------------------------------------------- blocks.c */

/* Reserves the heap; 0, or -1 where the system refuses. */
int waot_gc_create(void);
/* The first of `count` blocks, marked as `kind`, that will take `size` bytes of the limit; or WAOT_GC_NONE. */
uint32_t waot_gc_take(uint64_t count, uint64_t size, enum waot_gc_kind kind);
/* Makes the runs of free blocks anew from the table. `keep` blocks that are not zero stay as they are for what is
 * allocated soon, others go back to the system. */
void waot_gc_release(uint64_t keep);

/* ---------------------------------------------------------------- mark.c */

/* Marks all that can be reached from the roots, and from the stack above its caller's frame and what it saved there. */
void waot_gc_mark(void);

/* ---------------------------------------------------------------- allocate.c */

void waot_gc_collect(void);

/* ---------------------------------------------------------------- for tests */

struct waot_gc_tuning {
    uint64_t least_budget;   /* bytes between collections where little is alive */
    uint64_t window;         /* bytes to open at once; no less than a cell */
    uint64_t mark_stack;     /* bytes that the mark stack may take in any case; more with a large heap, if not 0 */
    uint64_t poison;         /* not 0: overwrite what is free */
};
extern struct waot_gc_tuning waot_gc_tuning;

#endif
