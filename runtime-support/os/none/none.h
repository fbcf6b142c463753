/* Private to os/none, and what generated code calls there (waot/lowering/c_interface.py). */
#ifndef WAOT_NONE_H
#define WAOT_NONE_H

#include "../../include/waot_abi.h"
#include "interface.h"

/* The one instance. */
extern struct waot_instance waot_none_instance;
/* Defined by generated code: the memory that imports may look at, or null. */
extern const struct waot_memory *const waot_none_memory;

int32_t waot_none_init(const struct waot_environment *environment);
/* Calls an export: 0, or how else it ended. */
int32_t waot_none_call(waot_export_function *function, struct waot_slot *slots);

/* <architecture>.S. Calls `function` and returns 0, or what is given to waot_none_back meanwhile with the same `stack`. */
int waot_none_enter(uintptr_t *stack, void *(*function)(struct waot_slot *), struct waot_slot *slots);
_Noreturn void waot_none_back(uintptr_t stack, int status);

#endif
