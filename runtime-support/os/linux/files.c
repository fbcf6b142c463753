/* Descriptors, files, directories and paths of os.h. */
#include <sys/stat.h>

#include "system.h"

enum {
    WAOT_LINUX_UTIME_NOW = 0x3fffffff,
    WAOT_LINUX_UTIME_OMIT = 0x3ffffffe,
};

/* What a call that takes an offset as off_t makes of one that is past it. */
#define WAOT_LINUX_BAD_OFFSET(offset) ((offset) > INT64_MAX)

waot_os_handle waot_os_standard(uint32_t number)
{
    return (waot_os_handle)number;
}

long waot_linux_above_standard(long handle)
{
    if (handle < 0 || handle > 2)
        return handle;
    long moved = WAOT_LINUX_CALL(WAOT_LINUX_FCNTL, handle, F_DUPFD_CLOEXEC, 3);
    WAOT_LINUX_CALL(SYS_close, handle);
    return moved;
}

/* ---------------------------------------------------------------- moving data */

int64_t waot_os_read(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    if (count == 1)
        return waot_linux_result(WAOT_LINUX_RETRY(SYS_read, handle, buffers->bytes, buffers->size));
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_readv, handle, buffers, count));
}

int64_t waot_os_write(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    if (count == 1)
        return waot_linux_result(WAOT_LINUX_RETRY(SYS_write, handle, buffers->bytes, buffers->size));
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_writev, handle, buffers, count));
}

/* The offset travels as two longs; on a 64-bit system the first has it all. */
int64_t waot_os_pread(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    if (WAOT_LINUX_BAD_OFFSET(offset))
        return -WAOT_WASI_INVAL;
#if UINTPTR_MAX > UINT32_MAX
    if (count == 1)
        return waot_linux_result(WAOT_LINUX_RETRY(SYS_pread64, handle, buffers->bytes, buffers->size, offset));
#endif
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_preadv, handle, buffers, count, (long)offset, offset >> 32));
}

int64_t waot_os_pwrite(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    if (WAOT_LINUX_BAD_OFFSET(offset))
        return -WAOT_WASI_INVAL;
#if UINTPTR_MAX > UINT32_MAX
    if (count == 1)
        return waot_linux_result(WAOT_LINUX_RETRY(SYS_pwrite64, handle, buffers->bytes, buffers->size, offset));
#endif
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_pwritev, handle, buffers, count, (long)offset, offset >> 32));
}

/* lseek, as os.h has results. */
static int64_t waot_linux_position(waot_os_handle handle, int64_t offset, uint32_t whence)
{
#if UINTPTR_MAX > UINT32_MAX
    return waot_linux_result(WAOT_LINUX_CALL(SYS_lseek, handle, offset, whence));
#else
    int64_t position;
    long result = WAOT_LINUX_CALL(SYS__llseek, handle, (uint64_t)offset >> 32, (uint32_t)offset, &position, whence);
    return result < 0 ? waot_linux_result(result) : position;
#endif
}

int64_t waot_os_seek(waot_os_handle handle, int64_t offset, uint32_t whence)
{
    return waot_linux_position(handle, offset, whence); /* set, cur, end: 0, 1, 2 in both */
}

int64_t waot_os_close(waot_os_handle handle)
{
    long result = WAOT_LINUX_CALL(SYS_close, handle);
    return waot_linux_result(result == -EINTR ? 0 : result); /* it is closed nevertheless */
}

int64_t waot_os_sync(waot_os_handle handle, bool data_only)
{
    return waot_linux_result(WAOT_LINUX_RETRY(data_only ? SYS_fdatasync : SYS_fsync, handle));
}

int64_t waot_os_set_size(waot_os_handle handle, uint64_t size)
{
    return waot_linux_result(WAOT_LINUX_RETRY(WAOT_LINUX_FTRUNCATE, handle, WAOT_LINUX_SKIP WAOT_LINUX_WIDE(size)));
}

int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size)
{
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_fallocate, handle, 0, WAOT_LINUX_WIDE(offset), WAOT_LINUX_WIDE(size)));
}

