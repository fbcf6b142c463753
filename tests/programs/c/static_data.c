/* Several megabytes of zeroed and initialised static data, with tables that hold addresses. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define R4(m, n) m(n), m((n) + 1), m((n) + 2), m((n) + 3)
#define R16(m, n) R4(m, n), R4(m, (n) + 4), R4(m, (n) + 8), R4(m, (n) + 12)
#define R64(m, n) R16(m, n), R16(m, (n) + 16), R16(m, (n) + 32), R16(m, (n) + 48)
#define R256(m, n) R64(m, n), R64(m, (n) + 64), R64(m, (n) + 128), R64(m, (n) + 192)
#define R1024(m, n) R256(m, n), R256(m, (n) + 256), R256(m, (n) + 512), R256(m, (n) + 768)
#define R4096(m, n) R1024(m, n), R1024(m, (n) + 1024), R1024(m, (n) + 2048), R1024(m, (n) + 3072)

#define SQUARE(n) ((uint64_t)(n) * (n) * 2654435761u)
static uint64_t squares[] = {R4096(SQUARE, 0), R4096(SQUARE, 4096), R4096(SQUARE, 8192)};
#define SINGLE(n) ((float)(n) / 7.0f)
static const float fractions[] = {R4096(SINGLE, 0)};

static unsigned char zeroes[6 << 20];
static double more_zeroes[200000];
static int scattered[1 << 18] = {[0] = 1, [1000] = 2, [100000] = 3, [(1 << 18) - 1] = 4};
static const char text[] = "constants beside "
                           "each other";
static const char *const pointers[] = {text, text + 10, (const char *)&squares[77], (const char *)zeroes + 12345};

int main(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof squares / sizeof *squares; i++)
        sum += squares[i];
    printf("squares %llx\n", (unsigned long long)sum);
    double total = 0;
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++)
        total += (double)fractions[i];
    printf("fractions %a\n", total);
    unsigned nonzero = 0;
    for (size_t i = 0; i < sizeof zeroes; i++)
        nonzero += zeroes[i] != 0;
    for (size_t i = 0; i < sizeof more_zeroes / sizeof *more_zeroes; i++)
        nonzero += more_zeroes[i] != 0;
    printf("nonzero %u\n", nonzero);
    for (size_t i = 0; i < sizeof scattered / sizeof *scattered; i++)
        if (scattered[i])
            printf("scattered[%zu] = %d\n", i, scattered[i]);
    printf("%s %s %d %d\n", pointers[0], pointers[1], pointers[2] == (const char *)&squares[77],
           pointers[3] == (const char *)&zeroes[12345]);
    for (size_t i = 0; i < sizeof zeroes; i += 4096)
        zeroes[i] = (unsigned char)(i >> 12);
    memmove(zeroes + 1, zeroes, sizeof zeroes - 1);
    unsigned check = 0;
    for (size_t i = 0; i < sizeof zeroes; i++)
        check = check * 17 + zeroes[i];
    squares[5] = 99;
    printf("check %u %llu\n", check, (unsigned long long)squares[5]);
    return 0;
}
