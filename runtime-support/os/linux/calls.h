/* Linux's calls as os/posix makes them (posix.h), and the kernel's types that no header of a C library without its
 * extensions has. */
#ifndef WAOT_CALLS_H
#define WAOT_CALLS_H

#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Calls that 32-bit systems have a second time, for what is large. */
#ifdef SYS_fcntl64
#define WAOT_NUMBER_FCNTL SYS_fcntl64
#else
#define WAOT_NUMBER_FCNTL SYS_fcntl
#endif
#ifdef SYS_ftruncate64
#define WAOT_LINUX_FTRUNCATE SYS_ftruncate64
#else
#define WAOT_LINUX_FTRUNCATE SYS_ftruncate
#endif
/* The second mmap has its offset in pages. */
#ifdef SYS_mmap2
#define WAOT_NUMBER_MMAP SYS_mmap2
#else
#define WAOT_NUMBER_MMAP SYS_mmap
#endif

#include "../posix/numbered.h"

#define WAOT_CALL_ERRORS(E) E(ENOMEDIUM, NODEV) E(ETIME, TIMEDOUT)
#define WAOT_CALL_MOST SIZE_MAX
#define WAOT_CALL_SLASHES true
#define WAOT_CALL_RESERVE MAP_NORESERVE
#define WAOT_CALL_EXTEND 0 /* a wish, which the kernel grants where nothing is in the way */
#define WAOT_CALL_STACK MAP_STACK /* keeps huge pages away (Linux 6.7): the first push shall not clear 2 MiB */
#define WAOT_CALL_RECEIVE MSG_CMSG_CLOEXEC
#define WAOT_CALL_SEND MSG_NOSIGNAL
#define WAOT_CALL_PWR SIGPWR
#if UINTPTR_MAX > UINT32_MAX
#define WAOT_CALL_OPEN 0
#else
#define WAOT_CALL_OPEN O_LARGEFILE /* without it a file ends at 2 GiB, whatever the call is that writes */
#endif

enum {
    WAOT_LINUX_AT_EMPTY_PATH = 0x1000,
    WAOT_LINUX_O_PATH = 010000000,
    WAOT_CALL_LINKS = 40,
    WAOT_CALL_SEARCH = WAOT_LINUX_O_PATH | O_DIRECTORY | O_CLOEXEC,
#if defined(__powerpc64__)
    WAOT_LINUX_TCGETS = 0x402c7413,
    WAOT_LINUX_FIONREAD = 0x4004667f,
#else
    WAOT_LINUX_TCGETS = 0x5401,
    WAOT_LINUX_FIONREAD = 0x541b,
#endif
};

/* A 64-bit number among the arguments of a call: two of them where they have 32 bits. On Arm the first has an even place;
 * WAOT_LINUX_SKIP stands before one that would have an odd one. */
#if UINTPTR_MAX > UINT32_MAX
#define WAOT_LINUX_WIDE(value) (value)
#else
#define WAOT_LINUX_WIDE(value) (uint32_t)(value), (uint32_t)((uint64_t)(value) >> 32)
#endif
#ifdef __arm__
#define WAOT_LINUX_SKIP 0,
#else
#define WAOT_LINUX_SKIP
#endif

/* ---------------------------------------------------------------- files */

/* The offset travels as two longs; on a 64-bit system the first has it all. */
static inline long waot_call_preadv(long handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return WAOT_RETRY(SYS_preadv, handle, buffers, count, (long)offset, offset >> 32);
}

static inline long waot_call_pwritev(long handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return WAOT_RETRY(SYS_pwritev, handle, buffers, count, (long)offset, offset >> 32);
}

static inline long waot_call_pread(long handle, void *bytes, size_t size, uint64_t offset)
{
#if UINTPTR_MAX > UINT32_MAX
    return WAOT_RETRY(SYS_pread64, handle, bytes, size, offset);
#else
    const struct waot_os_buffer buffer = {bytes, size};
    return waot_call_preadv(handle, &buffer, 1, offset);
#endif
}

static inline long waot_call_pwrite(long handle, const void *bytes, size_t size, uint64_t offset)
{
#if UINTPTR_MAX > UINT32_MAX
    return WAOT_RETRY(SYS_pwrite64, handle, bytes, size, offset);
#else
    const struct waot_os_buffer buffer = {(uint8_t *)bytes, size};
    return waot_call_pwritev(handle, &buffer, 1, offset);
#endif
}

static inline int64_t waot_call_lseek(long handle, int64_t offset, uint32_t whence)
{
#if UINTPTR_MAX > UINT32_MAX
    return WAOT_CALL(SYS_lseek, handle, offset, whence);
#else
    int64_t position;
    long result = WAOT_CALL(SYS__llseek, handle, (uint64_t)offset >> 32, (uint32_t)offset, &position, whence);
    return result < 0 ? result : position;
#endif
}

static inline long waot_call_ftruncate(long handle, uint64_t size)
{
    return WAOT_RETRY(WAOT_LINUX_FTRUNCATE, handle, WAOT_LINUX_SKIP WAOT_LINUX_WIDE(size));
}

