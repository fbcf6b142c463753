/* What C cannot say on RISC-V Linux: entry point, system call. Signal handlers return through the vDSO, whose code the
 * kernel itself puts into ra. Unwinding stops where a frame's return address is undefined: _start. */
#include "../assembly.h"

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. gp is nobody's: the linker is not
 * asked to relax accesses to it. */
        .globl  _start
        begin   _start
        .cfi_undefined ra
        li      s0, 0
        li      ra, 0
        mv      a0, sp
        andi    sp, sp, -16
        call    waot_start
        unimp
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        function waot_syscall
        mv      a7, a0
        mv      a0, a1
        mv      a1, a2
        mv      a2, a3
        mv      a3, a4
        mv      a4, a5
        mv      a5, a6
        ecall
        ret
        end     waot_syscall
