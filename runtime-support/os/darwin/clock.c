/* Clocks and randomness of os.h. */
#include <stdlib.h>
#include <time.h>

#include "system.h"

/* WASI's REALTIME and MONOTONIC as Darwin's; nobody asks for another. CLOCK_MONOTONIC counts microseconds; the raw one is
 * as steady and counts ticks. */
static const clockid_t waot_darwin_clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC_RAW};

static int64_t waot_darwin_time(long result, const struct timespec *time)
{
    return result < 0 ? waot_darwin_result(result) : time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

int64_t waot_os_clock(uint32_t id)
{
    struct timespec time;
    return waot_darwin_time(WAOT_DARWIN_CALL(clock_gettime(waot_darwin_clocks[id], &time)), &time);
}

int64_t waot_os_clock_resolution(uint32_t id)
{
    struct timespec time;
    return waot_darwin_time(WAOT_DARWIN_CALL(clock_getres(waot_darwin_clocks[id], &time)), &time);
}

int64_t waot_os_random(uint8_t *bytes, size_t size)
{
    arc4random_buf(bytes, size);
    return 0;
}
