/* Signals, delivered in FreeBSD's frame. */
#include "translator.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* A handler returns to this address, which is not mapped: FreeBSD's trampoline would make sigreturn there. */
#define RETURN_ADDRESS UINT64_C(0x7ffff0000000)

struct f_sigaction actions[65];
struct f_stack signal_stack;

void do_sigaction(void)
{
    int number = arguments[0] < 129 ? linux_signals[arguments[0]] : 0;
    if (number == 0 || arguments[2] != 0)
        fail("sigaction of signal %ld", arguments[0]);
    if (number == SIGKILL || number == SIGSTOP) {
        become_done(-F_EINVAL);
        return;
    }
    struct f_sigaction action;
    if (!get(arguments[1], &action, sizeof action))
        fail("sigaction's action");
    actions[number] = action;
    /* What has a handler we deliver; the rest the kernel does. */
    const uint64_t kernel[4] = {action.handler == 1 ? 1 : 0};
    become(SYS_rt_sigaction, (uint64_t)number, placed(kernel, sizeof kernel), 0, 8, 0, 0);
}

void do_sigprocmask(void)
{
    static const struct pair hows[] = {
        {F_SIG_BLOCK, SIG_BLOCK}, {F_SIG_UNBLOCK, SIG_UNBLOCK}, {F_SIG_SETMASK, SIG_SETMASK}, {UINT64_MAX, 0}};
    struct f_sigset from;
    if (!get(arguments[1], &from, sizeof from) || arguments[2] != 0)
        fail("sigprocmask's signals");
    const uint64_t set = signal_set(&from);
    become(SYS_rt_sigprocmask, map_value("sigprocmask", arguments[0], hows), placed(&set, sizeof set), 0, 8, 0, 0);
}

struct frame {
    uint64_t handler;
    struct f_ucontext context;
    struct f_siginfo info;
};

static bool on_signal_stack(uint64_t address)
{
    return address - signal_stack.ss_sp < signal_stack.ss_size;
}

static struct f_siginfo information(int number, const siginfo_t *from)
{
    struct f_siginfo info = {.number = signals[number], .code = from->si_code, .process = from->si_pid,
                             .user = from->si_uid};
    if (from->si_code <= 0)
        info.code = from->si_code == SI_USER ? F_SI_USER : from->si_code == SI_TKILL ? F_SI_LWP : F_SI_QUEUE;
    else if (number == SIGSEGV || number == SIGBUS)
        info.address = (uint64_t)from->si_addr, info.process = 0, info.user = 0;
    if (number == SIGSEGV && from->si_code == SEGV_ACCERR && faults_are_bus)
        info.number = F_SIGBUS, info.code = 12; /* T_PAGEFLT */
    if (number == SIGSEGV && from->si_code == SI_KERNEL) /* a general protection fault has no address */
        info.number = F_SIGBUS, info.code = F_BUS_OBJERR;
    return info;
}

/* In FreeBSD's frame, as sendsig() makes it. */
static void enter_handler(const struct f_sigaction *action, const struct f_siginfo *info)
{
    struct user_regs_struct now;
    ptrace(PTRACE_GETREGS, thread, 0, &now);
    struct frame frame = {.handler = action->handler, .info = *info};
    struct f_mcontext *to = &frame.context.uc_mcontext;
    to->mc_onstack = on_signal_stack(now.rsp);
    to->mc_len = sizeof *to;
#define COPY(name) to->mc_##name = (int64_t)now.name;
    COPY(rdi) COPY(rsi) COPY(rdx) COPY(rcx) COPY(r8) COPY(r9) COPY(rax) COPY(rbx) COPY(rbp) COPY(r10) COPY(r11) COPY(r12)
    COPY(r13) COPY(r14) COPY(r15) COPY(rip) COPY(cs) COPY(rsp) COPY(ss)
#undef COPY
    to->mc_rflags = (int64_t)now.eflags;
    to->mc_addr = (int64_t)info->address;
    frame.context.uc_stack = signal_stack;
    bool change = (action->sa_flags & F_SA_ONSTACK) != 0 && signal_stack.ss_size != 0 && !on_signal_stack(now.rsp);
    uint64_t at = change ? signal_stack.ss_sp + signal_stack.ss_size : now.rsp - RED_ZONE;
    at = (at - sizeof frame) & ~UINT64_C(15);
    const uint64_t back = RETURN_ADDRESS;
    if (!put(at, &frame, sizeof frame) || !put(at - 8, &back, sizeof back))
        fail("no room for the frame of signal %d", info->number);
    if ((action->sa_flags & F_SA_SIGINFO) == 0)
        fail("a handler without SA_SIGINFO");
    now.rdi = (uint64_t)info->number;
    now.rsi = at + offsetof(struct frame, info);
    now.rdx = at + offsetof(struct frame, context);
    now.rcx = info->address;
    now.rsp = at - 8;
    now.rip = action->handler;
    now.eflags &= ~UINT64_C(0x400); /* direction */
    now.orig_rax = UINT64_MAX;      /* no call is to be restarted */
    ptrace(PTRACE_SETREGS, thread, 0, &now);
}

/* sigreturn: the handler has returned, so the frame stands where the stack pointer is. */
static void leave_handler(void)
{
    struct user_regs_struct now;
    struct frame frame;
    ptrace(PTRACE_GETREGS, thread, 0, &now);
    if (!get(now.rsp, &frame, sizeof frame))
        fail("the frame of a signal is gone");
    const struct f_mcontext *from = &frame.context.uc_mcontext;
    if (from->mc_len != sizeof *from)
        fail("sigreturn with a context of another size");
#define COPY(name) now.name = (uint64_t)from->mc_##name;
    COPY(rdi) COPY(rsi) COPY(rdx) COPY(rcx) COPY(r8) COPY(r9) COPY(rax) COPY(rbx) COPY(rbp) COPY(r10) COPY(r11) COPY(r12)
    COPY(r13) COPY(r14) COPY(r15) COPY(rip) COPY(rsp)
#undef COPY
    now.eflags = (uint64_t)from->mc_rflags;
    now.orig_rax = UINT64_MAX;
    ptrace(PTRACE_SETREGS, thread, 0, &now);
}

/* What to go on with: the signal for the kernel to deliver, or none. */
int on_signal(int number)
{
    siginfo_t from;
    struct user_regs_struct now;
    ptrace(PTRACE_GETREGS, thread, 0, &now);
    ptrace(PTRACE_GETSIGINFO, thread, 0, &from);
    if (number == SIGSEGV && now.rip == RETURN_ADDRESS) {
        leave_handler();
        return 0;
    }
    struct f_siginfo info = information(number, &from);
    const struct f_sigaction *action = &actions[linux_signals[info.number]];
    if (action->handler <= 1)
        return number;
    enter_handler(action, &info);
    return 0;
}
