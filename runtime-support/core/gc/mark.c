/* Marking: everything that can be reached, without recursion and in memory that is bounded.
 *
 * Precise: fields and elements of objects, whose types say which are references. Such a word is null, an i31, a host's
 * externref, a funcref, or exactly an object's address.
 *
 * Conservative: the native stack and the registers. A word there keeps the object that it points into, wherever into. LLVM
 * also keeps pointers that are a little beside an object instead of one into it: a loop over an array may hold the
 * address of the next element, which is the end after the last, or one biased by the constant of an index. Such code is
 * made for arrays only, so a word keeps the arrays within WAOT_GC_SLACK bytes of it too; structs it does not, or every
 * reference on the stack would keep its neighbours, and all the lists that they are in. Words of the stack may be numbers that
 * the module chose. They are compared with the tables of blocks only; at worst they keep what is garbage.
 */
#include "gc.h"

#include "../memory.h"
#include "../process.h"

#define WAOT_GC_SLACK 32u
#define WAOT_GC_CHUNK 128u /* elements of an array to look at in one go, so that it does not fill the mark stack */
#define WAOT_GC_AHEAD 8u   /* objects whose memory is asked for before they are looked at */

/* To twice the capacity, but not beyond what the tuning says and an eighth of the heap. */
static int waot_gc_grow_stack(void)
{
    struct waot_gc *gc = &waot_gc;
    uint64_t size = gc->capacity * 2 * sizeof *gc->stack;
    uint64_t most = waot_gc_tuning.mark_stack;
    if (most && most < gc->extent / 8)
        most = gc->extent / 8;
    if (size > most)
        return -1;
    struct waot_gc_mark *stack = waot_os_allocate_pages(size);
    if (!stack)
        return -1;
    __builtin_memcpy(stack, gc->stack, gc->depth * sizeof *stack);
    if (gc->stack != gc->first_stack)
        waot_os_free_pages(gc->stack, size / 2);
    gc->stack = stack;
    gc->capacity *= 2;
    return 0;
}

/* Where there is no room, what is known is that a marked object between dropped_low and dropped_high was not looked at. */
static void waot_gc_push(struct waot_object *object, uint64_t from)
{
    struct waot_gc *gc = &waot_gc;
    if (gc->depth == gc->capacity && waot_gc_grow_stack()) {
        uintptr_t at = (uintptr_t)object;
        gc->dropped_low = at < gc->dropped_low ? at : gc->dropped_low;
        gc->dropped_high = at > gc->dropped_high ? at : gc->dropped_high;
        return;
    }
    gc->stack[gc->depth++] = (struct waot_gc_mark){object, from};
}

/* `word` is an object's address or points outside the heap, or is not a multiple of 16. */
static inline void waot_gc_mark_exact(uintptr_t word)
{
    uint64_t offset = word - (uintptr_t)waot_gc.base;
    if (offset >= waot_gc.extent || offset & 15)
        return;
    uint64_t *marks = &waot_gc.marks[offset >> 10];
    uint64_t bit = UINT64_C(1) << (offset >> 4 & 63);
    if (*marks & bit)
        return;
    *marks |= bit;
    waot_gc_push((struct waot_object *)word, 0);
}

/* The object that holds the byte at that address, or null; any address will do. */
static struct waot_object *waot_gc_object_at(uintptr_t address)
{
    struct waot_gc *gc = &waot_gc;
    uint64_t offset = address - (uintptr_t)gc->base;
    if (offset >= gc->extent)
        return 0;
    uint64_t index = offset >> WAOT_GC_BLOCK_LOG2;
    const struct waot_gc_block *block = &gc->table[index];
    if (block->kind == WAOT_GC_FREE)
        return 0;
    if (block->kind != WAOT_GC_CELLS) {
        if (block->kind == WAOT_GC_REST)
            index -= block->count;
        return (struct waot_object *)(gc->base + (index << WAOT_GC_BLOCK_LOG2));
    }
    uint32_t size = waot_gc_sizes[block->cell_class];
    uint32_t inside = (uint32_t)(offset & (WAOT_GC_BLOCK - 1));
    uint32_t start = inside - inside % size;
    uint64_t cell = offset - inside + start;
    uint8_t *at = gc->base + cell;
    /* What is left behind the last cell is never swept and never marked. */
    if (start >= block->swept)
        return gc->old_marks[cell >> 10] >> (cell >> 4 & 63) & 1 ? (struct waot_object *)at : 0;
    const struct waot_window *window = waot_gc_window(block->cell_class);
    return at >= window->next && at < window->end ? 0 : (struct waot_object *)at;
}

static void waot_gc_scan(struct waot_object *object, uint64_t from)
{
    const struct waot_type *type = &waot_heap.types[object->type];
    const uint8_t *at = (const uint8_t *)object;
    if (type->kind == WAOT_TYPE_STRUCT) {
        for (uint32_t i = 0; i < type->reference_count; i++)
            waot_gc_mark_exact(*(const uintptr_t *)(at + type->references[i]));
    } else if (type->kind == WAOT_TYPE_ARRAY && type->reference_count) {
        const uintptr_t *elements = (const uintptr_t *)(at + type->first);
        uint64_t end = object->length;
        if (end - from > WAOT_GC_CHUNK) {
            end = from + WAOT_GC_CHUNK;
            waot_gc_push(object, end);
        }
        for (uint64_t i = from; i < end; i++)
            waot_gc_mark_exact(elements[i]);
    }
}

