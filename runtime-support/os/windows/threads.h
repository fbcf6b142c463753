/* Threads, on Windows: what the files of this directory and those of threads/ know of each other. */
#ifndef WAOT_WINDOWS_THREADS_H
#define WAOT_WINDOWS_THREADS_H

/* Before this nothing that is WAOT_THREAD_LOCAL may be touched. */
void waot_begin_threads(void);

#endif
