/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, @function
waot_suite_try:
        addi    sp, sp, -160
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
        fsd     fs0, 56(sp)
        fsd     fs1, 64(sp)
        fsd     fs2, 72(sp)
        fsd     fs3, 80(sp)
        fsd     fs4, 88(sp)
        fsd     fs5, 96(sp)
        fsd     fs6, 104(sp)
        fsd     fs7, 112(sp)
        fsd     fs8, 120(sp)
        fsd     fs9, 128(sp)
        fsd     fs10, 136(sp)
        fsd     fs11, 144(sp)
        sw      sp, (a2)
        mv      t0, a0
        mv      a0, a1
        jalr    t0
        li      a0, 0
.Lleave:
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
        fld     fs0, 56(sp)
        fld     fs1, 64(sp)
        fld     fs2, 72(sp)
        fld     fs3, 80(sp)
        fld     fs4, 88(sp)
        fld     fs5, 96(sp)
        fld     fs6, 104(sp)
        fld     fs7, 112(sp)
        fld     fs8, 120(sp)
        fld     fs9, 128(sp)
        fld     fs10, 136(sp)
        fld     fs11, 144(sp)
        addi    sp, sp, 160
        ret

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, @function
waot_suite_throw:
        mv      sp, a0
        li      a0, 1
        j       .Lleave

        .section .note.GNU-stack, "", @progbits
