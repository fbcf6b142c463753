/* Threads on 64-bit little-endian POWER Linux (ABI ELFv2): what C cannot say. */
#include "../../assembly.h"
        .abiversion 2

/* void waot_set_thread_pointer(void *pointer) */
        function waot_set_thread_pointer
        mr      13, 3
        blr
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps what functions keep. Who is called saves in the frame of who calls: hence room at the top. */
        function waot_clone
        std     30, -16(1)
        std     31, -8(1)
        .cfi_offset 30, -16
        .cfi_offset 31, -8
        mr      30, 6
        mr      31, 7
        addi    4, 4, -64
        mr      6, 5                    /* clone(flags, stack, parent_tid, tls, child_tid) */
        li      5, 0
        li      7, 0
        li      0, 120
        sc
        bns+    .Ldone
        neg     3, 3
.Ldone: cmpdi   3, 0
        beq     .Lthread
        ld      30, -16(1)
        ld      31, -8(1)
        blr
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined 65
        mr      12, 30
        mtctr   12
        mr      3, 31
        bctrl
        trap
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined 65
        li      0, 91                   /* munmap */
        sc
        li      3, 0
        li      0, 1                    /* exit, of this thread alone */
        sc
        trap
        end     waot_end_thread
