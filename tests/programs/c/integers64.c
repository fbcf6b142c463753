/* 64-bit and mixed-width integer arithmetic, including every edge where C and the machine could disagree. */
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#define HIDE(type, value) (*(volatile type *)&(type){value})

static const int64_t values[] = {0, 1, -1, 2, -2, 7, -7, 31, 32, 33, 63, 64, INT32_MAX, INT32_MIN, UINT32_MAX,
                                 INT64_MAX, INT64_MIN, INT64_C(0x123456789abcdef0), INT64_C(-0x0fedcba987654321)};
enum { COUNT = sizeof values / sizeof *values };

static uint64_t hash = UINT64_C(14695981039346656037);
static void mix(uint64_t v) {
    for (int i = 0; i < 8; i++) {
        hash = (hash ^ (v & 255)) * UINT64_C(1099511628211);
        v >>= 8;
    }
}

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = (uint64_t)((unsigned __int128)result * base % modulus);
        base = (uint64_t)((unsigned __int128)base * base % modulus);
    }
    return result;
}

static int prime(uint64_t n) {
    static const uint64_t witnesses[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    if (n < 2)
        return 0;
    for (int i = 0; i < 12; i++)
        if (n % witnesses[i] == 0)
            return n == witnesses[i];
    uint64_t d = n - 1;
    int r = 0;
    for (; !(d & 1); d >>= 1)
        r++;
    for (int i = 0; i < 12; i++) {
        uint64_t x = power(witnesses[i], d, n);
        int composite = x != 1 && x != n - 1;
        for (int j = 1; composite && j < r; j++) {
            x = (uint64_t)((unsigned __int128)x * x % n);
            composite = x != n - 1;
        }
        if (composite)
            return 0;
    }
    return 1;
}

int main(void) {
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++) {
            uint64_t a = (uint64_t)values[i], b = (uint64_t)values[j];
            uint32_t c = (uint32_t)a, d = (uint32_t)b;
            mix(a + b), mix(a - b), mix(a * b), mix(a & b), mix(a | b), mix(a ^ b);
            mix(a << (b & 63)), mix(a >> (b & 63)), mix((uint64_t)((int64_t)a >> (b & 63)));
            mix(c << (d & 31)), mix(c >> (d & 31)), mix((uint64_t)((int32_t)c >> (d & 31)));
            mix(a < b), mix((int64_t)a < (int64_t)b), mix(c < d), mix((int32_t)c < (int32_t)d);
            if (b)
                mix(a / b), mix(a % b);
            if (d)
                mix(c / d), mix(c % d);
            if (b && !((int64_t)a == INT64_MIN && (int64_t)b == -1))
                mix((uint64_t)((int64_t)a / (int64_t)b)), mix((uint64_t)((int64_t)a % (int64_t)b));
            if (d && !((int32_t)c == INT32_MIN && (int32_t)d == -1))
                mix((uint64_t)((int32_t)c / (int32_t)d)), mix((uint64_t)((int32_t)c % (int32_t)d));
        }
    printf("hash %016" PRIx64 "\n", hash);
    for (int i = 0; i < COUNT; i++) {
        uint64_t a = HIDE(uint64_t, (uint64_t)values[i]);
        uint32_t c = (uint32_t)a;
        printf("%20" PRId64 ": popcount %d %d", (int64_t)a, __builtin_popcountll(a), __builtin_popcount(c));
        if (a)
            printf(" clz %d ctz %d", __builtin_clzll(a), __builtin_ctzll(a));
        if (c)
            printf(" clz %d ctz %d", __builtin_clz(c), __builtin_ctz(c));
        printf(" swap %016" PRIx64 " %08x rotate %016" PRIx64 " %08x", __builtin_bswap64(a), __builtin_bswap32(c),
               a << 13 | a >> 51, c << 7 | c >> 25);
        printf(" extend %d %d %" PRId64 " %" PRId64 "\n", (int8_t)c, (int16_t)c, (int64_t)(int8_t)a,
               (int64_t)(int32_t)a);
    }
    int64_t sum;
    printf("overflow add %d sub %d mul %d\n", __builtin_add_overflow(HIDE(int64_t, INT64_MAX), 1, &sum),
           __builtin_sub_overflow(HIDE(int64_t, INT64_MIN), 1, &sum),
           __builtin_mul_overflow(HIDE(int64_t, INT64_C(1) << 40), 1 << 22, &sum));
    unsigned __int128 wide = (unsigned __int128)HIDE(uint64_t, UINT64_MAX) * HIDE(uint64_t, UINT64_MAX - 1);
    printf("wide %016" PRIx64 "%016" PRIx64 " / 12345 = %016" PRIx64 "%016" PRIx64 "\n", (uint64_t)(wide >> 64),
           (uint64_t)wide, (uint64_t)(wide / 12345 >> 64), (uint64_t)(wide / 12345));
    const uint64_t candidates[] = {2, 91, 7919, UINT64_C(4294967291), UINT64_C(18446744073709551557),
                                   UINT64_C(18446744073709551556), UINT64_C(3825123056546413051)};
    for (int i = 0; i < 7; i++)
        printf("%" PRIu64 " %s\n", candidates[i], prime(candidates[i]) ? "prime" : "composite");
    return 0;
}
