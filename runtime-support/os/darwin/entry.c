/* From dyld's entry to what every system's start does. */
#include "program.h"
#include "threads.h"

void waot_exit(int status)
{
    if (WAOT_THREADS)
        waot_end_program();
    _exit(status);
}

/* The image's entry (LC_MAIN): dyld has bound and rebased it and libSystem is initialised. */
__attribute__((used)) int waot_start(int argc, char **argv, char **envp)
{
    if (WAOT_THREADS)
        waot_begin_threads();
    waot_process.argc = argc;
    waot_process.argv = argv;
    waot_process.envp = envp;
    waot_process.page_size = (size_t)getpagesize();
    waot_process.secure = issetugid();
    waot_posix_run();
}
