/* Waiting, of os.h. */
#include <poll.h>

#include "system.h"

enum { WAOT_LINUX_FEW_POLLS = 16 };
enum { WAOT_LINUX_FUTEX_WAIT_PRIVATE = 128, WAOT_LINUX_FUTEX_WAKE_PRIVATE = 129 };

static void waot_linux_poll_result(struct waot_os_poll *poll, const struct pollfd *from)
{
    poll->invalid = (from->revents & POLLNVAL) != 0;
    poll->ready = (from->revents & ((poll->write ? POLLOUT : POLLIN) | POLLHUP | POLLERR)) != 0;
    poll->hangup = (from->revents & (POLLHUP | POLLERR)) != 0;
    poll->bytes = 0;
    int waiting = 0;
    if (poll->ready && !poll->write && WAOT_LINUX_CALL(SYS_ioctl, poll->handle, WAOT_LINUX_FIONREAD, &waiting) >= 0)
        poll->bytes = (uint64_t)waiting;
}

int64_t waot_os_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout)
{
    struct pollfd few[WAOT_LINUX_FEW_POLLS], *entries = few;
    if (count > WAOT_LINUX_FEW_POLLS) {
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
    struct waot_linux_timespec time = {(int64_t)(timeout / 1000000000), (int64_t)(timeout % 1000000000)};
    long result = waot_linux_wait_for(entries, used, timeout == UINT64_MAX ? NULL : &time);
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
        waot_linux_poll_result(&polls[i], entry);
    }
    if (entries != few)
        waot_os_free_pages(entries, count * sizeof *entries);
    return waot_linux_result(result);
}

void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    struct waot_linux_timespec time = {(int64_t)(timeout / 1000000000), (int64_t)(timeout % 1000000000)};
    waot_linux_futex(word, WAOT_LINUX_FUTEX_WAIT_PRIVATE, value, timeout == UINT64_MAX ? NULL : &time);
}

void waot_os_wake(const uint32_t *word)
{
    waot_linux_futex(word, WAOT_LINUX_FUTEX_WAKE_PRIVATE, 1, NULL);
}
