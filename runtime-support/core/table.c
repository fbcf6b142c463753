/* Tables: growth and the bulk operations (core specification, sections 4.5.3.7 and 4.6.9).
 *
 * A table's first elements are static data of the executable. Growing moves them to pages of the system with room for a
 * power of two of elements, so that growing one by one costs a logarithmic number of moves. The room is not stored:
 * elements outside the image are ours, and then their number rounded up says it.
 */
#include "../include/waot_abi.h"
#include "memory.h"
#include "process.h"

#define WAOT_TABLE_LEAST_ROOM 512u /* elements: a page */

/* Elements that the storage of a table grown to `size` has room for; 0 if that many bytes cannot be counted. */
static uint64_t waot_table_room(uint64_t size)
{
    if (size <= WAOT_TABLE_LEAST_ROOM)
        return WAOT_TABLE_LEAST_ROOM;
    if (size > (uint64_t)PTRDIFF_MAX / 2 / sizeof(void *))
        return 0;
    return UINT64_C(1) << (64 - __builtin_clzll(size - 1));
}

/* Whether the elements are no part of the executable, nor of what a thread begins with. */
static int waot_table_is_ours(const struct waot_table *table)
{
    uintptr_t at = (uintptr_t)table->elements;
    if (WAOT_THREADS && waot_is_thread_local(at))
        return 0;
    return table->elements && !(at >= (uintptr_t)waot_image_start && at < (uintptr_t)waot_image_end);
}

int64_t waot_table_grow(struct waot_table *table, void *value, uint64_t delta)
{
    uint64_t old = table->size;
    if (!delta)
        return (int64_t)old;
    if (old > table->maximum || delta > table->maximum - old)
        return -1;
    uint64_t size = old + delta;
    uint64_t room = waot_table_room(size);
    if (!room)
        return -1;
    int ours = waot_table_is_ours(table);
    if (!ours || room != waot_table_room(old)) {
        void **elements = waot_os_allocate_pages(room * sizeof(void *));
        if (!elements)
            return -1;
        if (old)
            __builtin_memcpy(elements, table->elements, old * sizeof(void *));
        if (ours)
            waot_os_free_pages(table->elements, waot_table_room(old) * sizeof(void *));
        table->elements = elements;
    }
    table->size = size;
    /* New pages hold nulls already, and a table never shrinks. */
    if (value)
        for (uint64_t i = old; i < size; i++)
            table->elements[i] = value;
    return (int64_t)old;
}

static int waot_table_outside(uint64_t at, uint64_t count, uint64_t size)
{
    return at > size || count > size - at;
}

void waot_table_fill(struct waot_table *table, uint64_t at, void *value, uint64_t count)
{
    if (waot_table_outside(at, count, table->size))
        waot_trap_table_out_of_bounds();
    for (uint64_t i = 0; i < count; i++)
        table->elements[at + i] = value;
}

void waot_table_copy(struct waot_table *destination, struct waot_table *source, uint64_t to, uint64_t from,
                     uint64_t count)
{
    if (waot_table_outside(to, count, destination->size) || waot_table_outside(from, count, source->size))
        waot_trap_table_out_of_bounds();
    if (count)
        __builtin_memmove(destination->elements + to, source->elements + from, count * sizeof(void *));
}

void waot_table_init(struct waot_table *table, const struct waot_elem *elem, uint64_t to, uint64_t from,
                     uint64_t count)
{
    if (waot_table_outside(to, count, table->size) || waot_table_outside(from, count, elem->size))
        waot_trap_table_out_of_bounds();
    if (count)
        __builtin_memcpy(table->elements + to, elem->elements + from, count * sizeof(void *));
}

void waot_table_release(struct waot_table *table)
{
    if (waot_table_is_ours(table))
        waot_os_free_pages(table->elements, waot_table_room(table->size) * sizeof(void *));
}
