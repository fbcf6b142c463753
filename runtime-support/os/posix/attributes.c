/* Attributes of files, of os.h. */
#include "posix.h"

#include <sys/stat.h>

uint64_t waot_posix_nanoseconds(int64_t seconds, uint64_t nanoseconds)
{
    if (seconds < 0) /* before 1970 WASI has no times */
        return 0;
    return (uint64_t)seconds * 1000000000u + nanoseconds;
}

uint8_t waot_posix_filetype(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFBLK:
        return WAOT_WASI_FILETYPE_BLOCK_DEVICE;
    case S_IFCHR:
        return WAOT_WASI_FILETYPE_CHARACTER_DEVICE;
    case S_IFDIR:
        return WAOT_WASI_FILETYPE_DIRECTORY;
    case S_IFREG:
        return WAOT_WASI_FILETYPE_REGULAR_FILE;
    case S_IFSOCK:
        return WAOT_WASI_FILETYPE_SOCKET_STREAM;
    case S_IFLNK:
        return WAOT_WASI_FILETYPE_SYMBOLIC_LINK;
    default: /* pipes: preview 1 has no type for them */
        return WAOT_WASI_FILETYPE_UNKNOWN;
    }
}

uint8_t waot_posix_entry_type(long directory, const char *name, uint8_t type)
{
    if (type != 0) /* DT_UNKNOWN: the file system keeps no types in directories */
        return waot_posix_filetype((uint32_t)type << 12); /* DT_* are the bits of S_IF* */
    struct waot_os_stat stat;
    long result = waot_posix_stat(directory, name, AT_SYMLINK_NOFOLLOW, &stat);
    return result < 0 ? WAOT_WASI_FILETYPE_UNKNOWN : stat.filetype;
}

int64_t waot_os_stat(waot_os_handle handle, struct waot_os_stat *stat)
{
    long result = waot_posix_stat_open(handle, stat);
    if (result < 0 || stat->filetype != WAOT_WASI_FILETYPE_SOCKET_STREAM)
        return waot_posix_result(result);
    if (waot_posix_is_datagram(handle))
        stat->filetype = WAOT_WASI_FILETYPE_SOCKET_DGRAM;
    return 0;
}

void waot_posix_convert_times(const struct waot_os_times *times, struct waot_posix_time to[2])
{
    const uint64_t values[2] = {times->accessed, times->modified};
    for (int i = 0; i < 2; i++) {
        uint32_t wanted = times->flags >> 2 * i; /* atim, atim_now, mtim, mtim_now */
        to[i] = waot_posix_time(values[i]);
        if ((wanted & WAOT_WASI_FSTFLAGS_ATIM_NOW) != 0)
            to[i].nanoseconds = UTIME_NOW;
        else if ((wanted & WAOT_WASI_FSTFLAGS_ATIM) == 0)
            to[i].nanoseconds = UTIME_OMIT;
    }
}

int64_t waot_os_set_times(waot_os_handle handle, const struct waot_os_times *times)
{
    struct waot_posix_time to[2];
    waot_posix_convert_times(times, to);
    return waot_posix_result(waot_call_futimens(handle, to));
}
