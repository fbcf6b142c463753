/* Whether the shim is compiled for programs that start threads. waot/linker/runtime.py says so on the command line; all
 * others (programs without threads, and those of the tests) have the constants below, so that what only threads need is
 * dead code. What belongs to one instance, and so to one thread, is WAOT_THREAD_LOCAL. */
#ifndef WAOT_THREADS
#define WAOT_THREADS 0
#define WAOT_THREAD_LOCAL
#endif
