/* The guest (guest.h) as a program of its own: the shim without its start, so that it begins with the manifest that it is
 * sent. Orders come on descriptor 100 and answers go to 101, so that 0, 1 and 2 are the test's to choose. Besides:
 *     S number argument*6      -> result     (a system call, as code that has taken the process over would make it)
 *     T                        from here on a SIGALRM interrupts system calls
 */
#include "posix.h" /* of os/posix */

static waot_os_handle orders(void)
{
    return 100;
}

static waot_os_handle answers(void)
{
    return 101;
}

#include "guest.h"

#include <sys/mman.h>

#ifdef __FreeBSD__
#define SYS_exit_group SYS_exit
#endif

struct waot_process waot_process;

void waot_exit(int status)
{
    for (;;)
        waot_syscall(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

#ifdef __FreeBSD__
static void nothing(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
}

static void be_interrupted(void)
{
    const struct sigaction action = {.sa_sigaction = nothing, .sa_flags = SA_SIGINFO};
    const sigset_t mask = {{1 << (SIGALRM - 1)}};
    waot_syscall(SYS_sigaction, SIGALRM, (long)&action, 0, 0, 0, 0);
    waot_syscall(SYS_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, 0, 0, 0);
}
#else
static void nothing(int signal)
{
    (void)signal;
}

#ifdef __x86_64__
void waot_signal_return(void);
#endif

static void be_interrupted(void)
{
    struct {
        void (*handler)(int);
        unsigned long flags;
#if !defined(__riscv) && !defined(__loongarch__)
        void (*restorer)(void);
#endif
        uint32_t mask[2];
    } action = {.handler = nothing, .flags = SA_SIGINFO}; /* no SA_RESTART; the return by rt_sigreturn, as confined */
#ifdef __x86_64__
    action.flags |= 0x04000000; /* SA_RESTORER */
    action.restorer = waot_signal_return;
#endif
    const uint64_t mask = UINT64_C(1) << (SIGALRM - 1);
    waot_syscall(SYS_rt_sigaction, SIGALRM, (long)&action, 0, sizeof action.mask, 0, 0);
    waot_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, sizeof mask, 0, 0);
}
#endif

static void other_order(uint64_t order)
{
    uint64_t a[6];
    if (order == 'T') {
        be_interrupted();
    } else if (order == 'S') {
        order = take_number();
        take(a, sizeof a);
        a[0] = (uint64_t)waot_syscall((long)order, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4],
                                      (long)a[5]);
        give(a, sizeof a[0]);
    } else {
        waot_exit(122);
    }
}

static void embedded(uint64_t size)
{
    uint8_t *image = reserve(size + 65536);
    take(image, size);
    waot_call_mprotect(image, size + 65536, PROT_READ);
    waot_process.embedded = image;
}

__attribute__((used)) _Noreturn void waot_start(uintptr_t *stack)
{
    waot_process.argc = (int)stack[0];
    waot_process.argv = (char **)(stack + 1);
    waot_process.envp = waot_process.argv + waot_process.argc + 1;
    serve();
    waot_exit(0);
}
