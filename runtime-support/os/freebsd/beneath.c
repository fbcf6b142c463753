/* Paths resolved beneath a directory, in place of os/posix/beneath.c.
 *
 * O_RESOLVE_BENEATH and AT_RESOLVE_BENEATH do it in the kernel (FreeBSD 13.0), `..` included: it goes to directories that
 * were passed through on the way. The calls that make, rename or read a link by its name do not have the flag. For these
 * the directory that the name stands in is opened with it, and they get a name of one component (os/posix/strict.h).
 */
#include "system.h"

void waot_os_force_walk(void)
{
    /* Every FreeBSD that programs run on resolves beneath a directory itself. */
}

long waot_freebsd_check(const char *path)
{
    if (path[0] == '\0')
        return -ENOENT;
    return path[0] == '/' ? -EPERM : 0;
}

long waot_freebsd_stat_beneath(long root, const char *path, int flags, struct waot_os_stat *stat)
{
    long result = waot_freebsd_check(path);
    return result < 0 ? result : waot_posix_stat(root, path, flags | AT_RESOLVE_BENEATH, stat);
}

/* Splits the last name off and opens the directory that it stands in. A path that ends in `.` or `..` is looked up: what
 * stands above the root is not told of. Names are never looked up here: what does that asks the kernel by the path. */
long waot_posix_locate(long root, const char *path, enum waot_posix_last last, struct waot_posix_place *place)
{
    struct waot_os_stat stat;
    (void)last;
    long result = waot_freebsd_check(path);
    if (result < 0)
        return result;
    size_t end, start = waot_posix_last_name(path, &end);
    place->slash = path[end] == '/';
    place->directory = root;
    place->opened = false;
    if (start > 0) {
        __builtin_memcpy(place->path, path, start);
        place->path[start] = '\0';
        result = waot_call_openat(root, place->path, WAOT_CALL_SEARCH | O_RESOLVE_BENEATH, 0);
        if (result < 0)
            return result;
        place->directory = result;
        place->opened = true;
    }
    __builtin_memcpy(place->path, path + start, end - start);
    place->path[end - start] = '\0';
    place->name = place->path;
    result = waot_posix_is_dots(place->name) ? waot_freebsd_stat_beneath(root, path, 0, &stat) : 0;
    if (result < 0 && place->opened)
        waot_call_close(place->directory);
    return result;
}
