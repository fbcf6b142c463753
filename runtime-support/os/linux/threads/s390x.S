/* Threads on s390x Linux: what C cannot say. */
#include "../../assembly.h"

/* void waot_set_thread_pointer(void *pointer): it is in two access registers. */
        function waot_set_thread_pointer
        sar     %a1, %r2
        srlg    %r2, %r2, 32
        sar     %a0, %r2
        br      %r14
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but r2. */
        function waot_clone
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
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined %r14
        lgr     %r2, %r1
        lgr     %r1, %r0
        basr    %r14, %r1
        .short  0                       /* no instruction */
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined %r14
        svc     91                      /* munmap */
        lghi    %r2, 0
        svc     1                       /* exit, of this thread alone */
        .short  0
        end     waot_end_thread
