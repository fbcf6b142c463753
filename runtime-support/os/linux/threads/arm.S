/* Threads on 32-bit Arm Linux: what C cannot say. */
#include "../../assembly.h"
        .syntax unified
        .arm
        .cfi_sections .eh_frame

/* void waot_set_thread_pointer(void *pointer): programs may read that register, and the kernel alone writes it. */
        function waot_set_thread_pointer
        mov     r12, r7
        .cfi_register r7, r12
        movw    r7, #5                  /* __ARM_NR_set_tls */
        movt    r7, #15
        svc     #0
        mov     r7, r12
        .cfi_restore r7
        bx      lr
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but r0. */
        function waot_clone
        push    {r4, r5, r6, r7}
        .cfi_adjust_cfa_offset 16
        .cfi_rel_offset r4, 0
        .cfi_rel_offset r5, 4
        .cfi_rel_offset r6, 8
        .cfi_rel_offset r7, 12
        mov     r5, r3
        ldr     r6, [sp, #16]
        mov     r3, r2                  /* clone(flags, stack, parent_tid, tls, child_tid) */
        mov     r2, #0
        mov     r4, #0
        mov     r7, #120
        svc     #0
        cmp     r0, #0
        beq     .Lthread
        pop     {r4, r5, r6, r7}
        .cfi_adjust_cfa_offset -16
        .cfi_restore r4
        .cfi_restore r5
        .cfi_restore r6
        .cfi_restore r7
        bx      lr
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined lr
        mov     r11, #0
        mov     lr, #0
        mov     r0, r6
        blx     r5
        udf     #0
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined lr
        mov     r7, #91                 /* munmap */
        svc     #0
        mov     r0, #0
        mov     r7, #1                  /* exit, of this thread alone */
        svc     #0
        udf     #0
        end     waot_end_thread
