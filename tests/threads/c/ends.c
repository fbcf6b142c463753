/* How a program with threads ends: the first argument says. Three threads that have nothing to do with it never end. */
#include "threads.h"

static _Atomic uint32_t spinning, never;
static const char *way;

static void spin(void *argument)
{
    (void)argument;
    atomic_fetch_add(&spinning, 1);
    for (;;)
        atomic_load(&never);
}

static void sleeper(void *argument)
{
    (void)argument;
    atomic_fetch_add(&spinning, 1);
    for (;;)
        wait_while(&never, 0);
}

/* In the kernel, in a call of WASI's. */
static void oversleep(void *argument)
{
    (void)argument;
    atomic_fetch_add(&spinning, 1);
    for (;;)
        usleep(1000000000);
}

__attribute__((noinline)) static int dive(volatile int depth)
{
    return depth == -1 ? 0 : dive(depth + 1) + depth;
}

__attribute__((noinline)) static void divide(volatile int by)
{
    printf("%d\n", 10 / by);
}

__attribute__((noinline)) static void reach(uint32_t at)
{
    *(volatile char *)at = 1;
}

__attribute__((noinline)) static void end(void *argument)
{
    (void)argument;
    while (atomic_load(&spinning) < 3)
        ;
    if (!strcmp(way, "trap") || !strcmp(way, "race"))
        divide(0);
    if (!strcmp(way, "memory"))
        reach(0xfffffff0);
    if (!strcmp(way, "exit"))
        _Exit(42);
    if (!strcmp(way, "stack"))
        dive(0);
}

int main(int argc, char **argv)
{
    way = argc > 1 ? argv[1] : "";
    must_start(&threads[0], spin, NULL);
    must_start(&threads[1], sleeper, NULL);
    must_start(&threads[2], oversleep, NULL);
    if (!strcmp(way, "return")) {
        while (atomic_load(&spinning) < 3)
            ;
        puts("returns");
        return 0;
    }
    if (!strcmp(way, "main")) {
        end(NULL);
        divide(0);
    }
    int count = strcmp(way, "race") ? 1 : 30;
    for (int i = 0; i < count; i++)
        must_start(&threads[3 + i], end, NULL);
    wait_while(&never, 0);
    return 7;
}
