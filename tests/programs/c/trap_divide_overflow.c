#include <limits.h>
#include <stdio.h>

__attribute__((noinline)) static int quotient(volatile int *a, volatile int *b) { return *a / *b; }

int main(void) {
    int a = INT_MIN, b = -1;
    printf("before\n");
    fflush(stdout);
    printf("%d\n", quotient(&a, &b));
    return 0;
}
