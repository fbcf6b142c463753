/* Clocks and randomness of os.h. */
#include "../../core/process.h"
#include "system.h"

static int waot_linux_clock_by_call(int clock, struct waot_linux_timespec *time)
{
    return (int)waot_linux_get_clock(clock, time);
}

/* CLOCK_REALTIME and CLOCK_MONOTONIC are 0 and 1, as WASI's are. */
int64_t waot_os_clock(uint32_t id)
{
    struct waot_linux_timespec time;
    if (waot_linux_state.clock == NULL) { /* the first reading looks up how to read */
        waot_linux_clock_function *function = waot_linux_vdso_clock();
        waot_linux_state.clock = function != NULL ? function : waot_linux_clock_by_call;
    }
    int result = waot_linux_state.clock((int)id, &time);
    if (result < 0)
        return waot_linux_result(result);
    return time.seconds * 1000000000 + time.nanoseconds;
}

int64_t waot_os_clock_resolution(uint32_t id)
{
    struct waot_linux_timespec time;
    long result = waot_linux_get_resolution((long)id, &time);
    if (result < 0)
        return waot_linux_result(result);
    return time.seconds * 1000000000 + time.nanoseconds;
}

int64_t waot_os_random(uint8_t *bytes, size_t size)
{
    while (size > 0) {
        long got = WAOT_LINUX_RETRY(SYS_getrandom, bytes, size, 0);
        if (got < 0)
            return waot_linux_result(got);
        bytes += got;
        size -= (size_t)got;
    }
    return 0;
}
