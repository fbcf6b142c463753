/* A guest without WebAssembly, as tests/wasi/guest.c, for Windows: runs the WASI functions of the shim on orders from the
 * test that started it. Orders come on standard input and answers go to standard output, as a Windows program has no other
 * streams of whoever starts it. It stands in the place of the shim's `waot_main`.
 *
 * The first message is the manifest (size, bytes). Then, integers in host order:
 *     W address size bytes     write guest memory
 *     R address size           -> bytes
 *     C function argument*10   -> result     (function by its place in wasi_preview1.def, wasi_unstable.def behind it)
 *     M size                   the guest's memory has that many bytes; none at all for all ones
 */
#include "core/process.h"
#include "include/waot_abi.h"
#include "os/os.h"

enum { SPACE = 1 << 21 };

/* As tests/wasi/guest.py writes it. */
#include "calls.h"

static void take(void *to, uint64_t size)
{
    for (uint8_t *at = to; size > 0;) {
        const struct waot_os_buffer buffer = {at, (size_t)size};
        int64_t got = waot_os_read(waot_os_standard(0), &buffer, 1);
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
        int64_t put = waot_os_write(waot_os_standard(1), &buffer, 1);
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

void waot_main(void)
{
    uint64_t size = take_number(), a[10];
    uint8_t *manifest = waot_os_allocate_pages(size + 1);
    take(manifest, size);
    waot_process.manifest = manifest;
    waot_process.manifest_end = manifest + size;
    struct waot_memory memory = {.base = waot_os_allocate_pages(SPACE), .bytes = SPACE, .reserve = SPACE};
    waot_wasi_start();
    for (;;) {
        switch (take_number()) {
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
        case 'C': {
            uint64_t number = take_number();
            take(a, sizeof a);
            a[0] = calls[number](memory.bytes == UINTPTR_MAX ? NULL : &memory, a);
            give(a, sizeof a[0]);
            break;
        }
        default:
            waot_exit(122);
        }
    }
}
