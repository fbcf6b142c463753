/* What C cannot say on LoongArch whatever the system: stack switch, register capture. Unwinding stops where a frame's
 * return address is undefined: waot_switch_stack. */
#include "../assembly.h"

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        .cfi_undefined 1
        move    $sp, $a0
        move    $fp, $zero
        move    $ra, $zero
        jirl    $ra, $a1, 0
        break   0
        end     waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number, which is the
 * register's own. */
        function waot_capture
        st.d    $r0, $a0, 0
        st.d    $r1, $a0, 8
        st.d    $r2, $a0, 16
        st.d    $r3, $a0, 24
        st.d    $r4, $a0, 32
        st.d    $r5, $a0, 40
        st.d    $r6, $a0, 48
        st.d    $r7, $a0, 56
        st.d    $r8, $a0, 64
        st.d    $r9, $a0, 72
        st.d    $r10, $a0, 80
        st.d    $r11, $a0, 88
        st.d    $r12, $a0, 96
        st.d    $r13, $a0, 104
        st.d    $r14, $a0, 112
        st.d    $r15, $a0, 120
        st.d    $r16, $a0, 128
        st.d    $r17, $a0, 136
        st.d    $r18, $a0, 144
        st.d    $r19, $a0, 152
        st.d    $r20, $a0, 160
        st.d    $r21, $a0, 168
        st.d    $r22, $a0, 176
        st.d    $r23, $a0, 184
        st.d    $r24, $a0, 192
        st.d    $r25, $a0, 200
        st.d    $r26, $a0, 208
        st.d    $r27, $a0, 216
        st.d    $r28, $a0, 224
        st.d    $r29, $a0, 232
        st.d    $r30, $a0, 240
        st.d    $r31, $a0, 248
        st.d    $ra, $a0, 256           /* pc */
        ret
        end     waot_capture
