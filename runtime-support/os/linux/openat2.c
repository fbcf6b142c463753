/* Paths resolved beneath a directory by the kernel: openat2 with RESOLVE_BENEATH (5.6 and newer). Where that call is missing
 * or forbidden os/posix/beneath.c walks.
 *
 * On Android always: up to version 15 the filter that apps run under ends a process that calls openat2, by SIGSYS, so that
 * it cannot even be tried.
 */
#include "system.h"

struct waot_linux_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

enum {
    WAOT_LINUX_RESOLVE_NO_MAGICLINKS = 0x02,
    WAOT_LINUX_RESOLVE_BENEATH = 0x08,
    WAOT_LINUX_SYS_OPENAT2 = 437, /* every architecture's number */
    WAOT_LINUX_AGAIN = 16,        /* attempts while others rename around us */
};

static bool waot_linux_walks; /* resolve paths without openat2 */

void waot_os_force_walk(void)
{
    waot_linux_walks = true;
}

/* openat2. ENOSYS: walk instead. EPERM becomes ENOSYS because a seccomp filter may say it of an unknown call; if it was
 * the file that said so, the walk will say it again. EXDEV is the kernel's word for a path that leads out. */
static long waot_linux_openat2(long root, const char *path, long flags, long mode)
{
    if (WAOT_ANDROID || waot_linux_walks)
        return -ENOSYS;
    struct waot_linux_open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) != 0 ? (uint64_t)mode : 0,
        .resolve = WAOT_LINUX_RESOLVE_BENEATH | WAOT_LINUX_RESOLVE_NO_MAGICLINKS,
    };
    long result = -EAGAIN;
    for (int i = 0; i < WAOT_LINUX_AGAIN && result == -EAGAIN; i++)
        result = WAOT_RETRY(WAOT_LINUX_SYS_OPENAT2, root, path, &how, sizeof how);
    if (result == -ENOSYS)
        waot_linux_walks = true;
    if (result == -EXDEV)
        return -EPERM;
    /* EAGAIN also comes from a leased file opened O_NONBLOCK; walking answers both. */
    return result == -EPERM || result == -EAGAIN ? -ENOSYS : result;
}

const char *waot_linux_plain(const char *path)
{
    while (path[0] == '.' && path[1] == '/')
        for (path++; *path == '/'; path++)
            ;
    for (const char *at = path; *at != '\0'; at++)
        if (*at == '/')
            return NULL;
    return *path == '\0' || waot_posix_is_dots(path) ? NULL : path;
}

long waot_system_open_beneath(long root, const char *path, long flags, long mode)
{
    /* A single name leads nowhere unless it is a link, and openat is quicker than openat2. Of a link it says ELOOP, or
     * with O_DIRECTORY the same as of a file. */
    const char *plain = (flags & WAOT_LINUX_O_PATH) == 0 ? waot_linux_plain(path) : NULL;
    if (plain != NULL) {
        long result = waot_call_openat(root, plain, flags | O_NOFOLLOW | O_CLOEXEC, mode);
        if ((result != -ELOOP && result != -ENOTDIR) || (flags & O_NOFOLLOW) != 0)
            return result;
    }
    return waot_linux_openat2(root, path, flags, mode);
}
