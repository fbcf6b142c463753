/* stat(2). */
#include "stat.h"

__attribute__((noinline)) static void waot_posix_convert(const struct stat *from, struct waot_os_stat *stat)
{
    const uint64_t device = (uint64_t)from->st_dev;
    waot_posix_convert_stat(from, sizeof from->st_dev == sizeof device ? device : (uint32_t)device, stat);
}

long waot_posix_stat(long directory, const char *path, int flags, struct waot_os_stat *stat)
{
    struct stat from;
    long result = waot_call_fstatat(directory, path, &from, flags);
    if (result >= 0)
        waot_posix_convert(&from, stat);
    return result;
}

long waot_posix_stat_open(long handle, struct waot_os_stat *stat)
{
    struct stat from;
    long result = waot_call_fstat(handle, &from);
    if (result >= 0)
        waot_posix_convert(&from, stat);
    return result;
}
