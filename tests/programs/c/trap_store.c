#include <stdint.h>
#include <stdio.h>

__attribute__((noinline)) static void put(volatile uint8_t *to, int value) { *to = (uint8_t)value; }

int main(int argc, char **argv) {
    (void)argv;
    uint8_t here = 1;
    put(&here, 5);
    printf("%d\n", here);
    fflush(stdout);
    put((uint8_t *)(uintptr_t)0xfffffffeu, argc);
    puts("after");
    return 0;
}
