/* Runs what is written in assembly for threads of FreeBSD's, os/freebsd/threads/aarch64.S, on Linux. It ends at the breakpoint
 * behind two calls that only FreeBSD has; or with status 1 to 3, the number of the check that failed. */
        .text
        .globl  test_entry
test_entry:
        mov     x19, #1
        ldr     x0, =0x123456789abc
        bl      waot_set_thread_pointer
        mrs     x1, tpidr_el0
        ldr     x2, =0x123456789abc
        cmp     x1, x2
        b.ne    fail

        mov     x19, #2                 /* as thr_new enters it */
        ldr     x0, =0xabcdef
        mov     x29, #7
        mov     x30, #9
        b       waot_enter_run_thread

/* Called by waot_enter_run_thread: who it returns to does not come back. */
        .globl  waot_run_thread
waot_run_thread:
        ldr     x1, =0xabcdef
        cmp     x0, x1
        b.ne    fail
        mov     x19, #3
        cbnz    x29, fail
        mov     x0, #4096
        mov     x1, #8192
        b       waot_end_thread
fail:
        mov     x0, x19
        mov     x8, #94                 /* exit_group */
        svc     #0
