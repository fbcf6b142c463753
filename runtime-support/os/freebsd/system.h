/* Private to os/freebsd: what its files share. Programs are for FreeBSD 13.0 and newer: what came later (O_PATH,
 * AT_EMPTY_PATH) is not used, whatever the headers have. */
#ifndef WAOT_FREEBSD_SYSTEM_H
#define WAOT_FREEBSD_SYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "../os.h"
#include "syscall.h"

/* The WASI errno for one of FreeBSD's. */
uint32_t waot_freebsd_errno(long code);

/* The kernel's result as os.h has it: a value, or minus a WASI errno. */
static inline int64_t waot_freebsd_result(long result)
{
    return result < 0 ? -(int64_t)waot_freebsd_errno(-result) : result;
}

/* Repeats a call while a signal interrupts it: none of our handlers ends a call, so nothing was done. */
static inline long waot_freebsd_repeat(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    do
        result = waot_syscall(number, a, b, c, d, e, f);
    while (result == -EINTR);
    return result;
}

/* Both for one to six arguments, which are converted to long. */
#define WAOT_FREEBSD_SIX(call, number, a, b, c, d, e, f, ...) \
    call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define WAOT_FREEBSD_CALL(...) WAOT_FREEBSD_SIX(waot_syscall, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define WAOT_FREEBSD_RETRY(...) WAOT_FREEBSD_SIX(waot_freebsd_repeat, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* Opens a directory to look names up in it. */
enum { WAOT_FREEBSD_SEARCH = O_SEARCH | O_DIRECTORY | O_CLOEXEC };

/* Moves a handle to 3 or above, where it cannot be taken for a standard stream that was closed. */
long waot_freebsd_above_standard(long handle);

/* waot_os_stat of `path` at a directory; flags AT_*. 0 or -errno. */
long waot_freebsd_stat(long directory, const char *path, int flags, struct waot_os_stat *stat);

/* Changes times of `path` at a directory; flags AT_*. 0 or -errno. */
long waot_freebsd_set_times(long directory, const char *path, int flags, const struct waot_os_times *times);

/* Whether a socket is one of datagrams. */
bool waot_freebsd_is_datagram(long handle);

#endif
