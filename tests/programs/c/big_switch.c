/* Dense, sparse, nested and fall-through switches over 32 and 64 bits. */
#include <stdint.h>
#include <stdio.h>

#define CASE(n) case n: return (n) * 7 ^ x;
#define CASE8(n) CASE(n) CASE(n + 1) CASE(n + 2) CASE(n + 3) CASE(n + 4) CASE(n + 5) CASE(n + 6) CASE(n + 7)
#define CASE64(n) CASE8(n) CASE8(n + 8) CASE8(n + 16) CASE8(n + 24) CASE8(n + 32) CASE8(n + 40) CASE8(n + 48) CASE8(n + 56)

__attribute__((noinline)) static unsigned dense(unsigned selector, unsigned x) {
    switch (selector) {
        CASE64(0) CASE64(64) CASE64(128) CASE64(192)
    default: return x + 1;
    }
}

__attribute__((noinline)) static unsigned effects(unsigned selector, unsigned *log) {
    unsigned n = 0;
    switch (selector) {
    case 0: log[n++] = 10; /* fall through */
    case 1: log[n++] = 11; /* fall through */
    case 2: log[n++] = 12; break;
    case 3: log[n++] = 13; goto shared;
    case 4: log[n++] = 14; return n;
    case 5: case 6: case 7: log[n++] = 15; break;
    case 0x7fffffff: log[n++] = 16; break;
    case 0xffffffff: log[n++] = 17; /* fall through */
    default: log[n++] = 18;
    }
    log[n++] = 20;
shared:
    log[n++] = 30;
    return n;
}

__attribute__((noinline)) static int wide(uint64_t selector) {
    switch (selector) {
    case 0: return 1;
    case UINT64_C(0x100000000): return 2;
    case UINT64_C(0x100000001): return 3;
    case UINT64_C(0xffffffffffffffff): return 4;
    case 1: return 5;
    case 2: return 6;
    case 3: return 7;
    default: return 8;
    }
}

__attribute__((noinline)) static int nested(int a, int b) {
    for (int i = 0; i < 10; i++) {
        switch (a) {
        case 0:
            switch (b) {
            case 0: return i;
            case 1: b = 0; continue;
            case 2: a = 1; break;
            case 3: goto out;
            default: b--;
            }
            break;
        case 1: a = 0; b += 2; continue;
        case 2: case 3: case 4: a--; continue;
        default: return -1;
        }
    }
out:
    return a * 100 + b;
}

int main(void) {
    unsigned hash = 0;
    for (unsigned i = 0; i < 300; i++)
        hash = hash * 31 + dense(i, i * 3);
    printf("dense %u %u %u\n", hash, dense(0xffffffff, 5), dense(256, 5));
    const unsigned selectors[] = {0, 1, 2, 3, 4, 5, 7, 8, 0x7fffffff, 0x80000000, 0xffffffff};
    for (unsigned i = 0; i < sizeof selectors / sizeof *selectors; i++) {
        unsigned log[8], n = effects(selectors[i], log);
        printf("%u:", selectors[i]);
        for (unsigned j = 0; j < n; j++)
            printf(" %u", log[j]);
        puts("");
    }
    const uint64_t wides[] = {0, 1, 2, 3, 4, UINT64_C(0x100000000), UINT64_C(0x100000001), UINT64_C(0x100000002), UINT64_MAX, UINT32_MAX};
    for (unsigned i = 0; i < sizeof wides / sizeof *wides; i++)
        printf("%d ", wide(wides[i]));
    puts("");
    for (int a = -1; a < 6; a++)
        for (int b = -1; b < 6; b++)
            printf("%d ", nested(a, b));
    puts("");
    return 0;
}
