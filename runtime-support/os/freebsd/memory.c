/* Address space from FreeBSD: mmap(2), mprotect(2), munmap(2). */
#include "../../core/memory.h"
#include "confine.h"
#include "syscall.h"

#include <sys/types.h>

#include <sys/mman.h>
#include <sys/syscall.h>

/* Pages without access are not charged to anybody. Not MAP_GUARD, whose pages can never be made accessible, nor MAP_STACK,
 * which is a mapping that grows. */
static long waot_map(void *at, uint64_t size, int protection, int flags)
{
    return waot_syscall(SYS_mmap, (long)at, (long)size, protection, MAP_PRIVATE | MAP_ANON | flags, -1, 0);
}

static int waot_refused(long result)
{
    return result < 0 && result >= -4095;
}

void *waot_os_reserve(uint64_t size)
{
    long at = waot_map(0, size, PROT_NONE, 0);
    return waot_refused(at) ? 0 : (void *)at;
}

int waot_os_reserve_at(void *at, uint64_t size)
{
    return waot_refused(waot_map(at, size, PROT_NONE, MAP_FIXED | MAP_EXCL)) ? -1 : 0;
}

int waot_os_extend(void *at, uint64_t size)
{
    return waot_os_reserve_at(at, size);
}

void *waot_os_reserve_roomy(uint64_t size)
{
    /* The kernel places what has no place above the program or, randomised, anywhere; programs and libraries stand near
     * both ends of 128 TiB: in the middle there is nothing. */
    for (uintptr_t place = (uintptr_t)16 << 40; place < (uintptr_t)48 << 40; place += (uintptr_t)1 << 40)
        if (!waot_os_extend((void *)place, size))
            return (void *)place;
    return waot_os_reserve(size);
}

int waot_os_commit(void *at, uint64_t size)
{
    return waot_syscall(SYS_mprotect, (long)at, (long)size, PROT_READ | PROT_WRITE, 0, 0, 0) ? -1 : 0;
}

void *waot_os_allocate_pages(uint64_t size)
{
    long at = waot_map(0, size, PROT_READ | PROT_WRITE, 0);
    return waot_refused(at) ? 0 : (void *)at;
}

void waot_os_free_pages(void *at, uint64_t size)
{
    waot_syscall(SYS_munmap, (long)at, (long)size, 0, 0, 0, 0);
}

int waot_os_discard(void *at, uint64_t size)
{
    /* madvise(2) has no advice after which pages are sure to be zeros; new ones in the same place are. */
    return waot_refused(waot_map(at, size, PROT_READ | PROT_WRITE, MAP_FIXED)) ? -1 : 0;
}

uint64_t waot_os_memory_size(void)
{
    uint64_t size = waot_freebsd_memory_size ? waot_freebsd_memory_size : waot_freebsd_ask_memory_size();
    return size ? size : UINT64_C(1) << 32;
}
