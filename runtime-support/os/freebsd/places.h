/* What FreeBSD does with a name, for os/posix/names.c. */
#include "strict.h"
