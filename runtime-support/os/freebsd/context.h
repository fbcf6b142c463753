/* What FreeBSD tells a handler of faults, for os/posix/signals.c. */
#ifndef WAOT_CONTEXT_H
#define WAOT_CONTEXT_H

#include "../../core/unwind.h"

#include <signal.h>
#include <sys/ucontext.h>

/* Whether somebody sent the signal. A fault's code is a small number. */
static inline bool waot_context_is_sent(const siginfo_t *info)
{
    return info->si_code >= SI_USER || info->si_code <= 0;
}

/* Of a page that may not be touched it is SIGSEGV or, as machdep.prot_fault_translation says, SIGBUS. */
static inline bool waot_context_is_access(int signal)
{
    (void)signal;
    return true;
}

static inline void waot_read_context(const ucontext_t *context, struct waot_registers *registers)
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

#endif
