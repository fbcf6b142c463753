/* What is Darwin's own way with files, of os.h: room for them, advice, terminals, what paths come to. */
#include "posix.h"

int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size)
{
    struct stat now;
    if (offset > INT64_MAX || size > INT64_MAX || size == 0)
        return -WAOT_WASI_INVAL;
    if (offset + size > INT64_MAX)
        return -WAOT_WASI_FBIG;
    long result = WAOT_CALL(fstat((int)handle, &now));
    off_t end = (off_t)(offset + size);
    if (result < 0 || now.st_size >= end)
        return waot_posix_result(result);
    /* Blocks behind the end of the file, then the new end. */
    fstore_t wanted = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = end - now.st_size};
    result = WAOT_RETRY(fcntl((int)handle, F_PREALLOCATE, &wanted));
    if (result >= 0)
        result = WAOT_RETRY(ftruncate((int)handle, end));
    return waot_posix_result(result);
}

int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice)
{
    long result = WAOT_CALL(lseek((int)handle, 0, SEEK_CUR)); /* a pipe can be advised nowhere */
    if (result >= 0 && advice == WAOT_WASI_ADVICE_WILLNEED && offset <= INT64_MAX) {
        struct radvisory wanted = {(off_t)offset, size == 0 || size > INT32_MAX ? INT32_MAX : (int)size};
        fcntl((int)handle, F_RDADVISE, &wanted); /* whatever comes of it: the other advices come to nothing too */
    }
    return waot_posix_result(result < 0 ? result : 0);
}

bool waot_os_is_terminal(waot_os_handle handle)
{
    return isatty((int)handle) == 1;
}

/* ---------------------------------------------------------------- paths
 *
 * No call resolves them beneath a directory. */

void waot_os_force_walk(void)
{
    /* There is no other way. */
}

long waot_system_open_beneath(long root, const char *path, long flags, long mode)
{
    (void)root, (void)path, (void)flags, (void)mode;
    return -ENOSYS;
}

long waot_system_stat_itself(long directory, struct waot_os_stat *stat)
{
    return waot_posix_stat_open(directory, stat);
}

int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat)
{
    /* The common case of a plain name that is no link takes one call. */
    bool plain = path[0] != '.';
    for (const char *at = path; *at != '\0'; at++)
        plain &= *at != '/';
    if (plain && waot_posix_stat(root, path, AT_SYMLINK_NOFOLLOW, stat) == 0 &&
        (!follow || stat->filetype != WAOT_WASI_FILETYPE_SYMBOLIC_LINK))
        return 0;
    return waot_posix_stat_place(root, path, follow ? WAOT_POSIX_LAST_FOLLOW : WAOT_POSIX_LAST_NOFOLLOW, stat);
}
