#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static void check(int value) {
    if (value != 4) {
        fprintf(stderr, "check failed: %d\n", value);
        abort();
    }
}

int main(int argc, char **argv) {
    (void)argv;
    puts("before");
    fflush(stdout);
    check(argc);
    return 0;
}
