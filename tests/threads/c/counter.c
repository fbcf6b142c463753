/* Atomics, a mutex with plain variables behind it, and thread-local variables that differ. */
#include "threads.h"

enum { THREADS = 8, ROUNDS = 20000 };
static _Atomic uint64_t atomic_count;
static uint64_t guarded_count;
static mutex guard;
static _Thread_local uint32_t own = 7;
static uint32_t found[THREADS];

static void count(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&atomic_count, 1);
        own++;
        lock(&guard);
        guarded_count++;
        unlock(&guard);
    }
    found[(uintptr_t)argument] = own;
}

int main(void)
{
    for (uintptr_t i = 0; i < THREADS; i++)
        must_start(&threads[i], count, (void *)i);
    bool distinct = true, good = true;
    for (int i = 0; i < THREADS; i++) {
        join(&threads[i]);
        good &= found[i] == 7 + ROUNDS;
        for (int j = 0; j < i; j++)
            distinct &= threads[i].number != threads[j].number;
        good &= threads[i].number > 0 && threads[i].number < 1 << 29;
    }
    printf("%llu %llu %d %d %u\n", (unsigned long long)atomic_count, (unsigned long long)guarded_count, good, distinct,
           own);
    return 0;
}
