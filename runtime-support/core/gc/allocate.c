/* Allocation: size classes, windows, the sweeping that finds them, and when to collect.
 *
 * A class's cells are given out as windows: runs of free cells, cleared. They are found as they are needed, by the marks
 * of the last collection, in the blocks that it left in the class's queue; then free blocks are taken.
 */
#include "gc.h"

#include "../process.h"

/* Bytes to clear at once: they are still in the first cache when objects are made of them. */
#define WAOT_GC_WINDOW 16384u
/* A collection needs some KiB of stack; below, the program's own is as good as exhausted. */
#define WAOT_GC_STACK 4096u
/* Collections that the limit forces, and that give less than its 256th part each, until that is called out of memory. */
#define WAOT_GC_STRIKES 64u
#define WAOT_GC_PAGE 4096u
#define WAOT_GC_POISON 0xdb

WAOT_THREAD_LOCAL struct waot_window waot_windows[WAOT_WINDOWS];
/* The budget of a program with little alive fits the second cache with the rest: twice as fast as 8 MiB. */
struct waot_gc_tuning waot_gc_tuning = {.least_budget = 1 << 20, .window = WAOT_GC_WINDOW, .mark_stack = 1 << 20};

#define SIXTEENS(n) 16 * (n), 16 * (n) + 16, 16 * (n) + 32, 16 * (n) + 48
/* Above 512 bytes about four sizes to the double, each with which a block is nearly filled. */
const uint16_t waot_gc_sizes[WAOT_GC_CLASSES] = {
    SIXTEENS(0),  SIXTEENS(4),  SIXTEENS(8),  SIXTEENS(12), SIXTEENS(16), SIXTEENS(20), SIXTEENS(24), SIXTEENS(28),
    512,   640,   768,  896,  1024, 1280, 1536, 1792,  2048,  2560,  3072,  3632,  4096,
    5040,  5952,  7280, 8192, 9360, 10912, 13104, 16384, 21840, 32768,
};

static uint64_t *waot_gc_block_marks(uint32_t index)
{
    return waot_gc.marks + index * WAOT_GC_MARK_WORDS;
}

/* ---------------------------------------------------------------- sweeping */

/* Bytes from the block's start to the first mark at `from` or behind; the block's size where there is none. */
static uint32_t waot_gc_next_mark(const uint64_t *marks, uint32_t from)
{
    uint32_t word = from >> 10;
    uint64_t bits = marks[word] & UINT64_MAX << (from >> 4 & 63);
    while (!bits) {
        if (++word == WAOT_GC_MARK_WORDS)
            return WAOT_GC_BLOCK;
        bits = marks[word];
    }
    return word << 10 | (uint32_t)__builtin_ctzll(bits) << 4;
}

/* Opens the class's window on the next free cells of its current block; 0 where there are no more. */
static int waot_gc_open_window(unsigned cell_class)
{
    uint32_t index = waot_gc.current[cell_class];
    struct waot_gc_block *block = &waot_gc.table[index];
    uint32_t size = waot_gc_sizes[cell_class];
    uint32_t filled = (uint32_t)WAOT_GC_BLOCK / size * size;
    const uint64_t *marks = waot_gc_block_marks(index);
    uint32_t at = block->swept;
    while (at < filled) {
        uint32_t end = waot_gc_next_mark(marks, at);
        if (end == at) {
            at += size;
            continue;
        }
        end = end < filled ? end : filled;
        uint8_t *base = waot_gc.base + ((uint64_t)index << WAOT_GC_BLOCK_LOG2);
        uint32_t window = (uint32_t)waot_gc_tuning.window;
        if (!block->zero || window < WAOT_GC_WINDOW) {
            uint32_t most = at + (size < window ? window / size * size : size);
            end = end < most ? end : most;
        }
        if (!block->zero)
            __builtin_memset(base + at, 0, end - at);
        block->swept = end;
        *waot_gc_window(cell_class) = (struct waot_window){base + at, base + end};
        waot_gc.allocated += end - at;
        return 1;
    }
    block->swept = filled;
    return 0;
}

