/* FreeBSD's error codes as WASI's. */
#include "system.h"

uint32_t waot_freebsd_errno(long code)
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
    case ENOTCAPABLE: /* a path that leads out of the tree below a directory */
    case ECAPMODE:    /* a name outside of any */
        return WAOT_WASI_PERM;
    case EHOSTDOWN:
        return WAOT_WASI_HOSTUNREACH;
    case ESHUTDOWN:
        return WAOT_WASI_PIPE;
    case ETOOMANYREFS:
    case EUSERS:
    case EPROCLIM:
        return WAOT_WASI_MFILE;
    default: /* of remote procedure calls, quotas and attributes: nothing that WASI has a word for */
        return WAOT_WASI_IO;
    }
}
