/* Clocks and randomness: the system's, or where a seed was granted ones that follow from it and from the calls alone.
 *
 * From a seed: the realtime clock begins at 2000-01-01T00:00:00Z, the monotonic one at 0, and both go on by a
 * microsecond before each reading; sleeping puts them forward and takes no time. Random bytes are those of
 * xoshiro256**, which anybody can compute who knows the seed, or a few dozen of them: they are good for tests and
 * simulations, and no secret. */
#include "../core/lock.h"
#include "wasi.h"

#define WAOT_WASI_EPOCH INT64_C(946684800000000000) /* ns from 1970 to 2000 */
#define WAOT_WASI_STEP 1000u                        /* ns */
/* Past this the clocks stand still, and waiting is the system's: until then nobody can have read them. */
#define WAOT_WASI_END_OF_TIME (UINT64_C(1) << 62)

static struct {
    uint32_t lock; /* in a program with threads */
    uint64_t now;  /* ns since the start */
    uint64_t words[4];
} waot_wasi_deterministic;

static void waot_wasi_hold_time(void)
{
    if (WAOT_THREADS)
        waot_lock(&waot_wasi_deterministic.lock);
}

static void waot_wasi_release_time(void)
{
    if (WAOT_THREADS)
        waot_unlock(&waot_wasi_deterministic.lock);
}

void waot_wasi_seed(void)
{
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record)) {
        if (record.head->kind != WAOT_RECORD_SEED || record.head->size != sizeof(uint64_t))
            continue;
        uint64_t seed = *(const uint64_t *)(const void *)record.payload;
        /* splitmix64, as xoshiro's authors advise for the state: never all zeros. */
        for (int i = 0; i < 4; i++) {
            uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
            z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
            z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
            waot_wasi_deterministic.words[i] = z ^ z >> 31;
        }
        waot_wasi_state.seeded = true;
    }
}

static uint64_t waot_wasi_rotate(uint64_t value, int count)
{
    return value << count | value >> (64 - count);
}

static uint64_t waot_wasi_next_word(void)
{
    uint64_t *s = waot_wasi_deterministic.words;
    uint64_t word = waot_wasi_rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = waot_wasi_rotate(s[3], 45);
    return word;
}

int64_t waot_wasi_random(uint8_t *bytes, size_t size)
{
    if (!waot_wasi_is_deterministic())
        return waot_os_random(bytes, size);
    waot_wasi_hold_time();
    while (size > 0) { /* a call begins with a new word */
        uint64_t word = waot_wasi_next_word();
        for (int i = 0; i < 8 && size > 0; i++, size--, word >>= 8)
            *bytes++ = (uint8_t)word;
    }
    waot_wasi_release_time();
    return 0;
}

/* Puts the clocks forward: ns since the start. */
static uint64_t waot_wasi_pass(uint64_t time)
{
    waot_wasi_hold_time();
    uint64_t left = WAOT_WASI_END_OF_TIME - waot_wasi_deterministic.now;
    uint64_t now = waot_wasi_deterministic.now += time < left ? time : left;
    waot_wasi_release_time();
    return now;
}

static int64_t waot_wasi_clock_after(uint64_t time, uint32_t id)
{
    if (!waot_wasi_is_deterministic())
        return waot_os_clock(id);
    return (int64_t)waot_wasi_pass(time) + (id == WAOT_WASI_CLOCK_REALTIME ? WAOT_WASI_EPOCH : 0);
}

int64_t waot_wasi_clock_peek(uint32_t id)
{
    return waot_wasi_clock_after(0, id);
}

int64_t waot_wasi_clock_now(uint32_t id)
{
    return waot_wasi_clock_after(WAOT_WASI_STEP, id);
}

int64_t waot_wasi_clock_resolution(uint32_t id)
{
    return waot_wasi_is_deterministic() ? WAOT_WASI_STEP : waot_os_clock_resolution(id);
}

int64_t waot_wasi_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout)
{
    if (!waot_wasi_is_deterministic())
        return waot_os_poll(polls, count, timeout);
    bool waits = timeout > WAOT_WASI_END_OF_TIME - waot_wasi_pass(0); /* for what never comes */
    for (size_t i = 0; i < count; i++)
        waits |= polls[i].handle >= 0;
    int64_t ready = waits ? waot_os_poll(polls, count, timeout) : 0;
    if (ready == 0)
        waot_wasi_pass(timeout);
    return ready;
}
