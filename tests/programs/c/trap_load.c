#include <stdint.h>
#include <stdio.h>

__attribute__((noinline)) static int64_t fetch(const int64_t *from, int index) { return from[index]; }

int main(int argc, char **argv) {
    (void)argv;
    int64_t here = 77;
    printf("%lld\n", (long long)fetch(&here, 0));
    fflush(stdout);
    printf("%lld\n", (long long)fetch((const int64_t *)(uintptr_t)0xfffffff0u, argc));
    puts("after");
    return 0;
}
