/* What systems like POSIX have in common: this directory implements os.h by the calls that the system's calls.h has.
 *
 * A directory beside this one that has a calls.h is such a system (waot/linker/runtime.py). Its files are compiled with
 * those here, of which one with the same name as one of the system's own is left out: where a system does something in
 * another way, it has its own file for it. No file here asks which system it is.
 *
 * calls.h has, as functions waot_call_<name>, the calls that POSIX has under that name, and some by what they are for:
 *
 * sync              fdatasync where `data_only`, otherwise fsync
 * forget            what the system keeps of an open file besides: it is being closed
 * socket, accept    a handle of 3 or above, closed on exec; the first one does not wait, the second as `nonblocking` says
 * getsockopt        of an option that is an int
 * poll              with a timeout in ns, UINT64_MAX for ever; repeated by nobody
 * poll_otherwise    true, and the result, where poll is not what waits for these handles
 * waiting           how many bytes can be read at once
 * sigaction         with a handler as below, on the stack for signals
 * unblock           signals as bits, the first one's is 1
 * raise             in this thread
 * getrandom         how many bytes of those asked for there are
 *
 * They give the result or -errno, and the error numbers are the system's. Those that may wait, and those that take a path,
 * are repeated while a signal interrupts them: none of our handlers ends a call, so nothing was done. Its constants:
 *
 * WAOT_CALL_ERRORS(E)      E(code, name) for each error code that only this system has, with WASI's name for it
 * WAOT_CALL_MOST           bytes that can be moved at once
 * WAOT_CALL_LINKS          symbolic links that are followed in one path
 * WAOT_CALL_SEARCH         flags of openat for a directory in which names are looked up
 * WAOT_CALL_OPEN           flags of openat that every file has
 * WAOT_CALL_SLASHES        whether the calls that take a name of something new, or to be removed, take one that slashes
 *                          stand behind, and do not follow a link for them
 * WAOT_CALL_RESERVE        flags of mmap for address space without access, besides MAP_PRIVATE and MAP_ANON;
 * WAOT_CALL_EXTEND         likewise where it shall be at one place;
 * WAOT_CALL_STACK          likewise, further, where it is for a stack
 * WAOT_CALL_RECEIVE, _SEND flags of recvmsg and sendmsg
 * WAOT_CALL_PWR            SIGPWR, or 0
 * WAOT_CALL_ADDRESS_HEAD   a struct waot_call_address_head, the beginning of struct sockaddr, of a family and a size
 *
 * places.h says what is done with a name (names.c, paths.c), context.h what a signal's handler is told (signals.c).
 */
#ifndef WAOT_POSIX_H
#define WAOT_POSIX_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../os.h"

/* A signal's handler, as SA_SIGINFO has it; the first two are SIG_DFL and SIG_IGN. */
typedef void waot_posix_handler(int, siginfo_t *, void *);
#define WAOT_POSIX_DEFAULT ((waot_posix_handler *)0)
#define WAOT_POSIX_IGNORE ((waot_posix_handler *)1)

/* struct timespec of 64-bit systems. */
struct waot_posix_time {
    int64_t seconds;
    int64_t nanoseconds;
};

static inline struct waot_posix_time waot_posix_time(uint64_t nanoseconds)
{
    return (struct waot_posix_time){(int64_t)(nanoseconds / 1000000000), (int64_t)(nanoseconds % 1000000000)};
}

/* Moves a handle to 3 or above, where it cannot be taken for a standard stream that was closed. */
long waot_posix_above_standard(long handle);

#include "calls.h"

/* The WASI errno for one of the system's. */
uint32_t waot_posix_errno(long code);

/* A call's result as os.h has it: a value, or minus a WASI errno. */
static inline int64_t waot_posix_result(long result)
{
    return result < 0 ? -(int64_t)waot_posix_errno(-result) : result;
}

/* The flags of openat for those of os.h. */
long waot_posix_open_flags(uint32_t access, uint32_t oflags, uint32_t fdflags);

