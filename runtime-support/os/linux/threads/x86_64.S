/* Threads on x86-64 Linux: what C cannot say. */
#include "../../assembly.h"

/* void waot_set_thread_pointer(void *pointer) */
        function waot_set_thread_pointer
        movq    %rdi, %rsi
        movl    $0x1002, %edi           /* ARCH_SET_FS */
        movl    $158, %eax              /* arch_prctl */
        syscall
        ret
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but rax, rcx and r11; without CLONE_CHILD_* it does not look at r10. */
        function waot_clone
        movq    %rcx, %r9
        movq    %r8, %r10
        movq    %rdx, %r8               /* clone(flags, stack, parent_tid, child_tid, tls) */
        movl    $56, %eax
        syscall
        testq   %rax, %rax
        jz      .Lthread
        ret
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined rip
        xorl    %ebp, %ebp
        movq    %r10, %rdi
        call    *%r9
        ud2
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined rip
        movl    $11, %eax               /* munmap */
        syscall
        xorl    %edi, %edi
        movl    $60, %eax               /* exit, of this thread alone */
        syscall
        ud2
        end     waot_end_thread
