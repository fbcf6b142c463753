/* What C cannot say on AArch64 Linux: entry point, system call, signal return. Unwinding stops where a frame's return
 * address is undefined: _start. */
#include "../assembly.h"

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined x30
        mov     x29, #0
        mov     x30, #0
        mov     x0, sp
        and     x1, x0, #-16
        mov     sp, x1
        bl      waot_start
        brk     #1
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        function waot_syscall
        mov     x8, x0
        mov     x0, x1
        mov     x1, x2
        mov     x2, x3
        mov     x3, x4
        mov     x4, x5
        mov     x5, x6
        svc     #0
        ret
        end     waot_syscall

/* sa_restorer */
        trampoline waot_signal_return
        mov     x8, #139                /* rt_sigreturn */
        svc     #0
        .size   waot_signal_return, . - waot_signal_return
