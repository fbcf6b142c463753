/* What C cannot say on x86-64 Darwin: stack switch, register capture, stubs of libSystem's functions. It is ELF, as all that
 * waot/linker/macho.py makes an image of. Unwinding stops where a frame's return address is undefined:
 * waot_switch_stack. */
        .text

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, @function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined rip
        movq    %rdi, %rsp
        xorl    %ebp, %ebp
        call    *%rsi
        ud2
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, @function
waot_capture:
        .cfi_startproc
        movq    %rax, 0(%rdi)
        movq    %rdx, 8(%rdi)
        movq    %rcx, 16(%rdi)
        movq    %rbx, 24(%rdi)
        movq    %rsi, 32(%rdi)
        movq    %rdi, 40(%rdi)
        movq    %rbp, 48(%rdi)
        leaq    8(%rsp), %rax
        movq    %rax, 56(%rdi)
        movq    %r8, 64(%rdi)
        movq    %r9, 72(%rdi)
        movq    %r10, 80(%rdi)
        movq    %r11, 88(%rdi)
        movq    %r12, 96(%rdi)
        movq    %r13, 104(%rdi)
        movq    %r14, 112(%rdi)
        movq    %r15, 120(%rdi)
        movq    (%rsp), %rax
        movq    %rax, 256(%rdi)         /* pc */
        ret
        .cfi_endproc
        .size   waot_capture, . - waot_capture

/* A function of libSystem's: calls go through the pointer, which the linker layer makes one that dyld sets; that it points
 * to the function's name tells which. */
        .macro import name, alias, symbol
        .section .text.import.\name, "ax", @progbits
        .globl  \name
        .hidden \name
        .globl  "\alias"
        .hidden "\alias"
        .p2align 2
\name:
"\alias":
        jmpq    *waot_bind.\name(%rip)
        .section .waot.bind.\name, "aw", @progbits
        .p2align 3
waot_bind.\name:
        .quad   waot_name.\name
        .section .waot.names.\name, "a", @progbits
waot_name.\name:
        .asciz  "\symbol"
        .endm

#define IMPORT(name) import name, _##name, _##name
#define INODE64(name) import name, _##name$INODE64, _##name$INODE64
#define EXTENSION(name) import name, _##name$1050, _##name$DARWIN_EXTSN
#include "imports.h"

        .section .note.GNU-stack, "", @progbits
