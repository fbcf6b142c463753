/* What C cannot say on i386 Linux: entry point, system call, stack switch, signal return, register capture.
 * Unwinding stops where a frame's return address is undefined: _start and waot_switch_stack. */
        .text

/* Entry, System V ABI for i386 2.3.1: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        .type   _start, @function
_start:
        .cfi_startproc
        .cfi_undefined eip
        xorl    %ebp, %ebp
        movl    %esp, %eax
        andl    $-16, %esp
        subl    $12, %esp
        pushl   %eax
        call    waot_start
        ud2
        .cfi_endproc
        .size   _start, . - _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        .globl  waot_syscall
        .hidden waot_syscall
        .type   waot_syscall, @function
waot_syscall:
        .cfi_startproc
        pushl   %ebp
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset ebp, 0
        pushl   %ebx
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset ebx, 0
        pushl   %esi
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset esi, 0
        pushl   %edi
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset edi, 0
        movl    20(%esp), %eax
        movl    24(%esp), %ebx
        movl    28(%esp), %ecx
        movl    32(%esp), %edx
        movl    36(%esp), %esi
        movl    40(%esp), %edi
        movl    44(%esp), %ebp
        int     $0x80
        popl    %edi
        .cfi_adjust_cfa_offset -4
        .cfi_restore edi
        popl    %esi
        .cfi_adjust_cfa_offset -4
        .cfi_restore esi
        popl    %ebx
        .cfi_adjust_cfa_offset -4
        .cfi_restore ebx
        popl    %ebp
        .cfi_adjust_cfa_offset -4
        .cfi_restore ebp
        ret
        .cfi_endproc
        .size   waot_syscall, . - waot_syscall

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, @function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined eip
        movl    8(%esp), %eax
        movl    4(%esp), %esp
        xorl    %ebp, %ebp
        call    *%eax
        ud2
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* sa_restorer: where the kernel maps no vDSO it needs one. */
        .globl  waot_signal_return
        .hidden waot_signal_return
        .type   waot_signal_return, @function
waot_signal_return:
        movl    $173, %eax              /* rt_sigreturn */
        int     $0x80
        .size   waot_signal_return, . - waot_signal_return

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, @function
waot_capture:
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
        .size   waot_capture, . - waot_capture

        .section .note.GNU-stack, "", @progbits
