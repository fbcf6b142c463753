/* The guest of tests/wasi/guest.c as a macOS program: runs the WASI functions of runtime-support on orders from the test
 * that started it, which are described there. It stands in place of the shim's `waot_main`.
 */
#include "core/process.h"
#include "include/waot_abi.h"
#include "os/os.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ORDERS = 100, ANSWERS = 101, SPACE = 1 << 21 };

/* Written by guest.py: calls[], the functions with an array for arguments. On macOS's arm64 arguments on the stack lie as
 * close as their sizes allow, so that a function cannot be called as one of other arguments. */
#include "calls.h"

static void take(void *to, uint64_t size)
{
    for (uint8_t *at = to; size > 0;) {
        ssize_t got = read(ORDERS, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            waot_exit(120);
        at += got;
        size -= (uint64_t)got;
    }
}

static void give(const void *from, uint64_t size)
{
    for (const uint8_t *at = from; size > 0;) {
        ssize_t put = write(ANSWERS, at, size);
        if (put < 0 && errno == EINTR)
            continue;
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
    size = (size + waot_process.page_size - 1) / waot_process.page_size * waot_process.page_size;
    uint8_t *at = mmap(0, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);
    mprotect(at, size, PROT_READ | PROT_WRITE);
    return at; /* what lies behind faults */
}

static void nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

static void be_interrupted(void)
{
    struct sigaction action = {.sa_sigaction = nothing, .sa_flags = SA_SIGINFO}; /* no SA_RESTART */
    const sigset_t mask = (sigset_t)1 << (SIGALRM - 1);
    sigaction(SIGALRM, &action, 0);
    sigprocmask(SIG_UNBLOCK, &mask, 0);
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
            waot_wasi_fd_filestat_get(memory, fd, (uint32_t)stat);
            waot_wasi_fd_close(memory, fd);
        } else if (calls[index] != call_path_filestat_get) {
            continue;
        }
        uint64_t found;
        __builtin_memcpy(&found, memory->base + stat + 8, sizeof found);
        counts[256] += found == inode;
    }
    give(counts, sizeof counts);
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
        case 'T':
            be_interrupted();
            break;
        case 'L':
            a[0] = take_number();
            repeat(memory, a[0], take_number());
            break;
        case 'C':
            order = take_number();
            take(a, sizeof a);
            a[0] = calls[order](memory->bytes == UINT64_MAX ? NULL : memory, a);
            give(a, sizeof a[0]);
            break;
        default:
            waot_exit(122);
        }
    }
}

void waot_main(void)
{
    uint64_t size = take_number();
    uint8_t *manifest = reserve(65536);
    take(manifest, size);
    waot_process.manifest = manifest;
    waot_process.manifest_end = manifest + size;
    size = take_number(); /* of what is embedded, which there is nothing of on macOS */
    if (size)
        waot_exit(123);
    struct waot_memory memory = {.base = reserve(SPACE), .bytes = SPACE, .reserve = SPACE};
    waot_wasi_start();
    serve(&memory);
}
