/* What core/ asks of the system for address space. Implemented in os/. Sizes are bytes; `at` and sizes
 * need not be multiples of a page: an end rounds up to a page, so at must be one's start. */
#ifndef WAOT_MEMORY_H
#define WAOT_MEMORY_H

#include "../include/waot_abi.h"

#include <stddef.h>
#include <stdint.h>

/* The size of a memory, which another thread may be growing. */
static inline uintptr_t waot_memory_bytes(const struct waot_memory *memory)
{
    return WAOT_THREADS ? __atomic_load_n(&memory->bytes, __ATOMIC_SEQ_CST) : memory->bytes;
}

/* Address space without access at a place of the system's choice, or null; also where `size` is more than there is of
 * addresses. So are all that take a size. */
void *waot_os_reserve(uint64_t size);
/* The same with address space left free above it, so that waot_os_extend can make it larger later. */
void *waot_os_reserve_roomy(uint64_t size);
/* Address space without access at exactly `at`, the end of a reservation; 0, or -1 where it is not free. */
int waot_os_extend(void *at, uint64_t size);
/* The same as waot_os_reserve at exactly `at`, which must be free; 0, or -1 where it is not. */
int waot_os_reserve_at(void *at, uint64_t size);
/* Makes reserved pages readable and writable, zero where new; 0 or -1. */
int waot_os_commit(void *at, uint64_t size);
/* Says that much of these pages will be used, so that large ones are worth while where the system has to be told. */
void waot_os_prefer_large_pages(void *at, uint64_t size);
/* Readable and writable pages of zeros, or null. */
void *waot_os_allocate_pages(uint64_t size);
void waot_os_free_pages(void *at, uint64_t size);
/* Gives whole pages back and keeps their addresses: 0 if they are zeros now, -1 if what they hold is not known. */
int waot_os_discard(void *at, uint64_t size);
/* Bytes of memory that the machine has. */
uint64_t waot_os_memory_size(void);

#endif
