/* On Apple's arm64 the arguments behind the named ones lie on the stack, eight bytes each; ours take them in a register. */
#if defined(__aarch64__)
        .text
        .macro  variadic name, register
        .globl  variadic_\name
        .type   variadic_\name, %function
variadic_\name:
        ldr     \register, [sp]
        b       darwin_\name
        .endm

        variadic fcntl, x2
        variadic ioctl, x2
        variadic openat, x3
#endif
        .section .note.GNU-stack, ""
