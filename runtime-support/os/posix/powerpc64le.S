/* What C cannot say on 64-bit little-endian POWER (ABI ELFv2) whatever the system: stack switch, register capture, tail
 * call through a pointer. Unwinding stops where a frame's return address is undefined: waot_switch_stack. Who calls
 * leaves 32 bytes at the end of its frame to the callee. */
#include "../assembly.h"
        .abiversion 2

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        .cfi_undefined 65
        mr      1, 3
        li      0, 0
        stdu    0, -32(1)
        mr      12, 4
        mtctr   12
        bctrl
        trap
        end     waot_switch_stack

/* A call through a pointer whose caller is gone by then: the arguments are where they belong, the pointer is in r11
 * (`nest`). The TOC is that of the whole program, so nobody has to restore it, which is why LLVM makes no such call
 * itself. */
        function waot_tail_call
        mr      12, 11
        mtctr   11
        bctr
        end     waot_tail_call

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        function waot_capture
        std     0, 0(3)
        std     1, 8(3)
        std     2, 16(3)
        std     3, 24(3)
        std     4, 32(3)
        std     5, 40(3)
        std     6, 48(3)
        std     7, 56(3)
        std     8, 64(3)
        std     9, 72(3)
        std     10, 80(3)
        std     11, 88(3)
        std     12, 96(3)
        std     13, 104(3)
        std     14, 112(3)
        std     15, 120(3)
        std     16, 128(3)
        std     17, 136(3)
        std     18, 144(3)
        std     19, 152(3)
        std     20, 160(3)
        std     21, 168(3)
        std     22, 176(3)
        std     23, 184(3)
        std     24, 192(3)
        std     25, 200(3)
        std     26, 208(3)
        std     27, 216(3)
        std     28, 224(3)
        std     29, 232(3)
        std     30, 240(3)
        std     31, 248(3)
        mflr    4
        std     4, 520(3)               /* lr, DWARF 65 */
        std     4, 528(3)               /* pc */
        blr
        end     waot_capture
