/* Signals of a macOS program, on Linux. */
#include "darwin.h"
#include "loader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIGNALS = 32 };

/* By Darwin's number. */
static const int numbers[SIGNALS] = {
    0,       SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT, 0,       SIGFPE,  SIGKILL, SIGBUS,
    SIGSEGV, SIGSYS,  SIGPIPE, SIGALRM,   SIGTERM, SIGURG,  SIGSTOP, SIGTSTP, SIGCONT, SIGCHLD, SIGTTIN,
    SIGTTOU, SIGIO,   SIGXCPU, SIGXFSZ,   SIGVTALRM, SIGPROF, SIGWINCH, 0,    SIGUSR1, SIGUSR2,
};

static struct darwin_sigaction actions[SIGNALS];

static int darwins(int number)
{
    for (int i = 1; i < SIGNALS; i++)
        if (numbers[i] == number)
            return i;
    return 0;
}

static void copy_context(const ucontext_t *from, struct darwin_mcontext *to, uintptr_t address)
{
#if defined(__aarch64__)
    to->far = address;
    for (int i = 0; i < 29; i++)
        to->x[i] = from->uc_mcontext.regs[i];
    to->fp = from->uc_mcontext.regs[29];
    to->lr = from->uc_mcontext.regs[30];
    to->sp = from->uc_mcontext.sp;
    to->pc = from->uc_mcontext.pc;
    to->cpsr = (uint32_t)from->uc_mcontext.pstate;
#else
    const greg_t *r = from->uc_mcontext.gregs;
    to->address = address;
    to->rax = (uint64_t)r[REG_RAX], to->rbx = (uint64_t)r[REG_RBX], to->rcx = (uint64_t)r[REG_RCX];
    to->rdx = (uint64_t)r[REG_RDX], to->rdi = (uint64_t)r[REG_RDI], to->rsi = (uint64_t)r[REG_RSI];
    to->rbp = (uint64_t)r[REG_RBP], to->rsp = (uint64_t)r[REG_RSP], to->r8 = (uint64_t)r[REG_R8];
    to->r9 = (uint64_t)r[REG_R9], to->r10 = (uint64_t)r[REG_R10], to->r11 = (uint64_t)r[REG_R11];
    to->r12 = (uint64_t)r[REG_R12], to->r13 = (uint64_t)r[REG_R13], to->r14 = (uint64_t)r[REG_R14];
    to->r15 = (uint64_t)r[REG_R15], to->rip = (uint64_t)r[REG_RIP], to->rflags = (uint64_t)r[REG_EFL];
#endif
}

static void deliver(int linux_number, siginfo_t *info, void *context)
{
    int number = darwins(linux_number);
    struct darwin_siginfo told = {.number = number, .code = info->si_code, .address = info->si_addr};
    if (info->si_code <= 0) {
        told.code = DARWIN_SI_USER;
        told.address = NULL;
        told.process = info->si_pid;
    } else if (linux_number == SIGSEGV && info->si_code == SEGV_ACCERR) {
        /* Of a page that is there and may not be touched macOS says SIGBUS. */
        told.number = number = DARWIN_SIGBUS;
        told.code = 2; /* BUS_ADRERR */
    }
    const struct darwin_sigaction action = actions[number];
    if ((uintptr_t)action.handler < 2)
        fail("signal %d has no handler", number);
    struct darwin_mcontext registers;
    memset(&registers, 0, sizeof registers);
    copy_context(context, &registers, (uintptr_t)told.address);
    struct darwin_ucontext machine = {.size = sizeof registers, .context = &registers};
    void (*handler)(int, struct darwin_siginfo *, void *);
    memcpy(&handler, &action.handler, sizeof handler);
    handler(number, &told, &machine);
}

int darwin_sigaction(int number, const struct darwin_sigaction *action, struct darwin_sigaction *old)
{
    if (number <= 0 || number >= SIGNALS || !numbers[number])
        return (int)failed(EINVAL);
    if (old)
        *old = actions[number];
    if (!action)
        return 0;
    if (action->flags & ~(DARWIN_SA_ONSTACK | DARWIN_SA_NODEFER | DARWIN_SA_SIGINFO) || action->mask)
        fail("sigaction with flags %#x", (unsigned)action->flags);
    struct sigaction to = {0};
    if ((uintptr_t)action->handler < 2) {
        to.sa_handler = action->handler ? SIG_IGN : SIG_DFL;
    } else {
        if (!(action->flags & DARWIN_SA_SIGINFO))
            fail("a handler without SA_SIGINFO");
        to.sa_sigaction = deliver;
        to.sa_flags = SA_SIGINFO | (action->flags & DARWIN_SA_ONSTACK ? SA_ONSTACK : 0) |
                      (action->flags & DARWIN_SA_NODEFER ? SA_NODEFER : 0);
    }
    if (sigaction(numbers[number], &to, NULL))
        return (int)failed(errno);
    actions[number] = *action;
    return 0;
}

int darwin_sigaltstack(const struct darwin_stack *stack, struct darwin_stack *old)
{
    if (old || stack->flags & ~DARWIN_SS_DISABLE)
        fail("sigaltstack is asked for more than a stack");
    if (stack->flags) {
        const stack_t none = {.ss_flags = SS_DISABLE};
        return sigaltstack(&none, NULL) ? (int)failed(errno) : 0;
    }
    if (stack->size < DARWIN_MINSIGSTKSZ)
        return (int)failed(ENOMEM);
    const stack_t to = {.ss_sp = stack->sp, .ss_size = stack->size};
    return sigaltstack(&to, NULL) ? (int)failed(errno) : 0;
}

int darwin_sigprocmask(int how, const uint32_t *set, uint32_t *old)
{
    static const int hows[] = {-1, SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
    if (old || how < 1 || how > 3)
        fail("sigprocmask is asked for more than a change");
    sigset_t to;
    sigemptyset(&to);
    for (int i = 1; i < SIGNALS; i++)
        if (*set >> (i - 1) & 1 && numbers[i])
            sigaddset(&to, numbers[i]);
    return sigprocmask(hows[how], &to, NULL) ? (int)failed(errno) : 0;
}

int darwin_kill(int process, int number)
{
    if (number < 0 || number >= SIGNALS || (number && !numbers[number]))
        return (int)failed(EINVAL);
    return kill(process, numbers[number]) ? (int)failed(errno) : 0;
}

int darwin_pthread_kill(void *thread, int number)
{
    if (number < 0 || number >= SIGNALS || (number && !numbers[number]))
        return 22; /* EINVAL */
    return pthread_kill((pthread_t)thread, numbers[number]) ? 3 : 0; /* ESRCH */
}
