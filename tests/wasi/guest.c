/* A guest without WebAssembly: runs the WASI functions of runtime-support on orders from the test that started it.
 *
 * Orders come on descriptor 100 and answers go to 101, so that 0, 1 and 2 are the test's to choose. The first message
 * is the manifest (size, bytes). Then, integers in host order:
 *     W address size bytes     write guest memory
 *     R address size           -> bytes
 *     C function argument*10   -> result     (function by its place in wasi_preview1.def)
 *     M size                   the guest's memory has that many bytes; none at all for all ones
 */
#include "core/process.h"
#include "include/waot_abi.h"
#include "os/linux/syscall.h"

#include <sys/mman.h>
#include <sys/syscall.h>

enum { ORDERS = 100, ANSWERS = 101, SPACE = 1 << 21 };

struct waot_process waot_process;

void waot_exit(int status)
{
    for (;;)
        waot_syscall(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

typedef uint32_t function(struct waot_memory *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                          uint64_t, uint64_t, uint64_t);

#define WASI(name, result, parameters) (void (*)(void))waot_wasi_##name,
static void (*const functions[])(void) = {
#include "include/wasi_preview1.def"
};
#undef WASI

static void take(void *to, uint64_t size)
{
    for (uint8_t *at = to; size > 0;) {
        long got = waot_syscall(SYS_read, ORDERS, (long)at, (long)size, 0, 0, 0);
        if (got <= 0)
            waot_exit(120);
        at += got;
        size -= (uint64_t)got;
    }
}

static void give(const void *from, uint64_t size)
{
    for (const uint8_t *at = from; size > 0;) {
        long put = waot_syscall(SYS_write, ANSWERS, (long)at, (long)size, 0, 0, 0);
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

static uint8_t *reserve(uint64_t size)
{
    uint8_t *at = (uint8_t *)waot_syscall(SYS_mmap, 0, 2 * (long)size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    waot_syscall(SYS_mprotect, (long)at, (long)size, PROT_READ | PROT_WRITE, 0, 0, 0);
    return at; /* what lies behind faults */
}

static void serve(struct waot_memory *memory)
{
    for (;;) {
        uint64_t order = take_number();
        uint64_t a[10];
        switch (order) {
        case 'W':
            a[0] = take_number();
            take(memory->base + a[0], take_number());
            break;
        case 'R':
            a[0] = take_number();
            give(memory->base + a[0], take_number());
            break;
        case 'M':
            memory->bytes = take_number();
            break;
        case 'C':
            order = take_number();
            take(a, sizeof a);
            a[0] = ((function *)functions[order])(memory->bytes == UINT64_MAX ? NULL : memory, a[0], a[1], a[2], a[3],
                                                  a[4], a[5], a[6], a[7], a[8], a[9]);
            if (WAOT_THREADS)
                waot_wasi_leave();
            give(a, sizeof a[0]);
            break;
        default:
            waot_exit(122);
        }
    }
}

__attribute__((used)) _Noreturn void waot_start(uintptr_t *stack)
{
    waot_process.argc = (int)stack[0];
    waot_process.argv = (char **)(stack + 1);
    waot_process.envp = waot_process.argv + waot_process.argc + 1;
    uint64_t size = take_number();
    uint8_t *manifest = reserve(65536);
    take(manifest, size);
    waot_process.manifest = manifest;
    waot_process.manifest_end = manifest + size;
    struct waot_memory memory = {.base = reserve(SPACE), .bytes = SPACE, .reserve = SPACE};
    waot_wasi_start();
    serve(&memory);
    waot_exit(0);
}
