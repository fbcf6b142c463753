/* Runs what is written in assembly for Windows, os/windows/aarch64.S, on Linux. Status 0, or the number of the check that
 * failed. */
        .text
        .globl  test_entry
test_entry:
        mov     x19, #1                 /* waot_capture stores what it finds, in order */
        adrp    x0, registers
        add     x0, x0, :lo12:registers
        mov     x2, #102
        mov     x17, #117
        mov     x18, #118
        mov     x28, #128
        mov     x29, #129
        bl      waot_capture
behind:
        ldr     x1, [x0]
        cmp     x1, x0
        b.ne    fail
        ldr     x1, [x0, #16]
        cmp     x1, #102
        b.ne    fail
        ldr     x1, [x0, #136]
        cmp     x1, #117
        b.ne    fail
        ldp     x1, x2, [x0, #144]
        cmp     x1, #118
        b.ne    fail
        cmp     x2, #1
        b.ne    fail
        ldp     x1, x2, [x0, #224]
        cmp     x1, #128
        b.ne    fail
        cmp     x2, #129
        b.ne    fail
        adr     x3, behind
        ldp     x1, x2, [x0, #240]
        cmp     x1, x3
        b.ne    fail
        mov     x4, sp
        cmp     x2, x4
        b.ne    fail
        ldr     x1, [x0, #256]
        cmp     x1, x3
        b.ne    fail
        cmp     x18, #118
        b.ne    fail

        mov     x19, #2                 /* __chkstk moves neither the stack nor an argument, and touches 32 KiB */
        mov     x20, sp
        mov     x0, #100
        mov     x8, #108
        mov     x15, #2048
        bl      __chkstk
        mov     x1, sp
        cmp     x1, x20
        b.ne    fail
        cmp     x15, #2048
        b.ne    fail
        cmp     x0, #100
        b.ne    fail
        cmp     x8, #108
        b.ne    fail
        mov     x15, #1                 /* less than a page */
        bl      __chkstk
        mov     x15, #0
        bl      __chkstk

        mov     x19, #3                 /* every page: the one in the middle of three is not there */
        mov     x0, #0                  /* mmap(0, 16384, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) */
        mov     x1, #16384
        mov     x2, #3
        mov     x3, #0x22
        mov     x4, #-1
        mov     x5, #0
        mov     x8, #222
        svc     #0
        cmn     x0, #4095
        b.hs    fail
        mov     x21, x0
        add     x0, x21, #8192          /* mprotect(page, 4096, PROT_NONE, ...) */
        mov     x1, #4096
        mov     x2, #0
        mov     x8, #226
        svc     #0
        cbnz    x0, fail
        mov     x0, #11                 /* rt_sigaction(SIGSEGV, action, 0, 8) */
        adrp    x1, action
        add     x1, x1, :lo12:action
        adr     x2, touched
        str     x2, [x1]
        mov     x2, #0
        mov     x3, #8
        mov     x8, #134
        svc     #0
        cbnz    x0, fail
        adrp    x0, other               /* sigaltstack */
        add     x0, x0, :lo12:other
        adrp    x1, room
        add     x1, x1, :lo12:room
        str     x1, [x0]
        mov     x1, #0
        mov     x8, #132
        svc     #0
        cbnz    x0, fail
        add     sp, x21, #16384
        mov     x15, #960               /* to 15360 bytes below: in the first page, which is there */
        bl      __chkstk
        b       fail

/* Where the page that is not there was touched: void (int, siginfo_t *, ucontext_t *). */
touched:
        mov     x19, #4
        ldr     x1, [x1, #16]           /* si_addr */
        sub     x1, x1, x21
        lsr     x1, x1, #12
        cmp     x1, #2
        b.ne    fail

        mov     x19, #5                 /* waot_switch_stack: the stack, no frame above, and an aligned pointer */
        add     x0, x21, #4096
        adr     x1, switched
        mov     x29, #1
        bl      waot_switch_stack
        b       fail
switched:
        mov     x0, sp
        add     x1, x21, #4096
        cmp     x0, x1
        b.ne    fail
        cbnz    x29, fail
        mov     x19, #0
fail:
        mov     x0, x19
        mov     x8, #94                 /* exit_group */
        svc     #0

        .bss
        .p2align 4
registers:
        .zero   264
        .p2align 4
room:   .zero   32768

        .data
        .p2align 3
action: .quad   0, 0x08000004, 0, 0     /* handler, SA_ONSTACK | SA_SIGINFO, restorer, mask */
other:  .quad   0, 0, 32768             /* pointer, flags, size */
