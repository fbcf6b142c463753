/* Threads on LoongArch Linux: what C cannot say. */
        .text

/* void waot_set_thread_pointer(void *pointer) */
        .globl  waot_set_thread_pointer
        .hidden waot_set_thread_pointer
        .type   waot_set_thread_pointer, @function
waot_set_thread_pointer:
        .cfi_startproc
        move    $tp, $a0
        ret
        .cfi_endproc
        .size   waot_set_thread_pointer, . - waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but a0 and t0 to t8. */
        .globl  waot_clone
        .hidden waot_clone
        .type   waot_clone, @function
waot_clone:
        .cfi_startproc
        move    $a5, $a3
        move    $a6, $a4
        move    $a4, $a2                /* clone(flags, stack, parent_tid, child_tid, tls) */
        move    $a2, $zero
        move    $a3, $zero
        ori     $a7, $zero, 220
        syscall 0
        beqz    $a0, .Lthread
        ret
        .cfi_endproc
        .size   waot_clone, . - waot_clone

        .type   waot_thread, @function
waot_thread:
.Lthread:
        .cfi_startproc
        .cfi_undefined 1
        move    $fp, $zero
        move    $a0, $a6
        jirl    $ra, $a5, 0
        break   0
        .cfi_endproc
        .size   waot_thread, . - waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        .globl  waot_end_thread
        .hidden waot_end_thread
        .type   waot_end_thread, @function
waot_end_thread:
        .cfi_startproc
        .cfi_undefined 1
        ori     $a7, $zero, 215         /* munmap */
        syscall 0
        move    $a0, $zero
        ori     $a7, $zero, 93          /* exit, of this thread alone */
        syscall 0
        break   0
        .cfi_endproc
        .size   waot_end_thread, . - waot_end_thread

        .section .note.GNU-stack, "", @progbits
