/* proc_*, sched_yield, random_get. */
#include "wasi.h"

void waot_wasi_proc_exit(struct waot_memory *memory, uint32_t rval)
{
    (void)memory;
    waot_exit((int)rval);
}

uint32_t waot_wasi_proc_raise(struct waot_memory *memory, uint32_t sig)
{
    (void)memory;
    switch (sig) {
    case WAOT_WASI_SIGNAL_NONE: /* the four whose action is to be ignored (witx, signal) and nothing */
    case WAOT_WASI_SIGNAL_PIPE:
    case WAOT_WASI_SIGNAL_CHLD:
    case WAOT_WASI_SIGNAL_URG:
    case WAOT_WASI_SIGNAL_WINCH:
        return WAOT_WASI_SUCCESS;
    default:
        return sig < WAOT_WASI_SIGNAL_COUNT ? waot_wasi_result(waot_os_raise(sig)) : (uint32_t)WAOT_WASI_INVAL;
    }
}

uint32_t waot_wasi_sched_yield(struct waot_memory *memory)
{
    (void)memory;
    return waot_wasi_result(waot_os_yield());
}

uint32_t waot_wasi_random_get(struct waot_memory *memory, uint32_t buf, uint32_t buf_len)
{
    uint8_t *to;
    if (!waot_guest_range(memory, buf, buf_len, &to))
        return WAOT_WASI_FAULT;
    return waot_wasi_result(waot_wasi_random(to, buf_len));
}
