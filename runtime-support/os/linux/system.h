/* Private to os/linux: what its files share. */
#ifndef WAOT_LINUX_SYSTEM_H
#define WAOT_LINUX_SYSTEM_H

#include "posix.h"

/* Said on the command line (waot/linker/runtime.py) where it is Android's Linux. */
#ifndef WAOT_ANDROID
#define WAOT_ANDROID 0
#endif

/* The name that a path is in the root itself, which leads nowhere else unless it is a link's; or null. */
const char *waot_linux_plain(const char *path);

#endif
