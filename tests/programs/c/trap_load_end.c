/* One byte over the end of memory, by an address and an offset whose sum passes 2^32. */
#include <stdint.h>
#include <stdio.h>

struct far {
    char pad[0x7fffff00];
    uint8_t field; /* of a width of its own: loads of one width may become one, whose place is then not known */
};

__attribute__((noinline)) static uint32_t fetch(const volatile uint32_t *from) { return *from; }
__attribute__((noinline)) static uint8_t fetch_far(const volatile struct far *from) { return from->field; }

int main(int argc, char **argv) {
    (void)argv;
    uintptr_t end = __builtin_wasm_memory_size(0) * 65536;
    printf("%u\n", fetch((uint32_t *)(end - 4)));
    fflush(stdout);
    if (argc > 2)
        printf("%u\n", fetch_far((struct far *)0xfffffff0u));
    else if (argc > 1)
        printf("%u\n", fetch((uint32_t *)(end)));
    else
        printf("%u\n", fetch((uint32_t *)(end - 3)));
    puts("after");
    return 0;
}
