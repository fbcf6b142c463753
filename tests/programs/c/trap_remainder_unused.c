/* The result is not used in any way: the trap must happen nevertheless. */
#include <stdint.h>
#include <stdio.h>

__attribute__((noinline)) static void waste(volatile uint64_t *a, volatile uint64_t *b) {
    volatile uint64_t sink;
    sink = *a % *b;
    (void)sink;
}

int main(int argc, char **argv) {
    (void)argv;
    uint64_t a = 10, b = (uint64_t)argc - 1;
    puts("before");
    fflush(stdout);
    waste(&a, &b);
    puts("after");
    return 0;
}
