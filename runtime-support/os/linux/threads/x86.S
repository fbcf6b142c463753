/* Threads on i386 Linux: what C cannot say. The thread pointer is the base of a segment, which gs selects. */
#include "../../assembly.h"

/* struct user_desc of a segment of 4 GiB at a base, of 32 bits, writable. */
#define LIMIT 0xfffff
#define WRITABLE_32_BIT_OF_PAGES 0x51

/* void waot_set_thread_pointer(void *pointer): in one of the segments that each thread has. */
        function waot_set_thread_pointer
        movl    4(%esp), %eax
        pushl   %ebx
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset ebx, 0
        pushl   $WRITABLE_32_BIT_OF_PAGES
        pushl   $LIMIT
        pushl   %eax
        pushl   $-1                     /* any that is free: its number comes back here */
        .cfi_adjust_cfa_offset 16
        movl    $243, %eax              /* set_thread_area */
        movl    %esp, %ebx
        int     $0x80
        popl    %eax
        leal    3(,%eax,8), %eax
        movl    %eax, %gs
        addl    $12, %esp
        .cfi_adjust_cfa_offset -16
        popl    %ebx
        .cfi_adjust_cfa_offset -4
        .cfi_restore ebx
        ret
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but eax; without CLONE_CHILD_* it does not look at edi, and at ebp never. */
        function waot_clone
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
        movl    20(%esp), %ebx          /* clone(flags, stack, parent_tid, tls, child_tid) */
        movl    24(%esp), %ecx
        movl    28(%esp), %eax
        movl    32(%esp), %edi
        movl    36(%esp), %ebp
        pushl   $WRITABLE_32_BIT_OF_PAGES
        pushl   $LIMIT
        pushl   %eax
        movl    %gs, %eax
        shrl    $3, %eax
        pushl   %eax
        .cfi_adjust_cfa_offset 16
        xorl    %edx, %edx
        movl    %esp, %esi
        movl    $120, %eax
        int     $0x80
        testl   %eax, %eax
        jz      .Lthread
        addl    $16, %esp
        .cfi_adjust_cfa_offset -16
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
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined eip
        subl    $12, %esp
        pushl   %ebp
        xorl    %ebp, %ebp
        call    *%edi
        ud2
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined eip
        movl    4(%esp), %ebx
        movl    8(%esp), %ecx
        movl    $91, %eax               /* munmap */
        int     $0x80
        xorl    %ebx, %ebx
        movl    $1, %eax                /* exit, of this thread alone */
        int     $0x80
        ud2
        end     waot_end_thread
