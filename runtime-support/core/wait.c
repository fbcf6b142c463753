/* Waiting on an address of a shared memory and waking who waits there (the proposal threads).
 *
 * Who waits stands in a list with a word of its own to sleep on, because notify must tell how many it has woken at just
 * that address and the system's own queues know words of 32 bits only. The value is compared while the list is locked,
 * so that no notify that follows a change of it is missed. Lists are found by a hash of the address.
 */
#include "../include/waot_abi.h"
#include "../include/waot_order.h"
#include "../os/os.h"
#include "lock.h"

#include <stddef.h>

#define WAOT_WAIT_LISTS 64u /* a power of two */

enum { WAOT_WAIT_WOKEN = 0, WAOT_WAIT_NOT_EQUAL = 1, WAOT_WAIT_TIMED_OUT = 2 };

/* The address is checked; some C compilers' numbers of 64 bits are aligned to 4 bytes only. */
typedef uint64_t waot_aligned_u64 __attribute__((aligned(8)));

struct waot_waiter {
    struct waot_waiter *next;
    const uint8_t *at;
    uint32_t woken; /* 0 or 1; slept on */
};

struct waot_wait_list {
    uint32_t lock;
    struct waot_waiter *first; /* in the order in which they came */
};

static struct waot_wait_list waot_wait_lists[WAOT_WAIT_LISTS];

static struct waot_wait_list *waot_wait_list(const uint8_t *at)
{
    return &waot_wait_lists[((uintptr_t)at >> 2) * UINT32_C(0x9E3779B1) >> 8 & (WAOT_WAIT_LISTS - 1)];
}

/* Takes `waiter` out; 0 where it does not stand in the list any more. */
static int waot_wait_take_out(struct waot_wait_list *list, struct waot_waiter *waiter)
{
    for (struct waot_waiter **place = &list->first; *place; place = &(*place)->next)
        if (*place == waiter) {
            *place = waiter->next;
            return 1;
        }
    return 0;
}

/* Sleeps until `waiter` is woken or `timeout` ns have passed. */
static void waot_wait_sleep(struct waot_waiter *waiter, int64_t timeout)
{
    int64_t start = timeout < 0 ? 0 : waot_os_clock(WAOT_WASI_CLOCK_MONOTONIC);
    uint64_t left = timeout < 0 ? UINT64_MAX : (uint64_t)timeout;
    while (!__atomic_load_n(&waiter->woken, __ATOMIC_ACQUIRE) && left) {
        waot_os_wait(&waiter->woken, 0, left);
        if (timeout >= 0) {
            int64_t passed = waot_os_clock(WAOT_WASI_CLOCK_MONOTONIC) - start;
            left = passed < timeout ? (uint64_t)(timeout - passed) : 0;
        }
    }
}

/* Where `index` plus `offset` is in the memory; traps unless `width` bytes there are inside and aligned. */
static uint8_t *waot_wait_address(struct waot_memory *memory, uint64_t index, uint64_t offset, uint64_t width)
{
    uint64_t at = index + offset;
    if (at < index || (at > UINT32_MAX && !(memory->flags & WAOT_MEMORY_INDEX64)))
        waot_trap_memory_out_of_bounds();
    if (at & (width - 1))
        waot_trap_unaligned_atomic();
    uint64_t bytes = __atomic_load_n(&memory->bytes, __ATOMIC_SEQ_CST);
    if (at > bytes || width > bytes - at)
        waot_trap_memory_out_of_bounds();
    return memory->base + at;
}

static uint32_t waot_wait(const uint8_t *at, int equal, struct waot_wait_list *list, int64_t timeout)
{
    if (!equal) {
        waot_unlock(&list->lock);
        return WAOT_WAIT_NOT_EQUAL;
    }
    struct waot_waiter waiter = {NULL, at, 0};
    struct waot_waiter **end = &list->first;
    while (*end)
        end = &(*end)->next;
    *end = &waiter;
    waot_unlock(&list->lock);
    waot_wait_sleep(&waiter, timeout);
    waot_lock(&list->lock);
    int timed_out = waot_wait_take_out(list, &waiter);
    waot_unlock(&list->lock);
    return timed_out ? WAOT_WAIT_TIMED_OUT : WAOT_WAIT_WOKEN;
}

/* The list of those who wait at `at`, locked; traps where nobody could wake them. */
static struct waot_wait_list *waot_wait_begin(const struct waot_memory *memory, const uint8_t *at)
{
    if (!(memory->flags & WAOT_MEMORY_SHARED))
        waot_trap_expected_shared_memory();
    struct waot_wait_list *list = waot_wait_list(at);
    waot_lock(&list->lock);
    return list;
}

uint32_t waot_memory_wait32(struct waot_memory *memory, uint64_t index, uint64_t offset, uint32_t expected,
                            int64_t timeout)
{
    uint8_t *at = waot_wait_address(memory, index, offset, sizeof expected);
    struct waot_wait_list *list = waot_wait_begin(memory, at);
    return waot_wait(at, __atomic_load_n((uint32_t *)(void *)at, __ATOMIC_SEQ_CST) == waot_little32(expected), list, timeout);
}

uint32_t waot_memory_wait64(struct waot_memory *memory, uint64_t index, uint64_t offset, uint64_t expected,
                            int64_t timeout)
{
    uint8_t *at = waot_wait_address(memory, index, offset, sizeof expected);
    struct waot_wait_list *list = waot_wait_begin(memory, at);
    uint64_t value = __atomic_load_n((const waot_aligned_u64 *)(const void *)at, __ATOMIC_SEQ_CST);
    return waot_wait(at, value == waot_little64(expected), list, timeout);
}

uint32_t waot_memory_notify(struct waot_memory *memory, uint64_t index, uint64_t offset, uint32_t count)
{
    const uint8_t *at = waot_wait_address(memory, index, offset, sizeof(uint32_t));
    struct waot_wait_list *list = waot_wait_list(at);
    uint32_t woken = 0;
    waot_lock(&list->lock);
    struct waot_waiter **place = &list->first;
    while (*place && woken < count) {
        struct waot_waiter *waiter = *place;
        if (waiter->at != at) {
            place = &waiter->next;
            continue;
        }
        *place = waiter->next;
        /* From here on its thread may return and its frame be gone: waking nobody at a stale address is no harm. */
        __atomic_store_n(&waiter->woken, 1, __ATOMIC_RELEASE);
        waot_os_wake(&waiter->woken);
        woken++;
    }
    waot_unlock(&list->lock);
    return woken;
}
