/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, %function
waot_suite_try:
        stp     x29, x30, [sp, #-160]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x2]
        mov     x9, x0
        mov     x0, x1
        blr     x9
        mov     w0, #0
.Lleave:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        ret

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, %function
waot_suite_throw:
        mov     sp, x0
        mov     w0, #1
        b       .Lleave

        .section .note.GNU-stack, "", %progbits
