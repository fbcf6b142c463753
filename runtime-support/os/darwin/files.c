/* Descriptors, files and paths of os.h. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "system.h"

_Static_assert(sizeof(struct iovec) == sizeof(struct waot_os_buffer), "os.h");

/* What a call that takes an offset as off_t makes of one that is past it. */
#define WAOT_DARWIN_BAD_OFFSET(offset) ((offset) > INT64_MAX)

waot_os_handle waot_os_standard(uint32_t number)
{
    return (waot_os_handle)number;
}

long waot_darwin_above_standard(long handle)
{
    if (handle < 0 || handle > 2)
        return handle;
    long moved = WAOT_DARWIN_CALL(fcntl((int)handle, F_DUPFD_CLOEXEC, 3));
    close((int)handle);
    return moved;
}

/* ---------------------------------------------------------------- moving data */

/* Darwin refuses to move more than INT_MAX bytes at once. A guest's memory may hold more: of one piece a part is moved, of
 * several those whose sum is less. */
#define WAOT_DARWIN_MOST ((size_t)INT32_MAX)

static size_t waot_darwin_fitting(const struct waot_os_buffer *buffers, size_t count)
{
    size_t fitting = 0, bytes = 0;
    while (fitting < count && buffers[fitting].size <= WAOT_DARWIN_MOST - bytes)
        bytes += buffers[fitting++].size;
    return fitting;
}

static size_t waot_darwin_first(const struct waot_os_buffer *buffers)
{
    return buffers->size < WAOT_DARWIN_MOST ? buffers->size : WAOT_DARWIN_MOST;
}

int64_t waot_os_read(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    count = waot_darwin_fitting(buffers, count) < 2 ? 1 : waot_darwin_fitting(buffers, count);
    if (count == 1)
        return waot_darwin_result(WAOT_DARWIN_RETRY(read((int)handle, buffers->bytes, waot_darwin_first(buffers))));
    return waot_darwin_result(WAOT_DARWIN_RETRY(readv((int)handle, (const struct iovec *)buffers, (int)count)));
}

int64_t waot_os_write(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    count = waot_darwin_fitting(buffers, count) < 2 ? 1 : waot_darwin_fitting(buffers, count);
    if (count == 1)
        return waot_darwin_result(WAOT_DARWIN_RETRY(write((int)handle, buffers->bytes, waot_darwin_first(buffers))));
    return waot_darwin_result(WAOT_DARWIN_RETRY(writev((int)handle, (const struct iovec *)buffers, (int)count)));
}

int64_t waot_os_pread(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    if (WAOT_DARWIN_BAD_OFFSET(offset))
        return -WAOT_WASI_INVAL;
    count = waot_darwin_fitting(buffers, count);
    const struct iovec *pieces = (const struct iovec *)buffers;
    if (count < 2)
        return waot_darwin_result(
            WAOT_DARWIN_RETRY(pread((int)handle, buffers->bytes, waot_darwin_first(buffers), (off_t)offset)));
    return waot_darwin_result(WAOT_DARWIN_RETRY(preadv((int)handle, pieces, (int)count, (off_t)offset)));
}

int64_t waot_os_pwrite(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    if (WAOT_DARWIN_BAD_OFFSET(offset))
        return -WAOT_WASI_INVAL;
    count = waot_darwin_fitting(buffers, count);
    const struct iovec *pieces = (const struct iovec *)buffers;
    if (count < 2)
        return waot_darwin_result(
            WAOT_DARWIN_RETRY(pwrite((int)handle, buffers->bytes, waot_darwin_first(buffers), (off_t)offset)));
    return waot_darwin_result(WAOT_DARWIN_RETRY(pwritev((int)handle, pieces, (int)count, (off_t)offset)));
}

int64_t waot_os_seek(waot_os_handle handle, int64_t offset, uint32_t whence)
{
    return waot_darwin_result(WAOT_DARWIN_CALL(lseek((int)handle, offset, (int)whence))); /* 0, 1, 2 in both */
}

