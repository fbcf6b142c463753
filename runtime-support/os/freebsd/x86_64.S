/* What C cannot say on x86-64 FreeBSD: brand, entry point, system call, stack switch, register capture.
 * Unwinding stops where a frame's return address is undefined: _start and waot_switch_stack. */
#include "brand.h"
        .text

/* Entry: the first argument points to argc, which the stack pointer does not. Static PIEs relocate themselves in
 * waot_start. */
        .globl  _start
        .type   _start, @function
_start:
        .cfi_startproc
        .cfi_undefined rip
        xorl    %ebp, %ebp
        andq    $-16, %rsp
        call    waot_start
        ud2
        .cfi_endproc
        .size   _start, . - _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f): errors have the carry flag set. */
        .globl  waot_syscall
        .hidden waot_syscall
        .type   waot_syscall, @function
waot_syscall:
        .cfi_startproc
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        movq    %rcx, %rdx
        movq    %r8, %r10
        movq    %r9, %r8
        movq    8(%rsp), %r9
        syscall
        jnc     1f
        negq    %rax
1:      ret
        .cfi_endproc
        .size   waot_syscall, . - waot_syscall

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, @function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined rip
        movq    %rdi, %rsp
        xorl    %ebp, %ebp
        call    *%rsi
        ud2
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, @function
waot_capture:
        .cfi_startproc
        movq    %rax, 0(%rdi)
        movq    %rdx, 8(%rdi)
        movq    %rcx, 16(%rdi)
        movq    %rbx, 24(%rdi)
        movq    %rsi, 32(%rdi)
        movq    %rdi, 40(%rdi)
        movq    %rbp, 48(%rdi)
        leaq    8(%rsp), %rax
        movq    %rax, 56(%rdi)
        movq    %r8, 64(%rdi)
        movq    %r9, 72(%rdi)
        movq    %r10, 80(%rdi)
        movq    %r11, 88(%rdi)
        movq    %r12, 96(%rdi)
        movq    %r13, 104(%rdi)
        movq    %r14, 112(%rdi)
        movq    %r15, 120(%rdi)
        movq    (%rsp), %rax
        movq    %rax, 256(%rdi)         /* pc */
        ret
        .cfi_endproc
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", @progbits
