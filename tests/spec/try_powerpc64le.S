/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .abiversion 2
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, @function
waot_suite_try:
        mflr    0
        std     0, 16(1)
        mfcr    0
        stw     0, 8(1)
        stdu    1, -512(1)
        std     14, 32(1)
        std     15, 40(1)
        std     16, 48(1)
        std     17, 56(1)
        std     18, 64(1)
        std     19, 72(1)
        std     20, 80(1)
        std     21, 88(1)
        std     22, 96(1)
        std     23, 104(1)
        std     24, 112(1)
        std     25, 120(1)
        std     26, 128(1)
        std     27, 136(1)
        std     28, 144(1)
        std     29, 152(1)
        std     30, 160(1)
        std     31, 168(1)
        stfd    14, 176(1)
        stfd    15, 184(1)
        stfd    16, 192(1)
        stfd    17, 200(1)
        stfd    18, 208(1)
        stfd    19, 216(1)
        stfd    20, 224(1)
        stfd    21, 232(1)
        stfd    22, 240(1)
        stfd    23, 248(1)
        stfd    24, 256(1)
        stfd    25, 264(1)
        stfd    26, 272(1)
        stfd    27, 280(1)
        stfd    28, 288(1)
        stfd    29, 296(1)
        stfd    30, 304(1)
        stfd    31, 312(1)
        li      0, 320
        stvx    20, 1, 0
        li      0, 336
        stvx    21, 1, 0
        li      0, 352
        stvx    22, 1, 0
        li      0, 368
        stvx    23, 1, 0
        li      0, 384
        stvx    24, 1, 0
        li      0, 400
        stvx    25, 1, 0
        li      0, 416
        stvx    26, 1, 0
        li      0, 432
        stvx    27, 1, 0
        li      0, 448
        stvx    28, 1, 0
        li      0, 464
        stvx    29, 1, 0
        li      0, 480
        stvx    30, 1, 0
        li      0, 496
        stvx    31, 1, 0
        std     2, 24(1)
        std     1, 0(5)
        mr      12, 3
        mr      3, 4
        mtctr   12
        bctrl
        li      3, 0
.Lleave:
        ld      2, 24(1)
        ld      14, 32(1)
        ld      15, 40(1)
        ld      16, 48(1)
        ld      17, 56(1)
        ld      18, 64(1)
        ld      19, 72(1)
        ld      20, 80(1)
        ld      21, 88(1)
        ld      22, 96(1)
        ld      23, 104(1)
        ld      24, 112(1)
        ld      25, 120(1)
        ld      26, 128(1)
        ld      27, 136(1)
        ld      28, 144(1)
        ld      29, 152(1)
        ld      30, 160(1)
        ld      31, 168(1)
        lfd     14, 176(1)
        lfd     15, 184(1)
        lfd     16, 192(1)
        lfd     17, 200(1)
        lfd     18, 208(1)
        lfd     19, 216(1)
        lfd     20, 224(1)
        lfd     21, 232(1)
        lfd     22, 240(1)
        lfd     23, 248(1)
        lfd     24, 256(1)
        lfd     25, 264(1)
        lfd     26, 272(1)
        lfd     27, 280(1)
        lfd     28, 288(1)
        lfd     29, 296(1)
        lfd     30, 304(1)
        lfd     31, 312(1)
        li      0, 320
        lvx     20, 1, 0
        li      0, 336
        lvx     21, 1, 0
        li      0, 352
        lvx     22, 1, 0
        li      0, 368
        lvx     23, 1, 0
        li      0, 384
        lvx     24, 1, 0
        li      0, 400
        lvx     25, 1, 0
        li      0, 416
        lvx     26, 1, 0
        li      0, 432
        lvx     27, 1, 0
        li      0, 448
        lvx     28, 1, 0
        li      0, 464
        lvx     29, 1, 0
        li      0, 480
        lvx     30, 1, 0
        li      0, 496
        lvx     31, 1, 0
        addi    1, 1, 512
        lwz     0, 8(1)
        mtcr    0
        ld      0, 16(1)
        mtlr    0
        blr

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, @function
waot_suite_throw:
        mr      1, 3
        li      3, 1
        b       .Lleave

        .section .note.GNU-stack, "", @progbits
