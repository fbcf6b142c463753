/* Threads on AArch64 Darwin: what C cannot say. */
#include "../../assembly.h"

/* void waot_call_on_stack(void *top, void (*function)(void *), void *argument). Nothing unwinds beyond. */
        function waot_call_on_stack
        .cfi_undefined x30
        stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        mov     sp, x0
        mov     x0, x2
        blr     x1
        mov     sp, x29
        ldp     x29, x30, [sp], #16
        ret
        end     waot_call_on_stack
