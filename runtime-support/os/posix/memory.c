/* Address space: mmap(2), mprotect(2), munmap(2). */
#include "posix.h"

#include "../roomy.h"

#include <sys/mman.h>

static long waot_map(void *at, uint64_t size, int protection, int flags)
{
    if (sizeof(long) < sizeof size && size > UINTPTR_MAX - 0xffff)
        return -ENOMEM;
    return waot_call_mmap(at, size, protection, MAP_PRIVATE | MAP_ANON | flags);
}

static int waot_refused(long result)
{
    return result < 0 && result >= -4095;
}

/* Pages at a place of the system's choice, or null. */
static void *waot_map_anywhere(uint64_t size, int protection, int flags)
{
    long at = waot_map(0, size, protection, flags);
    return waot_refused(at) ? 0 : (void *)at;
}

void *waot_os_reserve(uint64_t size)
{
    return waot_map_anywhere(size, PROT_NONE, WAOT_CALL_RESERVE);
}

void *waot_posix_reserve_stack(uint64_t size)
{
    return waot_map_anywhere(size, PROT_NONE, WAOT_CALL_RESERVE | WAOT_CALL_STACK);
}

int waot_posix_reserve_there(void *at, uint64_t size, int flags)
{
    long got = waot_map(at, size, PROT_NONE, WAOT_CALL_RESERVE | flags);
    if (got == (long)at)
        return 0;
    if (!waot_refused(got))
        waot_os_free_pages((void *)got, size);
    return -1;
}

int waot_os_extend(void *at, uint64_t size)
{
    return waot_posix_reserve_there(at, size, WAOT_CALL_EXTEND);
}

void *waot_os_reserve_roomy(uint64_t size)
{
    return waot_reserve_in_the_middle(size);
}

int waot_os_commit(void *at, uint64_t size)
{
    return waot_call_mprotect(at, size, PROT_READ | PROT_WRITE) ? -1 : 0;
}

void *waot_os_allocate_pages(uint64_t size)
{
    /* Without MAP_NORESERVE: what the machine plainly does not have is refused here, not killed for later. */
    return waot_map_anywhere(size, PROT_READ | PROT_WRITE, 0);
}

void waot_os_free_pages(void *at, uint64_t size)
{
    waot_call_munmap(at, size);
}

int waot_posix_replace(void *at, uint64_t size)
{
    return waot_refused(waot_map(at, size, PROT_READ | PROT_WRITE, MAP_FIXED)) ? -1 : 0;
}
