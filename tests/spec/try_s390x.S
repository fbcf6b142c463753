/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, @function
waot_suite_try:
        stmg    %r6, %r15, 48(%r15)
        aghi    %r15, -224
        std     %f8, 160(%r15)
        std     %f9, 168(%r15)
        std     %f10, 176(%r15)
        std     %f11, 184(%r15)
        std     %f12, 192(%r15)
        std     %f13, 200(%r15)
        std     %f14, 208(%r15)
        std     %f15, 216(%r15)
        stg     %r15, 0(%r4)
        lgr     %r1, %r2
        lgr     %r2, %r3
        basr    %r14, %r1
        lghi    %r2, 0
.Lleave:
        ld      %f8, 160(%r15)
        ld      %f9, 168(%r15)
        ld      %f10, 176(%r15)
        ld      %f11, 184(%r15)
        ld      %f12, 192(%r15)
        ld      %f13, 200(%r15)
        ld      %f14, 208(%r15)
        ld      %f15, 216(%r15)
        lmg     %r6, %r15, 272(%r15)
        br      %r14

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, @function
waot_suite_throw:
        lgr     %r15, %r2
        lghi    %r2, 1
        j       .Lleave

        .section .note.GNU-stack, "", @progbits
