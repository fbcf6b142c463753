/* What C cannot say on 32-bit RISC-V without a system: calls that can be left from below (none.h). The registers are those
 * of the convention ilp32, in which floats are no registers of their own. */
        .text

/* int waot_none_enter(uintptr_t *stack, void *(*function)(struct waot_slot *), struct waot_slot *slots) */
        .globl  waot_none_enter
        .hidden waot_none_enter
        .type   waot_none_enter, %function
waot_none_enter:
        addi    sp, sp, -64
        sw      ra, 0(sp)
        sw      s0, 4(sp)
        sw      s1, 8(sp)
        sw      s2, 12(sp)
        sw      s3, 16(sp)
        sw      s4, 20(sp)
        sw      s5, 24(sp)
        sw      s6, 28(sp)
        sw      s7, 32(sp)
        sw      s8, 36(sp)
        sw      s9, 40(sp)
        sw      s10, 44(sp)
        sw      s11, 48(sp)
        sw      sp, 0(a0)
        mv      a0, a2
        jalr    a1
        li      a0, 0
.Lout:
        lw      ra, 0(sp)
        lw      s0, 4(sp)
        lw      s1, 8(sp)
        lw      s2, 12(sp)
        lw      s3, 16(sp)
        lw      s4, 20(sp)
        lw      s5, 24(sp)
        lw      s6, 28(sp)
        lw      s7, 32(sp)
        lw      s8, 36(sp)
        lw      s9, 40(sp)
        lw      s10, 44(sp)
        lw      s11, 48(sp)
        addi    sp, sp, 64
        ret
        .size   waot_none_enter, . - waot_none_enter

/* void waot_none_back(uintptr_t stack, int status) */
        .globl  waot_none_back
        .hidden waot_none_back
        .type   waot_none_back, %function
waot_none_back:
        mv      sp, a0
        mv      a0, a1
        j       .Lout
        .size   waot_none_back, . - waot_none_back

        .section .note.GNU-stack, "", %progbits
