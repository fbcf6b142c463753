/* Threads on LoongArch Linux: what C cannot say. */
#include "../../assembly.h"

/* void waot_set_thread_pointer(void *pointer) */
        function waot_set_thread_pointer
        move    $tp, $a0
        ret
        end     waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps all registers but a0 and t0 to t8. */
        function waot_clone
        move    $a5, $a3
        move    $a6, $a4
        move    $a4, $a2                /* clone(flags, stack, parent_tid, child_tid, tls) */
        move    $a2, $zero
        move    $a3, $zero
        ori     $a7, $zero, 220
        syscall 0
        beqz    $a0, .Lthread
        ret
        end     waot_clone

        begin   waot_thread
.Lthread:
        .cfi_undefined 1
        move    $fp, $zero
        move    $a0, $a6
        jirl    $ra, $a5, 0
        break   0
        end     waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        function waot_end_thread
        .cfi_undefined 1
        ori     $a7, $zero, 215         /* munmap */
        syscall 0
        move    $a0, $zero
        ori     $a7, $zero, 93          /* exit, of this thread alone */
        syscall 0
        break   0
        end     waot_end_thread
