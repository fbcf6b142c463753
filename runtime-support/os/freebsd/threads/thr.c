/* What is FreeBSD's own way with threads: thr_new(2). */
#include "threads.h"

#include <sys/thr.h>

/* <architecture>.S: where the kernel begins a thread, with an argument, on a stack that is no function's yet: goes on in
 * waot_run_thread. */
void waot_enter_run_thread(void *argument);

long waot_system_begin_thread(unsigned char *low, unsigned char *high, void *thread_pointer, void *argument)
{
    const struct thr_param parameters = {
        .start_func = waot_enter_run_thread,
        .arg = argument,
        .stack_base = (char *)low,
        .stack_size = (size_t)(high - low),
        .tls_base = thread_pointer,
    };
    long result = WAOT_CALL(SYS_thr_new, &parameters, sizeof parameters);
    return result == -EPROCLIM ? -EAGAIN : result; /* too many, as other systems say it */
}

void waot_system_block_signals(void)
{
    const sigset_t all = {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    WAOT_CALL(SYS_sigprocmask, SIG_SETMASK, &all, NULL);
}

void waot_system_end(int status)
{
    for (;;)
        WAOT_CALL(SYS_exit, status);
}
