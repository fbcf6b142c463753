/* clock_*. The processor-time clocks are BADF, as in wasmtime: programs probe for them and fall back. */
#include "wasi.h"

static uint32_t waot_wasi_clock(struct waot_memory *memory, uint32_t id, uint32_t at, int64_t (*read)(uint32_t id))
{
    if (id > WAOT_WASI_CLOCK_THREAD_CPUTIME)
        return WAOT_WASI_INVAL;
    if (id > WAOT_WASI_CLOCK_MONOTONIC)
        return WAOT_WASI_BADF;
    uint8_t *to;
    if (!waot_guest_range(memory, at, 8, &to))
        return WAOT_WASI_FAULT;
    int64_t ns = read(id);
    if (ns < 0)
        return waot_wasi_result(ns);
    waot_guest_store_u64(to, (uint64_t)ns);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_clock_res_get(struct waot_memory *memory, uint32_t id, uint32_t resolution)
{
    return waot_wasi_clock(memory, id, resolution, waot_wasi_clock_resolution);
}

uint32_t waot_wasi_clock_time_get(struct waot_memory *memory, uint32_t id, uint64_t precision, uint32_t time)
{
    (void)precision;
    return waot_wasi_clock(memory, id, time, waot_wasi_clock_now);
}
