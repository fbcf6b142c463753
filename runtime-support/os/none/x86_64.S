/* What C cannot say on x86-64 without a system: calls that can be left from below (none.h). */
        .text

/* int waot_none_enter(uintptr_t *stack, void *(*function)(struct waot_slot *), struct waot_slot *slots) */
        .globl  waot_none_enter
        .hidden waot_none_enter
        .type   waot_none_enter, @function
waot_none_enter:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        movq    %rsp, (%rdi)
        movq    %rdx, %rdi
        call    *%rsi
        xorl    %eax, %eax
.Lout:
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   waot_none_enter, . - waot_none_enter

/* void waot_none_back(uintptr_t stack, int status) */
        .globl  waot_none_back
        .hidden waot_none_back
        .type   waot_none_back, @function
waot_none_back:
        movq    %rdi, %rsp
        movl    %esi, %eax
        jmp     .Lout
        .size   waot_none_back, . - waot_none_back

        .section .note.GNU-stack, "", @progbits
