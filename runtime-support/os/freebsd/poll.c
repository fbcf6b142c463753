/* Waiting, of os.h. */
#include <sys/types.h>

#include <poll.h>
#include <sys/filio.h>
#include <sys/umtx.h>
#include <time.h>

#include "system.h"

enum { WAOT_FREEBSD_FEW_POLLS = 16 };

static void waot_freebsd_poll_result(struct waot_os_poll *poll, const struct pollfd *from)
{
    poll->invalid = (from->revents & POLLNVAL) != 0;
    poll->ready = (from->revents & ((poll->write ? POLLOUT : POLLIN) | POLLHUP | POLLERR)) != 0;
    poll->hangup = (from->revents & (POLLHUP | POLLERR)) != 0;
    poll->bytes = 0;
    int waiting = 0;
    if (poll->ready && !poll->write && WAOT_FREEBSD_CALL(SYS_ioctl, poll->handle, FIONREAD, &waiting) >= 0)
        poll->bytes = (uint64_t)waiting;
}

/* More is as good as for ever: the kernel refuses what does not fit its own count. */
static struct timespec waot_freebsd_time(uint64_t timeout)
{
    return (struct timespec){(time_t)(timeout / 1000000000), (long)(timeout % 1000000000)};
}

int64_t waot_os_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout)
{
    struct pollfd few[WAOT_FREEBSD_FEW_POLLS], *entries = few;
    if (count > WAOT_FREEBSD_FEW_POLLS) {
        entries = waot_os_allocate_pages(count * sizeof *entries);
        if (entries == NULL)
            return -WAOT_WASI_NOMEM;
    }
    /* The kernel takes no more entries than there may be open files: none for what has no handle, one for reading from and
     * writing to the same. */
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (polls[i].handle < 0)
            continue;
        if (used == 0 || entries[used - 1].fd != polls[i].handle)
            entries[used++] = (struct pollfd){(int)polls[i].handle, 0, 0};
        entries[used - 1].events |= polls[i].write ? POLLOUT : POLLIN;
    }
    const struct timespec time = waot_freebsd_time(timeout);
    long result = WAOT_FREEBSD_CALL(SYS_ppoll, entries, used, timeout == UINT64_MAX ? NULL : &time, NULL);
    if (result == -EINTR) {
        result = 0;
        for (size_t i = 0; i < used; i++)
            entries[i].revents = 0;
    }
    const struct pollfd *entry = entries;
    for (size_t i = 0; result >= 0 && i < count; i++) {
        if (polls[i].handle < 0)
            continue;
        if (entry->fd != polls[i].handle)
            entry++;
        waot_freebsd_poll_result(&polls[i], entry);
    }
    if (entries != few)
        waot_os_free_pages(entries, count * sizeof *entries);
    return waot_freebsd_result(result);
}

void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    const struct timespec time = waot_freebsd_time(timeout);
    bool ends = timeout != UINT64_MAX;
    WAOT_FREEBSD_CALL(SYS__umtx_op, word, UMTX_OP_WAIT_UINT_PRIVATE, value, ends ? sizeof time : 0, ends ? &time : NULL);
}

void waot_os_wake(const uint32_t *word)
{
    WAOT_FREEBSD_CALL(SYS__umtx_op, word, UMTX_OP_WAKE_PRIVATE, 1, NULL, NULL);
}
