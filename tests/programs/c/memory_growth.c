/* Grows linear memory to 200 MB, keeps what was there, finds new pages zeroed, and is refused beyond the limit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    static uint32_t marker[4] = {0xfeedface, 2, 3, 4};
    enum { PAGE = 65536 };
    size_t before = __builtin_wasm_memory_size(0);
    unsigned char *first = (unsigned char *)(__builtin_wasm_memory_grow(0, 1) * PAGE);
    printf("grew by one %d\n", __builtin_wasm_memory_size(0) == before + 1);
    unsigned nonzero = 0;
    for (int i = 0; i < PAGE; i++)
        nonzero += first[i];
    first[PAGE - 1] = 7;
    printf("grow by zero %d\n", __builtin_wasm_memory_grow(0, 0) == before + 1);
    enum { BLOCK = 10 << 20, BLOCKS = 20 };
    unsigned char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK);
        if (!blocks[i]) {
            printf("block %d refused\n", i);
            return 1;
        }
        for (size_t j = 0; j < BLOCK; j += 4096)
            blocks[i][j] = (unsigned char)(i + (j >> 12));
    }
    unsigned wrong = 0;
    for (int i = 0; i < BLOCKS; i++)
        for (size_t j = 0; j < BLOCK; j += 4096)
            wrong += blocks[i][j] != (unsigned char)(i + (j >> 12));
    printf("at least 200 MB %d, nonzero %u, wrong %u, marker %x, last byte %d\n",
           __builtin_wasm_memory_size(0) >= 200 * 16, nonzero, wrong, marker[0], first[PAGE - 1]);
    size_t size = __builtin_wasm_memory_size(0);
    printf("beyond 4 GiB %zd\n", (ptrdiff_t)__builtin_wasm_memory_grow(0, 65536));
    printf("size unchanged %d\n", __builtin_wasm_memory_size(0) == size);
    return 0;
}
