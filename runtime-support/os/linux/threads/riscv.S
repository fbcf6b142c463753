/* Threads on RISC-V Linux: what C cannot say. */
#include "../../assembly.h"

/* void waot_set_thread_pointer(void *pointer) */
        function waot_set_thread_pointer
        mv      tp, a0
        ret
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but a0. */
        function waot_clone
        mv      a5, a3
        mv      a6, a4
        mv      a3, a2                  /* clone(flags, stack, parent_tid, tls, child_tid) */
        li      a2, 0
        li      a4, 0
        li      a7, 220
        ecall
        beqz    a0, .Lthread
        ret
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined ra
        li      s0, 0
        li      ra, 0
        mv      a0, a6
        jalr    a5
        unimp
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined ra
        li      a7, 215                 /* munmap */
        ecall
        li      a0, 0
        li      a7, 93                  /* exit, of this thread alone */
        ecall
        unimp
        end     waot_end_thread
