/* What C cannot say on AArch64 Darwin: stack switch, register capture, stubs of libSystem's functions. It is ELF, as all that
 * waot/linker/macho.py makes an image of. Unwinding stops where a frame's return address is undefined:
 * waot_switch_stack. */
        .text

/* void waot_switch_stack(void *top, void (*function)(void)): continues in function on the stack that ends at top. */
        .globl  waot_switch_stack
        .hidden waot_switch_stack
        .type   waot_switch_stack, %function
waot_switch_stack:
        .cfi_startproc
        .cfi_undefined x30
        mov     sp, x0
        mov     x29, #0
        mov     x30, #0
        blr     x1
        brk     #1
        .cfi_endproc
        .size   waot_switch_stack, . - waot_switch_stack

/* void waot_capture(struct waot_registers *): the registers as they are after the return, by DWARF number. */
        .globl  waot_capture
        .hidden waot_capture
        .type   waot_capture, %function
waot_capture:
        .cfi_startproc
        stp     x0, x1, [x0, #0]
        stp     x2, x3, [x0, #16]
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        stp     x18, x19, [x0, #144]
        stp     x20, x21, [x0, #160]
        stp     x22, x23, [x0, #176]
        stp     x24, x25, [x0, #192]
        stp     x26, x27, [x0, #208]
        stp     x28, x29, [x0, #224]
        mov     x1, sp
        stp     x30, x1, [x0, #240]     /* x30, sp (DWARF 31) */
        str     x30, [x0, #256]         /* pc */
        ret
        .cfi_endproc
        .size   waot_capture, . - waot_capture

/* A function of libSystem's: calls go through the pointer, which the linker layer makes one that dyld sets; that it points
 * to the function's name tells which. */
        .macro import name, alias, symbol
        .section .text.import.\name, "ax", %progbits
        .globl  \name
        .hidden \name
        .globl  "\alias"
        .hidden "\alias"
        .p2align 2
\name:
"\alias":
        adrp    x16, waot_bind.\name
        ldr     x16, [x16, :lo12:waot_bind.\name]
        br      x16
        .section .waot.bind.\name, "aw", %progbits
        .p2align 3
waot_bind.\name:
        .quad   waot_name.\name
        .section .waot.names.\name, "a", %progbits
waot_name.\name:
        .asciz  "\symbol"
        .endm

#define IMPORT(name) import name, _##name, _##name
#define INODE64(name) IMPORT(name)
#define EXTENSION(name) import name, _##name, _##name$DARWIN_EXTSN
#include "imports.h"

        .section .note.GNU-stack, "", %progbits
