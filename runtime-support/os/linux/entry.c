/* From the kernel's entry to what every system's start does. */
#include "../image.h"
#include "stack.h"
#include "program.h"
#include "threads.h"

#if UINTPTR_MAX > UINT32_MAX
typedef Elf64_auxv_t waot_auxiliary;
#else
typedef Elf32_auxv_t waot_auxiliary;
#endif

/* The wasm stack where the executable brings it as a segment, with nothing mapped below; empty where it does not. */
extern const unsigned char waot_stack_low[] WAOT_HIDDEN, waot_stack_high[] WAOT_HIDDEN;

void waot_exit(int status)
{
    if (WAOT_THREADS)
        waot_end_program();
    for (;;)
        WAOT_CALL(SYS_exit_group, status);
}

/* `stack` is the stack pointer at entry. */
__attribute__((used)) _Noreturn void waot_start(uintptr_t *stack)
{
    waot_relocate();
    const waot_auxiliary *aux = waot_read_arguments(stack);
    waot_process.page_size = 4096;
    for (; aux->a_type != AT_NULL; aux++) {
        if (aux->a_type == AT_PAGESZ)
            waot_process.page_size = aux->a_un.a_val;
        if (aux->a_type == AT_SECURE)
            waot_process.secure = aux->a_un.a_val != 0;
    }
    if (WAOT_THREADS)
        waot_begin_threads();
    if ((uintptr_t)waot_stack_low < (uintptr_t)waot_stack_high) {
        waot_stack.guard = (uintptr_t)(waot_stack_low - WAOT_STACK_GUARD);
        waot_stack.low = (uintptr_t)waot_stack_low;
        waot_stack.high = (uintptr_t)waot_stack_high;
    }
    waot_posix_run();
}
