/* From program counters to offsets in the .wasm file, by the line table. */
#ifndef WAOT_LINES_H
#define WAOT_LINES_H

#include <stdint.h>

struct waot_place {
    uintptr_t pc;
    uintptr_t function; /* where the machine function around it starts */
    uint32_t offset;    /* out: in the .wasm file, 0 if not known */
    uint32_t entry;     /* out: the offset that the function's first row has, 0 if not known */
};

/* Fills in `offset` and `entry` of each place, in one pass over the table. */
__attribute__((unused)) static void waot_lines_resolve(struct waot_place *places, unsigned count);

#endif
