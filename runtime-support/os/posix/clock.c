/* Clocks and randomness of os.h. */
#include "posix.h"

static int64_t waot_posix_told(long result, const struct waot_posix_time *time)
{
    return result < 0 ? waot_posix_result(result) : time->seconds * 1000000000 + time->nanoseconds;
}

int64_t waot_os_clock(uint32_t id)
{
    struct waot_posix_time time;
    return waot_posix_told(waot_call_clock_gettime(id, &time), &time);
}

int64_t waot_os_clock_resolution(uint32_t id)
{
    struct waot_posix_time time;
    return waot_posix_told(waot_call_clock_getres(id, &time), &time);
}

int64_t waot_os_random(uint8_t *bytes, size_t size)
{
    while (size > 0) {
        long got = waot_call_getrandom(bytes, size);
        if (got < 0)
            return waot_posix_result(got);
        bytes += got;
        size -= (size_t)got;
    }
    return 0;
}