static inline long waot_call_renameat(long directory, const char *name, long new_directory, const char *new_name)
{
    return WAOT_RETRY(SYS_renameat2, directory, name, new_directory, new_name, 0);
}

/* ---------------------------------------------------------------- times
 *
 * 32-bit systems have had a second kind of these calls, with 64-bit seconds, since Linux 5.1; where it is not there, the
 * first is as good until 2038 (times.c). `timeout` may be null. */
#if UINTPTR_MAX > UINT32_MAX
static inline long waot_linux_get_clock(long clock, struct waot_posix_time *time)
{
    return WAOT_CALL(SYS_clock_gettime, clock, time);
}

static inline long waot_call_clock_getres(uint32_t clock, struct waot_posix_time *time)
{
    return WAOT_CALL(SYS_clock_getres, clock, time);
}

static inline long waot_call_utimensat(long directory, const char *name, const struct waot_posix_time times[2], int flags)
{
    return WAOT_RETRY(SYS_utimensat, directory, name, times, flags);
}

static inline long waot_linux_wait_for(void *entries, size_t count, const struct waot_posix_time *timeout)
{
    return WAOT_CALL(SYS_ppoll, entries, count, timeout, NULL, 0);
}

static inline long waot_linux_futex(const uint32_t *word, long operation, uint32_t value,
                                    const struct waot_posix_time *timeout)
{
    return WAOT_CALL(SYS_futex, word, operation, value, timeout);
}
#else
long waot_linux_get_clock(long clock, struct waot_posix_time *time);
long waot_call_clock_getres(uint32_t clock, struct waot_posix_time *time);
long waot_call_utimensat(long directory, const char *name, const struct waot_posix_time times[2], int flags);
long waot_linux_wait_for(void *entries, size_t count, const struct waot_posix_time *timeout);
long waot_linux_futex(const uint32_t *word, long operation, uint32_t value, const struct waot_posix_time *timeout);
#endif

/* clock_gettime as the vDSO has it, 0 or -errno; null before the first reading, which looks up how to read (vdso.c). */
typedef int waot_linux_clock_function(int clock, struct waot_posix_time *time);
extern waot_linux_clock_function *waot_linux_clock;
void waot_linux_find_clock(void);

/* CLOCK_REALTIME and CLOCK_MONOTONIC are 0 and 1, as WASI's are. */
static inline long waot_call_clock_gettime(uint32_t clock, struct waot_posix_time *time)
{
    if (waot_linux_clock == NULL)
        waot_linux_find_clock();
    return waot_linux_clock((int)clock, time);
}

static inline long waot_call_futimens(long handle, const struct waot_posix_time times[2])
{
    return waot_call_utimensat(handle, NULL, times, 0);
}

static inline long waot_call_poll(struct pollfd *entries, size_t count, uint64_t timeout)
{
    const struct waot_posix_time time = waot_posix_time(timeout);
    return waot_linux_wait_for(entries, count, timeout == UINT64_MAX ? NULL : &time);
}

static inline bool waot_call_poll_otherwise(struct waot_os_poll *polls, size_t count, uint64_t timeout, int64_t *result)
{
    (void)polls, (void)count, (void)timeout, (void)result;
    return false;
}

static inline long waot_call_waiting(long handle, int *bytes)
{
    return WAOT_CALL(SYS_ioctl, handle, WAOT_LINUX_FIONREAD, bytes);
}

/* ---------------------------------------------------------------- signals */

/* Without a restorer the kernel's own code in the vDSO is where handlers return to. */
#if !defined(__riscv) && !defined(__loongarch__)
#define WAOT_LINUX_RESTORER
#endif

#ifdef WAOT_LINUX_RESTORER
void waot_signal_return(void); /* <architecture>.S */
#endif

/* What rt_sigaction(2) takes, which is not what libc's header says. */
struct waot_linux_action {
    waot_posix_handler *handler;
    unsigned long flags;
#ifdef WAOT_LINUX_RESTORER
    void (*restorer)(void);
#endif
    uint32_t mask[2];
#ifndef WAOT_LINUX_RESTORER
    uint32_t emulated_mask[2]; /* where QEMU 7.2 looks for it, as if there were a restorer everywhere */
#endif
};

static inline long waot_call_sigaction(int signal, waot_posix_handler *handler)
{
    struct waot_linux_action action = {.handler = handler, .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
#ifdef WAOT_LINUX_RESTORER
    action.flags |= 0x04000000; /* SA_RESTORER */
    action.restorer = waot_signal_return;
#endif
    return WAOT_CALL(SYS_rt_sigaction, signal, &action, NULL, sizeof action.mask);
}

static inline void waot_call_unblock(uint32_t signals)
{
    const uint64_t mask = signals;
    WAOT_CALL(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, sizeof mask);
}

static inline long waot_call_raise(int signal)
{
    return WAOT_CALL(SYS_tgkill, waot_call_getpid(), WAOT_CALL(SYS_gettid, 0), signal);
}

/* ---------------------------------------------------------------- sockets */

/* The beginning of struct sockaddr. */
struct waot_call_address_head {
    uint16_t family;
};
#define WAOT_CALL_ADDRESS_HEAD(family, size) {(uint16_t)(family)}

#endif
