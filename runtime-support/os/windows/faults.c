/* A fault in a guard is a trap: out of bounds in a memory's reservation, exhaustion at the end of the stack. A vectored
 * handler is asked before any other, and comes to run on the stack that is exhausted: some of it is kept for that. */
#include "machine.h"
#include "system.h"

#include "../../core/process.h"
#include "../../core/trap.h"
#include "faults.h"

/* Where a trap that the program comes to by itself is told: its stack may end there. */
WAOT_COLD_DATA static unsigned char waot_windows_stack[WAOT_WINDOWS_FAULT_STACK] __attribute__((aligned(16)));

/* Whether it is in the guard of a memory: reserved, beyond the current size. */
static bool waot_windows_in_guard(uintptr_t address)
{
    for (uint64_t i = 0; i < waot_module.memory_count; i++) {
        const struct waot_memory *memory = waot_module.memories[i];
        uintptr_t offset = address - (uintptr_t)memory->base;
        /* What is committed does not fault for a reason of the program's; but it may have become so since. */
        uint64_t bytes = WAOT_THREADS ? 0 : memory->bytes;
        if (memory->base != NULL && offset >= bytes && offset < memory->reserve)
            return true;
    }
    return false;
}

/* The signal that Linux has for it, for a report that looks the same; 0 for what is no fault. */
static int waot_windows_signal(DWORD code)
{
    switch (code) {
    case EXCEPTION_ACCESS_VIOLATION:
        return 11;
    case EXCEPTION_IN_PAGE_ERROR:
    case EXCEPTION_DATATYPE_MISALIGNMENT:
        return 7;
    case EXCEPTION_ILLEGAL_INSTRUCTION:
    case EXCEPTION_PRIV_INSTRUCTION:
        return 4;
    case EXCEPTION_INT_DIVIDE_BY_ZERO:
    case EXCEPTION_INT_OVERFLOW:
        return 8;
    default:
        return 0;
    }
}

static LONG NTAPI waot_windows_on_exception(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    struct waot_registers registers = {0};
    waot_windows_get_context(exception->ContextRecord, &registers);
    if (record->ExceptionCode == (DWORD)EXCEPTION_STACK_OVERFLOW)
        waot_trap("call stack exhausted", &registers, 1);
    int signal = waot_windows_signal(record->ExceptionCode);
    if (signal == 0) /* a debugger's, or one that a library of the system raises and handles */
        return EXCEPTION_CONTINUE_SEARCH;
    uintptr_t address = signal == 11 || signal == 7 ? (uintptr_t)record->ExceptionInformation[1] : 0;
    if (signal == 11 && waot_windows_in_guard(address))
        waot_trap("out of bounds memory access", &registers, 1);
    waot_internal_error(signal, &registers, address);
}

void waot_windows_guard_stack(void)
{
    /* Wine has all of the stack committed, and its guard at the very end, whatever is asked to be kept. */
    uint8_t *end = (uint8_t *)waot_stack.low + 4096;
    MEMORY_BASIC_INFORMATION region;
    DWORD before;
    VirtualQuery(end, &region, sizeof region);
    if (region.State == MEM_COMMIT) {
        VirtualProtect(end, 4096, PAGE_READWRITE, &before);
        VirtualProtect(end + WAOT_WINDOWS_FAULT_STACK, 4096, PAGE_READWRITE | PAGE_GUARD, &before);
    }
}

void waot_windows_know_stack(void)
{
    waot_stack.guard = waot_stack.low = waot_windows_stack_low();
    waot_stack.high = (uintptr_t)((const NT_TIB *)NtCurrentTeb())->StackBase;
    ULONG size = WAOT_WINDOWS_FAULT_STACK;
    SetThreadStackGuarantee(&size);
    waot_windows_guard_stack();
}

void waot_windows_catch_faults(void)
{
    AddVectoredExceptionHandler(1, waot_windows_on_exception);
}

/* Without a lock, which this thread may have taken before its stack came to an end. */
static int64_t waot_windows_report(const struct waot_os_buffer *buffer)
{
    struct waot_windows_file *file = waot_windows_find(waot_os_standard(2));
    if (file == NULL || (file->flags & WAOT_OS_WRITABLE) == 0)
        return -WAOT_WASI_BADF;
    return waot_windows_write(file, buffer, 1);
}

void waot_os_report(const char *text, size_t length)
{
    while (length > 0) {
        const struct waot_os_buffer buffer = {(uint8_t *)(uintptr_t)text, length};
        int64_t written = WAOT_THREADS ? waot_windows_report(&buffer) : waot_os_write(waot_os_standard(2), &buffer, 1);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

void waot_os_on_fault_stack(void (*function)(void))
{
    unsigned char *top = waot_windows_stack + sizeof waot_windows_stack;
    NT_TIB *thread = (NT_TIB *)NtCurrentTeb();
    thread->StackBase = top;
    thread->StackLimit = waot_windows_stack;
    waot_switch_stack(top, function);
}

void waot_os_abort(void)
{
    waot_exit(134);
}
