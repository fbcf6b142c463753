/* Clocks and randomness of os.h. */
#include "system.h"

#define WAOT_WINDOWS_EPOCH INT64_C(116444736000000000)

int64_t waot_os_clock(uint32_t id)
{
    if (id == WAOT_WASI_CLOCK_REALTIME) {
        FILETIME time;
        GetSystemTimePreciseAsFileTime(&time);
        return ((int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) - WAOT_WINDOWS_EPOCH) * 100;
    }
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    /* In two parts: the product would have no room after some days. */
    int64_t seconds = count.QuadPart / frequency.QuadPart, rest = count.QuadPart % frequency.QuadPart;
    return seconds * 1000000000 + rest * 1000000000 / frequency.QuadPart;
}

int64_t waot_os_clock_resolution(uint32_t id)
{
    if (id == WAOT_WASI_CLOCK_REALTIME)
        return 100;
    LARGE_INTEGER frequency;
    QueryPerformanceFrequency(&frequency);
    int64_t resolution = 1000000000 / frequency.QuadPart;
    return resolution > 0 ? resolution : 1;
}

int64_t waot_os_random(uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ULONG part = size > 1 << 30 ? 1 << 30 : (ULONG)size;
        if (!SystemFunction036(bytes, part))
            return -WAOT_WASI_IO;
        bytes += part;
        size -= part;
    }
    return 0;
}
