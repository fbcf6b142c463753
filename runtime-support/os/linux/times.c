/* System calls that take or give times, on 32-bit systems; of system.h. */
#include "system.h"

#if UINTPTR_MAX == UINT32_MAX

/* Of calls from before the year 2038 had to be thought of; RISC-V, which is younger, has none of them. */
#ifdef __riscv
enum {
    WAOT_LINUX_OLD_GETTIME = -1,
    WAOT_LINUX_OLD_GETRES = -1,
    WAOT_LINUX_OLD_UTIMENSAT = -1,
    WAOT_LINUX_OLD_PPOLL = -1,
    WAOT_LINUX_OLD_FUTEX = -1,
};
#else
enum {
    WAOT_LINUX_OLD_GETTIME = SYS_clock_gettime32,
    WAOT_LINUX_OLD_GETRES = SYS_clock_getres_time32,
    WAOT_LINUX_OLD_UTIMENSAT = SYS_utimensat,
    WAOT_LINUX_OLD_PPOLL = SYS_ppoll,
    WAOT_LINUX_OLD_FUTEX = SYS_futex,
};
#endif

/* struct timespec of those calls. */
struct waot_linux_old_time {
    int32_t seconds;
    int32_t nanoseconds;
};

/* What does not fit is the latest time there is; nobody waits so long. */
static struct waot_linux_old_time waot_linux_old(const struct waot_posix_time *time)
{
    int64_t seconds = time->seconds < INT32_MAX ? time->seconds : INT32_MAX;
    return (struct waot_linux_old_time){(int32_t)seconds, (int32_t)time->nanoseconds};
}

/* Only one of the two kinds is there. */
static bool waot_linux_is_missing(long result, long old)
{
    return result == -ENOSYS && old >= 0;
}

static long waot_linux_read_clock(long call, long old, long clock, struct waot_posix_time *time)
{
    long result = WAOT_CALL(call, clock, time);
    if (waot_linux_is_missing(result, old)) {
        struct waot_linux_old_time from = {0, 0};
        result = WAOT_CALL(old, clock, &from);
        *time = (struct waot_posix_time){from.seconds, from.nanoseconds};
    }
    return result;
}

long waot_linux_get_clock(long clock, struct waot_posix_time *time)
{
    return waot_linux_read_clock(SYS_clock_gettime64, WAOT_LINUX_OLD_GETTIME, clock, time);
}

long waot_call_clock_getres(uint32_t clock, struct waot_posix_time *time)
{
    return waot_linux_read_clock(SYS_clock_getres_time64, WAOT_LINUX_OLD_GETRES, clock, time);
}

long waot_call_utimensat(long directory, const char *name, const struct waot_posix_time times[2], int flags)
{
    long result = WAOT_RETRY(SYS_utimensat_time64, directory, name, times, flags);
    if (waot_linux_is_missing(result, WAOT_LINUX_OLD_UTIMENSAT)) {
        const struct waot_linux_old_time to[2] = {waot_linux_old(&times[0]), waot_linux_old(&times[1])};
        result = WAOT_RETRY(WAOT_LINUX_OLD_UTIMENSAT, directory, name, to, flags);
    }
    return result;
}

long waot_linux_wait_for(void *entries, size_t count, const struct waot_posix_time *timeout)
{
    long result = WAOT_CALL(SYS_ppoll_time64, entries, count, timeout, NULL, 0);
    if (waot_linux_is_missing(result, WAOT_LINUX_OLD_PPOLL)) {
        struct waot_linux_old_time old;
        if (timeout != NULL)
            old = waot_linux_old(timeout);
        result = WAOT_CALL(WAOT_LINUX_OLD_PPOLL, entries, count, timeout != NULL ? &old : NULL, NULL, 0);
    }
    return result;
}

long waot_linux_futex(const uint32_t *word, long operation, uint32_t value, const struct waot_posix_time *timeout)
{
    long result = WAOT_CALL(SYS_futex_time64, word, operation, value, timeout);
    if (waot_linux_is_missing(result, WAOT_LINUX_OLD_FUTEX)) {
        struct waot_linux_old_time old;
        if (timeout != NULL)
            old = waot_linux_old(timeout);
        result = WAOT_CALL(WAOT_LINUX_OLD_FUTEX, word, operation, value, timeout != NULL ? &old : NULL);
    }
    return result;
}

#endif
