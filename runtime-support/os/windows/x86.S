/* What C cannot say on i386 Windows: stack switch, register capture, and the making of large frames, which compiled code
 * calls. C symbols have an underscore before them. Unwinding stops where a frame's return address is undefined. */
        .text

/* _alloca: lowers the stack pointer by eax bytes, touching each page on the way: only the page behind the last one that
 * was touched is a guard that makes the stack grow. Changes eax alone. */
        .globl  __alloca
        .def    __alloca; .scl 2; .type 32; .endef
__alloca:
        .cfi_startproc
        pushl   %ecx
        .cfi_adjust_cfa_offset 4
        leal    8(%esp), %ecx           /* the caller's stack pointer */
        cmpl    $4096, %eax
        jb      2f
1:      subl    $4096, %ecx
        testb   %cl, (%ecx)
        subl    $4096, %eax
        cmpl    $4096, %eax
        ja      1b
2:      subl    %eax, %ecx
        testb   %cl, (%ecx)
        movl    4(%esp), %eax           /* the return address */
        xchgl   %ecx, (%esp)            /* its own value again; the new stack pointer is kept in its place */
        movl    (%esp), %esp
        .cfi_undefined eip
        jmp     *%eax
        .cfi_endproc

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  _waot_switch_stack
        .def    _waot_switch_stack; .scl 2; .type 32; .endef
_waot_switch_stack:
        .cfi_startproc
        .cfi_undefined eip
        movl    8(%esp), %eax
        movl    4(%esp), %esp
        xorl    %ebp, %ebp
        call    *%eax
        ud2
        .cfi_endproc

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  _waot_capture
        .def    _waot_capture; .scl 2; .type 32; .endef
_waot_capture:
        .cfi_startproc
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
        .cfi_endproc
