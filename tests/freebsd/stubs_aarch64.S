/* Runs what is written in assembly for FreeBSD, os/freebsd/aarch64.S, on Linux, whose calls take the same registers: the
 * kernel leaves the carry flag as it was. Status 0, or the number of the check that failed. */
        .text
        .globl  test_entry
test_entry:
        mov     x19, #1
        mov     x0, #172                /* getpid, with the carry flag clear */
        adds    x1, xzr, xzr
        bl      waot_syscall
        cmp     x0, #0
        b.le    fail
        mov     x20, x0

        mov     x19, #2
        mov     x0, #172                /* with the carry flag set: the result is an error */
        cmp     x0, x0
        bl      waot_syscall
        adds    x0, x0, x20
        b.ne    fail

        mov     x19, #3                 /* all six arguments: mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) */
        mov     x0, #222
        mov     x1, #0
        mov     x2, #4096
        mov     x3, #3
        mov     x4, #0x22
        mov     x5, #-1
        mov     x6, #0
        adds    x7, xzr, xzr
        bl      waot_syscall
        cmn     x0, #4095
        b.hs    fail
        str     x0, [x0]

        mov     x19, #4                 /* the entry: an argument, and a stack pointer that is not it */
        adr     x0, arguments
        sub     sp, sp, #64
        b       _start

/* Called by _start. */
        .globl  waot_start
waot_start:
        adr     x1, arguments
        cmp     x0, x1
        b.ne    fail
        mov     x19, #5
        mov     x1, sp
        tst     x1, #15
        b.ne    fail
        mov     x19, #0
fail:
        mov     x0, x19
        mov     x8, #94                 /* exit_group */
        svc     #0

        .p2align 4
arguments:
        .quad   0
