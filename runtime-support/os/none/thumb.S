/* What C cannot say on ARM's M profile with floating point: calls that can be left from below (none.h). */
        .syntax unified
        .thumb
        .text

/* int waot_none_enter(uintptr_t *stack, void *(*function)(struct waot_slot *), struct waot_slot *slots) */
        .globl  waot_none_enter
        .hidden waot_none_enter
        .type   waot_none_enter, %function
        .thumb_func
waot_none_enter:
        push    {r4-r11, ip, lr}        /* ip for the alignment to 8 */
        vpush   {d8-d15}
        mov     r3, sp
        str     r3, [r0]
        mov     r0, r2
        blx     r1
        movs    r0, #0
.Lout:
        vpop    {d8-d15}
        pop     {r4-r11, ip, pc}
        .size   waot_none_enter, . - waot_none_enter

/* void waot_none_back(uintptr_t stack, int status) */
        .globl  waot_none_back
        .hidden waot_none_back
        .type   waot_none_back, %function
        .thumb_func
waot_none_back:
        mov     sp, r0
        mov     r0, r1
        b       .Lout
        .size   waot_none_back, . - waot_none_back

        .section .note.GNU-stack, "", %progbits
