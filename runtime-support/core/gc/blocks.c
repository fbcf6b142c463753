/* The heap's address space: one reservation, committed from its start as it is needed, and the runs of free blocks in it.
 *
 * Blocks become free by a collection only, which goes through all of them anyway. So runs are not merged one by one:
 * they are found anew each time.
 */
#include "gc.h"

#include "../memory.h"
#include "../process.h"

#define WAOT_GC_LEAST_BLOCKS 64u
#define WAOT_GC_MOST_BLOCKS (UINT64_C(1) << 26) /* 4 TiB */
#define WAOT_GC_STEP 64u                        /* blocks to commit at least */
#define WAOT_GC_SHARE 2048u                     /* blocks of a thread's heap where address space is short: 128 MiB */
#define WAOT_GC_TRIES 8u                        /* runs of about the right length to look at */

WAOT_THREAD_LOCAL struct waot_gc waot_gc;

static uint64_t waot_gc_up(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) & ~(unit - 1);
}

/* Bytes of regions[i] that `blocks` blocks need. */
static uint64_t waot_gc_region_size(unsigned i, uint64_t blocks)
{
    static const uint32_t each[4] = {sizeof(struct waot_gc_block), WAOT_GC_MARK_WORDS * 8, WAOT_GC_MARK_WORDS * 8,
                                     WAOT_GC_BLOCK};
    return blocks * each[i];
}

/* Bytes to reserve for that many blocks and what stands beside them, each region at a multiple of a block. */
static uint64_t waot_gc_reservation(uint64_t blocks)
{
    uint64_t size = WAOT_GC_BLOCK;
    for (unsigned i = 0; i < 4; i++)
        size += waot_gc_up(waot_gc_region_size(i, blocks), WAOT_GC_BLOCK);
    return size;
}

/* Address space is short (ulimit -v, 32 bits): less than `*blocks`, or null. Half of what there is is left to others. Where
 * these are the heaps of threads it is not found out how much that is: what is held meanwhile another may want. */
static uint8_t *waot_gc_reserve_less(uint64_t *blocks)
{
    uint64_t count = WAOT_THREADS && *blocks > 2 * WAOT_GC_SHARE ? 2 * WAOT_GC_SHARE : *blocks;
    uint8_t *at;
    do {
        count /= 2;
        if (count < WAOT_GC_LEAST_BLOCKS)
            return NULL;
        at = waot_os_reserve(waot_gc_reservation(count));
    } while (!at);
    if (!WAOT_THREADS) {
        waot_os_free_pages(at, waot_gc_reservation(count));
        count /= 2;
        at = waot_os_reserve(waot_gc_reservation(count));
    }
    *blocks = count;
    return at;
}

static WAOT_THREAD_LOCAL uint8_t *waot_gc_reserved; /* the reservation, from its start, of a thread that may end */

int waot_gc_create(void)
{
    struct waot_gc *gc = &waot_gc;
    uint64_t limit = waot_heap.limit ? waot_heap.limit : waot_os_memory_size();
    /* Twice, because the heap does not move: runs between objects can be too short for what is asked. */
    uint64_t blocks = (limit >> WAOT_GC_BLOCK_LOG2) * 2 + WAOT_GC_LEAST_BLOCKS;
    if (limit > WAOT_GC_MOST_BLOCKS << WAOT_GC_BLOCK_LOG2 || blocks > WAOT_GC_MOST_BLOCKS)
        blocks = WAOT_GC_MOST_BLOCKS;
    uint8_t *at = waot_os_reserve(waot_gc_reservation(blocks));
    if (!at)
        at = waot_gc_reserve_less(&blocks);
    if (!at)
        return -1;
    if (WAOT_THREADS)
        waot_gc_reserved = at;
    at = (uint8_t *)waot_gc_up((uintptr_t)at, WAOT_GC_BLOCK);
    for (unsigned i = 0; i < 4; i++) {
        gc->regions[i].base = at;
        at += waot_gc_up(waot_gc_region_size(i, blocks), WAOT_GC_BLOCK);
    }
    gc->table = (struct waot_gc_block *)gc->regions[0].base;
    gc->marks = (uint64_t *)gc->regions[1].base;
    gc->old_marks = (uint64_t *)gc->regions[2].base;
    gc->base = gc->regions[3].base;
    gc->blocks = (uint32_t)blocks;
    gc->limit = limit < blocks << WAOT_GC_BLOCK_LOG2 ? limit : blocks << WAOT_GC_BLOCK_LOG2;
    gc->budget = waot_gc_tuning.least_budget;
    gc->stack = gc->first_stack;
    gc->capacity = WAOT_GC_FIRST_MARKS;
    for (unsigned i = 0; i < WAOT_GC_BINS; i++)
        gc->bins[i] = WAOT_GC_NONE;
    for (unsigned i = 0; i < WAOT_GC_CLASSES; i++)
        gc->current[i] = gc->queue[i] = WAOT_GC_NONE;
    return 0;
}

