/* What is Linux's own way with address space, of core/memory.h: mprotect(2), madvise(2), sysinfo(2). */
#include "posix.h"

#include <sys/sysinfo.h>

#ifndef MADV_HUGEPAGE
#define MADV_HUGEPAGE 14
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

int waot_os_reserve_at(void *at, uint64_t size)
{
    /* Linux before 4.17 and older qemu take MAP_FIXED_NOREPLACE for a hint, and answer with another place. */
    if (!waot_posix_reserve_there(at, size, MAP_FIXED_NOREPLACE))
        return 0;
    /* qemu-user maps all that lies between the lowest and the highest segment of an image, without access. mprotect
     * fails where any page is not mapped, so it succeeds only where that has been done for us. */
    return waot_call_mprotect(at, size, PROT_NONE) ? -1 : 0;
}

void waot_os_prefer_large_pages(void *at, uint64_t size)
{
    WAOT_CALL(SYS_madvise, at, (size_t)size, MADV_HUGEPAGE);
}

int waot_os_discard(void *at, uint64_t size)
{
    /* Older qemu does nothing and calls it a success; the kernel refuses locked pages. */
    volatile unsigned char *first = at;
    *first = 1;
    long refused = WAOT_CALL(SYS_madvise, at, size, MADV_DONTNEED);
    return refused || *first ? -1 : 0;
}

uint64_t waot_os_memory_size(void)
{
    struct sysinfo info = {0};
    if (WAOT_CALL(SYS_sysinfo, &info))
        return UINT64_C(1) << 32;
    return ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
}
