/* Threads on x86-64 Darwin: what C cannot say. */
#include "../../assembly.h"

/* void waot_call_on_stack(void *top, void (*function)(void *), void *argument). Nothing unwinds beyond. */
        function waot_call_on_stack
        .cfi_undefined rip
        pushq   %rbp
        movq    %rsp, %rbp
        movq    %rdi, %rsp
        movq    %rdx, %rdi
        call    *%rsi
        movq    %rbp, %rsp
        popq    %rbp
        ret
        end     waot_call_on_stack
