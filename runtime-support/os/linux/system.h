/* Private to os/linux: what the files of wasi's interface share, and the kernel's types that no header of a C library
 * without its extensions has. */
#ifndef WAOT_LINUX_SYSTEM_H
#define WAOT_LINUX_SYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "../os.h"
#include "syscall.h"

/* Said on the command line (waot/linker/runtime.py) where it is Android's Linux. */
#ifndef WAOT_ANDROID
#define WAOT_ANDROID 0
#endif

/* The WASI errno for a Linux one. */
uint32_t waot_linux_errno(long code);

/* The kernel's result as os.h has it: a value, or minus a WASI errno. */
static inline int64_t waot_linux_result(long result)
{
    return result < 0 ? -(int64_t)waot_linux_errno(-result) : result;
}

/* Repeats a call while a signal interrupts it: none of our handlers ends a call, so nothing was done. */
static inline long waot_linux_repeat(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    do
        result = waot_syscall(number, a, b, c, d, e, f);
    while (result == -EINTR);
    return result;
}

/* Both for one to six arguments, which are converted to long. */
#define WAOT_LINUX_SIX(call, number, a, b, c, d, e, f, ...) \
    call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define WAOT_LINUX_CALL(...) WAOT_LINUX_SIX(waot_syscall, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define WAOT_LINUX_RETRY(...) WAOT_LINUX_SIX(waot_linux_repeat, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

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

/* Calls that 32-bit systems have a second time, for what is large. */
#ifdef SYS_fcntl64
#define WAOT_LINUX_FCNTL SYS_fcntl64
#else
#define WAOT_LINUX_FCNTL SYS_fcntl
#endif
#if UINTPTR_MAX > UINT32_MAX
#define WAOT_LINUX_LARGEFILE 0
#else
#define WAOT_LINUX_LARGEFILE O_LARGEFILE /* without it a file ends at 2 GiB, whatever the call is that writes */
#endif
#ifdef SYS_ftruncate64
#define WAOT_LINUX_FTRUNCATE SYS_ftruncate64
#else
#define WAOT_LINUX_FTRUNCATE SYS_ftruncate
#endif

/* struct timespec of 64-bit kernels and of the *_time64 calls. */
struct waot_linux_timespec {
    int64_t seconds;
    int64_t nanoseconds;
};

/* Calls that take or give times. 32-bit systems have had a second kind with 64-bit seconds since Linux 5.1; where it is not
 * there, the first is as good until 2038 (times.c). `timeout` may be null. */
#if UINTPTR_MAX > UINT32_MAX
static inline long waot_linux_get_clock(long clock, struct waot_linux_timespec *time)
{
    return WAOT_LINUX_CALL(SYS_clock_gettime, clock, time);
}

static inline long waot_linux_get_resolution(long clock, struct waot_linux_timespec *time)
{
    return WAOT_LINUX_CALL(SYS_clock_getres, clock, time);
}

static inline long waot_linux_set_file_times(long directory, const char *name,
                                             const struct waot_linux_timespec times[2], long flags)
{
    return WAOT_LINUX_RETRY(SYS_utimensat, directory, name, times, flags);
}

static inline long waot_linux_wait_for(void *entries, size_t count, const struct waot_linux_timespec *timeout)
{
    return WAOT_LINUX_CALL(SYS_ppoll, entries, count, timeout, NULL, 0);
}

static inline long waot_linux_futex(const uint32_t *word, long operation, uint32_t value,
                                    const struct waot_linux_timespec *timeout)
{
    return WAOT_LINUX_CALL(SYS_futex, word, operation, value, timeout);
}
#else
long waot_linux_get_clock(long clock, struct waot_linux_timespec *time);
long waot_linux_get_resolution(long clock, struct waot_linux_timespec *time);
long waot_linux_set_file_times(long directory, const char *name, const struct waot_linux_timespec times[2], long flags);
long waot_linux_wait_for(void *entries, size_t count, const struct waot_linux_timespec *timeout);
long waot_linux_futex(const uint32_t *word, long operation, uint32_t value, const struct waot_linux_timespec *timeout);
#endif

/* clock_gettime as the vDSO has it: 0 or -errno. Null where there is no vDSO. */
typedef int waot_linux_clock_function(int clock, struct waot_linux_timespec *time);
waot_linux_clock_function *waot_linux_vdso_clock(void);

/* All that os/linux remembers for wasi/. */
struct waot_linux_state {
    waot_linux_clock_function *clock; /* null before the first reading */
    bool walk;                        /* resolve paths without openat2 */
};
extern struct waot_linux_state waot_linux_state;

enum {
    WAOT_LINUX_AT_EMPTY_PATH = 0x1000,
    WAOT_LINUX_O_PATH = 010000000,
#if defined(__powerpc64__)
    WAOT_LINUX_TCGETS = 0x402c7413,
    WAOT_LINUX_FIONREAD = 0x4004667f,
#else
    WAOT_LINUX_TCGETS = 0x5401,
    WAOT_LINUX_FIONREAD = 0x541b,
#endif
};

/* Moves a handle to 3 or above, where it cannot be taken for a standard stream that was closed. */
long waot_linux_above_standard(long handle);

/* waot_os_stat of `path` at a directory. */
long waot_linux_stat(long directory, const char *path, int flags, struct waot_os_stat *stat);

/* Whether a socket is one of datagrams. */
bool waot_linux_is_datagram(long handle);

/* ---------------------------------------------------------------- beneath.c
 *
 * Both return the kernel's -errno, with EPERM for what would leave the tree. */

/* How the last name of a path is taken. */
enum waot_linux_last {
    WAOT_LINUX_LAST_AS_NAMED, /* not looked up: a name to make or to remove; `.`, `..` and a trailing slash stay */
    WAOT_LINUX_LAST_NOFOLLOW, /* looked up; a symbolic link stands for itself */
    WAOT_LINUX_LAST_FOLLOW,   /* looked up; a symbolic link is expanded */
    WAOT_LINUX_LAST_CREATE,   /* likewise, to make a file: behind a link too, a slash at the end is ISDIR */
};

/* What a path came to: a name in an open directory, on which *at calls act without following. */
struct waot_linux_place {
    long directory;
    bool opened; /* whether `directory` is to be closed: it may be the root itself */
    char *name;  /* "." if the path is the directory itself */
    char path[WAOT_OS_PATH_SIZE];
};

long waot_linux_locate(long root, const char *path, enum waot_linux_last last, struct waot_linux_place *place);
void waot_linux_release(const struct waot_linux_place *place);

/* The name that a path is in the root itself, which leads nowhere else unless it is a link's; or null. */
const char *waot_linux_plain(const char *path);

/* Opens beneath `root`; O_NOFOLLOW in `flags` means what it does for open. */
long waot_linux_open_beneath(long root, const char *path, long flags, long mode);

#endif
