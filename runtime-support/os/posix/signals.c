/* A fault in a guard is a trap: out of bounds in a memory's reservation, exhaustion in the stack's.
 *
 * The handler runs on a stack of its own, because after exhaustion there is no other. It never returns to the fault.
 */
#include "program.h"

#include "../../core/trap.h"
#include "../../include/waot_abi.h"
#include "context.h"

WAOT_COLD_DATA static unsigned char waot_signal_stack[WAOT_SIGNAL_STACK] __attribute__((aligned(16)));

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

/* What would be done without us. */
static void waot_die_of(int signal)
{
    waot_posix_handle(signal, WAOT_POSIX_DEFAULT);
    waot_call_kill(waot_call_getpid(), signal);
}

static void waot_on_fault(int signal, siginfo_t *info, void *context)
{
    if (waot_context_is_sent(info)) { /* by someone (kill(2)) */
        waot_die_of(signal);
        return;
    }
    struct waot_registers registers = {0};
    waot_read_context(context, &registers);
    uintptr_t address = (uintptr_t)info->si_addr;
    bool access = waot_context_is_access(signal);
    if (access && waot_in_guard(address))
        waot_trap("out of bounds memory access", &registers, 1);
    if (access && address >= waot_stack.guard && address < waot_stack.low)
        waot_trap("call stack exhausted", &registers, waot_is_unframed(address, &registers) ? WAOT_UNFRAMED : 1);
    waot_internal_error(signal, &registers, address);
}

void waot_catch_faults(void)
{
    /* A fault whose signal whoever started us had blocked would end the program without a word. */
    waot_call_unblock(UINT32_C(1) << (SIGSEGV - 1) | UINT32_C(1) << (SIGBUS - 1));
    const stack_t stack = {.ss_sp = waot_signal_stack, .ss_size = sizeof waot_signal_stack};
    waot_call_sigaltstack(&stack);
    waot_posix_handle(SIGSEGV, waot_on_fault);
    waot_posix_handle(SIGBUS, waot_on_fault);
}

void waot_os_report(const char *text, size_t length)
{
    waot_posix_handle(SIGPIPE, WAOT_POSIX_IGNORE); /* the status is that of a trap also where nobody reads what is said */
    while (length) {
        long written = waot_call_write(2, text, length);
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
    waot_die_of(SIGABRT);
    waot_exit(134);
}
