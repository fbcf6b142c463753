/* Threads, on systems that begin one by a call with a stack and a thread pointer: what threads/ and the system's own files
 * know of each other. */
#ifndef WAOT_POSIX_THREADS_H
#define WAOT_POSIX_THREADS_H

#include "program.h"

/* Gives the first thread its variables. Before this nothing that is WAOT_THREAD_LOCAL may be touched. */
void waot_begin_threads(void);

/* What a new thread does, by the argument that it was begun with. */
_Noreturn void waot_run_thread(void *argument);

/* ---------------------------------------------------------------- the system's: threads/ of its directory */

/* Begins a thread in waot_run_thread, on the stack [low, high): 0 or more, or -errno. */
long waot_system_begin_thread(unsigned char *low, unsigned char *high, void *thread_pointer, void *argument);
/* Blocks all signals of this thread. */
void waot_system_block_signals(void);
/* Ends the process, of whose threads this is the only one and has no variables. */
_Noreturn void waot_system_end(int status);

/* <architecture>.S: makes `pointer` the thread pointer. */
void waot_set_thread_pointer(void *pointer);
/* <architecture>.S: ends this thread and gives back the pages that its own stack is in. */
_Noreturn void waot_end_thread(void *pages, unsigned long size);

#endif
