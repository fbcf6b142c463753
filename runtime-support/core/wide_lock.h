/* Locks for memory that is accessed in steps where others must see one: on processors that access no more than 32 bits at
 * once, in programs with threads. All access that is to be atomic to the same eight bytes, of whatever width, takes the
 * same lock. */
#ifndef WAOT_WIDE_LOCK_H
#define WAOT_WIDE_LOCK_H

#include "../include/waot_threads.h"
#include "lock.h"

#define WAOT_WIDE_LOCKS 64u /* a power of two */
extern uint32_t waot_wide_locks[WAOT_WIDE_LOCKS]; /* wide.h */

/* Where there are no threads there is nothing to lock. */
static inline uint32_t *waot_begin_wide(const volatile void *at)
{
    if (!WAOT_THREADS)
        return NULL;
    uint32_t *lock = &waot_wide_locks[(uintptr_t)at >> 3 & (WAOT_WIDE_LOCKS - 1)];
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* there is one order of all access, not one a lock */
    waot_lock(lock);
    return lock;
}

static inline void waot_end_wide(uint32_t *lock)
{
    if (WAOT_THREADS)
        waot_unlock(lock);
}

#endif
