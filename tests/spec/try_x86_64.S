/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, @function
waot_suite_try:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        movq    %rsp, (%rdx)
        movq    %rdi, %rax
        movq    %rsi, %rdi
        call    *%rax
        xorl    %eax, %eax
.Lleave:
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, @function
waot_suite_throw:
        movq    %rdi, %rsp
        movl    $1, %eax
        jmp     .Lleave

        .section .note.GNU-stack, "", @progbits
