/* Descriptors, files and directories of os.h. */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/ttycom.h>
#include <termios.h>

#include "system.h"

/* What a call that takes an offset as off_t makes of one that is past it. */
#define WAOT_FREEBSD_BAD_OFFSET(offset) ((offset) > INT64_MAX)

waot_os_handle waot_os_standard(uint32_t number)
{
    return (waot_os_handle)number;
}

long waot_freebsd_above_standard(long handle)
{
    if (handle < 0 || handle > 2)
        return handle;
    long moved = WAOT_FREEBSD_CALL(SYS_fcntl, handle, F_DUPFD_CLOEXEC, 3);
    WAOT_FREEBSD_CALL(SYS_close, handle);
    return moved;
}

/* ---------------------------------------------------------------- moving data */

/* A device refuses to move more than INT_MAX bytes at once (debug.devfs_iosize_max_clamp). A guest's memory may hold more:
 * of one piece a part is moved, of several those whose sum is less. */
#define WAOT_FREEBSD_MOST ((size_t)INT32_MAX)

static size_t waot_freebsd_fitting(const struct waot_os_buffer *buffers, size_t count)
{
    size_t fitting = 0, bytes = 0;
    while (fitting < count && buffers[fitting].size <= WAOT_FREEBSD_MOST - bytes)
        bytes += buffers[fitting++].size;
    return fitting;
}

/* Moves by `one`, a call for one piece, or by `several`. */
__attribute__((noinline)) static int64_t waot_freebsd_move(long one, long several, waot_os_handle handle,
                                                           const struct waot_os_buffer *buffers, size_t count,
                                                           uint64_t offset)
{
    if (WAOT_FREEBSD_BAD_OFFSET(offset))
        return -WAOT_WASI_INVAL;
    count = waot_freebsd_fitting(buffers, count);
    if (count > 1)
        return waot_freebsd_result(WAOT_FREEBSD_RETRY(several, handle, buffers, count, offset));
    size_t size = buffers->size < WAOT_FREEBSD_MOST ? buffers->size : WAOT_FREEBSD_MOST;
    return waot_freebsd_result(WAOT_FREEBSD_RETRY(one, handle, buffers->bytes, size, offset));
}

int64_t waot_os_read(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    return waot_freebsd_move(SYS_read, SYS_readv, handle, buffers, count, 0);
}

int64_t waot_os_write(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    return waot_freebsd_move(SYS_write, SYS_writev, handle, buffers, count, 0);
}

int64_t waot_os_pread(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return waot_freebsd_move(SYS_pread, SYS_preadv, handle, buffers, count, offset);
}

int64_t waot_os_pwrite(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return waot_freebsd_move(SYS_pwrite, SYS_pwritev, handle, buffers, count, offset);
}

int64_t waot_os_seek(waot_os_handle handle, int64_t offset, uint32_t whence)
{
    return waot_freebsd_result(WAOT_FREEBSD_CALL(SYS_lseek, handle, offset, whence)); /* 0, 1, 2 in both */
}

int64_t waot_os_close(waot_os_handle handle)
{
    long result = WAOT_FREEBSD_CALL(SYS_close, handle);
    return waot_freebsd_result(result == -EINTR ? 0 : result); /* it is closed nevertheless */
}

int64_t waot_os_sync(waot_os_handle handle, bool data_only)
{
    return waot_freebsd_result(WAOT_FREEBSD_RETRY(data_only ? SYS_fdatasync : SYS_fsync, handle));
}

int64_t waot_os_set_size(waot_os_handle handle, uint64_t size)
{
    return waot_freebsd_result(WAOT_FREEBSD_RETRY(SYS_ftruncate, handle, size));
}

/* posix_fallocate(2) and posix_fadvise(2) return the error as if it were a value. */
static int64_t waot_freebsd_returned(long result)
{
    return waot_freebsd_result(result > 0 ? -result : result);
}

int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size)
{
    long result;
    do
        result = WAOT_FREEBSD_CALL(SYS_posix_fallocate, handle, offset, size);
    while (result == EINTR);
    return waot_freebsd_returned(result);
}