static void waot_gc_poison_cells(uint32_t index)
{
    uint32_t size = waot_gc_sizes[waot_gc.table[index].cell_class];
    uint8_t *base = waot_gc.base + ((uint64_t)index << WAOT_GC_BLOCK_LOG2);
    for (uint32_t at = 0; at + size <= WAOT_GC_BLOCK; at += size)
        if (!(waot_gc_block_marks(index)[at >> 10] >> (at >> 4 & 63) & 1))
            __builtin_memset(base + at, WAOT_GC_POISON, size);
}

/* After marking: blocks without a live object become free, the others of cells are queued for their class. */
static void waot_gc_sort_blocks(void)
{
    struct waot_gc *gc = &waot_gc;
    gc->used = gc->live = gc->live_objects = 0;
    /* Downwards, so that each queue goes upwards. */
    for (uint32_t index = (uint32_t)(gc->extent >> WAOT_GC_BLOCK_LOG2); index--;) {
        struct waot_gc_block *block = &gc->table[index];
        const uint64_t *marks = waot_gc_block_marks(index);
        if (block->kind == WAOT_GC_LARGE) {
            if (marks[0] & 1) {
                gc->used += block->size;
                gc->live += block->size;
                gc->live_objects++;
                continue;
            }
            for (uint32_t i = 0; i < block->count; i++) {
                block[i].kind = WAOT_GC_FREE;
                block[i].zero = 0;
            }
            if (waot_gc_tuning.poison)
                __builtin_memset(gc->base + ((uint64_t)index << WAOT_GC_BLOCK_LOG2), WAOT_GC_POISON, block->size);
        } else if (block->kind == WAOT_GC_CELLS) {
            uint32_t size = waot_gc_sizes[block->cell_class];
            uint32_t filled = (uint32_t)WAOT_GC_BLOCK / size;
            uint32_t count = 0;
            for (unsigned i = 0; i < WAOT_GC_MARK_WORDS; i++)
                count += (uint32_t)__builtin_popcountll(marks[i]);
            block->zero = 0;
            if (waot_gc_tuning.poison)
                waot_gc_poison_cells(index);
            if (!count) {
                block->kind = WAOT_GC_FREE;
                continue;
            }
            gc->used += WAOT_GC_BLOCK;
            gc->live += (uint64_t)count * size;
            gc->live_objects += count;
            block->swept = 0;
            if (count < filled) {
                block->next = gc->queue[block->cell_class];
                gc->queue[block->cell_class] = index;
            }
        }
    }
}

void waot_gc_collect(void)
{
    struct waot_gc *gc = &waot_gc;
    waot_gc_mark();
    /* What is left of the windows was not marked, so it is found again. */
    for (unsigned i = 0; i < WAOT_GC_CLASSES; i++) {
        *waot_gc_window(i) = (struct waot_window){0, 0};
        gc->current[i] = gc->queue[i] = WAOT_GC_NONE;
    }
    waot_gc_sort_blocks();
    gc->total += gc->allocated;
    gc->allocated = 0;
    gc->collections++;
    /* As much as there was to go through, so that a collection costs an object no more than a constant. */
    gc->budget = gc->live + gc->root_bytes;
    if (gc->budget < waot_gc_tuning.least_budget)
        gc->budget = waot_gc_tuning.least_budget;
    /* What will be taken until the next collection, and a little more: given back, it would only have to be cleared by the
     * system. Each class may have a block that it does not fill. */
    waot_gc_release(((gc->budget + gc->budget / 4) >> WAOT_GC_BLOCK_LOG2) + WAOT_GC_CLASSES);
}

/* Because there is no room; 0 where that is no use any more. */
static int waot_gc_collect_for_room(void)
{
    if (waot_gc.allocated >= waot_gc.limit >> 8)
        waot_gc.strikes = 0;
    else if (++waot_gc.strikes > WAOT_GC_STRIKES)
        return 0;
    waot_gc_collect();
    return 1;
}

/* ---------------------------------------------------------------- allocation */

