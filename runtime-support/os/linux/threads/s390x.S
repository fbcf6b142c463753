/* Threads on s390x Linux: what C cannot say. */
        .text

/* void waot_set_thread_pointer(void *pointer): it is in two access registers. */
        .globl  waot_set_thread_pointer
        .hidden waot_set_thread_pointer
        .type   waot_set_thread_pointer, @function
waot_set_thread_pointer:
        .cfi_startproc
        sar     %a1, %r2
        srlg    %r2, %r2, 32
        sar     %a0, %r2
        br      %r14
        .cfi_endproc
        .size   waot_set_thread_pointer, . - waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but r2. */
        .globl  waot_clone
        .hidden waot_clone
        .type   waot_clone, @function
waot_clone:
        .cfi_startproc
        stg     %r6, 48(%r15)
        .cfi_offset %r6, -112
        lgr     %r0, %r5
        lgr     %r1, %r6
        lgr     %r6, %r4                /* clone(stack, flags, parent_tid, child_tid, tls) */
        lgr     %r5, %r2
        lgr     %r2, %r3
        aghi    %r2, -160
        lgr     %r3, %r5
        lghi    %r4, 0
        lghi    %r5, 0
        svc     120
        ltgr    %r2, %r2
        je      .Lthread
        lg      %r6, 48(%r15)
        br      %r14
        .cfi_endproc
        .size   waot_clone, . - waot_clone

        .type   waot_thread, @function
waot_thread:
.Lthread:
        .cfi_startproc
        .cfi_undefined %r14
        lgr     %r2, %r1
        lgr     %r1, %r0
        basr    %r14, %r1
        .short  0                       /* no instruction */
        .cfi_endproc
        .size   waot_thread, . - waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        .globl  waot_end_thread
        .hidden waot_end_thread
        .type   waot_end_thread, @function
waot_end_thread:
        .cfi_startproc
        .cfi_undefined %r14
        svc     91                      /* munmap */
        lghi    %r2, 0
        svc     1                       /* exit, of this thread alone */
        .short  0
        .cfi_endproc
        .size   waot_end_thread, . - waot_end_thread

        .section .note.GNU-stack, "", @progbits
