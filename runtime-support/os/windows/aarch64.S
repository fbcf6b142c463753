/* What C cannot say on AArch64 Windows: stack switch and register capture, as everywhere, and the probing of large frames,
 * which compiled code calls. None has a frame, so none has an entry in .pdata, and unwinding stops at waot_switch_stack:
 * what calls another function has an entry. Register 18 is the thread's block: nothing writes it. */
#include "../posix/aarch64.S"

/* Touches each page of the stack down to 16 * x15 bytes below: only the page behind the last one that was touched is a
 * guard that makes the stack grow. A frame larger than what is below the stack has its end at 0, not around the corner.
 * Changes x16, x17 and the flags. */
        function __chkstk
        subs    x17, sp, x15, uxtx #4
        csel    x17, xzr, x17, lo
        mov     x16, sp
1:      sub     x16, x16, #4096
        cmp     x16, x17
        b.ls    2f
        ldrb    wzr, [x16]
        b       1b
2:      ldrb    wzr, [x17]
        ret
        end     __chkstk
