/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, @function
waot_suite_try:
        addi.d  $sp, $sp, -160
        st.d    $ra, $sp, 0
        st.d    $fp, $sp, 8
        st.d    $s0, $sp, 16
        st.d    $s1, $sp, 24
        st.d    $s2, $sp, 32
        st.d    $s3, $sp, 40
        st.d    $s4, $sp, 48
        st.d    $s5, $sp, 56
        st.d    $s6, $sp, 64
        st.d    $s7, $sp, 72
        st.d    $s8, $sp, 80
        fst.d   $fs0, $sp, 88
        fst.d   $fs1, $sp, 96
        fst.d   $fs2, $sp, 104
        fst.d   $fs3, $sp, 112
        fst.d   $fs4, $sp, 120
        fst.d   $fs5, $sp, 128
        fst.d   $fs6, $sp, 136
        fst.d   $fs7, $sp, 144
        st.d    $sp, $a2, 0
        move    $t0, $a0
        move    $a0, $a1
        jirl    $ra, $t0, 0
        move    $a0, $zero
.Lleave:
        ld.d    $ra, $sp, 0
        ld.d    $fp, $sp, 8
        ld.d    $s0, $sp, 16
        ld.d    $s1, $sp, 24
        ld.d    $s2, $sp, 32
        ld.d    $s3, $sp, 40
        ld.d    $s4, $sp, 48
        ld.d    $s5, $sp, 56
        ld.d    $s6, $sp, 64
        ld.d    $s7, $sp, 72
        ld.d    $s8, $sp, 80
        fld.d   $fs0, $sp, 88
        fld.d   $fs1, $sp, 96
        fld.d   $fs2, $sp, 104
        fld.d   $fs3, $sp, 112
        fld.d   $fs4, $sp, 120
        fld.d   $fs5, $sp, 128
        fld.d   $fs6, $sp, 136
        fld.d   $fs7, $sp, 144
        addi.d  $sp, $sp, 160
        ret

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, @function
waot_suite_throw:
        move    $sp, $a0
        ori     $a0, $zero, 1
        b       .Lleave

        .section .note.GNU-stack, "", @progbits
