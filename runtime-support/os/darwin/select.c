/* Waiting for handles of which one is a device, of os.h: poll(2) takes no terminals and no other devices; it says that they
 * are not open. */
#include "posix.h"

#include <sys/select.h>

static bool waot_darwin_has_device(const struct waot_os_poll *polls, size_t count)
{
    struct stat stat;
    for (size_t i = 0; i < count; i++)
        if (polls[i].handle >= 0 && fstat((int)polls[i].handle, &stat) == 0 && S_ISCHR(stat.st_mode))
            return true;
    return false;
}

/* Handles as bits: by descriptor, those to read from, then those to write to. */
static int64_t waot_darwin_select(struct waot_os_poll *polls, size_t count, uint64_t timeout, uint32_t *sets, size_t words)
{
    uint32_t *both[2] = {sets, sets + words};
    for (size_t i = 0; i < count; i++) {
        polls[i].ready = polls[i].hangup = polls[i].invalid = false;
        polls[i].bytes = 0;
        if (polls[i].handle < 0)
            continue;
        if (fcntl((int)polls[i].handle, F_GETFD) < 0) {
            polls[i].invalid = true;
            timeout = 0;
        } else {
            both[polls[i].write][polls[i].handle / 32] |= UINT32_C(1) << polls[i].handle % 32;
        }
    }
    struct timeval time = {(time_t)(timeout / 1000000000), (suseconds_t)((timeout % 1000000000 + 999) / 1000)};
    if (time.tv_usec == 1000000)
        time = (struct timeval){time.tv_sec + 1, 0};
    if (time.tv_sec > 100000000) /* select(2) refuses more */
        time.tv_sec = 100000000;
    long result = WAOT_CALL(select((int)(words * 32), (fd_set *)(void *)both[0], (fd_set *)(void *)both[1], NULL,
                                   timeout == UINT64_MAX ? NULL : &time));
    if (result == -EINTR)
        return 0;
    for (size_t i = 0; result >= 0 && i < count; i++) {
        if (polls[i].handle < 0 || polls[i].invalid)
            continue;
        polls[i].ready = (both[polls[i].write][polls[i].handle / 32] >> polls[i].handle % 32 & 1) != 0;
        polls[i].bytes = waot_posix_waiting_bytes(&polls[i]);
    }
    return waot_posix_result(result);
}

bool waot_call_poll_otherwise(struct waot_os_poll *polls, size_t count, uint64_t timeout, int64_t *result)
{
    if (!waot_darwin_has_device(polls, count))
        return false;
    uint32_t few[2 * FD_SETSIZE / 32], *sets = few;
    waot_os_handle highest = 0;
    for (size_t i = 0; i < count; i++)
        highest = polls[i].handle > highest ? polls[i].handle : highest;
    size_t words = (size_t)highest / 32 + 1, size = 2 * words * sizeof *sets;
    if (size > sizeof few) {
        sets = waot_os_allocate_pages(size);
        if (sets == NULL) {
            *result = -WAOT_WASI_NOMEM;
            return true;
        }
    }
    __builtin_memset(sets, 0, size);
    *result = waot_darwin_select(polls, count, timeout, sets, words);
    if (sets != few)
        waot_os_free_pages(sets, size);
    return true;
}
