/* From the kernel's entry to `_start` of the module: relocation, arguments, the wasm stack, fault handlers. */
#include "../../core/memory.h"
#include "../../core/process.h"
#include "../../include/waot_abi.h"
#include "../image.h"
#include "signals.h"
#include "syscall.h"

#include <sys/syscall.h>

struct waot_process waot_process;
struct waot_stack waot_stack;

void waot_exit(int status)
{
    for (;;)
        waot_syscall(SYS_exit, status, 0, 0, 0, 0, 0);
}

static void waot_make_stack(void)
{
    uint64_t mask = waot_process.page_size - 1;
    uint64_t guard = (WAOT_STACK_GUARD + mask) & ~mask;
    uint64_t size = (waot_stack_size() + mask) & ~mask;
    char *at = waot_os_reserve(guard + size);
    if (!at || waot_os_commit(at + guard, size))
        waot_fatal("no memory for the stack; build with a smaller --stack-size");
    waot_stack.guard = (uintptr_t)at;
    waot_stack.low = (uintptr_t)at + guard;
    waot_stack.high = waot_stack.low + size;
}

__attribute__((weak)) void waot_main(void)
{
    waot_wasi_start();
    waot_module.instantiate();
    waot_module.entry();
    waot_exit(0);
}

/* `stack` is what the kernel hands over: argc, argv, null, envp, null, auxiliary vector. */
__attribute__((used)) _Noreturn void waot_start(uintptr_t *stack)
{
    waot_relocate();
    waot_process.argc = (int)stack[0];
    waot_process.argv = (char **)(stack + 1);
    waot_process.envp = waot_process.argv + waot_process.argc + 1;
    char **end = waot_process.envp;
    while (*end)
        end++;
    waot_process.page_size = 4096;
    for (const Elf64_Auxinfo *aux = (const Elf64_Auxinfo *)(end + 1); aux->a_type != AT_NULL; aux++)
        if (aux->a_type == AT_PAGESZ)
            waot_process.page_size = (size_t)aux->a_un.a_val;
    waot_process.secure = waot_syscall(SYS_issetugid, 0, 0, 0, 0, 0, 0) != 0;
    waot_process.manifest = waot_manifest_start;
    waot_process.manifest_end = waot_manifest_end;
    waot_process.embedded = waot_embed_start;
    waot_make_stack();
    waot_catch_faults();
    waot_switch_stack((void *)waot_stack.high, waot_main);
}
