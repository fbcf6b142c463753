/* Threads for test programs: the little of a thread library that wasi-threads leaves to the guest.
 *
 * A thread's stack and thread-local variables are in static storage, because zig's wasi-libc is built without threads:
 * printf and malloc are for the first thread alone. What a thread says it says with `say`, in one fd_write.
 */
#ifndef THREADS_H
#define THREADS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int32_t thread_spawn(void *argument);

extern void __wasm_init_tls(void *);
#define TLS_SIZE __builtin_wasm_tls_size()

#ifndef STACK_SIZE
#define STACK_SIZE 16384
#endif
#ifndef MOST_THREADS
#define MOST_THREADS 64
#endif

struct thread {
    char *stack; /* first: read by wasi_thread_start */
    _Atomic uint32_t done;
    int32_t number;
    void (*function)(void *);
    void *argument;
    _Alignas(16) char tls[1024];
    _Alignas(16) char memory[STACK_SIZE];
};
static struct thread threads[MOST_THREADS];

static inline void wait_while(_Atomic uint32_t *word, uint32_t value)
{
    __builtin_wasm_memory_atomic_wait32((int *)word, (int)value, -1);
}

static inline uint32_t wake(_Atomic uint32_t *word, uint32_t count)
{
    return __builtin_wasm_memory_atomic_notify((int *)word, count);
}

__attribute__((used)) void thread_main(int32_t number, struct thread *thread)
{
    __wasm_init_tls(thread->tls);
    thread->number = number;
    thread->function(thread->argument);
    atomic_store(&thread->done, 1);
    wake(&thread->done, 1);
}

__asm__("  .globaltype __stack_pointer, i32\n"
        "  .functype thread_main (i32, i32) -> ()\n"
        "  .globl wasi_thread_start\n"
        "  .type wasi_thread_start, @function\n"
        "  .export_name wasi_thread_start, wasi_thread_start\n"
        "wasi_thread_start:\n"
        "  .functype wasi_thread_start (i32, i32) -> ()\n"
        "  local.get 1\n"
        "  i32.load 0\n"
        "  global.set __stack_pointer\n"
        "  local.get 0\n"
        "  local.get 1\n"
        "  call thread_main\n"
        "  end_function\n");

/* What thread-spawn says. */
static inline int32_t start(struct thread *thread, void (*function)(void *), void *argument)
{
    thread->stack = thread->memory + STACK_SIZE;
    thread->done = 0;
    thread->function = function;
    thread->argument = argument;
    return thread_spawn(thread);
}

static inline void must_start(struct thread *thread, void (*function)(void *), void *argument)
{
    if (start(thread, function, argument) <= 0) {
        fputs("no thread\n", stderr);
        _Exit(99);
    }
}

static inline void join(struct thread *thread)
{
    while (!atomic_load(&thread->done))
        wait_while(&thread->done, 0);
}

/* A mutex that sleeps: 0 free, 1 taken, 2 taken and somebody may sleep. */
typedef _Atomic uint32_t mutex;

static inline void lock(mutex *m)
{
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong(m, &seen, 1))
        return;
    while (atomic_exchange(m, 2))
        wait_while(m, 2);
}

static inline void unlock(mutex *m)
{
    if (atomic_exchange(m, 0) == 2)
        wake(m, 1);
}

/* A condition: those who wait sleep on a count of signals. */
typedef _Atomic uint32_t condition;

static inline void await(condition *c, mutex *m)
{
    uint32_t seen = atomic_load(c);
    unlock(m);
    wait_while(c, seen);
    lock(m);
}

static inline void signal_all(condition *c)
{
    atomic_fetch_add(c, 1);
    wake(c, UINT32_MAX);
}

static inline void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _Exit(98);
}

#endif
