/* What C cannot say on i386 Linux: entry point, system call, signal return. Unwinding stops where a frame's return
 * address is undefined: _start. */
#include "../assembly.h"

/* Entry, System V ABI for i386 2.3.1: the stack pointer is at argc. Static PIEs relocate themselves in waot_start. */
        .globl  _start
        begin   _start
        .cfi_undefined eip
        xorl    %ebp, %ebp
        movl    %esp, %eax
        andl    $-16, %esp
        subl    $12, %esp
        pushl   %eax
        call    waot_start
        ud2
        end     _start

/* long waot_syscall(long number, long a, long b, long c, long d, long e, long f) */
        function waot_syscall
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
        end     waot_syscall

/* sa_restorer: where the kernel maps no vDSO it needs one. */
        trampoline waot_signal_return
        movl    $173, %eax              /* rt_sigreturn */
        int     $0x80
        .size   waot_signal_return, . - waot_signal_return
