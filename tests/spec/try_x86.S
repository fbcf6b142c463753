/* For driver.c: a call that can be left from below, also from a signal handler on a stack of its own. */
        .text

/* int waot_suite_try(void (*function)(const void *), const void *argument, void **frame) */
        .globl  waot_suite_try
        .type   waot_suite_try, @function
waot_suite_try:
        pushl   %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    20(%esp), %ecx
        movl    24(%esp), %edx
        movl    28(%esp), %eax
        movl    %esp, (%eax)
        subl    $8, %esp
        pushl   %edx
        call    *%ecx
        addl    $12, %esp
        xorl    %eax, %eax
.Lleave:
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret

/* void waot_suite_throw(void *frame) */
        .globl  waot_suite_throw
        .type   waot_suite_throw, @function
waot_suite_throw:
        movl    4(%esp), %esp
        movl    $1, %eax
        jmp     .Lleave

        .section .note.GNU-stack, "", @progbits
