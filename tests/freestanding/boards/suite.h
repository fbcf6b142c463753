/* How the programs of tests/freestanding/suite.py tell what is not as the script says. */
#ifndef SUITE_H
#define SUITE_H

#include "board.h"

static uint64_t done, failures;

static inline void fail(unsigned line, const char *what, uint64_t got, uint64_t wanted)
{
    failures++;
    board_print("line ");
    board_number(line);
    board_print(what);
    board_number(got);
    board_print(", not ");
    board_number(wanted);
    board_print("\n");
}

static inline int status(unsigned line, int32_t got, int32_t wanted)
{
    done++;
    if (got != wanted)
        fail(line, ": status ", (uint64_t)got, (uint64_t)wanted);
    return got == wanted;
}

static inline void is_i64(unsigned line, uint64_t got, uint64_t mask, uint64_t wanted)
{
    if ((got & mask) != wanted)
        fail(line, ": result ", got, wanted);
}

static inline void is_i32(unsigned line, uint32_t got, uint64_t mask, uint64_t wanted)
{
    is_i64(line, got, mask, wanted);
}

typedef union {
    uint32_t bits;
    float value;
} single;
typedef union {
    uint64_t bits;
    double value;
} twofold;

static inline void is_f32(unsigned line, float got, uint64_t mask, uint64_t wanted)
{
    single both = {.value = got};
    is_i64(line, both.bits, mask, wanted);
}

static inline void is_f64(unsigned line, double got, uint64_t mask, uint64_t wanted)
{
    twofold both = {.value = got};
    is_i64(line, both.bits, mask, wanted);
}

static inline float f32(uint32_t bits)
{
    single both = {.bits = bits};
    return both.value;
}

static inline double f64(uint64_t bits)
{
    twofold both = {.bits = bits};
    return both.value;
}

#endif
