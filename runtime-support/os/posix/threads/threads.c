/* Threads, and the variables of each (ELF Handling For Thread-Local Storage, 3.4; local-exec).
 *
 * A thread's pages are one mapping: a guard, the wasm stack above it, the stack for handlers of faults, its variables.
 * They go when it ends; nobody waits for the end of a thread of wasi-threads but through memory.
 */
#include "../../living.h"
#include "../threads.h"

#include "../../../core/trap.h"

#include <elf.h>
#include <signal.h>

#if UINTPTR_MAX > UINT32_MAX
typedef Elf64_Ehdr waot_image_header;
typedef Elf64_Phdr waot_segment;
#else
typedef Elf32_Ehdr waot_image_header;
typedef Elf32_Phdr waot_segment;
#endif

/* Where the variables are, as seen from the thread pointer. x86, s390x: they end there, and on x86 it points to itself.
 * Arm: they begin behind two words. RISC-V, LoongArch: they begin there. POWER: they begin 0x7000 below. */
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
enum { WAOT_TLS_BELOW = 1, WAOT_TLS_HEAD = 0, WAOT_TLS_TAIL = 64, WAOT_TLS_BIAS = 0 };
#elif defined(__aarch64__) || defined(__arm__)
enum { WAOT_TLS_BELOW = 0, WAOT_TLS_HEAD = 2 * sizeof(void *), WAOT_TLS_TAIL = 0, WAOT_TLS_BIAS = 0 };
#elif defined(__powerpc64__)
enum { WAOT_TLS_BELOW = 0, WAOT_TLS_HEAD = 0, WAOT_TLS_TAIL = 0, WAOT_TLS_BIAS = 0x7000 };
#else
enum { WAOT_TLS_BELOW = 0, WAOT_TLS_HEAD = 0, WAOT_TLS_TAIL = 0, WAOT_TLS_BIAS = 0 };
#endif

/* The segment PT_TLS: what every thread's variables begin as. */
static struct {
    const uint8_t *data;
    size_t data_size; /* then zeros */
    size_t size;      /* a multiple of the alignment, which the linker script sees to */
    size_t head;      /* bytes from the start of the block to the variables */
    size_t block;     /* bytes of all of it */
} waot_tls;

/* One of those that thread-spawn has made. Stands in the thread's own pages. */
struct waot_posix_thread {
    struct waot_living living;
    unsigned char *pages;
    size_t size;
    struct waot_stack stack;
    unsigned char *signal_stack;
    unsigned char *tls;
    waot_os_thread_function *function;
    uint32_t argument;
};

/* The block that this thread's variables are in. */
static WAOT_THREAD_LOCAL struct {
    uintptr_t low, high;
} waot_tls_block;
WAOT_THREAD_LOCAL unsigned char *waot_thread_signal_stack;

int waot_is_thread_local(uintptr_t address)
{
    return address >= waot_tls_block.low && address < waot_tls_block.high;
}

static void waot_read_tls_segment(void)
{
    const waot_image_header *header = (const void *)waot_image_start;
    const waot_segment *segments = (const void *)(waot_image_start + header->e_phoff);
    size_t alignment = 1;
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_TLS) {
            uintptr_t shift = header->e_type == ET_DYN ? (uintptr_t)waot_image_start : 0;
            waot_tls.data = (const uint8_t *)(shift + segments[i].p_vaddr);
            waot_tls.data_size = segments[i].p_filesz;
            waot_tls.size = segments[i].p_memsz;
            alignment = segments[i].p_align;
        }
    waot_tls.head = (WAOT_TLS_HEAD + alignment - 1) & ~(alignment - 1);
    waot_tls.block = waot_tls.head + waot_tls.size + WAOT_TLS_TAIL;
}

/* Makes variables in a block of zeros: the thread pointer to them. */
static void *waot_make_tls(unsigned char *block)
{
    __builtin_memcpy(block + waot_tls.head, waot_tls.data, waot_tls.data_size);
    if (!WAOT_TLS_BELOW)
        return block + WAOT_TLS_BIAS;
    void **pointer = (void **)(void *)(block + waot_tls.size);
    *pointer = pointer;
    return pointer;
}

static void waot_know_tls(unsigned char *block)
{
    waot_tls_block.low = (uintptr_t)block;
    waot_tls_block.high = (uintptr_t)block + waot_tls.block;
}

void waot_begin_threads(void)
{
    waot_read_tls_segment();
    unsigned char *block = waot_os_allocate_pages(waot_tls.block);
    if (!block) {
        static const char text[] = "waot: no memory for the first thread's variables\n";
        waot_os_report(text, sizeof text - 1);
        waot_system_end(134); /* not waot_exit, which has variables of its own */
    }
    waot_set_thread_pointer(waot_make_tls(block));
    waot_know_tls(block);
}

/* ---------------------------------------------------------------- one thread */

/* The pages of a thread with a stack like its maker's, or null. */
static struct waot_posix_thread *waot_make_thread(void)
{
    size_t mask = waot_process.page_size - 1;
    size_t guard = waot_stack.low - waot_stack.guard, stack = waot_stack.high - waot_stack.low;
    size_t block = (waot_tls.block + sizeof(struct waot_posix_thread) + mask) & ~mask;
    size_t rest = stack + WAOT_SIGNAL_STACK + block;
    unsigned char *pages = waot_posix_reserve_stack(guard + rest);
    if (!pages)
        return NULL;
    if (waot_os_commit(pages + guard, rest)) {
        waot_os_free_pages(pages, guard + rest);
        return NULL;
    }
    unsigned char *signal_stack = pages + guard + stack;
    unsigned char *tls = signal_stack + WAOT_SIGNAL_STACK;
    struct waot_posix_thread *thread = (void *)(pages + guard + rest - sizeof *thread);
    *thread = (struct waot_posix_thread){
        .pages = pages,
        .size = guard + rest,
        .stack = {(uintptr_t)pages, (uintptr_t)pages + guard, (uintptr_t)pages + guard + stack},
        .signal_stack = signal_stack,
        .tls = tls,
    };
    return thread;
}

void waot_run_thread(void *argument)
{
    struct waot_posix_thread *thread = argument;
    waot_know_tls(thread->tls);
    waot_stack = thread->stack;
    waot_thread_signal_stack = thread->signal_stack;
    const stack_t stack = {.ss_sp = thread->signal_stack, .ss_size = WAOT_SIGNAL_STACK};
    waot_call_sigaltstack(&stack);
    thread->function(thread->living.number, thread->argument);
    waot_forget_thread(&thread->living);
    waot_system_block_signals(); /* no handler may run on a stack that goes away */
    waot_end_thread(thread->pages, thread->size);
}

int64_t waot_os_spawn(waot_os_thread_function *function, uint32_t argument)
{
    struct waot_posix_thread *thread = waot_make_thread();
    if (!thread)
        return -WAOT_WASI_AGAIN;
    thread->function = function;
    thread->argument = argument;
    waot_enter_thread(&thread->living);
    uint32_t number = thread->living.number; /* once it is begun the thread is its own, and soon may be gone */
    void *pointer = waot_make_tls(thread->tls);
    unsigned char *low = (unsigned char *)thread->stack.low, *high = (unsigned char *)thread->stack.high;
    long result = waot_system_begin_thread(low, high, pointer, thread);
    if (result >= 0)
        return number;
    waot_forget_thread(&thread->living);
    waot_os_free_pages(thread->pages, thread->size);
    return waot_posix_result(result);
}
