/* As many threads as there may be; the one that may not is an error that the program sees, and goes on. */
#include "threads.h"

static _Atomic uint32_t go, left;

static void stay(void *argument)
{
    (void)argument;
    while (!atomic_load(&go))
        wait_while(&go, 0);
    atomic_fetch_add(&left, 1);
}

int main(void)
{
    uint32_t started = 0;
    int32_t said = 0;
    while (started < MOST_THREADS && (said = start(&threads[started], stay, NULL)) > 0)
        started++;
    printf("started %u, then %d\n", started, said);
    atomic_store(&go, 1);
    wake(&go, UINT32_MAX);
    for (uint32_t i = 0; i < started; i++)
        join(&threads[i]);
    printf("left %u\n", left);
    if (said < 0) { /* there is room again; the kernel may need a moment to see that */
        do
            said = start(&threads[0], stay, NULL);
        while (said < 0);
        join(&threads[0]);
        puts("again");
    }
    return 0;
}
