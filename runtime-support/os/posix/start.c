/* From a system's start to `_start` of the module: the wasm stack, fault handlers. */
#include "program.h"

#include "../../core/memory.h"
#include "../../include/waot_abi.h"
#include "stack.h"

struct waot_process waot_process;
WAOT_THREAD_LOCAL struct waot_stack waot_stack;

static void waot_make_stack(void)
{
    uint64_t mask = waot_process.page_size - 1;
    uint64_t guard = (WAOT_STACK_GUARD + mask) & ~mask;
    uint64_t size = (waot_stack_size() + mask) & ~mask;
    char *at = NULL;
    if (sizeof at == sizeof size || size <= INT32_MAX) /* more than half of all addresses is no stack */
        at = waot_posix_reserve_stack(guard + size);
    if (!at || waot_os_commit(at + guard, size))
        waot_fatal("no memory for the stack; build with a smaller --stack-size");
    waot_stack.guard = (uintptr_t)at;
    waot_stack.low = (uintptr_t)at + (uintptr_t)guard;
    waot_stack.high = waot_stack.low + (uintptr_t)size;
}

__attribute__((weak)) void waot_main(void)
{
    waot_wasi_start();
    waot_module.instantiate();
    waot_module.entry();
    waot_exit(0);
}

void waot_posix_run(void)
{
    waot_process.manifest = waot_manifest_start;
    waot_process.manifest_end = waot_manifest_end;
    waot_process.embedded = waot_embed_start;
    if (!waot_stack.high)
        waot_make_stack();
    waot_catch_faults();
    waot_switch_stack((void *)waot_stack.high, waot_main);
}
