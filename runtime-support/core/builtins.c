/* What LLVM calls without being asked: memory operations, and rounding where the processor has no instruction for it.
 *
 * Linked as an object, never as bitcode, and compiled with -fno-builtin: the optimiser must neither take memcpy for its
 * own nor turn the loop in it into a call of it. Sixteen-byte vectors with unaligned access are what both x86-64 and
 * AArch64 have in every model. Nothing here overlaps loads and stores in a way that memmove could not bear: up to 128
 * bytes all is loaded before anything is stored.
 */
#include "machine.h"

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *at, int value, size_t count);
int memcmp(const void *left, const void *right, size_t count);
int bcmp(const void *left, const void *right, size_t count);
size_t strlen(const char *text);

typedef uint64_t waot_v16 __attribute__((vector_size(16))); /* words, where there are no vector registers */
typedef waot_v16 waot_u16 __attribute__((aligned(1), may_alias));
typedef uint64_t waot_u8 __attribute__((aligned(1), may_alias));
typedef uint32_t waot_u4 __attribute__((aligned(1), may_alias));
typedef uint16_t waot_u2 __attribute__((aligned(1), may_alias));

#define AT16(p, i) (*(waot_u16 *)((p) + (i)))
#define FROM16(p, i) (*(const waot_u16 *)((p) + (i)))

#if WAOT_SMALL_COPIES
#include "small.h"
#else
#if WAOT_LARGE_COPIES
#include "large.h"
#endif

void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if (n <= 16) {
        if (n >= 8) {
            uint64_t a = *(const waot_u8 *)s, b = *(const waot_u8 *)(s + n - 8);
            *(waot_u8 *)d = a;
            *(waot_u8 *)(d + n - 8) = b;
        } else if (n >= 4) {
            uint32_t a = *(const waot_u4 *)s, b = *(const waot_u4 *)(s + n - 4);
            *(waot_u4 *)d = a;
            *(waot_u4 *)(d + n - 4) = b;
        } else if (n >= 2) {
            uint16_t a = *(const waot_u2 *)s, b = *(const waot_u2 *)(s + n - 2);
            *(waot_u2 *)d = a;
            *(waot_u2 *)(d + n - 2) = b;
        } else if (n)
            *d = *s;
        return to;
    }
    if (n <= 32) {
        waot_v16 a = FROM16(s, 0), b = FROM16(s, n - 16);
        AT16(d, 0) = a;
        AT16(d, n - 16) = b;
        return to;
    }
    if (n <= 128) {
        waot_v16 a = FROM16(s, 0), b = FROM16(s, 16), y = FROM16(s, n - 32), z = FROM16(s, n - 16);
        if (n > 64) {
            waot_v16 c = FROM16(s, 32), e = FROM16(s, 48), w = FROM16(s, n - 64), x = FROM16(s, n - 48);
            AT16(d, 32) = c;
            AT16(d, 48) = e;
            AT16(d, n - 64) = w;
            AT16(d, n - 48) = x;
        }
        AT16(d, 0) = a;
        AT16(d, 16) = b;
        AT16(d, n - 32) = y;
        AT16(d, n - 16) = z;
        return to;
    }
#if WAOT_LARGE_COPIES
    if (n >= WAOT_LARGE_MOVE && waot_has_avx(n))
        return waot_move_large(d, s, n);