/* Looks at what is on the mark stack until it is empty. Objects wait a little between the stack and their turn, until
 * their memory has come. */
static void waot_gc_drain(void)
{
    struct waot_gc_mark waiting[WAOT_GC_AHEAD];
    unsigned first = 0, count = 0;
    for (;;) {
        while (count < WAOT_GC_AHEAD && waot_gc.depth) {
            struct waot_gc_mark mark = waot_gc.stack[--waot_gc.depth];
            __builtin_prefetch(mark.object);
            waiting[(first + count++) % WAOT_GC_AHEAD] = mark;
        }
        if (!count)
            return;
        struct waot_gc_mark mark = waiting[first];
        first = (first + 1) % WAOT_GC_AHEAD;
        count--;
        waot_gc_scan(mark.object, mark.from);
    }
}

/* Looks again at the marked objects among which some found no room on the mark stack, until all did. */
static void waot_gc_rescan(void)
{
    struct waot_gc *gc = &waot_gc;
    while (gc->dropped_low <= gc->dropped_high) {
        uint64_t first = (gc->dropped_low - (uintptr_t)gc->base) >> 10;
        uint64_t last = (gc->dropped_high - (uintptr_t)gc->base) >> 10;
        gc->dropped_low = UINTPTR_MAX;
        gc->dropped_high = 0;
        gc->overflows++;
        for (uint64_t word = first; word <= last; word++)
            for (uint64_t bits = gc->marks[word]; bits; bits &= bits - 1) {
                uint64_t offset = word << 10 | (uint64_t)__builtin_ctzll(bits) << 4;
                waot_gc_scan((struct waot_object *)(gc->base + offset), 0);
                waot_gc_drain();
            }
    }
}

/* Roots are many: what they lead to is not left for later. */
static void waot_gc_mark_root(struct waot_object *object)
{
    waot_gc_mark_exact((uintptr_t)object);
    if (waot_gc.depth >= WAOT_GC_FIRST_MARKS / 2)
        waot_gc_drain();
}

static void waot_gc_mark_word(uintptr_t word)
{
    struct waot_object *object = waot_gc_object_at(word);
    if (object)
        waot_gc_mark_root(object);
}

static void waot_gc_mark_beside(uintptr_t word)
{
    for (int beside = -(int)WAOT_GC_SLACK; beside <= (int)WAOT_GC_SLACK; beside += 16) {
        struct waot_object *object = waot_gc_object_at(word + (uintptr_t)beside);
        if (object && (!beside || waot_heap.types[object->type].kind == WAOT_TYPE_ARRAY))
            waot_gc_mark_root(object);
    }
}

/* Not inlined: its frame lies below all that its caller saved. */
static __attribute__((noinline)) void waot_gc_mark_stack(void)
{
    uintptr_t low = (uintptr_t)__builtin_frame_address(0) & ~(sizeof(uintptr_t) - 1);
    uintptr_t high = waot_stack.high;
    if (low < waot_stack.low || low > high)
        waot_fatal("a collection on a stack that is not the program's");
    waot_gc.root_bytes += high - low;
    for (const volatile uintptr_t *at = (const volatile uintptr_t *)low; at < (const volatile uintptr_t *)high; at++)
        if (*at - (uintptr_t)waot_gc.base + WAOT_GC_SLACK < waot_gc.extent + 2 * WAOT_GC_SLACK)
            waot_gc_mark_beside(*at);
}

__attribute__((noinline)) void waot_gc_mark(void)
{
    struct waot_gc *gc = &waot_gc;
    /* All callee-saved registers go into this frame; the others hold nothing that is needed after the call. */
    __builtin_unwind_init();
    uint64_t *marks = gc->old_marks;
    gc->old_marks = gc->marks;
    gc->marks = marks;
    __builtin_memset(marks, 0, gc->extent / 128);
    gc->dropped_low = UINTPTR_MAX;
    gc->dropped_high = 0;
    gc->root_bytes = 0;
    waot_gc_mark_stack();
    waot_gc_drain();
    for (uint64_t i = 0; i < waot_heap.root_count; i++) {
        gc->root_bytes += waot_heap.roots[i].count * 8;
        for (uint64_t j = 0; j < waot_heap.roots[i].count; j++)
            waot_gc_mark_word((uintptr_t)waot_heap.roots[i].words[j]);
    }
    for (uint64_t i = 0; i < waot_heap.table_count; i++) {
        const struct waot_table *table = waot_heap.tables[i];
        gc->root_bytes += table->size * 8;
        for (uint64_t j = 0; j < table->size; j++)
            waot_gc_mark_word((uintptr_t)table->elements[j]);
    }
    waot_gc_drain();
    waot_gc_rescan();
    if (gc->stack != gc->first_stack && gc->capacity > 65536) {
        waot_os_free_pages(gc->stack, gc->capacity * sizeof *gc->stack);
        gc->stack = gc->first_stack;
        gc->capacity = WAOT_GC_FIRST_MARKS;
    }
}
