/* How a program ends that cannot go on. */
#ifndef WAOT_TRAP_H
#define WAOT_TRAP_H

#include "unwind.h"

#include <stdbool.h>
#include <stddef.h>

/* Zeros that only a trap needs: the linker script puts them last, so that what every start touches shares a page. */
#ifndef WAOT_COLD_DATA /* given as nothing where clang takes no such name for a section (waot/linker/runtime.py) */
#define WAOT_COLD_DATA __attribute__((section(".bss.cold")))
#endif

/* Called first when something traps, with the trap's text; this one does nothing. Weak, for a program that goes on after a
 * trap (tests/spec/driver.c): its own is linked in place of this one and need not return. */
void waot_trap_hook(const char *text);
/* Says the trap and where it happened, with a backtrace, then ends the program with status 134. `exact`: registers->pc
 * is the instruction at fault, not a return address. */
_Noreturn void waot_trap(const char *text, const struct waot_registers *registers, int exact);
/* What it tells, in core/trap.c, on a stack of its own where the wasm stack may end. */
struct waot_trapped {
    const char *text;
    struct waot_registers registers;
    int exact;
    bool told; /* it began to */
};
extern struct waot_trapped waot_trapped;
_Noreturn void waot_tell_trap(void);
/* A fault that no trap explains: a defect of waot. Ends the program by SIGABRT. */
_Noreturn void waot_internal_error(int signal, const struct waot_registers *registers, uintptr_t address);

/* The system's part: os/<system>/. Writes all of it to standard error or as much as it takes. */
void waot_os_report(const char *text, size_t length);
_Noreturn void waot_os_abort(void);
/* Goes on in `function`, which does not return, on the stack that handlers of faults run on. Not to be called
 * by one of these. */
_Noreturn void waot_os_on_fault_stack(void (*function)(void));

#endif
