/* What a module without a system and the C code around it know of each other.
 *
 * waot/lowering/c_header.py says the same in the header that is written beside a library or object; a test compares. Both
 * sides of a program may be of different versions of waot, so structures only grow, at their end, and numbers stay.
 */
#ifndef WAOT_INTERFACE_H
#define WAOT_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

/* How a call ended, where that is not 0 and no trap: traps have their places in WAOT_TRAPS, from 1 on. */
#define WAOT_EXITED 64
#define WAOT_NOT_READY 65
#define WAOT_ALREADY 66
#define WAOT_MEMORY_TOO_SMALL 67
#define WAOT_STACK_TOO_SMALL 68

/* The beginning of struct waot_memory. */
struct waot_view {
    uint8_t *base;
    uintptr_t size;
};

/* What imports are given. */
struct waot_instance {
    void *context;
    const struct waot_view *memory;
    uintptr_t trap_address;
    void (*leave)(struct waot_instance *instance, int status);
};

struct waot_buffer {
    void *base;
    size_t size;
};

struct waot_environment {
    void *context;
    const struct waot_buffer *memories;
    void *stack_low;
};

#endif