int64_t waot_os_close(waot_os_handle handle)
{
    waot_darwin_forget_directory(handle);
    long result = WAOT_DARWIN_CALL(close((int)handle));
    return waot_darwin_result(result == -EINTR ? 0 : result); /* it is closed nevertheless */
}

int64_t waot_os_sync(waot_os_handle handle, bool data_only)
{
    (void)data_only; /* there is no fdatasync */
    /* fsync(2) leaves the data in the drive's own cache. Not every file system has more. */
    long result = WAOT_DARWIN_RETRY(fcntl((int)handle, F_FULLFSYNC));
    if (result == -ENOTSUP || result == -EINVAL || result == -ENOTTY)
        result = WAOT_DARWIN_RETRY(fsync((int)handle));
    return waot_darwin_result(result);
}

int64_t waot_os_set_size(waot_os_handle handle, uint64_t size)
{
    return waot_darwin_result(WAOT_DARWIN_RETRY(ftruncate((int)handle, (off_t)size)));
}

int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size)
{
    struct stat now;
    if (WAOT_DARWIN_BAD_OFFSET(offset) || WAOT_DARWIN_BAD_OFFSET(size) || size == 0)
        return -WAOT_WASI_INVAL;
    if (offset + size > INT64_MAX)
        return -WAOT_WASI_FBIG;
    long result = WAOT_DARWIN_CALL(fstat((int)handle, &now));
    off_t end = (off_t)(offset + size);
    if (result < 0 || now.st_size >= end)
        return waot_darwin_result(result);
    /* Blocks behind the end of the file, then the new end. */
    fstore_t wanted = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = end - now.st_size};
    result = WAOT_DARWIN_RETRY(fcntl((int)handle, F_PREALLOCATE, &wanted));
    if (result >= 0)
        result = WAOT_DARWIN_RETRY(ftruncate((int)handle, end));
    return waot_darwin_result(result);
}

int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice)
{
    long result = WAOT_DARWIN_CALL(lseek((int)handle, 0, SEEK_CUR)); /* a pipe can be advised nowhere */
    if (result >= 0 && advice == WAOT_WASI_ADVICE_WILLNEED && !WAOT_DARWIN_BAD_OFFSET(offset)) {
        struct radvisory wanted = {(off_t)offset, size == 0 || size > INT32_MAX ? INT32_MAX : (int)size};
        fcntl((int)handle, F_RDADVISE, &wanted); /* whatever comes of it: the other advices come to nothing too */
    }
    return waot_darwin_result(result < 0 ? result : 0);
}

/* ---------------------------------------------------------------- attributes */

static uint64_t waot_darwin_nanoseconds(int64_t seconds, uint64_t nanoseconds)
{
    if (seconds < 0) /* before 1970 WASI has no times */
        return 0;
    return (uint64_t)seconds * 1000000000u + nanoseconds;
}

static uint8_t waot_darwin_filetype(uint32_t mode)
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

static void waot_darwin_convert_stat(const struct stat *from, struct waot_os_stat *stat)
{
    *stat = (struct waot_os_stat){
        .device = (uint32_t)from->st_dev,
        .inode = from->st_ino,
        .links = from->st_nlink,
        .size = (uint64_t)from->st_size,
        .accessed = waot_darwin_nanoseconds(from->st_atimespec.tv_sec, (uint64_t)from->st_atimespec.tv_nsec),
        .modified = waot_darwin_nanoseconds(from->st_mtimespec.tv_sec, (uint64_t)from->st_mtimespec.tv_nsec),
        .changed = waot_darwin_nanoseconds(from->st_ctimespec.tv_sec, (uint64_t)from->st_ctimespec.tv_nsec),
        .filetype = waot_darwin_filetype(from->st_mode),
    };
}

long waot_darwin_stat(long directory, const char *name, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_DARWIN_RETRY(fstatat((int)directory, name, &from, AT_SYMLINK_NOFOLLOW));
    if (result >= 0)
        waot_darwin_convert_stat(&from, stat);
    return result;
}

