/* What C cannot say on 32-bit Arm whatever the system: stack switch, register capture. Unwinding stops where a frame's
 * return address is undefined: waot_switch_stack. Unwinding goes by .eh_frame, not by the tables of Arm's own ABI. */
#include "../assembly.h"
        .syntax unified
        .arm
        .cfi_sections .eh_frame

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        .cfi_undefined lr
        mov     sp, r0
        mov     r11, #0
        mov     lr, #0
        blx     r1
        udf     #0
        end     waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number, which is the
 * register's own. */
        function waot_capture
        stm     r0, {r0-r12}
        str     sp, [r0, #52]
        str     lr, [r0, #56]
        str     lr, [r0, #60]
        str     lr, [r0, #128]          /* pc */
        bx      lr
        end     waot_capture
