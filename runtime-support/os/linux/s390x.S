/* What C cannot say on s390x Linux: entry point, system call, signal return. Unwinding stops where a frame's return
 * address is undefined: _start. Who calls leaves 160 bytes below its own frame to the callee (ELF ABI s390x supplement,
 * 1.2.2). */
#include "../assembly.h"

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined %r14
        lgr     %r2, %r15
        lghi    %r0, -8
        ngr     %r15, %r0
        aghi    %r15, -160
        xc      0(8, %r15), 0(%r15)
        brasl   %r14, waot_start
        .short  0                       /* no instruction */
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f): the last two are in the caller's
 * frame. mmap takes its six by the address of where they are. */
        function waot_syscall
        stmg    %r6, %r7, 48(%r15)
        .cfi_offset %r6, -112
        .cfi_offset %r7, -104
        lgr     %r1, %r2
        lgr     %r2, %r3
        lgr     %r3, %r4
        lgr     %r4, %r5
        lgr     %r5, %r6
        lg      %r6, 160(%r15)
        lg      %r7, 168(%r15)
        cghi    %r1, 90                 /* mmap */
        je      .Lmmap
        svc     0
        lmg     %r6, %r7, 48(%r15)
        br      %r14
.Lmmap:
        aghi    %r15, -48
        .cfi_adjust_cfa_offset 48
        stmg    %r2, %r7, 0(%r15)
        lgr     %r2, %r15
        svc     0
        aghi    %r15, 48
        .cfi_adjust_cfa_offset -48
        lmg     %r6, %r7, 48(%r15)
        br      %r14
        end     waot_syscall

/* sa_restorer */
        trampoline waot_signal_return
        svc     173                     /* rt_sigreturn */
        .size   waot_signal_return, . - waot_signal_return
