/* What C cannot say on 64-bit little-endian POWER Linux (ABI ELFv2): entry point, signal return; system calls are inline
 * (syscall.h). Unwinding stops where a frame's return address is undefined: _start. Who calls leaves 32 bytes at the end
 * of its frame to the callee. */
#include "../assembly.h"
        .abiversion 2

/* Entry: the stack pointer is at argc. Static PIEs relocate themselves in waot_start, which needs the TOC's address in
 * r2 to find anything: the only one who has to make it. */
        .globl  _start
        begin   _start
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
        end     _start

/* sa_restorer */
        trampoline waot_signal_return
        li      0, 172                  /* rt_sigreturn */
        sc
        .size   waot_signal_return, . - waot_signal_return
