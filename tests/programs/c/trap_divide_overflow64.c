#include <stdint.h>
#include <stdio.h>

__attribute__((noinline)) static int64_t quotient(volatile int64_t *a, volatile int64_t *b) { return *a / *b; }

int main(void) {
    int64_t a = INT64_MIN, b = -1;
    printf("before\n");
    fflush(stdout);
    printf("%d\n", (int)quotient(&a, &b));
    return 0;
}
