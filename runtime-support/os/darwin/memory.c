/* Address space from Darwin: mmap(2), mprotect(2), munmap(2). */
#include "../../core/memory.h"

#include <sys/mman.h>
#include <sys/sysctl.h>

static void *waot_map(void *at, uint64_t size, int protection, int flags)
{
    void *got = mmap(at, size, protection, MAP_PRIVATE | MAP_ANON | flags, -1, 0);
    return got == MAP_FAILED ? 0 : got;
}

void *waot_os_reserve(uint64_t size)
{
    return waot_map(0, size, PROT_NONE, MAP_NORESERVE);
}

/* A place without MAP_FIXED is a wish, which the kernel grants where nothing is in the way. */
int waot_os_extend(void *at, uint64_t size)
{
    void *got = waot_map(at, size, PROT_NONE, MAP_NORESERVE);
    if (got == at)
        return 0;
    if (got)
        waot_os_free_pages(got, size);
    return -1;
}

void *waot_os_reserve_roomy(uint64_t size)
{
    /* A process has 128 TiB (x86-64; 64 TiB on arm64) with its image, heap and shared libraries in the lowest. */
    for (uintptr_t place = (uintptr_t)16 << 40; place < (uintptr_t)48 << 40; place += (uintptr_t)1 << 40)
        if (!waot_os_extend((void *)place, size))
            return (void *)place;
    return waot_os_reserve(size);
}

int waot_os_reserve_at(void *at, uint64_t size)
{
    return waot_os_extend(at, size);
}

int waot_os_commit(void *at, uint64_t size)
{
    return mprotect(at, size, PROT_READ | PROT_WRITE);
}

void *waot_os_allocate_pages(uint64_t size)
{
    return waot_map(0, size, PROT_READ | PROT_WRITE, 0);
}

void waot_os_free_pages(void *at, uint64_t size)
{
    munmap(at, size);
}

int waot_os_discard(void *at, uint64_t size)
{
    /* madvise(2) has no advice after which pages are sure to be zeros; new ones in the same place are. */
    return waot_map(at, size, PROT_READ | PROT_WRITE, MAP_FIXED) ? 0 : -1;
}

uint64_t waot_os_memory_size(void)
{
    uint64_t bytes = 0;
    size_t size = sizeof bytes;
    return sysctlbyname("hw.memsize", &bytes, &size, 0, 0) ? UINT64_C(1) << 32 : bytes;
}
