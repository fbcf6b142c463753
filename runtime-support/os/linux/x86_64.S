/* What C cannot say on x86-64 Linux: entry point, system call, signal return. Unwinding stops where a frame's return
 * address is undefined: _start. */
#include "../assembly.h"

/* Entry, System V ABI 3.4.1: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined rip
        xorl    %ebp, %ebp
        movq    %rsp, %rdi
        andq    $-16, %rsp
        call    waot_start
        ud2
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        function waot_syscall
        movq    %rdi, %rax
        movq    %rsi, %rdi
        movq    %rdx, %rsi
        movq    %rcx, %rdx
        movq    %r8, %r10
        movq    %r9, %r8
        movq    8(%rsp), %r9
        syscall
        ret
        end     waot_syscall

/* sa_restorer: the kernel demands one on x86-64. */
        trampoline waot_signal_return
        movl    $15, %eax               /* rt_sigreturn */
        syscall
        .size   waot_signal_return, . - waot_signal_return
