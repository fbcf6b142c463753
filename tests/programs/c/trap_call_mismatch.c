#include <stdio.h>

static int (*volatile callback)(int);
static int twice(int v) { return v * 2; }
static double half(double v) { return v / 2; }
static double (*volatile keep)(double) = half;

__attribute__((noinline)) static int invoke(int v) { return callback(v) + 1; }

int main(int argc, char **argv) {
    (void)argv;
    callback = twice;
    printf("%d %g\n", invoke(argc), keep(argc));
    fflush(stdout);
    callback = (int (*)(int))(void (*)(void))keep;
    printf("%d\n", invoke(argc));
    return 0;
}
