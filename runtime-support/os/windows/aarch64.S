/* What C cannot say on AArch64 Windows: stack switch, register capture, and the probing of large frames, which compiled
 * code calls. None has a frame, so none has an entry in .pdata. Register 18 is the thread's block: nothing writes it.
 * Unwinding stops at waot_switch_stack: what calls another function has an entry. */
        .text

/* Touches each page of the stack down to 16 * x15 bytes below: only the page behind the last one that was touched is a
 * guard that makes the stack grow. A frame larger than what is below the stack has its end at 0, not around the corner.
 * Changes x16, x17 and the flags. */
        .globl  __chkstk
        .def    __chkstk; .scl 2; .type 32; .endef
__chkstk:
        subs    x17, sp, x15, uxtx #4
        csel    x17, xzr, x17, lo
        mov     x16, sp
1:      sub     x16, x16, #4096
        cmp     x16, x17
        b.ls    2f
        ldrb    wzr, [x16]
        b       1b
2:      ldrb    wzr, [x17]
        ret

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .def    waot_switch_stack; .scl 2; .type 32; .endef
waot_switch_stack:
        mov     sp, x0
        mov     x29, #0
        mov     x30, #0
        blr     x1
        brk     #1

/* void waot_capture(struct waot_registers *): the registers as they are after the return, in the order of a CONTEXT. */
        .globl  waot_capture
        .def    waot_capture; .scl 2; .type 32; .endef
waot_capture:
        stp     x0, x1, [x0, #0]
        stp     x2, x3, [x0, #16]
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        stp     x18, x19, [x0, #144]
        stp     x20, x21, [x0, #160]
        stp     x22, x23, [x0, #176]
        stp     x24, x25, [x0, #192]
        stp     x26, x27, [x0, #208]
        stp     x28, x29, [x0, #224]
        mov     x1, sp
        stp     x30, x1, [x0, #240]     /* Lr, Sp */
        str     x30, [x0, #256]         /* pc */
        ret
