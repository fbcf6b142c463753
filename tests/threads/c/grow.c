/* memory.grow by several threads at once: each page is given once, zero, and seen by all. */
#include "threads.h"

enum { THREADS = 4, EACH = 50, PAGE = 65536 };
static uint32_t got[THREADS][EACH];

static void grow(void *argument)
{
    for (int i = 0; i < EACH; i++) {
        uint32_t page = (uint32_t)__builtin_wasm_memory_grow(0, 1);
        got[(uintptr_t)argument][i] = page;
        volatile uint32_t *words = (volatile uint32_t *)(page * PAGE);
        if (words[0] != 0 || words[PAGE / 4 - 1] != 0 || __builtin_wasm_memory_size(0) <= page)
            __builtin_trap();
        words[0] = page;
        words[PAGE / 4 - 1] = (uint32_t)(uintptr_t)argument;
    }
}

int main(void)
{
    uint32_t before = (uint32_t)__builtin_wasm_memory_size(0);
    for (uintptr_t i = 0; i < THREADS; i++)
        must_start(&threads[i], grow, (void *)i);
    for (int i = 0; i < THREADS; i++)
        join(&threads[i]);
    static bool seen[THREADS * EACH];
    uint32_t good = 0;
    for (uint32_t i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++) {
            uint32_t page = got[i][j], number = page - before;
            const uint32_t *words = (const uint32_t *)(page * PAGE);
            good += number < THREADS * EACH && !seen[number] && words[0] == page && words[PAGE / 4 - 1] == i;
            seen[number] = true;
        }
    printf("%u good, grown by %u\n", good, (uint32_t)__builtin_wasm_memory_size(0) - before);
    printf("too much: %d\n", (int)__builtin_wasm_memory_grow(0, 65536));
    return 0;
}
