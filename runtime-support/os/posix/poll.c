/* Waiting for handles, of os.h. */
#include "posix.h"

#include <poll.h>

enum { WAOT_POSIX_FEW_POLLS = 16 };

static void waot_posix_poll_result(struct waot_os_poll *poll, const struct pollfd *from)
{
    poll->invalid = (from->revents & POLLNVAL) != 0;
    poll->ready = (from->revents & ((poll->write ? POLLOUT : POLLIN) | POLLHUP | POLLERR)) != 0;
    poll->hangup = (from->revents & (POLLHUP | POLLERR)) != 0;
    poll->bytes = waot_posix_waiting_bytes(poll);
}

uint64_t waot_posix_waiting_bytes(const struct waot_os_poll *poll)
{
    int waiting = 0;
    bool told = poll->ready && !poll->write && waot_call_waiting(poll->handle, &waiting) >= 0;
    return told ? (uint64_t)waiting : 0;
}

int64_t waot_os_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout)
{
    int64_t otherwise;
    if (waot_call_poll_otherwise(polls, count, timeout, &otherwise))
        return otherwise;
    struct pollfd few[WAOT_POSIX_FEW_POLLS], *entries = few;
    if (count > WAOT_POSIX_FEW_POLLS) {
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
    long result = waot_call_poll(entries, used, timeout);
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
        waot_posix_poll_result(&polls[i], entry);
    }
    if (entries != few)
        waot_os_free_pages(entries, count * sizeof *entries);
    return waot_posix_result(result);
}
