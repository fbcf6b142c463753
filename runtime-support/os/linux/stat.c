/* stat(2) and statx(2), and the attributes of what a path comes to, of os.h. */
#include "stat.h"

#include "system.h"

#if UINTPTR_MAX > UINT32_MAX && !defined(__loongarch__) && !defined(__s390x__)
/* On 64-bit systems the C library's struct stat is the kernel's. LoongArch had no call with it before Linux 6.11, and
 * qemu-user's for s390x forgets the nanoseconds. */
static void waot_linux_convert_stat(const struct stat *from, struct waot_os_stat *stat)
{
    const uint64_t device = from->st_dev;
    waot_posix_convert_stat(from,
                            ((device >> 8 & 0xfff) | (device >> 32 & ~UINT64_C(0xfff))) << 32 | (device & 0xff) |
                                (device >> 12 & 0xffffff00),
                            stat);
}

long waot_posix_stat(long directory, const char *path, int flags, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_RETRY(SYS_newfstatat, directory, path, &from, flags);
    if (result >= 0)
        waot_linux_convert_stat(&from, stat);
    return result;
}

/* Without a path, so that a program without files needs no call that could take one. */
long waot_posix_stat_open(long handle, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_RETRY(SYS_fstat, handle, &from);
    if (result >= 0)
        waot_linux_convert_stat(&from, stat);
    return result;
}
#else
/* struct statx, the same on every architecture. Older calls of 32-bit systems know no time after 2038. */
struct waot_linux_statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};
struct waot_linux_statx {
    uint32_t mask, block_size;
    uint64_t attributes;
    uint32_t links, user, group;
    uint16_t mode, spare0;
    uint64_t inode, size, blocks, attributes_mask;
    struct waot_linux_statx_time accessed, born, changed, modified;
    uint32_t special_major, special_minor, device_major, device_minor;
    uint64_t spare[14];
};
enum { WAOT_LINUX_STATX_BASIC = 0x7ff };

long waot_posix_stat(long directory, const char *path, int flags, struct waot_os_stat *stat)
{
    struct waot_linux_statx from;
    long result = WAOT_RETRY(SYS_statx, directory, path, flags, WAOT_LINUX_STATX_BASIC, &from);
    if (result < 0)
        return result;
    *stat = (struct waot_os_stat){
        .device = (uint64_t)from.device_major << 32 | from.device_minor,
        .inode = from.inode,
        .links = from.links,
        .size = from.size,
        .accessed = waot_posix_nanoseconds(from.accessed.seconds, from.accessed.nanoseconds),
        .modified = waot_posix_nanoseconds(from.modified.seconds, from.modified.nanoseconds),
        .changed = waot_posix_nanoseconds(from.changed.seconds, from.changed.nanoseconds),
        .filetype = waot_posix_filetype(from.mode),
    };
    return 0;
}

long waot_posix_stat_open(long handle, struct waot_os_stat *stat)
{
    return waot_posix_stat(handle, "", WAOT_LINUX_AT_EMPTY_PATH, stat);
}
#endif

long waot_system_stat_itself(long directory, struct waot_os_stat *stat)
{
    return waot_posix_stat(directory, "", WAOT_LINUX_AT_EMPTY_PATH, stat);
}

int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat)
{
    if (!follow)
        return waot_posix_stat_place(root, path, WAOT_POSIX_LAST_NOFOLLOW, stat);
    /* The common case of a plain name that is no link takes one call. */
    const char *plain = waot_linux_plain(path);
    if (plain != NULL && waot_posix_stat(root, plain, AT_SYMLINK_NOFOLLOW, stat) == 0 &&
        stat->filetype != WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return 0;
    long handle = waot_posix_open_beneath(root, path, WAOT_LINUX_O_PATH, 0);
    if (handle < 0)
        return waot_posix_result(handle);
    long result = waot_posix_stat_open(handle, stat);
    waot_call_close(handle);
    return waot_posix_result(result);
}
