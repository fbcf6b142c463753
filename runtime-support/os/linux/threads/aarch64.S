/* Threads on AArch64 Linux: what C cannot say. */
#include "../../assembly.h"

/* void waot_set_thread_pointer(void *pointer) */
        function waot_set_thread_pointer
        msr     tpidr_el0, x0
        ret
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but x0. */
        function waot_clone
        mov     x5, x3
        mov     x6, x4
        mov     x3, x2                  /* clone(flags, stack, parent_tid, tls, child_tid) */
        mov     x2, #0
        mov     x4, #0
        mov     x8, #220
        svc     #0
        cbz     x0, .Lthread
        ret
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined x30
        mov     x29, #0
        mov     x30, #0
        mov     x0, x6
        blr     x5
        brk     #1
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined x30
        mov     x8, #215                /* munmap */
        svc     #0
        mov     x0, #0
        mov     x8, #93                 /* exit, of this thread alone */
        svc     #0
        brk     #1
        end     waot_end_thread
