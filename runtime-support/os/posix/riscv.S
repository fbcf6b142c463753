/* What C cannot say on RISC-V of both widths whatever the system: stack switch, register capture. Unwinding stops where
 * a frame's return address is undefined: waot_switch_stack. */
#include "../assembly.h"

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        .cfi_undefined ra
        mv      sp, a0
        li      s0, 0
        li      ra, 0
        jalr    a1
        unimp
        end     waot_switch_stack

#if __riscv_xlen == 64
#define STORE sd
#define WORD 8
#else
#define STORE sw
#define WORD 4
#endif

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number, which is the
 * register's own. */
        function waot_capture
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        STORE   x\n, \n * WORD(a0)
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        STORE   x\n, \n * WORD(a0)
        .endr
        STORE   ra, 32 * WORD(a0)       /* pc */
        ret
        end     waot_capture