static long waot_darwin_stat_open(long handle, struct waot_os_stat *stat)
{
    struct stat from;
    long result = WAOT_DARWIN_RETRY(fstat((int)handle, &from));
    if (result >= 0)
        waot_darwin_convert_stat(&from, stat);
    return result;
}

int64_t waot_os_stat(waot_os_handle handle, struct waot_os_stat *stat)
{
    long result = waot_darwin_stat_open(handle, stat);
    if (result < 0 || stat->filetype != WAOT_WASI_FILETYPE_SOCKET_STREAM)
        return waot_darwin_result(result);
    if (waot_darwin_is_datagram(handle))
        stat->filetype = WAOT_WASI_FILETYPE_SOCKET_DGRAM;
    return 0;
}

static void waot_darwin_convert_times(const struct waot_os_times *times, struct timespec to[2])
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

int64_t waot_os_set_times(waot_os_handle handle, const struct waot_os_times *times)
{
    struct timespec to[2];
    waot_darwin_convert_times(times, to);
    return waot_darwin_result(WAOT_DARWIN_RETRY(futimens((int)handle, to)));
}

int64_t waot_os_flags(waot_os_handle handle)
{
    long from = WAOT_DARWIN_CALL(fcntl((int)handle, F_GETFL));
    if (from < 0)
        return waot_darwin_result(from);
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
    long flags = WAOT_DARWIN_CALL(fcntl((int)handle, F_GETFL));
    if (flags < 0)
        return waot_darwin_result(flags);
    flags &= ~(long)(O_APPEND | O_NONBLOCK);
    if ((fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0)
        flags |= O_APPEND;
    if ((fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0)
        flags |= O_NONBLOCK;
    return waot_darwin_result(WAOT_DARWIN_CALL(fcntl((int)handle, F_SETFL, (int)flags)));
}

bool waot_os_is_terminal(waot_os_handle handle)
{
    return isatty((int)handle) == 1;
}

/* ---------------------------------------------------------------- paths */

int64_t waot_os_open_directory(const char *path)
{
    long handle = WAOT_DARWIN_RETRY(openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return waot_darwin_result(waot_darwin_above_standard(handle));
}

int64_t waot_os_path_open(waot_os_handle root, const char *path, uint32_t access, uint32_t oflags, uint32_t fdflags)
{
    static const uint8_t modes[] = {O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR}; /* by WAOT_OS_OPEN_READ and _WRITE */
    int flags = modes[access & (WAOT_OS_OPEN_READ | WAOT_OS_OPEN_WRITE)] | O_NOCTTY | O_CLOEXEC;
    flags |= (access & WAOT_OS_OPEN_FOLLOW) != 0 ? 0 : O_NOFOLLOW;
    flags |= (oflags & WAOT_WASI_OFLAGS_CREAT) != 0 ? O_CREAT : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_EXCL) != 0 ? O_EXCL : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0 ? O_TRUNC : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0 ? O_DIRECTORY : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0 ? O_APPEND : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_DSYNC) != 0 ? O_DSYNC : 0;
    flags |= (fdflags & (WAOT_WASI_FDFLAGS_SYNC | WAOT_WASI_FDFLAGS_RSYNC)) != 0 ? O_SYNC : 0;
    int64_t result = waot_darwin_result(waot_darwin_above_standard(waot_darwin_open_beneath(root, path, flags, 0666)));
    /* A link that is not to be followed is LOOP, whatever else it is not. */
    struct waot_os_stat stat;
    if (result == -WAOT_WASI_NOTDIR && (flags & O_NOFOLLOW) != 0 && waot_os_path_stat(root, path, false, &stat) == 0 &&
        stat.filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return -WAOT_WASI_LOOP;
    return result;
}

/* Of a place that is a directory itself, the directory is asked by its handle: as `.` it would have to be searched. */
static bool waot_darwin_is_itself(const struct waot_darwin_place *place)
{
    return place->name[0] == '.' && place->name[1] == '\0';
}

static long waot_darwin_place_stat(const struct waot_darwin_place *place, struct waot_os_stat *stat)
{
    if (waot_darwin_is_itself(place))
        return waot_darwin_stat_open(place->directory, stat);
    return waot_darwin_stat(place->directory, place->name, stat);
}

static long waot_darwin_place_set_times(const struct waot_darwin_place *place, const struct waot_os_times *times)
{
    struct timespec to[2];
    waot_darwin_convert_times(times, to);
    return WAOT_DARWIN_RETRY(utimensat((int)place->directory, place->name, to, AT_SYMLINK_NOFOLLOW));
}

int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat)
{
    /* The common case of a plain name that is no link takes one call. */
    bool plain = path[0] != '.';
    for (const char *at = path; *at != '\0'; at++)
        plain &= *at != '/';
    if (plain && waot_darwin_stat(root, path, stat) == 0 &&
        (!follow || stat->filetype != WAOT_WASI_FILETYPE_SYMBOLIC_LINK))
        return 0;
    struct waot_darwin_place place;
    long result =
        waot_darwin_locate(root, path, follow ? WAOT_DARWIN_LAST_FOLLOW : WAOT_DARWIN_LAST_NOFOLLOW, &place);
    if (result < 0)
        return waot_darwin_result(result);
    result = waot_darwin_place_stat(&place, stat);
    waot_darwin_release(&place);
    return waot_darwin_result(result);
}

int64_t waot_os_path_set_times(waot_os_handle root, const char *path, bool follow, const struct waot_os_times *times)
{
    struct waot_darwin_place place;
    long result =
        waot_darwin_locate(root, path, follow ? WAOT_DARWIN_LAST_FOLLOW : WAOT_DARWIN_LAST_NOFOLLOW, &place);
    if (result < 0)
        return waot_darwin_result(result);
    struct waot_os_stat stat;
    if (follow && times->flags == 0) /* utimensat with nothing to set does not even look for the file */
        result = waot_darwin_place_stat(&place, &stat);
    else
        result = waot_darwin_place_set_times(&place, times);
    waot_darwin_release(&place);
    return waot_darwin_result(result);
}

int64_t waot_os_path_make_directory(waot_os_handle root, const char *path)
{
    struct waot_darwin_place place;
    long result = waot_darwin_locate(root, path, WAOT_DARWIN_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_darwin_result(result);
    result = waot_darwin_is_dots(place.name) ? -EEXIST
                                             : WAOT_DARWIN_RETRY(mkdirat((int)place.directory, place.name, 0777));
    waot_darwin_release(&place);
    return waot_darwin_result(result);
}

/* The functions below that make, remove or rename a name give Darwin a name that is neither `.` nor `..` and that no slash
 * stands behind, and say of all else what Linux says. Darwin follows a link that a slash stands behind wherever it leads:
 * rmdir("link/") removes the directory that the link names. */

/* 0 if a name is a directory, or else what of a name with a slash behind it Linux says. */
static long waot_darwin_check_directory(const struct waot_darwin_place *place)
{
    struct waot_os_stat stat;
    long result = waot_darwin_stat(place->directory, place->name, &stat);
    return result == 0 && stat.filetype != WAOT_WASI_FILETYPE_DIRECTORY ? -ENOTDIR : result;
}

/* Likewise of a name for something new that is no directory: 0 if it may be made. */
static long waot_darwin_check_new(const struct waot_darwin_place *place)
{
    struct waot_os_stat stat;
    if (waot_darwin_is_dots(place->name))
        return -EEXIST;
    if (!place->slash)
        return 0;
    long result = waot_darwin_stat(place->directory, place->name, &stat);
    return result == 0 ? -EEXIST : result;
}

static long waot_darwin_remove_directory(const struct waot_darwin_place *place)
{
    if (waot_darwin_is_dots(place->name))
        return place->name[1] == '.' ? -ENOTEMPTY : -EINVAL;
    return WAOT_DARWIN_RETRY(unlinkat((int)place->directory, place->name, AT_REMOVEDIR));
}

static long waot_darwin_remove_file(const struct waot_darwin_place *place)
{
    if (waot_darwin_is_dots(place->name))
        return -EISDIR;
    long result = place->slash ? -ENOTDIR : WAOT_DARWIN_RETRY(unlinkat((int)place->directory, place->name, 0));
    struct waot_os_stat stat;
    if (result != -EPERM && !place->slash)
        return result;
    long found = waot_darwin_stat(place->directory, place->name, &stat);
    if (found == 0 && stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY) /* of which Darwin says PERM */
        return -EISDIR;
    return found < 0 && place->slash ? found : result;
}

static int64_t waot_darwin_remove(long root, const char *path, bool directory)
{
    struct waot_darwin_place place;
    long result = waot_darwin_locate(root, path, WAOT_DARWIN_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_darwin_result(result);
    result = directory ? waot_darwin_remove_directory(&place) : waot_darwin_remove_file(&place);
    waot_darwin_release(&place);
    return waot_darwin_result(result);
}

int64_t waot_os_path_remove_directory(waot_os_handle root, const char *path)
{
    return waot_darwin_remove(root, path, true);
}

int64_t waot_os_path_unlink(waot_os_handle root, const char *path)
{
    return waot_darwin_remove(root, path, false);
}

int64_t waot_os_path_symlink(const char *target, waot_os_handle root, const char *path)
{
    struct waot_darwin_place place;
    long result = waot_darwin_locate(root, path, WAOT_DARWIN_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_darwin_result(result);
    result = waot_darwin_check_new(&place);
    if (result == 0)
        result = WAOT_DARWIN_RETRY(symlinkat(target, (int)place.directory, place.name));
    waot_darwin_release(&place);
    return waot_darwin_result(result);
}

static long waot_darwin_link(const struct waot_darwin_place *from, const struct waot_darwin_place *to)
{
    struct waot_os_stat stat;
    long result = waot_darwin_stat(from->directory, from->name, &stat); /* Linux looks for it first */
    if (result == 0)
        result = waot_darwin_check_new(to);
    if (result < 0)
        return result;
    return WAOT_DARWIN_RETRY(linkat((int)from->directory, from->name, (int)to->directory, to->name, 0));
}

static long waot_darwin_rename(const struct waot_darwin_place *from, const struct waot_darwin_place *to)
{
    if (waot_darwin_is_dots(from->name) || waot_darwin_is_dots(to->name))
        return -EBUSY;
    long result = from->slash || to->slash ? waot_darwin_check_directory(from) : 0;
    if (result < 0)
        return result;
    return WAOT_DARWIN_RETRY(renameat((int)from->directory, from->name, (int)to->directory, to->name));
}

/* Links or renames. The old name is looked up for a link. */
static int64_t waot_darwin_two_places(bool rename, long root, const char *path, long new_root, const char *new_path)
{
    struct waot_darwin_place from, to;
    long result =
        waot_darwin_locate(root, path, rename ? WAOT_DARWIN_LAST_AS_NAMED : WAOT_DARWIN_LAST_NOFOLLOW, &from);
    if (result < 0)
        return waot_darwin_result(result);
    result = waot_darwin_locate(new_root, new_path, WAOT_DARWIN_LAST_AS_NAMED, &to);
    if (result >= 0) {
        result = rename ? waot_darwin_rename(&from, &to) : waot_darwin_link(&from, &to);
        waot_darwin_release(&to);
    }
    waot_darwin_release(&from);
    return waot_darwin_result(result);
}

int64_t waot_os_path_link(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_darwin_two_places(false, root, path, new_root, new_path);
}

int64_t waot_os_path_rename(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_darwin_two_places(true, root, path, new_root, new_path);
}

int64_t waot_os_path_readlink(waot_os_handle root, const char *path, char *target, size_t size)
{
    struct waot_darwin_place place;
    long result = waot_darwin_locate(root, path, WAOT_DARWIN_LAST_NOFOLLOW, &place);
    if (result < 0)
        return waot_darwin_result(result);
    result = WAOT_DARWIN_RETRY(readlinkat((int)place.directory, place.name, target, size));
    waot_darwin_release(&place);
    return waot_darwin_result(result);
}
