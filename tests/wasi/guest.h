/* A guest without WebAssembly: runs the WASI functions of runtime-support on orders from the test that started it. What is
 * here is the same for all systems; a guest says before it where orders come from and answers go to (`orders`, `answers`).
 *
 * The first message is the manifest (size, bytes), the second what is embedded (likewise). Then, integers in host order:
 *     W address size bytes     write guest memory
 *     R address size           -> bytes
 *     C function argument*10   -> result     (function by its place in wasi_preview1.def, wasi_unstable.def behind it)
 *     M size                   the guest's memory has that many bytes; none at all for all ones
 *     L count inode function argument*10
 *                              -> how often the call gave each errno (256 counts), and how often what path_open or
 *                                 path_filestat_get came to was the file with that inode; what is opened is closed
 * and what `other_order` takes.
 */
#include "core/process.h"
#include "include/waot_abi.h"
#include "include/waot_order.h"
#include "os/os.h"

/* Written by guest.py: calls[], the functions with an array for arguments. Where arguments on the stack lie as close as their
 * sizes allow, a function cannot be called as one of other arguments. */
#include "wasi_calls.h"

enum { SPACE = 1 << 21 };

static void take(void *to, uint64_t size)
{
    for (uint8_t *at = to; size > 0;) {
        const struct waot_os_buffer buffer = {at, (size_t)size};
        int64_t got = waot_os_read(orders(), &buffer, 1);
        if (got <= 0)
            waot_exit(120);
        at += got;
        size -= (uint64_t)got;
    }
}

static void give(const void *from, uint64_t size)
{
    for (uint8_t *at = (uint8_t *)(uintptr_t)from; size > 0;) {
        const struct waot_os_buffer buffer = {at, (size_t)size};
        int64_t put = waot_os_write(answers(), &buffer, 1);
        if (put <= 0)
            waot_exit(121);
        at += put;
        size -= (uint64_t)put;
    }
}

static uint64_t take_number(void)
{
    uint64_t number;
    take(&number, sizeof number);
    return number;
}

/* What lies behind faults. */
static uint8_t *reserve(uint64_t size)
{
    size = (size + 0xffff) & ~UINT64_C(0xffff);
    uint8_t *at = waot_os_reserve(2 * size);
    waot_os_commit(at, size);
    return at;
}

static void repeat(struct waot_memory *memory, uint64_t count, uint64_t inode)
{
    uint64_t index = take_number(), a[10], counts[257] = {0};
    take(a, sizeof a);
    for (; count > 0; count--) {
        uint64_t result = calls[index](memory, a);
        counts[result & 255]++;
        uint64_t stat = a[4];
        if (result != 0)
            continue;
        if (calls[index] == call_path_open) {
            uint32_t fd;
            __builtin_memcpy(&fd, memory->base + a[8], sizeof fd);
            stat = SPACE - 64;
            fd = waot_little32(fd);
            waot_wasi_fd_filestat_get(memory, fd, (uint32_t)stat);
            waot_wasi_fd_close(memory, fd);
        } else if (calls[index] != call_path_filestat_get) {
            continue;
        }
        uint64_t found;
        __builtin_memcpy(&found, memory->base + stat + 8, sizeof found);
        counts[256] += waot_little64(found) == inode;
    }
    give(counts, sizeof counts);
}

/* The guest's own: takes the rest of an order that is not listed above; and what is embedded, which takes `size` bytes. */
static void other_order(uint64_t order);
static void embedded(uint64_t size);

static void serve(void)
{
    uint64_t a[10], size = take_number();
    uint8_t *manifest = reserve(size);
    take(manifest, size);
    waot_process.manifest = manifest;
    waot_process.manifest_end = manifest + size;
    embedded(take_number());
    struct waot_memory memory = {.base = reserve(SPACE), .bytes = SPACE, .reserve = SPACE};
    waot_wasi_start();
    for (;;) {
        uint64_t order = take_number();
        switch (order) {
        case 'W':
            a[0] = take_number();
            take(memory.base + a[0], take_number());
            break;
        case 'R':
            a[0] = take_number();
            give(memory.base + a[0], take_number());
            break;
        case 'M':
            memory.bytes = (uintptr_t)take_number();
            break;
        case 'L':
            a[0] = take_number();
            repeat(&memory, a[0], take_number());
            break;
        case 'C':
            order = take_number();
            take(a, sizeof a);
            a[0] = calls[order](memory.bytes == UINTPTR_MAX ? NULL : &memory, a);
            if (WAOT_THREADS)
                waot_wasi_leave();
            give(a, sizeof a[0]);
            break;
        default:
            other_order(order);
        }
    }
}
