/* What is FreeBSD's own way with address space, of core/memory.h. */
#include "posix.h"

#include "confine.h"

int waot_os_reserve_at(void *at, uint64_t size)
{
    return waot_os_extend(at, size);
}

void waot_os_prefer_large_pages(void *at, uint64_t size)
{
    (void)at;
    (void)size;
}

int waot_os_discard(void *at, uint64_t size)
{
    return waot_posix_replace(at, size);
}

uint64_t waot_os_memory_size(void)
{
    uint64_t size = waot_freebsd_memory_size ? waot_freebsd_memory_size : waot_freebsd_ask_memory_size();
    return size ? size : UINT64_C(1) << 32;
}
