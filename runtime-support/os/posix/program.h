/* What a program's start, its faults and its threads know of each other. */
#ifndef WAOT_POSIX_PROGRAM_H
#define WAOT_POSIX_PROGRAM_H

#include "../../core/process.h"
#include "posix.h"

#include <signal.h>

/* The stack that handlers run on. A signal frame with AVX-512 and AMX is 11 KiB, AArch64's with SVE 9 KiB, RISC-V's with
 * vectors of 1,024 bits 5 KiB; the unwinder's frames are 5 KiB; Darwin wants 32 KiB at the least. Pages that are not used
 * are not there. */
#define WAOT_SIGNAL_STACK (64 << 10)

/* That of this thread; null in the first one, which has one in the executable. Programs without threads do not have it. */
extern WAOT_THREAD_LOCAL unsigned char *waot_thread_signal_stack;

/* Directs SIGSEGV and SIGBUS to the handler, on a stack of its own. */
void waot_catch_faults(void);

/* <architecture>.S: goes on in `function`, which does not return, on the stack that ends at `top`. */
_Noreturn void waot_switch_stack(void *top, void (*function)(void));

/* What every start goes on with: waot_process is known but for what is in the executable. waot_stack is made where it is
 * none yet. */
_Noreturn void waot_posix_run(void);

#endif
