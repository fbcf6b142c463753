/* The traps that code comes to by itself: it calls one of these. They run on the stack of what they tell about, which may
 * end in them, and so are unwound: alone of all that tells a trap (waot/linker/runtime.py compiles the rest apart). */
#include "../include/waot_abi.h"
#include "process.h"
#include "trap.h"

WAOT_COLD_DATA struct waot_trapped waot_trapped;

__attribute__((weak)) void waot_trap_hook(const char *text)
{
    (void)text;
}

void waot_trap(const char *text, const struct waot_registers *registers, int exact)
{
    waot_trap_hook(text);
    if (WAOT_THREADS)
        waot_end_program();
    if (waot_trapped.told) /* a fault in telling another */
        waot_exit(134);
    waot_trapped.text = text;
    waot_trapped.registers = *registers;
    waot_trapped.registers.pc = WAOT_CODE_ADDRESS(registers->pc);
    waot_trapped.exact = exact;
    /* What is told of needs some KiB, and the wasm stack may end here. */
    if (exact)
        waot_tell_trap();
    waot_os_on_fault_stack(waot_tell_trap);
}

/* Not inlined: the call's return address is where the trap is. */
#define WAOT_DEFINE_TRAP(name, message)                                                         \
    __attribute__((noinline, cold)) _Noreturn void waot_trap_##name(void)                       \
    {                                                                                           \
        struct waot_registers registers;                                                        \
        waot_capture(&registers);                                                               \
        waot_trap(message, &registers, 0);                                                      \
    }
WAOT_TRAPS(WAOT_DEFINE_TRAP)
#undef WAOT_DEFINE_TRAP
