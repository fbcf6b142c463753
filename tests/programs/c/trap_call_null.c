#include <stdio.h>

static int (*volatile callback)(int);
static int twice(int v) { return v * 2; }

__attribute__((noinline)) static int invoke(int v) { return callback(v) + 1; }

int main(int argc, char **argv) {
    (void)argv;
    callback = twice;
    printf("%d\n", invoke(argc));
    fflush(stdout);
    callback = 0;
    printf("%d\n", invoke(argc));
    return 0;
}
