/* From dyld's entry to `_start` of the module: arguments, the wasm stack, fault handlers. */
#include "../../core/memory.h"
#include "../../core/process.h"
#include "../../include/waot_abi.h"
#include "signals.h"

#include <sys/mman.h>
#include <unistd.h>

/* The widest frame that may be pushed without a probe, and more: it costs address space only. */
#define WAOT_STACK_GUARD (UINT64_C(16) << 20)
#define WAOT_STACK_DEFAULT (UINT64_C(8) << 20)

struct waot_process waot_process;
WAOT_THREAD_LOCAL struct waot_stack waot_stack;

void waot_exit(int status)
{
    _exit(status);
}

static uint64_t waot_stack_size(void)
{
    const unsigned char *at = waot_process.manifest;
    while ((size_t)(waot_process.manifest_end - at) >= sizeof(struct waot_record)) {
        const struct waot_record *record = (const struct waot_record *)at;
        at += sizeof *record;
        if (record->kind == WAOT_RECORD_END || record->size > (size_t)(waot_process.manifest_end - at))
            break;
        if (record->kind == WAOT_RECORD_STACK_SIZE && record->size == sizeof(uint64_t))
            return *(const uint64_t *)at;
        at += (record->size + UINT64_C(7)) & ~UINT64_C(7);
    }
    return WAOT_STACK_DEFAULT;
}

static void waot_make_stack(void)
{
    uint64_t mask = waot_process.page_size - 1;
    uint64_t guard = (WAOT_STACK_GUARD + mask) & ~mask;
    uint64_t size = (waot_stack_size() + mask) & ~mask;
    uint8_t *at = waot_os_reserve(guard + size);
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

/* The image's entry (LC_MAIN): dyld has bound and rebased it and libSystem is initialised. */
__attribute__((used)) int waot_start(int argc, char **argv, char **envp)
{
    waot_process.argc = argc;
    waot_process.argv = argv;
    waot_process.envp = envp;
    waot_process.page_size = (size_t)getpagesize();
    waot_process.secure = issetugid();
    waot_process.manifest = waot_manifest_start;
    waot_process.manifest_end = waot_manifest_end;
    waot_process.embedded = waot_embed_start;
    waot_make_stack();
    waot_catch_faults();
    waot_switch_stack((void *)waot_stack.high, waot_main);
}
