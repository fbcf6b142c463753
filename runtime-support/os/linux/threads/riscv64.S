/* Threads on RISC-V Linux: what C cannot say. */
        .text

/* void waot_set_thread_pointer(void *pointer) */
        .globl  waot_set_thread_pointer
        .hidden waot_set_thread_pointer
        .type   waot_set_thread_pointer, @function
waot_set_thread_pointer:
        .cfi_startproc
        mv      tp, a0
        ret
        .cfi_endproc
        .size   waot_set_thread_pointer, . - waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but a0. */
        .globl  waot_clone
        .hidden waot_clone
        .type   waot_clone, @function
waot_clone:
        .cfi_startproc
        mv      a5, a3
        mv      a6, a4
        mv      a3, a2                  /* clone(flags, stack, parent_tid, tls, child_tid) */
        li      a2, 0
        li      a4, 0
        li      a7, 220
        ecall
        beqz    a0, .Lthread
        ret
        .cfi_endproc
        .size   waot_clone, . - waot_clone

        .type   waot_thread, @function
waot_thread:
.Lthread:
        .cfi_startproc
        .cfi_undefined ra
        li      s0, 0
        li      ra, 0
        mv      a0, a6
        jalr    a5
        unimp
        .cfi_endproc
        .size   waot_thread, . - waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        .globl  waot_end_thread
        .hidden waot_end_thread
        .type   waot_end_thread, @function
waot_end_thread:
        .cfi_startproc
        .cfi_undefined ra
        li      a7, 215                 /* munmap */
        ecall
        li      a0, 0
        li      a7, 93                  /* exit, of this thread alone */
        ecall
        unimp
        .cfi_endproc
        .size   waot_end_thread, . - waot_end_thread

        .section .note.GNU-stack, "", @progbits
