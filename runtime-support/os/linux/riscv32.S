/* What C cannot say on 32-bit RISC-V Linux: entry point, system call, stack switch, register capture. Signal handlers return
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
        sw      zero, 0(a0)
        sw      x1, 4(a0)
        sw      x2, 8(a0)
        sw      x3, 12(a0)
        sw      x4, 16(a0)
        sw      x5, 20(a0)
        sw      x6, 24(a0)
        sw      x7, 28(a0)
        sw      x8, 32(a0)
        sw      x9, 36(a0)
        sw      x10, 40(a0)
        sw      x11, 44(a0)
        sw      x12, 48(a0)
        sw      x13, 52(a0)
        sw      x14, 56(a0)
        sw      x15, 60(a0)
        sw      x16, 64(a0)
        sw      x17, 68(a0)
        sw      x18, 72(a0)
        sw      x19, 76(a0)
        sw      x20, 80(a0)
        sw      x21, 84(a0)
        sw      x22, 88(a0)
        sw      x23, 92(a0)
        sw      x24, 96(a0)
        sw      x25, 100(a0)
        sw      x26, 104(a0)
        sw      x27, 108(a0)
        sw      x28, 112(a0)
        sw      x29, 116(a0)
        sw      x30, 120(a0)
        sw      x31, 124(a0)
        sw      ra, 128(a0)             /* pc */
        ret
        .cfi_endproc
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", @progbits
