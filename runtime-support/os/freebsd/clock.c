/* Clocks and randomness of os.h. */
#include <time.h>

#include "system.h"

/* By WAOT_WASI_CLOCK_*. */
static const uint8_t waot_freebsd_clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                              CLOCK_THREAD_CPUTIME_ID};

static int64_t waot_freebsd_ask_clock(long call, uint32_t id)
{
    struct timespec time;
    if (id >= sizeof waot_freebsd_clocks)
        return -WAOT_WASI_INVAL;
    long result = WAOT_FREEBSD_CALL(call, waot_freebsd_clocks[id], &time);
    return result < 0 ? waot_freebsd_result(result) : time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t waot_os_clock(uint32_t id)
{
    return waot_freebsd_ask_clock(SYS_clock_gettime, id);
}

int64_t waot_os_clock_resolution(uint32_t id)
{
    return waot_freebsd_ask_clock(SYS_clock_getres, id);
}

int64_t waot_os_random(uint8_t *bytes, size_t size)
{
    while (size > 0) {
        long got = WAOT_FREEBSD_RETRY(SYS_getrandom, bytes, size, 0);
        if (got < 0)
            return waot_freebsd_result(got);
        bytes += got;
        size -= (size_t)got;
    }
    return 0;
}
