/* What is done with a name, for names.c, on systems that follow a link which a slash stands behind wherever it leads:
 * rmdir("link/") removes the directory that the link names. The calls that make, remove or rename a name get one that is
 * neither `.` nor `..` and that no slash stands behind; what Linux says of all else is said here, so that programs behave the
 * same. */
#ifndef WAOT_POSIX_STRICT_H
#define WAOT_POSIX_STRICT_H

#include "posix.h"

/* The type of what a name itself stands for, a link for a link, or -errno. */
static inline long waot_place_type(const struct waot_posix_place *place)
{
    struct waot_os_stat stat;
    long result = waot_posix_stat(place->directory, place->name, AT_SYMLINK_NOFOLLOW, &stat);
    return result < 0 ? result : stat.filetype;
}

/* 0 if something new can be made there that is no directory: with a slash behind it never. */
static inline long waot_place_check_new(const struct waot_posix_place *place)
{
    if (waot_posix_is_dots(place->name))
        return -EEXIST;
    if (!place->slash)
        return 0;
    long type = waot_place_type(place);
    return type < 0 ? type : -EEXIST;
}

static inline long waot_place_make_directory(const struct waot_posix_place *place)
{
    return waot_posix_is_dots(place->name) ? -EEXIST : waot_call_mkdirat(place->directory, place->name, 0777);
}

static inline long waot_place_remove_directory(const struct waot_posix_place *place)
{
    if (waot_posix_is_dots(place->name))
        return place->name[1] == '.' ? -ENOTEMPTY : -EINVAL;
    return waot_call_unlinkat(place->directory, place->name, AT_REMOVEDIR);
}

static inline long waot_place_unlink(const struct waot_posix_place *place)
{
    if (waot_posix_is_dots(place->name))
        return -EISDIR;
    long result = place->slash ? -ENOTDIR : waot_call_unlinkat(place->directory, place->name, 0);
    if (result != -EPERM && !place->slash)
        return result;
    long type = waot_place_type(place);
    if (type == WAOT_WASI_FILETYPE_DIRECTORY) /* of which such systems say PERM */
        return -EISDIR;
    return type < 0 && place->slash ? type : result;
}

static inline long waot_place_symlink(const char *target, const struct waot_posix_place *place)
{
    long result = target[0] == '\0' ? -ENOENT : waot_place_check_new(place);
    return result < 0 ? result : waot_call_symlinkat(target, place->directory, place->name);
}

static inline long waot_place_rename(const struct waot_posix_place *from, const struct waot_posix_place *to)
{
    if (waot_posix_is_dots(from->name) || waot_posix_is_dots(to->name))
        return -EBUSY;
    if (from->slash || to->slash) { /* it is a directory that is to be renamed */
        long type = waot_place_type(from);
        if (type != WAOT_WASI_FILETYPE_DIRECTORY)
            return type < 0 ? type : -ENOTDIR;
    }
    return waot_call_renameat(from->directory, from->name, to->directory, to->name);
}

#endif
