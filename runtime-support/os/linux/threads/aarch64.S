/* Threads on AArch64 Linux: what C cannot say. */
        .text

/* void waot_set_thread_pointer(void *pointer) */
        .globl  waot_set_thread_pointer
        .hidden waot_set_thread_pointer
        .type   waot_set_thread_pointer, %function
waot_set_thread_pointer:
        .cfi_startproc
        msr     tpidr_el0, x0
        ret
        .cfi_endproc
        .size   waot_set_thread_pointer, . - waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but x0. */
        .globl  waot_clone
        .hidden waot_clone
        .type   waot_clone, %function
waot_clone:
        .cfi_startproc
        mov     x5, x3
        mov     x6, x4
        mov     x3, x2                  /* clone(flags, stack, parent_tid, tls, child_tid) */
        mov     x2, #0
        mov     x4, #0
        mov     x8, #220
        svc     #0
        cbz     x0, .Lthread
        ret
        .cfi_endproc
        .size   waot_clone, . - waot_clone

        .type   waot_thread, %function
waot_thread:
.Lthread:
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, #0
        mov     x30, #0
        mov     x0, x6
        blr     x5
        brk     #1
        .cfi_endproc
        .size   waot_thread, . - waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        .globl  waot_end_thread
        .hidden waot_end_thread
        .type   waot_end_thread, %function
waot_end_thread:
        .cfi_startproc
        .cfi_undefined x30
        mov     x8, #215                /* munmap */
        svc     #0
        mov     x0, #0
        mov     x8, #93                 /* exit, of this thread alone */
        svc     #0
        brk     #1
        .cfi_endproc
        .size   waot_end_thread, . - waot_end_thread

        .section .note.GNU-stack, "", %progbits
