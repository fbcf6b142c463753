/* Darwin's calls as os/posix makes them (posix.h). Everything goes through libSystem, because system calls by number are no
 * interface of macOS; what is taken from it stands in imports.h. */
#ifndef WAOT_CALLS_H
#define WAOT_CALLS_H

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define WAOT_CALL_ERRORS(E) E(ENOTSUP, NOTSUP) E(ETIME, TIMEDOUT) /* ENOTSUP is not EOPNOTSUPP */
#define WAOT_CALL_MOST ((size_t)INT32_MAX)
#define WAOT_CALL_LINKS 32
#define WAOT_CALL_SEARCH (O_SEARCH | O_CLOEXEC) /* before systems with O_SEARCH its bit means nothing; O_DIRECTORY is in it */
#define WAOT_CALL_OPEN 0
#define WAOT_CALL_SLASHES false
#define WAOT_CALL_RESERVE MAP_NORESERVE
#define WAOT_CALL_EXTEND 0 /* a wish, which the kernel grants where nothing is in the way */
#define WAOT_CALL_STACK 0
#define WAOT_CALL_RECEIVE 0
#define WAOT_CALL_SEND 0 /* no signal: SO_NOSIGPIPE for sockets of ours, and waot_os_ignore_write_signals */
#define WAOT_CALL_PWR 0

/* As POSIX calls them. */
#define st_atim st_atimespec
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec

_Static_assert(sizeof(struct timespec) == sizeof(struct waot_posix_time), "posix.h");
_Static_assert(sizeof(struct iovec) == sizeof(struct waot_os_buffer), "os.h");

/* What a function of libSystem's returned, as a value or -errno. */
static inline long waot_darwin_value(long result)
{
    return result < 0 ? -(long)errno : result;
}

/* A call, and one that is repeated while a signal interrupts it. */
#define WAOT_CALL(call) waot_darwin_value((long)(call))
#define WAOT_RETRY(call)                                 \
    ({                                                   \
        long waot_darwin_got;                            \
        do                                               \
            waot_darwin_got = waot_darwin_value((call)); \
        while (waot_darwin_got == -EINTR);               \
        waot_darwin_got;                                 \
    })

/* ---------------------------------------------------------------- files */

static inline long waot_call_openat(long directory, const char *path, long flags, long mode)
{
    return WAOT_RETRY(openat((int)directory, path, (int)flags, (int)mode));
}

static inline long waot_call_close(long handle)
{
    return WAOT_CALL(close((int)handle));
}

/* directory.c: of a directory what was read of it. */
void waot_call_forget(long handle);

static inline long waot_call_fcntl(long handle, int command, long argument)
{
    return WAOT_CALL(fcntl((int)handle, command, argument));
}

static inline long waot_call_read(long handle, void *bytes, size_t size)
{
    return WAOT_RETRY(read((int)handle, bytes, size));
}

static inline long waot_call_readv(long handle, const struct waot_os_buffer *buffers, size_t count)
{
    return WAOT_RETRY(readv((int)handle, (const struct iovec *)buffers, (int)count));
}

static inline long waot_call_write(long handle, const void *bytes, size_t size)
{
    return WAOT_RETRY(write((int)handle, bytes, size));
}

static inline long waot_call_writev(long handle, const struct waot_os_buffer *buffers, size_t count)
{
    return WAOT_RETRY(writev((int)handle, (const struct iovec *)buffers, (int)count));
}

static inline long waot_call_pread(long handle, void *bytes, size_t size, uint64_t offset)
{
    return WAOT_RETRY(pread((int)handle, bytes, size, (off_t)offset));
}

static inline long waot_call_preadv(long handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return WAOT_RETRY(preadv((int)handle, (const struct iovec *)buffers, (int)count, (off_t)offset));
}

static inline long waot_call_pwrite(long handle, const void *bytes, size_t size, uint64_t offset)
{
    return WAOT_RETRY(pwrite((int)handle, bytes, size, (off_t)offset));
}

static inline long waot_call_pwritev(long handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return WAOT_RETRY(pwritev((int)handle, (const struct iovec *)buffers, (int)count, (off_t)offset));
}

