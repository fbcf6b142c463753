/* Memory: copies and fills large and small, streams of numbers, searches through bytes, and pointers from place to place. */
#include "bench.h"

enum { LARGE = 8 << 20, SMALL = 1 << 16, NUMBERS = 1 << 18 };
static unsigned char from[LARGE], to[LARGE];

static uint64_t copy_large(void) {
    memcpy(to, from, LARGE);
    return to[LARGE - 1];
}

static uint64_t fill_large(void) {
    memset(to, from[1], LARGE);
    return to[LARGE - 1];
}

/* Sizes as programs have them: half of them up to 16 bytes, few above 200. */
static uint16_t sizes[4096];
static uint64_t copy_small(void) {
    uint64_t sum = 0;
    for (int round = 0; round < 16; round++)
        for (size_t i = 0; i < 4096; i++) {
            memcpy(to + i * 13, from + i * 7 + (size_t)round, sizes[i]);
            sum += to[i * 13];
        }
    return sum;
}

static uint64_t fill_small(void) {
    uint64_t sum = 0;
    for (int round = 0; round < 16; round++)
        for (size_t i = 0; i < 4096; i++) {
            memset(to + i * 13, round, sizes[i]);
            sum += to[i * 13];
        }
    return sum;
}

static uint64_t move_overlapping(void) {
    memcpy(to, from, SMALL);
    for (size_t i = 1; i <= 64; i++)
        memmove(to + i, to, SMALL);
    return to[SMALL / 2];
}

/* ----------------------------------------------------------------------------------------------------------- streams */

static double *x, *y, *z;
static APART void triad(double *restrict out, const double *restrict a, const double *restrict b, double factor) {
    for (size_t i = 0; i < NUMBERS; i++)
        out[i] = a[i] + factor * b[i];
}
static uint64_t stream_triad(void) {
    triad(x, y, z, 0.5);
    return bench_bits(x[NUMBERS / 3]);
}

static uint64_t stream_sum(void) {
    const uint32_t *numbers = (const uint32_t *)from;
    uint32_t sum = 0;
    uint64_t wide = 0;
    for (size_t i = 0; i < LARGE / 4; i++) {
        sum += numbers[i];
        wide += numbers[i] >> 3;
    }
    return wide ^ sum;
}

static APART void blend(uint8_t *restrict out, const uint8_t *a, const uint8_t *b, int weight) {
    for (size_t i = 0; i < LARGE / 8; i++)
        out[i] = (uint8_t)((a[i] * weight + b[i] * (256 - weight)) >> 8);
}
static uint64_t stream_bytes(void) {
    blend(to, from, from + LARGE / 2, 77);
    return to[1] + 256u * to[LARGE / 8 - 1];
}

/* ----------------------------------------------------------------------------------------------------------- searches */

static uint64_t search_bytes(void) { /* for a byte, for an end, for a difference, and for bytes of a set */
    uint64_t sum = 0;
    for (size_t i = 0; i < SMALL; i += 997) {
        const unsigned char *found = memchr(from + i, 0, SMALL);
        sum = sum * 31 + (found == NULL ? 0 : (uint64_t)(found - from));
        sum += strlen((const char *)from + i) + (memcmp(from + i, to + i, SMALL / 16) == 0);
    }
    for (size_t i = 0; i < SMALL; i++)
        sum += from[i] == ' ' || from[i] == '\n' || from[i] == ',';
    return sum;
}

static void prepare_search(void) {
    for (size_t i = 0; i < 2 * SMALL; i++)
        from[i] |= 1;
    memcpy(to, from, 2 * SMALL);
    for (size_t i = 2 * SMALL / 16; i <= 2 * SMALL; i += 2 * SMALL / 16)
        from[i - 1] = 0;
}

/* ------------------------------------------------------------------------------------------------------------ pointers */

struct link {
    struct link *next;
    uint32_t number;
};

static struct link *few, *many;
static struct link *make_ring(size_t count) {
    struct link *links = malloc(count * sizeof *links);
    uint32_t *order = malloc(count * sizeof *order), state = 3;
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count - 1; i > 0; i--) {
        size_t other = bench_random(&state) % (i + 1);
        uint32_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < count; i++)
        links[order[i]] = (struct link){&links[order[(i + 1) % count]], (uint32_t)i};
    free(order);
    return links;
}

static uint64_t walk(const struct link *link) {
    uint64_t sum = 0;
    for (int i = 0; i < 1000000; i++, link = link->next)
        sum += link->number ^ (uint32_t)i;
    return sum;
}
static uint64_t chase_near(void) { return walk(few); }
static uint64_t chase_far(void) { return walk(many); }

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"copy-large", copy_large, NULL, NULL},
        {"fill-large", fill_large, NULL, NULL},
        {"copy-small", copy_small, NULL, NULL},
        {"fill-small", fill_small, NULL, NULL},
        {"move-overlapping", move_overlapping, NULL, NULL},
        {"triad", stream_triad, NULL, NULL},
        {"sum", stream_sum, NULL, NULL},
        {"blend", stream_bytes, NULL, NULL},
        {"search-bytes", search_bytes, prepare_search, NULL},
        {"chase-near", chase_near, NULL, NULL},
        {"chase-far", chase_far, NULL, NULL},
        {0},
    };
    uint32_t state = 29;
    for (size_t i = 0; i < LARGE; i++)
        from[i] = (unsigned char)(bench_random(&state) >> 9);
    for (size_t i = 0; i < 4096; i++) {
        uint32_t chosen = bench_random(&state);
        sizes[i] = (uint16_t)(chosen & 1 ? chosen >> 4 & 15 : chosen & 14 ? chosen >> 4 & 127 : chosen >> 4 & 1023);
    }
    x = malloc(NUMBERS * sizeof *x);
    y = malloc(NUMBERS * sizeof *y);
    z = malloc(NUMBERS * sizeof *z);
    for (size_t i = 0; i < NUMBERS; i++) {
        y[i] = (double)(i % 1000);
        z[i] = (double)(i % 77) / 4;
    }
    few = make_ring(1000);
    many = make_ring(500000);
    return bench_main(argc, argv, kernels);
}
