/* Threads from Darwin: pthread_create, and the variables of each.
 *
 * libSystem's threads have a guard of one page, which a wide frame steps over. So a thread has pages of our own besides its
 * stack: a guard, the wasm stack above it, the stack for handlers of faults, its variables. It goes there and comes back to
 * its stack to end.
 *
 * Variables are as compilers emulate them (-femulated-tls): each has a descriptor, which the linker brackets. Where a thread has
 * its own is a value of the thread's (pthread_getspecific), and where in there each variable is, its descriptor says.
 */
#include "../../living.h"

#include "../../../core/trap.h"
#include "program.h"
#include "../threads.h"

#include <pthread.h>

/* What a compiler makes for a variable. */
struct waot_variable {
    size_t size, align;
    size_t offset; /* in a thread's block; begins as 0 */
    const void *initial; /* null: zeros */
};
extern struct waot_variable waot_variables_start[] __attribute__((visibility("hidden")));
extern struct waot_variable waot_variables_end[] __attribute__((visibility("hidden")));

enum { WAOT_VARIABLES_ALIGN = 64 };

static pthread_key_t waot_variables_key;
static size_t waot_variables_size; /* of a thread's block */

struct waot_darwin_thread {
    struct waot_living living;
    unsigned char *pages;
    size_t size;
    struct waot_stack stack;
    unsigned char *signal_stack;
    unsigned char *variables;
    waot_os_thread_function *function;
    uint32_t argument;
};

WAOT_THREAD_LOCAL unsigned char *waot_thread_signal_stack;

/* ---------------------------------------------------------------- variables */

static unsigned char *waot_own_variables(void)
{
    return pthread_getspecific(waot_variables_key);
}

/* What LLVM makes of the use of a variable calls it. */
void *__emutls_get_address(const struct waot_variable *variable);
void *__emutls_get_address(const struct waot_variable *variable)
{
    return waot_own_variables() + variable->offset;
}

int waot_is_thread_local(uintptr_t address)
{
    return address - (uintptr_t)waot_own_variables() < waot_variables_size;
}

static void waot_place_variables(void)
{
    size_t size = 0;
    for (struct waot_variable *variable = waot_variables_start; variable < waot_variables_end; variable++) {
        size = (size + variable->align - 1) & ~(variable->align - 1);
        variable->offset = size;
        size += variable->size;
    }
    waot_variables_size = (size + WAOT_VARIABLES_ALIGN - 1) & ~(size_t)(WAOT_VARIABLES_ALIGN - 1);
}

/* In a block of zeros. */
static void waot_make_variables(unsigned char *block)
{
    for (const struct waot_variable *variable = waot_variables_start; variable < waot_variables_end; variable++)
        if (variable->initial != NULL)
            __builtin_memcpy(block + variable->offset, variable->initial, variable->size);
}

void waot_begin_threads(void)
{
    waot_place_variables();
    unsigned char *block = waot_os_allocate_pages(waot_variables_size);
    if (block == NULL || pthread_key_create(&waot_variables_key, NULL) != 0 ||
        pthread_setspecific(waot_variables_key, block) != 0) {
        static const char text[] = "waot: no memory for the first thread's variables\n";
        waot_os_report(text, sizeof text - 1);
        _exit(134); /* not waot_exit, which has variables of its own */
    }
    waot_make_variables(block);
}

/* ---------------------------------------------------------------- one thread */

/* The pages of a thread with a stack like its maker's, or null. */
static struct waot_darwin_thread *waot_make_thread(void)
{
    size_t mask = waot_process.page_size - 1;
    size_t guard = waot_stack.low - waot_stack.guard, stack = waot_stack.high - waot_stack.low;
    size_t block = (waot_variables_size + sizeof(struct waot_darwin_thread) + mask) & ~mask;
    size_t rest = stack + WAOT_SIGNAL_STACK + block;
    unsigned char *pages = waot_posix_reserve_stack(guard + rest);
    if (pages == NULL)
        return NULL;
    if (waot_os_commit(pages + guard, rest)) {
        waot_os_free_pages(pages, guard + rest);
        return NULL;
    }
    unsigned char *signal_stack = pages + guard + stack;
    struct waot_darwin_thread *thread = (void *)(pages + guard + rest - sizeof *thread);
    *thread = (struct waot_darwin_thread){
        .pages = pages,
        .size = guard + rest,
        .stack = {(uintptr_t)pages, (uintptr_t)pages + guard, (uintptr_t)pages + guard + stack},
        .signal_stack = signal_stack,
        .variables = signal_stack + WAOT_SIGNAL_STACK,
    };
    return thread;
}

/* On the wasm stack. */
static void waot_be_thread(void *argument)
{
    const struct waot_darwin_thread *thread = argument;
    waot_stack = thread->stack;
    waot_thread_signal_stack = thread->signal_stack;
    const stack_t stack = {.ss_sp = thread->signal_stack, .ss_size = WAOT_SIGNAL_STACK};
    waot_call_sigaltstack(&stack);
    thread->function(thread->living.number, thread->argument);
    const stack_t none = {.ss_flags = SS_DISABLE, .ss_size = WAOT_SIGNAL_STACK};
    waot_call_sigaltstack(&none);
}

/* On libSystem's. */
static void *waot_run_thread(void *argument)
{
    struct waot_darwin_thread *thread = argument;
    pthread_setspecific(waot_variables_key, thread->variables);
    waot_call_on_stack((void *)thread->stack.high, waot_be_thread, thread);
    waot_forget_thread(&thread->living);
    waot_os_free_pages(thread->pages, thread->size);
    return NULL;
}

int64_t waot_os_spawn(waot_os_thread_function *function, uint32_t argument)
{
    struct waot_darwin_thread *thread = waot_make_thread();
    if (thread == NULL)
        return -WAOT_WASI_AGAIN;
    thread->function = function;
    thread->argument = argument;
    waot_make_variables(thread->variables);
    waot_enter_thread(&thread->living);
    uint32_t number = thread->living.number; /* from its creation on the thread is its own, and soon may be gone */
    pthread_t made;
    if (pthread_create(&made, NULL, waot_run_thread, thread) == 0) {
        pthread_detach(made);
        return number;
    }
    waot_forget_thread(&thread->living);
    waot_os_free_pages(thread->pages, thread->size);
    return -WAOT_WASI_AGAIN;
}
