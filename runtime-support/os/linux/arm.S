/* What C cannot say on 32-bit Arm Linux: entry point, system call, signal return. Unwinding goes by .eh_frame, not by
 * the tables of Arm's own ABI, and stops where a frame's return address is undefined: _start. */
#include "../assembly.h"
        .syntax unified
        .arm
        .cfi_sections .eh_frame

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined lr
        mov     r11, #0
        mov     lr, #0
        mov     r0, sp
        bic     sp, sp, #7
        bl      waot_start
        udf     #0
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        function waot_syscall
        push    {r4, r5, r6, r7}
        .cfi_adjust_cfa_offset 16
        .cfi_rel_offset r4, 0
        .cfi_rel_offset r5, 4
        .cfi_rel_offset r6, 8
        .cfi_rel_offset r7, 12
        mov     r7, r0
        mov     r0, r1
        mov     r1, r2
        mov     r2, r3
        ldr     r3, [sp, #16]
        ldr     r4, [sp, #20]
        ldr     r5, [sp, #24]
        svc     #0
        pop     {r4, r5, r6, r7}
        .cfi_adjust_cfa_offset -16
        .cfi_restore r4
        .cfi_restore r5
        .cfi_restore r6
        .cfi_restore r7
        bx      lr
        end     waot_syscall

/* sa_restorer */
        trampoline waot_signal_return
        mov     r7, #173                /* rt_sigreturn */
        svc     #0
        .size   waot_signal_return, . - waot_signal_return
