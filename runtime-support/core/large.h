/* memmove and memset of large blocks on x86-64. Part of builtins.c. */
#ifndef WAOT_LARGE_H
#define WAOT_LARGE_H

#include <cpuid.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In bytes. A hypervisor takes microseconds for a CPUID, so it is asked when so much has been moved. */
#define WAOT_LARGE_MOVE 1024
#define WAOT_LARGE_FILL 2048
#define WAOT_WORTH_ASKING (1u << 18)

typedef uint64_t waot_v32 __attribute__((vector_size(32)));
typedef waot_v32 waot_u32 __attribute__((aligned(1), may_alias));

__attribute__((noinline, cold)) static bool waot_ask_for_avx(void)
{
    uint32_t a, b, c, d, saved = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && (c & bit_AVX))
        __asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
    return (saved & 6) == 6;
}

/* Whether to move `n` bytes by registers of 32, which processor and system may have. Several threads may find out at
 * once. */
static inline bool waot_has_avx(size_t n)
{
    const uint32_t yes = UINT32_MAX, no = yes - 1;
    static uint32_t known; /* that, or how much has been moved so far */
    uint32_t answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (answer < WAOT_WORTH_ASKING) {
        answer += n < WAOT_WORTH_ASKING ? (uint32_t)n : WAOT_WORTH_ASKING;
        if (answer >= WAOT_WORTH_ASKING)
            answer = waot_ask_for_avx() ? yes : no;
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer == yes;
}

/* At least 160 bytes, which may overlap. What is not aligned, and may be overwritten on the way, is loaded first. */
__attribute__((target("avx"), noinline)) static void *waot_move_large(unsigned char *to, const unsigned char *from,
                                                                      size_t n)
{
#define AT32(p, i) (*(waot_u32 *)((p) + (i)))
#define FROM32(p, i) (*(const waot_u32 *)((p) + (i)))
#define ALIGNED32(p, i) (*(waot_v32 *)((p) + (i)))
    unsigned char *end = to + n;
    const unsigned char *from_end = from + n;
    if ((uintptr_t)to - (uintptr_t)from >= n) {
        waot_v32 first = FROM32(from, 0), w = FROM32(from_end, -128), x = FROM32(from_end, -96),
                 y = FROM32(from_end, -64), z = FROM32(from_end, -32);
        size_t skip = 32 - ((uintptr_t)to & 31);
        const unsigned char *s = from + skip;
        for (unsigned char *d = to + skip; d < end - 128; d += 128, s += 128) {
            waot_v32 a = FROM32(s, 0), b = FROM32(s, 32), c = FROM32(s, 64), e = FROM32(s, 96);
            ALIGNED32(d, 0) = a;
            ALIGNED32(d, 32) = b;
            ALIGNED32(d, 64) = c;
            ALIGNED32(d, 96) = e;
        }
        AT32(end, -128) = w;
        AT32(end, -96) = x;
        AT32(end, -64) = y;
        AT32(end, -32) = z;
        AT32(to, 0) = first;
    } else { /* the destination starts inside the source: backward */
        waot_v32 last = FROM32(from_end, -32), w = FROM32(from, 0), x = FROM32(from, 32), y = FROM32(from, 64),
                 z = FROM32(from, 96);
        size_t over = (uintptr_t)end & 31;
        const unsigned char *s = from_end - over;
        for (unsigned char *d = end - over; d > to + 128; d -= 128, s -= 128) {
            waot_v32 a = FROM32(s, -32), b = FROM32(s, -64), c = FROM32(s, -96), e = FROM32(s, -128);
            ALIGNED32(d, -32) = a;
            ALIGNED32(d, -64) = b;
            ALIGNED32(d, -96) = c;
            ALIGNED32(d, -128) = e;
        }
        AT32(to, 0) = w;
        AT32(to, 32) = x;
        AT32(to, 64) = y;
        AT32(to, 96) = z;
        AT32(end, -32) = last;
    }
    return to;
#undef AT32
#undef FROM32
#undef ALIGNED32
}

/* Fills whole lines without reading them first, on processors that can. */
static inline void waot_fill_large(unsigned char *at, uint64_t word, size_t words)
{
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(word) : "memory");
}

#endif
