/* Threads, on Darwin: what the files of this directory and those of threads/ know of each other. */
#ifndef WAOT_DARWIN_THREADS_H
#define WAOT_DARWIN_THREADS_H

#include <stdint.h>

/* Gives the first thread its variables. Before this nothing that is WAOT_THREAD_LOCAL may be touched. */
void waot_begin_threads(void);

/* waot_os_wait and waot_os_wake among several threads. */
void waot_darwin_sleep(const uint32_t *word, uint32_t value, uint64_t timeout);
void waot_darwin_wake(const uint32_t *word);

/* <architecture>.S: calls `function` on the stack that ends at `top`. */
void waot_call_on_stack(void *top, void (*function)(void *), void *argument);

#endif
