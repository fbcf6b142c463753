/* Walking the native stack by the tables of exceptions (.pdata), which the system reads: takes the place of
 * core/unwind.c. A function without an entry has no frame.
 *
 * i386 has no such tables. There what is compiled with the program has call frame information, as elsewhere, and so has the
 * assembly. The functions of the shim's other objects have frame pointers instead (waot/linker/runtime.py). */
#if defined(__i386__)
#define waot_unwind_locate waot_windows_locate_frame
#define waot_unwind_step waot_windows_step_by_table
#include "../../core/unwind.c"
#undef waot_unwind_locate
#undef waot_unwind_step

enum { WAOT_PUSH_EBP = 0x55, WAOT_REGISTER_EBP = 5 };

int waot_unwind_locate(struct waot_unwinder *unwinder)
{
    uintptr_t pc = unwinder->registers.pc - !unwinder->exact;
    if (waot_windows_locate_frame(unwinder))
        return 1;
    return pc < (uintptr_t)waot_wasm_text_start || pc >= (uintptr_t)waot_wasm_text_end;
}

int waot_unwind_step(struct waot_unwinder *unwinder)
{
    if (unwinder->fde.at != NULL)
        return waot_windows_step_by_table(unwinder);
    struct waot_registers *registers = &unwinder->registers;
    const unsigned char *pc = (const unsigned char *)registers->pc;
    uintptr_t before = registers->r[WAOT_REGISTER_SP], frame = registers->r[WAOT_REGISTER_EBP];
    /* A function begins by saving its caller's frame pointer, where the stack may end. */
    bool entered = !unwinder->exact || pc < waot_image_start || pc >= waot_image_end || *pc != WAOT_PUSH_EBP;
    uintptr_t saved = entered ? frame + sizeof frame : before;
    if (saved < before || !waot_read_stack(saved, &registers->pc))
        return 0;
    if (entered && !waot_read_stack(frame, &registers->r[WAOT_REGISTER_EBP]))
        return 0;
    registers->r[WAOT_REGISTER_SP] = saved + sizeof saved;
    unwinder->exact = 0;
    return registers->pc != 0;
}
#else
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
#endif
