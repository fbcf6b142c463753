/* FreeBSD's calls as os/posix makes them (posix.h). Programs are for FreeBSD 13.0 and newer: what came later (O_PATH,
 * AT_EMPTY_PATH) is not used, whatever the headers have. */
#ifndef WAOT_CALLS_H
#define WAOT_CALLS_H

#define WAOT_NUMBER_FCNTL SYS_fcntl
#define WAOT_NUMBER_MMAP SYS_mmap

#include "../posix/numbered.h"

#include <poll.h>
#include <sys/filio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

/* Of a path that leads out of the tree below a directory, and of a name outside of any. */
#define WAOT_CALL_ERRORS(E) E(ENOTCAPABLE, PERM) E(ECAPMODE, PERM) E(EPROCLIM, MFILE)
#define WAOT_CALL_MOST ((size_t)INT32_MAX) /* of a device (debug.devfs_iosize_max_clamp) */
#define WAOT_CALL_LINKS 32 /* MAXSYMLINKS */
#define WAOT_CALL_SEARCH (O_SEARCH | O_DIRECTORY | O_CLOEXEC)
#define WAOT_CALL_OPEN O_RESOLVE_BENEATH
#define WAOT_CALL_SLASHES false
#define WAOT_CALL_RESERVE 0 /* pages without access are not charged to anybody */
#define WAOT_CALL_EXTEND (MAP_FIXED | MAP_EXCL)
#define WAOT_CALL_STACK 0 /* MAP_STACK is a mapping that grows */
#define WAOT_CALL_RECEIVE MSG_CMSG_CLOEXEC
#define WAOT_CALL_SEND MSG_NOSIGNAL
#define WAOT_CALL_PWR 0

_Static_assert(sizeof(struct timespec) == sizeof(struct waot_posix_time), "posix.h");
_Static_assert(sizeof(struct iovec) == sizeof(struct waot_os_buffer), "os.h");

/* ---------------------------------------------------------------- files */

static inline long waot_call_pread(long handle, void *bytes, size_t size, uint64_t offset)
{
    return WAOT_RETRY(SYS_pread, handle, bytes, size, offset);
}

static inline long waot_call_preadv(long handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return WAOT_RETRY(SYS_preadv, handle, buffers, count, offset);
}

static inline long waot_call_pwrite(long handle, const void *bytes, size_t size, uint64_t offset)
{
    return WAOT_RETRY(SYS_pwrite, handle, bytes, size, offset);
}

static inline long waot_call_pwritev(long handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return WAOT_RETRY(SYS_pwritev, handle, buffers, count, offset);
}

static inline int64_t waot_call_lseek(long handle, int64_t offset, uint32_t whence)
{
    return WAOT_CALL(SYS_lseek, handle, offset, whence);
}

static inline long waot_call_ftruncate(long handle, uint64_t size)
{
    return WAOT_RETRY(SYS_ftruncate, handle, size);
}

static inline long waot_call_fstat(long handle, struct stat *stat)
{
    return WAOT_RETRY(SYS_fstat, handle, stat);
}

static inline long waot_call_fstatat(long directory, const char *path, struct stat *stat, int flags)
{
    return WAOT_RETRY(SYS_fstatat, directory, path, stat, flags);
}

static inline long waot_call_utimensat(long directory, const char *path, const struct waot_posix_time times[2], int flags)
{
    return WAOT_RETRY(SYS_utimensat, directory, path, times, flags);
}

static inline long waot_call_futimens(long handle, const struct waot_posix_time times[2])
{
    return WAOT_RETRY(SYS_futimens, handle, times);
}

static inline long waot_call_renameat(long directory, const char *name, long new_directory, const char *new_name)
{
    return WAOT_RETRY(SYS_renameat, directory, name, new_directory, new_name);
}

/* ---------------------------------------------------------------- waiting and clocks */

/* More is as good as for ever: the kernel refuses what does not fit its own count. */
static inline long waot_call_poll(struct pollfd *entries, size_t count, uint64_t timeout)
{
    const struct waot_posix_time time = waot_posix_time(timeout);
    return WAOT_CALL(SYS_ppoll, entries, count, timeout == UINT64_MAX ? NULL : &time, NULL);
}

static inline bool waot_call_poll_otherwise(struct waot_os_poll *polls, size_t count, uint64_t timeout, int64_t *result)
{
    (void)polls, (void)count, (void)timeout, (void)result;
    return false;
}

static inline long waot_call_waiting(long handle, int *bytes)
{
    return WAOT_CALL(SYS_ioctl, handle, FIONREAD, bytes);
}

/* By WAOT_WASI_CLOCK_*, of which there are no others. */
static inline long waot_freebsd_clock(long call, uint32_t id, struct waot_posix_time *time)
{
    static const uint8_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    return id < sizeof clocks ? WAOT_CALL(call, clocks[id], time) : -EINVAL;
}

static inline long waot_call_clock_gettime(uint32_t id, struct waot_posix_time *time)
{
    return waot_freebsd_clock(SYS_clock_gettime, id, time);
}

static inline long waot_call_clock_getres(uint32_t id, struct waot_posix_time *time)
{
    return waot_freebsd_clock(SYS_clock_getres, id, time);
}

/* ---------------------------------------------------------------- signals */

static inline long waot_call_sigaction(int signal, waot_posix_handler *handler)
{
    struct sigaction action = {.sa_sigaction = handler};
    if (handler != WAOT_POSIX_DEFAULT && handler != WAOT_POSIX_IGNORE)
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    return WAOT_CALL(SYS_sigaction, signal, &action, NULL);
}

static inline void waot_call_unblock(uint32_t signals)
{
    const sigset_t mask = {{signals}};
    WAOT_CALL(SYS_sigprocmask, SIG_UNBLOCK, &mask, NULL);
}

/* Where there is one thread it is the process. */
static inline long waot_call_raise(int signal)
{
    if (!WAOT_THREADS)
        return waot_call_kill(waot_call_getpid(), signal);
    long thread = 0;
    WAOT_CALL(SYS_thr_self, &thread);
    return WAOT_CALL(SYS_thr_kill, thread, signal);
}

/* ---------------------------------------------------------------- sockets */

/* The beginning of struct sockaddr. */
struct waot_call_address_head {
    uint8_t size, family;
};
#define WAOT_CALL_ADDRESS_HEAD(family, size) {(uint8_t)(size), (uint8_t)(family)}

#endif
