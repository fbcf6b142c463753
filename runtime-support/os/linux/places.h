/* What Linux does with a name, for os/posix/names.c and paths.c: all by itself. */
#ifndef WAOT_PLACES_H
#define WAOT_PLACES_H

#include "posix.h"

static inline long waot_place_make_directory(const struct waot_posix_place *place)
{
    return waot_call_mkdirat(place->directory, place->name, 0777);
}

static inline long waot_place_remove_directory(const struct waot_posix_place *place)
{
    return waot_call_unlinkat(place->directory, place->name, AT_REMOVEDIR);
}

static inline long waot_place_unlink(const struct waot_posix_place *place)
{
    return waot_call_unlinkat(place->directory, place->name, 0);
}

static inline long waot_place_symlink(const char *target, const struct waot_posix_place *place)
{
    return waot_call_symlinkat(target, place->directory, place->name);
}

static inline long waot_place_link(const struct waot_posix_place *from, const struct waot_posix_place *to)
{
    return waot_call_linkat(from->directory, from->name, to->directory, to->name);
}

static inline long waot_place_rename(const struct waot_posix_place *from, const struct waot_posix_place *to)
{
    return waot_call_renameat(from->directory, from->name, to->directory, to->name);
}

/* Of the directory itself. ENOENT and EINVAL are what kernels before 5.8 say of the flag. */
static inline long waot_place_set_own_times(const struct waot_posix_place *place, const struct waot_posix_time times[2])
{
    return waot_call_utimensat(place->directory, "", times, WAOT_LINUX_AT_EMPTY_PATH);
}

#endif
