/* poll_oneoff. */
#include "embed.h"

struct waot_wasi_subscription {
    uint64_t userdata;
    uint64_t deadline; /* ns on `clock` */
    uint8_t type;      /* WAOT_WASI_EVENT_* */
    uint8_t clock;
    uint16_t error;    /* known before waiting */
    uint64_t left;     /* of a regular file: the bytes behind its position, else UINT64_MAX */
    bool ready;        /* without waiting: it is embedded */
};

/* `from` is where the fields stand that every snapshot has: the number of the clock and what follows. */
static uint32_t waot_wasi_read_clock_subscription(const uint8_t *from, struct waot_wasi_subscription *subscription)
{
    uint32_t id = waot_guest_load_u32(from);
    uint16_t flags = waot_guest_load_u16(from + 24);
    uint64_t timeout = waot_guest_load_u64(from + 8);
    if (id > WAOT_WASI_CLOCK_MONOTONIC || (flags & ~WAOT_WASI_SUBSCRIPTION_CLOCK_ABSTIME) != 0)
        return WAOT_WASI_INVAL;
    bool absolute = (flags & WAOT_WASI_SUBSCRIPTION_CLOCK_ABSTIME) != 0;
    subscription->clock = absolute ? (uint8_t)id : WAOT_WASI_CLOCK_MONOTONIC; /* setting the time moves no duration */
    subscription->deadline = timeout;
    if (!absolute) {
        int64_t now = waot_wasi_clock_peek(WAOT_WASI_CLOCK_MONOTONIC);
        if (now < 0)
            return waot_wasi_result(now);
        subscription->deadline = timeout > UINT64_MAX - (uint64_t)now ? UINT64_MAX : (uint64_t)now + timeout;
    }
    return WAOT_WASI_SUCCESS;
}

/* A descriptor that cannot be waited for is an event of its own, not a failure of the call. */
static void waot_wasi_read_file_subscription(const uint8_t *from, struct waot_wasi_subscription *subscription,
                                             struct waot_os_poll *poll)
{
    bool write = subscription->type == WAOT_WASI_EVENT_FD_WRITE;
    struct waot_wasi_descriptor *descriptor;
    subscription->error = (uint16_t)waot_wasi_file(waot_guest_load_u32(from + 16), WAOT_WASI_RIGHT_POLL_FD_READWRITE,
                                                   &descriptor);
    subscription->left = UINT64_MAX;
    *poll = (struct waot_os_poll){.handle = -1, .write = write};
    if (subscription->error != WAOT_WASI_SUCCESS)
        return;
    poll->handle = descriptor->handle;
    subscription->ready = waot_wasi_is_embedded(descriptor);
    struct waot_os_stat stat;
    if (!write && waot_wasi_stat(descriptor, &stat) >= 0 && stat.filetype == WAOT_WASI_FILETYPE_REGULAR_FILE) {
        int64_t position = waot_wasi_seek_to(descriptor, 0, WAOT_WASI_WHENCE_CUR);
        subscription->left = position >= 0 && (uint64_t)position < stat.size ? stat.size - (uint64_t)position : 0;
    }
}

/* Nanoseconds until the deadline, 0 if it is past. */
static uint64_t waot_wasi_remaining(const struct waot_wasi_subscription *subscription)
{
    int64_t now = waot_wasi_clock_peek(subscription->clock);
    return now < 0 || (uint64_t)now >= subscription->deadline ? 0 : subscription->deadline - (uint64_t)now;
}

static void waot_wasi_store_event(uint8_t *to, const struct waot_wasi_subscription *subscription,
                                  const struct waot_os_poll *poll)
{
    __builtin_memset(to, 0, WAOT_WASI_SIZEOF_EVENT);
    waot_guest_store_u64(to, subscription->userdata);
    to[10] = subscription->type;
    if (subscription->type == WAOT_WASI_EVENT_CLOCK)
        return;
    uint16_t error = subscription->error;
    if (error == WAOT_WASI_SUCCESS && poll->invalid)
        error = WAOT_WASI_BADF;
    waot_guest_store_u16(to + 8, error);
    if (error != WAOT_WASI_SUCCESS)
        return;
    bool regular = subscription->left != UINT64_MAX;
    /* The system does not say how much can be written, only that something can; wasmtime says 1 too. */
    uint64_t bytes = regular ? subscription->left : poll->bytes;
    if (subscription->type == WAOT_WASI_EVENT_FD_WRITE)
        bytes = poll->hangup ? 0 : 1;
    waot_guest_store_u64(to + 16, bytes);
    if (regular ? subscription->left == 0 : poll->hangup)
        waot_guest_store_u16(to + 24, WAOT_WASI_EVENT_FD_HANGUP);
}

static bool waot_wasi_is_due(const struct waot_wasi_subscription *subscription, const struct waot_os_poll *poll)
{
    if (subscription->type == WAOT_WASI_EVENT_CLOCK)
        return waot_wasi_remaining(subscription) == 0;
    return subscription->error != WAOT_WASI_SUCCESS || subscription->ready || poll->ready || poll->invalid;
}

