/* From the kernel's entry to `_start` of the module: relocation, arguments, the wasm stack, fault handlers. */
#include "../../core/memory.h"
#include "../../core/process.h"
#include "../../include/waot_abi.h"
#include "../image.h"
#include "signals.h"
#include "syscall.h"
#include "threads.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#if UINTPTR_MAX > UINT32_MAX
typedef Elf64_auxv_t waot_auxiliary;
#else
typedef Elf32_auxv_t waot_auxiliary;
#endif

/* The wasm stack where the executable brings it as a segment, with nothing mapped below; empty where it does not. */
extern const unsigned char waot_stack_low[] WAOT_HIDDEN, waot_stack_high[] WAOT_HIDDEN;

struct waot_process waot_process;
WAOT_THREAD_LOCAL struct waot_stack waot_stack;

void waot_exit(int status)
{
    if (WAOT_THREADS)
        waot_end_program();
    for (;;)
        waot_syscall(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

static void waot_make_stack(void)
{
    if ((uintptr_t)waot_stack_low < (uintptr_t)waot_stack_high) {
        waot_stack.guard = (uintptr_t)(waot_stack_low - WAOT_STACK_GUARD);
        waot_stack.low = (uintptr_t)waot_stack_low;
        waot_stack.high = (uintptr_t)waot_stack_high;
        return;
    }
    uint64_t mask = waot_process.page_size - 1;
    uint64_t guard = (WAOT_STACK_GUARD + mask) & ~mask;
    uint64_t size = (waot_stack_size() + mask) & ~mask;
    /* MAP_STACK keeps huge pages away (Linux 6.7): the first push shall not clear 2 MiB. */
    long at = -1;
    if (sizeof at == sizeof size || size <= INT32_MAX)
        at = waot_syscall(WAOT_LINUX_MMAP, 0, (long)(guard + size), PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if ((at < 0 && at >= -4095) || waot_os_commit((void *)(at + (long)guard), size))
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

/* `stack` is the stack pointer at entry: argc, argv, null, envp, null, auxiliary vector (System V ABI 3.4.1). */
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
    for (const waot_auxiliary *aux = (const waot_auxiliary *)(end + 1); aux->a_type != AT_NULL; aux++) {
        if (aux->a_type == AT_PAGESZ)
            waot_process.page_size = aux->a_un.a_val;
        if (aux->a_type == AT_SECURE)
            waot_process.secure = aux->a_un.a_val != 0;
    }
    waot_process.manifest = waot_manifest_start;
    waot_process.manifest_end = waot_manifest_end;
    waot_process.embedded = waot_embed_start;
    if (WAOT_THREADS)
        waot_begin_threads();
    waot_make_stack();
    waot_catch_faults();
    waot_switch_stack((void *)waot_stack.high, waot_main);
}
