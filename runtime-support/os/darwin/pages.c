/* What is Darwin's own way with address space, of core/memory.h. */
#include "posix.h"

#include <sys/sysctl.h>

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
    uint64_t bytes = 0;
    size_t size = sizeof bytes;
    return sysctlbyname("hw.memsize", &bytes, &size, 0, 0) ? UINT64_C(1) << 32 : bytes;
}