int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice)
{
    static const uint8_t names[] = {
        [WAOT_WASI_ADVICE_NORMAL] = POSIX_FADV_NORMAL,     [WAOT_WASI_ADVICE_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [WAOT_WASI_ADVICE_RANDOM] = POSIX_FADV_RANDOM,     [WAOT_WASI_ADVICE_WILLNEED] = POSIX_FADV_WILLNEED,
        [WAOT_WASI_ADVICE_DONTNEED] = POSIX_FADV_DONTNEED, [WAOT_WASI_ADVICE_NOREUSE] = POSIX_FADV_NOREUSE,
    };
#if defined(__arm__) /* its own order, so that nothing is skipped */
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_arm_fadvise64_64, handle, names[advice], WAOT_LINUX_WIDE(offset),
                                              WAOT_LINUX_WIDE(size)));
#elif UINTPTR_MAX > UINT32_MAX
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_fadvise64, handle, offset, size, names[advice]));
#else
    return waot_linux_result(WAOT_LINUX_RETRY(SYS_fadvise64_64, handle, WAOT_LINUX_WIDE(offset), WAOT_LINUX_WIDE(size),
                                              names[advice]));
#endif
}

/* ---------------------------------------------------------------- attributes */

static uint64_t waot_linux_nanoseconds(int64_t seconds, uint64_t nanoseconds)
{
    if (seconds < 0) /* before 1970 WASI has no times */
        return 0;
    return (uint64_t)seconds * 1000000000u + nanoseconds;
}

static uint8_t waot_linux_filetype(uint32_t mode)
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

#if UINTPTR_MAX > UINT32_MAX && !defined(__loongarch__) && !defined(__s390x__)
/* On 64-bit systems the C library's struct stat is the kernel's. LoongArch had no call with it before Linux 6.11, and
 * qemu-user's for s390x forgets the nanoseconds. */
static void waot_linux_convert_stat(const struct stat *from, struct waot_os_stat *stat)
{
    const uint64_t device = from->st_dev;
    *stat = (struct waot_os_stat){
        .device = ((device >> 8 & 0xfff) | (device >> 32 & ~UINT64_C(0xfff))) << 32 | (device & 0xff) |
                  (device >> 12 & 0xffffff00),
        .inode = from->st_ino,
        .links = from->st_nlink,
        .size = (uint64_t)from->st_size,
        .accessed = waot_linux_nanoseconds(from->st_atim.tv_sec, (uint64_t)from->st_atim.tv_nsec),
        .modified = waot_linux_nanoseconds(from->st_mtim.tv_sec, (uint64_t)from->st_mtim.tv_nsec),
        .changed = waot_linux_nanoseconds(from->st_ctim.tv_sec, (uint64_t)from->st_ctim.tv_nsec),
        .filetype = waot_linux_filetype(from->st_mode),
    };
}

long waot_linux_stat(long directory, const char *path, int flags, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_LINUX_RETRY(SYS_newfstatat, directory, path, &from, flags);
    if (result >= 0)
        waot_linux_convert_stat(&from, stat);
    return result;
}

