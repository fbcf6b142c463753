/* The guest of tests/wasi/guest.h as a macOS program. It stands in place of the shim's `waot_main`. Besides:
 *     T                        from here on a SIGALRM interrupts system calls
 */
#include "os/os.h"

static waot_os_handle orders(void)
{
    return 100;
}

static waot_os_handle answers(void)
{
    return 101;
}

#include "tests/wasi/guest.h"

#include <signal.h>

static void nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

static void other_order(uint64_t order)
{
    struct sigaction action = {.sa_sigaction = nothing, .sa_flags = SA_SIGINFO}; /* no SA_RESTART */
    const sigset_t mask = (sigset_t)1 << (SIGALRM - 1);
    if (order != 'T')
        waot_exit(122);
    sigaction(SIGALRM, &action, 0);
    sigprocmask(SIG_UNBLOCK, &mask, 0);
}

static void embedded(uint64_t size)
{
    uint8_t *image = waot_os_allocate_pages(size + 65536);
    if (image == NULL)
        waot_exit(123);
    take(image, size);
    waot_process.embedded = image;
}

void waot_main(void)
{
    serve();
}
