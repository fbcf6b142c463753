/* What Darwin does with a name, for os/posix/names.c and paths.c. */
#ifndef WAOT_PLACES_H
#define WAOT_PLACES_H

#include "strict.h"

static inline long waot_place_link(const struct waot_posix_place *from, const struct waot_posix_place *to)
{
    long type = waot_place_type(from); /* Linux looks for it first */
    long result = type < 0 ? type : waot_place_check_new(to);
    return result < 0 ? result : waot_call_linkat(from->directory, from->name, to->directory, to->name);
}

/* There is no way but by the name. */
static inline long waot_place_set_own_times(const struct waot_posix_place *place, const struct waot_posix_time times[2])
{
    (void)place, (void)times;
    return -EINVAL;
}

#endif
