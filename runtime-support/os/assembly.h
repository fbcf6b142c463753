/* Functions in assembly, by macros. `begin` and `end` stand around one that is described for unwinding; `function` begins one
 * that other files call. `outermost` says in which register its return address would be, and that there is none. */
#ifdef _WIN32
/* COFF. Frames are described as in ELF on i386 alone, whose symbols have an underscore before them; elsewhere a function
 * without an entry in .pdata is one without a frame. */
#ifdef __i386__
#define WAOT_SYMBOL _\name
#define WAOT_DESCRIBED(directive) directive
#else
#define WAOT_SYMBOL \name
#define WAOT_DESCRIBED(directive)
#endif
        .text

        .macro  begin name
        .def    WAOT_SYMBOL; .scl 2; .type 32; .endef
WAOT_SYMBOL:
        WAOT_DESCRIBED(.cfi_startproc)
        .endm

        .macro  end name
        WAOT_DESCRIBED(.cfi_endproc)
        .endm

        .macro  function name
        .globl  WAOT_SYMBOL
        begin   \name
        .endm
#else
/* ELF. The stack is not executable. */
#define WAOT_DESCRIBED(directive) directive
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
#endif

        .macro  outermost register
        WAOT_DESCRIBED(.cfi_undefined \register)
        .endm
