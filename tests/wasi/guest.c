/* A guest without WebAssembly: runs the WASI functions of runtime-support on orders from the test that started it.
 *
 * Orders come on descriptor 100 and answers go to 101, so that 0, 1 and 2 are the test's to choose. The first message
 * is the manifest (size, bytes), the second what is embedded (likewise). Then, integers in host order:
 *     W address size bytes     write guest memory
 *     R address size           -> bytes
 *     C function argument*10   -> result     (function by its place in wasi_preview1.def, wasi_unstable.def behind it)
 *     S number argument*6      -> result     (a system call, as code that has taken the process over would make it)
 *     M size                   the guest's memory has that many bytes; none at all for all ones
 *     T                        from here on a SIGALRM interrupts system calls
 *     L count inode function argument*10
 *                              -> how often the call gave each errno (256 counts), and how often what path_open or
 *                                 path_filestat_get came to was the file with that inode; what is opened is closed
 */
#include "core/process.h"
#include "include/waot_abi.h"
#include "include/waot_order.h"
#ifdef __FreeBSD__
#include "os/freebsd/syscall.h"
#else
#include "os/linux/syscall.h"
#endif

#include <errno.h>
#include <signal.h>
#include <sys/types.h>

#include <sys/mman.h>
#include <sys/syscall.h>

#ifdef __FreeBSD__
#define SYS_exit_group SYS_exit
#define WAOT_LINUX_MMAP SYS_mmap
#endif

enum { ORDERS = 100, ANSWERS = 101, SPACE = 1 << 21 };

struct waot_process waot_process;

void waot_exit(int status)
{
    for (;;)
        waot_syscall(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

#include "calls.h" /* written by guest.py: calls[], each of which calls one of functions[] */

#define WASI(name, result, parameters) (void (*)(void))waot_wasi_##name,
static void (*const functions[])(void) = {
#include "include/wasi_preview1.def"
#undef WASI
#define WASI(name, result, parameters) (void (*)(void))waot_wasi_unstable_##name,
#include "include/wasi_unstable.def"
};
#undef WASI

static void take(void *to, uint64_t size)
{
    for (uint8_t *at = to; size > 0;) {
        long got = waot_syscall(SYS_read, ORDERS, (long)at, (long)size, 0, 0, 0);
        if (got == -EINTR)
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
        long put = waot_syscall(SYS_write, ANSWERS, (long)at, (long)size, 0, 0, 0);
        if (put == -EINTR)
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
    uint8_t *at = (uint8_t *)waot_syscall(WAOT_LINUX_MMAP, 0, 2 * (long)size, PROT_NONE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    waot_syscall(SYS_mprotect, (long)at, (long)size, PROT_READ | PROT_WRITE, 0, 0, 0);
    return at; /* what lies behind faults */
}

#ifdef __FreeBSD__
static void nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

static void be_interrupted(void)
{
    const struct sigaction action = {.sa_sigaction = nothing, .sa_flags = SA_SIGINFO};
    const sigset_t mask = {{1 << (SIGALRM - 1)}};
    waot_syscall(SYS_sigaction, SIGALRM, (long)&action, 0, 0, 0, 0);
    waot_syscall(SYS_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, 0, 0, 0);
}
#else
static void nothing(int signal)
{
    (void)signal;
}

#ifdef __x86_64__
void waot_signal_return(void);
#endif

static void be_interrupted(void)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
#if !defined(__riscv) && !defined(__loongarch__)
        void (*restorer)(void);
#endif
        uint32_t mask[2];
    } action = {.handler = nothing, .flags = SA_SIGINFO}; /* no SA_RESTART; the return by rt_sigreturn, as confined */
#ifdef __x86_64__
    action.flags |= 0x04000000; /* SA_RESTORER */
    action.restorer = waot_signal_return;
#endif
    const uint64_t mask = UINT64_C(1) << (SIGALRM - 1);
    waot_syscall(SYS_rt_sigaction, SIGALRM, (long)&action, 0, sizeof action.mask, 0, 0);
    waot_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, sizeof mask, 0, 0);
}
#endif

static uint64_t call(struct waot_memory *memory, uint64_t index, const uint64_t *a)
{
    return calls[index](memory, a);
}

static void repeat(struct waot_memory *memory, uint64_t count, uint64_t inode)
{
    uint64_t index = take_number(), a[10], counts[257] = {0};
    take(a, sizeof a);
    for (; count > 0; count--) {
        uint64_t result = call(memory, index, a);
        counts[result & 255]++;
        uint64_t stat = a[4];
        if (result != 0)
            continue;
        if (functions[index] == (void (*)(void))waot_wasi_path_open) {
            uint32_t fd;
            __builtin_memcpy(&fd, memory->base + a[8], sizeof fd);
            stat = SPACE - 64;
            fd = waot_little32(fd);
            waot_wasi_fd_filestat_get(memory, fd, (uint32_t)stat);
            waot_wasi_fd_close(memory, fd);
        } else if (functions[index] != (void (*)(void))waot_wasi_path_filestat_get) {
            continue;
        }
        uint64_t found;
        __builtin_memcpy(&found, memory->base + stat + 8, sizeof found);
        counts[256] += waot_little64(found) == inode;
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
            memory->bytes = (uintptr_t)take_number();
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
            a[0] = call(memory->bytes == UINTPTR_MAX ? NULL : memory, order, a);
            if (WAOT_THREADS)
                waot_wasi_leave();
            give(a, sizeof a[0]);
            break;
        case 'S':
            order = take_number();
            take(a, 6 * sizeof a[0]);
            a[0] = (uint64_t)waot_syscall((long)order, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4],
                                          (long)a[5]);
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
    size = take_number();
    uint8_t *embedded = reserve(size + 65536);
    take(embedded, size);
    waot_syscall(SYS_mprotect, (long)embedded, (long)(size + 65536), PROT_READ, 0, 0, 0);
    waot_process.embedded = embedded;
    struct waot_memory memory = {.base = reserve(SPACE), .bytes = SPACE, .reserve = SPACE};
    waot_wasi_start();
    serve(&memory);
    waot_exit(0);
}
