/* What C cannot say on x86-64 whatever the system: stack switch, register capture. Unwinding stops where a frame's
 * return address is undefined: waot_switch_stack. */
#include "../assembly.h"

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        .cfi_undefined rip
        movq    %rdi, %rsp
        xorl    %ebp, %ebp
        call    *%rsi
        ud2
        end     waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        function waot_capture
        movq    %rax, 0(%rdi)
        movq    %rdx, 8(%rdi)
        movq    %rcx, 16(%rdi)
        movq    %rbx, 24(%rdi)
        movq    %rsi, 32(%rdi)
        movq    %rdi, 40(%rdi)
        movq    %rbp, 48(%rdi)
        leaq    8(%rsp), %rax
        movq    %rax, 56(%rdi)
        movq    %r8, 64(%rdi)
        movq    %r9, 72(%rdi)
        movq    %r10, 80(%rdi)
        movq    %r11, 88(%rdi)
        movq    %r12, 96(%rdi)
        movq    %r13, 104(%rdi)
        movq    %r14, 112(%rdi)
        movq    %r15, 120(%rdi)
        movq    (%rsp), %rax
        movq    %rax, 256(%rdi)         /* pc */
        ret
        end     waot_capture
