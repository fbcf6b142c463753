/* Waiting, of os.h. */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>

#include "system.h"

enum { WAOT_DARWIN_FEW_POLLS = 16 };

/* poll(2) takes no terminals and no other devices; it says that they are not open. */
static bool waot_darwin_has_device(const struct waot_os_poll *polls, size_t count)
{
    struct stat stat;
    for (size_t i = 0; i < count; i++)
        if (polls[i].handle >= 0 && fstat((int)polls[i].handle, &stat) == 0 && S_ISCHR(stat.st_mode))
            return true;
    return false;
}

static uint64_t waot_darwin_waiting_bytes(const struct waot_os_poll *poll)
{
    int waiting = 0;
    if (poll->ready && !poll->write && ioctl((int)poll->handle, FIONREAD, &waiting) == 0)
        return (uint64_t)waiting;
    return 0;
}

/* At least as long as asked, in whole milliseconds. */
static int waot_darwin_milliseconds(uint64_t timeout)
{
    if (timeout == UINT64_MAX)
        return -1;
    uint64_t milliseconds = timeout / 1000000 + (timeout % 1000000 != 0);
    return milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds;
}

static int64_t waot_darwin_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout, struct pollfd *entries)
{
    /* One entry for reading from and writing to the same: the kernel takes no more of them than there may be open files. */
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (polls[i].handle < 0)
            continue;
        if (used == 0 || entries[used - 1].fd != polls[i].handle)
            entries[used++] = (struct pollfd){(int)polls[i].handle, 0, 0};
        entries[used - 1].events |= polls[i].write ? POLLOUT : POLLIN;
    }
    long result = WAOT_DARWIN_CALL(poll(entries, (nfds_t)used, waot_darwin_milliseconds(timeout)));
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
        polls[i].invalid = (entry->revents & POLLNVAL) != 0;
        polls[i].ready = (entry->revents & ((polls[i].write ? POLLOUT : POLLIN) | POLLHUP | POLLERR)) != 0;
        polls[i].hangup = (entry->revents & (POLLHUP | POLLERR)) != 0;
        polls[i].bytes = waot_darwin_waiting_bytes(&polls[i]);
    }
    return waot_darwin_result(result);
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
    long result = WAOT_DARWIN_CALL(select((int)(words * 32), (fd_set *)(void *)both[0], (fd_set *)(void *)both[1], NULL,
                                          timeout == UINT64_MAX ? NULL : &time));
    if (result == -EINTR)
        return 0;
    for (size_t i = 0; result >= 0 && i < count; i++) {
        if (polls[i].handle < 0 || polls[i].invalid)
            continue;
        polls[i].ready = (both[polls[i].write][polls[i].handle / 32] >> polls[i].handle % 32 & 1) != 0;
        polls[i].bytes = waot_darwin_waiting_bytes(&polls[i]);
    }
    return waot_darwin_result(result);
}

int64_t waot_os_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout)
{
    union {
        struct pollfd entries[WAOT_DARWIN_FEW_POLLS];
        uint32_t sets[2 * FD_SETSIZE / 32];
    } few;
    bool device = waot_darwin_has_device(polls, count);
    waot_os_handle highest = 0;
    for (size_t i = 0; i < count; i++)
        highest = polls[i].handle > highest ? polls[i].handle : highest;
    size_t words = (size_t)highest / 32 + 1;
    size_t size = device ? 2 * words * sizeof few.sets[0] : count * sizeof few.entries[0];
    void *room = &few;
    if (size > (device ? sizeof few.sets : sizeof few.entries)) {
        room = waot_os_allocate_pages(size);
        if (room == NULL)
            return -WAOT_WASI_NOMEM;
    }
    __builtin_memset(room, 0, size);
    int64_t result = device ? waot_darwin_select(polls, count, timeout, room, words)
                            : waot_darwin_poll(polls, count, timeout, room);
    if (room != &few)
        waot_os_free_pages(room, size);
    return result;
}

/* Programs here have one thread: nobody changes the word meanwhile, and nobody is to be woken. */
void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    if (*word != value)
        return;
    struct timespec time = {(time_t)(timeout / 1000000000), (long)(timeout % 1000000000)};
    if (timeout == UINT64_MAX)
        time = (struct timespec){INT32_MAX, 0}; /* may return early */
    nanosleep(&time, NULL);
}

void waot_os_wake(const uint32_t *word)
{
    (void)word;
}
