/* For driver.c: a call that can be left from below, also from a handler of exceptions, which runs on the same stack. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  _waot_suite_try
        .def    _waot_suite_try; .scl 2; .type 32; .endef
_waot_suite_try:
        pushl   %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    20(%esp), %ecx
        movl    24(%esp), %edx
        movl    28(%esp), %eax
        movl    %esp, (%eax)
        pushl   %edx
        call    *%ecx
        addl    $4, %esp
        xorl    %eax, %eax
.Lleave:
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

/* void waot_suite_throw(void *frame): the guard of the stack may have been used up, so it is put back. */
        .globl  _waot_suite_throw
        .def    _waot_suite_throw; .scl 2; .type 32; .endef
_waot_suite_throw:
        movl    4(%esp), %esp
        call    _waot_windows_guard_stack
        movl    $1, %eax
        jmp     .Lleave
