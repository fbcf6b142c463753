/* What C cannot say on i386 whatever the system: stack switch, register capture. Unwinding stops where a frame's return
 * address is undefined: waot_switch_stack. */
#include "../assembly.h"

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        outermost eip
        movl    8(%esp), %eax
        movl    4(%esp), %esp
        xorl    %ebp, %ebp
        call    *%eax
        ud2
        end     waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        function waot_capture
        movl    4(%esp), %eax
        movl    %eax, 0(%eax)
        movl    %ecx, 4(%eax)
        movl    %edx, 8(%eax)
        movl    %ebx, 12(%eax)
        leal    4(%esp), %ecx
        movl    %ecx, 16(%eax)
        movl    %ebp, 20(%eax)
        movl    %esi, 24(%eax)
        movl    %edi, 28(%eax)
        movl    (%esp), %ecx
        movl    %ecx, 32(%eax)
        movl    %ecx, 128(%eax)         /* pc */
        ret
        end     waot_capture