static inline int64_t waot_call_lseek(long handle, int64_t offset, uint32_t whence)
{
    return WAOT_CALL(lseek((int)handle, offset, (int)whence));
}

/* There is no fdatasync. fsync(2) leaves the data in the drive's own cache; not every file system has more. */
static inline long waot_call_sync(long handle, bool data_only)
{
    (void)data_only;
    long result = WAOT_RETRY(fcntl((int)handle, F_FULLFSYNC));
    if (result == -ENOTSUP || result == -EINVAL || result == -ENOTTY)
        result = WAOT_RETRY(fsync((int)handle));
    return result;
}

static inline long waot_call_ftruncate(long handle, uint64_t size)
{
    return WAOT_RETRY(ftruncate((int)handle, (off_t)size));
}

static inline long waot_call_fstat(long handle, struct stat *stat)
{
    return WAOT_RETRY(fstat((int)handle, stat));
}

static inline long waot_call_fstatat(long directory, const char *path, struct stat *stat, int flags)
{
    return WAOT_RETRY(fstatat((int)directory, path, stat, flags));
}

static inline long waot_call_utimensat(long directory, const char *path, const struct waot_posix_time times[2], int flags)
{
    return WAOT_RETRY(utimensat((int)directory, path, (const struct timespec *)times, flags));
}

static inline long waot_call_futimens(long handle, const struct waot_posix_time times[2])
{
    return WAOT_RETRY(futimens((int)handle, (const struct timespec *)times));
}

static inline long waot_call_readlinkat(long directory, const char *name, char *target, size_t size)
{
    return WAOT_RETRY(readlinkat((int)directory, name, target, size));
}

static inline long waot_call_mkdirat(long directory, const char *name, long mode)
{
    return WAOT_RETRY(mkdirat((int)directory, name, (mode_t)mode));
}

static inline long waot_call_unlinkat(long directory, const char *name, int flags)
{
    return WAOT_RETRY(unlinkat((int)directory, name, flags));
}

static inline long waot_call_symlinkat(const char *target, long directory, const char *name)
{
    return WAOT_RETRY(symlinkat(target, (int)directory, name));
}

static inline long waot_call_linkat(long directory, const char *name, long new_directory, const char *new_name)
{
    return WAOT_RETRY(linkat((int)directory, name, (int)new_directory, new_name, 0));
}

static inline long waot_call_renameat(long directory, const char *name, long new_directory, const char *new_name)
{
    return WAOT_RETRY(renameat((int)directory, name, (int)new_directory, new_name));
}

/* ---------------------------------------------------------------- waiting and clocks */

/* At least as long as asked, in whole milliseconds. */
static inline long waot_call_poll(struct pollfd *entries, size_t count, uint64_t timeout)
{
    const uint64_t whole = timeout / 1000000 + (timeout % 1000000 != 0);
    const int milliseconds = whole > INT32_MAX ? INT32_MAX : (int)whole;
    return WAOT_CALL(poll(entries, (nfds_t)count, timeout == UINT64_MAX ? -1 : milliseconds));
}

/* select.c */
bool waot_call_poll_otherwise(struct waot_os_poll *polls, size_t count, uint64_t timeout, int64_t *result);

static inline long waot_call_waiting(long handle, int *bytes)
{
    return WAOT_CALL(ioctl((int)handle, FIONREAD, bytes));
}

/* WASI's REALTIME and MONOTONIC as Darwin's; nobody asks for another. CLOCK_MONOTONIC counts microseconds; the raw one is
 * as steady and counts ticks. */
static inline clockid_t waot_darwin_clock(uint32_t id)
{
    return id == WAOT_WASI_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC_RAW;
}

static inline long waot_call_clock_gettime(uint32_t id, struct waot_posix_time *time)
{
    return WAOT_CALL(clock_gettime(waot_darwin_clock(id), (struct timespec *)time));
}

static inline long waot_call_clock_getres(uint32_t id, struct waot_posix_time *time)
{
    return WAOT_CALL(clock_getres(waot_darwin_clock(id), (struct timespec *)time));
}

static inline long waot_call_getrandom(void *bytes, size_t size)
{
    arc4random_buf(bytes, size);
    return (long)size;
}

/* ---------------------------------------------------------------- process and signals */

