/* Files opened by paths, their times and links, of os.h. */
#include "posix.h"

#include "places.h"

int64_t waot_os_path_open(waot_os_handle root, const char *path, uint32_t access, uint32_t oflags, uint32_t fdflags)
{
    const long flags = waot_posix_open_flags(access, oflags, fdflags);
    int64_t result = waot_posix_result(waot_posix_above_standard(waot_posix_open_beneath(root, path, flags, 0666)));
    /* A link that is not to be followed is LOOP, whatever else it is not. */
    struct waot_os_stat stat;
    if (result == -WAOT_WASI_NOTDIR && (flags & O_NOFOLLOW) != 0 && waot_os_path_stat(root, path, false, &stat) == 0 &&
        stat.filetype == WAOT_WASI_FILETYPE_SYMBOLIC_LINK)
        return -WAOT_WASI_LOOP;
    return result;
}

/* Of a place that is a directory itself, the directory is asked by its handle: as `.` it would have to be searched. */
static bool waot_posix_is_itself(const struct waot_posix_place *place)
{
    return place->name[0] == '.' && place->name[1] == '\0';
}

static long waot_posix_place_stat(const struct waot_posix_place *place, struct waot_os_stat *stat)
{
    if (waot_posix_is_itself(place))
        return waot_system_stat_itself(place->directory, stat);
    return waot_posix_stat(place->directory, place->name, AT_SYMLINK_NOFOLLOW, stat);
}

int64_t waot_posix_stat_place(long root, const char *path, enum waot_posix_last last, struct waot_os_stat *stat)
{
    struct waot_posix_place place;
    long result = waot_posix_locate(root, path, last, &place);
    return result < 0 ? waot_posix_result(result) : waot_posix_release(&place, waot_posix_place_stat(&place, stat));
}

/* wasmtime asks by the handle too, but only where links are followed. */
static long waot_posix_place_set_times(const struct waot_posix_place *place, bool follow, const struct waot_os_times *times)
{
    struct waot_posix_time to[2];
    waot_posix_convert_times(times, to);
    if (follow && waot_posix_is_itself(place)) {
        long result = waot_place_set_own_times(place, to);
        if (result != -EINVAL && result != -ENOENT) /* what a system says that has no way */
            return result;
    }
    return waot_call_utimensat(place->directory, place->name, to, AT_SYMLINK_NOFOLLOW);
}

int64_t waot_os_path_set_times(waot_os_handle root, const char *path, bool follow, const struct waot_os_times *times)
{
    struct waot_posix_place place;
    struct waot_os_stat stat;
    long result = waot_posix_locate(root, path, follow ? WAOT_POSIX_LAST_FOLLOW : WAOT_POSIX_LAST_NOFOLLOW, &place);
    if (result < 0)
        return waot_posix_result(result);
    if (follow && times->flags == 0) /* utimensat with nothing to set does not even look for the file */
        result = waot_posix_place_stat(&place, &stat);
    else
        result = waot_posix_place_set_times(&place, follow, times);
    return waot_posix_release(&place, result);
}

/* The old name is looked up for a link: a trailing slash there would make the kernel follow it. */
int64_t waot_os_path_link(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_posix_two_places(waot_place_link, WAOT_POSIX_LAST_NOFOLLOW, root, path, new_root, new_path);
}

int64_t waot_os_path_readlink(waot_os_handle root, const char *path, char *target, size_t size)
{
    struct waot_posix_place place;
    long result = waot_posix_locate(root, path, WAOT_POSIX_LAST_NOFOLLOW, &place);
    if (result < 0)
        return waot_posix_result(result);
    return waot_posix_release(&place, waot_call_readlinkat(place.directory, place.name, target, size));
}
