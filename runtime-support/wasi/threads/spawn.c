/* wasi.thread-spawn: a new instance of the module, in a thread of its own, that shares the memory (wasi-threads). */
#include "../wasi.h"

static void waot_wasi_run_thread(uint32_t number, uint32_t argument)
{
    waot_threads.instantiate();
    waot_threads.start(number, argument);
    waot_threads.release();
}

uint32_t waot_wasi_thread_spawn(struct waot_memory *memory, uint32_t argument)
{
    (void)memory;
    return (uint32_t)waot_os_spawn(waot_wasi_run_thread, argument);
}
