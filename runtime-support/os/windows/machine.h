/* What differs by processor: registers in the system's CONTEXT, the stack. */
#ifndef WAOT_WINDOWS_MACHINE_H
#define WAOT_WINDOWS_MACHINE_H

#include "nt.h"

#include "../../core/unwind.h"

#if defined(__x86_64__)
#define WAOT_WINDOWS_REGISTERS 16
#define WAOT_WINDOWS_FIRST Rax
#define WAOT_WINDOWS_PC Rip
#define WAOT_WINDOWS_STACK_LOW 0x1478

/* Where a function is unwound from, of which `pc` is a return address. */
static inline uintptr_t waot_windows_before_return(uintptr_t pc)
{
    return pc;
}

/* The return address is on top of the stack. */
static inline void waot_windows_leave_leaf(CONTEXT *context)
{
    context->Rip = *(const DWORD64 *)context->Rsp;
    context->Rsp += 8;
}
#elif defined(__aarch64__)
#define WAOT_WINDOWS_REGISTERS 32
#define WAOT_WINDOWS_FIRST X0
#define WAOT_WINDOWS_PC Pc
#define WAOT_WINDOWS_STACK_LOW 0x1478

/* The call itself: behind one that ends a function there may be another, or what the tables take for an epilogue. */
static inline uintptr_t waot_windows_before_return(uintptr_t pc)
{
    return pc - 4;
}

static inline void waot_windows_leave_leaf(CONTEXT *context)
{
    context->Pc = context->Lr;
}
#endif

/* Where the reservation of this thread's stack begins: DeallocationStack of its block. */
static inline uintptr_t waot_windows_stack_low(void)
{
    return *(const uintptr_t *)((const unsigned char *)NtCurrentTeb() + WAOT_WINDOWS_STACK_LOW);
}

static inline void waot_windows_get_context(const CONTEXT *context, struct waot_registers *registers)
{
    __builtin_memcpy(registers->r, &context->WAOT_WINDOWS_FIRST, WAOT_WINDOWS_REGISTERS * sizeof *registers->r);
    registers->pc = context->WAOT_WINDOWS_PC;
}

static inline void waot_windows_set_context(CONTEXT *context, const struct waot_registers *registers)
{
    __builtin_memcpy(&context->WAOT_WINDOWS_FIRST, registers->r, WAOT_WINDOWS_REGISTERS * sizeof *registers->r);
    context->WAOT_WINDOWS_PC = registers->pc;
}

/* <architecture>.S: goes on in `function`, which does not return, on the stack that ends at `top`. */
_Noreturn void waot_switch_stack(void *top, void (*function)(void));

#endif
