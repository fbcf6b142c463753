/* Threads on x86-64 Linux: what C cannot say. */
        .text

/* void waot_set_thread_pointer(void *pointer) */
        .globl  waot_set_thread_pointer
        .hidden waot_set_thread_pointer
        .type   waot_set_thread_pointer, @function
waot_set_thread_pointer:
        .cfi_startproc
        movq    %rdi, %rsi
        movl    $0x1002, %edi           /* ARCH_SET_FS */
        movl    $158, %eax              /* arch_prctl */
        syscall
        ret
        .cfi_endproc
        .size   waot_set_thread_pointer, . - waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but rax, rcx and r11; without CLONE_CHILD_* it does not look at r10. */
        .globl  waot_clone
        .hidden waot_clone
        .type   waot_clone, @function
waot_clone:
        .cfi_startproc
        movq    %rcx, %r9
        movq    %r8, %r10
        movq    %rdx, %r8               /* clone(flags, stack, parent_tid, child_tid, tls) */
        movl    $56, %eax
        syscall
        testq   %rax, %rax
        jz      .Lthread
        ret
        .cfi_endproc
        .size   waot_clone, . - waot_clone

        .type   waot_thread, @function
waot_thread:
.Lthread:
        .cfi_startproc
        .cfi_undefined rip
        xorl    %ebp, %ebp
        movq    %r10, %rdi
        call    *%r9
        ud2
        .cfi_endproc
        .size   waot_thread, . - waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        .globl  waot_end_thread
        .hidden waot_end_thread
        .type   waot_end_thread, @function
waot_end_thread:
        .cfi_startproc
        .cfi_undefined rip
        movl    $11, %eax               /* munmap */
        syscall
        xorl    %edi, %edi
        movl    $60, %eax               /* exit, of this thread alone */
        syscall
        ud2
        .cfi_endproc
        .size   waot_end_thread, . - waot_end_thread

        .section .note.GNU-stack, "", @progbits
