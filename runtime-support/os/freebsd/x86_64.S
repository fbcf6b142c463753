/* What C cannot say on x86-64 FreeBSD: brand, entry point, system call. Unwinding stops where a frame's return address
 * is undefined: _start. */
#include "brand.h"
#include "../assembly.h"

/* Entry: the first argument points to argc, which the stack pointer does not. Static PIEs relocate themselves in
 * waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined rip
        xorl    %ebp, %ebp
        andq    $-16, %rsp
        call    waot_start
        ud2
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f): errors have the carry flag set. */
        function waot_syscall
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
        end     waot_syscall
