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

#include <signal.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>

/* The signal frame is 1 KiB and what AVX-512 and AMX save 11 KiB, AArch64's with SVE 9 KiB; the unwinder's frames are
 * 5 KiB. Pages that are not used are not there. */
#define WAOT_SIGNAL_STACK (64 << 10)

WAOT_COLD_DATA static unsigned char waot_signal_stack[WAOT_SIGNAL_STACK] __attribute__((aligned(16)));

static void waot_read_context(const ucontext_t *context, struct waot_registers *registers)
{
    const mcontext_t *from = &context->uc_mcontext;
#if defined(__x86_64__)
    const __register_t values[17] = {from->mc_rax, from->mc_rdx, from->mc_rcx, from->mc_rbx, from->mc_rsi, from->mc_rdi,
                                     from->mc_rbp, from->mc_rsp, from->mc_r8,  from->mc_r9,  from->mc_r10, from->mc_r11,
                                     from->mc_r12, from->mc_r13, from->mc_r14, from->mc_r15, from->mc_rip};
    for (unsigned i = 0; i < 17; i++)
        registers->r[i] = (uintptr_t)values[i];
    registers->pc = registers->r[WAOT_REGISTER_RETURN];
#elif defined(__aarch64__)
    for (unsigned i = 0; i < 30; i++)
        registers->r[i] = (uintptr_t)from->mc_gpregs.gp_x[i];
    registers->r[WAOT_REGISTER_RETURN] = (uintptr_t)from->mc_gpregs.gp_lr;
    registers->r[WAOT_REGISTER_SP] = (uintptr_t)from->mc_gpregs.gp_sp;
    registers->pc = (uintptr_t)from->mc_gpregs.gp_elr;
#endif
}

/* Whether it is in the guard of a memory: reserved, beyond the current size. */
static int waot_in_guard(uintptr_t address)
{
    for (uint64_t i = 0; i < waot_module.memory_count; i++) {
        const struct waot_memory *memory = waot_module.memories[i];
        if (memory->base && address - (uintptr_t)memory->base >= memory->bytes &&
            address - (uintptr_t)memory->base < memory->reserve)
            return 1;
    }
    return 0;
}

static void waot_set_default(int signal, void (*handler)(int))
{
    const struct sigaction action = {.sa_handler = handler};
    waot_syscall(SYS_sigaction, signal, (long)&action, 0, 0, 0, 0);
}

static void waot_on_fault(int signal, siginfo_t *info, void *context)
{
    /* A fault's code is a small number. Sent by someone (kill(2)): do what would be done without us. */
    if (info->si_code >= SI_USER || info->si_code <= 0) {
        waot_set_default(signal, SIG_DFL);
        waot_syscall(SYS_kill, waot_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), signal, 0, 0, 0, 0);
        return;
    }
    struct waot_registers registers = {0};
    waot_read_context(context, &registers);
    uintptr_t address = (uintptr_t)info->si_addr;
    /* A page that may not be touched is SIGSEGV or, as machdep.prot_fault_translation says, SIGBUS. */
    if (waot_in_guard(address))
        waot_trap("out of bounds memory access", &registers, 1);
    if (address >= waot_stack.guard && address < waot_stack.low)
        waot_trap("call stack exhausted", &registers, 1);
    waot_internal_error(signal, &registers, address);
}

void waot_catch_faults(void)
{
    /* A fault whose signal whoever started us had blocked would end the program without a word. */
    sigset_t faults = {{0}};
    faults.__bits[0] = UINT32_C(1) << (SIGSEGV - 1) | UINT32_C(1) << (SIGBUS - 1);
    waot_syscall(SYS_sigprocmask, SIG_UNBLOCK, (long)&faults, 0, 0, 0, 0);
    const stack_t stack = {.ss_sp = waot_signal_stack, .ss_size = sizeof waot_signal_stack};
    waot_syscall(SYS_sigaltstack, (long)&stack, 0, 0, 0, 0, 0);
    const struct sigaction action = {.sa_sigaction = waot_on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    waot_syscall(SYS_sigaction, SIGSEGV, (long)&action, 0, 0, 0, 0);
    waot_syscall(SYS_sigaction, SIGBUS, (long)&action, 0, 0, 0, 0);
}

void waot_os_report(const char *text, size_t length)
{
    waot_set_default(SIGPIPE, SIG_IGN); /* the status is that of a trap also where nobody reads what is said */
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
    waot_switch_stack(waot_signal_stack + sizeof waot_signal_stack, function);
}

void waot_os_abort(void)
{
    waot_set_default(SIGABRT, SIG_DFL);
    waot_syscall(SYS_kill, waot_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGABRT, 0, 0, 0, 0);
    waot_exit(134);
}
