/* By this note the kernel knows a program of FreeBSD's, and the oldest release whose behaviour the program expects: 13.0. */
        .section .note.tag, "a"
        .p2align 2
        .long   8                       /* size of the name */
        .long   4                       /* size of the description */
        .long   1                       /* NT_FREEBSD_ABI_TAG */
        .asciz  "FreeBSD"
        .long   1300139
