/* Threads, on Linux: what the files of this directory and those of threads/ know of each other. */
#ifndef WAOT_LINUX_THREADS_H
#define WAOT_LINUX_THREADS_H

#include "program.h"

/* Gives the first thread its variables. Before this nothing that is WAOT_THREAD_LOCAL may be touched. */
void waot_begin_threads(void);

/* <architecture>.S: makes `pointer` the thread pointer. */
void waot_set_thread_pointer(void *pointer);
/* <architecture>.S: clone(2) to a thread that goes on in `function`, which does not return, on the stack that ends at
 * `stack`. The new thread's kernel number, or -errno. */
long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument);
/* <architecture>.S: ends this thread and gives back the pages that its own stack is in. */
_Noreturn void waot_end_thread(void *pages, unsigned long size);

#endif