static inline long waot_call_sched_yield(void)
{
    return WAOT_CALL(sched_yield());
}

static inline long waot_call_getpid(void)
{
    return getpid();
}

static inline long waot_call_kill(long process, int signal)
{
    return WAOT_CALL(kill((pid_t)process, signal));
}

/* Where there are several threads one of the others may take what the process is sent, and this one goes on till then. */
static inline long waot_call_raise(int signal)
{
    if (!WAOT_THREADS)
        return waot_call_kill(waot_call_getpid(), signal);
    return -pthread_kill(pthread_self(), signal); /* gives the error, and leaves errno alone */
}

static inline long waot_call_sigaction(int signal, waot_posix_handler *handler)
{
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    if (handler != WAOT_POSIX_DEFAULT && handler != WAOT_POSIX_IGNORE)
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    return WAOT_CALL(sigaction(signal, &action, NULL));
}

static inline void waot_call_unblock(uint32_t signals)
{
    const sigset_t mask = signals;
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

static inline long waot_call_sigaltstack(const stack_t *stack)
{
    return WAOT_CALL(sigaltstack(stack, NULL));
}

/* ---------------------------------------------------------------- memory */

static inline long waot_call_mmap(void *at, uint64_t size, int protection, int flags)
{
    return WAOT_CALL((intptr_t)mmap(at, size, protection, flags, -1, 0)); /* MAP_FAILED is -1 */
}

static inline long waot_call_map_file(long handle, uint64_t size)
{
    return WAOT_CALL((intptr_t)mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, (int)handle, 0));
}

static inline long waot_call_mprotect(void *at, uint64_t size, int protection)
{
    return WAOT_CALL(mprotect(at, size, protection));
}

static inline long waot_call_munmap(void *at, uint64_t size)
{
    return WAOT_CALL(munmap(at, size));
}

/* ---------------------------------------------------------------- sockets */

/* The beginning of struct sockaddr. */
struct waot_call_address_head {
    uint8_t size, family;
};
#define WAOT_CALL_ADDRESS_HEAD(family, size) {(uint8_t)(size), (uint8_t)(family)}

/* What other systems' calls do on the way: the handle above the standard ones, closed on exec, and as `nonblocking` says,
 * which an accepted socket has from the one that listens. */
static inline long waot_darwin_ready_socket(long handle, bool nonblocking)
{
    handle = waot_posix_above_standard(handle);
    if (handle < 0)
        return handle;
    const int one = 1;
    fcntl((int)handle, F_SETFD, FD_CLOEXEC);
    fcntl((int)handle, F_SETFL, nonblocking ? O_NONBLOCK : 0);
    setsockopt((int)handle, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
    return handle;
}

static inline long waot_call_socket(int family)
{
    return waot_darwin_ready_socket(WAOT_CALL(socket(family, SOCK_STREAM, 0)), true);
}

static inline long waot_call_accept(long handle, bool nonblocking)
{
    return waot_darwin_ready_socket(WAOT_RETRY(accept((int)handle, NULL, NULL)), nonblocking);
}

static inline long waot_call_setsockopt(long handle, int level, int name, const void *value, int size)
{
    return WAOT_CALL(setsockopt((int)handle, level, name, value, (socklen_t)size));
}

static inline long waot_call_getsockopt(long handle, int level, int name, int *value)
{
    socklen_t size = sizeof *value;
    return WAOT_CALL(getsockopt((int)handle, level, name, value, &size));
}

static inline long waot_call_bind(long handle, const void *address, size_t size)
{
    return WAOT_CALL(bind((int)handle, address, (socklen_t)size));
}

static inline long waot_call_listen(long handle, int backlog)
{
    return WAOT_CALL(listen((int)handle, backlog));
}

static inline long waot_call_recvmsg(long handle, struct msghdr *message, int flags)
{
    return WAOT_RETRY(recvmsg((int)handle, message, flags));
}

static inline long waot_call_sendmsg(long handle, const struct msghdr *message, int flags)
{
    return WAOT_RETRY(sendmsg((int)handle, message, flags));
}

static inline long waot_call_shutdown(long handle, int how)
{
    return WAOT_CALL(shutdown((int)handle, how));
}

#endif
