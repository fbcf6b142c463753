/* A fault in a guard is a trap: out of bounds in a memory's reservation, exhaustion in the stack's.
 *
 * The handler runs on a stack of its own, because after exhaustion there is no other. It never returns to the fault.
 */
#include "signals.h"

#include "../../core/process.h"
#include "../../core/trap.h"
#include "../../include/waot_abi.h"
#include "registers.h"

#include <errno.h>
#include <signal.h>
#include <sys/ucontext.h>
#include <unistd.h>

/* The frame of a signal is 2 KiB with AVX-512's registers, the unwinder's frames are 5 KiB; and not less than
 * MINSIGSTKSZ, 32 KiB. */
#define WAOT_SIGNAL_STACK (64 << 10)
/* A fault's si_code is a small number; what kill(2) and the like send is said by these and those above. */
#define WAOT_SENT 0x10001 /* SI_USER */

WAOT_COLD_DATA static unsigned char waot_signal_stack[WAOT_SIGNAL_STACK] __attribute__((aligned(16)));

static void waot_read_context(const ucontext_t *context, struct waot_registers *registers)
{
#if defined(__x86_64__)
    const struct __darwin_x86_thread_state64 *state = &context->uc_mcontext->__ss;
    const uint64_t values[17] = {state->__rax, state->__rdx, state->__rcx, state->__rbx, state->__rsi, state->__rdi,
                                 state->__rbp, state->__rsp, state->__r8,  state->__r9,  state->__r10, state->__r11,
                                 state->__r12, state->__r13, state->__r14, state->__r15, state->__rip};
    for (unsigned i = 0; i < 17; i++)
        registers->r[i] = values[i];
    registers->pc = registers->r[WAOT_REGISTER_RETURN];
#elif defined(__aarch64__)
    const struct __darwin_arm_thread_state64 *state = &context->uc_mcontext->__ss;
    for (unsigned i = 0; i < 29; i++)
        registers->r[i] = state->__x[i];
    registers->r[29] = state->__fp;
    registers->r[WAOT_REGISTER_RETURN] = state->__lr;
    registers->r[WAOT_REGISTER_SP] = state->__sp;
    registers->pc = state->__pc;
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
    struct sigaction action = {0};
    action.sa_handler = handler;
    sigaction(signal, &action, 0);
}

static void waot_on_fault(int signal, siginfo_t *info, void *context)
{
    if (info->si_code >= WAOT_SENT) { /* by someone (kill(2)): do what would be done without us */
        waot_set_default(signal, SIG_DFL);
        kill(getpid(), signal);
        return;
    }
    struct waot_registers registers = {0};
    waot_read_context(context, &registers);
    uintptr_t address = (uintptr_t)info->si_addr;
    /* A page that may not be touched is SIGBUS here, and one that is not there SIGSEGV. */
    if (waot_in_guard(address))
        waot_trap("out of bounds memory access", &registers, 1);
    if (address >= waot_stack.guard && address < waot_stack.low)
        waot_trap("call stack exhausted", &registers, 1);
    waot_internal_error(signal, &registers, address);
}

void waot_catch_faults(void)
{
    /* A fault whose signal whoever started us had blocked would end the program without a word. */
    const sigset_t faults = (sigset_t)1 << (SIGSEGV - 1) | (sigset_t)1 << (SIGBUS - 1);
    sigprocmask(SIG_UNBLOCK, &faults, 0);
    const stack_t stack = {.ss_sp = waot_signal_stack, .ss_size = sizeof waot_signal_stack};
    sigaltstack(&stack, 0);
    struct sigaction action = {0};
    action.sa_sigaction = waot_on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
}

void waot_os_report(const char *text, size_t length)
{
    waot_set_default(SIGPIPE, SIG_IGN); /* the status is that of a trap also where nobody reads what is said */
    while (length) {
        ssize_t written = write(2, text, length);
        if (written < 0 && errno == EINTR)
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
    kill(getpid(), SIGABRT);
    waot_exit(134);
}
