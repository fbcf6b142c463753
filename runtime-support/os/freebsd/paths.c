/* Paths of os.h whose last name is looked up too, in place of os/posix/paths.c: the kernel resolves them, or what they stand
 * for is found out first. */
#include "system.h"

#include "places.h"

/* Of a path with a slash at its end, open(2) makes no file; what it says is different from one system to the next. */
static int64_t waot_freebsd_make_directory_as_file(long root, const char *path, bool exclusive)
{
    struct waot_posix_place place;
    long result = waot_posix_locate(root, path, WAOT_POSIX_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_posix_result(result);
    return waot_posix_release(&place, exclusive && waot_posix_is_dots(place.name) ? -EEXIST : -EISDIR);
}

int64_t waot_os_path_open(waot_os_handle root, const char *path, uint32_t access, uint32_t oflags, uint32_t fdflags)
{
    const long flags = waot_posix_open_flags(access, oflags, fdflags);
    long result = waot_freebsd_check(path);
    if (result < 0)
        return waot_posix_result(result);
    if ((flags & O_CREAT) != 0 && path[__builtin_strlen(path) - 1] == '/')
        return waot_freebsd_make_directory_as_file(root, path, (flags & O_EXCL) != 0);
    result = waot_call_openat(root, path, flags, 0666);
    if (result == -EMLINK) /* a link that is not to be followed */
        result = -ELOOP;
    /* Of a directory that is there, a file cannot be made; FreeBSD opens it where it is not to be written to. */
    struct waot_os_stat stat;
    if (result >= 0 && (flags & (O_CREAT | O_ACCMODE | O_TRUNC)) == O_CREAT && waot_os_stat(result, &stat) == 0 &&
        stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY) {
        waot_call_close(result);
        result = -EISDIR;
    }
    return waot_posix_result(waot_posix_above_standard(result));
}

int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat)
{
    return waot_posix_result(waot_freebsd_stat_beneath(root, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, stat));
}

int64_t waot_os_path_set_times(waot_os_handle root, const char *path, bool follow, const struct waot_os_times *times)
{
    struct waot_posix_time to[2];
    waot_posix_convert_times(times, to);
    long result = waot_freebsd_check(path);
    if (result == 0)
        result = waot_call_utimensat(root, path, to, (follow ? 0 : AT_SYMLINK_NOFOLLOW) | AT_RESOLVE_BENEATH);
    return waot_posix_result(result);
}

/* Whether a path ends with a slash or in `.` or `..`, so that it stands for a directory, never for a link. 0 where it does
 * not; otherwise what is there is looked up: 1, or -errno. */
static long waot_freebsd_is_directory(long root, const char *path)
{
    size_t size = __builtin_strlen(path), start = size;
    while (start > 0 && path[start - 1] != '/')
        start--;
    struct waot_os_stat stat;
    if (size > 0 && start < size && !waot_posix_is_dots(path + start))
        return 0;
    long result = waot_freebsd_stat_beneath(root, path, 0, &stat);
    return result < 0 ? result : 1;
}

static long waot_freebsd_link(const struct waot_posix_place *from, const struct waot_posix_place *to)
{
    long result = waot_place_check_new(to);
    return result < 0 ? result : waot_call_linkat(from->directory, from->name, to->directory, to->name);
}

int64_t waot_os_path_link(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    long directory = waot_freebsd_is_directory(root, path);
    if (directory < 0)
        return waot_posix_result(directory);
    if (directory > 0) { /* of directories there are no links */
        struct waot_posix_place to;
        long result = waot_posix_locate(new_root, new_path, WAOT_POSIX_LAST_AS_NAMED, &to);
        if (result < 0)
            return waot_posix_result(result);
        result = waot_place_check_new(&to);
        if (result == 0)
            result = waot_place_type(&to) >= 0 ? -EEXIST : -EPERM;
        return waot_posix_release(&to, result);
    }
    return waot_posix_two_places(waot_freebsd_link, WAOT_POSIX_LAST_AS_NAMED, root, path, new_root, new_path);
}

int64_t waot_os_path_readlink(waot_os_handle root, const char *path, char *target, size_t size)
{
    long directory = waot_freebsd_is_directory(root, path);
    if (directory != 0)
        return waot_posix_result(directory < 0 ? directory : -EINVAL);
    struct waot_posix_place place;
    long result = waot_posix_locate(root, path, WAOT_POSIX_LAST_AS_NAMED, &place);
    if (result < 0)
        return waot_posix_result(result);
    result = waot_call_readlinkat(place.directory, place.name, target, size);
    return waot_posix_release(&place, result);
}
