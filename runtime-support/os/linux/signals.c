/* A fault in a guard is a trap: out of bounds in a memory's reservation, exhaustion in the stack's.
 *
 * The handler runs on a stack of its own, because after exhaustion there is no other. It never returns to the fault.
 */
#include "signals.h"

#include "../../core/process.h"
#include "../../core/trap.h"
#include "../../include/waot_abi.h"
#include "registers.h"
#include "syscall.h"
#include "threads.h"

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* Without a restorer the kernel's own code in the vDSO is where handlers return to. */
#if !defined(__riscv) && !defined(__loongarch__)
#define WAOT_RESTORER
#endif

/* What rt_sigaction(2) takes, which is not what libc's header says. */
struct waot_kernel_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
#ifdef WAOT_RESTORER
    void (*restorer)(void);
#endif
    uint32_t mask[2];
};
#define WAOT_IGNORE ((void (*)(int, siginfo_t *, void *))1)

WAOT_COLD_DATA static unsigned char waot_signal_stack[WAOT_SIGNAL_STACK] __attribute__((aligned(16)));

#ifdef WAOT_RESTORER
#define WAOT_SIGNAL_FLAGS 0x04000000 /* SA_RESTORER */
void waot_signal_return(void); /* <architecture>.S */
#else
#define WAOT_SIGNAL_FLAGS 0
#endif

static void waot_read_context(const ucontext_t *context, struct waot_registers *registers)
{
#if defined(__x86_64__)
    static const unsigned char order[17] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                            REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                            REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    for (unsigned i = 0; i < 17; i++)
        registers->r[i] = (uintptr_t)context->uc_mcontext.gregs[order[i]];
    registers->pc = registers->r[WAOT_REGISTER_RETURN];
#elif defined(__aarch64__)
    for (unsigned i = 0; i < 31; i++)
        registers->r[i] = context->uc_mcontext.regs[i];
    registers->r[WAOT_REGISTER_SP] = context->uc_mcontext.sp;
    registers->pc = context->uc_mcontext.pc;
#elif defined(__i386__)
    static const unsigned char order[9] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP,
                                           REG_EBP, REG_ESI, REG_EDI, REG_EIP};
    for (unsigned i = 0; i < 9; i++)
        registers->r[i] = (uintptr_t)context->uc_mcontext.gregs[order[i]];
    registers->pc = registers->r[WAOT_REGISTER_RETURN];
#elif defined(__arm__)
    const unsigned long *from = &context->uc_mcontext.arm_r0; /* r0 to r15 stand side by side */
    for (unsigned i = 0; i < 16; i++)
        registers->r[i] = from[i];
    registers->pc = context->uc_mcontext.arm_pc;
#elif defined(__riscv)
    for (unsigned i = 1; i < 32; i++) /* x0 is always 0; the kernel has pc in its place */
        registers->r[i] = context->uc_mcontext.__gregs[i];
    registers->pc = context->uc_mcontext.__gregs[0];
#elif defined(__s390x__)
    for (unsigned i = 0; i < 16; i++)
        registers->r[i] = context->uc_mcontext.gregs[i];
    registers->pc = context->uc_mcontext.psw.addr;
#elif defined(__powerpc64__)
    for (unsigned i = 0; i < 32; i++)
        registers->r[i] = context->uc_mcontext.gp_regs[i];
    registers->r[WAOT_REGISTER_RETURN] = context->uc_mcontext.gp_regs[36]; /* PT_LNK */
    registers->pc = context->uc_mcontext.gp_regs[32];                      /* PT_NIP */
#elif defined(__loongarch__)
    for (unsigned i = 0; i < 32; i++)
        registers->r[i] = context->uc_mcontext.__gregs[i];
    registers->pc = context->uc_mcontext.__pc;
#endif
}

/* Whether it is in the guard of a memory: reserved, beyond the current size. */
static int waot_in_guard(uintptr_t address)
{
    for (uint64_t i = 0; i < waot_module.memory_count; i++) {
        const struct waot_memory *memory = waot_module.memories[i];
        /* What is committed does not fault for a reason of the program's; but it may have become so since. */
        uint64_t bytes = WAOT_THREADS ? 0 : memory->bytes;
        if (memory->base && address - (uintptr_t)memory->base >= bytes &&
            address - (uintptr_t)memory->base < memory->reserve)
            return 1;
    }
    return 0;
}

/* `handler` null is SIG_DFL, WAOT_IGNORE is SIG_IGN. */
static void waot_set_handler(int signal, void (*handler)(int, siginfo_t *, void *))
{
    struct waot_kernel_sigaction action = {.handler = handler,
                                           .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | WAOT_SIGNAL_FLAGS};
#ifdef WAOT_RESTORER
    action.restorer = waot_signal_return;
#endif
    waot_syscall(SYS_rt_sigaction, signal, (long)&action, 0, sizeof action.mask, 0, 0);
}

/* POWER's prologues make a frame by one store, which is what faults where the stack ends, or one before it does; its
 * frame information has the frame from the first instruction on. */
static bool waot_is_unframed(uintptr_t address, const struct waot_registers *registers)
{
#ifdef __powerpc64__
    return address < registers->r[WAOT_REGISTER_SP];
#else
    (void)address, (void)registers;
    return false;
#endif
}

static void waot_on_fault(int signal, siginfo_t *info, void *context)
{
    if (info->si_code <= 0) { /* sent by someone (kill(2)): do what would be done without us */
        waot_set_handler(signal, 0);
        waot_syscall(SYS_kill, waot_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), signal, 0, 0, 0, 0);
        return;
    }
    struct waot_registers registers = {0};
    waot_read_context(context, &registers);
    uintptr_t address = (uintptr_t)info->si_addr;
    if (signal == SIGSEGV && waot_in_guard(address))
        waot_trap("out of bounds memory access", &registers, 1);
    if (signal == SIGSEGV && address >= waot_stack.guard && address < waot_stack.low)
        waot_trap("call stack exhausted", &registers, waot_is_unframed(address, &registers) ? WAOT_UNFRAMED : 1);
    waot_internal_error(signal, &registers, address);
}

void waot_catch_faults(void)
{
    /* A fault whose signal whoever started us had blocked would end the program without a word. */
    uint64_t faults = UINT64_C(1) << (SIGSEGV - 1) | UINT64_C(1) << (SIGBUS - 1);
    waot_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&faults, 0, sizeof faults, 0, 0);
    stack_t stack = {.ss_sp = waot_signal_stack, .ss_size = sizeof waot_signal_stack};
    waot_syscall(SYS_sigaltstack, (long)&stack, 0, 0, 0, 0, 0);
    waot_set_handler(SIGSEGV, waot_on_fault);
    waot_set_handler(SIGBUS, waot_on_fault);
}

void waot_os_report(const char *text, size_t length)
{
    waot_set_handler(SIGPIPE, WAOT_IGNORE); /* the status is that of a trap also where nobody reads what is said */
    while (length) {
        long written = waot_syscall(SYS_write, 2, (long)text, (long)length, 0, 0, 0);
        if (written == -4) /* EINTR */
            continue;
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

void waot_os_on_fault_stack(void (*function)(void))
{
    unsigned char *stack = waot_signal_stack;
    if (WAOT_THREADS && waot_thread_signal_stack)
        stack = waot_thread_signal_stack;
    waot_switch_stack(stack + sizeof waot_signal_stack, function);
}

void waot_os_abort(void)
{
    waot_set_handler(SIGABRT, 0);
    waot_syscall(SYS_kill, waot_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGABRT, 0, 0, 0, 0);
    waot_exit(134);
}
