/* Threads, on Linux: what the files of this directory and those of threads/ know of each other. */
#ifndef WAOT_LINUX_THREADS_H
#define WAOT_LINUX_THREADS_H

#include "../../include/waot_threads.h"

/* The signal frame with AVX-512 and AMX is 11 KiB, AArch64's with SVE 5 KiB, RISC-V's with vectors of 1,024 bits 5 KiB;
 * the unwinder's frames are 5 KiB. Pages that are not used are not there. */
#define WAOT_SIGNAL_STACK (64 << 10)

/* Gives the first thread its variables. Before this nothing that is WAOT_THREAD_LOCAL may be touched. */
void waot_begin_threads(void);

/* The stack of WAOT_SIGNAL_STACK bytes on which this thread's handlers run; null in the first thread, which has one
 * in the executable. */
extern WAOT_THREAD_LOCAL unsigned char *waot_thread_signal_stack;

/* <architecture>.S: makes `pointer` the thread pointer. */
void waot_set_thread_pointer(void *pointer);
/* <architecture>.S: clone(2) to a thread that goes on in `function`, which does not return, on the stack that ends at
 * `stack`. The new thread's kernel number, or -errno. */
long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument);
/* <architecture>.S: ends this thread and gives back the pages that its own stack is in. */
_Noreturn void waot_end_thread(void *pages, unsigned long size);

#endif