#endif
    if ((uintptr_t)d - (uintptr_t)s >= n) {
        /* Forward. The last 64 bytes are loaded first, in case the stores run into them; the first 16 align the stores. */
        waot_v16 w = FROM16(s, n - 64), x = FROM16(s, n - 48), y = FROM16(s, n - 32), z = FROM16(s, n - 16);
        waot_v16 a = FROM16(s, 0);
        size_t skip = 16 - ((uintptr_t)d & 15);
        unsigned char *first = d, *end = d + n;
        d += skip;
        s += skip;
        n -= skip;
        waot_v16 b0 = FROM16(s, 0), b1 = FROM16(s, 16), b2 = FROM16(s, 32), b3 = FROM16(s, 48);
        AT16(first, 0) = a;
        while (n > 128) {
            *(waot_v16 *)d = b0;
            *(waot_v16 *)(d + 16) = b1;
            *(waot_v16 *)(d + 32) = b2;
            *(waot_v16 *)(d + 48) = b3;
            d += 64;
            s += 64;
            n -= 64;
            b0 = FROM16(s, 0);
            b1 = FROM16(s, 16);
            b2 = FROM16(s, 32);
            b3 = FROM16(s, 48);
        }
        *(waot_v16 *)d = b0;
        *(waot_v16 *)(d + 16) = b1;
        *(waot_v16 *)(d + 32) = b2;
        *(waot_v16 *)(d + 48) = b3;
        AT16(end, -64) = w;
        AT16(end, -48) = x;
        AT16(end, -32) = y;
        AT16(end, -16) = z;
        return to;
    }
    /* The destination starts inside the source: backward. */
    waot_v16 a = FROM16(s, 0), b = FROM16(s, 16), c = FROM16(s, 32), e = FROM16(s, 48);
    waot_v16 z = FROM16(s, n - 16);
    unsigned char *end = d + n;
    size_t over = (uintptr_t)end & 15;
    const unsigned char *from_end = s + n - over;
    unsigned char *to_end = end - over;
    n -= over;
    waot_v16 b0 = FROM16(from_end, -16), b1 = FROM16(from_end, -32), b2 = FROM16(from_end, -48),
             b3 = FROM16(from_end, -64);
    AT16(end, -16) = z;
    while (n > 128) {
        *(waot_v16 *)(to_end - 16) = b0;
        *(waot_v16 *)(to_end - 32) = b1;
        *(waot_v16 *)(to_end - 48) = b2;
        *(waot_v16 *)(to_end - 64) = b3;
        to_end -= 64;
        from_end -= 64;
        n -= 64;
        b0 = FROM16(from_end, -16);
        b1 = FROM16(from_end, -32);
        b2 = FROM16(from_end, -48);
        b3 = FROM16(from_end, -64);
    }
    *(waot_v16 *)(to_end - 16) = b0;
    *(waot_v16 *)(to_end - 32) = b1;
    *(waot_v16 *)(to_end - 48) = b2;
    *(waot_v16 *)(to_end - 64) = b3;
    AT16(d, 0) = a;
    AT16(d, 16) = b;
    AT16(d, 32) = c;
    AT16(d, 48) = e;
    return to;
}

void *memset(void *at, int value, size_t n)
{
    unsigned char *d = at;
    uint64_t word = (uint64_t)(unsigned char)value * UINT64_C(0x0101010101010101);
    if (n <= 16) {
        if (n >= 8) {
            *(waot_u8 *)d = word;
            *(waot_u8 *)(d + n - 8) = word;
        } else if (n >= 4) {
            *(waot_u4 *)d = (uint32_t)word;
            *(waot_u4 *)(d + n - 4) = (uint32_t)word;
        } else if (n >= 2) {
            *(waot_u2 *)d = (uint16_t)word;
            *(waot_u2 *)(d + n - 2) = (uint16_t)word;
        } else if (n)
            *d = (unsigned char)value;
        return at;
    }
    waot_v16 v = {word, word};
    unsigned char *end = d + n;
    AT16(d, 0) = v;
    AT16(end, -16) = v;
    if (n <= 32)
        return at;
    AT16(d, 16) = v;
    AT16(end, -32) = v;
    if (n <= 64)
        return at;
    AT16(d, 32) = v;
    AT16(d, 48) = v;
    AT16(end, -48) = v;
    AT16(end, -64) = v;
    if (n <= 128)
        return at;
    /* The first 64 and the last 64 are done; in between by aligned stores. */
    d = (unsigned char *)((uintptr_t)(d + 64) & ~(uintptr_t)15);
#if WAOT_LARGE_COPIES
    if (n >= WAOT_LARGE_FILL) {
        waot_fill_large(d, word, (size_t)(end - d) / 8);
        return at;
    }
#endif
    for (; d < end - 64; d += 64) {
        *(waot_v16 *)d = v;
        *(waot_v16 *)(d + 16) = v;
        *(waot_v16 *)(d + 32) = v;
        *(waot_v16 *)(d + 48) = v;
    }
    return at;
}

#endif

/* One copy for both: a call that overlaps by a fault of the program's then still does something definite. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    return memmove(to, from, n);
}

int memcmp(const void *left, const void *right, size_t n)
{
    const unsigned char *a = left, *b = right;
    while (n >= 8) {
        uint64_t x = *(const waot_u8 *)a, y = *(const waot_u8 *)b;
        if (x != y)
            break; /* the bytes below find it */
        a += 8;
        b += 8;
        n -= 8;
    }
    for (; n; n--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

int bcmp(const void *left, const void *right, size_t n)
{
    return memcmp(left, right, n);
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

#if !WAOT_ROUNDING_APART
#include "rounding.h"
#endif
#if WAOT_32_BIT
#include "wide.h"
#endif
#if WAOT_SOFT_DOUBLES
#include "soft.h"
#endif
