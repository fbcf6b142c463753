/* What C cannot say on AArch64 whatever the system: stack switch, register capture. Unwinding stops where a frame's
 * return address is undefined: waot_switch_stack. */
#include "../assembly.h"

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        outermost x30
        mov     sp, x0
        mov     x29, #0
        mov     x30, #0
        blr     x1
        brk     #1
        end     waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number, which is
 * the order of a CONTEXT of Windows too. */
        function waot_capture
        stp     x0, x1, [x0, #0]
        stp     x2, x3, [x0, #16]
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        stp     x18, x19, [x0, #144]
        stp     x20, x21, [x0, #160]
        stp     x22, x23, [x0, #176]
        stp     x24, x25, [x0, #192]
        stp     x26, x27, [x0, #208]
        stp     x28, x29, [x0, #224]
        mov     x1, sp
        stp     x30, x1, [x0, #240]     /* x30, sp (31) */
        str     x30, [x0, #256]         /* pc */
        ret
        end     waot_capture