/* Of a file: WAOT_WASI_FILETYPE_* by the bits of S_IFMT. */
uint8_t waot_posix_filetype(uint32_t mode);
/* Of an entry that `name` is in a directory: by its DT_*, or, where the file system keeps none there, by looking. */
uint8_t waot_posix_entry_type(long directory, const char *name, uint8_t type);
/* A time since 1970 in ns; 0 for one before, of which WASI has none. */
uint64_t waot_posix_nanoseconds(int64_t seconds, uint64_t nanoseconds);

/* waot_os_stat of `path` at a directory, with flags AT_*, and of an open file whatever it is. 0 or -errno. */
long waot_posix_stat(long directory, const char *path, int flags, struct waot_os_stat *stat);
long waot_posix_stat_open(long handle, struct waot_os_stat *stat);

/* Times as utimensat takes them. */
void waot_posix_convert_times(const struct waot_os_times *times, struct waot_posix_time to[2]);

/* Whether a socket is one of datagrams. */
bool waot_posix_is_datagram(long handle);

/* Says who handles a signal; the system refuses it of KILL and STOP. */
void waot_posix_handle(int signal, waot_posix_handler *handler);

/* Of what is ready: how many bytes can be read at once, where the system says so. */
uint64_t waot_posix_waiting_bytes(const struct waot_os_poll *poll);

/* Address space for a stack, without access; or null. */
void *waot_posix_reserve_stack(uint64_t size);
/* Address space without access at exactly `at`, with further flags of mmap; 0 or -1. */
int waot_posix_reserve_there(void *at, uint64_t size, int flags);
/* waot_os_discard where madvise(2) has no advice after which pages are sure to be zeros: new ones in the same place are. */
int waot_posix_replace(void *at, uint64_t size);

/* ---------------------------------------------------------------- beneath.c
 *
 * -errno is EPERM for what would leave the tree. */

/* How the last name of a path is taken. */
enum waot_posix_last {
    WAOT_POSIX_LAST_AS_NAMED, /* not looked up: a name to make or to remove; `.` and `..` stay */
    WAOT_POSIX_LAST_NOFOLLOW, /* looked up; a symbolic link stands for itself */
    WAOT_POSIX_LAST_FOLLOW,   /* looked up; a symbolic link is expanded */
    WAOT_POSIX_LAST_CREATE,   /* likewise, to make a file: behind a link too, a slash at the end is ISDIR */
};

/* What a path came to: a name in an open directory, on which the functions that end in `at` act without following. */
struct waot_posix_place {
    long directory;
    bool opened; /* whether `directory` is to be closed: it may be the root itself */
    bool slash;  /* whether slashes stood behind a name that was not looked up; WAOT_CALL_SLASHES: one still does */
    char *name;  /* "." if the path is the directory itself */
    char path[WAOT_OS_PATH_SIZE];
};

/* Where the last name of a path begins, and in *end where it ends, before the slashes behind it. */
static inline size_t waot_posix_last_name(const char *path, size_t *end)
{
    *end = __builtin_strlen(path);
    while (*end > 0 && path[*end - 1] == '/')
        --*end;
    size_t start = *end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    return start;
}

/* Whether a last name, perhaps with slashes behind it, is `.` or `..`. */
bool waot_posix_is_dots(const char *name);

long waot_posix_locate(long root, const char *path, enum waot_posix_last last, struct waot_posix_place *place);
/* Ends with a place: what came of it, as os.h has it. */
int64_t waot_posix_release(const struct waot_posix_place *place, long result);

/* Opens beneath `root`; O_NOFOLLOW in `flags` means what it does for open. */
long waot_posix_open_beneath(long root, const char *path, long flags, long mode);

/* The system's: the same where the kernel can do it, or -ENOSYS. */
long waot_system_open_beneath(long root, const char *path, long flags, long mode);

/* waot_os_stat of what a path comes to. */
int64_t waot_posix_stat_place(long root, const char *path, enum waot_posix_last last, struct waot_os_stat *stat);
/* The system's: of an open directory that need not be readable, 0 or -errno. */
long waot_system_stat_itself(long directory, struct waot_os_stat *stat);

/* Acts on two places, which paths come to, the second one for something new. */
typedef long waot_posix_act(const struct waot_posix_place *from, const struct waot_posix_place *to);
int64_t waot_posix_two_places(waot_posix_act *act, enum waot_posix_last last, long root, const char *path, long new_root,
                              const char *new_path);

#endif