/* Subscription i waits for polls[i]; one that is a clock or an error leaves its poll without a handle. */
static uint32_t waot_wasi_read_subscriptions(const uint8_t *from, size_t count, size_t identifier,
                                             struct waot_wasi_subscription *subscriptions, struct waot_os_poll *polls)
{
    for (size_t i = 0; i < count; i++, from += WAOT_WASI_SIZEOF_SUBSCRIPTION + identifier) {
        uint8_t type = waot_guest_load_u8(from + 8);
        subscriptions[i] = (struct waot_wasi_subscription){.userdata = waot_guest_load_u64(from), .type = type};
        polls[i] = (struct waot_os_poll){.handle = -1};
        uint32_t error = WAOT_WASI_SUCCESS;
        if (type == WAOT_WASI_EVENT_CLOCK)
            error = waot_wasi_read_clock_subscription(from + 16 + identifier, &subscriptions[i]);
        else if (type <= WAOT_WASI_EVENT_FD_WRITE)
            waot_wasi_read_file_subscription(from, &subscriptions[i], &polls[i]);
        else
            error = WAOT_WASI_INVAL;
        if (error != WAOT_WASI_SUCCESS)
            return error;
    }
    return WAOT_WASI_SUCCESS;
}

/* How long waiting may last: until the first clock, not at all if an error is to be told. */
static uint64_t waot_wasi_timeout(const struct waot_wasi_subscription *subscriptions, size_t count)
{
    uint64_t timeout = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (subscriptions[i].error != WAOT_WASI_SUCCESS || subscriptions[i].ready)
            return 0;
        if (subscriptions[i].type != WAOT_WASI_EVENT_CLOCK)
            continue;
        uint64_t remaining = waot_wasi_remaining(&subscriptions[i]);
        if (remaining < timeout)
            timeout = remaining;
    }
    return timeout;
}

/* Waits, then stores the events of what is due: their number, or minus an errno. */
static int64_t waot_wasi_wait(uint8_t *out, size_t count, const struct waot_wasi_subscription *subscriptions,
                              struct waot_os_poll *polls)
{
    for (;;) {
        int64_t result = waot_wasi_poll(polls, count, waot_wasi_timeout(subscriptions, count));
        if (result < 0)
            return result;
        int64_t events = 0;
        for (size_t i = 0; i < count; i++)
            if (waot_wasi_is_due(&subscriptions[i], &polls[i]))
                waot_wasi_store_event(out + WAOT_WASI_SIZEOF_EVENT * (size_t)events++, &subscriptions[i], &polls[i]);
        if (events > 0)
            return events;
    }
}

/* `identifier` is the size of what stands in a subscription before a clock's number: nothing, or a u64 in snapshot 0. */
static uint32_t waot_wasi_poll_all(struct waot_memory *memory, uint32_t in, uint32_t out, uint32_t nsubscriptions,
                               uint32_t nevents, size_t identifier)
{
    enum { FEW = 8 };
    struct waot_wasi_subscription few_subscriptions[FEW];
    struct waot_os_poll few_polls[FEW];
    struct waot_wasi_subscription *subscriptions = few_subscriptions;
    struct waot_os_poll *polls = few_polls;

    uint8_t *from, *to, *to_count;
    if (!waot_guest_range(memory, in, nsubscriptions * (uint64_t)(WAOT_WASI_SIZEOF_SUBSCRIPTION + identifier), &from) ||
        !waot_guest_range(memory, out, (uint64_t)nsubscriptions * WAOT_WASI_SIZEOF_EVENT, &to) ||
        !waot_guest_range(memory, nevents, 4, &to_count))
        return WAOT_WASI_FAULT;
    size_t count = nsubscriptions;
    if (count == 0)
        return WAOT_WASI_INVAL;
    size_t size = count * (sizeof *subscriptions + sizeof *polls);
    if (count > FEW) {
        subscriptions = waot_os_allocate_pages(size);
        if (subscriptions == NULL)
            return WAOT_WASI_NOMEM;
        polls = (struct waot_os_poll *)(subscriptions + count);
    }
    int64_t result = -(int64_t)waot_wasi_read_subscriptions(from, count, identifier, subscriptions, polls);
    if (result == 0)
        result = waot_wasi_wait(to, count, subscriptions, polls);
    if (count > FEW)
        waot_os_free_pages(subscriptions, size);
    if (result < 0)
        return waot_wasi_result(result);
    waot_guest_store_u32(to_count, (uint32_t)result);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_poll_oneoff(struct waot_memory *memory, uint32_t in, uint32_t out, uint32_t nsubscriptions,
                               uint32_t nevents)
{
    return waot_wasi_poll_all(memory, in, out, nsubscriptions, nevents, 0);
}

uint32_t waot_wasi_unstable_poll_oneoff(struct waot_memory *memory, uint32_t in, uint32_t out, uint32_t nsubscriptions,
                                        uint32_t nevents)
{
    return waot_wasi_poll_all(memory, in, out, nsubscriptions, nevents, sizeof(uint64_t));
}