/* Before the first object; and where a collection could not finish for want of stack. */
static void waot_gc_prepare(void)
{
    if ((uintptr_t)__builtin_frame_address(0) - waot_stack.low < WAOT_GC_STACK)
        waot_trap_call_stack_exhausted();
    if (!waot_gc.base && waot_gc_create())
        waot_trap_out_of_memory();
}

static int waot_gc_refill(unsigned cell_class)
{
    struct waot_gc *gc = &waot_gc;
    if (gc->allocated >= gc->budget)
        waot_gc_collect();
    for (int collected = 0;;) {
        if (gc->current[cell_class] != WAOT_GC_NONE && waot_gc_open_window(cell_class))
            return 1;
        uint32_t next = gc->queue[cell_class];
        if (next != WAOT_GC_NONE) {
            gc->queue[cell_class] = gc->table[next].next;
        } else {
            next = waot_gc_take(1, WAOT_GC_BLOCK, WAOT_GC_CELLS);
            if (next == WAOT_GC_NONE) {
                if (collected++ || !waot_gc_collect_for_room())
                    return 0;
                continue;
            }
            gc->table[next].cell_class = (uint8_t)cell_class;
            gc->table[next].swept = 0;
        }
        gc->current[cell_class] = next;
    }
}

static void *waot_gc_allocate_cell(unsigned cell_class)
{
    uint32_t size = waot_gc_sizes[cell_class];
    struct waot_window *window = waot_gc_window(cell_class);
    if ((uint64_t)(window->end - window->next) < size) {
        waot_gc_prepare();
        if (!waot_gc_refill(cell_class))
            waot_trap_out_of_memory();
    }
    uint8_t *at = window->next;
    window->next += size;
    return at;
}

static void *waot_gc_allocate_large(uint64_t size)
{
    struct waot_gc *gc = &waot_gc;
    waot_gc_prepare();
    uint64_t pages = (size + WAOT_GC_PAGE - 1) & ~(uint64_t)(WAOT_GC_PAGE - 1);
    uint64_t count = (size + WAOT_GC_BLOCK - 1) >> WAOT_GC_BLOCK_LOG2;
    if (pages > gc->limit)
        waot_trap_out_of_memory();
    if (gc->allocated + pages > gc->budget && gc->allocated)
        waot_gc_collect();
    uint32_t first = waot_gc_take(count, pages, WAOT_GC_LARGE);
    if (first == WAOT_GC_NONE && waot_gc_collect_for_room())
        first = waot_gc_take(count, pages, WAOT_GC_LARGE);
    if (first == WAOT_GC_NONE)
        waot_trap_out_of_memory();
    gc->allocated += pages;
    uint8_t *at = gc->base + ((uint64_t)first << WAOT_GC_BLOCK_LOG2);
    for (uint64_t i = 0; i < count; i++)
        if (!gc->table[first + i].zero) {
            uint64_t from = i << WAOT_GC_BLOCK_LOG2;
            __builtin_memset(at + from, 0, size - from < WAOT_GC_BLOCK ? size - from : WAOT_GC_BLOCK);
        }
    return at;
}

static void *waot_gc_allocate(uint64_t size, uint32_t type, uint32_t length)
{
    struct waot_object *object;
    if (size <= 512) {
        object = waot_gc_allocate_cell((unsigned)((size + 15) / 16));
    } else if (size <= WAOT_GC_LARGEST_CELL) {
        unsigned cell_class = WAOT_WINDOWS;
        while (waot_gc_sizes[cell_class] < size)
            cell_class++;
        object = waot_gc_allocate_cell(cell_class);
    } else {
        object = waot_gc_allocate_large(size);
    }
    object->type = type;
    object->length = length;
    return object;
}

void *waot_heap_allocate(uint32_t type)
{
    return waot_gc_allocate(waot_heap.types[type].size, type, 0);
}

void *waot_heap_allocate_array(uint32_t type, uint32_t length)
{
    /* No overflow: elements have 16 bytes at most. */
    uint64_t size = waot_heap.types[type].first + (uint64_t)length * waot_heap.types[type].size;
    return waot_gc_allocate(size, type, length);
}
