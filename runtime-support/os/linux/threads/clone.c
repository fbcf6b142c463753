/* What is Linux's own way with threads: clone(2). */
#include "threads.h"

#include <sched.h>
#include <signal.h>

#define WAOT_THREAD_FLAGS \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS)

/* <architecture>.S: clone(2) to a thread that goes on in `function`, which does not return, on the stack that ends at
 * `stack`. The new thread's kernel number, or -errno. */
long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument);

long waot_system_begin_thread(unsigned char *low, unsigned char *high, void *thread_pointer, void *argument)
{
    (void)low;
    return waot_clone(WAOT_THREAD_FLAGS, high, thread_pointer, waot_run_thread, argument);
}

void waot_system_block_signals(void)
{
    const uint64_t all = UINT64_MAX;
    WAOT_CALL(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof all);
}

void waot_system_end(int status)
{
    for (;;)
        WAOT_CALL(SYS_exit_group, status);
}