int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice)
{
    static const uint8_t names[] = {
        [WAOT_WASI_ADVICE_NORMAL] = POSIX_FADV_NORMAL,     [WAOT_WASI_ADVICE_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [WAOT_WASI_ADVICE_RANDOM] = POSIX_FADV_RANDOM,     [WAOT_WASI_ADVICE_WILLNEED] = POSIX_FADV_WILLNEED,
        [WAOT_WASI_ADVICE_DONTNEED] = POSIX_FADV_DONTNEED, [WAOT_WASI_ADVICE_NOREUSE] = POSIX_FADV_NOREUSE,
    };
    return waot_freebsd_returned(WAOT_FREEBSD_CALL(SYS_posix_fadvise, handle, offset, size, names[advice]));
}

/* ---------------------------------------------------------------- attributes */

static uint64_t waot_freebsd_nanoseconds(struct timespec time)
{
    if (time.tv_sec < 0) /* before 1970 WASI has no times */
        return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint8_t waot_freebsd_filetype(uint32_t mode)
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

static void waot_freebsd_convert_stat(const struct stat *from, struct waot_os_stat *stat)
{
    *stat = (struct waot_os_stat){
        .device = from->st_dev,
        .inode = from->st_ino,
        .links = from->st_nlink,
        .size = (uint64_t)from->st_size,
        .accessed = waot_freebsd_nanoseconds(from->st_atim),
        .modified = waot_freebsd_nanoseconds(from->st_mtim),
        .changed = waot_freebsd_nanoseconds(from->st_ctim),
        .filetype = waot_freebsd_filetype(from->st_mode),
    };
}

long waot_freebsd_stat(long directory, const char *path, int flags, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_FREEBSD_RETRY(SYS_fstatat, directory, path, &from, flags);
    if (result >= 0)
        waot_freebsd_convert_stat(&from, stat);
    return result;
}

int64_t waot_os_stat(waot_os_handle handle, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_FREEBSD_RETRY(SYS_fstat, handle, &from);
    if (result < 0)
        return waot_freebsd_result(result);
    waot_freebsd_convert_stat(&from, stat);
    if (stat->filetype == WAOT_WASI_FILETYPE_SOCKET_STREAM && waot_freebsd_is_datagram(handle))
        stat->filetype = WAOT_WASI_FILETYPE_SOCKET_DGRAM;
    return 0;
}

static void waot_freebsd_convert_times(const struct waot_os_times *times, struct timespec to[2])
{
    const uint64_t values[2] = {times->accessed, times->modified};
    for (int i = 0; i < 2; i++) {
        uint32_t wanted = times->flags >> 2 * i; /* atim, atim_now, mtim, mtim_now */
        to[i].tv_sec = (time_t)(values[i] / 1000000000);
        to[i].tv_nsec = (long)(values[i] % 1000000000);
        if ((wanted & WAOT_WASI_FSTFLAGS_ATIM_NOW) != 0)
            to[i].tv_nsec = UTIME_NOW;
        else if ((wanted & WAOT_WASI_FSTFLAGS_ATIM) == 0)
            to[i].tv_nsec = UTIME_OMIT;
    }
}

long waot_freebsd_set_times(long directory, const char *path, int flags, const struct waot_os_times *times)
{
    struct timespec to[2];
    waot_freebsd_convert_times(times, to);
    return WAOT_FREEBSD_RETRY(SYS_utimensat, directory, path, to, flags);
}

int64_t waot_os_set_times(waot_os_handle handle, const struct waot_os_times *times)
{
    struct timespec to[2];
    waot_freebsd_convert_times(times, to);
    return waot_freebsd_result(WAOT_FREEBSD_RETRY(SYS_futimens, handle, to));
}

int64_t waot_os_flags(waot_os_handle handle)
{
    long from = WAOT_FREEBSD_CALL(SYS_fcntl, handle, F_GETFL);
    if (from < 0)
        return waot_freebsd_result(from);
    uint32_t flags = 0;
    if ((from & O_ACCMODE) != O_WRONLY)
        flags |= WAOT_OS_READABLE;
    if ((from & O_ACCMODE) != O_RDONLY)
        flags |= WAOT_OS_WRITABLE;
    if ((from & O_APPEND) != 0)
        flags |= WAOT_WASI_FDFLAGS_APPEND;
    if ((from & O_NONBLOCK) != 0)
        flags |= WAOT_WASI_FDFLAGS_NONBLOCK;
    if ((from & O_SYNC) != 0)
        flags |= WAOT_WASI_FDFLAGS_SYNC;
    else if ((from & O_DSYNC) != 0)
        flags |= WAOT_WASI_FDFLAGS_DSYNC;
    return flags;
}

int64_t waot_os_set_flags(waot_os_handle handle, uint32_t fdflags)
{
    long flags = WAOT_FREEBSD_CALL(SYS_fcntl, handle, F_GETFL);
    if (flags < 0)
        return waot_freebsd_result(flags);
    flags &= ~(long)(O_APPEND | O_NONBLOCK);
    if ((fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0)
        flags |= O_APPEND;
    if ((fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0)
        flags |= O_NONBLOCK;
    return waot_freebsd_result(WAOT_FREEBSD_CALL(SYS_fcntl, handle, F_SETFL, flags));
}

bool waot_os_is_terminal(waot_os_handle handle)
{
    struct termios settings;
    return WAOT_FREEBSD_RETRY(SYS_ioctl, handle, TIOCGETA, &settings) >= 0;
}

/* ---------------------------------------------------------------- directories */

int64_t waot_os_open_directory(const char *path)
{
    long handle = WAOT_FREEBSD_RETRY(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return waot_freebsd_result(waot_freebsd_above_standard(handle));
}

/* Takes out what stands for unused space: entries without a file, and whiteouts. The bytes that are left. */
static size_t waot_freebsd_keep_entries(char *buffer, size_t size)
{
    size_t kept = 0;
    for (size_t at = 0; at < size;) {
        const struct dirent *entry = (const void *)(buffer + at);
        size_t length = entry->d_reclen;
        bool named = entry->d_fileno != 0 && entry->d_type != DT_WHT;
        if (named && kept != at)
            __builtin_memmove(buffer + kept, buffer + at, length);
        kept += named ? length : 0;
        at += length;
    }
    return kept;
}

int64_t waot_os_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    if (WAOT_FREEBSD_BAD_OFFSET(position))
        return 0;
    size_t kept = 0;
    long result = WAOT_FREEBSD_CALL(SYS_lseek, handle, position, 0);
    while (result >= 0 && kept == 0) {
        result = WAOT_FREEBSD_RETRY(SYS_getdirentries, handle, buffer, size, NULL);
        if (result == 0)
            return 0;
        if (result > 0)
            kept = waot_freebsd_keep_entries(buffer, (size_t)result);
    }
    /* A position that no directory gives: nothing stands behind it. A directory that was removed is empty. */
    if (result == -EINVAL || result == -ENOENT)
        return 0;
    /* A file system without positions: reading on from what it gives would begin anew, for ever. */
    if (result > 0 && ((const struct dirent *)buffer)->d_off == 0)
        return -WAOT_WASI_NOTSUP;
    return result < 0 ? waot_freebsd_result(result) : (int64_t)kept;
}

void waot_os_directory_entry(waot_os_handle handle, const void *buffer, size_t *at, struct waot_os_entry *entry)
{
    const struct dirent *from = (const void *)((const char *)buffer + *at);
    *at += from->d_reclen;
    entry->next = (uint64_t)from->d_off;
    entry->inode = from->d_fileno;
    entry->name = from->d_name;
    entry->name_size = from->d_namlen;
    entry->filetype = waot_freebsd_filetype((uint32_t)from->d_type << 12); /* DT_* are the bits of S_IF* */
    struct waot_os_stat stat;
    if (from->d_type == DT_UNKNOWN && waot_freebsd_stat(handle, from->d_name, AT_SYMLINK_NOFOLLOW, &stat) == 0)
        entry->filetype = stat.filetype; /* the file system keeps no types in directories */
}
