/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .syntax unified
        .arm
        .fpu    vfpv3-d16
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, %function
waot_suite_try:
        push    {r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}
        vpush   {d8, d9, d10, d11, d12, d13, d14, d15}
        str     sp, [r2]
        mov     r3, r0
        mov     r0, r1
        blx     r3
        mov     r0, #0
.Lleave:
        vpop    {d8, d9, d10, d11, d12, d13, d14, d15}
        pop     {r4, r5, r6, r7, r8, r9, r10, r11, r12, pc}

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, %function
waot_suite_throw:
        mov     sp, r0
        mov     r0, #1
        b       .Lleave

        .section .note.GNU-stack, "", %progbits
