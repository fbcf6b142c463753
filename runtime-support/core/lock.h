/* A lock of one word, on which nobody spins: who finds it taken sleeps until it is free. Begins as 0. */
#ifndef WAOT_LOCK_H
#define WAOT_LOCK_H

#include "../os/os.h"

/* 0 free, 1 taken, 2 taken and somebody sleeps on it. */
static inline void waot_lock(uint32_t *lock)
{
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(lock, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE))
        waot_os_wait(lock, 2, UINT64_MAX);
}

static inline void waot_unlock(uint32_t *lock)
{
    if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
        waot_os_wake(lock);
}

#endif
