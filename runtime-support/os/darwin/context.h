/* What Darwin tells a handler of faults, for os/posix/signals.c. */
#ifndef WAOT_CONTEXT_H
#define WAOT_CONTEXT_H

#include "../../core/unwind.h"

#include <signal.h>
#include <sys/ucontext.h>

/* Whether somebody sent the signal. A fault's code is a small number; what kill(2) and the like send is said by SI_USER
 * and those above. */
static inline bool waot_context_is_sent(const siginfo_t *info)
{
    return info->si_code >= 0x10001; /* SI_USER */
}

/* A page that may not be touched is SIGBUS here, and one that is not there SIGSEGV. */
static inline bool waot_context_is_access(int signal)
{
    (void)signal;
    return true;
}

static inline void waot_read_context(const ucontext_t *context, struct waot_registers *registers)
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

#endif
