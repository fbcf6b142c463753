/* Threads from Windows: CreateThread, and the variables of each (PE and COFF Specification, "The .tls Section"). The system
 * makes a thread's stack and its variables and takes them back. */
#include "../../living.h"

#include "../../../core/trap.h"
#include "../faults.h"
#include "../system.h"
#include "../threads.h"

/* What every thread's variables begin as: the linker puts what is called .tls$ between these two. */
__attribute__((section(".tls"))) static unsigned char waot_tls_start[16] __attribute__((aligned(16), used));
__attribute__((section(".tls$zzz"))) static unsigned char waot_tls_end[16] __attribute__((aligned(16), used));

/* Generated code for x86 takes it for 0, as it is for an executable (Microsoft's compiler has /GA for that). */
ULONG _tls_index;

/* The linker makes this the directory of such variables (IMAGE_TLS_DIRECTORY), and says their alignment in it. */
__attribute__((used)) const struct {
    const unsigned char *start, *end;
    ULONG *index;
    void *callbacks;
    ULONG zeros, characteristics;
} _tls_used = {waot_tls_start, waot_tls_end + sizeof waot_tls_end, &_tls_index, NULL, 0, 0};

#if UINTPTR_MAX > UINT32_MAX
#define WAOT_WINDOWS_TLS_BLOCKS 0x58
#else
#define WAOT_WINDOWS_TLS_BLOCKS 0x2c
#endif

/* Where this thread's block says that its variables are. */
static unsigned char **waot_windows_tls_block(void)
{
    return *(unsigned char ***)((unsigned char *)NtCurrentTeb() + WAOT_WINDOWS_TLS_BLOCKS) + _tls_index;
}

int waot_is_thread_local(uintptr_t address)
{
    return address - (uintptr_t)*waot_windows_tls_block() < (uintptr_t)(waot_tls_end - waot_tls_start);
}

/* Not waot_fatal, which has variables of its own. */
static _Noreturn void waot_windows_refuse(const char *text)
{
    waot_os_report(text, __builtin_strlen(text));
    NtTerminateProcess((HANDLE)-1, 134); /* this process */
    __builtin_trap();
}

/* The system's block of variables is aligned as what its heap gives, which is 8 bytes with 32 bits; not every version looks
 * at the alignment that the directory asks for. Puts an aligned one in its place where it must: the system's, or null. */
static unsigned char *waot_windows_align_variables(void)
{
    unsigned char **block = waot_windows_tls_block(), *before = *block;
    size_t size = (size_t)(waot_tls_end - waot_tls_start);
    if (((uintptr_t)before & 15) == 0)
        return NULL;
    unsigned char *pages = waot_os_allocate_pages(size);
    if (pages == NULL)
        waot_windows_refuse("waot: no memory for a thread's variables\n");
    __builtin_memcpy(pages, waot_tls_start, size);
    *block = pages;
    return before;
}

void waot_begin_threads(void)
{
    waot_windows_share_files();
#ifndef __aarch64__
    if (_tls_index != 0)
        waot_windows_refuse("waot: the system does not give the program the first place for variables of threads\n");
#endif
    waot_windows_align_variables();
}

/* ---------------------------------------------------------------- one thread */

struct waot_windows_thread {
    struct waot_living living;
    waot_os_thread_function *function;
    uint32_t argument;
};

/* Not inlined: a compiler may take the place of the variables for the same all through a function. */
__attribute__((noinline)) static void waot_windows_be_thread(const struct waot_windows_thread *thread)
{
    waot_windows_know_stack();
    thread->function(thread->living.number, thread->argument);
}

static DWORD WINAPI waot_windows_run_thread(void *argument)
{
    struct waot_windows_thread *thread = argument;
    unsigned char *before = waot_windows_align_variables();
    waot_windows_be_thread(thread);
    if (before != NULL) {
        unsigned char **block = waot_windows_tls_block();
        waot_os_free_pages(*block, 0);
        *block = before;
    }
    waot_forget_thread(&thread->living);
    waot_os_free_pages(thread, sizeof *thread);
    return 0;
}

int64_t waot_os_spawn(waot_os_thread_function *function, uint32_t argument)
{
    struct waot_windows_thread *thread = waot_os_allocate_pages(sizeof *thread);
    if (thread == NULL)
        return -WAOT_WASI_AGAIN;
    thread->function = function;
    thread->argument = argument;
    waot_enter_thread(&thread->living);
    uint32_t number = thread->living.number; /* soon it may be gone */
    /* With a stack as large as the first thread's: the executable says it. */
    HANDLE handle = CreateThread(NULL, 0, waot_windows_run_thread, thread, 0, NULL);
    if (handle != NULL) {
        NtClose(handle);
        return number;
    }
    waot_forget_thread(&thread->living);
    waot_os_free_pages(thread, sizeof *thread);
    return -WAOT_WASI_AGAIN;
}
