/* Address space from Linux: mmap(2), mprotect(2), munmap(2), madvise(2). */
#include "../../core/memory.h"
#include "../../core/process.h"
#include "syscall.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static long waot_map(void *at, uint64_t size, int protection, int flags)
{
    if (sizeof(long) < sizeof size && size > UINTPTR_MAX - 0xffff)
        return -ENOMEM;
    return waot_syscall(WAOT_LINUX_MMAP, (long)at, (long)size, protection, flags, -1, 0);
}

static int waot_refused(long result)
{
    return result < 0 && result >= -4095;
}

void *waot_os_reserve(uint64_t size)
{
    long at = waot_map(0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    return waot_refused(at) ? 0 : (void *)at;
}

int waot_os_extend(void *at, uint64_t size)
{
    /* A place without MAP_FIXED is a wish, which the kernel grants where nothing is in the way. */
    long got = waot_map(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    if (got == (long)at)
        return 0;
    if (!waot_refused(got))
        waot_os_free_pages((void *)got, size);
    return -1;
}

void *waot_os_reserve_roomy(uint64_t size)
{
#if UINTPTR_MAX > UINT32_MAX
    /* The kernel places what has no place below what is there already, at the top of 128 TiB or more, and programs are
     * near both ends: in the middle there is nothing. */
    for (uintptr_t place = (uintptr_t)16 << 40; place < (uintptr_t)48 << 40; place += (uintptr_t)1 << 40)
        if (!waot_os_extend((void *)place, size))
            return (void *)place;
#endif
    return waot_os_reserve(size);
}

int waot_os_reserve_at(void *at, uint64_t size)
{
    long got = waot_map(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE);
    if (got == (long)at)
        return 0;
    /* Linux before 4.17 and older qemu take MAP_FIXED_NOREPLACE for a hint, and answer with another place. */
    if (!waot_refused(got))
        waot_os_free_pages((void *)got, size);
    /* qemu-user maps all that lies between the lowest and the highest segment of an image, without access. mprotect
     * fails where any page is not mapped, so it succeeds only where that has been done for us. */
    return waot_syscall(SYS_mprotect, (long)at, (long)size, PROT_NONE, 0, 0, 0) ? -1 : 0;
}

int waot_os_commit(void *at, uint64_t size)
{
    return waot_syscall(SYS_mprotect, (long)at, (long)size, PROT_READ | PROT_WRITE, 0, 0, 0) ? -1 : 0;
}

void *waot_os_allocate_pages(uint64_t size)
{
    /* Without MAP_NORESERVE: what the machine plainly does not have is refused here, not killed for later. */
    long at = waot_map(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    return waot_refused(at) ? 0 : (void *)at;
}

void waot_os_free_pages(void *at, uint64_t size)
{
    waot_syscall(SYS_munmap, (long)at, (long)size, 0, 0, 0, 0);
}

int waot_os_discard(void *at, uint64_t size)
{
    /* Older qemu does nothing and calls it a success; the kernel refuses locked pages. */
    volatile unsigned char *first = at;
    *first = 1;
    long refused = waot_syscall(SYS_madvise, (long)at, (long)size, MADV_DONTNEED, 0, 0, 0);
    return refused || *first ? -1 : 0;
}

uint64_t waot_os_memory_size(void)
{
    struct sysinfo info = {0};
    if (waot_syscall(SYS_sysinfo, (long)&info, 0, 0, 0, 0, 0))
        return UINT64_C(1) << 32;
    return ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
}