/* Without a path, so that a program without files needs no call that could take one. */
static long waot_linux_stat_open(long handle, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_LINUX_RETRY(SYS_fstat, handle, &from);
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

long waot_linux_stat(long directory, const char *path, int flags, struct waot_os_stat *stat)
{
    struct waot_linux_statx from;
    long result = WAOT_LINUX_RETRY(SYS_statx, directory, path, flags, WAOT_LINUX_STATX_BASIC, &from);
    if (result < 0)
        return result;
    *stat = (struct waot_os_stat){
        .device = (uint64_t)from.device_major << 32 | from.device_minor,
        .inode = from.inode,
        .links = from.links,
        .size = from.size,
        .accessed = waot_linux_nanoseconds(from.accessed.seconds, from.accessed.nanoseconds),
        .modified = waot_linux_nanoseconds(from.modified.seconds, from.modified.nanoseconds),
        .changed = waot_linux_nanoseconds(from.changed.seconds, from.changed.nanoseconds),
        .filetype = waot_linux_filetype(from.mode),
    };
    return 0;
}

static long waot_linux_stat_open(long handle, struct waot_os_stat *stat)
{
    return waot_linux_stat(handle, "", WAOT_LINUX_AT_EMPTY_PATH, stat);
}
#endif

int64_t waot_os_stat(waot_os_handle handle, struct waot_os_stat *stat)
{
    long result = waot_linux_stat_open(handle, stat);
    if (result < 0 || stat->filetype != WAOT_WASI_FILETYPE_SOCKET_STREAM)
        return waot_linux_result(result);
    if (waot_linux_is_datagram(handle))
        stat->filetype = WAOT_WASI_FILETYPE_SOCKET_DGRAM;
    return 0;
}

static long waot_linux_set_times(long directory, const char *name, int flags, const struct waot_os_times *times)
{
    struct waot_linux_timespec to[2];
    const uint64_t values[2] = {times->accessed, times->modified};
    for (int i = 0; i < 2; i++) {
        uint32_t wanted = times->flags >> 2 * i; /* atim, atim_now, mtim, mtim_now */
        to[i].seconds = (int64_t)(values[i] / 1000000000);
        to[i].nanoseconds = (int64_t)(values[i] % 1000000000);
        if ((wanted & WAOT_WASI_FSTFLAGS_ATIM_NOW) != 0)
            to[i].nanoseconds = WAOT_LINUX_UTIME_NOW;
        else if ((wanted & WAOT_WASI_FSTFLAGS_ATIM) == 0)
            to[i].nanoseconds = WAOT_LINUX_UTIME_OMIT;
    }
    return waot_linux_set_file_times(directory, name, to, flags);
}

int64_t waot_os_set_times(waot_os_handle handle, const struct waot_os_times *times)
{
    return waot_linux_result(waot_linux_set_times(handle, NULL, 0, times));
}

int64_t waot_os_flags(waot_os_handle handle)
{
    long from = WAOT_LINUX_CALL(WAOT_LINUX_FCNTL, handle, F_GETFL);
    if (from < 0)
        return waot_linux_result(from);
    uint32_t flags = 0;
    if ((from & O_ACCMODE) != O_WRONLY)
        flags |= WAOT_OS_READABLE;
    if ((from & O_ACCMODE) != O_RDONLY)
        flags |= WAOT_OS_WRITABLE;
    if ((from & O_APPEND) != 0)
        flags |= WAOT_WASI_FDFLAGS_APPEND;
    if ((from & O_NONBLOCK) != 0)
        flags |= WAOT_WASI_FDFLAGS_NONBLOCK;
    if ((from & O_SYNC) == O_SYNC) /* has O_DSYNC's bit in it */
        flags |= WAOT_WASI_FDFLAGS_SYNC;
    else if ((from & O_DSYNC) != 0)
        flags |= WAOT_WASI_FDFLAGS_DSYNC;
    return flags;
}

int64_t waot_os_set_flags(waot_os_handle handle, uint32_t fdflags)
{
    long flags = WAOT_LINUX_CALL(WAOT_LINUX_FCNTL, handle, F_GETFL);
    if (flags < 0)
        return waot_linux_result(flags);
    flags &= ~(long)(O_APPEND | O_NONBLOCK);
    if ((fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0)
        flags |= O_APPEND;
    if ((fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0)
        flags |= O_NONBLOCK;
    return waot_linux_result(WAOT_LINUX_CALL(WAOT_LINUX_FCNTL, handle, F_SETFL, flags));
}

bool waot_os_is_terminal(waot_os_handle handle)
{
    char settings[256]; /* struct termios, larger than any architecture's */
    return WAOT_LINUX_RETRY(SYS_ioctl, handle, WAOT_LINUX_TCGETS, settings) >= 0;
}

/* ---------------------------------------------------------------- directories */

/* struct linux_dirent64 (getdents(2)): the name follows, NUL-terminated. */
struct waot_linux_dirent {
    uint64_t inode;
    uint64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

int64_t waot_os_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    int64_t moved = waot_linux_position(handle, (int64_t)position, 0);
    if (moved == -(int64_t)WAOT_WASI_INVAL) /* a position that no directory gives: nothing stands behind it */
        return 0;
    if (moved < 0)
        return moved;
    long result = WAOT_LINUX_RETRY(SYS_getdents64, handle, buffer, size);
    return waot_linux_result(result == -ENOENT ? 0 : result); /* a directory that was removed is empty */
}

void waot_os_directory_entry(waot_os_handle handle, const void *buffer, size_t *at, struct waot_os_entry *entry)
{
    const struct waot_linux_dirent *from = (const void *)((const char *)buffer + *at);
    *at += from->size;
    entry->next = from->next;
    entry->inode = from->inode;
    entry->name = from->name;
    entry->name_size = __builtin_strlen(from->name);
    if (from->type == 0) { /* DT_UNKNOWN: the file system keeps no types in directories */
        struct waot_os_stat stat;
        long result = waot_linux_stat(handle, from->name, AT_SYMLINK_NOFOLLOW, &stat);
        entry->filetype = result < 0 ? WAOT_WASI_FILETYPE_UNKNOWN : stat.filetype;
    } else {
        entry->filetype = waot_linux_filetype((uint32_t)from->type << 12); /* DT_* are the bits of S_IF* */
    }
}

/* ---------------------------------------------------------------- paths */

int64_t waot_os_open_directory(const char *path)
{
    long handle = WAOT_LINUX_RETRY(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return waot_linux_result(waot_linux_above_standard(handle));
}

int64_t waot_os_path_open(waot_os_handle root, const char *path, uint32_t access, uint32_t oflags, uint32_t fdflags)
{
    static const uint8_t modes[] = {O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR}; /* by WAOT_OS_OPEN_READ and _WRITE */
    long flags = modes[access & (WAOT_OS_OPEN_READ | WAOT_OS_OPEN_WRITE)] | O_NOCTTY | O_CLOEXEC | WAOT_LINUX_LARGEFILE;
    flags |= (access & WAOT_OS_OPEN_FOLLOW) != 0 ? 0 : O_NOFOLLOW;
    flags |= (oflags & WAOT_WASI_OFLAGS_CREAT) != 0 ? O_CREAT : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_EXCL) != 0 ? O_EXCL : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0 ? O_TRUNC : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0 ? O_DIRECTORY : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0 ? O_APPEND : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_DSYNC) != 0 ? O_DSYNC : 0;
    flags |= (fdflags & (WAOT_WASI_FDFLAGS_SYNC | WAOT_WASI_FDFLAGS_RSYNC)) != 0 ? O_SYNC : 0;
    int64_t result = waot_linux_result(waot_linux_above_standard(waot_linux_open_beneath(root, path, flags, 0666)));
    /* A link that is not to be followed is LOOP, whatever else it is not. */
    struct waot_os_stat stat;
    if (result == -WAOT_WASI_NOTDIR && (flags & O_NOFOLLOW) != 0 && waot_os_path_stat(root, path, false, &stat) == 0 &&
        stat.filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return -WAOT_WASI_LOOP;
    return result;
}

/* Of a place that is a directory itself, the directory is asked by its handle: as `.` it would have to be searched. */
static bool waot_linux_is_itself(const struct waot_linux_place *place)
{
    return place->name[0] == '.' && place->name[1] == '\0';
}

static long waot_linux_place_stat(const struct waot_linux_place *place, struct waot_os_stat *stat)
{
    if (waot_linux_is_itself(place))
        return waot_linux_stat(place->directory, "", WAOT_LINUX_AT_EMPTY_PATH, stat);
    return waot_linux_stat(place->directory, place->name, AT_SYMLINK_NOFOLLOW, stat);
}

/* wasmtime asks by the handle too, but only where links are followed. */
static long waot_linux_place_set_times(const struct waot_linux_place *place, bool follow,
                                       const struct waot_os_times *times)
{
    if (follow && waot_linux_is_itself(place)) {
        long result = waot_linux_set_times(place->directory, "", WAOT_LINUX_AT_EMPTY_PATH, times);
        if (result != -EINVAL && result != -ENOENT) /* what kernels before 5.8 say of that flag */
            return result;
    }
    return waot_linux_set_times(place->directory, place->name, AT_SYMLINK_NOFOLLOW, times);
}

int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat)
{
    struct waot_linux_place place;
    if (!follow) {
        long result = waot_linux_locate(root, path, WAOT_LINUX_LAST_NOFOLLOW, &place);
        if (result < 0)
            return waot_linux_result(result);
        result = waot_linux_place_stat(&place, stat);
        waot_linux_release(&place);
        return waot_linux_result(result);
    }
    /* The common case of a plain name that is no link takes one call. */
    const char *plain = waot_linux_plain(path);
    if (plain != NULL && waot_linux_stat(root, plain, AT_SYMLINK_NOFOLLOW, stat) == 0 &&
        stat->filetype != WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return 0;
    long handle = waot_linux_open_beneath(root, path, WAOT_LINUX_O_PATH, 0);
    if (handle < 0)
        return waot_linux_result(handle);
    long result = waot_linux_stat_open(handle, stat);
    WAOT_LINUX_CALL(SYS_close, handle);
    return waot_linux_result(result);
}

int64_t waot_os_path_set_times(waot_os_handle root, const char *path, bool follow, const struct waot_os_times *times)
{
    struct waot_linux_place place;
    long result =
        waot_linux_locate(root, path, follow ? WAOT_LINUX_LAST_FOLLOW : WAOT_LINUX_LAST_NOFOLLOW, &place);
    if (result < 0)
        return waot_linux_result(result);
    struct waot_os_stat stat;
    if (follow && times->flags == 0) /* utimensat with nothing to set does not even look for the file */
        result = waot_linux_place_stat(&place, &stat);
    else
        result = waot_linux_place_set_times(&place, follow, times);
    waot_linux_release(&place);
    return waot_linux_result(result);
}

int64_t waot_os_path_make_directory(waot_os_handle root, const char *path)
{
    struct waot_linux_place place;
    long result = waot_linux_locate(root, path, WAOT_LINUX_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_linux_result(result);
    result = WAOT_LINUX_RETRY(SYS_mkdirat, place.directory, place.name, 0777);
    waot_linux_release(&place);
    return waot_linux_result(result);
}

static int64_t waot_linux_unlink(long root, const char *path, int flags)
{
    struct waot_linux_place place;
    long result = waot_linux_locate(root, path, WAOT_LINUX_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_linux_result(result);
    result = WAOT_LINUX_RETRY(SYS_unlinkat, place.directory, place.name, flags);
    waot_linux_release(&place);
    return waot_linux_result(result);
}

int64_t waot_os_path_remove_directory(waot_os_handle root, const char *path)
{
    return waot_linux_unlink(root, path, AT_REMOVEDIR);
}

int64_t waot_os_path_unlink(waot_os_handle root, const char *path)
{
    return waot_linux_unlink(root, path, 0);
}

int64_t waot_os_path_symlink(const char *target, waot_os_handle root, const char *path)
{
    struct waot_linux_place place;
    long result = waot_linux_locate(root, path, WAOT_LINUX_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_linux_result(result);
    result = WAOT_LINUX_RETRY(SYS_symlinkat, target, place.directory, place.name);
    waot_linux_release(&place);
    return waot_linux_result(result);
}

/* Calls link or rename, which have the same shape. The old name is looked up for a link: a trailing slash there would
 * make the kernel follow it. */
static int64_t waot_linux_two_places(long number, enum waot_linux_last last, long root, const char *path, long new_root,
                                     const char *new_path)
{
    struct waot_linux_place from, to;
    long result = waot_linux_locate(root, path, last, &from);
    if (result < 0)
        return waot_linux_result(result);
    result = waot_linux_locate(new_root, new_path, WAOT_LINUX_LAST_AS_NAMED, &to);
    if (result >= 0) {
        result = WAOT_LINUX_RETRY(number, from.directory, from.name, to.directory, to.name, 0);
        waot_linux_release(&to);
    }
    waot_linux_release(&from);
    return waot_linux_result(result);
}

int64_t waot_os_path_link(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_linux_two_places(SYS_linkat, WAOT_LINUX_LAST_NOFOLLOW, root, path, new_root, new_path);
}

int64_t waot_os_path_rename(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_linux_two_places(SYS_renameat2, WAOT_LINUX_LAST_AS_NAMED, root, path, new_root, new_path);
}

int64_t waot_os_path_readlink(waot_os_handle root, const char *path, char *target, size_t size)
{
    struct waot_linux_place place;
    long result = waot_linux_locate(root, path, WAOT_LINUX_LAST_NOFOLLOW, &place);
    if (result < 0)
        return waot_linux_result(result);
    result = WAOT_LINUX_RETRY(SYS_readlinkat, place.directory, place.name, target, size);
    waot_linux_release(&place);
    return waot_linux_result(result);
}
