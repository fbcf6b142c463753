/* What drives the C and C++ programs: `program KERNEL REPEATS` prints what came of the kernel and the seconds it took. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define APART __attribute__((noinline))

struct kernel {
    const char *name;
    uint64_t (*run)(void);    /* timed; what it returns goes into the result */
    void (*prepare)(void);    /* before each repetition, not timed; or NULL */
    uint64_t (*check)(void);  /* of the memory at the end, not timed; or NULL */
};

static inline double bench_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static inline uint64_t bench_fold(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static inline uint64_t bench_fold_bytes(uint64_t hash, const void *data, size_t size) {
    const unsigned char *at = (const unsigned char *)data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

static inline uint64_t bench_bits(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* The same numbers everywhere, from a seed of one's own. */
static inline uint32_t bench_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    uint32_t mixed = (*state ^ *state >> 15) * 0x2c1b3c6du;
    return mixed ^ mixed >> 14;
}

/* `kernels` ends with an entry without a name. */
static inline int bench_main(int argc, char **argv, const struct kernel *kernels) {
    for (const struct kernel *kernel = kernels; argc == 3 && kernel->name != NULL; kernel++) {
        if (strcmp(kernel->name, argv[1]) != 0)
            continue;
        uint64_t result = 0;
        double seconds = 0;
        for (int left = atoi(argv[2]); left > 0; left--) {
            if (kernel->prepare != NULL)
                kernel->prepare();
            double started = bench_now();
            uint64_t value = kernel->run();
            seconds += bench_now() - started;
            result = bench_fold(result, value);
        }
        if (kernel->check != NULL)
            result = bench_fold(result, kernel->check());
        printf("result %08lx%08lx\nseconds %.9f\n", (unsigned long)(result >> 32), (unsigned long)(uint32_t)result, seconds);
        return 0;
    }
    fprintf(stderr, "usage: program KERNEL REPEATS\n");
    return 2;
}

#endif
