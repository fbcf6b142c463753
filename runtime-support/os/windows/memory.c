/* Address space from Windows. It is reserved in steps of 64 KiB and committed by pages; what is committed costs memory of
 * the machine or of its page file from then on. */
#include "../roomy.h"
#include "system.h"

#define WAOT_WINDOWS_GRANULE UINT64_C(0x10000)

static uint64_t waot_windows_granules(uint64_t size)
{
    return (size + WAOT_WINDOWS_GRANULE - 1) & ~(WAOT_WINDOWS_GRANULE - 1);
}

void *waot_os_reserve(uint64_t size)
{
    size = waot_windows_granules(size);
    return size > SIZE_MAX ? NULL : VirtualAlloc(NULL, (SIZE_T)size, MEM_RESERVE, PAGE_NOACCESS);
}

int waot_os_extend(void *at, uint64_t size)
{
    /* The reservation before it has whole granules, so it may reach further than `at`. */
    uintptr_t from = (uintptr_t)waot_windows_granules((uintptr_t)at);
    if (size <= from - (uintptr_t)at)
        return 0;
    size = waot_windows_granules(size - (from - (uintptr_t)at));
    if (size > SIZE_MAX)
        return -1;
    return VirtualAlloc((void *)from, (SIZE_T)size, MEM_RESERVE, PAGE_NOACCESS) == NULL ? -1 : 0;
}

void *waot_os_reserve_roomy(uint64_t size)
{
    return waot_reserve_in_the_middle(size);
}

int waot_os_reserve_at(void *at, uint64_t size)
{
    return waot_os_extend(at, size);
}

int waot_os_commit(void *at, uint64_t size)
{
    /* One call a reservation: a memory that was extended lies in several. */
    uint8_t *from = at, *end = from + size;
    while (from < end) {
        MEMORY_BASIC_INFORMATION region;
        if (VirtualQuery(from, &region, sizeof region) == 0)
            return -1;
        SIZE_T part = (SIZE_T)((uint8_t *)region.BaseAddress + region.RegionSize - from);
        if (part > (SIZE_T)(end - from))
            part = (SIZE_T)(end - from);
        if (VirtualAlloc(from, part, MEM_COMMIT, PAGE_READWRITE) == NULL)
            return -1;
        from += part;
    }
    return 0;
}

void *waot_os_allocate_pages(uint64_t size)
{
    return size > SIZE_MAX ? NULL : VirtualAlloc(NULL, (SIZE_T)size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void waot_os_free_pages(void *at, uint64_t size)
{
    (void)size; /* all that was reserved by one call, and no caller gives back less */
    VirtualFree(at, 0, MEM_RELEASE);
}

void waot_os_prefer_large_pages(void *at, uint64_t size)
{
    (void)at;
    (void)size;
}

int waot_os_discard(void *at, uint64_t size)
{
    if (!VirtualFree(at, (SIZE_T)size, MEM_DECOMMIT))
        return -1;
    return VirtualAlloc(at, (SIZE_T)size, MEM_COMMIT, PAGE_READWRITE) == NULL ? -1 : 0;
}

uint64_t waot_os_memory_size(void)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    if (!GlobalMemoryStatusEx(&status))
        return UINT64_C(1) << 32;
    return status.ullTotalPageFile;
}
