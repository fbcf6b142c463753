/* Threads on AArch64 FreeBSD: what C cannot say. */
#include "../../assembly.h"

/* void waot_set_thread_pointer(void *pointer) */
        function waot_set_thread_pointer
        msr     tpidr_el0, x0
        ret
        end     waot_set_thread_pointer

/* void waot_enter_run_thread(void *argument): thr_new's entry. */
        function waot_enter_run_thread
        .cfi_undefined x30
        mov     x29, #0
        mov     x30, #0
        bl      waot_run_thread
        brk     #1
        end     waot_enter_run_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined x30
        mov     x8, #73                 /* munmap */
        svc     #0
        mov     x0, #0
        mov     x8, #431                /* thr_exit */
        svc     #0
        brk     #1
        end     waot_end_thread
