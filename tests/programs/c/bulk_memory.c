/* memory.copy and memory.fill through the compiler, at sizes and overlaps where an implementation may slip. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint8_t area[300000], model[300000];
static volatile size_t hidden;

static uint32_t hash(void) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < sizeof area; i++)
        h = (h ^ area[i]) * 16777619u;
    return h;
}

static void move_slowly(uint8_t *to, const uint8_t *from, size_t count) {
    if (to < from)
        for (size_t i = 0; i < count; i++)
            ((volatile uint8_t *)to)[i] = from[i];
    else
        for (size_t i = count; i-- > 0;)
            ((volatile uint8_t *)to)[i] = from[i];
}

int main(void) {
    for (size_t i = 0; i < sizeof area; i++)
        area[i] = model[i] = (uint8_t)(i * 13 + (i >> 9));
    const size_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 255, 256, 1000, 4096, 65536, 100000};
    const int distances[] = {-100000, -4096, -17, -8, -3, -1, 0, 1, 2, 5, 16, 33, 4096, 65536};
    unsigned wrong = 0, done = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof distances / sizeof *distances; j++) {
            hidden = sizes[i];
            memmove(area + 120000 + distances[j], area + 120000, hidden);
            move_slowly(model + 120000 + distances[j], model + 120000, hidden);
            done++;
        }
    wrong += memcmp(area, model, sizeof area) != 0;
    printf("%u moves, wrong %u, hash %08x\n", done, wrong, hash());
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        hidden = sizes[i];
        memset(area + i * 7, (int)(i * 37 + 256), hidden);
        for (size_t k = 0; k < hidden; k++)
            ((volatile uint8_t *)model)[i * 7 + k] = (uint8_t)(i * 37);
    }
    wrong += memcmp(area, model, sizeof area) != 0;
    memcpy(area + 1, model + 200003, 90000);
    move_slowly(model + 1, model + 200003, 90000);
    wrong += memcmp(area, model, sizeof area) != 0;
    printf("wrong %u, hash %08x\n", wrong, hash());
    return (int)wrong;
}
