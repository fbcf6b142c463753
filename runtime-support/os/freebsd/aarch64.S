/* What C cannot say on AArch64 FreeBSD: brand, entry point, system call. Unwinding stops where a frame's return address
 * is undefined: _start. */
#include "brand.h"
#include "../assembly.h"

/* Entry: the first argument points to argc, which the stack pointer need not. Static PIEs relocate themselves in
 * waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined x30
        mov     x29, #0
        mov     x30, #0
        mov     x1, sp
        and     sp, x1, #-16
        bl      waot_start
        brk     #1
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f): errors have the carry flag set. */
        function waot_syscall
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
        end     waot_syscall
