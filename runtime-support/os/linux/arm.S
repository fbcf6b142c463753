/* What C cannot say on 32-bit Arm Linux: entry point, system call, stack switch, signal return, register capture.
 * Unwinding goes by .eh_frame, not by the tables of Arm's own ABI, and stops where a frame's return address is undefined:
 * _start and waot_switch_stack. */
        .syntax unified
        .arm
        .cfi_sections .eh_frame
        .text

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        .type   _start, %function
_start:
        .cfi_startproc
        .cfi_undefined lr
        mov     r11, #0
        mov     lr, #0
        mov     r0, sp
        bic     sp, sp, #7
        bl      waot_start
        udf     #0
        .cfi_endproc
        .size   _start, . - _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        .globl  waot_syscall
        .hidden waot_syscall
        .type   waot_syscall, %function
waot_syscall:
        .cfi_startproc
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
        .cfi_endproc
        .size   waot_syscall, . - waot_syscall

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, %function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined lr
        mov     sp, r0
        mov     r11, #0
        mov     lr, #0
        blx     r1
        udf     #0
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* sa_restorer */
        .globl  waot_signal_return
        .hidden waot_signal_return
        .type   waot_signal_return, %function
waot_signal_return:
        mov     r7, #173                /* rt_sigreturn */
        svc     #0
        .size   waot_signal_return, . - waot_signal_return

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number, which is the
 * register's own. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, %function
waot_capture:
        .cfi_startproc
        stm     r0, {r0-r12}
        str     sp, [r0, #52]
        str     lr, [r0, #56]
        str     lr, [r0, #60]
        str     lr, [r0, #128]          /* pc */
        bx      lr
        .cfi_endproc
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", %progbits
