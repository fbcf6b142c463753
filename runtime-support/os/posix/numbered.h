/* For the calls.h of systems that are called by number: what the numbers are called alike for. The system's own part is
 * waot_syscall (syscall.h), and WAOT_NUMBER_FCNTL. */
#ifndef WAOT_POSIX_NUMBERED_H
#define WAOT_POSIX_NUMBERED_H

#include <sys/types.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "syscall.h"

#ifndef WAOT_COUNTED /* by syscall.h, where there is a function for each number of arguments */
#define WAOT_COUNTED(count) waot_syscall
#endif

/* A call, and one that is repeated while a signal interrupts it, of one to six arguments, which are converted to long. */
#define WAOT_COUNT(number, a, b, c, d, e, f, count, ...) count
#define WAOT_SIX(count, number, a, b, c, d, e, f, ...) \
    WAOT_COUNTED(count)(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define WAOT_CALL(...) WAOT_SIX(WAOT_COUNT(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0), __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define WAOT_RETRY(...)                      \
    ({                                       \
        long waot_got;                       \
        do                                   \
            waot_got = WAOT_CALL(__VA_ARGS__); \
        while (waot_got == -EINTR);          \
        waot_got;                            \
    })

static inline long waot_call_openat(long directory, const char *path, long flags, long mode)
{
    return WAOT_RETRY(SYS_openat, directory, path, flags, mode);
}

static inline long waot_call_close(long handle)
{
    return WAOT_CALL(SYS_close, handle);
}

static inline long waot_call_fcntl(long handle, int command, long argument)
{
    return WAOT_CALL(WAOT_NUMBER_FCNTL, handle, command, argument);
}

static inline long waot_call_read(long handle, void *bytes, size_t size)
{
    return WAOT_RETRY(SYS_read, handle, bytes, size);
}

static inline long waot_call_readv(long handle, const struct waot_os_buffer *buffers, size_t count)
{
    return WAOT_RETRY(SYS_readv, handle, buffers, count);
}

static inline long waot_call_write(long handle, const void *bytes, size_t size)
{
    return WAOT_RETRY(SYS_write, handle, bytes, size);
}

static inline long waot_call_writev(long handle, const struct waot_os_buffer *buffers, size_t count)
{
    return WAOT_RETRY(SYS_writev, handle, buffers, count);
}

static inline long waot_call_sync(long handle, bool data_only)
{
    return WAOT_RETRY(data_only ? SYS_fdatasync : SYS_fsync, handle);
}

static inline long waot_call_readlinkat(long directory, const char *name, char *target, size_t size)
{
    return WAOT_RETRY(SYS_readlinkat, directory, name, target, size);
}

static inline long waot_call_mkdirat(long directory, const char *name, long mode)
{
    return WAOT_RETRY(SYS_mkdirat, directory, name, mode);
}

static inline long waot_call_unlinkat(long directory, const char *name, int flags)
{
    return WAOT_RETRY(SYS_unlinkat, directory, name, flags);
}

static inline long waot_call_symlinkat(const char *target, long directory, const char *name)
{
    return WAOT_RETRY(SYS_symlinkat, target, directory, name);
}

static inline long waot_call_linkat(long directory, const char *name, long new_directory, const char *new_name)
{
    return WAOT_RETRY(SYS_linkat, directory, name, new_directory, new_name, 0);
}

/* What the system keeps of an open file besides. */
static inline void waot_call_forget(long handle)
{
    (void)handle;
}

static inline long waot_call_socket(int family)
{
    return waot_posix_above_standard(WAOT_CALL(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

static inline long waot_call_accept(long handle, bool nonblocking)
{
    int flags = SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    return waot_posix_above_standard(WAOT_RETRY(SYS_accept4, handle, NULL, NULL, flags));
}

static inline long waot_call_setsockopt(long handle, int level, int name, const void *value, int size)
{
    return WAOT_CALL(SYS_setsockopt, handle, level, name, value, size);
}

static inline long waot_call_getsockopt(long handle, int level, int name, int *value)
{
    int size = sizeof *value;
    return WAOT_CALL(SYS_getsockopt, handle, level, name, value, &size);
}

static inline long waot_call_bind(long handle, const void *address, size_t size)
{
    return WAOT_CALL(SYS_bind, handle, address, size);
}

static inline long waot_call_listen(long handle, int backlog)
{
    return WAOT_CALL(SYS_listen, handle, backlog);
}

static inline long waot_call_recvmsg(long handle, struct msghdr *message, int flags)
{
    return WAOT_RETRY(SYS_recvmsg, handle, message, flags);
}

static inline long waot_call_sendmsg(long handle, const struct msghdr *message, int flags)
{
    return WAOT_RETRY(SYS_sendmsg, handle, message, flags);
}

static inline long waot_call_shutdown(long handle, int how)
{
    return WAOT_CALL(SYS_shutdown, handle, how);
}

static inline long waot_call_sched_yield(void)
{
    return WAOT_CALL(SYS_sched_yield, 0);
}

static inline long waot_call_getpid(void)
{
    return WAOT_CALL(SYS_getpid, 0);
}

static inline long waot_call_kill(long process, int signal)
{
    return WAOT_CALL(SYS_kill, process, signal);
}

static inline long waot_call_sigaltstack(const void *stack)
{
    return WAOT_CALL(SYS_sigaltstack, stack, NULL);
}

static inline long waot_call_getrandom(void *bytes, size_t size)
{
    return WAOT_RETRY(SYS_getrandom, bytes, size, 0);
}

static inline long waot_call_mmap(void *at, uint64_t size, int protection, int flags)
{
    return WAOT_CALL(WAOT_NUMBER_MMAP, at, size, protection, flags, -1, 0);
}

static inline long waot_call_map_file(long handle, uint64_t size)
{
    return WAOT_CALL(WAOT_NUMBER_MMAP, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
}

static inline long waot_call_mprotect(void *at, uint64_t size, int protection)
{
    return WAOT_CALL(SYS_mprotect, at, size, protection);
}

static inline long waot_call_munmap(void *at, uint64_t size)
{
    return WAOT_CALL(SYS_munmap, at, size);
}

/* POSIX_FADV_* for WAOT_WASI_ADVICE_*. */
static inline int waot_numbered_advice(uint32_t advice)
{
    static const uint8_t names[] = {
        [WAOT_WASI_ADVICE_NORMAL] = POSIX_FADV_NORMAL,     [WAOT_WASI_ADVICE_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [WAOT_WASI_ADVICE_RANDOM] = POSIX_FADV_RANDOM,     [WAOT_WASI_ADVICE_WILLNEED] = POSIX_FADV_WILLNEED,
        [WAOT_WASI_ADVICE_DONTNEED] = POSIX_FADV_DONTNEED, [WAOT_WASI_ADVICE_NOREUSE] = POSIX_FADV_NOREUSE,
    };
    return names[advice];
}

#endif
