/* From the kernel's entry to what every system's start does. */
#include "../image.h"
#include "program.h"
#include "threads.h"

void waot_exit(int status)
{
    if (WAOT_THREADS)
        waot_end_program();
    for (;;)
        WAOT_CALL(SYS_exit, status);
}

/* `stack` is what the kernel hands over. */
__attribute__((used)) _Noreturn void waot_start(uintptr_t *stack)
{
    waot_relocate();
    const Elf64_Auxinfo *aux = waot_read_arguments(stack);
    waot_process.page_size = 4096;
    for (; aux->a_type != AT_NULL; aux++)
        if (aux->a_type == AT_PAGESZ)
            waot_process.page_size = (size_t)aux->a_un.a_val;
    waot_process.secure = WAOT_CALL(SYS_issetugid, 0) != 0;
    if (WAOT_THREADS)
        waot_begin_threads();
    waot_posix_run();
}
