/* Private to os/darwin: what its files share. Everything goes through libSystem, because system calls by number are not
 * an interface of macOS; what is taken from it stands in imports.h. */
#ifndef WAOT_DARWIN_SYSTEM_H
#define WAOT_DARWIN_SYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "../os.h"

/* The WASI errno for one of Darwin's. */
uint32_t waot_darwin_errno(long code);

/* A value, or -errno, as os.h has it: a value, or minus a WASI errno. */
static inline int64_t waot_darwin_result(long result)
{
    return result < 0 ? -(int64_t)waot_darwin_errno(-result) : result;
}

/* What a function of libSystem's returned, as a value or -errno. */
static inline long waot_darwin_value(long result)
{
    return result < 0 ? -(long)errno : result;
}

/* A call as a value or -errno; the second form repeats it while a signal interrupts it: none of our handlers ends a call,
 * so nothing was done. */
#define WAOT_DARWIN_CALL(call) waot_darwin_value((long)(call))
#define WAOT_DARWIN_RETRY(call)                          \
    ({                                                   \
        long waot_darwin_got;                            \
        do                                               \
            waot_darwin_got = waot_darwin_value((call)); \
        while (waot_darwin_got == -EINTR);               \
        waot_darwin_got;                                 \
    })

/* Opens a directory to look things up in. On systems before O_SEARCH its bit means nothing, and O_DIRECTORY is in it. */
enum { WAOT_DARWIN_SEARCH = O_SEARCH | O_CLOEXEC };

/* Moves a handle to 3 or above, where it cannot be taken for a standard stream that was closed. */
long waot_darwin_above_standard(long handle);

/* waot_os_stat of `name` in a directory, not following it; 0 or -errno. */
long waot_darwin_stat(long directory, const char *name, struct waot_os_stat *stat);

/* Whether a socket is one of datagrams. */
bool waot_darwin_is_datagram(long handle);

/* directory.c: what is kept of a directory that was read; called when its handle is closed. */
void waot_darwin_forget_directory(long handle);

/* ---------------------------------------------------------------- beneath.c
 *
 * Both return -errno, with EPERM for what would leave the tree. */

/* How the last name of a path is taken. */
enum waot_darwin_last {
    WAOT_DARWIN_LAST_AS_NAMED, /* not looked up: a name to make or to remove; `.` and `..` stay */
    WAOT_DARWIN_LAST_NOFOLLOW, /* looked up; a symbolic link stands for itself */
    WAOT_DARWIN_LAST_FOLLOW,   /* looked up; a symbolic link is expanded */
    WAOT_DARWIN_LAST_CREATE,   /* likewise, to make a file: behind a link too, a slash at the end is ISDIR */
};

/* What a path came to: a name in an open directory, on which the functions that end in `at` act without following. */
struct waot_darwin_place {
    long directory;
    bool opened; /* whether `directory` is to be closed: it may be the root itself */
    bool slash;  /* whether slashes stood behind a name that was not looked up: Darwin would follow a link for them */
    char *name;  /* "." if the path is the directory itself; a single one, which no slash is behind */
    char path[WAOT_OS_PATH_SIZE];
};

/* Whether a last name, perhaps with slashes behind it, is `.` or `..`. */
bool waot_darwin_is_dots(const char *name);

long waot_darwin_locate(long root, const char *path, enum waot_darwin_last last, struct waot_darwin_place *place);
void waot_darwin_release(const struct waot_darwin_place *place);

/* Opens beneath `root`; O_NOFOLLOW in `flags` means what it does for open. */
long waot_darwin_open_beneath(long root, const char *path, int flags, int mode);

#endif
