/* What C cannot say on s390x whatever the system: stack switch, register capture. Unwinding stops where a frame's return
 * address is undefined: waot_switch_stack. Who calls leaves 160 bytes below its own frame to the callee (ELF ABI s390x
 * supplement, 1.2.2). */
#include "../assembly.h"

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        .cfi_undefined %r14
        lgr     %r15, %r2
        aghi    %r15, -160
        xc      0(8, %r15), 0(%r15)
        basr    %r14, %r3
        .short  0
        end     waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        function waot_capture
        stmg    %r0, %r15, 0(%r2)
        stg     %r14, 256(%r2)          /* pc */
        br      %r14
        end     waot_capture
