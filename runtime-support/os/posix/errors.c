/* The system's error codes as WASI's. */
#include "posix.h"

#define WAOT_POSIX_AS(code, name) [code] = WAOT_WASI_##name,

/* A table of bytes, which a switch would not become. */
static const uint8_t waot_posix_errors[] = {
#define ERROR(name) WAOT_POSIX_AS(E##name, name)
#include "errors.def"
#undef ERROR
    WAOT_CALL_ERRORS(WAOT_POSIX_AS)
    WAOT_POSIX_AS(E2BIG, 2BIG)
    WAOT_POSIX_AS(EOPNOTSUPP, NOTSUP) /* on some the same number as ENOTSUP */
    WAOT_POSIX_AS(EPFNOSUPPORT, NOTSUP)
    WAOT_POSIX_AS(ESOCKTNOSUPPORT, NOTSUP)
    WAOT_POSIX_AS(EHOSTDOWN, HOSTUNREACH)
    WAOT_POSIX_AS(ESHUTDOWN, PIPE)
    WAOT_POSIX_AS(ETOOMANYREFS, MFILE)
    WAOT_POSIX_AS(EUSERS, MFILE)
};

uint32_t waot_posix_errno(long code)
{
    unsigned long place = (unsigned long)code;
    uint8_t error = place < sizeof waot_posix_errors ? waot_posix_errors[place] : 0;
    /* What has none is of streams, keys, libraries, remote file systems and the like. */
    return error ? error : WAOT_WASI_IO;
}
