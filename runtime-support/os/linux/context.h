/* What Linux tells a handler of faults, for os/posix/signals.c. */
#ifndef WAOT_CONTEXT_H
#define WAOT_CONTEXT_H

#include "../../core/unwind.h"

#include <signal.h>
#include <ucontext.h>

/* Whether somebody sent the signal. */
static inline bool waot_context_is_sent(const siginfo_t *info)
{
    return info->si_code <= 0;
}

/* Whether it is the signal of a page that may not be touched. */
static inline bool waot_context_is_access(int signal)
{
    return signal == SIGSEGV;
}

static inline void waot_read_context(const ucontext_t *context, struct waot_registers *registers)
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

#endif
