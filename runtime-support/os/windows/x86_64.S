/* What C cannot say on x86-64 Windows: stack switch, register capture, and the probing of large frames, which compiled code
 * calls. Unwinding stops at waot_switch_stack: nothing has a return address below the stack's end. */
#include "../assembly.h"

/* Touches each page of the stack down to rax bytes below: only the page behind the last one that was touched is a guard
 * that makes the stack grow. Changes no register. */
        function ___chkstk_ms
        pushq   %rcx
        pushq   %rax
        leaq    24(%rsp), %rcx
        cmpq    $4096, %rax
        jb      2f
1:      subq    $4096, %rcx
        testb   %cl, (%rcx)
        subq    $4096, %rax
        cmpq    $4096, %rax
        ja      1b
2:      subq    %rax, %rcx
        testb   %cl, (%rcx)
        popq    %rax
        popq    %rcx
        ret
        end     ___chkstk_ms

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        function waot_switch_stack
        leaq    -32(%rcx), %rsp
        xorl    %ebp, %ebp
        call    *%rdx
        ud2
        end     waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, in the order of a CONTEXT. */
        function waot_capture
        movq    %rax, 0(%rcx)
        movq    %rcx, 8(%rcx)
        movq    %rdx, 16(%rcx)
        movq    %rbx, 24(%rcx)
        leaq    8(%rsp), %rax
        movq    %rax, 32(%rcx)
        movq    %rbp, 40(%rcx)
        movq    %rsi, 48(%rcx)
        movq    %rdi, 56(%rcx)
        movq    %r8, 64(%rcx)
        movq    %r9, 72(%rcx)
        movq    %r10, 80(%rcx)
        movq    %r11, 88(%rcx)
        movq    %r12, 96(%rcx)
        movq    %r13, 104(%rcx)
        movq    %r14, 112(%rcx)
        movq    %r15, 120(%rcx)
        movq    (%rsp), %rax
        movq    %rax, 256(%rcx)         /* pc */
        ret
        end     waot_capture
