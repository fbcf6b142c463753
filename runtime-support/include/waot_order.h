/* Byte order. What a module sees of memory is little-endian on every machine (core specification, section 4.2.3); what
 * generated code and the shim share is in the machine's own order. */
#ifndef WAOT_ORDER_H
#define WAOT_ORDER_H

#include <stdint.h>

#define WAOT_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* A number of the module's, or a native one for it: the same exchange both ways. */
static inline uint32_t waot_little32(uint32_t value)
{
    return WAOT_BIG_ENDIAN ? __builtin_bswap32(value) : value;
}

static inline uint64_t waot_little64(uint64_t value)
{
    return WAOT_BIG_ENDIAN ? __builtin_bswap64(value) : value;
}

#endif
