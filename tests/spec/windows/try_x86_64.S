/* For driver.c: a call that can be left from below, also from a handler of exceptions, which runs on the same stack. What
 * the caller keeps are, on Windows, rdi, rsi and the vectors 6 to 15 too. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .def    waot_suite_try; .scl 2; .type 32; .endef
        .seh_proc waot_suite_try
waot_suite_try:
        pushq   %rbp
        .seh_pushreg %rbp
        pushq   %rbx
        .seh_pushreg %rbx
        pushq   %rsi
        .seh_pushreg %rsi
        pushq   %rdi
        .seh_pushreg %rdi
        pushq   %r12
        .seh_pushreg %r12
        pushq   %r13
        .seh_pushreg %r13
        pushq   %r14
        .seh_pushreg %r14
        pushq   %r15
        .seh_pushreg %r15
        subq    $200, %rsp
        .seh_stackalloc 200
        .seh_endprologue
        movaps  %xmm6, 32(%rsp)
        movaps  %xmm7, 48(%rsp)
        movaps  %xmm8, 64(%rsp)
        movaps  %xmm9, 80(%rsp)
        movaps  %xmm10, 96(%rsp)
        movaps  %xmm11, 112(%rsp)
        movaps  %xmm12, 128(%rsp)
        movaps  %xmm13, 144(%rsp)
        movaps  %xmm14, 160(%rsp)
        movaps  %xmm15, 176(%rsp)
        movq    %rsp, (%r8)
        movq    %rcx, %rax
        movq    %rdx, %rcx
        call    *%rax
        xorl    %eax, %eax
.Lleave:
        movaps  32(%rsp), %xmm6
        movaps  48(%rsp), %xmm7
        movaps  64(%rsp), %xmm8
        movaps  80(%rsp), %xmm9
        movaps  96(%rsp), %xmm10
        movaps  112(%rsp), %xmm11
        movaps  128(%rsp), %xmm12
        movaps  144(%rsp), %xmm13
        movaps  160(%rsp), %xmm14
        movaps  176(%rsp), %xmm15
        addq    $200, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rdi
        popq    %rsi
        popq    %rbx
        popq    %rbp
        ret
        .seh_endproc

/* void waot_suite_throw(void *frame): the guard of the stack may have been used up, so it is put back. */
        .globl  waot_suite_throw
        .def    waot_suite_throw; .scl 2; .type 32; .endef
waot_suite_throw:
        movq    %rcx, %rsp
        call    waot_windows_guard_stack
        movl    $1, %eax
        jmp     .Lleave
