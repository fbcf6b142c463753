/* Threads on 64-bit little-endian POWER Linux (ABI ELFv2): what C cannot say. */
        .abiversion 2
        .text

/* void waot_set_thread_pointer(void *pointer) */
        .globl  waot_set_thread_pointer
        .hidden waot_set_thread_pointer
        .type   waot_set_thread_pointer, @function
waot_set_thread_pointer:
        .cfi_startproc
        mr      13, 3
        blr
        .cfi_endproc
        .size   waot_set_thread_pointer, . - waot_set_thread_pointer

/* long waot_clone(unsigned long flags, void *stack, void *thread_pointer, void (*function)(void *), void *argument)
 * The kernel keeps what functions keep. Who is called saves in the frame of who calls: hence room at the top. */
        .globl  waot_clone
        .hidden waot_clone
        .type   waot_clone, @function
waot_clone:
        .cfi_startproc
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
        .cfi_endproc
        .size   waot_clone, . - waot_clone

        .type   waot_thread, @function
waot_thread:
.Lthread:
        .cfi_startproc
        .cfi_undefined 65
        mr      12, 30
        mtctr   12
        mr      3, 31
        bctrl
        trap
        .cfi_endproc
        .size   waot_thread, . - waot_thread

/* void waot_end_thread(void *pages, unsigned long size) */
        .globl  waot_end_thread
        .hidden waot_end_thread
        .type   waot_end_thread, @function
waot_end_thread:
        .cfi_startproc
        .cfi_undefined 65
        li      0, 91                   /* munmap */
        sc
        li      3, 0
        li      0, 1                    /* exit, of this thread alone */
        sc
        trap
        .cfi_endproc
        .size   waot_end_thread, . - waot_end_thread

        .section .note.GNU-stack, "", @progbits
