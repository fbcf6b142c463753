/* What C cannot say on LoongArch Linux: entry point, system call. Signal handlers return through the vDSO, whose code
 * the kernel itself puts into ra. Unwinding stops where a frame's return address is undefined: _start. */
#include "../assembly.h"

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined 1
        move    $fp, $zero
        move    $ra, $zero
        move    $a0, $sp
        bstrins.d $sp, $zero, 3, 0
        bl      waot_start
        break   0
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        function waot_syscall
        move    $t0, $a0
        move    $a0, $a1
        move    $a1, $a2
        move    $a2, $a3
        move    $a3, $a4
        move    $a4, $a5
        move    $a5, $a6
        move    $a7, $t0
        syscall 0
        ret
        end     waot_syscall