void waot_heap_release(void)
{
    struct waot_gc *gc = &waot_gc;
    if (!gc->base)
        return;
    if (gc->stack != gc->first_stack)
        waot_os_free_pages(gc->stack, gc->capacity * sizeof *gc->stack);
    waot_os_free_pages(waot_gc_reserved, waot_gc_reservation(gc->blocks));
}

/* Makes the first `blocks` blocks usable, and what stands beside them. */
static int waot_gc_commit(uint64_t blocks)
{
    for (unsigned i = 0; i < 4; i++) {
        struct waot_gc_region *region = &waot_gc.regions[i];
        uint64_t size = waot_gc_up(waot_gc_region_size(i, blocks), waot_process.page_size);
        if (size <= region->committed)
            continue;
        if (waot_os_commit(region->base + region->committed, size - region->committed))
            return -1;
        region->committed = size;
    }
    return 0;
}

static void waot_gc_put_run(uint32_t at, uint32_t count)
{
    unsigned bin = 31u - (unsigned)__builtin_clz(count);
    waot_gc.table[at].count = count;
    waot_gc.table[at].next = waot_gc.bins[bin];
    waot_gc.bins[bin] = at;
}

/* `count` blocks out of the runs. */
static uint32_t waot_gc_take_run(uint32_t count)
{
    for (unsigned bin = 31u - (unsigned)__builtin_clz(count); bin < WAOT_GC_BINS; bin++) {
        uint32_t *link = &waot_gc.bins[bin];
        /* In the first bin some are too short. */
        for (unsigned tries = 0; *link != WAOT_GC_NONE && tries < WAOT_GC_TRIES; tries++) {
            uint32_t at = *link;
            struct waot_gc_block *run = &waot_gc.table[at];
            if (run->count >= count) {
                *link = run->next;
                if (run->count > count)
                    waot_gc_put_run(at + count, run->count - count);
                return at;
            }
            link = &run->next;
        }
    }
    return WAOT_GC_NONE;
}

/* `count` blocks that were never used. */
static uint32_t waot_gc_extend(uint32_t count)
{
    struct waot_gc *gc = &waot_gc;
    uint64_t first = gc->extent >> WAOT_GC_BLOCK_LOG2;
    uint64_t end = first + count;
    if (end > gc->blocks)
        return WAOT_GC_NONE;
    if (end << WAOT_GC_BLOCK_LOG2 > gc->regions[3].committed) {
        /* An eighth more at once, so that calls of the system are few. */
        uint64_t more = end + end / 8 + WAOT_GC_STEP;
        if (waot_gc_commit(more < gc->blocks ? more : gc->blocks) && waot_gc_commit(end))
            return WAOT_GC_NONE;
    }
    for (uint64_t i = first; i < end; i++)
        gc->table[i].zero = 1;
    gc->extent = end << WAOT_GC_BLOCK_LOG2;
    return (uint32_t)first;
}

uint32_t waot_gc_take(uint64_t count, uint64_t size, enum waot_gc_kind kind)
{
    struct waot_gc *gc = &waot_gc;
    if (count > gc->blocks || size > gc->limit || gc->used > gc->limit - size)
        return WAOT_GC_NONE;
    uint32_t at = waot_gc_take_run((uint32_t)count);
    if (at == WAOT_GC_NONE)
        at = waot_gc_extend((uint32_t)count);
    if (at == WAOT_GC_NONE)
        return at;
    gc->used += size;
    for (uint32_t i = 0; i < count; i++) {
        gc->table[at + i].kind = (uint8_t)(i ? WAOT_GC_REST : kind);
        gc->table[at + i].count = i;
    }
    gc->table[at].count = (uint32_t)count;
    gc->table[at].size = size;
    return at;
}

void waot_gc_release(uint64_t keep)
{
    struct waot_gc *gc = &waot_gc;
    for (unsigned i = 0; i < WAOT_GC_BINS; i++)
        gc->bins[i] = WAOT_GC_NONE;
    uint32_t end = (uint32_t)(gc->extent >> WAOT_GC_BLOCK_LOG2);
    for (uint32_t at = 0; at < end;) {
        uint32_t first = at, spare = at, dirty = 0;
        for (; at < end && gc->table[at].kind == WAOT_GC_FREE; at++) {
            if (gc->table[at].zero)
                continue;
            if (keep) {
                keep--;
                spare = at + 1;
            } else
                dirty++;
        }
        if (at == first) {
            at += gc->table[at].kind == WAOT_GC_LARGE ? gc->table[at].count : 1;
            continue;
        }
        if (dirty && waot_os_discard(gc->base + ((uint64_t)spare << WAOT_GC_BLOCK_LOG2),
                                     (uint64_t)(at - spare) << WAOT_GC_BLOCK_LOG2) == 0)
            for (uint32_t i = spare; i < at; i++)
                gc->table[i].zero = 1;
        waot_gc_put_run(first, at - first);
    }
}
