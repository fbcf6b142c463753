/* What C cannot say on AArch64 without a system: calls that can be left from below (none.h). */
        .text

/* int waot_none_enter(uintptr_t *stack, void *(*function)(struct waot_slot *), struct waot_slot *slots) */
        .globl  waot_none_enter
        .hidden waot_none_enter
        .type   waot_none_enter, %function
waot_none_enter:
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
        mov     x3, sp
        str     x3, [x0]
        mov     x0, x2
        blr     x1
        mov     w0, #0
.Lout:
        ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #160
        ret
        .size   waot_none_enter, . - waot_none_enter

/* void waot_none_back(uintptr_t stack, int status) */
        .globl  waot_none_back
        .hidden waot_none_back
        .type   waot_none_back, %function
waot_none_back:
        mov     sp, x0
        mov     w0, w1
        b       .Lout
        .size   waot_none_back, . - waot_none_back

        .section .note.GNU-stack, "", %progbits
