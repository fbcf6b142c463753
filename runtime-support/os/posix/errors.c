/* The system's error codes as WASI's. */
#include "posix.h"

#define WAOT_POSIX_AS(code, name) \
    case code:                    \
        return WAOT_WASI_##name;

uint32_t waot_posix_errno(long code)
{
    switch (code) {
#define ERROR(name) WAOT_POSIX_AS(E##name, name)
#include "errors.def"
#undef ERROR
        WAOT_CALL_ERRORS(WAOT_POSIX_AS)
    case E2BIG:
        return WAOT_WASI_2BIG;
    case EOPNOTSUPP: /* on some the same number as ENOTSUP */
    case EPFNOSUPPORT:
    case ESOCKTNOSUPPORT:
        return WAOT_WASI_NOTSUP;
    case EHOSTDOWN:
        return WAOT_WASI_HOSTUNREACH;
    case ESHUTDOWN:
        return WAOT_WASI_PIPE;
    case ETOOMANYREFS:
    case EUSERS:
        return WAOT_WASI_MFILE;
    default: /* of streams, keys, libraries, remote file systems and the like: nothing that WASI has a word for */
        return WAOT_WASI_IO;
    }
}
