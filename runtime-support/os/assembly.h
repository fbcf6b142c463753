/* What assembly for ELF begins with: the stack is not executable, and functions are made by these macros. `begin` and `end`
 * stand around one that is described for unwinding; `function` begins one that other files call. */
        .section .note.GNU-stack, "", %progbits
        .text

        .macro  begin name
        .type   \name, %function
\name:
        .cfi_startproc
        .endm

        .macro  end name
        .cfi_endproc
        .size   \name, . - \name
        .endm

        .macro  function name
        .globl  \name
        .hidden \name
        begin   \name
        .endm

        /* Returned to, and called by nobody: nothing unwinds through it. */
        .macro  trampoline name
        .globl  \name
        .hidden \name
        .type   \name, %function
\name:
        .endm
