/* Producers and consumers around a queue of eight, with a mutex and two conditions; then notify, which counts. */
#include "threads.h"

enum { PRODUCERS = 3, CONSUMERS = 2, EACH = 3000, ROOM = 8, END = -1 };
static mutex guard;
static condition changed;
static int32_t queue[ROOM];
static uint32_t first, used;
static uint64_t sums[CONSUMERS], counts[CONSUMERS];

static void put(int32_t value)
{
    lock(&guard);
    while (used == ROOM)
        await(&changed, &guard);
    queue[(first + used++) % ROOM] = value;
    signal_all(&changed);
    unlock(&guard);
}

static int32_t take(void)
{
    lock(&guard);
    while (used == 0)
        await(&changed, &guard);
    int32_t value = queue[first];
    first = (first + 1) % ROOM;
    used--;
    signal_all(&changed);
    unlock(&guard);
    return value;
}

static void produce(void *argument)
{
    for (int32_t i = 0; i < EACH; i++)
        put((int32_t)(uintptr_t)argument * EACH + i);
}

static void consume(void *argument)
{
    for (int32_t value; (value = take()) != END;) {
        sums[(uintptr_t)argument] += (uint64_t)value;
        counts[(uintptr_t)argument]++;
    }
}

/* ---- notify */

static _Atomic uint32_t door, waiting, woken;

static void knock(void *argument)
{
    (void)argument;
    atomic_fetch_add(&waiting, 1);
    if (__builtin_wasm_memory_atomic_wait32((int *)&door, 0, -1) == 0)
        atomic_fetch_add(&woken, 1);
}

int main(void)
{
    for (uintptr_t i = 0; i < PRODUCERS; i++)
        must_start(&threads[i], produce, (void *)i);
    for (uintptr_t i = 0; i < CONSUMERS; i++)
        must_start(&threads[PRODUCERS + i], consume, (void *)i);
    for (int i = 0; i < PRODUCERS; i++)
        join(&threads[i]);
    for (int i = 0; i < CONSUMERS; i++)
        put(END);
    uint64_t sum = 0, count = 0;
    for (int i = 0; i < CONSUMERS; i++) {
        join(&threads[PRODUCERS + i]);
        sum += sums[i];
        count += counts[i];
    }
    printf("%llu values, sum %llu\n", (unsigned long long)count, (unsigned long long)sum);

    for (int i = 0; i < 4; i++)
        must_start(&threads[i], knock, NULL);
    uint32_t told = 0;
    while (told < 2) /* however long they take to get to sleep */
        told += wake(&door, 1);
    printf("told %u\n", told);
    while (told < 4)
        told += wake(&door, UINT32_MAX);
    for (int i = 0; i < 4; i++)
        join(&threads[i]);
    printf("told %u, woken %u, then %u\n", told, woken, wake(&door, UINT32_MAX));

    uint32_t here = 5;
    printf("not equal %d, timed out %d\n", __builtin_wasm_memory_atomic_wait32((int *)&here, 4, -1),
           __builtin_wasm_memory_atomic_wait32((int *)&here, 5, 1000));
    return 0;
}
