/* What C cannot say on RISC-V Linux: entry point, system call, stack switch, register capture. Signal handlers return
 * through the vDSO, whose code the kernel itself puts into ra.
 * Unwinding stops where a frame's return address is undefined: _start and waot_switch_stack. */
        .text

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. gp is nobody's: the linker is not
 * asked to relax accesses to it. */
        .globl  _start
        .type   _start, @function
_start:
        .cfi_startproc
        .cfi_undefined ra
        li      s0, 0
        li      ra, 0
        mv      a0, sp
        andi    sp, sp, -16
        call    waot_start
        unimp
        .cfi_endproc
        .size   _start, . - _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        .globl  waot_syscall
        .hidden waot_syscall
        .type   waot_syscall, @function
waot_syscall:
        .cfi_startproc
        mv      a7, a0
        mv      a0, a1
        mv      a1, a2
        mv      a2, a3
        mv      a3, a4
        mv      a4, a5
        mv      a5, a6
        ecall
        ret
        .cfi_endproc
        .size   waot_syscall, . - waot_syscall

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, @function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined ra
        mv      sp, a0
        li      s0, 0
        li      ra, 0
        jalr    a1
        unimp
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number, which is the
 * register's own. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, @function
waot_capture:
        .cfi_startproc
        sd      zero, 0(a0)
        sd      x1, 8(a0)
        sd      x2, 16(a0)
        sd      x3, 24(a0)
        sd      x4, 32(a0)
        sd      x5, 40(a0)
        sd      x6, 48(a0)
        sd      x7, 56(a0)
        sd      x8, 64(a0)
        sd      x9, 72(a0)
        sd      x10, 80(a0)
        sd      x11, 88(a0)
        sd      x12, 96(a0)
        sd      x13, 104(a0)
        sd      x14, 112(a0)
        sd      x15, 120(a0)
        sd      x16, 128(a0)
        sd      x17, 136(a0)
        sd      x18, 144(a0)
        sd      x19, 152(a0)
        sd      x20, 160(a0)
        sd      x21, 168(a0)
        sd      x22, 176(a0)
        sd      x23, 184(a0)
        sd      x24, 192(a0)
        sd      x25, 200(a0)
        sd      x26, 208(a0)
        sd      x27, 216(a0)
        sd      x28, 224(a0)
        sd      x29, 232(a0)
        sd      x30, 240(a0)
        sd      x31, 248(a0)
        sd      ra, 256(a0)             /* pc */
        ret
        .cfi_endproc
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", @progbits
