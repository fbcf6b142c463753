/* Ten thousand short threads, at most sixteen at a time. */
#include "threads.h"

enum { BATCH = 16, ALL = 10000 };
static _Atomic uint32_t ran;
static _Atomic uint64_t numbers;

static void run(void *argument)
{
    (void)argument;
    atomic_fetch_add(&ran, 1);
}

int main(void)
{
    for (uint32_t i = 0; i < ALL; i += BATCH) {
        for (int j = 0; j < BATCH; j++)
            must_start(&threads[j], run, NULL);
        for (int j = 0; j < BATCH; j++) {
            join(&threads[j]);
            numbers += (uint64_t)threads[j].number;
        }
    }
    printf("%u\n", ran);
    return 0;
}
