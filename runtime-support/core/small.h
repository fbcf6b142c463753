/* memmove and memset by words, for processors that have nothing larger. Part of builtins.c, and under its conditions. */
#ifndef WAOT_SMALL_H
#define WAOT_SMALL_H

#include "machine.h"

#include <stddef.h>
#include <stdint.h>

typedef uintptr_t waot_word __attribute__((may_alias));
#if WAOT_WORDS_ANYWHERE
typedef waot_word waot_source __attribute__((aligned(1))); /* several at once, by ldm or ldrd, may not be */
#else
typedef waot_word waot_source;
#endif
#define WAOT_WORD sizeof(waot_word)

/* How far a is beyond a multiple of a word. */
static inline size_t waot_beyond(const void *a)
{
    return (uintptr_t)a & (WAOT_WORD - 1);
}

void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    int by_words = WAOT_WORDS_ANYWHERE || waot_beyond(d) == waot_beyond(s);
    if ((uintptr_t)d - (uintptr_t)s >= n) {
        if (by_words) {
            for (; n && waot_beyond(d); n--)
                *d++ = *s++;
            for (; n >= 4 * WAOT_WORD; n -= 4 * WAOT_WORD, d += 4 * WAOT_WORD, s += 4 * WAOT_WORD) {
                const waot_source *x = (const void *)s;
                waot_word a = x[0], b = x[1], c = x[2], e = x[3], *y = (void *)d;
                y[0] = a;
                y[1] = b;
                y[2] = c;
                y[3] = e;
            }
            for (; n >= WAOT_WORD; n -= WAOT_WORD, d += WAOT_WORD, s += WAOT_WORD)
                *(waot_word *)(void *)d = *(const waot_source *)(const void *)s;
        }
        for (; n; n--)
            *d++ = *s++;
        return to;
    }
    /* The destination starts inside the source: backward. */
    d += n;
    s += n;
    if (by_words) {
        for (; n && waot_beyond(d); n--)
            *--d = *--s;
        for (; n >= WAOT_WORD; n -= WAOT_WORD) {
            d -= WAOT_WORD;
            s -= WAOT_WORD;
            *(waot_word *)(void *)d = *(const waot_source *)(const void *)s;
        }
    }
    for (; n; n--)
        *--d = *--s;
    return to;
}

void *memset(void *at, int value, size_t n)
{
    unsigned char *d = at;
    waot_word word = (unsigned char)value * (UINTPTR_MAX / 255);
    for (; n && waot_beyond(d); n--)
        *d++ = (unsigned char)value;
    for (; n >= 4 * WAOT_WORD; n -= 4 * WAOT_WORD, d += 4 * WAOT_WORD) {
        waot_word *y = (void *)d;
        y[0] = word;
        y[1] = word;
        y[2] = word;
        y[3] = word;
    }
    for (; n >= WAOT_WORD; n -= WAOT_WORD, d += WAOT_WORD)
        *(waot_word *)(void *)d = word;
    for (; n; n--)
        *d++ = (unsigned char)value;
    return at;
}

#endif
