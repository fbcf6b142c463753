/* A sum over many numbers, shared out among as many threads as the argument says. */
#include "threads.h"

static uint32_t count;
static uint64_t parts[MOST_THREADS];

static void add(void *argument)
{
    uint32_t part = (uint32_t)(uintptr_t)argument;
    uint64_t sum = 0;
    for (uint32_t i = part; i < 20u << 20; i += count) {
        uint32_t x = i * 2654435761u;
        x ^= x >> 15;
        sum += x * 2246822519u;
    }
    parts[part] = sum;
}

int main(int argc, char **argv)
{
    count = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    for (uintptr_t i = 0; i < count; i++)
        must_start(&threads[i], add, (void *)i);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        join(&threads[i]);
        sum += parts[i];
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
