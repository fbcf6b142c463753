#include <stdio.h>

__attribute__((noinline)) static int quotient(volatile int *a, volatile int *b) { return *a / *b; }

int main(int argc, char **argv) {
    (void)argv;
    int a = 10, b = argc - 1;
    puts("before");
    fflush(stdout);
    printf("%d\n", quotient(&a, &b));
    return 0;
}
