/* For <architecture>.S: what imports.h makes stubs by. */
#include "../assembly.h"

/* A function of libSystem's: calls go through the pointer, which the linker layer makes one that dyld sets; that it points
 * to the function's name tells which. `jump`, which goes where a pointer says, is the architecture's. */
        .macro  import name, alias, symbol
        .section .text.import.\name, "ax", %progbits
        .globl  \name
        .hidden \name
        .globl  "\alias"
        .hidden "\alias"
        .p2align 2
\name:
"\alias":
        jump    waot_bind.\name
        .section .waot.bind.\name, "aw", %progbits
        .p2align 3
waot_bind.\name:
        .quad   waot_name.\name
        .section .waot.names.\name, "a", %progbits
waot_name.\name:
        .asciz  "\symbol"
        .endm
