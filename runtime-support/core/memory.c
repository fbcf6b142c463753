/* Linear memories: creation, growth and the bulk operations (core specification, sections 4.5.3.8 and 4.6.10).
 *
 * A memory is a range of reserved address space whose first `bytes` are readable and writable. Growing commits more of
 * it, so the base never moves and generated code may keep it in a register. What is reserved and not committed is the
 * guard that turns an access out of bounds into a fault (os/posix/signals.c).
 *
 * Where pointers have 32 bits, address space is too short for that: a memory that no other thread shares is moved where it
 * has no room to grow, and generated code loads the base anew (waot/lowering/layout.py).
 */
#include "../include/waot_abi.h"
#include "lock.h"
#include "memory.h"
#include "process.h"

/* Of a memory; sums with it fit 64 bits. */
#define WAOT_MOST_BYTES (sizeof(void *) > 4 ? UINT64_MAX >> 2 : UINTPTR_MAX)

/* A page of 2 MiB takes longer to be made than many programs run, so these are for who asks for much: at the start,
 * where toolchains set 16 MiB aside for any program, and at once later. In bytes. */
#define WAOT_LARGE_START (UINT64_C(1) << 24)
#define WAOT_LARGE_GROWTH (UINT64_C(1) << 22)

static uintptr_t waot_page_up(uintptr_t address)
{
    uintptr_t mask = waot_process.page_size - 1;
    return (address + mask) & ~mask;
}

static void waot_memory_reserve(struct waot_memory *memory)
{
    if (memory->flags & WAOT_MEMORY_FIXED) {
        uintptr_t mapped = waot_page_up((uintptr_t)memory->base + memory->bytes);
        uintptr_t end = waot_page_up((uintptr_t)memory->base + memory->reserve);
        if (end > mapped && waot_os_reserve_at((void *)mapped, end - mapped))
            waot_fatal("the address space of the memory cannot be reserved (see ulimit -v); build with --memory checked");
        return;
    }
    /* One page where nothing is asked for: a base that is null would make `base + index` an address of ours. */
    uint64_t size = memory->reserve ? memory->reserve : 1;
    if (size < UINT64_MAX >> 1)
        memory->base = memory->flags & WAOT_MEMORY_INDEX64 ? waot_os_reserve_roomy(size) : waot_os_reserve(size);
    /* Where bounds are checked, less will do: a program that never grows that far does not notice. */
    while (!memory->base && memory->flags & WAOT_MEMORY_CHECKED && size > memory->bytes && size > 1) {
        size = size / 2 > memory->bytes ? size / 2 : memory->bytes ? memory->bytes : 1;
        memory->base = waot_os_reserve(size);
        memory->reserve = size;
    }
    if (!memory->base)
        waot_fatal("no address space for a memory (see ulimit -v); build with --memory checked");
    if (memory->bytes && waot_os_commit(memory->base, memory->bytes))
        waot_fatal("no memory for the initial size of a memory");
}

void waot_memory_create(struct waot_memory *memory)
{
    waot_memory_reserve(memory);
    if (memory->bytes > WAOT_LARGE_START)
        waot_os_prefer_large_pages(memory->base, memory->bytes);
}

/* Reserves more behind a memory that may need it, at least up to `bytes`, twice as much as there is where possible. */
static int waot_memory_extend(struct waot_memory *memory, uint64_t bytes)
{
    uintptr_t from = waot_page_up((uintptr_t)memory->base + memory->reserve);
    uint64_t have = from - (uintptr_t)memory->base;
    uint64_t sizes[2] = {have * 2, bytes};
    for (unsigned i = bytes > sizes[0]; i < 2; i++)
        if (bytes <= have || !waot_os_extend((void *)from, sizes[i] - have)) {
            memory->reserve = bytes <= have ? have : sizes[i];
            return 0;
        }
    return -1;
}

/* Elsewhere, to where `bytes` are reserved; twice as much as there is, where possible. */
static int waot_memory_move(struct waot_memory *memory, uint64_t bytes)
{
    if (sizeof(void *) > 4 || memory->flags & WAOT_MEMORY_SHARED)
        return -1;
    uint64_t size = memory->bytes * UINT64_C(2) > bytes ? memory->bytes * UINT64_C(2) : bytes;
    uint8_t *base = waot_os_reserve(size);
    if (!base && size > bytes)
        base = waot_os_reserve(size = bytes);
    if (!base)
        return -1;
    if (memory->bytes && waot_os_commit(base, memory->bytes)) {
        waot_os_free_pages(base, size);
        return -1;
    }
    __builtin_memcpy(base, memory->base, memory->bytes);
    waot_os_free_pages(memory->base, memory->reserve);
    memory->base = base;
    memory->reserve = size;
    return 0;
}

