/* Threads on x86-64 FreeBSD: what C cannot say. */
#include "../../assembly.h"

/* void waot_set_thread_pointer(void *pointer) */
        function waot_set_thread_pointer
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        movq    %rsp, %rsi
        movl    $129, %edi              /* AMD64_SET_FSBASE */
        movl    $165, %eax              /* sysarch */
        syscall
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        ret
        end     waot_set_thread_pointer

/* void waot_enter_run_thread(void *argument): thr_new's entry. */
        function waot_enter_run_thread
        .cfi_undefined rip
        xorl    %ebp, %ebp
        andq    $-16, %rsp
        call    waot_run_thread
        ud2
        end     waot_enter_run_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined rip
        movl    $73, %eax               /* munmap */
        syscall
        xorl    %edi, %edi
        movl    $431, %eax              /* thr_exit */
        syscall
        ud2
        end     waot_end_thread
