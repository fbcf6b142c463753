/* Where address space is left free above a reservation, whatever the system. */
#ifndef WAOT_ROOMY_H
#define WAOT_ROOMY_H

#include "../core/memory.h"

/* waot_os_reserve_roomy. Systems place what has no place near the ends of the 128 TiB that a process has (64 on Darwin's
 * arm64), where the program, its stack and libraries are too: in the middle there is nothing. 32-bit ones have no middle. */
static inline void *waot_reserve_in_the_middle(uint64_t size)
{
#if UINTPTR_MAX > UINT32_MAX
    for (uintptr_t place = (uintptr_t)16 << 40; place < (uintptr_t)48 << 40; place += (uintptr_t)1 << 40)
        if (!waot_os_extend((void *)place, size))
            return (void *)place;
#endif
    return waot_os_reserve(size);
}

#endif
