/* What C cannot say on AArch64 FreeBSD: brand, entry point, system call, stack switch, register capture.
 * Unwinding stops where a frame's return address is undefined: _start and waot_switch_stack. */
#include "brand.h"
        .text

/* Entry: the first argument points to argc, which the stack pointer need not. Static PIEs relocate themselves in
 * waot_start. */
        .globl  _start
        .type   _start, %function
_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, #0
        mov     x30, #0
        mov     x1, sp
        and     sp, x1, #-16
        bl      waot_start
        brk     #1
        .cfi_endproc
        .size   _start, . - _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f): errors have the carry flag set. */
        .globl  waot_syscall
        .hidden waot_syscall
        .type   waot_syscall, %function
waot_syscall:
        .cfi_startproc
        mov     x8, x0
        mov     x0, x1
        mov     x1, x2
        mov     x2, x3
        mov     x3, x4
        mov     x4, x5
        mov     x5, x6
        svc     #0
        cneg    x0, x0, cs
        ret
        .cfi_endproc
        .size   waot_syscall, . - waot_syscall

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, %function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined x30
        mov     sp, x0
        mov     x29, #0
        mov     x30, #0
        blr     x1
        brk     #1
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, %function
waot_capture:
        .cfi_startproc
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
        stp     x30, x1, [x0, #240]     /* x30, sp (DWARF 31) */
        str     x30, [x0, #256]         /* pc */
        ret
        .cfi_endproc
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", %progbits
