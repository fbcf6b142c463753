/* What C cannot say on 64-bit little-endian POWER Linux (ABI ELFv2): entry point, system call, stack switch, signal
 * return, register capture, tail call through a pointer. Unwinding stops where a frame's return address is undefined:
 * _start and waot_switch_stack. Who calls leaves 32 bytes at the end of its frame to the callee. */
        .abiversion 2
        .text

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start, which needs the TOC's address in
 * r2 to find anything: the only one who has to make it. */
        .globl  _start
        .type   _start, @function
_start:
        .cfi_startproc
        .cfi_undefined 65
        bcl     20, 31, .Lhere
.Lhere: mflr    12
        addis   2, 12, .TOC.-.Lhere@ha
        addi    2, 2, .TOC.-.Lhere@l
        mr      3, 1
        clrrdi  1, 1, 4
        li      0, 0
        stdu    0, -32(1)
        mtlr    0
        bl      waot_start
        nop
        trap
        .cfi_endproc
        .size   _start, . - _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f). An error is told by summary overflow,
 * its number is positive then. */
        .globl  waot_syscall
        .hidden waot_syscall
        .type   waot_syscall, @function
waot_syscall:
        .cfi_startproc
        mr      0, 3
        mr      3, 4
        mr      4, 5
        mr      5, 6
        mr      6, 7
        mr      7, 8
        mr      8, 9
        sc
        bnslr+
        neg     3, 3
        blr
        .cfi_endproc
        .size   waot_syscall, . - waot_syscall

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, @function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined 65
        mr      1, 3
        li      0, 0
        stdu    0, -32(1)
        mr      12, 4
        mtctr   12
        bctrl
        trap
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* A call through a pointer whose caller is gone by then: the arguments are where they belong, the pointer is in r11
 * (`nest`). The TOC is that of the whole program, so nobody has to restore it, which is why LLVM makes no such call
 * itself. */
        .globl  waot_tail_call
        .hidden waot_tail_call
        .type   waot_tail_call, @function
waot_tail_call:
        .cfi_startproc
        mr      12, 11
        mtctr   11
        bctr
        .cfi_endproc
        .size   waot_tail_call, . - waot_tail_call

/* sa_restorer */
        .globl  waot_signal_return
        .hidden waot_signal_return
        .type   waot_signal_return, @function
waot_signal_return:
        li      0, 172                  /* rt_sigreturn */
        sc
        .size   waot_signal_return, . - waot_signal_return

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, @function
waot_capture:
        .cfi_startproc
        std     0, 0(3)
        std     1, 8(3)
        std     2, 16(3)
        std     3, 24(3)
        std     4, 32(3)
        std     5, 40(3)
        std     6, 48(3)
        std     7, 56(3)
        std     8, 64(3)
        std     9, 72(3)
        std     10, 80(3)
        std     11, 88(3)
        std     12, 96(3)
        std     13, 104(3)
        std     14, 112(3)
        std     15, 120(3)
        std     16, 128(3)
        std     17, 136(3)
        std     18, 144(3)
        std     19, 152(3)
        std     20, 160(3)
        std     21, 168(3)
        std     22, 176(3)
        std     23, 184(3)
        std     24, 192(3)
        std     25, 200(3)
        std     26, 208(3)
        std     27, 216(3)
        std     28, 224(3)
        std     29, 232(3)
        std     30, 240(3)
        std     31, 248(3)
        mflr    4
        std     4, 520(3)               /* lr, DWARF 65 */
        std     4, 528(3)               /* pc */
        blr
        .cfi_endproc
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", @progbits
