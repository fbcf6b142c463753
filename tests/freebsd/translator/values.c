/* Numbers of FreeBSD's as Linux's and back: errors, signals, flags. */
#include "translator.h"

#include <fcntl.h>

#define ERROR_BY_LINUX(name, value) [E##name] = value,
#pragma GCC diagnostic ignored "-Winitializer-overrides"
static const uint8_t errors[134] = {FREEBSD_ERRORS(ERROR_BY_LINUX)};
#define SIGNAL_BY_LINUX(name, value) [SIG##name] = value,
const uint8_t signals[65] = {FREEBSD_SIGNALS(SIGNAL_BY_LINUX)};
#define SIGNAL_BY_FREEBSD(name, value) [value] = SIG##name,
const uint8_t linux_signals[129] = {FREEBSD_SIGNALS(SIGNAL_BY_FREEBSD)};

/* A result of Linux's as one of FreeBSD's, minus its error. */
long result_of(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    if (result <= -512) /* restarted where no handler comes between: a program of waot's does it itself */
        return -F_EINTR;
    if (result < -133 || errors[-result] == 0)
        fail("error %ld of Linux has no equivalent", -result);
    return -errors[-result];
}

long own_result(long result)
{
    return result_of(result < 0 ? -errno : result);
}

uint64_t signal_set(const struct f_sigset *from)
{
    uint64_t set = 0;
    for (int number = 1; number <= 128; number++)
        if ((from->bits[(number - 1) / 32] >> (number - 1) % 32 & 1) != 0 && linux_signals[number] != 0)
            set |= UINT64_C(1) << (linux_signals[number] - 1);
    return set;
}

uint64_t map_flags(const char *what, uint64_t from, const struct pair *pairs)
{
    uint64_t to = 0;
    for (; pairs->theirs != 0; pairs++) {
        if ((from & pairs->theirs) == pairs->theirs) {
            to |= pairs->ours;
            from &= ~pairs->theirs;
        }
    }
    if (from != 0)
        fail("%s with flags %#lx", what, from);
    return to;
}

uint64_t map_value(const char *what, uint64_t from, const struct pair *pairs)
{
    for (; pairs->theirs != UINT64_MAX; pairs++)
        if (pairs->theirs == from)
            return pairs->ours;
    fail("%s with value %#lx", what, from);
    return 0;
}

const struct pair open_flags[] = {
    {F_O_NONBLOCK, O_NONBLOCK}, {F_O_APPEND, O_APPEND}, {F_O_SYNC, O_SYNC},           {F_O_NOFOLLOW, O_NOFOLLOW},
    {F_O_CREAT, O_CREAT},       {F_O_TRUNC, O_TRUNC},   {F_O_EXCL, O_EXCL},           {F_O_NOCTTY, O_NOCTTY},
    {F_O_SEARCH, O_PATH},       {F_O_CLOEXEC, O_CLOEXEC}, {F_O_DIRECTORY, O_DIRECTORY}, {F_O_DSYNC, O_DSYNC},
    {F_O_RESOLVE_BENEATH, 0},   {0, 0},
};

int freebsd_status(long flags)
{
    int to = (int)(flags & O_ACCMODE);
    to |= (flags & O_NONBLOCK) != 0 ? F_O_NONBLOCK : 0;
    to |= (flags & O_APPEND) != 0 ? F_O_APPEND : 0;
    to |= (flags & O_SYNC) == O_SYNC ? F_O_SYNC : (flags & O_DSYNC) != 0 ? F_O_DSYNC : 0;
    return to;
}
