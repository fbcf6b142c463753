/* Linux error codes as WASI's. */
#include "system.h"

uint32_t waot_linux_errno(long code)
{
    switch (code) {
#define ERROR(name) \
    case E##name:   \
        return WAOT_WASI_##name;
#include "../errors.def"
#undef ERROR
    case E2BIG:
        return WAOT_WASI_2BIG;
    case EOPNOTSUPP: /* the same number as ENOTSUP */
    case EPFNOSUPPORT:
    case ESOCKTNOSUPPORT:
        return WAOT_WASI_NOTSUP;
    case EHOSTDOWN:
        return WAOT_WASI_HOSTUNREACH;
    case ESHUTDOWN:
        return WAOT_WASI_PIPE;
    case ENOMEDIUM:
        return WAOT_WASI_NODEV;
    case ETIME:
        return WAOT_WASI_TIMEDOUT;
    case ETOOMANYREFS:
    case EUSERS:
        return WAOT_WASI_MFILE;
    default: /* of streams, keys, libraries and remote file systems: nothing that WASI has a word for */
        return WAOT_WASI_IO;
    }
}
