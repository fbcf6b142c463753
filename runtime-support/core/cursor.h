/* Reading of DWARF data between two ends. A read past the end gives 0 and marks the cursor as failed. */
#ifndef WAOT_CURSOR_H
#define WAOT_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "../include/waot_order.h"

#define WAOT_OUT_OF_LINE __attribute__((noinline, cold, unused)) static

struct waot_cursor {
    const unsigned char *at;
    const unsigned char *end;
    int failed;
};

static inline void waot_skip(struct waot_cursor *cursor, uint64_t count)
{
    if (count > (uint64_t)(cursor->end - cursor->at)) {
        cursor->failed = 1;
        cursor->at = cursor->end;
    } else
        cursor->at += count;
}

/* In the machine's byte order. Not inlined: only traps come here, and size counts. */
WAOT_OUT_OF_LINE uint64_t waot_read_bytes(struct waot_cursor *cursor, unsigned count)
{
    const unsigned char *from = cursor->at;
    waot_skip(cursor, count);
    uint64_t value = 0;
    if (!cursor->failed)
        for (unsigned i = 0; i < count; i++)
            value |= (uint64_t)from[i] << 8 * (WAOT_BIG_ENDIAN ? count - 1 - i : i);
    return value;
}

static inline unsigned waot_read_u8(struct waot_cursor *cursor)
{
    return (unsigned)waot_read_bytes(cursor, 1);
}

static inline unsigned waot_read_u16(struct waot_cursor *cursor)
{
    return (unsigned)waot_read_bytes(cursor, 2);
}

static inline uint32_t waot_read_u32(struct waot_cursor *cursor)
{
    return (uint32_t)waot_read_bytes(cursor, 4);
}

static inline uint64_t waot_read_u64(struct waot_cursor *cursor)
{
    return waot_read_bytes(cursor, 8);
}

/* LEB128; bits past the 64th are dropped. */
WAOT_OUT_OF_LINE uint64_t waot_read_leb(struct waot_cursor *cursor, int is_signed)
{
    uint64_t value = 0;
    unsigned shift = 0;
    unsigned byte;
    do {
        byte = waot_read_u8(cursor);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (is_signed && shift < 64 && byte & 0x40)
        value |= ~UINT64_C(0) << shift;
    return value;
}

static inline uint64_t waot_read_uleb(struct waot_cursor *cursor)
{
    return waot_read_leb(cursor, 0);
}

static inline int64_t waot_read_sleb(struct waot_cursor *cursor)
{
    return (int64_t)waot_read_leb(cursor, 1);
}

#endif