/* Makes room for `bytes` in all. */
static int waot_memory_make_room(struct waot_memory *memory, uint64_t bytes)
{
    if (!(memory->flags & WAOT_MEMORY_CHECKED))
        return -1;
    return waot_memory_extend(memory, bytes) && waot_memory_move(memory, bytes) ? -1 : 0;
}

static int64_t waot_memory_grow_alone(struct waot_memory *memory, uint64_t delta_pages)
{
    uintptr_t before = __atomic_load_n(&memory->bytes, __ATOMIC_SEQ_CST);
    for (;;) {
        uint64_t pages = before >> memory->page_log2;
        if (!delta_pages)
            return (int64_t)pages;
        if (pages > memory->maximum || delta_pages > memory->maximum - pages)
            return -1;
        uint64_t wanted = pages + delta_pages; /* no overflow: at most maximum */
        if (wanted > WAOT_MOST_BYTES >> memory->page_log2)
            return -1;
        uintptr_t bytes = (uintptr_t)(wanted << memory->page_log2);
        if (bytes > memory->reserve && waot_memory_make_room(memory, bytes))
            return -1;
        /* A page of the system that the old end lies in is committed already. */
        uintptr_t from = waot_page_up((uintptr_t)memory->base + before);
        uintptr_t to = waot_page_up((uintptr_t)memory->base + bytes);
        if (to > from && waot_os_commit((void *)from, to - from))
            return -1;
        if (to - from >= WAOT_LARGE_GROWTH)
            waot_os_prefer_large_pages((void *)from, to - from);
        /* Another thread may have grown a shared memory meanwhile; what was committed stays so, and that is no harm. */
        if (__atomic_compare_exchange_n(&memory->bytes, &before, bytes, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return (int64_t)pages;
    }
}

int64_t waot_memory_grow(struct waot_memory *memory, uint64_t delta_pages)
{
    static uint32_t lock; /* two that reserve more behind a memory would not find it free */
    if (WAOT_THREADS)
        waot_lock(&lock);
    int64_t pages = waot_memory_grow_alone(memory, delta_pages);
    if (WAOT_THREADS)
        waot_unlock(&lock);
    return pages;
}

/* Whether [at, at + count) does not lie in [0, size); the sum may overflow, so it is not made. */
static int waot_outside(uint64_t at, uint64_t count, uint64_t size)
{
    return at > size || count > size - at;
}

void waot_memory_fill(struct waot_memory *memory, uint64_t at, uint32_t value, uint64_t count)
{
    if (waot_outside(at, count, waot_memory_bytes(memory)))
        waot_trap_memory_out_of_bounds();
    __builtin_memset(memory->base + at, (int)(value & 0xff), (size_t)count);
}

void waot_memory_copy(struct waot_memory *destination, struct waot_memory *source, uint64_t to, uint64_t from,
                      uint64_t count)
{
    if (waot_outside(to, count, waot_memory_bytes(destination)) ||
        waot_outside(from, count, waot_memory_bytes(source)))
        waot_trap_memory_out_of_bounds();
    __builtin_memmove(destination->base + to, source->base + from, (size_t)count);
}

void waot_memory_init(struct waot_memory *memory, const struct waot_data *data, uint64_t to, uint64_t from,
                      uint64_t count)
{
    if (waot_outside(to, count, waot_memory_bytes(memory)) || waot_outside(from, count, data->size))
        waot_trap_memory_out_of_bounds();
    /* A dropped segment has size 0 and may have no bytes: memcpy of nothing from null is undefined in C. */
    if (count)
        __builtin_memcpy(memory->base + to, data->bytes + from, (size_t)count);
}

void waot_memory_write_parts(struct waot_memory *memory, const uint8_t *image, const struct waot_part *parts,
                             uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        __builtin_memcpy(memory->base + parts[i].offset, image + parts[i].source, (size_t)parts[i].size);
}
