/* Private to os/freebsd: what its files share. */
#ifndef WAOT_FREEBSD_SYSTEM_H
#define WAOT_FREEBSD_SYSTEM_H

#include "posix.h"

/* 0, or -errno of a path that is resolved beneath no directory. */
long waot_freebsd_check(const char *path);

/* waot_posix_stat of a path beneath `root`. */
long waot_freebsd_stat_beneath(long root, const char *path, int flags, struct waot_os_stat *stat);

#endif
