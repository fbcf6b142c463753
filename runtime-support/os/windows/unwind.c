/* Walking the native stack by the tables of exceptions (.pdata), which the system reads: takes the place of
 * core/unwind.c. A function without an entry has no frame. */
#include "machine.h"
#include "system.h"

#include "../../core/process.h"
#include "../../core/unwind.h"

static RUNTIME_FUNCTION *waot_windows_entry(const struct waot_unwinder *unwinder, DWORD64 *base)
{
    /* A return address may be the first behind a function that ends in a call. */
    return RtlLookupFunctionEntry(unwinder->registers.pc - !unwinder->exact, base, NULL);
}

int waot_unwind_locate(struct waot_unwinder *unwinder)
{
    DWORD64 base;
    const RUNTIME_FUNCTION *entry = waot_windows_entry(unwinder, &base);
    unwinder->fde = (struct waot_fde){NULL, 0, 0};
    if (entry != NULL)
        unwinder->fde = (struct waot_fde){(const void *)entry, (uintptr_t)base + entry->BeginAddress, 0};
    else if (unwinder->exact)
        unwinder->fde.start = unwinder->registers.pc;
    else
        return 0;
    return 1;
}

int waot_unwind_step(struct waot_unwinder *unwinder)
{
    DWORD64 base;
    CONTEXT context = {.ContextFlags = CONTEXT_INTEGER | CONTEXT_CONTROL};
    struct waot_registers *registers = &unwinder->registers;
    uintptr_t before = registers->r[WAOT_REGISTER_SP];
    if (before < waot_stack.low || before >= waot_stack.high)
        return 0;
    waot_windows_set_context(&context, registers);
    RUNTIME_FUNCTION *entry = waot_windows_entry(unwinder, &base);
    if (entry != NULL) {
        void *handler;
        DWORD64 frame;
        uintptr_t from = unwinder->exact ? registers->pc : waot_windows_before_return(registers->pc);
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, from, entry, &context, &handler, &frame, NULL);
    } else {
        waot_windows_leave_leaf(&context);
    }
    waot_windows_get_context(&context, registers);
    uintptr_t after = registers->r[WAOT_REGISTER_SP];
    if (after < before + !unwinder->exact || after > waot_stack.high)
        return 0;
    unwinder->exact = 0;
    return registers->pc != 0;
}
