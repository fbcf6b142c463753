/* Endless recursion that holds values across the call in native registers and slots, not in linear memory. */
#include <stdint.h>
#include <stdio.h>

static volatile int stop;

__attribute__((noinline)) static uint32_t descend(uint32_t n) {
    if (stop)
        return n;
    return descend(n + 1) / (n | 1) + n;
}

int main(int argc, char **argv) {
    (void)argv;
    puts("before");
    fflush(stdout);
    printf("%u\n", descend((uint32_t)argc));
    return 0;
}
